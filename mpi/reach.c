#include "mpi/reach.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "mpi/await.h"
#include "mpi/links.h"

#define BAD_NEWS_MS 500  /* for what rank 0 says to leave */
#define SLACK_MS    3000 /* for rank 0, and then what it says, to come after the timeout */

enum { TAG_HERE = 1, TAG_TRY, TAG_HELLO, TAG_TRIED, TAG_VERDICT };

typedef struct peer {
    int rank;
    char host[BP__HOST_MAX];
} peer;

/* What rank 0 tells a rank: whom to try; or how it went. */
typedef struct word {
    int code, num_peers;
    peer peer[BP__LINKS_MAX];
    char text[BP_ERROR_TEXT_MAX];
} word;

/* All that MPI may still use when a wait is given up: one block, allocated and freed as a whole. */
typedef struct meeting {
    MPI_Comm comm;
    int rank, num_ranks;
    int64_t timeout_ms;
    char host[BP__HOST_MAX];
    word out, in;
    MPI_Request hello[2 * BP__LINKS_MAX];
    MPI_Request sent[2]; /* of others than rank 0: to it */
    bool unsent;         /* rank 0 could not tell all */
    /* of rank 0: [num_ranks] each */
    MPI_Request *request;
    char (*hosts)[BP__HOST_MAX];
    word *words, *reports; /* to each rank, and from each */
} meeting;

static void destroy(meeting *m)
{
    free(m->request);
    free(m->hosts);
    free(m->words);
    free(m->reports);
    free(m);
}

/* MPI may still use it: it is left where it is. */
static void leave(meeting *m)
{
    bp__await_leave(m->request);
    bp__await_leave(m->hosts);
    bp__await_leave(m->words);
    bp__await_leave(m->reports);
    bp__await_leave(m);
}

static bp_status create(MPI_Comm comm, int64_t timeout_ms, meeting **out)
{
    meeting *m = calloc(1, sizeof *m);
    *out = NULL;
    if (!m) BP_FAIL(BP_ENOMEM, "no memory to try the links between the ranks");
    m->comm = comm;
    m->timeout_ms = timeout_ms;
    m->sent[0] = m->sent[1] = MPI_REQUEST_NULL;
    if (gethostname(m->host, sizeof m->host) != 0) strcpy(m->host, "?");
    m->host[sizeof m->host - 1] = '\0';
    int rc = MPI_Comm_rank(comm, &m->rank);
    if (rc == MPI_SUCCESS) rc = MPI_Comm_size(comm, &m->num_ranks);
    const size_t n = m->rank == 0 ? (size_t)m->num_ranks : 1;
    m->request = calloc(n, sizeof *m->request);
    m->hosts = calloc(n, sizeof *m->hosts);
    m->words = calloc(n, sizeof *m->words);
    m->reports = calloc(n, sizeof *m->reports);
    if (rc == MPI_SUCCESS && m->request && m->hosts && m->words && m->reports) {
        *out = m;
        return BP_OK;
    }
    destroy(m);
    if (rc != MPI_SUCCESS) return bp__mpi_failed(rc, "MPI_Comm_rank");
    BP_FAIL(BP_ENOMEM, "no memory to try the links between %zu ranks", n);
}

static bp_status check_time(const void *deadline)
{
    return bp__deadline_passed(deadline) ? BP_ETIMEOUT : BP_OK;
}

/* Wait for all of some requests, until a deadline. @param[out] missing  the first that is not done; -1: none */
static bp_status await_all(MPI_Request *request, int num, const struct timespec *deadline, int *missing)
{
    const bp__watch watch = {check_time, deadline};
    *missing = -1;
    for (int i = 0; i < num; i++) {
        const bp_status s = bp__await(&request[i], MPI_STATUS_IGNORE, &watch);
        if (s == BP_ETIMEOUT && *missing < 0) *missing = i;
        if (bp__failed(s) && s != BP_ETIMEOUT) return s;
    }
    return BP_OK;
}

