/** @file src/bundle/overwrite.h
 * What a command that makes a bundle may replace: only what it made, or could make again.
 *
 * `demo` replaces demos. `ingest`, `import` and `sync` replace what any of them made, and demos, which are nobody's data. A
 * file says in its attribute made_by which command made it; one that an earlier version made is known by its source.
 * Whatever else has the name, such as a file of another program's or one that cannot be read, is replaced with --replace
 * only. What is read is never replaced.
 */
#ifndef BP_BUNDLE_OVERWRITE_H
#define BP_BUNDLE_OVERWRITE_H

#include "bundle/command.h"
#include "cli/locate.h"

/** Whether a bundle may be written. Reads nothing but the attributes of what is there.
 *
 * @param[in] maker    the command: "demo", or one that reads a source
 * @param[in] read     [count] paths of what it reads; NULL among them are none
 * @retval BP_EINVAL  no; the text says what is there and what to do */
bp_status bp__overwrite_check(const bp__target *target, const char *maker, bool replace,
                              const char *const *read, size_t count);

#endif
