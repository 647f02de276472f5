"""The four readers: against a market that is written out here, and against the arrays of the bundle."""

from __future__ import annotations

import copy
import datetime
import gc
import pickle
import random
import re
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import bundlepool as bp
from bundlepool import _core
from bundlepool.readers import Asset

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
DAILY = {  # symbol: session: open, high, low, close, volume
    "AAA": {day: (10 + i, 11 + i, 9 + i, 10.5 + i, 1000 * (i + 1)) for i, day in enumerate(DAYS)},
    "BRK_A": {day: (100, 101, 99, 100.25, 7) for day in DAYS[1:4]},
}
DAILY["AAA"]["2024-01-04"] = None  # a hole
HOURS = ("14:30:00", "21:00:00")


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with the bundle "mine"."""
    root = tmp_path_factory.mktemp("bundles")
    csv = root / "csv"
    for symbol, bars in DAILY.items():
        write(csv / "daily" / f"{symbol}.csv", "date,open,high,low,close,volume",
              [(day, *bar) for day, bar in bars.items() if bar])
    write(csv / "minute" / "AAA.csv", "date,open,high,low,close,volume",
          [("2024-01-03T14:31:00Z", 11, 11, 11, 11, 5), ("2024-01-03T14:33:00Z", 12, 12, 12, 12, 6)])
    write(csv / "assets.csv", "sid,symbol,name,exchange,currency,start_date,end_date",
          [(3, "AAA", "Triple A", "NYSE", "USD", "2024-01-02", "2024-01-08"),
           (7, "BRK_A", "Berkshire", "NASDAQ", "EUR", "2024-01-03", "2024-01-05")])
    write(csv / "symbols.csv", "sid,symbol,start_date,end_date",
          [(7, "OLD", "2023-01-01", "2023-12-31"), (7, "BRK_A", "2024-01-01", "2024-01-05"),
           (3, "AAA", "2024-01-02", "2024-01-08"), (3, "OLD", "2024-01-04", "2024-01-08")])
    write(csv / "adjustments.csv",
          "kind,sid,effective_date,ex_date,declared_date,record_date,pay_date,payment_sid,ratio,amount",
          [("split", 3, "2024-01-05", "", "", "", "", "", 0.5, ""),
           ("merger", 3, "2024-01-03", "", "", "", "", "", 0.8, ""),
           ("dividend", 7, "", "2024-01-04", "", "2024-01-05", "2024-02-01", "", "", 1.25),
           ("stock_dividend", 7, "", "2024-01-05", "", "", "2024-02-02", 3, 0.1, "")])
    write(csv / "sessions.csv", "session,market_open,market_close,daily",
          [(day, *(f"{day}T{hour}Z" for hour in HOURS), 1) for day in DAYS])
    with pytest.warns(bp.ingest.IngestWarning):  # a hole
        bp.ingest.csvdir(csv, "mine", root=root)
    return root


@pytest.fixture
def b(root):
    return bp.load("mine", root=root)


def day(text):
    return np.datetime64(text, "ns")


# Assets --------------------------------------------------------------------------------------------------


def test_assets(b):
    finder = b.asset_finder
    assert finder.sids.tolist() == [3, 7] and len(finder) == 2
    asset = finder.retrieve_asset(7)
    assert (asset.sid, asset.symbol, asset.asset_name, asset.exchange, asset.currency) == \
        (7, "BRK_A", "Berkshire", "NASDAQ", "EUR")
    assert asset.start_date == day("2024-01-03") and asset.end_date == day("2024-01-05")
    assert asset.start_date.dtype == "datetime64[ns]"
    assert finder.retrieve_all([7, 3]) == [7, 3] and list(finder) == [3, 7]
    assert finder.retrieve_all([7, 8], default_none=True) == [asset, None]
    assert repr(asset) == "Asset(7 [BRK_A])"
    with pytest.raises(bp.NoSid, match="mine: .*8") as caught:
        finder.retrieve_all([7, 8])
    assert isinstance(caught.value, KeyError) and caught.value.name == "BP_ENOSID"


def test_an_asset_is_its_sid(b):
    a, c = b.assets.retrieve_all([3, 7])
    assert a == 3 and hash(a) == hash(3) and a < c and a < 7 and c >= 7 and {3: "x"}[a] == "x"
    assert pickle.loads(pickle.dumps(a)) == a and copy.copy(c).symbol == "BRK_A"
    with pytest.raises(AttributeError):
        a.sid = 4
    assert b.daily.get_value(a, DAYS[0], "open") == b.daily.get_value(3, DAYS[0], "open")


def test_symbols(b):
    finder = b.assets
    for symbol in ("BRK_A", "brk.a", "Brk/A"):
        assert finder.lookup_symbol(symbol) == 7
    with pytest.raises(bp.NoSymbol, match="BRKA"):
        finder.lookup_symbol("BRKA")
    assert finder.lookup_symbol("BRKA", fuzzy=True) == 7
    assert finder.lookup_symbols(["AAA", "BRK_A"], "2024-01-04") == [3, 7]
    assert finder.lookup_symbol("OLD", "2023-06-01") == 7
    assert finder.lookup_symbol("OLD", day("2024-01-04")) == 3
    with pytest.raises(bp.AmbiguousSymbol) as caught:
        finder.lookup_symbol("OLD")
    assert isinstance(caught.value, LookupError)
    assert [(x.sid, x.symbol) for x in finder.owners("old")] == [(7, "OLD"), (3, "OLD")]
    assert finder.owners("OLD")[0].start_date == day("2023-01-01")
    assert finder.symbol_of(7) == "BRK_A" and finder.symbol_of(7, "2023-06-01") == "OLD"
    assert [x.symbol for x in finder.symbols_of(7)] == ["OLD", "BRK_A"]
    with pytest.raises(bp.NoSymbol):
        finder.symbol_of(3, "2020-01-01")


def test_lifetimes(b):
    finder = b.assets
    assert finder.lifetimes(["2024-01-02", "2024-01-03", "2024-01-08"]).tolist() == \
        [[True, False], [True, True], [True, False]]
    assert finder.lifetimes(b.sessions[:2], False).tolist() == [[False, False], [True, False]]
    assert finder.lifetimes([DAYS[1]], sids=[7]).tolist() == [[True]]
    assert finder.lifetimes([]).shape == (0, 2) and finder.lifetimes(DAYS, sids=[]).shape == (5, 0)
    assert finder.alive("2024-01-03").tolist() == [3, 7]
    assert finder.alive("2024-01-03", include_start_date=False).tolist() == [3]
    assert finder.exchanges == ["NASDAQ", "NYSE"]
    assert finder.sids_of_exchange("NYSE").tolist() == [3] and finder.sids_of_exchange("LSE").tolist() == []
    with pytest.raises(bp.NoSid):
        finder.lifetimes(DAYS, sids=[4])


# Daily bars ----------------------------------------------------------------------------------------------


def test_daily_values(b):
    daily = b.equity_daily_bar_reader
    assert daily.sids.tolist() == [3, 7] and [str(x)[:10] for x in daily.sessions] == DAYS
    assert daily.first_trading_day == day(DAYS[0]) and daily.last_available_dt == day(DAYS[-1])
    assert [daily.get_value(3, DAYS[0], field) for field in ("open", "high", "low", "close", "volume")] == \
        [10, 11, 9, 10.5, 1000]
    assert np.isnan(daily.get_value(3, "2024-01-04", "close"))
    assert daily.get_value(3, "2024-01-04", "volume") == 0
    assert type(daily.get_value(3, DAYS[0], "close")) is float
    for error, session in ((bp.NoDataBeforeDate, DAYS[0]), (bp.NoDataAfterDate, DAYS[4]),
                           (bp.NoDataOnDate, "2024-01-06")):
        with pytest.raises(error) as caught:
            daily.get_value(7, session, "close")
        assert isinstance(caught.value, bp.NoDataForDate) and "mine" in str(caught.value)
    assert daily.get_last_traded_dt(3, "2024-01-04T12:00") == day("2024-01-03")
    assert np.isnat(daily.get_last_traded_dt(7, DAYS[0]))
    assert daily.currency(7) == "EUR" and daily.currency_codes([3, 7]).tolist() == ["USD", "EUR"]


def test_daily_tables(b):
    daily = b.daily
    tables = daily.load_raw_arrays(["close", "volume", "close"], DAYS[1], DAYS[3], [7, 3, 7])
    assert [table.shape for table in tables] == [(3, 3)] * 3
    assert tables[0][:, 1].tolist()[::2] == [11.5, 13.5] and np.isnan(tables[0][1, 1])
    assert tables[0][:, 0].tolist() == [100.25] * 3 and (tables[0] == tables[2])[:, [0, 2]].all()
    assert tables[1][:, 1].tolist() == [2000, 0, 4000]
    assert tables[0].flags.writeable and tables[0].dtype == "float64"
    everything = daily.load_raw_arrays(["open"], DAYS[0], DAYS[-1], b.sids)[0]
    assert np.array_equal(everything, b.open.T, equal_nan=True)
    assert daily.load_raw_arrays([], DAYS[0], DAYS[1], [3]) == []
    assert daily.load_raw_arrays(["open"], DAYS[0], DAYS[1], [])[0].shape == (2, 0)
    with pytest.raises(bp.NoDataOnDate):
        daily.load_raw_arrays(["open"], "2024-01-06", DAYS[4], [3])
    with pytest.raises(bp.InvalidArgument):
        daily.load_raw_arrays(["open"], DAYS[1], DAYS[0], [3])
    with pytest.raises(bp.NoSid, match="9"):
        daily.load_raw_arrays(["open"], DAYS[0], DAYS[1], [3, 9])


def test_windows_are_adjusted_by_what_was_known(b):
    closes = [10.5, 11.5]
    assert b.daily.window(3, DAYS[1], 2, adjusted=False).tolist() == closes
    assert b.daily.window(3, DAYS[1], 2).tolist() == [10.5 * 0.8, 11.5]
    assert b.daily.window(3, DAYS[1], 2, as_of=DAYS[4]).tolist() == [10.5 * 0.8 * 0.5, 11.5 * 0.5]
    assert b.daily.window(3, DAYS[1], 2, as_of=DAYS[4], adjusted=["splits"]).tolist() == [5.25, 5.75]
    assert b.daily.window(3, DAYS[1], 2, "volume", as_of=DAYS[4]).tolist() == [2000, 4000]
    long = b.daily.window(3, DAYS[1], 4)
    assert np.isnan(long[:2]).all() and long[3] == 11.5
    assert b.daily.window(3, DAYS[1], 0).shape == (0,)
    with pytest.raises(bp.InvalidArgument):
        b.daily.window(3, DAYS[1], 2, as_of=DAYS[0])
    with pytest.raises(ValueError, match="adjusted: 'split' is none of splits"):
        b.daily.window(3, DAYS[1], 2, adjusted=["split"])


# Minute bars ---------------------------------------------------------------------------------------------


def test_minutes(b):
    minute = b.equity_minute_bar_reader
    assert minute.sids.tolist() == [3]
    assert minute.first_trading_day == minute.last_session == day("2024-01-03")
    assert minute.last_available_dt == day("2024-01-03T21:00")
    assert minute.sessions.tolist() == [int(day(DAYS[1]).view("i8"))]
    assert minute.session_hours(DAYS[1]) == (day("2024-01-03T14:30"), day("2024-01-03T21:00"))
    assert minute.session_of("2024-01-03T14:31") == day(DAYS[1])
    with pytest.raises(bp.NoDataOnDate):
        minute.session_of("2024-01-03T14:30")
    assert minute.get_value(3, "2024-01-03 14:33", "close") == 12
    assert np.isnan(minute.get_value(3, "2024-01-03 14:32", "close"))
    assert minute.get_last_traded_dt(3, "2024-01-03 14:32") == day("2024-01-03T14:31")
    axis = minute.minutes("2024-01-03", "2024-01-03T14:33")
    assert axis.tolist() == [int(day(f"2024-01-03T14:{m}").view("i8")) for m in (31, 32, 33)]
    assert len(minute.minutes(DAYS[1], DAYS[2])) == 390
    assert len(minute.minutes(DAYS[1], DAYS[2], axis="bars")) == 2
    table, = minute.load_raw_arrays(["volume"], DAYS[1], "2024-01-03T14:33", [3])
    assert table.tolist() == [[5], [0], [6]]
    assert minute.load_raw_arrays(["close"], DAYS[1], DAYS[2], [3], axis="bars")[0].tolist() == [[11], [12]]
    with pytest.raises(bp.NoSid):
        minute.load_raw_arrays(["close"], DAYS[1], DAYS[2], [7])
    with pytest.raises(ValueError, match="axis: 'bar' is neither"):
        minute.minutes(DAYS[1], DAYS[2], axis="bar")


# Adjustments ---------------------------------------------------------------------------------------------


def test_adjustments(b):
    adjustments = b.adjustment_reader
    assert adjustments.get_adjustments_for_sid("splits", 3) == [(day("2024-01-05"), 0.5)]
    assert adjustments.get_adjustments_for_sid("mergers", 3) == [(day("2024-01-03"), 0.8)]
    assert adjustments.get_adjustments_for_sid("splits", 99) == []
    paid, = adjustments.get_dividends_with_ex_date([3, 7], "2024-01-04", b.assets)
    assert (paid.asset, paid.amount, paid.pay_date) == (7, 1.25, day("2024-02-01"))
    assert paid.record_date == day("2024-01-05") and np.isnat(paid.declared_date)
    assert adjustments.get_dividends_with_ex_date([3], "2024-01-04") == []
    assert adjustments.get_dividends_with_ex_date([], "2024-01-04") == []
    shares, = adjustments.get_stock_dividends_with_ex_date([7], "2024-01-05")
    assert (shares.asset, shares.payment_asset, shares.ratio) == (7, 3, 0.1)
    assert isinstance(shares.payment_asset, Asset)
    table = adjustments.dividends("2024-01-01", "2024-12-31")
    assert table["sid"].tolist() == [7] and table["amount"].tolist() == [1.25]
    assert adjustments.stock_dividends("2024-01-06", "2024-12-31").shape == (0,)
    with pytest.raises(bp.InvalidArgument):
        adjustments.dividends("2024-01-02", "2024-01-01")


def test_multiplications(b):
    adjustments = b.adjustments
    both = adjustments.load_adjustments(DAYS, [7, 3])
    assert both["price"] == {1: [(0, 1, 1, 1, 0.8)], 3: [(0, 3, 1, 1, 0.5)]}
    assert both["volume"] == {3: [(0, 3, 1, 1, 2.0)]}
    assert both["price"][1][0].last_row == 1
    only = adjustments.load_adjustments(b.sessions, b.sids, False, adjustment_type="price")
    assert list(only) == ["price"] and list(only["price"]) == [1]
    assert adjustments.load_adjustments(DAYS, [3], False, False, False) == {"price": {}, "volume": {}}
    assert adjustments.load_pricing_adjustments(["volume", "close"], DAYS, [7, 3]) == \
        [both["volume"], both["price"]]
    with pytest.raises(bp.InvalidArgument):
        adjustments.load_adjustments(DAYS[::-1], [3])


# Arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [
    "2024-01-03", "2024-01-03T00:00:00", "2024-01-03 00:00:00.000000000", "2024-01-03T01:00+01:00",
    datetime.date(2024, 1, 3), datetime.datetime(2024, 1, 3),
    datetime.datetime(2024, 1, 2, 19, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
    np.datetime64("2024-01-03"), np.datetime64("2024-01-03T00:00:00.000000000"), 1704240000 * 10**9,
    np.int64(1704240000 * 10**9)])
def test_dates(b, date):
    assert b.daily.get_value(3, date, "close") == 11.5


def test_dates_of_pandas(b):
    pandas = pytest.importorskip("pandas")
    for date in (pandas.Timestamp("2024-01-03"), pandas.Timestamp("2024-01-02 19:00", tz="America/New_York")):
        assert b.daily.get_value(3, date, "close") == 11.5
    utc = pandas.DatetimeIndex(DAYS, tz="UTC")
    assert b.assets.lifetimes(utc).tolist() == b.assets.lifetimes(DAYS).tolist()
    assert b.assets.lifetimes(pandas.DatetimeIndex(DAYS)).tolist() == b.assets.lifetimes(DAYS).tolist()
    with pytest.raises(ValueError, match="dt: is no date"):
        b.daily.get_value(3, pandas.NaT, "close")


def test_a_nanosecond_is_not_lost(b):
    with pytest.raises(bp.NoDataOnDate):
        b.daily.get_value(3, "2024-01-03 00:00:00.000000001", "close")


@pytest.mark.parametrize("date, error", [
    ("yesterday", ValueError), ("2024-02-30", ValueError), ("2024", ValueError), ("", ValueError),
    ("NaT", ValueError), ("2024-01-03 00:00:00.0000000001", ValueError), (np.datetime64("NaT"), ValueError),
    (-2**63, ValueError),
    (np.datetime64("3000-01-01"), ValueError), (datetime.date(1500, 1, 1), ValueError), (2**63, ValueError),
    (None, TypeError), (1.5, TypeError), (True, TypeError), (b"2024-01-03", TypeError), ([], TypeError)])
def test_what_is_no_date(b, date, error):
    with pytest.raises(error, match="^dt: "):
        b.daily.get_value(3, date, "close")
    if not isinstance(date, (type(None), list, bytes)):
        with pytest.raises(error, match=r"^dates\[1\]: "):
            b.assets.lifetimes(["2024-01-03", date])


def test_missing_dates_are_no_dates(b):
    with pytest.raises(ValueError, match=r"dates\[1\]: is no date"):
        b.assets.lifetimes(np.array(["2024-01-03", "NaT"], "datetime64[ns]"))
    with pytest.raises(ValueError, match=r"dates\[0\]: .*beyond"):
        b.assets.lifetimes(np.array(["3000-01-01"], "datetime64[D]"))
    with pytest.raises(TypeError, match="dates: expected a sequence"):
        b.assets.lifetimes("2024-01-03")


@pytest.mark.parametrize("sid, error", [
    ("3", TypeError), (3.0, TypeError), (None, TypeError), (True, TypeError), (2**70, ValueError)])
def test_what_is_no_sid(b, sid, error):
    with pytest.raises(error, match="^sid: "):
        b.daily.get_value(sid, DAYS[0], "close")
    with pytest.raises(error, match=r"^assets\[1\]: "):
        b.daily.load_raw_arrays(["close"], DAYS[0], DAYS[1], [3, sid])


def test_other_arguments(b):
    with pytest.raises(ValueError, match="field: 'Close' is none of open, high, low, close, volume"):
        b.daily.get_value(3, DAYS[0], "Close")
    with pytest.raises(TypeError, match="field: "):
        b.daily.get_value(3, DAYS[0], 3)
    with pytest.raises(TypeError, match="columns: expected a sequence of names"):
        b.daily.load_raw_arrays("close", DAYS[0], DAYS[1], [3])
    with pytest.raises(TypeError, match="assets: expected a sequence"):
        b.daily.load_raw_arrays(["close"], DAYS[0], DAYS[1], 3)
    with pytest.raises(ValueError, match="one dimension"):
        b.daily.load_raw_arrays(["close"], DAYS[0], DAYS[1], np.zeros((2, 2), "int64"))
    with pytest.raises(TypeError, match="symbol: "):
        b.assets.lookup_symbol(3)
    with pytest.raises(ValueError, match="symbol: "):
        b.assets.lookup_symbol("A\0B")
    with pytest.raises(TypeError, match="fuzzy: expected True or False"):
        b.assets.lookup_symbol("AAA", fuzzy="yes")
    for k in (-1, 2**40):
        with pytest.raises(ValueError, match="k: "):
            b.daily.window(3, DAYS[0], k)
    with pytest.raises(ValueError, match="table_name: 'split' is none of"):
        b.adjustments.get_adjustments_for_sid("split", 3)
    with pytest.raises(ValueError, match="adjustment_type: 'prices' is none of"):
        b.adjustments.load_adjustments(DAYS, [3], adjustment_type="prices")


# Lifetimes -----------------------------------------------------------------------------------------------


def test_a_reader_keeps_its_bundle(root):
    daily = bp.load("mine", root=root).daily
    gc.collect()
    assert daily.get_value(3, DAYS[0], "close") == 10.5


def test_a_released_bundle_has_no_readers(root):
    with bp.load("mine", root=root) as b:
        daily, sids = b.daily, b.assets.sids
    assert sids.tolist() == [3, 7]  # an array lives on
    with pytest.raises(bp.InvalidArgument, match="released"):
        daily.get_value(3, DAYS[0], "close")
    assert "released" in repr(daily)
    other = bp.load("mine", root=root)
    reader = other.daily
    reader.get_value(3, DAYS[0], "close")
    other.release()  # what reads is no array
    with pytest.raises(bp.InvalidArgument, match="released"):
        reader.get_value(3, DAYS[0], "close")


def test_release_while_an_argument_is_read(root):
    b = bp.load("mine", root=root)

    class Treacherous:
        def __index__(self):
            with pytest.raises(bp.Busy):
                b.release()
            return 3

    assert b.daily.get_value(Treacherous(), DAYS[0], "close") == 10.5
    b.release()


def test_pickling_tells_what_to_do(b):
    for thing in (b.assets, b.daily, b.minute, b.adjustments):
        with pytest.raises(TypeError, match="bundlepool.load"):
            pickle.dumps(thing)


def test_single_values_leave_nothing_behind(b):
    daily, session = b.daily, int(day(DAYS[0]).view("i8"))
    daily.get_value(3, session, "close")
    blocks = sys.getallocatedblocks()
    for _ in range(10000):
        daily.get_value(3, session, "close")
    assert sys.getallocatedblocks() - blocks < 100


def test_threads_read_and_release(root):
    b = bp.load("mine", root=root)
    failures = []

    def read():
        try:
            for _ in range(300):
                assert b.daily.load_raw_arrays(["close"], DAYS[0], DAYS[1], [3])[0][0, 0] == 10.5
                assert b.assets.lifetimes(DAYS).sum() == 8
                assert b.daily.get_last_traded_dt(3, DAYS[0]) == day(DAYS[0])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    b.release()


def test_arrays_that_lie_oddly(b):
    raw = np.zeros(17, "uint8")
    sids = raw[1:].view("int64")
    sids[:] = [7, 3]
    assert not sids.flags.aligned
    odd = np.frombuffer(b"x" + np.array(DAYS, "datetime64[ns]").tobytes(), "datetime64[ns]", offset=1)
    for assets in (sids, np.array([7, 0, 3])[::2], np.array([7, 3], ">i8"), np.array([7, 3], "int16")):
        assert b.daily.load_raw_arrays(["close"], DAYS[1], DAYS[1], assets)[0].tolist() == [[100.25, 11.5]]
    for dates in (odd, np.array(DAYS, "datetime64[ns]")[::-1][::-1], np.array(DAYS, ">M8[ns]")):
        assert b.assets.lifetimes(dates).tolist() == b.assets.lifetimes(DAYS).tolist()


def test_whoever_goes_around_the_package_gets_exceptions(b):
    things = [None, 1, -1, 3, "close", "x", b"", [], (), ("close",), ("close", "x"), True, 2**63, -2**63,
              object(), bytearray(8), memoryview(bytearray(24))[1:17], np.zeros(3),
              np.zeros(4, "int64")[::2], b._pin]
    chance = random.Random(1)
    for name in filter(lambda name: name.startswith("reader_"), dir(_core)):
        for _ in range(300):
            arguments = [b._pin, *chance.choices(things, k=chance.randrange(8))]
            try:
                getattr(_core, name)(*arguments[chance.random() < 0.1:])
            except Exception:
                pass  # anything but a crash
    assert b.daily.get_value(3, DAYS[0], "close") == 10.5


def test_without_numpy_and_pandas(b, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert b.daily.get_value(3, DAYS[0], "close") == 10.5 and b.assets.symbol_of(7) == "BRK_A"
    for ask in (lambda: b.daily.sessions, lambda: b.assets.lifetimes(DAYS),
                lambda: b.daily.window(3, DAYS[0], 1)):
        with pytest.raises(ImportError, match="NumPy"):
            ask()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pandas"):
        b.daily.to_pandas()


# What is written about them --------------------------------------------------------------------------------


def test_the_page(tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    page = Path(__file__).parents[2] / "docs" / "readers.md"
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    there = {}
    for block in blocks:
        exec(block, there)
    assert there["closes"].shape == there["volumes"].shape and there["closes"].shape[1] == 1


# pandas --------------------------------------------------------------------------------------------------


def test_pandas(b):
    pandas = pytest.importorskip("pandas")
    frame = b.daily.to_pandas()
    assert list(frame.columns) == ["AAA", "BRK_A"] and frame.columns.name == "symbol"
    assert str(frame.index.tz) == "UTC" and frame.index.name == "session"
    assert frame.loc["2024-01-03", "AAA"] == 11.5
    assert frame.index[0] == pandas.Timestamp("2024-01-02", tz="UTC")
    assert np.array_equal(frame.to_numpy(), b.close.T, equal_nan=True)
    pair = b.daily.to_pandas(["open", "volume"], DAYS[1], DAYS[2], [7], label="sid")
    assert pair.shape == (2, 2) and pair[("volume", 7)].tolist() == [7, 7]
    minutes = b.minute.to_pandas("volume")
    assert len(minutes) == 390 and minutes["AAA"].sum() == 11 and str(minutes.index.tz) == "UTC"
    assert b.minute.to_pandas(axis="bars")["AAA"].tolist() == [11, 12]
    table = b.assets.to_pandas()
    assert table.loc[7, "symbol"] == "BRK_A"
    assert table.loc[3, "start_date"] == pandas.Timestamp(DAYS[0], tz="UTC")
    splits = b.adjustments.to_pandas("splits")
    assert splits["ratio"].tolist() == [0.5]
    assert splits["effective_date"][0] == pandas.Timestamp("2024-01-05", tz="UTC")
    assert b.adjustments.to_pandas("stock_dividend_payouts")["payment_sid"].tolist() == [3]
    with pytest.raises(ValueError, match="label: 'name' is neither"):
        b.daily.to_pandas(label="name")
    with pytest.raises(ValueError, match="table_name: 'x' is none of"):
        b.adjustments.to_pandas("x")
