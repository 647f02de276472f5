/** @file python/core/found.h
 * What a search has found, as Python gets it.
 */
#ifndef BP_PYTHON_FOUND_H
#define BP_PYTHON_FOUND_H

#include "python/core/core.h"

#include "search/search.h"

/** Counts, the best result, and on rank 0 all of them: a dict, see bundlepool/results.py. @return NULL and an exception */
PyObject *bp__py_found(const bp__found *found, bool is_first);

/** Set an entry of a dict. @param[in] value  taken over; NULL is passed on as a failure */
int bp__py_put(PyObject *dict, const char *key, PyObject *value);

#endif
