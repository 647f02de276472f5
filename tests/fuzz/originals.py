"""Files as this project writes them, small, for what damages them: each way of making one, each kind of content."""

import os
import subprocess


def run(bundle, *words):
    done = subprocess.run([bundle, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit("bundle %s: %s" % (" ".join(words), done.stderr))


def make(bundle, folder):
    """@return their paths"""
    os.makedirs(folder + "/in/daily")
    for name, price in ("A", 0.0123), ("B", 612345.67), ("C", 20.5):  # one factor cannot do for all
        with open("%s/in/daily/%s.csv" % (folder, name), "w") as f:
            f.write("date,open,high,low,close,volume,split,dividend\n")
            for i in range(9 if name == "A" else 7):
                p = price * (1 + i / 100)
                f.write("2020-01-%02d,%.6g,%.6g,%.6g,%.6g,%d,%d,%g\n" % (6 + i, p, p, p, p, 100 + i, 2 if i == 4 else 1, p / 50 if i == 2 else 0))
    paths = [folder + "/" + name for name in ("demo.h5", "plain.h5", "csv.h5", "out/export.h5", "copy.h5")]
    os.mkdir(folder + "/out")
    run(bundle, "demo", paths[0], "--assets", "6", "--days", "90", "--minute-days", "1")
    run(bundle, "demo", paths[1], "--assets", "5", "--days", "40", "--seed", "3", "--filter", "none")
    run(bundle, "ingest", "csvdir", folder + "/in", paths[2], "--calendar", "24/7", "--currency", "EUR")
    run(bundle, "export", "zipline-hdf5", paths[0], paths[3])
    run(bundle, "import", "hdf5", paths[2], paths[4])
    return paths
