/** @file src/search/origin.h
 * What a file of results is of: the search and the content of its bundles. So results are not overwritten by those of
 * another search, and can be compared and repeated when their journal is long gone.
 *
 * DESIGN
 *  - The CSV itself stays as every program knows it. What it is of lies beside it, in FILE.origin: a magic line, a hash
 *    of the CSV's bytes, the content hash of each bundle, then the text of the search (spec.h).
 *  - By the hash a CSV that was edited, moved away or put in the place of another one is told from the one that the
 *    origin is about.
 *  - Two files cannot be replaced at once. The origin goes first and has the hashes of both CSVs, the old and the new
 *    one, then the CSV, then the origin without the old hash. A search that is killed in between and repeated finds its
 *    own results, whichever they are.
 *
 * Needs no MPI. One thread.
 */
#ifndef BP_SEARCH_ORIGIN_H
#define BP_SEARCH_ORIGIN_H

#include "search/results.h"

#define BP__ORIGIN_SUFFIX ".origin"

typedef struct bp__result_origin {
    char *text;                           /**< of the search; owned */
    char (*content)[BP__HASH_DIGITS + 1]; /**< [num_bundles] "": not known; owned */
    uint64_t num_bundles;
    bool changed; /**< the CSV is not as it was written */
} bp__result_origin;

/** What the results in `path` are of.
 *
 * @param[out] origin  bp__result_origin_fini(), after a failure too; after one its text is NULL
 * @retval BP_ENOTFOUND  no origin is beside it
 * @retval BP_EFORMAT    what is beside it is none, or is damaged
 * @retval BP_EIO, BP_ENOMEM */
bp_status bp__result_origin_read(const char *path, bp__result_origin *origin);
void bp__result_origin_fini(bp__result_origin *origin);

/** Make `path` a CSV, and say beside it what it is of. @retval BP_EIO, BP_ENOMEM  the text names the file */
bp_status bp__result_origin_store(const char *path, const char *csv, size_t size,
                                  const bp__result_origin *origin);

/** Whether the results of a search may be written to `path`: nothing is there, or results of the same search over the
 *  same content.
 *
 * @param[in] ours     what is to be written; content that is not known yet ("") is not compared
 * @param[in] replace  whatever is there may be replaced, but for what is never a file of results: bundles, journals
 *
 * @retval BP_EINVAL  no; the text says what is there, and what to do */
bp_status bp__result_origin_check(const char *path, const bp__result_origin *ours, bool replace);

/** Whether `path` may be made a file that has no origin: nothing is there, or a file that begins with the same line.
 *  @param[in] option  is to blame
 *  @param[in] header  without its line break; NULL: whatever is there needs `replace`
 *  @retval BP_EINVAL  no; as above */
bp_status bp__result_origin_check_plain(const char *option, const char *path, const char *header,
                                        bool replace);

/** A line in which two searches differ, for people. */
typedef struct bp__difference {
    char what[BP__EXCERPT_MAX];                  /**< "commission", "content of prices" */
    char a[BP__EXCERPT_MAX], b[BP__EXCERPT_MAX]; /**< "-": there is none */
} bp__difference;

/** What differs in two searches, in the order of their texts; who wrote them does not matter.
 *
 * @param[out] list  [*count], owned: free(); NULL if nothing differs
 * @retval BP_ENOMEM */
bp_status bp__result_origin_differences(const bp__result_origin *a, const bp__result_origin *b,
                                        bp__difference **list, size_t *count);

/** The value of the line that begins with `key` in the text of a search.
 *  @return false: there is none; `value` is "" */
bool bp__result_origin_line(const char *text, const char *key, char *value, size_t size);

#endif
