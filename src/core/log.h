/** @file src/core/log.h
 * Log lines on stderr: "bundlepool: LEVEL: text", each written by one write(2).
 *
 * The level is one per process: the last pool created sets it. Any thread.
 */
#ifndef BP_CORE_LOG_H
#define BP_CORE_LOG_H

#include <bundlepool/config.h>

void bp__log_level(bp_log_level level);

__attribute__((format(printf, 2, 3))) void bp__log(bp_log_level level, const char *fmt, ...);

#endif
