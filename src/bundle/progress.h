/** @file src/bundle/progress.h
 * Shows on stderr how far long work is: a line that is drawn again on a terminal, else a line every half minute.
 */
#ifndef BP_BUNDLE_PROGRESS_H
#define BP_BUNDLE_PROGRESS_H

#include "io/progress.h"

/** The hook that shows. There is one at a time. Threads: its hook may be called from any. */
bp__progress bp__progress_show(void);

/** Take the line away; further output begins in a clean line. */
void bp__progress_hide(void);

#endif
