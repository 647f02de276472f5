from bundlepool.optimization.bundle_pool import get_bundle_from_pool

bundle_data = get_bundle_from_pool("quandl")

asset_finder = bundle_data.asset_finder
daily_bar_reader = bundle_data.equity_daily_bar_reader
minute_bar_reader = bundle_data.equity_minute_bar_reader
adjustment_reader = bundle_data.adjustment_reader

assets = asset_finder.retrieve_all(asset_finder.sids)
first, last = daily_bar_reader.first_trading_day, daily_bar_reader.last_available_dt
closes, volumes = daily_bar_reader.load_raw_arrays(["close", "volume"], first, last, assets)
assert closes.shape == volumes.shape == (len(daily_bar_reader.sessions), len(assets))
assert daily_bar_reader.get_value(assets[0].sid, first, "close") == closes[0, 0]
assert asset_finder.lookup_symbol(assets[1].symbol, as_of_date=None) == assets[1]
assert minute_bar_reader.get_last_traded_dt(assets[0], minute_bar_reader.last_available_dt) > first
assert set(adjustment_reader.load_adjustments(daily_bar_reader.sessions, assets, True, True, True, "all")) \
    == {"price", "volume"}
assert get_bundle_from_pool("quandl").generation == bundle_data.generation
print("done")
