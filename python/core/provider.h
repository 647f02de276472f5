/** @file python/core/provider.h
 * Strategies of Python as the optimizer's options name them, and options as Python gives them.
 */
#ifndef BP_PYTHON_PROVIDER_H
#define BP_PYTHON_PROVIDER_H

#include "python/core/strategy.h"

#include "optimizer/options.h"

/** Hands out strategies of Python. */
typedef struct bp__py_provider {
    bp__provider face;
    PyObject *
        resolve; /**< borrowed: name → list of descriptions, number of the one that is meant or None; or NULL */
    PyObject *description;     /**< borrowed: the only strategy, under its name; or NULL */
    bp__py_strategy *strategy; /**< that was opened as the only one; borrowed */
    PyObject *error;           /**< exception of `resolve`; owned */
} bp__py_provider;

/** Either may be NULL. @param[out] provider  bp__py_provider_fini() after bp__options_fini() */
void bp__py_provider_init(PyObject *resolve, PyObject *description, bp__py_provider *provider);
void bp__py_provider_fini(bp__py_provider *provider);

/** A command line as C has it. */
typedef struct bp__py_argv {
    char **arg; /**< [count + 1] permuted by who reads it */
    char **own; /**< [count] owned */
    int count;
} bp__py_argv;

/** @param[in] list  list of str; a first argument, the program's name, is put before it
 *  @return -1 and an exception */
int bp__py_argv_from(PyObject *list, bp__py_argv *argv);
void bp__py_argv_fini(bp__py_argv *argv);

#endif
