/** @file io/progress.h
 * How far long work is: a hook that whoever shows it gives to whoever does it.
 */
#ifndef BP_IO_PROGRESS_H
#define BP_IO_PROGRESS_H

#include <stdint.h>

typedef struct bp__progress {
    /** Called from any thread, one at a time or several; NULL: nobody looks. Units are the doer's: bytes or assets.
     *  @param[in] what  the phase, such as "reading"; borrowed for ever */
    void (*tell)(void *context, const char *what, uint64_t done, uint64_t total);
    void *context;
} bp__progress;

#define BP__TELL(progress, what, done, total)                                                                \
    do {                                                                                                     \
        if ((progress)->tell) (progress)->tell((progress)->context, (what), (done), (total));                \
    } while (0)

#endif
