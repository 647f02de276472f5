/* Journals, which may be damaged, cut off, or another's: what is read is what was written, or nothing, and a journal that can
 * be read can be continued.
 *
 * Records carry checksums, which no mutation hits by chance: so those of half of the mutated inputs are put right.
 */
#include <sys/stat.h>
#include <zlib.h>

#include "file.h"
#include "search/journal.h"

#define MARK   0x4a504201u
#define MAGIC  "bundlepool jrnl\n"
#define RESULT 5

typedef struct record {
    uint32_t mark, kind, length, crc;
} record;

typedef struct seen {
    bp__spec spec;
    bool has_spec;
    unsigned specs, skips, bundles;
    uint64_t results;
} seen;

static bp_status see_spec(void *context, const char *text)
{
    seen *s = context;
    char *again;
    s->specs++;
    bp__spec_fini(&s->spec);
    s->has_spec = bp__spec_read("fuzz.journal", text, &s->spec) == BP_OK;
    if (!s->has_spec) {
        FUZZ_HOLDS(*bp_error_text());
        return BP_OK;
    }
    bp__spec other;
    FUZZ_HOLDS(bp__spec_text(&s->spec, &again) == BP_OK);
    FUZZ_HOLDS(bp__spec_read("fuzz.journal", again, &other) == BP_OK);
    FUZZ_HOLDS(bp__spec_num_tasks(&other) == bp__spec_num_tasks(&s->spec));
    bp__spec_fini(&other);
    free(again);
    return BP_OK;
}

static bp_status see_skips(void *context, const void *bytes, size_t size)
{
    seen *s = context;
    bp__skips skips;
    s->skips++;
    if (!s->has_spec) return BP_OK;
    void *copy = fuzz_copy(bytes, size);
    if (bp__skips_unpack("fuzz.journal", copy, size, s->spec.grid.size, &skips) == BP_OK)
        FUZZ_HOLDS(skips.count <= skips.size && skips.size == s->spec.grid.size);
    bp__skips_fini(&skips);
    free(copy);
    return BP_OK;
}

static bp_status see_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    seen *s = context;
    (void)bundle;
    s->bundles++;
    FUZZ_HOLDS(strlen(content_hash) <= BP__HASH_DIGITS);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    seen *s = context;
    s->results++;
    FUZZ_HOLDS(result->num_values <= BP__NUM_METRICS && strlen(result->why) < sizeof result->why);
    return BP_OK;
}

static bp_status read_journal(const char *path, seen *s)
{
    const bp__journal_visitor visitor = {see_spec, see_skips, see_bundle, see_result, s};
    *s = (seen){.specs = 0};
    bp__spec_init(&s->spec);
    const bp_status status = bp__journal_read(path, &visitor);
    FUZZ_HOLDS(status == BP_OK || strstr(bp_error_text(), path));
    bp__spec_fini(&s->spec);
    return status;
}

