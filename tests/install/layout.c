/* Prints what a program takes from the public headers when it is compiled: sizes and offsets of structs, and
 * values of constants. Nothing of it may change under a program; record.sh compares it with what was
 * recorded. */
#include <stdio.h>

#include <bundlepool/bundle.h>
#include <bundlepool/config.h>
#include <bundlepool/reader.h>
#include <bundlepool/stats.h>
#include <bundlepool/strategy.h>
#include <bundlepool/version.h>

static size_t end; /* of the field before */

static void begin(const char *type, size_t size)
{
    printf("%s %zu bytes\n", type, size);
    end = 0;
}

/* Padding is printed as well: a field that is missing from the lists below shows as a hole. */
static void hole(const char *type, size_t to)
{
    if (to > end) printf("%s: padding at %zu, %zu bytes\n", type, end, to - end);
}

static void field(const char *type, const char *name, size_t offset, size_t size)
{
    hole(type, offset);
    printf("%s.%s at %zu, %zu bytes\n", type, name, offset, size);
    end = offset + size;
}

static void number(const char *name, long value)
{
    printf("%s = %ld\n", name, value);
}

#define BEGIN(type)       begin(#type, sizeof(type))
#define FIELD(type, name) field(#type, #name, offsetof(type, name), sizeof((type){0}.name))
#define END(type)         hole(#type, sizeof(type))
#define NUMBER(name)      number(#name, (long)(name))

static void structs(void)
{
    BEGIN(bp_array);
    FIELD(bp_array, data);
    FIELD(bp_array, type);
    FIELD(bp_array, ndim);
    FIELD(bp_array, shape);
    END(bp_array);

    BEGIN(bp_config);
    FIELD(bp_config, size);
    FIELD(bp_config, enable_bundle_pooling);
    FIELD(bp_config, transfer);
    FIELD(bp_config, log_level);
    FIELD(bp_config, log_format);
    FIELD(bp_config, max_bundle_pool_size);
    FIELD(bp_config, pool_memory);
    FIELD(bp_config, max_staleness_ms);
    FIELD(bp_config, load_timeout_ms);
    FIELD(bp_config, room_timeout_ms);
    FIELD(bp_config, ranks_per_node);
    FIELD(bp_config, root);
    FIELD(bp_config, link_timeout_ms);
    FIELD(bp_config, verify_transfer);
    FIELD(bp_config, numa);
    END(bp_config);

    BEGIN(bp_counters);
    FIELD(bp_counters, size);
    FIELD(bp_counters, hits);
    FIELD(bp_counters, misses);
    FIELD(bp_counters, loads);
    FIELD(bp_counters, failures);
    FIELD(bp_counters, checks);
    FIELD(bp_counters, evictions);
    FIELD(bp_counters, invalidations);
    FIELD(bp_counters, load_seconds);
    FIELD(bp_counters, wait_seconds);
    END(bp_counters);

    BEGIN(bp_stats);
    FIELD(bp_stats, size);
    FIELD(bp_stats, pool_size);
    FIELD(bp_stats, max_pool_size);
    FIELD(bp_stats, num_versions_tracked);
    FIELD(bp_stats, utilization_percent);
    FIELD(bp_stats, bytes_resident);
    FIELD(bp_stats, bytes_peak);
    FIELD(bp_stats, bytes_limit);
    FIELD(bp_stats, limit_from);
    FIELD(bp_stats, num_nodes);
    FIELD(bp_stats, num_ranks);
    FIELD(bp_stats, rank);
    FIELD(bp_stats, node);
    FIELD(bp_stats, cluster);
    END(bp_stats);

    BEGIN(bp_version);
    FIELD(bp_version, size);
    FIELD(bp_version, bundle_name);
    FIELD(bp_version, asset_list);
    FIELD(bp_version, num_assets);
    FIELD(bp_version, date_range);
    FIELD(bp_version, schema_version);
    FIELD(bp_version, computed_hash);
    FIELD(bp_version, content_hash);
    END(bp_version);
}

