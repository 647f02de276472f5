#include "io/ingest/zone.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/day.h"
#include "io/ingest/zone_rule.h"

#define DATABASE   "/usr/share/zoneinfo"
#define MAX_BYTES  ((size_t)1 << 20) /* real ones have some 4 KiB */
#define HEADER     44
#define NS_PER_SEC INT64_C(1000000000)
#define MAX_TYPES  256

struct bp__zone {
    char name[64];
    size_t n;
    int64_t *at;     /* [n] when the offset changes, ascending */
    int32_t *offset; /* [n] from then on */
    int32_t first;   /* before */
    bool has_rule;   /* for times behind the last change */
    bp__zone_rule rule;
};

/* The file -------------------------------------------------------------------------------------- */

typedef struct bytes {
    const uint8_t *p;
    size_t left;
} bytes;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* The next n bytes; NULL if there are not as many. */
static const uint8_t *take(bytes *b, size_t n)
{
    if (b->left < n) return NULL;
    b->p += n, b->left -= n;
    return b->p - n;
}

typedef struct counts {
    size_t isut, isstd, leap, time, type, chars;
} counts;

static bool take_header(bytes *b, counts *c, uint8_t *version)
{
    const uint8_t *h = take(b, HEADER);
    if (!h || memcmp(h, "TZif", 4) != 0) return false;
    *version = h[4];
    *c = (counts){be32(h + 20), be32(h + 24), be32(h + 28), be32(h + 32), be32(h + 36), be32(h + 40)};
    return c->time <= MAX_BYTES && c->type <= MAX_TYPES && c->chars <= MAX_BYTES && c->leap <= MAX_BYTES &&
           c->isut <= MAX_BYTES && c->isstd <= MAX_BYTES;
}

static size_t block_bytes(const counts *c, size_t time)
{
    return c->time * (time + 1) + c->type * 6 + c->chars + c->leap * (time + 4) + c->isstd + c->isut;
}

/* An offset per change. Zones that count leap seconds ("right/UTC") are refused: ns since the epoch do not.
 * */
static bool take_changes(bytes *b, const counts *c, bp__zone *z)
{
    const uint8_t *times = take(b, c->time * 8), *index = take(b, c->time), *types = take(b, c->type * 6);
    if (!times || !index || !types || c->type == 0 || c->leap > 0 || !take(b, c->chars + c->isstd + c->isut))
        return false;
    z->at = calloc(c->time + 1, sizeof *z->at);
    z->offset = calloc(c->time + 1, sizeof *z->offset);
    if (!z->at || !z->offset) return false;
    z->first = (int32_t)be32(types);
    for (size_t i = 0; i < c->time; i++) {
        if (index[i] >= c->type) return false;
        z->at[i] = be64(times + 8 * i);
        z->offset[i] = (int32_t)be32(types + 6 * (size_t)index[i]);
        if (abs(z->offset[i]) > 26 * 3600 || (i > 0 && z->at[i] <= z->at[i - 1])) return false;
    }
    z->n = c->time;
    return true;
}

static bool parse(bytes b, bp__zone *z)
{
    counts c;
    uint8_t version;
    if (!take_header(&b, &c, &version) || version < '2') return false;
    if (!take(&b, block_bytes(&c, 4)) || !take_header(&b, &c, &version) || !take_changes(&b, &c, z))
        return false;
    const uint8_t *rule = take(&b, 1);
    const uint8_t *end = rule ? memchr(b.p, '\n', b.left) : NULL;
    if (!rule || *rule != '\n' || !end) return false;
    if (end == b.p) return true;
    char text[128];
    if ((size_t)(end - b.p) >= sizeof text) return false;
    memcpy(text, b.p, (size_t)(end - b.p));
    text[end - b.p] = '\0';
    z->has_rule = bp__zone_rule_from(text, &z->rule);
    return z->has_rule;
}

