#include "mpi/preflight.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"

/* What the library tells of itself ------------------------------------------------------------------ */

enum { TEXT_ROOM = 4096 }; /* Open MPI's strings have 2048 at most */

static bool has_variable(const char *name)
{
    int index;
    return MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS;
}

/* A variable of the library's; *is_text: it went to `text`, else to `number`. @return false: there is none */
static bool read_variable(const char *name, char text[TEXT_ROOM], int *number, bool *is_text)
{
    MPI_T_cvar_handle handle;
    MPI_T_enum values;
    MPI_Datatype type;
    int index, count, verbosity, bind, scope, length = 0, help_length = 0;
    if (MPI_T_cvar_get_index(name, &index) != MPI_SUCCESS ||
        MPI_T_cvar_get_info(index, NULL, &length, &verbosity, &type, &values, NULL, &help_length, &bind,
                            &scope) != MPI_SUCCESS ||
        bind != MPI_T_BIND_NO_OBJECT || MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) != MPI_SUCCESS)
        return false;
    *is_text = type == MPI_CHAR;
    bool fits = *is_text ? count < TEXT_ROOM : type == MPI_INT && count == 1;
    bool ok = fits && MPI_T_cvar_read(handle, *is_text ? (void *)text : number) == MPI_SUCCESS;
    MPI_T_cvar_handle_free(&handle);
    return ok;
}

static bool read_text(const char *name, char text[TEXT_ROOM])
{
    bool is_text = false;
    int number;
    memset(text, 0, TEXT_ROOM);
    return read_variable(name, text, &number, &is_text) && is_text && text[0] != '\0';
}

static int read_number(const char *name)
{
    bool is_text = true;
    char text[TEXT_ROOM];
    int number = 0;
    return read_variable(name, text, &number, &is_text) && !is_text ? number : 0;
}

static bool set_folder(bp__backing *b, const char *folder, const char *setting)
{
    size_t n = strlen(folder);
    if (n >= sizeof b->folder) return false;
    memcpy(b->folder, folder, n + 1);
    snprintf(b->setting, sizeof b->setting, "%s", setting);
    return true;
}

/* Open MPI: one of its components `shmem` makes the memory of a window. Only the variables of the component
 * that it has chosen are there. */
static void ask_open_mpi(bp__backing *b)
{
    char text[TEXT_ROOM];
    if (has_variable("shmem_sysv_priority")) {
        b->kind = BP__BACKING_SYSV;
        return;
    }
    if (has_variable("shmem_posix_priority")) { /* shm_open() */
        set_folder(b, BP__SHM_DIR, "");
        return;
    }
    if (read_text("osc_sm_backing_directory", text)) set_folder(b, text, "OMPI_MCA_osc_sm_backing_directory");
    int relocate = read_number("shmem_mmap_relocate_backing_file");
    if (relocate != 0 && read_text("shmem_mmap_backing_file_base_dir", text) &&
        (relocate > 0 || access(text, W_OK) == 0))
        set_folder(b, text, "OMPI_MCA_shmem_mmap_backing_file_base_dir");
}

static void ask(bp__backing *backing)
{
    int provided;
    bp__backing_default(backing);
    if (MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS) return;
    ask_open_mpi(backing);
    MPI_T_finalize();
}

/* A library that runs has settled on its components, and it takes Open MPI 10 ms to list its variables: so
 * it is asked once. */
void bp__backing_find(int processes, bp__backing *backing)
{
    static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;
    static bp__backing answer;
    static bool answered;
    int running = 0;
    if (processes == 1) {
        *backing = (bp__backing){.kind = BP__BACKING_ANONYMOUS};
        return;
    }
    pthread_mutex_lock(&asking);
    if (!answered) ask(&answer);
    answered = MPI_Initialized(&running) == MPI_SUCCESS && running;
    *backing = answer;
    pthread_mutex_unlock(&asking);
}

bp_status bp__backing_agree(const bp__topology *top, bp__backing *backing)
{
    if (top->node_rank == 0) bp__backing_find(top->node_size, backing);
    BP_MPI(MPI_Bcast(backing, (int)sizeof *backing, MPI_BYTE, 0, top->node));
    return BP_OK;
}

/* Trial ------------------------------------------------------------------------------------------ */

static bp_status blame_node(const bp__topology *top, const char *what, bp_status s)
{
    char text[BP_ERROR_TEXT_MAX];
    if (s == BP_OK) return s;
    snprintf(text, sizeof text, "%s", bp_error_text());
    return bp__fail(s, "node %s, memory for %s: %.400s", top->host, what, text);
}

static bp_status join(const bp__topology *top, const bp__backing *backing, uint64_t bytes, bp__trial *trial)
{
    bp__trial_name name = trial->name;
    BP_MPI(MPI_Bcast(&name, (int)sizeof name, MPI_BYTE, 0, top->node));
    return top->node_rank == 0 ? BP_OK : bp__trial_join(backing, &name, bytes, trial);
}

bp_status bp__preflight(const bp__topology *top, const bp__backing *backing, const char *what, uint64_t bytes)
{
    bp__trial trial = {0};
    bp_status s = top->node_rank == 0 ? bp__trial_make(backing, bytes, &trial) : BP_OK;
    s = bp__agree(top->world, blame_node(top, what, s));
    if (s == BP_OK) /* what was made stays until the last has joined */
        s = bp__agree(top->world, blame_node(top, what, join(top, backing, bytes, &trial)));
    bp__trial_end(&trial);
    return s;
}
