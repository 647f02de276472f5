/** @file src/backtest/plugin.h
 * A file of strategies (<bundlepool/strategy.h>), loaded into this process.
 *
 * What runs has this process's rights, so a file is loaded only if nobody but its user (or root) can have put it
 * there: the file and its folder must belong to one of the two and be writable for nobody else. What is loaded is
 * what was hashed: a file that changes meanwhile is taken again from the start. Not collective; one thread.
 */
#ifndef BP_BACKTEST_PLUGIN_H
#define BP_BACKTEST_PLUGIN_H

#include <bundlepool/strategy.h>

#include "core/status.h"

typedef struct bp__plugin bp__plugin;

/** Whether a strategy's name is that of a file: it has a slash in it, or ends in ".so", perhaps with ":NAME" behind.
 *  Otherwise it names a built-in strategy. */
bool bp__plugin_is_named(const char *name);

/** Load a file.
 *
 * Blocks while the file is read, and some 20 ms where it has been written just now.
 *
 * @param[in]  path_and_name  "./mine.so" or "./mine.so:NAME"
 * @param[in]  host           what its strategies call; stays as long as the process
 * @param[out] plugin         owned: bp__plugin_close(); NULL on failure
 *
 * @retval BP_ENOTFOUND  there is no such file, or it holds no strategy NAME; the text lists those that it holds
 * @retval BP_EINVAL     the name is malformed
 * @retval BP_EFORMAT    not a shared object, or one for another machine, or not of strategies, or one of them is
 *                       described wrongly
 * @retval BP_EIO        it cannot be read, or it is refused: others could have written it; the text has the command
 *                       that helps
 * @retval BP_ECHANGED   it is written again and again
 * @retval BP_ENOMEM, BP_ESYS */
bp_status bp__plugin_open(const char *path_and_name, const bp_host *host, bp__plugin **plugin);

/** Unload it. NULL inside is allowed. */
void bp__plugin_close(bp__plugin **plugin);

/** The strategy that was named, or the only one.
 *  @param[out] strategy  borrowed
 *  @retval BP_EINVAL  none was named, and there are several: the text lists them */
bp_status bp__plugin_strategy(const bp__plugin *plugin, const bp_strategy **strategy);

/** All strategies of the file: at least one. */
const bp_strategy *const *bp__plugin_strategies(const bp__plugin *plugin, size_t *count);

/** The file's name without its folder. */
const char *bp__plugin_file(const bp__plugin *plugin);

/** SHA-256 of the file's content: 64 lower-case hex digits. */
const char *bp__plugin_hash(const bp__plugin *plugin);

#endif
