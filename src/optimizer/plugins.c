#include "optimizer/plugins.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backtest/backtest.h"
#include "backtest/description.h"
#include "backtest/host.h"
#include "backtest/plugin.h"
#include "core/hash.h"
#include "mpi/comm.h"
#include "optimizer/guard.h"

/* Shared objects ---------------------------------------------------------------------------------- */

static bool is_plugin(void *context, const char *name)
{
    (void)context;
    return bp__plugin_is_named(name);
}

static bp_status open_plugin(void *context, const char *name, bp__provided *provided)
{
    bp__plugin *plugin;
    (void)context;
    BP_TRY(bp__plugin_open(name, bp__host(), &plugin));
    provided->own = plugin;
    provided->strategy = bp__plugin_strategies(plugin, &provided->count);
    if (bp__failed(bp__plugin_strategy(plugin, &provided->named))) provided->named = NULL;
    provided->file = bp__plugin_file(plugin);
    snprintf(provided->hash, sizeof provided->hash, "%s", bp__plugin_hash(plugin));
    return BP_OK;
}

static void close_plugin(void *context, bp__provided *provided)
{
    bp__plugin *plugin = provided->own;
    (void)context;
    bp__plugin_close(&plugin);
}

static const bp__provider plugins = {.is_named = is_plugin, .open = open_plugin, .close = close_plugin};

/* What a provider has ----------------------------------------------------------------------------- */

static bp_status check_hash(const bp__provided *p)
{
    if (memchr(p->hash, '\0', sizeof p->hash) && strlen(p->hash) == BP__HASH_DIGITS &&
        strspn(p->hash, "0123456789abcdef") == BP__HASH_DIGITS)
        return BP_OK;
    BP_FAIL(BP_EFORMAT, "%.200s: its hash is not %d lower-case hex digits", p->file, BP__HASH_DIGITS);
}

/* Another program's code is behind it: what it says of its strategies is looked at as a plug-in's is. */
static bp_status check_provided(const char *name, const bp__provided *p)
{
    const bp_module module = {.abi = BP_STRATEGY_ABI, .count = (uint32_t)p->count, .strategy = p->strategy};
    bool is_there = !p->named;
    if (!p->file || !*p->file) BP_FAIL(BP_EFORMAT, "%.200s: what it is from has no name", name);
    if (p->count == 0 || !p->strategy) BP_FAIL(BP_EFORMAT, "%.200s: there is no strategy in it", p->file);
    if (p->count > UINT32_MAX) BP_FAIL(BP_EFORMAT, "%.200s: %zu strategies are too many", p->file, p->count);
    BP_TRY(bp__description_check(p->file, &module, BP__NAMES_OF_ANY_CASE));
    for (size_t i = 0; i < p->count; i++) is_there |= p->strategy[i] == p->named;
    if (!is_there) BP_FAIL(BP_EFORMAT, "%.200s: the strategy that was named is none of it", p->file);
    return check_hash(p);
}

static bp_status open_named(bp__options *o, const bp__provider *provider, const char *name)
{
    o->provided = (bp__provided){.count = 0};
    bp__guard_loading(name);
    bp_status s = provider->open(provider->context, name, &o->provided);
    bp__guard_loaded();
    if (s == BP_OK)
        o->provided_by = provider; /* to be closed, whatever it is */
    else
        o->provided = (bp__provided){.count = 0};
    if (s == BP_OK && provider != &plugins) s = check_provided(name, &o->provided);
    return s;
}

bp_status bp__strategy_named(bp__options *o, const char *name, const bp_strategy **strategy)
{
    const bp__provider *own = o->provider;
    *strategy = NULL;
    if (own && own->is_named(own->context, name))
        BP_TRY(open_named(o, own, name));
    else if (bp__plugin_is_named(name))
        BP_TRY(open_named(o, &plugins, name));
    else
        return bp__builtin_find(name, strategy);
    *strategy = o->provided.named;
    return BP_OK;
}

void bp__strategy_let_go(bp__options *o)
{
    if (o->provided_by) o->provided_by->close(o->provided_by->context, &o->provided);
    o->provided_by = NULL;
    o->provided = (bp__provided){.count = 0};
}

bp_status bp__strategy_not_chosen(const bp__options *o, const char *name)
{
    const bp__provided *p = &o->provided;
    return bp__description_not_chosen(name, p->strategy, p->count);
}

