/** @file src/optimizer/provider.h
 * Where strategies come from that are not built in: shared objects (plugins.h), and whatever else the program that embeds
 * the optimizer can make a `bp_strategy` of, such as functions of another language.
 *
 * A provider is asked before shared objects are. What it hands out is described as a plug-in's module is
 * (<bundlepool/strategy.h>), is checked in the same way (backtest/description.h), and stays as it is until close().
 * All calls come from the thread that reads the options; strategies are called by the thread that runs the search.
 */
#ifndef BP_OPTIMIZER_PROVIDER_H
#define BP_OPTIMIZER_PROVIDER_H

#include <bundlepool/strategy.h>

#include "core/status.h"

/** Strategies of one name, usually a file's. All of it is the provider's until close(). */
typedef struct bp__provided {
    const bp_strategy *const *strategy; /**< [count], at least one */
    size_t count;
    const bp_strategy *named; /**< the one that the name means; NULL: there are several, and it names none */
    char hash[65];            /**< of all that they are made of: 64 lower-case hex digits */
    const char *file;         /**< for people: a file's name without its folder */
    const char
        *pieces; /**< what `named` is made of, a line "NAME HASH" for each piece in a fixed order, such as
                                   "function helper 3f…\n". A name may have blanks in it, a hash has none. With it a
                                   journal tells which piece has changed. NULL: that is not known */
    void *own;   /**< the provider's */
} bp__provided;

typedef struct bp__provider {
    void *context;
    /** How a shell starts the embedding program, where a user is told how to go on; NULL: as argv[0] says. */
    const char *command;
    /** Whether this is a name for open(), whether or not there is such a strategy: "mine.py:rule". */
    bool (*is_named)(void *context, const char *name);
    /** @param[out] provided  all zero before; filled in on BP_OK, and then to be given to close()
     *  @retval any           the text names the file, or what stands for it */
    bp_status (*open)(void *context, const char *name, bp__provided *provided);
    void (*close)(void *context, bp__provided *provided);
    /** Whether a parameter has no default, and has to be named; NULL: each has one. For lists: open() refuses. */
    bool (*is_required)(const bp_strategy *strategy, size_t param);
} bp__provider;

#endif
