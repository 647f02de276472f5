"""ingest, export, verify, info, diff, sync: real bundles, and a program that stands in for `bundle`."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from conftest import python_command

import bundlepool as bp
from bundlepool import commands
from bundlepool.ingest import IngestWarning

CSV = ("date,open,high,low,close,volume\n2024-01-02,10,11,10,11,10\n2024-01-03,11,12,11,12,20\n"
       "2024-01-04,12,13,12,13,30\n")


@pytest.fixture
def prices(tmp_path):
    """A folder of CSV files of two assets."""
    folder = tmp_path / "prices" / "daily"
    folder.mkdir(parents=True)
    for symbol in ("AAA", "BBB"):
        (folder / f"{symbol}.csv").write_text(CSV)
    return folder.parent


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes a program `bundle` of a few lines of Python, in whose folder `here` tests meet it."""
    def make(lines):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        path = folder / "bundle"
        path.write_text(f"#!{sys.executable}\nimport json, os, signal, sys, time\n"
                        f"here = {str(tmp_path)!r}\n{lines}\n")
        path.chmod(0o755)
        monkeypatch.setenv("BUNDLEPOOL_BIN", str(folder))
    return make


def damage(path):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle:middle + 64] = b"\xff" * 64
    path.write_bytes(bytes(data))


# Making ------------------------------------------------------------------------------------------------


def test_csvdir(prices, tmp_path):
    root = tmp_path / "bundles"
    report = bp.ingest.csvdir(prices, "mine", root=root, currency="USD", symbols=["AAA"], threads=1)
    assert report.complete and len(report) == 0 and len(report.made) == 1
    assert report.made[0].startswith(f"{root}/mine.h5: 1 asset, 3 sessions")
    b = bp.load("mine", root=root)
    assert b.symbols == ["AAA"] and b.daily.currency(0) == "USD" and b.close.tolist() == [[11, 12, 13]]


def test_errors_are_told_with_file_and_line(prices, tmp_path):
    (prices / "daily" / "BBB.csv").write_text(CSV.replace("11,12,11,12,20", "11,x,11,12,20"))
    with pytest.raises(bp.FormatError) as caught:
        bp.ingest.csvdir(prices, "mine", root=tmp_path)
    text = str(caught.value)
    assert "1 error in 1 file" in text and "keep_going=True" in text and "--" not in text
    assert "BBB.csv:3: column 'high': 'x' is not a number" in text
    assert caught.value.name == "BP_EFORMAT" and isinstance(caught.value, ValueError)
    assert [m.severity for m in caught.value.report.errors] == ["error"] and not caught.value.report.complete
    assert not (tmp_path / "mine.h5").exists()


def test_keep_going(prices, tmp_path):
    (prices / "daily" / "BBB.csv").write_text(CSV.replace("11,12,11,12,20", "11,x,11,12,20"))
    with pytest.warns(IngestWarning, match="made without 1 file") as warned:
        report = bp.ingest.csvdir(prices, "mine", root=tmp_path, keep_going=True)
    assert not report.complete and len(report.errors) == 1 and "BBB.csv:3" in str(report)
    assert warned[0].filename == __file__
    assert bp.load("mine", root=tmp_path).symbols == ["AAA"]


def test_what_is_odd_is_a_warning(prices, tmp_path):
    lines = CSV.splitlines()
    (prices / "daily" / "BBB.csv").write_text("\n".join([*lines[:2], lines[3]]) + "\n")
    with pytest.warns(IngestWarning, match="1 session missing"):
        report = bp.ingest.csvdir(prices, "mine", root=tmp_path)
    assert report.complete and "BBB" in report[0].text
    assert [m.severity for m in report.warnings] == ["warning"]
    assert "warning: " in repr(report) and "mine.h5" in repr(report)


def test_many_warnings_are_told_once_and_kept_all(stand_in):
    stand_in("for i in range(25): print(f'warning: odd {i}', file=sys.stderr)\nprint('made')")
    with pytest.warns(IngestWarning) as warned:
        report = bp.ingest.csvdir("x", "y")
    assert len(warned) == 1 and len(report) == 25
    assert "odd 9\n… and 15 more in the report" in str(warned[0].message)


def test_table_and_demo(tmp_path):
    table = tmp_path / "all.csv"
    table.write_text("symbol;date;open;high;low;close;volume\nABC;20240102;10,0;10,4;9,9;10,3;120.000\n")
    bp.ingest.table(table, "mine", root=tmp_path, decimal=",")
    assert bp.load("mine", root=tmp_path).volume.tolist() == [[120000]]
    assert "2 assets" in bp.ingest.demo("demo", root=tmp_path, assets=2, days=10).made[0]