/* All ranks --------------------------------------------------------------------------------------- */

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

/* The first line that is in one of two texts of pieces and not in the other. @param[in] ours, theirs  lines in order of
   their names */
static const char *first_difference(const char *ours, const char *theirs)
{
    while (*ours && *theirs) {
        const size_t n = strcspn(ours, "\n") + 1;
        if (strncmp(ours, theirs, n) != 0) break;
        ours += n;
        theirs += n;
    }
    return *ours ? ours : theirs;
}

/* Rank 0's pieces to all. Collective over comm. @param[out] theirs  to be freed, also after a failure */
static bp_status share_pieces(MPI_Comm comm, const char *ours, char **theirs)
{
    int rank, size = (int)strlen(ours) + 1;
    BP_MPI(MPI_Comm_rank(comm, &rank));
    BP_MPI(MPI_Bcast(&size, 1, MPI_INT, 0, comm));
    *theirs = rank == 0 ? strdup(ours) : malloc((size_t)size);
    BP_TRY(
        bp__agree(comm, *theirs ? BP_OK : bp__fail(BP_ENOMEM, "no memory for what the strategy is made of")));
    BP_MPI(MPI_Bcast(*theirs, size, MPI_CHAR, 0, comm));
    return BP_OK;
}

/* A strategy of Python differs: what of it. */
static bp_status name_piece(const char *strategy, const word *mine, const word *first, const char *ours,
                            const char *theirs)
{
    const char *piece = first_difference(ours, theirs);
    size_t n = strcspn(piece, "\n");
    while (n > 0 && piece[n - 1] != ' ') n--; /* its hash stands behind its name */
    const int length = n == 0 ? 0 : n > 200 ? 200 : (int)n - 1;
    BP_FAIL(
        BP_ECHANGED,
        "--strategy: %.160s: %.*s differs between a rank on node %s and rank 0 on node %s; give all the same "
        "files, and change nothing of the strategy on some ranks only: a memo that it fills is better a function "
        "with functools.lru_cache",
        strategy, length, piece, mine->host, first->host);
}

static bp_status compare(MPI_Comm comm, const bp__options *o, const word *mine, const word *first)
{
    const char *strategy = o->strategy ? o->strategy : "",
               *ours = o->provided.pieces ? o->provided.pieces : "";
    int differs = strcmp(mine->hash, first->hash) != 0, some;
    char *theirs = NULL;
    BP_MPI(MPI_Allreduce(&differs, &some, 1, MPI_INT, MPI_MAX, comm));
    if (!some) return BP_OK;
    bp_status s = share_pieces(comm, ours, &theirs);
    if (s == BP_OK && differs) {
        assert(theirs);
        if (*ours && *theirs)
            s = name_piece(strategy, mine, first, ours, theirs);
        else
            s = bp__fail(
                BP_ECHANGED,
                "--strategy: %.160s has content %.12s on node %s, but %.12s on node %s; put one file where "
                "all nodes see it, and do not build it meanwhile",
                strategy, mine->hash, mine->host, first->hash, first->host);
    }
    free(theirs);
    return s;
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

bp_status bp__plugin_alike(MPI_Comm comm, const bp__options *o, bp_status s)
{
    int failed = bp__failed(s), some, all;
    word mine = {.hash = ""}, first;
    BP_MPI(MPI_Allreduce(&failed, &some, 1, MPI_INT, MPI_MAX, comm));
    BP_MPI(MPI_Allreduce(&failed, &all, 1, MPI_INT, MPI_MIN, comm));
    if (gethostname(mine.host, sizeof mine.host) != 0) strcpy(mine.host, "?");
    mine.host[sizeof mine.host - 1] = '\0';
    if (failed) return all ? s : name_node(mine.host, s);
    if (some) return BP_OK; /* the others tell why */
    snprintf(mine.hash, sizeof mine.hash, "%s", o->provided.hash);
    bp_status hashed = hash_search(o, mine.search);
    first = mine;
    BP_MPI(MPI_Bcast(&first, (int)sizeof first, MPI_BYTE, 0, comm));
    BP_TRY(bp__agree(comm, hashed));
    BP_TRY(compare(comm, o, &mine, &first));
    return compare_searches(o, &mine, &first);
}