/* Machines ----------------------------------------------------------------------------------------- */

/* The machines' first ranks, in order. @return how many there are */
static int find_machines(const meeting *m, int *first)
{
    int num = 0;
    for (int r = 0; r < m->num_ranks; r++) {
        int k = 0;
        while (k < num && strcmp(m->hosts[first[k]], m->hosts[r]) != 0) k++;
        if (k == num) first[num++] = r;
    }
    return num;
}

/* Rank 0: write to each rank's word whom it has to try. */
static bp_status assign(meeting *m)
{
    int *first = calloc((size_t)m->num_ranks, sizeof *first);
    if (!first) BP_FAIL(BP_ENOMEM, "no memory to tell %d ranks whom to reach", m->num_ranks);
    const int num = find_machines(m, first);
    for (int k = 0; k < num; k++) {
        word *w = &m->words[first[k]];
        bp__links links;
        bp__links_init(&links, k, num, m->timeout_ms);
        for (unsigned i = 0; i < links.num; i++) {
            peer *p = &w->peer[w->num_peers++];
            p->rank = first[links.link[i].node];
            memcpy(p->host, m->hosts[p->rank], sizeof p->host);
        }
    }
    free(first);
    return BP_OK;
}

/* Steps -------------------------------------------------------------------------------------------- */

static bp_status try_peers(meeting *m, const word *w)
{
    const struct timespec deadline = bp__deadline(m->timeout_ms);
    int missing;
    for (int i = 0; i < w->num_peers; i++) {
        BP_MPI(MPI_Irecv(NULL, 0, MPI_BYTE, w->peer[i].rank, TAG_HELLO, m->comm, &m->hello[2 * i]));
        BP_MPI(MPI_Isend(NULL, 0, MPI_BYTE, w->peer[i].rank, TAG_HELLO, m->comm, &m->hello[2 * i + 1]));
    }
    BP_TRY(await_all(m->hello, 2 * w->num_peers, &deadline, &missing));
    if (missing < 0) return BP_OK;
    const peer *p = &w->peer[missing / 2];
    BP_FAIL(
        BP_EMPI,
        "rank %d (%s) cannot reach rank %d (%s) within link_timeout_ms = %lld: repair the link between the two, or "
        "leave one of them out",
        m->rank, m->host, p->rank, p->host, (long long)m->timeout_ms);
}

static void set_code(word *w, bp_status s)
{
    w->code = (int)s;
    snprintf(w->text, sizeof w->text, "%s", bp__failed(s) ? bp_error_text() : "");
}

/* Rank 0: tell all how it stands. Bad news wait for nobody: whoever cannot be reached finds out by the silence. */
static bp_status tell_all(meeting *m, int tag, bp_status so_far)
{
    const struct timespec deadline =
        bp__deadline(bp__failed(so_far) ? BAD_NEWS_MS : m->timeout_ms + SLACK_MS);
    int missing;
    for (int r = 0; r < m->num_ranks; r++) set_code(&m->words[r], so_far);
    for (int r = 1; r < m->num_ranks; r++)
        BP_MPI(MPI_Isend(&m->words[r], (int)sizeof(word), MPI_BYTE, r, tag, m->comm, &m->request[r]));
    const bp_status s = await_all(m->request + 1, m->num_ranks - 1, &deadline, &missing);
    m->unsent |= missing >= 0;
    return s;
}

static bp_status hear_all(meeting *m)
{
    const struct timespec deadline = bp__deadline(m->timeout_ms);
    int missing;
    memcpy(m->hosts[0], m->host, sizeof m->host);
    for (int r = 1; r < m->num_ranks; r++)
        BP_MPI(MPI_Irecv(m->hosts[r], BP__HOST_MAX, MPI_CHAR, r, TAG_HERE, m->comm, &m->request[r]));
    BP_TRY(await_all(m->request + 1, m->num_ranks - 1, &deadline, &missing));
    if (missing < 0) return BP_OK;
    BP_FAIL(
        BP_EMPI,
        "rank 0 (%s) cannot reach rank %d within link_timeout_ms = %lld: the link to its host is dead, or it stands "
        "still",
        m->host, missing + 1, (long long)m->timeout_ms);
}

