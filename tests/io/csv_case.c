#include "csv_case.h"

#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/day.h"
#include "core/suite.h"

static char folder[] = "/tmp/test_csv.XXXXXX";
static bool made;

const char *csv_folder(void)
{
    if (!made && !mkdtemp(folder)) CU_FAIL_FATAL("no folder can be made");
    made = true;
    return folder;
}

const char *csv_path(const char *name)
{
    static char path[8][512];
    static int next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", csv_folder(), name);
    return p;
}

static void make_folders(const char *path)
{
    char part[512];
    snprintf(part, sizeof part, "%s", path);
    for (char *p = part + strlen(csv_folder()) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(part, 0777);
        *p = '/';
    }
}

void csv_put_bytes(const char *name, const void *bytes, size_t size)
{
    make_folders(csv_path(name));
    FILE *f = fopen(csv_path(name), "wb");
    CU_ASSERT_FATAL(f != NULL);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, f), size);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

void csv_put(const char *name, const char *text)
{
    csv_put_bytes(name, text, strlen(text));
}

void csv_put_gzip(const char *name, const char *text)
{
    make_folders(csv_path(name));
    gzFile f = gzopen(csv_path(name), "wb");
    CU_ASSERT_FATAL(f != NULL);
    CU_ASSERT_EQUAL(gzwrite(f, text, (unsigned)strlen(text)), (int)strlen(text));
    CU_ASSERT_EQUAL(gzclose(f), Z_OK);
}

void csv_empty(void)
{
    char command[128];
    snprintf(command, sizeof command, "find %s -mindepth 1 -delete", csv_folder());
    if (system(command) != 0) printf("%s: cannot be emptied\n", csv_folder());
}

void csv_remove(void)
{
    if (!made) return;
    csv_empty();
    rmdir(csv_folder());
}

/* Ingests --------------------------------------------------------------------------------------- */

/* "DIR" for the folder, so that texts can be compared. */
static char *without_folder(const char *text)
{
    char *out = malloc(strlen(text) + 1), *to = out;
    const size_t n = strlen(csv_folder());
    CU_ASSERT_FATAL(out != NULL);
    while (*text)
        if (strncmp(text, csv_folder(), n) == 0) {
            memcpy(to, "DIR", 3);
            to += 3;
            text += n;
        } else {
            *to++ = *text++;
        }
    *to = '\0';
    return out;
}

csv_case csv_read(const bp__ingest_source *source, const char *name, const bp__ingest_options *options)
{
    static const bp__ingest_options none;
    csv_case c = {.status = BP_OK};
    if (!options) options = &none;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&c.draft, "csv", NULL), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__report_create(1000, &c.report), BP_OK);
    bp__ingest in = {.options = options, .report = c.report, .draft = &c.draft};
    c.status = source->read(&in, *name ? csv_path(name) : csv_folder());
    char *text = NULL;
    size_t size = 0;
    FILE *told = open_memstream(&text, &size);
    CU_ASSERT_FATAL(told != NULL);
    if (bp__failed(c.status)) fprintf(told, "failed: %s\n", bp_error_text());
    bp__report_print(c.report, told);
    CU_ASSERT_EQUAL_FATAL(fclose(told), 0);
    c.told = without_folder(text);
    free(text);
    c.errors = bp__report_count(c.report, BP__ERROR);
    if (c.status == BP_OK && (c.errors == 0 || options->keep_going))
        CU_ASSERT_EQUAL(bp__draft_finish(&c.draft), BP_OK);
    return c;
}

csv_case csv_read_folder(const bp__ingest_options *options)
{
    return csv_read(&bp__csvdir_source, "", options);
}

void csv_end(csv_case *c)
{
    bp__draft_fini(&c->draft);
    bp__report_destroy(&c->report);
    free(c->told);
}

bool csv_told(const csv_case *c, const char *text)
{
    if (strstr(c->told, text)) return true;
    printf("\n'%s' is not in\n%s", text, c->told);
    return false;
}

size_t csv_count(const csv_case *c, const char *text)
{
    size_t n = 0;
    for (const char *p = c->told; (p = strstr(p, text)); p++) n++;
    return n;
}

void csv_expect(int frame, const char *file, const char *text, const bp__ingest_options *options)
{
    csv_empty();
    csv_put(frame == BP__DAILY ? "daily/X.csv" : "minute/X.csv", file);
    csv_case c = csv_read_folder(options);
    CU_ASSERT_TRUE(csv_told(&c, text));
    csv_end(&c);
}

size_t csv_bars(const csv_case *c, int frame, int64_t sid, bp__bar **bars)
{
    const size_t row = bp__draft_find_series(&c->draft, frame, sid);
    *bars = NULL;
    if (row == SIZE_MAX) return 0;
    const bp__draft_series *series = &c->draft.series[frame].row[row];
    *bars = malloc(series->bars * sizeof **bars + 1);
    CU_ASSERT_FATAL(*bars != NULL);
    CU_ASSERT_EQUAL_FATAL(bp__draft_read(&c->draft, series, *bars), BP_OK);
    return series->bars;
}

double csv_value(const csv_case *c, int frame, int64_t sid, size_t bar, int field)
{
    bp__bar *bars;
    const size_t n = csv_bars(c, frame, sid, &bars);
    const double x = bar < n ? bars[bar].value[field] : NAN;
    free(bars);
    return x;
}

int64_t csv_ns(const char *text)
{
    int year, month, day, hour = 0, minute = 0, second = 0;
    CU_ASSERT_FATAL(sscanf(text, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute, &second) >= 3);
    return ((bp__days_from_civil(year, month, day) * 24 + hour) * 3600 + minute * 60 + second) *
           INT64_C(1000000000);
}

int csv_main(const char *name, CU_TestInfo *tests)
{
    const int code = suite_main(name, tests);
    csv_remove();
    return code;
}