/* In a folder that lasts as long as the process: a lock is made beside it. */
static const char *own_path(void)
{
    static char path[64];
    static char folder[] = "/tmp/fuzz-journal-XXXXXX";
    if (*path) return path;
    FUZZ_HOLDS(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/j", folder);
    return path;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    FUZZ_HOLDS(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* One more result, and the end. */
static void go_on(const uint8_t *bytes, size_t size, const seen *before)
{
    const char *path = own_path();
    const bp__journal_head head = {"program fuzz\n", "", 0};
    const bp__journal_how resume = {.resume = true};
    const bp__journal_visitor visitor = {.spec = see_spec, .context = &(seen){.specs = 0}};
    const bp__result more = {.status = BP_OK, .num_values = 1, .value = {1.5}};
    bp__journal *journal;
    bp__journal_refusal refusal;
    seen after;
    write_file(path, bytes, size);
    FUZZ_HOLDS(bp__journal_open(path, &head, &resume, &visitor, &journal, &refusal) == BP_OK);
    bp__spec_fini(&((seen *)visitor.context)->spec);
    FUZZ_HOLDS(bp__journal_result(journal, &more) == BP_OK && bp__journal_finish(journal) == BP_OK);
    bp__journal_close(&journal);
    FUZZ_HOLDS(read_journal(path, &after) == BP_OK);
    FUZZ_HOLDS(before->results == 0 || after.results == before->results + 1);
    FUZZ_HOLDS(unlink(path) == 0);
}

static void remove_folder(void)
{
    char folder[64];
    snprintf(folder, sizeof folder, "%.*s", (int)(strlen(own_path()) - 2), own_path());
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static unsigned sound;
    seen s;
    if (read_journal(fuzz_file(bytes, size), &s) != BP_OK || s.results == 0) return 0;
    if (sound++ == 0) atexit(remove_folder);
    if (sound % 16 == 1) go_on(bytes, size, &s); /* the disk takes its time */
    return 0;
}

/* Inputs ------------------------------------------------------------------------------------------ */

static uint32_t crc_of(const record *r, const uint8_t *payload)
{
    const uLong crc = crc32(0, (const Bytef *)&r->kind, 8);
    return (uint32_t)(r->length ? crc32(crc, payload, r->length) : crc);
}

/* Wherever a mark stands, the checksum becomes the right one, of as much as there is. */
static void mend(uint8_t *bytes, size_t size)
{
    record r;
    for (size_t at = sizeof MAGIC - 1; at + sizeof r <= size; at += sizeof r + r.length) {
        memcpy(&r, bytes + at, sizeof r);
        if (r.mark != MARK) return;
        if (r.length > size - at - sizeof r) r.length = (uint32_t)(size - at - sizeof r);
        r.crc = crc_of(&r, bytes + at + sizeof r);
        memcpy(bytes + at, &r, sizeof r);
    }
}

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
#pragma weak LLVMFuzzerMutate /* libFuzzer's own; corpus.c mutates nothing */

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(bytes, size, most);
    if (seed % 2 == 0) mend(bytes, size);
    return size;
}

static void put_record(fuzz_pen *pen, uint32_t kind, const void *payload, size_t length)
{
    record r = {MARK, kind, (uint32_t)length, 0};
    r.crc = crc_of(&r, payload);
    fuzz_put(pen, &r, sizeof r);
    fuzz_put(pen, payload, length);
}

static void put_results(fuzz_pen *pen)
{
    struct {
        uint64_t task;
        int64_t status;
        uint64_t num_values;
        double value[2];
    } good = {3, BP_OK, 2, {1.5, 2}};
    const struct {
        uint64_t task;
        int64_t status;
        uint64_t num_values;
        char why[8];
    } bad = {4, BP_ENOMEM, 0, "no room"};
    put_record(pen, RESULT, &good, sizeof good);
    put_record(pen, RESULT, &bad, sizeof bad);
}

/* As the program writes it of a search. */
static char *spec_text(bp__spec *spec)
{
    static bp__bundle_name bundle = "demo";
    const bp_strategy *strategy;
    char *text;
    bp__spec_init(spec);
    spec->bundle = fuzz_copy(&bundle, sizeof bundle);
    spec->num_bundles = 1;
    FUZZ_HOLDS(bp__builtin_find("sma_cross", &strategy) == BP_OK);
    FUZZ_HOLDS(bp__spec_set_strategy(spec, strategy, "") == BP_OK);
    FUZZ_HOLDS(bp__grid_set(&spec->grid, "fast=5:25:5") == BP_OK);
    FUZZ_HOLDS(bp__grid_set(&spec->grid, "slow=20,30") == BP_OK);
    FUZZ_HOLDS(bp__spec_set_where(spec, "fast < slow / 2") == BP_OK);
    FUZZ_HOLDS(bp__spec_text(spec, &text) == BP_OK);
    return text;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    enum { SPEC = 1, BUNDLE, END = 4, SKIPS = 6 };
    struct {
        uint64_t bundle;
        char hash[BP__HASH_DIGITS];
    } bundle = {0, "0123"};
    fuzz_pen pen = {bytes, 0};
    bp__spec spec;
    bp__skips skips;
    void *packed;
    size_t size;
    if (number > 2) return 0;
    char *text = spec_text(&spec);
    FUZZ_HOLDS(bp__skips_find(&spec, &skips) == BP_OK);
    FUZZ_HOLDS(bp__skips_pack(&skips, &packed, &size) == BP_OK);
    fuzz_put(&pen, MAGIC, sizeof MAGIC - 1);
    put_record(&pen, SPEC, text, strlen(text));
    put_record(&pen, SKIPS, packed, size);
    put_record(&pen, BUNDLE, &bundle, sizeof bundle);
    if (number > 0) put_results(&pen);
    if (number > 1) put_record(&pen, END, NULL, 0);
    free(text);
    free(packed);
    bp__skips_fini(&skips);
    bp__spec_fini(&spec);
    return pen.size;
}