static bp_status read_all(int fd, const char *path, uint8_t *buffer, size_t *size)
{
    for (*size = 0; *size < MAX_BYTES;) {
        const ssize_t n = read(fd, buffer + *size, MAX_BYTES - *size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be read", path);
        if (n == 0) return BP_OK;
        *size += (size_t)n;
    }
    BP_FAIL(BP_EFORMAT, "%s: too large for a file of a time zone", path);
}

static bp_status load(const char *path, bp__zone *z)
{
    struct stat st;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened", path);
    uint8_t *buffer = malloc(MAX_BYTES);
    bp_status s = BP_OK;
    if (!buffer)
        s = bp__fail(BP_ENOMEM, "%s: no memory to read it", path);
    else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        s = bp__fail(BP_EINVAL, "time zone '%s': %s is not a file", z->name, path);
    else
        s = read_all(fd, path, buffer, &size);
    if (s == BP_OK && !parse((bytes){buffer, size}, z))
        s = bp__fail(BP_EFORMAT, "%s: damaged, or no TZif file of version 2 or later; reinstall tzdata",
                     path);
    free(buffer);
    close(fd);
    return s;
}

/* A name is a path below the database, and must not lead out of it. */
static bool is_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) || strlen(name) >= sizeof((bp__zone *)0)->name) return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p)) return false;
    return true;
}

bp_status bp__zone_load(const char *name, bp__zone **zone)
{
    char path[512];
    const char *database = getenv("TZDIR");
    *zone = NULL;
    if (!database || !*database) database = DATABASE;
    if (!is_name(name))
        BP_FAIL(BP_EINVAL, "time zone '%.60s': not the name of one, such as America/New_York", name);
    bp__zone *z = calloc(1, sizeof *z);
    if (!z) BP_FAIL(BP_ENOMEM, "time zone '%s': no memory", name);
    strcpy(z->name, name);
    bp_status s = BP_OK;
    snprintf(path, sizeof path, "%s/%s", database, name);
    if (strcmp(name, "UTC") == 0)
        ; /* needs no database */
    else if (access(database, X_OK) != 0)
        s = bp__fail(BP_ENOTFOUND, "time zone '%s': there is no zone database in %s; install tzdata", name,
                     database);
    else if (access(path, F_OK) != 0)
        s = bp__fail(BP_EINVAL,
                     "time zone '%s': there is none of that name in %s; write one such as America/New_York",
                     name, database);
    else
        s = load(path, z);
    *zone = z;
    if (bp__failed(s)) bp__zone_free(zone);
    return s;
}

void bp__zone_free(bp__zone **zone)
{
    bp__zone *z = *zone;
    *zone = NULL;
    if (!z) return;
    free(z->at);
    free(z->offset);
    free(z);
}

const char *bp__zone_name(const bp__zone *zone)
{
    return zone ? zone->name : "UTC";
}

/* Times ----------------------------------------------------------------------------------------- */

bp__zone_span bp__zone_at(const bp__zone *zone, int64_t t)
{
    bp__zone_span span = {INT64_MIN, INT64_MAX, 0};
    if (!zone) return span;
    if (zone->n == 0 || t >= zone->at[zone->n - 1]) {
        const int64_t last = zone->n == 0 ? INT64_MIN : zone->at[zone->n - 1];
        if (zone->has_rule)
            bp__zone_rule_at(&zone->rule, t, &span.from, &span.to, &span.offset);
        else if (zone->n > 0)
            span.offset = zone->offset[zone->n - 1];
        else
            span.offset = zone->first;
        if (span.from < last) span.from = last;
        return span;
    }
    size_t low = 0, high = zone->n; /* the first change after t */
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (zone->at[mid] <= t)
            low = mid + 1;
        else
            high = mid;
    }
    span.to = zone->at[low];
    if (low == 0) {
        span.offset = zone->first;
        return span;
    }
    span.from = zone->at[low - 1];
    span.offset = zone->offset[low - 1];
    return span;
}

int64_t bp__zone_day(const bp__zone *zone, int64_t ns)
{
    const int64_t second = ns / NS_PER_SEC - (ns % NS_PER_SEC < 0);
    return bp__day_of(ns + bp__zone_at(zone, second).offset * NS_PER_SEC);
}

int bp__zone_to_utc(const bp__zone *zone, int64_t local, int64_t utc[2])
{
    const int64_t day = 26 * 3600; /* no offset is larger */
    int n = 0;
    for (int64_t t = local - day;;) { /* each span that could hold it */
        const bp__zone_span span = bp__zone_at(zone, t);
        const int64_t candidate = local - span.offset;
        if (candidate >= span.from && candidate < span.to && n < 2) utc[n++] = candidate;
        if (span.to > local + day) return n;
        t = span.to;
    }
}