/* What readers fill in. */
static void readers(void)
{
    BEGIN(bp_asset);
    FIELD(bp_asset, size);
    FIELD(bp_asset, sid);
    FIELD(bp_asset, symbol);
    FIELD(bp_asset, name);
    FIELD(bp_asset, exchange);
    FIELD(bp_asset, start_date);
    FIELD(bp_asset, end_date);
    FIELD(bp_asset, first_traded);
    FIELD(bp_asset, auto_close_date);
    FIELD(bp_asset, currency);
    END(bp_asset);

    BEGIN(bp_ownership);
    FIELD(bp_ownership, sid);
    FIELD(bp_ownership, symbol);
    FIELD(bp_ownership, start_date);
    FIELD(bp_ownership, end_date);
    END(bp_ownership);

    BEGIN(bp_ratio);
    FIELD(bp_ratio, effective_date);
    FIELD(bp_ratio, ratio);
    END(bp_ratio);

    BEGIN(bp_adjustment);
    FIELD(bp_adjustment, row);
    FIELD(bp_adjustment, first_row);
    FIELD(bp_adjustment, last_row);
    FIELD(bp_adjustment, first_col);
    FIELD(bp_adjustment, last_col);
    FIELD(bp_adjustment, value);
    FIELD(bp_adjustment, kind);
    FIELD(bp_adjustment, reserved);
    END(bp_adjustment);

    BEGIN(bp_dividend);
    FIELD(bp_dividend, sid);
    FIELD(bp_dividend, ex_date);
    FIELD(bp_dividend, declared_date);
    FIELD(bp_dividend, record_date);
    FIELD(bp_dividend, pay_date);
    FIELD(bp_dividend, amount);
    END(bp_dividend);

    BEGIN(bp_stock_dividend);
    FIELD(bp_stock_dividend, sid);
    FIELD(bp_stock_dividend, ex_date);
    FIELD(bp_stock_dividend, declared_date);
    FIELD(bp_stock_dividend, record_date);
    FIELD(bp_stock_dividend, pay_date);
    FIELD(bp_stock_dividend, payment_sid);
    FIELD(bp_stock_dividend, ratio);
    END(bp_stock_dividend);
}

/* What a plug-in and its host tell each other. */
static void strategies(void)
{
    BEGIN(bp_param);
    FIELD(bp_param, name);
    FIELD(bp_param, help);
    FIELD(bp_param, kind);
    FIELD(bp_param, fallback);
    FIELD(bp_param, min);
    FIELD(bp_param, max);
    FIELD(bp_param, words);
    END(bp_param);

    BEGIN(bp_strategy);
    FIELD(bp_strategy, size);
    FIELD(bp_strategy, name);
    FIELD(bp_strategy, help);
    FIELD(bp_strategy, param);
    FIELD(bp_strategy, num_params);
    FIELD(bp_strategy, context);
    FIELD(bp_strategy, check);
    FIELD(bp_strategy, signals);
    FIELD(bp_strategy, signals_batch);
    FIELD(bp_strategy, weights);
    FIELD(bp_strategy, decide);
    FIELD(bp_strategy, memory);
    END(bp_strategy);

    BEGIN(bp_module);
    FIELD(bp_module, abi);
    FIELD(bp_module, count);
    FIELD(bp_module, strategy);
    END(bp_module);

    BEGIN(bp_host);
    FIELD(bp_host, size);
    FIELD(bp_host, abi);
    FIELD(bp_host, reserved);
    FIELD(bp_host, market_num_assets);
    FIELD(bp_host, market_num_bars);
    FIELD(bp_host, market_time);
    FIELD(bp_host, market_ends_session);
    FIELD(bp_host, market_find);
    FIELD(bp_host, market_symbol);
    FIELD(bp_host, market_sid);
    FIELD(bp_host, market_closes);
    FIELD(bp_host, market_read);
    FIELD(bp_host, market_bar_of);
    FIELD(bp_host, market_observations);
    FIELD(bp_host, market_is_listed);
    FIELD(bp_host, market_means);
    FIELD(bp_host, market_deviations);
    FIELD(bp_host, market_scratch);
    FIELD(bp_host, market_fail);
    FIELD(bp_host, signals_toggle);
    FIELD(bp_host, signals_decide);
    FIELD(bp_host, weights_row);
    FIELD(bp_host, view_num_assets);
    FIELD(bp_host, view_bar);
    FIELD(bp_host, view_time);
    FIELD(bp_host, view_ends_session);
    FIELD(bp_host, view_find);
    FIELD(bp_host, view_symbol);
    FIELD(bp_host, view_sid);
    FIELD(bp_host, view_can_trade);
    FIELD(bp_host, view_price);
    FIELD(bp_host, view_window);
    FIELD(bp_host, view_observations);
    FIELD(bp_host, view_mean);
    FIELD(bp_host, view_deviation);
    FIELD(bp_host, view_cash);
    FIELD(bp_host, view_equity);
    FIELD(bp_host, view_position);
    FIELD(bp_host, view_memory);
    FIELD(bp_host, view_order);
    FIELD(bp_host, view_num_orders);
    FIELD(bp_host, view_order_at);
    FIELD(bp_host, view_order_asset);
    FIELD(bp_host, view_order_unfilled);
    FIELD(bp_host, view_cancel);
    FIELD(bp_host, view_fail);
    FIELD(bp_host, mean);
    FIELD(bp_host, deviation);
    FIELD(bp_host, signals_cross);
    FIELD(bp_host, signals_band);
    END(bp_host);

    BEGIN(bp_market);
    FIELD(bp_market, host);
    END(bp_market);
    BEGIN(bp_signals);
    FIELD(bp_signals, host);
    END(bp_signals);
    BEGIN(bp_weights);
    FIELD(bp_weights, host);
    END(bp_weights);
    BEGIN(bp_view);
    FIELD(bp_view, host);
    END(bp_view);
}

