#include "optimizer/plugins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backtest/backtest.h"
#include "backtest/host.h"
#include "core/hash.h"
#include "mpi/comm.h"
#include "optimizer/guard.h"

bp_status bp__strategy_named(const char *name, bp__plugin **plugin, const bp_strategy **strategy)
{
    *plugin = NULL;
    *strategy = NULL;
    if (!bp__plugin_is_named(name)) return bp__builtin_find(name, strategy);
    bp__guard_loading(name);
    bp_status s = bp__plugin_open(name, bp__host(), plugin);
    bp__guard_loaded();
    BP_TRY(s);
    if (bp__failed(bp__plugin_strategy(*plugin, strategy))) *strategy = NULL;
    return BP_OK;
}

/* What a rank has to tell of its plug-in. */
typedef struct word {
    char host[64];
    char hash[BP__HASH_TEXT];   /* "": it has none */
    char search[BP__HASH_TEXT]; /* of its text, where files of results are part of the options; else "" */
} word;

/* A failure of some ranks is one of their nodes. */
static bp_status name_node(const char *host, bp_status s)
{
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s", bp_error_text());
    return bp__fail(s, "on node %s: %.400s", host, text);
}

static bp_status compare(const char *strategy, const word *mine, const word *first)
{
    if (strcmp(mine->hash, first->hash) == 0) return BP_OK;
    BP_FAIL(
        BP_ECHANGED,
        "--strategy: %.160s has content %.12s on node %s, but %.12s on node %s; put one file where all nodes see it, "
        "and do not build it meanwhile",
        strategy, mine->hash, mine->host, first->hash, first->host);
}

/* What was read on each node has come to the same search. */
static bp_status compare_searches(const bp__options *o, const word *mine, const word *first)
{
    if (strcmp(mine->search, first->search) == 0) return BP_OK;
    BP_FAIL(
        BP_ECHANGED,
        "--from: %.160s has other combinations on node %s than on node %s; put one file where all nodes see it, and "
        "do not write it meanwhile",
        o->from ? o->from : "", mine->host, first->host);
}

static bp_status hash_search(const bp__options *o, char hash[BP__HASH_TEXT])
{
    char *text;
    if (!o->from) return BP_OK;
    BP_TRY(bp__spec_text(&o->spec, &text));
    bp_status s = bp__bytes_hash(text, strlen(text), hash);
    free(text);
    return s;
}

bp_status bp__plugin_alike(const bp__options *o, bp_status s)
{
    int failed = bp__failed(s), some, all;
    word mine = {.hash = ""}, first;
    BP_MPI(MPI_Allreduce(&failed, &some, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD));
    BP_MPI(MPI_Allreduce(&failed, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD));
    if (gethostname(mine.host, sizeof mine.host) != 0) strcpy(mine.host, "?");
    mine.host[sizeof mine.host - 1] = '\0';
    if (failed) return all ? s : name_node(mine.host, s);
    if (some) return BP_OK; /* the others tell why */
    if (o->plugin) snprintf(mine.hash, sizeof mine.hash, "%s", bp__plugin_hash(o->plugin));
    bp_status hashed = hash_search(o, mine.search);
    first = mine;
    BP_MPI(MPI_Bcast(&first, (int)sizeof first, MPI_BYTE, 0, MPI_COMM_WORLD));
    BP_TRY(hashed);
    BP_TRY(compare(o->strategy ? o->strategy : "", &mine, &first));
    return compare_searches(o, &mine, &first);
}
