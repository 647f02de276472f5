/** @file config.h
 * Configuration of a pool: defaults, and what the environment overrides.
 *
 *     bp_config cfg = bp_config_init();
 *     bp_config_default(&cfg);
 *     bp_config_from_env(&cfg);
 *
 * bp_config grows at its end. Its first member says how much of it the caller was compiled with, so that a
 * program keeps working with a newer library (docs/abi.md). Every function that can return BP_EINVAL also
 * returns it for a size that is not possible, as when bp_config_init() was forgotten, and for a field that a
 * newer program has set and this library does not know.
 *
 * Not collective; any thread, as long as nobody changes the environment meanwhile.
 */
#ifndef BUNDLEPOOL_CONFIG_H
#define BUNDLEPOOL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bundlepool/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_PATH_MAX 1024

typedef enum bp_log_level { BP_LOG_ERROR, BP_LOG_WARN, BP_LOG_INFO, BP_LOG_DEBUG } bp_log_level;

/** How log lines are written: "PROGRAM: KIND: text", or as JSON objects, one per line. */
typedef enum bp_log_format { BP_LOG_TEXT, BP_LOG_JSON } bp_log_format;

/** What travels from node to node: chunks as stored, which every node decodes, or the decoded image. */
typedef enum bp_transfer { BP_TRANSFER_AUTO, BP_TRANSFER_DECODED, BP_TRANSFER_STORED } bp_transfer;

/** Whether each segment of a load is compared with its checksum where it has arrived; automatically: between machines. */
typedef enum bp_verify { BP_VERIFY_AUTO, BP_VERIFY_ON, BP_VERIFY_OFF } bp_verify;

/** Where the pages of bundles lie on a node with several NUMA domains. */
typedef enum bp_numa { BP_NUMA_INTERLEAVE, BP_NUMA_FIRST_TOUCH } bp_numa;

/** In every field that is added later, 0 will mean the default. */
typedef struct bp_config {
    size_t size;                  /**< set by bp_config_init() */
    bool enable_bundle_pooling;   /**< false: every get is a private load; default true */
    bp_transfer transfer;         /**< default BP_TRANSFER_AUTO: whichever was measured to be faster */
    bp_log_level log_level;       /**< default BP_LOG_WARN; lines go to stderr */
    bp_log_format log_format;     /**< default BP_LOG_TEXT */
    int64_t max_bundle_pool_size; /**< bundles in the directory, 1..4096; default 100 */
    int64_t pool_memory;          /**< bytes claimed on a node at most; 0 (default): half of the least of
                                       what /dev/shm and the machine have free, what the cgroup leaves
                                       and what Slurm gave the job, divided by the virtual nodes on
                                       the machine */
    int64_t max_staleness_ms;     /**< 0 (default): ask at every get; T > 0: at most T ms old;
                                       -1: until invalidated */
    int64_t load_timeout_ms;      /**< a get waits this long at most; default 600000 */
    int64_t room_timeout_ms;      /**< a load waits this long for pins to be released; default 10000 */
    int64_t ranks_per_node;       /**< 0 (default): a node is a machine; k: virtual nodes of k ranks */
    char root[BP_PATH_MAX];       /**< folder of the bundles; default "bundles" */
    int64_t link_timeout_ms;      /**< a node that another has not heard for this long breaks the pool:
                                       BP_EMPI from then on; 1000 or more; 0: the default, 60000 */
    bp_verify verify_transfer;    /**< default BP_VERIFY_AUTO */
    bp_numa numa;                 /**< default BP_NUMA_INTERLEAVE: over the domains that the ranks run on */
} bp_config;

/** A configuration to be filled in by bp_config_default(): everything 0 but the size. */
static inline bp_config bp_config_init(void)
{
    bp_config cfg;
    memset(&cfg, 0, sizeof cfg);
    cfg.size = sizeof cfg;
    return cfg;
}

/** Fill in the defaults. @retval BP_EINVAL  cfg is NULL, or its size is not valid */
BP_API bp_status bp_config_default(bp_config *cfg);

/** Override the fields of `cfg` that the administrator's file sets, and then those that the environment sets.
 *
 * The file is that which BUNDLEPOOL_CONF names, or /etc/bundlepool.conf, which may be absent; a process reads it once. Its
 * lines are FIELD = VALUE, max FIELD = VALUE, roots = DIR:DIR and # comments. What it says of the most that is
 * allowed, bp_config_check() holds every configuration to, and so does bp_pool_create().
 *
 * RUSTYBT_ENABLE_BUNDLE_POOLING and RUSTYBT_MAX_BUNDLE_POOL_SIZE, and for every field, these two
 * included, BUNDLEPOOL_<FIELD>, which wins. Booleans: true/false, 1/0, yes/no, on/off in any case.
 * Bytes may end in K, M, G or T (powers of 1024). log_level: error, warn, info, debug. log_format:
 * text, json. transfer: auto, decoded, stored. verify_transfer: auto, on, off. numa: interleave, first-touch. Variables of fields that an older caller's struct lacks are
 * ignored.
 *
 * @retval BP_EINVAL  a value cannot be read or is out of range; the text names the variable, or file and line;
 *                    cfg is unchanged
 * @retval BP_EIO     the administrator's file cannot be read
 */
BP_API bp_status bp_config_from_env(bp_config *cfg);

/** Set one field by its name from a text, as the environment does; `origin` (such as
 *  "--pool-memory") is what the error names.
 *
 * @retval BP_EINVAL     the value cannot be read or is out of range; cfg is unchanged
 * @retval BP_ENOTFOUND  there is no such field, or it is newer than the caller
 */
BP_API bp_status bp_config_set(bp_config *cfg, const char *field, const char *value, const char *origin);

/** Check every field, and that none is beyond what the administrator's file allows.
 *  @retval BP_EINVAL  the text names the field @retval BP_EIO  that file cannot be read */
BP_API bp_status bp_config_check(const bp_config *cfg);

/** Whether gets go through the pool. @param[in] cfg  one that bp_config_default() has filled in */
BP_API bool bp_config_should_use_pool(const bp_config *cfg);

/** The i-th field: its name, its default as text, and a line of help, for programs that offer an option
 *  for each field. @return false past the last field */
BP_API bool bp_config_field(unsigned i, const char **name, const char **fallback, const char **help);

#ifdef __cplusplus
}
#endif
#endif