def test_a_bundle_may_be_a_path(prices, tmp_path):
    bp.ingest.csvdir(str(prices), tmp_path / "elsewhere.h5")
    assert bp.info(tmp_path / "elsewhere.h5")["assets"] == 2
    assert bp.verify(tmp_path / "elsewhere.h5").name == "elsewhere"


def test_export_and_back(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    bp.ingest.demo("demo", root=tmp_path, assets=4, days=400, minute=True, minute_days=2, seed=3)
    before = bp.verify("demo", root=tmp_path)
    report = bp.export.csvdir("demo", "~/csv", root=tmp_path)
    assert "4 assets" in report.made[0] and (tmp_path / "csv" / "assets.csv").exists()
    with pytest.raises(bp.Error, match="csv"):  # it is there
        bp.export.csvdir("demo", "~/csv", root=tmp_path)
    bp.export.csvdir("demo", tmp_path / "csv", root=tmp_path, replace=True)
    bp.export.zipline_hdf5("demo", tmp_path / "file.h5", root=tmp_path)
    for make, source in ((bp.ingest.csvdir, "csv"), (bp.ingest.hdf5, "file.h5")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IngestWarning)
            make(tmp_path / source, "again", root=tmp_path)
        assert bp.verify("again", root=tmp_path).content_hash == before.content_hash
        assert bp.diff("demo", "again", root=tmp_path).equal


# Looking -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A folder with the bundle "demo", in which something is odd."""
    root = tmp_path_factory.mktemp("demo")
    bp.ingest.demo("demo", root=root, assets=20, days=600)
    return root


def test_verify(demo):
    found = bp.verify("demo", root=demo)
    assert len(found) > 0 and found.worst is found[0] and bool(found)
    assert found.worst.weight == max(finding.weight for finding in found)
    assert found.heavy == sum(finding.heavy for finding in found) and found.total == len(found)
    assert found.counts == {kind: sum(x.kind == kind for x in found) for kind in {x.kind for x in found}}
    assert re.fullmatch("[0-9a-f]{64}", found.content_hash) and found.path == str(demo / "demo.h5")
    assert all(finding.text and finding.unit and finding.symbol for finding in found)
    bp.load("demo", root=demo).daily.get_value(found[0].sid, found[0].date, "close")  # is a date here
    lines = repr(found).splitlines()
    assert lines[0].endswith(f"{found.total} findings, {found.heavy} heavy") and found[0].text in lines[2]
    assert "<table>" in found._repr_html_()
    few = bp.verify("demo", root=demo, max=1)
    assert len(few) == len(found.counts) and few.total == found.total
    assert f"… and {few.total - len(few)} more" in repr(few)
    light = bp.verify("demo", root=demo, weight=1000)
    assert not light and light.worst is None and repr(light).endswith(": good")


def test_strict(demo):
    assert not bp.verify("demo", root=demo, strict=True, weight=1000)
    with pytest.raises(bp.FormatError, match="the worst of them") as caught:
        bp.verify("demo", root=demo, strict=True)
    assert len(caught.value.findings) > 0


def test_html_is_escaped(stand_in):
    stand_in("""print(json.dumps({"name": "n", "path": "<b>", "ok": True, "heavy": 0, "counts": {"odd": 1},
    "computed_hash": "", "content_hash": "", "findings": [{"kind": "odd", "text": "<script>"}]}))""")
    shown = bp.verify("n")._repr_html_()
    assert "<script>" not in shown and "<b>" not in shown and "&lt;script&gt;" in shown


def test_a_damaged_file(demo, tmp_path):
    copy = tmp_path / "demo.h5"
    copy.write_bytes((demo / "demo.h5").read_bytes()[:20000])
    with pytest.raises((bp.FormatError, bp.ReadError), match="demo.h5"):
        bp.verify("demo", root=tmp_path)
    assert "error" in bp.bundles(tmp_path)[0]
    copy.write_bytes(b"nothing")
    with pytest.raises(bp.FormatError):
        bp.info("demo", root=tmp_path)
    with pytest.raises(bp.NotFound, match="nope.h5"):
        bp.verify("nope", root=tmp_path)
    with pytest.raises(bp.InvalidArgument, match="a/b"):
        bp.verify("a/b", root=tmp_path)


def test_info(demo):
    info = bp.info("demo", root=demo)
    assert info["assets"] == 20 and info["sessions"] == 600 and "assets" in repr(info)
    assert [row["name"] for row in bp.bundles(demo)] == ["demo"]
    coverage = bp.info("demo", root=demo, assets=True)["coverage"]
    assert len(coverage) == 20 and coverage[0]["first_bar"] == "2010-01-04"
    with pytest.raises(KeyError, match="assets=True"):
        info.to_pandas()


def test_diff(demo, tmp_path):
    bp.ingest.demo("demo", root=tmp_path, assets=20, days=601)
    changes = bp.diff(demo / "demo.h5", tmp_path / "demo.h5")
    assert not changes.equal and changes.counts["session-added"] == 1
    assert changes[0].kind in changes.counts and "differences" in repr(changes)
    same = bp.diff("demo", "demo", root=demo)
    assert same.equal and not same and repr(same).endswith(": equal")


def test_pandas(demo):
    pandas = pytest.importorskip("pandas")
    found = bp.verify("demo", root=demo)
    frame = found.to_pandas()
    assert len(frame) == len(found) and str(frame["date"].dt.tz) == "UTC"
    assert frame["weight"].tolist() == [finding.weight for finding in found]
    table = bp.info("demo", root=demo, assets=True).to_pandas()
    assert table.index.name == "sid" and table["first_bar"][0] == pandas.Timestamp("2010-01-04", tz="UTC")


def test_pandas_of_days_and_minutes(stand_in):
    pandas = pytest.importorskip("pandas")
    stand_in("""rows = [{"kind": "x", "date": date} for date in (None, "2024-01-02", "2024-01-02 14:31")]
print(json.dumps({"a": "", "b": "", "changes": rows, "counts": {"x": 3}, "equal": False}))""")
    dates = bp.diff("a", "b").to_pandas()["date"]
    assert pandas.isna(dates[0]) and str(dates.dt.tz) == "UTC"
    assert dates[2] == pandas.Timestamp("2024-01-02 14:31", tz="UTC")
    stand_in("print(json.dumps({'a': '', 'b': '', 'changes': [], 'counts': {}, 'equal': True}))")
    assert len(bp.diff("a", "b").to_pandas()) == 0


def test_sync(prices, tmp_path):
    bp.ingest.csvdir(prices, "mine", root=tmp_path)
    assert bp.sync("mine", root=tmp_path).action == "none"
    path = prices / "daily" / "AAA.csv"
    path.write_text(CSV.replace("12,13,12,13,30", "12,13,12,12.5,30"))
    os.utime(path, (time.time() + 10, time.time() + 10))
    done = bp.sync("mine", root=tmp_path)
    assert done.action == "made" and done.source == "csvdir" and done.name == "mine" and "made" in repr(done)
    assert bp.load("mine", root=tmp_path).close[0, 2] == 12.5
    path.write_text(CSV.replace("12,13,12,13,30", "12,13,12,x,30"))
    os.utime(path, (time.time() + 20, time.time() + 20))
    with pytest.raises(bp.FormatError, match="'x' is not a number"):
        bp.sync("mine", root=tmp_path)
    bp.ingest.demo("demo", root=tmp_path, assets=1, days=3)
    with pytest.raises(bp.NotFound, match="what it was made from"):
        bp.sync("demo", root=tmp_path)


# Options -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(commands.OPTIONS))
def test_the_options_are_those_of_the_program(command):
    told = subprocess.run([commands.find_program(), command, "--help"], capture_output=True, text=True,
                          check=True)
    there = {name.replace("-", "_"): bool(value)
             for name, value in re.findall(r"^  --([a-z-]+)( [A-Z]+)?", told.stdout, re.MULTILINE)}
    for general in ("root", "help", "json"):
        there.pop(general, None)
    assert commands.OPTIONS[command] == there


@pytest.mark.parametrize("options, error, text", [
    ({"keep_goin": True}, TypeError, "'keep_goin' is no option of 'ingest'; did you mean 'keep_going'?"),
    ({"zzz": 1}, TypeError, "it takes adjusted, "),
    ({"json": True}, TypeError, "'json' is no option"),
    ({"keep_going": "yes"}, TypeError, "keep_going: expected True or False, got str"),
    ({"currency": True}, TypeError, "currency: expected a value, got True"),
    ({"currency": ["USD"]}, TypeError, "currency: expected one value, got list"),
    ({"symbols": [1]}, TypeError, "symbols: expected str, got int"),
    ({"symbols": ["A,B"]}, ValueError, "symbols: 'A,B' has a comma in it"),
    ({"currency": "U\0"}, ValueError, "currency: .* has a NUL"),
    ({"threads": 0}, bp.InvalidArgument, "threads: '0' is not a whole number from 1"),
    ({"currency": "usd"}, bp.InvalidArgument, "currency: 'usd' is not a code")])
def test_wrong_options(prices, tmp_path, options, error, text):
    with pytest.raises(error, match=re.escape(text) if "*" not in text else text):
        bp.ingest.csvdir(prices, "mine", root=tmp_path, **options)
    assert not (tmp_path / "mine.h5").exists()


def test_false_and_none_leave_an_option_out():
    options = {"keep_going": False, "calendar": None}
    words = commands.command_line("ingest", ["csvdir", "x", "y"], None, options, False)
    assert words[1:] == ["ingest", "--", "csvdir", "x", "y"]


@pytest.mark.parametrize("source, error", [
    ("", ValueError), ("a\0b", ValueError), (3, TypeError), (None, TypeError)])
def test_wrong_arguments(source, error):
    with pytest.raises(error, match="argument 2: "):
        bp.ingest.csvdir(source, "mine")
    with pytest.raises(error, match="name: "):
        bp.info(source)


def test_a_name_is_no_option(tmp_path):
    with pytest.raises(bp.Error):
        bp.info("--help", root=tmp_path)


# The process -------------------------------------------------------------------------------------------


def test_a_crash_is_an_exception(stand_in):
    stand_in("os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(bp.SystemFailure, match=r"'bundle verify' was ended by signal 11 \(Segmentation"):
        bp.verify("x")


def test_a_program_that_tells_no_status(stand_in):
    stand_in("print('bundle: error: too bad', file=sys.stderr); sys.exit(2)")
    with pytest.raises(bp.InvalidArgument, match="^too bad$"):
        bp.verify("x")
    stand_in("sys.exit(1)")
    with pytest.raises(bp.Error, match="'bundle verify' failed with exit code 1"):
        bp.verify("x")


def test_where_the_program_is(tmp_path, monkeypatch):
    monkeypatch.setenv("BUNDLEPOOL_BIN", str(tmp_path))
    with pytest.raises(bp.NotFound, match="BUNDLEPOOL_BIN: .*has no program 'bundle'"):
        bp.verify("x")
    monkeypatch.delenv("BUNDLEPOOL_BIN")
    assert os.access(commands.find_program(), os.X_OK)
    with pytest.raises(bp.NotFound, match="set BUNDLEPOOL_BIN"):
        commands.find_program("bundle_that_is_not_there")


def test_it_is_no_rank(stand_in, monkeypatch):
    for name in ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID", "SLURM_STEP_ID"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    stand_in("print(json.dumps(dict(os.environ)))")
    there = bp.info("x")
    assert not [name for name in there if name.startswith(("OMPI_COMM", "PMIX_", "SLURM_PROC", "SLURM_STEP"))]
    assert there["SLURM_JOB_ID"] == "7" and there["PATH"] == os.environ["PATH"]


def test_other_threads_go_on(stand_in, tmp_path):
    stand_in("while not os.path.exists(here + '/go'): time.sleep(0.01)\nprint('{}')")
    thread = threading.Thread(target=lambda: (tmp_path / "go").touch())
    waiting = threading.Thread(target=bp.info, args=("x",))
    waiting.start()
    thread.start()
    waiting.join(60)
    assert not waiting.is_alive()


def test_an_interrupt_is_handed_on(stand_in, tmp_path):
    stand_in("""def stop(number, frame):
    open(here + "/cleared", "w").close()
    sys.exit(1)
signal.signal(signal.SIGINT, stop)
open(here + "/ready", "w").close()
while True: time.sleep(0.01)""")

    def interrupt():
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        bp.info("x")
    thread.join()
    assert (tmp_path / "cleared").exists()


def test_progress_is_passed_on(stand_in, capsys):
    stand_in("""for line in ("reading: 12.5 %, ETA 0:00:10", "warning: a:b: 3.5 %, odd"):
    print(line, file=sys.stderr)
print("made")""")
    with pytest.warns(IngestWarning):
        report = bp.ingest.csvdir("x", "y")
    assert capsys.readouterr().err == "reading: 12.5 %, ETA 0:00:10\n"
    assert [m.text for m in report] == ["a:b: 3.5 %, odd"]


def test_progress_on_a_terminal(stand_in, tmp_path):
    stand_in(r"""assert os.isatty(2)
for text in ("\rreading: 50.0 %, ETA 0:00:01\033[K", "\r\033[K", "note: done\n"): os.write(2, text.encode())
print("made")""")
    script = tmp_path / "script.py"
    script.write_text("import bundlepool as bp\nprint([str(m) for m in bp.ingest.csvdir('x', 'y')])\n")
    shown = bytearray()

    def read(fd):
        data = os.read(fd, 4096)
        shown.extend(data)
        return data

    assert pty.spawn([*python_command(), str(script)], read, lambda fd: b"") == 0
    assert b"\rreading: 50.0 %, ETA 0:00:01\x1b[K\r\x1b[K" in bytes(shown)
    assert b"['note: done']" in bytes(shown)


def test_much_is_said(stand_in):
    stand_in("""sys.stderr.write("note: x\\n" * 100000)
print(json.dumps({"much": "y" * 1000000}))""")
    assert len(bp.info("x")["much"]) == 1000000


def test_no_descriptor_is_left_open(stand_in):
    stand_in("print('{}')")
    bp.info("x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        bp.info("x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
