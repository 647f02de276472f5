/* A plan that was made by a process that has read a hostile file: whatever is wrong in it is found before it is used. */
#include <stdlib.h>

#include "core/plan.h"
#include "suite.h"

enum { ASSETS = 3, DAYS = 10, SIDS = 2, BARS = 7, FILE_BYTES = 100000 };

static bp__plan plan;

static bp__image *head_of(void)
{
    return plan.head;
}

static void *values(bp_column column)
{
    return (char *)plan.head + head_of()->column[column].offset;
}

/* A bundle of three assets and two sids with minute bars, in chunks of two rows and four columns, or of three bars. */
static void put_small(bp__head *head)
{
    static const int64_t sids[ASSETS] = {1, 5, 9}, days[DAYS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                         zeros[DAYS] = {0};
    static const int64_t minute_sids[SIDS] = {1, 9}, offsets[SIDS + 1] = {0, 4, BARS};
    static const double factors[ASSETS] = {1000, 10, 1};
    uint32_t text[ASSETS];
    MUST(bp__head_put(head, BP_COL_SID, sids, ASSETS, 1));
    MUST(bp__head_put(head, BP_COL_DAY, days, DAYS, 1));
    MUST(bp__head_put(head, BP_COL_LIFE_START, zeros, ASSETS, 1));
    MUST(bp__head_put(head, BP_COL_LIFE_END, zeros, ASSETS, 1));
    MUST(bp__head_put(head, BP_COL_CURRENCY, "USDEURXXX", ASSETS, 3));
    for (int i = 0; i < ASSETS; i++) MUST(bp__head_text(head, i == 1 ? "ABC" : "D", &text[i]));
    for (bp_column c = BP_COL_ASSET_SID; c <= BP_COL_ASSET_AUTO_CLOSE; c++) {
        const bool is_text = c >= BP_COL_ASSET_SYMBOL && c <= BP_COL_ASSET_EXCHANGE;
        MUST(bp__head_put(head, c, is_text ? (const void *)text : sids, ASSETS, 1));
    }
    MUST(bp__head_put(head, BP_COL_FACTOR, factors, ASSETS, 1));
    MUST(bp__head_put(head, BP_COL_MINUTE_SID, minute_sids, SIDS, 1));
    MUST(bp__head_put(head, BP_COL_MINUTE_OFFSET, offsets, SIDS + 1, 1));
}

static void add_dataset(bp_column column, uint64_t rows, uint64_t cols, uint64_t chunk_rows,
                        uint64_t chunk_cols)
{
    bp__plan_dataset *d = &plan.dataset[plan.num_datasets];
    const bool wide = column == BP_COL_MINUTE_DT,
               volume = column == BP_COL_VOLUME || column == BP_COL_MINUTE_VOLUME;
    *d = (bp__plan_dataset){
        .path = "/US/data/x",
        .column = column,
        .decode = wide     ? BP__DECODE_I64
                  : volume ? BP__DECODE_VOLUME
                           : BP__DECODE_PRICE,
        .elem_bytes = wide ? 8 : 4,
        .factor = 1000,
        .scale = 1.0 / 1000,
        .shape = {rows, cols},
        .chunk = {chunk_rows, chunk_cols},
        .filters = {.n = 2, .id = {BP__FILTER_SHUFFLE, BP__FILTER_DEFLATE}, .shuffle_bytes = 4}};
    if (column >= BP_COL_OPEN && column <= BP_COL_CLOSE) {
        d->by_asset = true;
        d->factors = BP_COL_FACTOR;
    }
    for (uint64_t row = 0; row < rows; row += chunk_rows)
        for (uint64_t col = 0; col < cols; col += chunk_cols)
            plan.task[plan.num_tasks++] = (bp__plan_task){
                .origin = {row, col}, .file_offset = 1000, .stored_bytes = 20, .dataset = plan.num_datasets};
    plan.num_datasets++;
}

static void make_plan(void)
{
    bp__head *head;
    MUST(bp__head_create(&head));
    put_small(head);
    plan = (bp__plan){.dataset = calloc(16, sizeof *plan.dataset), .task = calloc(200, sizeof *plan.task)};
    CU_ASSERT_FATAL(plan.dataset && plan.task);
    for (bp_column c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) {
        MUST(bp__head_reserve(head, c, ASSETS, DAYS));
        add_dataset(c, ASSETS, DAYS, 2, 4);
    }
    for (bp_column c = BP_COL_MINUTE_DT; c <= BP_COL_MINUTE_VOLUME; c++) {
        MUST(bp__head_reserve(head, c, BARS, 1));
        add_dataset(c, BARS, 1, 3, 1);
    }
    MUST(bp__head_seal(head, &plan.head, &plan.head_bytes, &plan.image_bytes));
    bp__head_destroy(&head);
}

/* Fewer rows than the columns beside it have, in a head that is sound otherwise. */
static void shorten(bp_column column)
{
    bp__image_column *c = &head_of()->column[column];
    c->bytes -= c->bytes / c->shape[0];
    c->shape[0]--;
}

/* What a hostile file, or a process that it has taken over, might have put there. */
#define SPOIL(name, statement)                                                                               \
    static void name(void)                                                                                   \
    {                                                                                                        \
        statement;                                                                                           \
    }
SPOIL(no_head, plan.head_bytes = 8)
SPOIL(larger_head, plan.head_bytes += 64)
SPOIL(larger_image, plan.image_bytes += 64)
SPOIL(wrong_magic, head_of()->magic ^= 1)
SPOIL(column_elsewhere, head_of()->column[BP_COL_SID].offset += 64)
SPOIL(column_longer, head_of()->column[BP_COL_DAY].shape[0]++)
SPOIL(endless_name, memset(head_of()->calendar_name, 'x', sizeof head_of()->calendar_name))
SPOIL(text_elsewhere, ((uint32_t *)values(BP_COL_ASSET_SYMBOL))[2] = 1u << 20)
SPOIL(text_just_behind,
      ((uint32_t *)values(BP_COL_ASSET_NAME))[0] = (uint32_t)head_of()->column[BP_COL_STRINGS].bytes)
SPOIL(sids_descend, ((int64_t *)values(BP_COL_SID))[1] = 100)
SPOIL(days_equal, ((int64_t *)values(BP_COL_DAY))[4] = 3)
SPOIL(assets_descend, ((int64_t *)values(BP_COL_ASSET_SID))[2] = 0)
SPOIL(minute_sids_equal, ((int64_t *)values(BP_COL_MINUTE_SID))[1] = 1)
SPOIL(factor_of_zero, ((double *)values(BP_COL_FACTOR))[1] = 0)
SPOIL(factor_of_nan, ((double *)values(BP_COL_FACTOR))[0] = 0.0 / 0.0)
SPOIL(offset_negative, ((int64_t *)values(BP_COL_MINUTE_OFFSET))[0] = -1)
SPOIL(offset_back, ((int64_t *)values(BP_COL_MINUTE_OFFSET))[1] = 8)
SPOIL(offset_too_far, ((int64_t *)values(BP_COL_MINUTE_OFFSET))[2] = 8)
SPOIL(short_column, shorten(BP_COL_LIFE_END))
SPOIL(short_sids, shorten(BP_COL_SID))
SPOIL(short_days, shorten(BP_COL_DAY))
SPOIL(short_factors, shorten(BP_COL_FACTOR))
SPOIL(fewer_datasets, plan.num_datasets--)
SPOIL(daily_only, plan.num_datasets = 5)
SPOIL(another_column, plan.dataset[1].column = BP_COL_OPEN)
SPOIL(column_of_no_use, plan.dataset[0].column = 4000)
SPOIL(endless_path, memset(plan.dataset[2].path, 'x', sizeof plan.dataset[2].path))
SPOIL(another_decode, plan.dataset[3].decode = BP__DECODE_I64)
SPOIL(another_width, plan.dataset[3].elem_bytes = 8)
SPOIL(no_width, plan.dataset[3].elem_bytes = 0)
SPOIL(no_factor, plan.dataset[4].factor = 0)
SPOIL(factors_elsewhere, plan.dataset[0].factors = BP_COL_SID)
SPOIL(factors_missing, plan.dataset[4].by_asset = true; plan.dataset[4].factors = BP_COL_VOLUME_FACTOR)
SPOIL(more_rows, plan.dataset[0].shape[0]++)
SPOIL(more_cols, plan.dataset[0].shape[1]++)
SPOIL(two_dimensions, plan.dataset[6].shape[1] = 2)
SPOIL(no_chunk, plan.dataset[0].chunk[1] = 0)
SPOIL(huge_chunk, plan.dataset[0].chunk[0] = 1u << 20)
SPOIL(overflowing_chunk, plan.dataset[0].chunk[0] = plan.dataset[0].chunk[1] = UINT64_C(1) << 33)
SPOIL(too_many_filters, plan.dataset[0].filters.n = BP__MAX_FILTERS + 1)
SPOIL(unknown_filter, plan.dataset[0].filters.id[0] = 4)
SPOIL(wide_shuffle, plan.dataset[0].filters.shuffle_bytes = 5)
SPOIL(no_shuffle, plan.dataset[0].filters.shuffle_bytes = 0)
SPOIL(filters_of_values, plan.dataset[0].through_hdf5 = true)
SPOIL(swapped_values, plan.dataset[0].filters.n = 0;
      plan.dataset[0].through_hdf5 = plan.dataset[0].swapped = true)
SPOIL(neither_true_nor_false, memset(&plan.dataset[1].by_asset, 102, 1))
SPOIL(half_swapped, memset(&plan.dataset[0].swapped, 2, 1))
SPOIL(partly_through_hdf5, memset(&plan.dataset[4].through_hdf5, 255, 1))
SPOIL(fewer_tasks, plan.num_tasks--)
SPOIL(more_tasks, plan.num_tasks++)
SPOIL(task_of_another, plan.task[0].dataset = 1)
SPOIL(task_of_none, plan.task[3].dataset = 77)
SPOIL(task_twice, plan.task[1] = plan.task[0])
SPOIL(task_off_the_grid, plan.task[0].origin[1] = 1)
SPOIL(task_outside, plan.task[0].origin[0] = 200)
SPOIL(behind_the_end, plan.task[2].file_offset = FILE_BYTES - 19)
SPOIL(far_behind_the_end, plan.task[2].file_offset = UINT64_MAX - 10)
SPOIL(too_much_stored, plan.task[2].stored_bytes = 9000)

static void test_spoilt(void)
{
    static const struct {
        void (*spoil)(void);
        const char *words;
    } cases[] = {
        {no_head, "its head"},
        {larger_head, "its head"},
        {larger_image, "its head"},
        {wrong_magic, "magic"},
        {column_elsewhere, "index/sid"},
        {column_longer, "index/day"},
        {endless_name, "names do not end"},
        {text_elsewhere, "assets/symbol"},
        {text_just_behind, "assets/name"},
        {sids_descend, "index/sid"},
        {days_equal, "index/day"},
        {assets_descend, "assets/sid"},
        {minute_sids_equal, "minute/index/sid"},
        {factor_of_zero, "data/scaling_factor"},
        {factor_of_nan, "data/scaling_factor"},
        {offset_negative, "minute/index/offset"},
        {offset_back, "minute/index/offset"},
        {offset_too_far, "minute/index/offset"},
        {short_column, "as many rows as the columns beside it"},
        {short_sids, "rows are not those of the bars"},
        {short_days, "columns are not the sessions"},
        {short_factors, "one factor for each asset"},
        {fewer_datasets, "datasets of bars"},
        {daily_only, "datasets of bars"},
        {another_column, "data/high"},
        {column_of_no_use, "data/open"},
        {endless_path, "data/low"},
        {another_decode, "data/close"},
        {another_width, "data/close"},
        {no_width, "data/close"},
        {no_factor, "no factor"},
        {factors_elsewhere, "no factor"},
        {factors_missing, "no factor"},
        {more_rows, "shape"},
        {more_cols, "shape"},
        {two_dimensions, "shape"},
        {no_chunk, "too large"},
        {huge_chunk, "too large"},
        {overflowing_chunk, "too large"},
        {too_many_filters, "description"},
        {unknown_filter, "description"},
        {wide_shuffle, "description"},
        {no_shuffle, "description"},
        {filters_of_values, "description"},
        {swapped_values, "description"},
        {neither_true_nor_false, "description"},
        {half_swapped, "description"},
        {partly_through_hdf5, "description"},
        {fewer_tasks, "do not cover"},
        {more_tasks, "of no dataset"},
        {task_of_another, "do not cover"},
        {task_of_none, "do not cover"},
        {task_twice, "do not cover"},
        {task_off_the_grid, "do not cover"},
        {task_outside, "do not cover"},
        {behind_the_end, "damaged chunk"},
        {far_behind_the_end, "damaged chunk"},
        {too_much_stored, "damaged chunk"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_plan();
        MUST(bp__plan_check(&plan, "file.h5", FILE_BYTES));
        cases[i].spoil();
        const bp_status s = bp__plan_check(&plan, "file.h5", FILE_BYTES);
        if (s != BP_EFORMAT || !strstr(bp_error_text(), cases[i].words))
            printf("%s: %s: %s\n", cases[i].words, bp_status_name(s), s == BP_OK ? "" : bp_error_text());
        CU_ASSERT_EQUAL(s, BP_EFORMAT);
        CU_ASSERT(strstr(bp_error_text(), cases[i].words) != NULL);
        CU_ASSERT(strncmp(bp_error_text(), "file.h5: ", 9) == 0);
        bp__plan_fini(&plan);
        CU_ASSERT(plan.head == NULL && plan.dataset == NULL && plan.task == NULL);
    }
}

/* What only the parser finds has neither filters nor a place in the file. */
static void test_through_hdf5(void)
{
    make_plan();
    for (uint32_t i = 0; i < plan.num_datasets; i++) {
        plan.dataset[i].through_hdf5 = true;
        plan.dataset[i].filters.n = 0;
    }
    for (uint64_t i = 0; i < plan.num_tasks; i++) plan.task[i].file_offset = 0, plan.task[i].stored_bytes = 8;
    MUST(bp__plan_check(&plan, "file.h5", 7));
    bp__plan_fini(&plan);
}

/* A decoder keeps two buffers for the largest chunk with filters, and one for the largest without. */
static void test_decoder_bytes(void)
{
    make_plan();
    CU_ASSERT_EQUAL(bp__plan_decoder_bytes(&plan),
                    2 * 2 * 4 * 4); /* prices; the minutes' chunks have 24 bytes */
    plan.dataset[6].filters.n = 0;
    plan.dataset[6].chunk[0] = 50;
    CU_ASSERT_EQUAL(bp__plan_decoder_bytes(&plan), 2 * 2 * 4 * 4 + 50 * 4);
    bp__plan_fini(&plan);
}

int main(void)
{
    CU_TestInfo tests[] = {{"spoilt plans", test_spoilt},
                           {"what the parser reads", test_through_hdf5},
                           {"memory of a decoder", test_decoder_bytes},
                           CU_TEST_INFO_NULL};
    return suite_main("plan_check", tests);
}
