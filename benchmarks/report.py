#!/usr/bin/env python3
"""report.py DIR : what benchmarks/run.sh measured, as a report.

Reads DIR/samples.jsonl (one measurement a line, see benchmarks/support.h), DIR/machine.json and DIR/commands.tsv (exit
code, seconds, command, last error line); writes DIR/report.md with its plots (gnuplot, where there is one) and
DIR/headline.json. Takes whatever subset of samples is there.

report.py --describe MODE DIR : writes DIR/machine.json: what the machine is, before the first measurement.
"""
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time

NOT_CONDITIONS = {"bench", "case", "repeat", "metric", "unit", "value", "reason"}

# Machine -----------------------------------------------------------------------------------------------------------


def first_line(*command):
    """First line that a program prints; None where there is no such program."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def field_of(path, name):
    with open(path, encoding="utf-8") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)


def load_average():
    return " ".join(f"{x:.2f}" for x in os.getloadavg())


def describe(mode):
    return {
        "mode": mode,
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "commit": first_line("git", "rev-parse", "HEAD"),
        "changed files": len(subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True,
                                            check=False).stdout.splitlines()),
        "CPU": field_of("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": field_of("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "Open MPI": first_line("mpirun", "--version"),
        "HDF5": first_line("pkg-config", "--modversion", "hdf5"),
        "libdeflate": first_line("pkg-config", "--modversion", "libdeflate"),
        "compiler": first_line("cc", "--version"),
        "Redis": first_line("redis-server", "--version"),
        "memcached": first_line("memcached", "-V"),
        "load average before": load_average(),
    }


# Samples -----------------------------------------------------------------------------------------------------------


def read_samples(path):
    samples = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            try:
                samples.append(json.loads(line))
            except ValueError: # a program that was stopped may leave half a line
                print(f"report.py: {path}: no JSON: {line.strip()[:60]}", file=sys.stderr)
    return samples


def select(samples, **where):
    """Those whose fields equal these; a tuple stands for any of its values."""
    return [s for s in samples
            if all(s.get(k) in v if isinstance(v, tuple) else s.get(k) == v for k, v in where.items())]


def values(samples):
    return [s["value"] for s in samples if s["value"] is not None]


def median(samples):
    measured = values(samples)
    return statistics.median(measured) if measured else None


def distinct(samples, key):
    """Values of a field: numbers ascending, else in the order of their first appearance."""
    found = list(dict.fromkeys(s.get(key) for s in samples))
    return sorted(found, key=lambda v: (v is not None, v)) if all(isinstance(v, (int, type(None))) for v in found) \
        else found


def varying(samples):
    names = dict.fromkeys(k for s in samples for k in s if k not in NOT_CONDITIONS)
    return [k for k in names if len({s.get(k) for s in samples}) > 1]


# Writing -----------------------------------------------------------------------------------------------------------


def scaled(value, steps, unit):
    for limit, name in steps:
        if abs(value) >= limit:
            return f"{value / limit:.3g} {name}" if abs(value) < 1000 * limit else f"{value / limit:.0f} {name}"
    return f"{value:.3g} {unit}"


def show(value, unit):
    if value is None:
        return "–"
    if unit == "ns":
        return scaled(value, [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")], "ns")
    if unit in ("bytes/s", "bytes", "B"):
        suffix = unit[5:]
        return scaled(value, [(1e9, "GB" + suffix), (1e6, "MB" + suffix), (1e3, "kB" + suffix)], "B" + suffix)
    text = f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
    return text if unit in ("ratio", "1", "", None) else f"{text} {unit}"


def cell(samples):
    measured, unit = values(samples), samples[0]["unit"] if samples else None
    if not measured:
        return "not measured" if samples else "–"
    if len(measured) == 1:
        return show(measured[0], unit)
    return f"{show(statistics.median(measured), unit)} ({show(min(measured), unit)}..{show(max(measured), unit)})"


def markdown(head, rows):
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def table(samples, column="metric"):
    """Medians with spread; a row per case and condition, a column per value of `column`."""
    conditions = [k for k in varying(samples) if k != column]
    if column != "metric" and len(distinct(samples, "metric")) > 1:
        conditions.append("metric")
    columns, rows = distinct(samples, column), {}
    for s in samples:
        rows.setdefault((s["case"], *[s.get(k, "") for k in conditions]), []).append(s)
    out = []
    for key, own in rows.items():
        cells = [select(own, **{column: c}) for c in columns]
        out.append([*key, *map(cell, cells), max(len(values(c)) for c in cells)])
    names = [show_condition(column, c) for c in columns]
    return markdown(["case", *conditions, *names, "n"], out)


def show_condition(name, value):
    if name == "metric":
        return value
    return f"{name} " + (show(value, "bytes") if name.endswith("bytes") and value is not None else str(value))


def quotients(samples, base, flip=False):
    """Medians over that of the case `base` under the same conditions; flip: the other way round."""
    out = []
    for s in samples:
        if s["case"] == base or any(o["case"] == s["case"] and same(o, s) for o in out):
            continue
        group = [o for o in samples if same(o, s)]
        x, y = median(select(group, case=s["case"])), median(select(group, case=base))
        if x and y:
            out.append({**s, "value": y / x if flip else x / y, "unit": "ratio"})
    return out


def same(a, b):
    keys = (a.keys() | b.keys()) - {"case", "repeat", "value", "reason", "unit"}
    return all(a.get(k) == b.get(k) for k in keys)


# Plots -------------------------------------------------------------------------------------------------------------

SECONDS = "set format y '%.0s %cs'" # with the prefix that fits: 10 us
RATE = "set format y '%.0s %cB/s'"


def points(samples, x):
    """[(x, median, least, most)] of the samples of one curve."""
    out = []
    for v in distinct(samples, x):
        measured = values(select(samples, **{x: v}))
        if v is not None and measured:
            out.append((v, statistics.median(measured), min(measured), max(measured)))
    return out


def plot(path, title, xlabel, ylabel, curves, setup=(), style="linespoints"):
    """Curves {name: [(x, median, least, most)]} as a picture. @return Markdown that shows it, or nothing."""
    curves = {name: data for name, data in curves.items() if data}
    if len({x for data in curves.values() for x, *_ in data}) < 2:
        return ""
    script = ["set terminal pngcairo size 900,480 font 'sans,11'",
              f"set output '{path}'", f"set title {json.dumps(title)} noenhanced", f"set xlabel '{xlabel}'",
              f"set ylabel '{ylabel}'", "set grid", "set key outside right noenhanced", *setup]
    plots = []
    for i, (name, data) in enumerate(curves.items()):
        script += [f"$d{i} << EOD", *[" ".join(f"{v:.9g}" for v in row) for row in data], "EOD"]
        look = f"lc {i + 1} lw 1.5 pt {i % 13 + 4}"
        plots += [f"$d{i} using 1:2:3:4 with yerrorbars {look} notitle",
                  f"$d{i} using 1:2 with {style} {look} title {json.dumps(name)}"]
    script.append("plot " + ", \\\n  ".join(plots))
    try:
        subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"report.py: no plot {path}: {error}", file=sys.stderr)
        return ""
    return f"\n![{title}]({os.path.basename(path)})\n"


def curves_of(samples, x, name="case"):
    """A curve per case; times in seconds."""
    scale = 1e-9 if samples and samples[0]["unit"] == "ns" else 1
    return {c: [(v, m * scale, lo * scale, hi * scale) for v, m, lo, hi in points(select(samples, **{name: c}), x)]
            for c in distinct(samples, name)}


def categories(samples, name="metric"):
    """Curves over the cases as categories, and the labels of the axis."""
    cases = distinct(samples, "case")
    scale = 1e-9 if samples and samples[0]["unit"] == "ns" else 1
    curves = {}
    for c in distinct(samples, name):
        own = points(select(samples, **{name: c}), "case")
        curves[c] = [(cases.index(v), *[y * scale for y in rest]) for v, *rest in own]
    labels = ", ".join(f"'{c}' {i}" for i, c in enumerate(cases))
    return curves, [f"set xtics ({labels}) rotate by -40 noenhanced", f"set xrange [-0.5:{len(cases) - 0.5}]",
                    "set pointsize 1.3"]


LOG_X2, LOG_X, LOG_Y = "set logscale x 2", "set logscale x 10", "set logscale y 10"

# Sections ----------------------------------------------------------------------------------------------------------


def cold(samples, out):
    text = "Time from all ranks asking to all ranks having the bundle. `h5dread` is one process that reads every " \
           "dataset with H5Dread and converts it; `single` one that calls `bp_bundle_load`.\n"
    for cache in distinct(samples, "cache"):
        for bundle in distinct(samples, "bundle"):
            group = select(samples, bundle=bundle, cache=cache)
            times = [s for s in select(group, metric="time") if not s["case"].startswith("part")]
            if not times:
                continue
            text += f"\n### {bundle}, page cache {cache}\n\n" + table(times, "ranks")
            text += "\nTimes over the pool's, of the medians:\n\n" + table(quotients(times, "pool"), "ranks")
            rest = [s for s in group if s not in times]
            if rest:
                text += "\nWhere a load on one thread spends its time, and the rest:\n\n" + table(rest, "ranks")
            whole = [s for s in times if len(distinct(select(times, case=s["case"]), "ranks")) > 1] or times
            text += plot(f"{out}/cold_{bundle}_{cache}.png", f"Cold start, {bundle}, page cache {cache}", "ranks",
                         "until the last rank has it", curves_of(whole, "ranks"), [LOG_X2, LOG_Y, SECONDS])
    return text


def hit(samples, out):
    text = "`pool_1000` is `bp_pool_get` by name + `bp_bundle_release` at `max_staleness_ms` = 1000; `pool_0` at 0.\n\n"
    text += table(samples)
    curves, setup = categories([{**s, "metric": f"{s['metric']}, {s.get('hitting')} hitting"}
                                for s in select(samples, metric=("p50", "p99", "p999"))])
    return text + plot(f"{out}/hit.png", "One access to a resident bundle", "", "", curves, [*setup, LOG_Y, SECONDS],
                       "points")


def broadcast(samples, out):
    """A table and a plot for the machine itself, and for hosts."""
    text = "The same bytes to every node. `chain` is the pool's way; `point_to_point` is one link alone.\n"
    for link in distinct(samples, "link_mbit"):
        for hosts in (False, True):
            group = [s for s in select(samples, link_mbit=link) if (s["machines"] > 1) == hosts]
            if not group:
                continue
            where = "hosts" if hosts else "virtual nodes on one machine"
            where += f", links limited to {link} Mbit/s" if link else ""
            text += f"\n### {where}\n\n" + table(group, "nodes")
            text += "\nOver the rate of one link:\n\n" + table(quotients(group, "point_to_point"), "nodes")
            if len(distinct(group, "nodes")) > 1:
                text += plot(f"{out}/broadcast_{'hosts' if hosts else 'virtual'}.png", f"Broadcast, {where}", "nodes",
                             "image bytes per second", curves_of(group, "nodes"), [LOG_X2, LOG_Y, RATE])
    return text


def grid(samples, out):
    """For each of the tables and metrics: a row per number of workers, what was promised beside what is measured."""
    text = "What was promised (`promised_`: 313 ms for a load, less than 50 ms for a later one, and sums of these), " \
           "row for row, beside what this machine does. `private`: every worker loads for itself; `resident`: the " \
           "pool has the bundle already; `load`: one process alone.\n"
    for part in distinct(samples, "table"):
        own = select(samples, table=part)
        for metric in distinct(own, "metric"):
            group = select(own, metric=metric)
            cases = distinct(group, "case")
            rows = [[n, *[cell(select(group, ranks=n, case=c)) for c in cases]] for n in distinct(group, "ranks")]
            text += f"\n### {part}: {metric}\n\n" + markdown(["workers", *cases], rows)
    init = select(samples, table="scaling", metric="init")
    return text + plot(f"{out}/grid.png", "Until the last worker has the bundle", "workers", "",
                       curves_of(init, "ranks"), [LOG_X2, LOG_Y, SECONDS])


def sweep(samples, out):
    text = "More bundles than the pool has room for, accessed by Zipf's law, one of them rewritten midway. `belady` " \
           "is the best that any choice of victims could have done on the same accesses, `lru` exact LRU on them.\n\n"
    text += table(samples)
    curves, setup = categories(select(samples, metric="hit_rate"))
    return text + plot(f"{out}/sweep.png", "Sweep under pressure: share of gets without a load", "", "hit rate", curves,
                       [*setup, "set yrange [0:1]"], "points")


AXES = {"nodes": ("nodes", "virtual nodes of one rank", LOG_X2),
        "size": ("image_bytes", "bytes of the image", LOG_X + "; set format x '%.0s %cB'"),
        "resident": ("resident", "resident bundles", LOG_X), "ranks": ("ranks", "ranks of one node", LOG_X2)}


def fit(data):
    """Exponent of y = c x^e by least squares of the logarithms, and r²; None for fewer than 3 points."""
    data = [(math.log(x), math.log(y)) for x, y, *_ in data if x > 0 and y > 0]
    if len(data) < 3:
        return None
    mx, my = (statistics.fmean(c) for c in zip(*data))
    sxx = sum((x - mx) ** 2 for x, _ in data)
    sxy = sum((x - mx) * (y - my) for x, y in data)
    syy = sum((y - my) ** 2 for _, y in data)
    return sxy / sxx, (sxy * sxy / (sxx * syy) if syy else 1.0)


def exponents(samples, x):
    rows = []
    for case in distinct(samples, "case"):
        for metric in distinct(select(samples, case=case), "metric"):
            group = select(samples, case=case, metric=metric)
            data = [p for p in points(group, x) if p[1] > 0]
            fitted = fit(data)
            if fitted and metric != "rate":
                unit, (xa, ya, *_), (xb, yb, *_) = group[0]["unit"], *data[-2:]
                tail = math.log(yb / ya) / math.log(xb / xa)
                rows.append([case, metric, f"{fitted[0]:.2f}", f"{fitted[1]:.2f}", f"{tail:.2f}",
                             f"{show(data[0][1], unit)} .. {show(yb, unit)}", len(data)])
    return markdown(["case", "metric", "exponent", "r²", "of the last two points", "from .. to", "points"], rows)


def growth(samples, out):
    text = "Exponents e of cost = c · x^e, fitted to the medians. `miss`: all ranks ask for a bundle that was " \
           "invalidated. `load`: one process without a pool. With nodes, from 2 on: one node sends nothing.\n"
    for axis, (x, label, log) in AXES.items():
        group = select(samples, axis=axis)
        if axis != "nodes":
            group = [s for s in group if s["case"] != "messages"] # none within a node
        times = select(group, metric="time")
        if not group:
            continue
        fitted = [s for s in group if axis != "nodes" or s["nodes"] > 1]
        text += f"\n### Growth with {label}\n\n" + exponents(fitted, x) + "\n" + table(strip(group, x), x)
        text += plot(f"{out}/growth_{axis}.png", f"Growth with {label}", label, "", curves_of(times, x),
                     [log, LOG_Y, SECONDS])
        if axis == "nodes":
            text += plot(f"{out}/growth_messages.png", "Messages of one load and one invalidation", label, "messages",
                         curves_of(select(group, case="messages"), x, "metric"), [LOG_X2, LOG_Y])
    hosts = select(samples, axis="hosts")
    if hosts:
        text += "\n### A bundle over hosts whose links are limited\n\n" + table(strip(hosts, "nodes"), "nodes")
    return text


def strip(samples, x):
    """Without the conditions that only follow from `x`."""
    implied = {"nodes", "ranks", "resident", "image_bytes", "stored_bytes", "bundle", "axis", "machines"} - {x}
    return [{k: v for k, v in s.items() if k not in implied} for s in samples]


def ingest(samples, _out):
    return "`bundle ingest csvdir` beside `pandas.read_csv` with h5py, and beside writing the same bytes once (`disk`).\n\n" \
        + table(samples)


def plain(samples, _out):
    return table(samples)


SECTIONS = [("cold", "Cold start", cold), ("memory", "Memory of a node", plain), ("hit", "Latency of a hit", hit),
            ("broadcast", "Broadcast", broadcast), ("optimizer", "Grid searches", plain),
            ("ingest", "Making bundles", ingest),
            ("grid", "The seed's three tables", grid),
            ("sweep", "Sweep under pressure", sweep), ("growth", "Growth", growth),
            ("wait", "Waiting, and stolen time", plain),
            ("readers", "Readers, beside h5py and pandas", plain),
            ("panel", "Helpers over whole panels", plain)]

# Headline ----------------------------------------------------------------------------------------------------------


class Missing(Exception):
    """Why a figure cannot be given."""


def need(samples, **where):
    found = median(select(samples, **where))
    if found is None:
        reasons = [s["reason"] for s in select(samples, **where) if s.get("reason")]
        name = ", ".join(f"{k} {v}" for k, v in where.items())
        raise Missing(reasons[0] if reasons else f"no sample of {name}")
    return found


def over(samples, top, bottom, **where):
    return need(samples, **{**where, **top}) / need(samples, **{**where, **bottom})


def gzip_bundle(samples, kind):
    names = [b for b in distinct(select(samples, bench="cold"), "bundle") if b and re.fullmatch(kind + r"\w*_gzip", b)]
    if not names:
        raise Missing(f"no cold start of a {kind} gzip bundle")
    return names[0]


def cold_ratio(samples, kind):
    return over(samples, {"case": "pool_fresh"}, {"case": "h5dread"}, bench="cold", metric="time", ranks=16,
                cache="warm", bundle=gzip_bundle(samples, kind))


def on_hosts(samples, top_bench, top_case):
    link = {"bench": "broadcast", "case": "point_to_point", "metric": "rate"}
    return over(samples, {"bench": top_bench, "case": top_case, "metric": "rate"}, link, machines=4, link_mbit=1000)


def hits(samples):
    """Those of one rank that is alone; of whatever there is otherwise."""
    every = select(samples, bench="hit")
    return select(every, hitting="one") or every


HEADLINE = {
    "hit_ns_bound1000_p50": lambda s: need(hits(s), case="pool_1000", metric="p50"),
    "hit_ns_bound1000_p99": lambda s: need(hits(s), case="pool_1000", metric="p99"),
    "hit_checked_over_stat": lambda s: over(hits(s), {"case": "pool_0"}, {"case": "stat"}, metric="p50"),
    "hit_over_redis": lambda s: over(hits(s), {"case": "redis_8"}, {"case": "pool_1000"}, metric="p50"),
    "cold16_over_h5dread": lambda s: max(cold_ratio(s, "daily"), cold_ratio(s, "minute")),
    "t16_over_t2": lambda s: over(s, {"ranks": 16}, {"ranks": 2}, bench="cold", case="pool_fresh", metric="time",
                                  cache="warm", bundle=gzip_bundle(s, "daily")),
    "grid100_over_load": lambda s: need(s, bench="grid", case="pool", metric="grid100_over_load", ranks=16),
    "pss_images": lambda s: need(s, bench="memory", case="pool", metric="growth", ranks=16),
    "bcast_over_p2p": lambda s: on_hosts(s, "broadcast", "chain"),
    "bcast_gzip_over_p2p": lambda s: on_hosts(s, "growth", "miss"),
    "ingest_over_pandas": lambda s: min(need(s, bench="ingest", case="bundle", metric="over_pandas", input=kind)
                                        for kind in ("plain", "gzip")),
    "ingest_peak_2gb": lambda s: need(s, bench="ingest", case="large", metric="peak"),
    "ingest_cores": lambda s: need(s, bench="ingest", case="large", metric="cores"),
    "idle_cost": lambda s: need(s, bench="wait", case="idle", metric="cost"),
}
BARS = {"hit_ns_bound1000_p50": "≤ 40", "hit_ns_bound1000_p99": "≤ 100", "hit_checked_over_stat": "≤ 1.3",
        "hit_over_redis": "≥ 100", "cold16_over_h5dread": "≤ 0.5", "t16_over_t2": "≤ 1.15",
        "grid100_over_load": "≤ 1.05", "pss_images": "≤ 1.02", "bcast_over_p2p": "≥ 0.9",
        "bcast_gzip_over_p2p": "≥ 1.5", "ingest_over_pandas": "≥ 10", "ingest_peak_2gb": "≤ 2e8", "ingest_cores": "≥ 1.7",
        "idle_cost": "≤ 0.02"}


def headline(samples):
    figures, reasons = {}, {}
    for name, figure in HEADLINE.items():
        try:
            figures[name] = float(f"{figure(samples):.4g}")
        except Missing as reason:
            figures[name], reasons[name] = None, str(reason)
    return figures, reasons


# Report ------------------------------------------------------------------------------------------------------------


def read_commands(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines]


def missing_section(samples, commands):
    gone = dict.fromkeys((s["bench"], s["case"], s["reason"]) for s in samples if s.get("reason"))
    rows = [[f"{bench}: {case}", reason] for bench, case, reason in gone]
    rows += [[f"`{command}`", f"exit code {code}: {last}"] for code, _, command, last in commands if code != "0"]
    return "\n## What could not be measured\n\n" + markdown(["what", "why"], rows) if rows else ""


def report(out):
    samples = read_samples(f"{out}/samples.jsonl")
    commands = read_commands(f"{out}/commands.tsv")
    with open(f"{out}/machine.json", encoding="utf-8") as file:
        machine = json.load(file)
    machine.setdefault("load average after", load_average())
    figures, reasons = headline(samples)

    text = f"# Benchmarks\n\nMade by `benchmarks/run.sh {machine.get('mode')}`. A figure is the median of n samples, " \
           "with (least..most) beside it; ratios are of medians of the same run.\n\n## Headline\n\n"
    text += markdown(["figure", "value", "bar"], [[name, reasons[name] if value is None else f"{value:g}", BARS[name]]
                                                  for name, value in figures.items()])
    text += "\n## Machine\n\n" + markdown(["", ""], [[k, v] for k, v in machine.items() if v is not None])
    text += missing_section(samples, commands)
    known = [bench for bench, _, _ in SECTIONS]
    others = [(b, b, plain) for b in distinct(samples, "bench") if b not in known]
    for bench, title, write in SECTIONS + others:
        group = select(samples, bench=bench)
        if group:
            text += f"\n## {title}\n\n" + write(group, out)
    text += "\n## Command lines\n\n" + markdown(["seconds", "command"], [[c[1], f"`{c[2]}`"] for c in commands])

    with open(f"{out}/machine.json", "w", encoding="utf-8") as file:
        json.dump(machine, file, indent=2)
    with open(f"{out}/headline.json", "w", encoding="utf-8") as file:
        json.dump({**figures, "reasons": reasons}, file, indent=2)
    with open(f"{out}/report.md", "w", encoding="utf-8") as file:
        file.write(text)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--describe":
        with open(f"{sys.argv[3]}/machine.json", "w", encoding="utf-8") as file:
            json.dump(describe(sys.argv[2]), file, indent=2)
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        report(sys.argv[1])
    else:
        sys.exit(__doc__.strip())


if __name__ == "__main__":
    main()
