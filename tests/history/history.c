#include "history/history.h"

#include <stdlib.h>
#include <string.h>

#include <mpi.h>

void history_reserve(history *h, size_t more)
{
    if (h->room - h->used >= more) return;
    size_t room = h->used + more;
    event *e = realloc(h->event, room * sizeof *e);
    if (!e) {
        h->lost = true;
        return;
    }
    h->event = e;
    h->room = room;
}

void history_add(history *h, const event *e)
{
    if (h->used == h->room) history_reserve(h, h->room + 1024);
    if (h->used < h->room)
        h->event[h->used++] = *e;
    else
        h->lost = true;
}

void history_take(history *h, history *from)
{
    for (size_t i = 0; i < from->used; i++) history_add(h, &from->event[i]);
    h->lost |= from->lost;
    history_fini(from);
}

void history_fini(history *h)
{
    free(h->event);
    *h = (history){0};
}

bool history_gather(history *h)
{
    int rank, size, mine = (int)h->used, lost = h->lost, any_lost;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int *count = calloc((size_t)size, sizeof *count), *offset = calloc((size_t)size, sizeof *offset);
    event *all = NULL;
    size_t total = 0;
    if (!count || !offset) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Gather(&mine, 1, MPI_INT, count, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int r = 0; rank == 0 && r < size; r++) {
        offset[r] = (int)total;
        total += (size_t)count[r];
    }
    if (rank == 0 && total > 0 && !(all = malloc(total * sizeof *all))) MPI_Abort(MPI_COMM_WORLD, 1);

    MPI_Datatype record;
    MPI_Type_contiguous((int)sizeof(event), MPI_BYTE, &record);
    MPI_Type_commit(&record);
    MPI_Gatherv(h->event, mine, record, all, count, offset, record, 0, MPI_COMM_WORLD);
    MPI_Type_free(&record);
    MPI_Allreduce(&lost, &any_lost, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    free(count);
    free(offset);
    history_fini(h);
    *h = (history){.event = all, .used = total, .room = total};
    return !any_lost;
}