/* Rank 0: how those have fared who had somebody to try. */
static bp_status hear_tried(meeting *m)
{
    const struct timespec deadline = bp__deadline(m->timeout_ms + SLACK_MS / 2);
    int missing;
    for (int r = 0; r < m->num_ranks; r++) m->request[r] = MPI_REQUEST_NULL;
    bp_status s = try_peers(m, &m->words[0]);
    if (bp__failed(s)) return s;
    for (int r = 1; r < m->num_ranks; r++)
        if (m->words[r].num_peers > 0)
            BP_MPI(MPI_Irecv(&m->reports[r], (int)sizeof(word), MPI_BYTE, r, TAG_TRIED, m->comm,
                             &m->request[r]));
    BP_TRY(await_all(m->request + 1, m->num_ranks - 1, &deadline, &missing));
    for (int r = 1; r < m->num_ranks; r++) {
        const word *w = &m->reports[r];
        if (bp__failed((bp_status)w->code)) return bp__fail_text((bp_status)w->code, w->text);
    }
    if (missing < 0) return BP_OK;
    BP_FAIL(BP_EMPI, "rank 0 (%s) no longer hears of rank %d (%s)", m->host, missing + 1,
            m->hosts[missing + 1]);
}

static bp_status lead(meeting *m)
{
    bp_status s = hear_all(m);
    if (s == BP_OK) s = assign(m);
    BP_TRY(tell_all(m, TAG_TRY, s));
    if (bp__failed(s)) return bp__fail_text(s, m->words[0].text);
    s = hear_tried(m);
    BP_TRY(tell_all(m, TAG_VERDICT, s));
    return bp__failed(s) ? bp__fail_text(s, m->words[0].text) : BP_OK;
}

/* What rank 0 says. */
static bp_status hear(meeting *m, int tag)
{
    const struct timespec deadline = bp__deadline(m->timeout_ms + SLACK_MS);
    int missing;
    BP_MPI(MPI_Irecv(&m->in, (int)sizeof m->in, MPI_BYTE, 0, tag, m->comm, &m->request[0]));
    BP_TRY(await_all(m->request, 1, &deadline, &missing));
    if (missing >= 0)
        BP_FAIL(BP_EMPI, "rank %d (%s) cannot reach rank 0 within link_timeout_ms = %lld", m->rank, m->host,
                (long long)m->timeout_ms);
    return bp__failed((bp_status)m->in.code) ? bp__fail_text((bp_status)m->in.code, m->in.text) : BP_OK;
}

static bp_status follow(meeting *m)
{
    BP_MPI(MPI_Isend(m->host, BP__HOST_MAX, MPI_CHAR, 0, TAG_HERE, m->comm, &m->sent[0]));
    BP_TRY(hear(m, TAG_TRY));
    if (m->in.num_peers > 0) {
        set_code(&m->out, try_peers(m, &m->in));
        m->out.num_peers = m->in.num_peers;
        BP_MPI(MPI_Isend(&m->out, (int)sizeof m->out, MPI_BYTE, 0, TAG_TRIED, m->comm, &m->sent[1]));
    }
    const bp_status s = hear(m, TAG_VERDICT);
    if (s == BP_OK) BP_MPI(MPI_Waitall(2, m->sent, MPI_STATUSES_IGNORE)); /* rank 0 has heard both */
    return s;
}

bp_status bp__reach(MPI_Comm comm, int64_t timeout_ms)
{
    meeting *m;
    BP_TRY(create(comm, timeout_ms, &m));
    assert(m);
    bp_status s = m->rank == 0 ? lead(m) : follow(m);
    if (bp__failed(s) || m->unsent)
        leave(m);
    else
        destroy(m);
    return s;
}
