/* What a parser answers, as the library takes it: a parser that a hostile file has taken over may send any bytes. What is
 * accepted is carried out, as a load would do it, and nothing is written but the image.
 *
 * The first byte of an input says what was asked, and whether its rest is the payload of a well-formed answer or all that
 * comes through the socket.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/bundle.h"
#include "fuzz.h"
#include "io/hdf5/decode.h"
#include "io/hdf5/h5payload.h"
#include "io/hdf5/h5remote.h"
#include "io/parser/message.h"
#include "io/parser/place.h"
#include "io/parser/start.h"

enum { ASK_PLAN, ASK_COUNTRIES, ASK_ORIGIN, ASK_BLOCK, NUM_ASKS, RAW = 0x80 };

#define LABEL        "fuzz.h5"
#define FILE_BYTES   100000
#define MOST_IMAGE   (UINT64_C(4) << 20)
#define MOST_TASKS   300
#define MOST_PAYLOAD 32768 /* what a socket takes before anybody reads */

static fuzz_tape answer; /* what the parser would write */
static bool is_raw;

/* A parser that has been started, and has answered when it is asked ------------------------------- */

bool __wrap_bp__parser_is_inline(void);
bp_status __wrap_bp__parser_open(int *fd);
bp_status __wrap_bp__start_detached(int program, int socket, char *const *environment);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags);

bool __wrap_bp__parser_is_inline(void)
{
    return false;
}

bp_status __wrap_bp__parser_open(int *fd)
{
    *fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return BP_OK;
}

bp_status __wrap_bp__start_detached(int program, int socket, char *const *environment)
{
    bp__greeting greeting = {.build = ""};
    (void)program, (void)environment;
    snprintf(greeting.build, sizeof greeting.build, "%s", bp__parser_build());
    FUZZ_HOLDS(send(socket, &greeting, sizeof greeting, 0) == sizeof greeting);
    return BP_OK;
}

