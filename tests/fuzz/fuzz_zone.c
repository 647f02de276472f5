/* Time zones: files of the zone database, which $TZDIR may name, and rules. Whatever is in them, each time has one offset, and
 * lies in the span that it is said to be in; a local time that is said to be a time is that one. */
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "io/ingest/zone.h"
#include "io/ingest/zone_rule.h"

static const int64_t times[] = {-INT64_C(9000000000), -1,         0,          1,
                                1583650799,           1583650800, 1604210400, INT64_C(9000000000)};
enum { NUM_TIMES = sizeof times / sizeof *times };

/* A folder in which one zone is, that of the input. */
static void put_zone(const uint8_t *bytes, size_t size)
{
    static char folder[] = "/tmp/fuzz-zone-XXXXXX", path[64];
    if (!*path) {
        FUZZ_HOLDS(mkdtemp(folder) != NULL && setenv("TZDIR", folder, 1) == 0);
        snprintf(path, sizeof path, "%s/Fuzz", folder);
    }
    FILE *file = fopen(path, "wb");
    FUZZ_HOLDS(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static void remove_zone(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/Fuzz", getenv("TZDIR"));
    unlink(path);
    rmdir(getenv("TZDIR"));
}

static void try_zone(const uint8_t *bytes, size_t size)
{
    static bool registered;
    bp__zone *zone;
    put_zone(bytes, size);
    if (!registered) registered = atexit(remove_zone) == 0;
    if (bp__zone_load("Fuzz", &zone) != BP_OK) {
        FUZZ_HOLDS(strstr(bp_error_text(), "Fuzz"));
        return;
    }
    for (int i = 0; i < NUM_TIMES; i++) {
        const bp__zone_span span = bp__zone_at(zone, times[i]);
        int64_t utc[2];
        FUZZ_HOLDS(span.from <= times[i] && times[i] < span.to);
        const int n = bp__zone_to_utc(zone, times[i], utc);
        FUZZ_HOLDS(n >= 0 && n <= 2 && (n < 2 || utc[0] < utc[1]));
        for (int k = 0; k < n; k++) FUZZ_HOLDS(utc[k] + bp__zone_at(zone, utc[k]).offset == times[i]);
        (void)bp__zone_day(zone, times[i] * 1000000000);
    }
    bp__zone_free(&zone);
}

static void try_rule(const char *text)
{
    bp__zone_rule rule;
    if (!bp__zone_rule_from(text, &rule)) return;
    for (int i = 0; i < NUM_TIMES; i++) {
        int64_t from, to;
        int32_t offset;
        bp__zone_rule_at(&rule, times[i], &from, &to, &offset);
        FUZZ_HOLDS(from <= times[i] && times[i] < to);
        FUZZ_HOLDS(offset == rule.standard || (rule.has_summer && offset == rule.summer));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size >= 4 && memcmp(bytes, "TZif", 4) == 0) {
        try_zone(bytes, size);
        return 0;
    }
    char *text = fuzz_text(bytes, size);
    try_rule(text);
    free(text);
    return 0;
}

static void put_number(fuzz_pen *pen, int64_t value, int width)
{
    for (int i = width; i-- > 0;) fuzz_put_byte(pen, (unsigned)(value >> 8 * i & 0xff));
}

/* A block of two changes, with times of `width` bytes, as tzfile(5) has it. */
static void put_block(fuzz_pen *pen, int width)
{
    fuzz_put(pen, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    for (int i = 0; i < 3; i++) put_number(pen, 0, 4); /* no isut, isstd, leap seconds */
    put_number(pen, 2, 4);                             /* changes, types, bytes of names */
    put_number(pen, 2, 4);
    put_number(pen, 8, 4);
    put_number(pen, 1583650800, width);
    put_number(pen, 1604210400, width);
    fuzz_put(pen, "\1\0", 2);
    put_number(pen, -18000, 4);
    fuzz_put(pen, "\0\0", 2);
    put_number(pen, -14400, 4);
    fuzz_put(pen, "\1\4EST\0EDT", 10);
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const char rule[] = "\nEST5EDT,M3.2.0,M11.1.0\n";
    static const char *const rules[] = {"EST5EDT,M3.2.0,M11.1.0", "<+0330>-3:30<+0430>,J79/24,J263/24",
                                        "IST-1GMT0,M10.5.0,M3.5.0/1", "EET-2EEST,59/-3:15:30,300/167",
                                        "UTC0"};
    fuzz_pen pen = {bytes, 0};
    if (number > 0) return FUZZ_TEXTS(rules, number - 1, bytes);
    put_block(&pen, 4);
    put_block(&pen, 8);
    fuzz_put(&pen, rule, sizeof rule - 1);
    return pen.size;
}
