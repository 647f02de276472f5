#include "support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

#define MAX_CONDITIONS 16

const char *bench_name = "?";
bool bench_json;

static struct {
    const char *name, *text; /* text NULL: a number */
    int64_t number;
} condition[MAX_CONDITIONS];
static int num_conditions;

static int condition_at(const char *name)
{
    int i = 0;
    while (i < num_conditions && strcmp(condition[i].name, name) != 0) i++;
    if (i == MAX_CONDITIONS) bench_die("more than %d conditions", MAX_CONDITIONS);
    if (i == num_conditions) num_conditions++;
    condition[i].name = name;
    return i;
}

void bench_condition(const char *name, const char *value)
{
    condition[condition_at(name)].text = value;
}

void bench_condition_number(const char *name, int64_t value)
{
    int i = condition_at(name);
    condition[i].text = NULL;
    condition[i].number = value;
}

static void print_conditions(void)
{
    for (int i = 0; i < num_conditions; i++) {
        if (bench_json && condition[i].text)
            printf("\"%s\":\"%s\",", condition[i].name, condition[i].text);
        else if (bench_json)
            printf("\"%s\":%lld,", condition[i].name, (long long)condition[i].number);
        else if (condition[i].text)
            printf("  %s %s", condition[i].name, condition[i].text);
        else
            printf("  %s %lld", condition[i].name, (long long)condition[i].number);
    }
}

static void print_case(const char *name_of_case, int repeat)
{
    printf(bench_json ? "{\"bench\":\"%s\",\"case\":\"%s\"," : "%s: %s", bench_name, name_of_case);
    print_conditions();
    if (repeat >= 0) printf(bench_json ? "\"repeat\":%d," : "  repeat %d", repeat);
}

void bench_sample(const char *name_of_case, const char *metric, const char *unit, int repeat, double value)
{
    print_case(name_of_case, repeat);
    printf(bench_json ? "\"metric\":\"%s\",\"unit\":\"%s\",\"value\":%.9g}\n" : "  %s [%s] %.6g\n", metric,
           unit, value);
    fflush(stdout);
}

void bench_missing(const char *name_of_case, const char *metric, const char *unit, const char *reason)
{
    print_case(name_of_case, -1);
    printf(bench_json ? "\"metric\":\"%s\",\"unit\":\"%s\",\"value\":null,\"reason\":\"%s\"}\n"
                      : "  %s [%s] not measured: %s\n",
           metric, unit, reason);
    fflush(stdout);
}

void bench_meet(void)
{
    MPI_Request request;
    int done = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (MPI_Test(&request, &done, MPI_STATUS_IGNORE); !done; MPI_Test(&request, &done, MPI_STATUS_IGNORE))
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 1000000}, NULL);
}

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *value, int n)
{
    qsort(value, (size_t)n, sizeof *value, by_value);
    return n % 2 ? value[n / 2] : 0.5 * (value[n / 2 - 1] + value[n / 2]);
}

double bench_quantile(const double *sorted, int64_t n, double q)
{
    int64_t i = (int64_t)(q * (double)n);
    return sorted[i < n ? i : n - 1];
}

void bench_die(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "bench_%s: ", bench_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}