static void say(int socket, const void *bytes, size_t size)
{
    FUZZ_HOLDS(size == 0 || send(socket, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags)
{
    const bp__answer head = {.status = BP_OK, .bytes = answer.left};
    const bp__obituary end = {.status = 0};
    int given[2];
    (void)socket, (void)flags;
    memcpy(given, CMSG_DATA(CMSG_FIRSTHDR(message)), sizeof given);
    if (!is_raw) say(given[1], &head, sizeof head);
    say(given[1], answer.at, answer.left);
    if (!is_raw) say(given[1], &end, sizeof end);
    return (ssize_t)message->msg_iov->iov_len;
}

/* Carrying out a plan ----------------------------------------------------------------------------- */

/* Stored bytes are whatever they are; that they are decoded, or refused, within the image is what is looked at. */
static void run_task(const bp__plan *plan, const bp__plan_task *task, bp__decoder *decoder, bp__image *image)
{
    const bp__plan_dataset *d = &plan->dataset[task->dataset];
    uint64_t from, to;
    uint8_t *stored = fuzz_room(task->stored_bytes);
    for (uint64_t i = 0; i < task->stored_bytes; i++) stored[i] = (uint8_t)(i * 37);
    bp__plan_range(image, d, task, &from, &to);
    FUZZ_HOLDS(from <= to && from >= plan->head_bytes && to <= plan->image_bytes);
    (void)bp__decoder_run(decoder, LABEL, d, task, stored, image);
    if (bp__decoder_unpack(decoder, LABEL, d, task, stored) == BP_OK)
        FUZZ_HOLDS(bp__decoder_run(decoder, LABEL, d, task, NULL, image) == BP_OK);
    free(stored);
}

static void run_plan(const bp__plan *plan)
{
    bp__decoder *decoder;
    char hash[BP__HASH_TEXT];
    uint64_t *first = fuzz_room((plan->num_tasks + 1) * sizeof *first);
    bp__plan_first_bytes(plan, first);
    for (uint64_t i = 1; i <= plan->num_tasks; i++) FUZZ_HOLDS(first[i] >= first[i - 1]);
    FUZZ_HOLDS(first[plan->num_tasks] <= plan->image_bytes);
    free(first);
    if (plan->image_bytes > MOST_IMAGE || plan->num_tasks > MOST_TASKS) return;
    bp__image *image = fuzz_room(plan->image_bytes);
    memset(image, 0, plan->image_bytes);
    memcpy(image, plan->head, plan->head_bytes);
    FUZZ_HOLDS(bp__decoder_create(&decoder) == BP_OK);
    for (uint64_t i = 0; i < plan->num_tasks; i++) run_task(plan, &plan->task[i], decoder, image);
    bp__decoder_destroy(&decoder);
    FUZZ_HOLDS(bp__content_hash(image, hash) == BP_OK);
    free(image);
}

static void ask(unsigned what, const bp__subject *file)
{
    bp__plan plan = {.head = NULL};
    bp__origin origin = {.path = NULL};
    static bp__h5countries countries;
    uint32_t block[3 * 5];
    const bp__plan_dataset dataset = {
        .elem_bytes = 4, .shape = {9, 5}, .chunk = {3, 5}, .through_hdf5 = true};
    bp_status s = BP_OK;
    switch (what) {
    case ASK_PLAN:
        s = bp__h5_ask_plan(file, NULL, &plan);
        if (s == BP_OK) run_plan(&plan);
        bp__plan_fini(&plan);
        break;
    case ASK_COUNTRIES:
        s = bp__h5_ask_countries(file, &countries);
        for (size_t i = 0; s == BP_OK && i < countries.n; i++)
            FUZZ_HOLDS(strlen(countries.name[i]) < sizeof countries.name[i]);
        break;
    case ASK_ORIGIN:
        s = bp__h5_ask_origin(file, &origin);
        if (s == BP_OK) FUZZ_HOLDS(strlen(origin.maker) < 16 && strlen(origin.content) < 72);
        bp__origin_fini(&origin);
        break;
    default: s = bp__h5_ask_block(file, &dataset, 3, 3, block); break;
    }
    FUZZ_HOLDS(s == BP_OK || strstr(bp_error_text(), LABEL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static int file = -1;
    answer = (fuzz_tape){bytes, size < MOST_PAYLOAD ? size : MOST_PAYLOAD};
    if (file < 0) file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const unsigned what = (unsigned)fuzz_take(&answer, 1);
    is_raw = (what & RAW) != 0;
    ask(what % RAW % NUM_ASKS, &(bp__subject){LABEL, file, FILE_BYTES});
    return 0;
}

/* Seeds ------------------------------------------------------------------------------------------- */

enum { ASSETS = 3, DAYS = 10, SIDS = 2, BARS = 7 };

typedef struct draft {
    bp__plan plan;
    bp__plan_dataset dataset[BP__LAST_BULK - BP__FIRST_BULK + 1];
    bp__plan_task task[MOST_TASKS];
    bp__filters filters;
    bool by_asset, through_hdf5;
} draft;

static void put_column(bp__head *head, bp_column column, const void *values, uint64_t rows, uint64_t cols)
{
    FUZZ_HOLDS(bp__head_put(head, column, values, rows, cols) == BP_OK);
}

static void put_small(bp__head *head, bool minutes)
{
    static const int64_t sids[ASSETS] = {1, 5, 9}, days[DAYS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, zeros[DAYS];
    static const int64_t minute_sids[SIDS] = {1, 9}, offsets[SIDS + 1] = {0, 4, BARS};
    static const double factors[ASSETS] = {1000, 10, 1};
    uint32_t text[ASSETS];
    for (int i = 0; i < ASSETS; i++) FUZZ_HOLDS(bp__head_text(head, i == 1 ? "ABC" : "D", &text[i]) == BP_OK);
    put_column(head, BP_COL_SID, sids, ASSETS, 1);
    put_column(head, BP_COL_DAY, days, DAYS, 1);
    put_column(head, BP_COL_LIFE_START, zeros, ASSETS, 1);
    put_column(head, BP_COL_LIFE_END, zeros, ASSETS, 1);
    put_column(head, BP_COL_CURRENCY, "USDEURXXX", ASSETS, 3);
    for (bp_column c = BP_COL_ASSET_SID; c <= BP_COL_ASSET_AUTO_CLOSE; c++) {
        const bool is_text = c >= BP_COL_ASSET_SYMBOL && c <= BP_COL_ASSET_EXCHANGE;
        put_column(head, c, is_text ? (const void *)text : sids, ASSETS, 1);
    }
    put_column(head, BP_COL_FACTOR, factors, ASSETS, 1);
    if (!minutes) return;
    put_column(head, BP_COL_MINUTE_SID, minute_sids, SIDS, 1);
    put_column(head, BP_COL_MINUTE_OFFSET, offsets, SIDS + 1, 1);
    put_column(head, BP_COL_MINUTE_FACTOR, factors, SIDS, 1);
}

static void add_dataset(draft *d, bp_column column, uint64_t rows, uint64_t cols, uint64_t chunk_rows,
                        uint64_t chunk_cols)
{
    const bool wide = column == BP_COL_MINUTE_DT, daily = column < BP_COL_MINUTE_DT;
    const bool volume = column == BP_COL_VOLUME || column == BP_COL_MINUTE_VOLUME;
    const uint64_t stored = d->filters.n > 0 ? 20 : chunk_rows * chunk_cols * (wide ? 8 : 4);
    bp__plan_dataset *set = &d->dataset[d->plan.num_datasets];
    *set = (bp__plan_dataset){.path = "/US/data/x",
                              .column = column,
                              .decode = wide     ? BP__DECODE_I64
                                        : volume ? BP__DECODE_VOLUME
                                                 : BP__DECODE_PRICE,
                              .elem_bytes = wide ? 8 : 4,
                              .factor = 1000,
                              .scale = 1.0 / 1000,
                              .by_asset = d->by_asset && !wide && !volume,
                              .shape = {rows, cols},
                              .chunk = {chunk_rows, chunk_cols},
                              .filters = d->filters,
                              .through_hdf5 = d->through_hdf5};
    if (set->by_asset) set->factors = daily ? BP_COL_FACTOR : BP_COL_MINUTE_FACTOR;
    for (uint64_t row = 0; row < rows; row += chunk_rows)
        for (uint64_t col = 0; col < cols; col += chunk_cols)
            d->task[d->plan.num_tasks++] = (bp__plan_task){.origin = {row, col},
                                                           .file_offset = 1000,
                                                           .stored_bytes = stored,
                                                           .dataset = d->plan.num_datasets};
    d->plan.num_datasets++;
}

static void put_plan(draft *d, bool minutes, fuzz_pen *pen)
{
    bp__head *head;
    const bool rows = d->through_hdf5; /* whole ones */
    FUZZ_HOLDS(bp__head_create(&head) == BP_OK);
    put_small(head, minutes);
    for (bp_column c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) {
        FUZZ_HOLDS(bp__head_reserve(head, c, ASSETS, DAYS) == BP_OK);
        add_dataset(d, c, ASSETS, DAYS, 2, rows ? DAYS : 4);
    }
    for (bp_column c = BP_COL_MINUTE_DT; minutes && c <= BP_COL_MINUTE_VOLUME; c++) {
        FUZZ_HOLDS(bp__head_reserve(head, c, BARS, 1) == BP_OK);
        add_dataset(d, c, BARS, 1, 3, 1);
    }
    FUZZ_HOLDS(bp__head_seal(head, &d->plan.head, &d->plan.head_bytes, &d->plan.image_bytes) == BP_OK);
    bp__head_destroy(&head);
    const bp__h5_plan_payload payload = {d->plan.image_bytes, d->plan.head_bytes, d->plan.num_datasets,
                                         d->plan.num_tasks};
    fuzz_put(pen, &payload, sizeof payload);
    fuzz_put(pen, d->plan.head, d->plan.head_bytes);
    fuzz_put(pen, d->dataset, d->plan.num_datasets * sizeof *d->dataset);
    fuzz_put(pen, d->task, d->plan.num_tasks * sizeof *d->task);
    free(d->plan.head);
}

static void put_origin(fuzz_pen *pen)
{
    const bp__h5_origin_payload p = {
        .maker = "ingest", .source = "csvdir", .files = 3, .path_bytes = 6, .options_bytes = 3};
    fuzz_put(pen, &p, sizeof p);
    fuzz_put(pen, "/a/b/c\0-x", 9);
}

/* All that a parser writes when it refuses a file. */
static void put_refusal(fuzz_pen *pen)
{
    static const char text[] = LABEL ": not an HDF5 file";
    const bp__answer head = {.status = BP_EFORMAT, .bytes = sizeof text - 1};
    const bp__obituary end = {.status = 0};
    fuzz_put(pen, &head, sizeof head);
    fuzz_put(pen, text, sizeof text - 1);
    fuzz_put(pen, &end, sizeof end);
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const bp__filters none, usual = {2, {BP__FILTER_SHUFFLE, BP__FILTER_DEFLATE}, 4};
    static const bp__h5countries countries = {2, {"GB", "US"}};
    static const uint32_t block[15] = {1, 2, 3};
    static const unsigned first[] = {ASK_PLAN,      ASK_PLAN,   ASK_PLAN,  ASK_PLAN,
                                     ASK_COUNTRIES, ASK_ORIGIN, ASK_BLOCK, RAW | ASK_PLAN};
    fuzz_pen pen = {bytes, 0};
    static draft d;
    d = (draft){
        .filters = number < 2 ? none : usual, .by_asset = number % 2 == 0, .through_hdf5 = number == 1};
    if (number >= sizeof first / sizeof *first) return 0;
    fuzz_put_byte(&pen, first[number]);
    switch (first[number]) {
    case ASK_PLAN: put_plan(&d, number != 3, &pen); break;
    case ASK_COUNTRIES: fuzz_put(&pen, &countries, sizeof countries); break;
    case ASK_ORIGIN: put_origin(&pen); break;
    case ASK_BLOCK: fuzz_put(&pen, block, sizeof block); break;
    default: put_refusal(&pen); break;
    }
    return pen.size;
}
