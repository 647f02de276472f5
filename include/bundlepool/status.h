/** @file status.h
 * Status codes and the text of the last failure.
 *
 * Every function of the library that can fail returns a ::bp_status. The code says what kind of
 * failure it was; bp_error_text() says which file, dataset, option or line it concerns, and what to do.
 *
 * Unless a function says otherwise it is: not collective, callable from any thread, not callable
 * from a signal handler or an MPI callback.
 */
#ifndef BUNDLEPOOL_STATUS_H
#define BUNDLEPOOL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BP_API __attribute__((visibility("default")))
#else
#define BP_API
#endif

/* One table of codes and their general meanings. The numbers are part of the ABI; append only. */
#define BP_STATUS_MAP(X)                                                                                     \
    X(OK, 0, "success")                                                                                      \
    X(EINVAL, 1, "invalid argument or configuration")                                                        \
    X(ENOTFOUND, 2, "no such bundle, column or file")                                                        \
    X(EFORMAT, 3, "not a bundle file, or a damaged one")                                                     \
    X(EIO, 4, "reading or writing failed")                                                                   \
    X(ENOMEM, 5, "out of memory")                                                                            \
    X(EFULL, 6, "no room in the pool")                                                                       \
    X(ETIMEOUT, 7, "not finished in time")                                                                   \
    X(EBUSY, 8, "still in use")                                                                              \
    X(EFORKED, 9, "called in a child process after fork")                                                    \
    X(EMPI, 10, "MPI failed or lacks what is needed")                                                        \
    X(ERANGE, 11, "a value is out of range")                                                                 \
    X(ECHANGED, 12, "the file changed while it was being read")                                              \
    X(ESYS, 13, "a system call failed")                                                                      \
    X(ENOSID, 14, "no such sid")                                                                             \
    X(ENODATA_BEFORE, 15, "no data before this date")                                                        \
    X(ENODATA_ON, 16, "no data on this date")                                                                \
    X(ENODATA_AFTER, 17, "no data after this date")                                                          \
    X(ESTOPPED, 18, "the pool is shutting down")                                                             \
    X(ENOSYMBOL, 19, "no such symbol")                                                                       \
    X(EAMBIGUOUS, 20, "a symbol of several assets")

typedef enum bp_status {
#define X(name, value, text) BP_##name = value,
    BP_STATUS_MAP(X)
#undef X
} bp_status;

/** Name of a code, such as "BP_ENOTFOUND"; "BP_?" for a number that is not a code. Never fails. */
BP_API const char *bp_status_name(bp_status s);

/** What a code means in general, such as "no such bundle, column or file". Never fails. */
BP_API const char *bp_status_text(bp_status s);

/** This thread's last failure, in full; "" if there was none.
 *  @return borrowed; valid until this thread's next call into the library. */
BP_API const char *bp_error_text(void);

#ifdef __cplusplus
}
#endif
#endif