static void numbers(void)
{
#define X(name, value, text) NUMBER(BP_##name);
    BP_STATUS_MAP(X)
#undef X
#define X(id, name, type, ndim) NUMBER(BP_COL_##id);
    BP_COLUMN_MAP(X)
#undef X
    NUMBER(BP_TYPE_I64);
    NUMBER(BP_TYPE_F64);
    NUMBER(BP_TYPE_U32);
    NUMBER(BP_TYPE_BYTES);
    NUMBER(BP_TRANSFER_AUTO);
    NUMBER(BP_TRANSFER_DECODED);
    NUMBER(BP_TRANSFER_STORED);
    NUMBER(BP_LOG_ERROR);
    NUMBER(BP_LOG_WARN);
    NUMBER(BP_LOG_INFO);
    NUMBER(BP_LOG_DEBUG);
    NUMBER(BP_LOG_TEXT);
    NUMBER(BP_LOG_JSON);
    NUMBER(BP_FIELD_OPEN);
    NUMBER(BP_FIELD_HIGH);
    NUMBER(BP_FIELD_LOW);
    NUMBER(BP_FIELD_CLOSE);
    NUMBER(BP_FIELD_VOLUME);
    NUMBER(BP_LOOKUP_STRICT);
    NUMBER(BP_LOOKUP_FUZZY);
    NUMBER(BP_AXIS_MARKET);
    NUMBER(BP_AXIS_BARS);
    NUMBER(BP_ADJUST_NONE);
    NUMBER(BP_ADJUST_SPLITS);
    NUMBER(BP_ADJUST_MERGERS);
    NUMBER(BP_ADJUST_DIVIDENDS);
    NUMBER(BP_ADJUST_ALL);
    NUMBER(BP_NAME_MAX);
    NUMBER(BP_PATH_MAX);
    NUMBER(BP_LIMIT_FROM_MAX);
    NUMBER(BP_STRATEGY_ABI);
    NUMBER(BP_STRATEGY_MAX_PARAMS);
    NUMBER(BP_BAR_OPEN);
    NUMBER(BP_BAR_HIGH);
    NUMBER(BP_BAR_LOW);
    NUMBER(BP_BAR_CLOSE);
    NUMBER(BP_BAR_VOLUME);
    NUMBER(BP_ADJUSTED);
    NUMBER(BP_AS_TRADED);
    NUMBER(BP_CARRIED);
    NUMBER(BP_PARAM_INTEGER);
    NUMBER(BP_PARAM_REAL);
    NUMBER(BP_PARAM_WORD);
}

int main(void)
{
    structs();
    readers();
    strategies();
    numbers();
    return 0;
}
