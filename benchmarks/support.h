/** @file benchmarks/support.h
 * What the benchmarks share: samples, and how they are printed.
 *
 * A sample is one measurement of one case. With --json each is a line of its own,
 *
 *     {"bench":"cold","case":"pool","bundle":"daily_gzip","ranks":16,"repeat":2,"metric":"time","unit":"ns","value":41e6}
 *
 * in which what is neither bench, case, repeat, metric, unit nor value says under which conditions it was
 * taken. Without --json the same is printed as one line of words. A case that cannot be measured has
 * "value":null and a "reason".
 */
#ifndef BENCHMARKS_SUPPORT_H
#define BENCHMARKS_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

/** Set by the program before the first sample: its name without "bench_", and whether --json was given. */
extern const char *bench_name;
extern bool bench_json;

/** Add a condition to all samples that follow, or change it. `name` and a text `value` are borrowed. */
void bench_condition(const char *name, const char *value);
void bench_condition_number(const char *name, int64_t value);

/** Print a sample; on rank 0 only. @param[in] repeat  from 0, or -1: there is only one */
void bench_sample(const char *name_of_case, const char *metric, const char *unit, int repeat, double value);

/** Print that a case cannot be measured here, and why. */
void bench_missing(const char *name_of_case, const char *metric, const char *unit, const char *reason);

/** All ranks wait for each other without taking a core from who is still at work. Collective. */
void bench_meet(void);

/** Seconds of CLOCK_MONOTONIC. */
double bench_seconds(void);

/** Median of `n` values, which are sorted by this. */
double bench_median(double *value, int n);

/** The q-quantile (0..1) of sorted values. */
double bench_quantile(const double *sorted, int64_t n, double q);

/** Print a text that names the program on stderr, and end all ranks with exit code 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
