/** @file src/core/status.h
 * Raising and passing on errors inside the library.
 *
 * BP_FAIL(code, fmt, ...) records the text for this thread and returns the code. BP_TRY(expr) returns
 * what `expr` failed with. A function with something to undo writes `if (bp__failed(s)) goto fail;` instead.
 * Texts have no full stop: they name the file, dataset, option or line first, then what is wrong, then what
 * to do.
 */
#ifndef BP_CORE_STATUS_H
#define BP_CORE_STATUS_H

#include <stdbool.h>

#include <bundlepool/status.h>

#define BP_ERROR_TEXT_MAX 512  /**< bytes of an error text, NUL included; longer ones are cut */
#define BP_LONG_TEXT_MAX  2304 /**< of one that bp__fail_long() has recorded */

/** Record a text for this thread and return `code`. */
__attribute__((format(printf, 2, 3))) bp_status bp__fail(bp_status code, const char *fmt, ...);

/** As bp__fail() with ": strerror(err)" behind it. */
__attribute__((format(printf, 3, 4))) bp_status bp__fail_errno(bp_status code, int err, const char *fmt, ...);

/** Record `text` as it is (a failure of another thread or rank) and return `code`. */
bp_status bp__fail_text(bp_status code, const char *text);

/** The same for what is not ours, and has a form and a length of its own: lines of a strategy, up to BP_LONG_TEXT_MAX.
 *  Whoever keeps texts in less room keeps their beginning. */
bp_status bp__fail_long(bp_status code, const char *text);

static inline bool bp__failed(bp_status s)
{
    return s != BP_OK;
}

/* Whoever raises an error returns one: clang's analyzer sees one file at a time, and would take each for its absence. */
#ifdef __clang_analyzer__
#define bp__fail(code, ...)            ((void)(bp__fail)((code), __VA_ARGS__), (code))
#define bp__fail_errno(code, err, ...) ((void)(bp__fail_errno)((code), (err), __VA_ARGS__), (code))
#define bp__fail_text(code, text)      ((void)(bp__fail_text)((code), (text)), (code))
#define bp__fail_long(code, text)      ((void)(bp__fail_long)((code), (text)), (code))
#endif

#define BP_FAIL(code, ...)            return bp__fail((code), __VA_ARGS__)
#define BP_FAIL_ERRNO(code, err, ...) return bp__fail_errno((code), (err), __VA_ARGS__)
#define BP_TRY(expr)                                                                                         \
    do {                                                                                                     \
        bp_status bp_try_status_ = (expr);                                                                   \
        if (bp__failed(bp_try_status_)) return bp_try_status_;                                               \
    } while (0)

#endif
