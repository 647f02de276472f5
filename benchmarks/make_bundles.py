#!/usr/bin/env python3
"""make_bundles.py BUNDLE_PROGRAM DIR [--quick] : the bundles of the benchmark suite, made in DIR unless they are there.

    daily_gzip    500 assets x 2520 sessions
    minute_gzip   100 assets, minute bars of 556 sessions: 20 million; with --quick of 129: 5 million
    *_lzf         the same values as zipline stores them: shuffle + LZF

Prints the names, one a line; what could not be made is told on standard error. Exit code 0 if the gzip ones are there.
"""
import argparse
import os
import subprocess
import sys

BULK = {"open", "high", "low", "close", "volume", "dt"}


def is_bulk(path):
    """data/open ... data/volume, minute/data/open ..., minute/dt: what holds the bars."""
    parts = path.split("/")
    return parts[-1] in BULK and parts[-2] in ("data", "minute")


def rewrite_lzf(h5py, source, target):
    """Copy a bundle with its attributes; its bulk datasets get the chunks they have, shuffle and LZF."""
    with h5py.File(source, "r") as old, h5py.File(target, "w") as new:
        new.attrs.update(old.attrs)

        def copy(path, item):
            if isinstance(item, h5py.Group):
                new.require_group(path).attrs.update(item.attrs)
            elif is_bulk(item.name):
                bars = new.create_dataset(path, item.shape, item.dtype, chunks=item.chunks, fillvalue=item.fillvalue,
                                          compression="lzf", shuffle=True)
                for part in item.iter_chunks():
                    bars[part] = item[part]
                bars.attrs.update(item.attrs)
            else:
                old.copy(item, new[item.parent.name], name=path.rsplit("/", 1)[-1])

        old.visititems(copy)


def make(path, write):
    """Have `write` make a file that is complete or not there."""
    if os.path.exists(path):
        return
    unfinished = f"{path[:-3]}.unfinished.h5"
    try:
        write(unfinished)
        os.rename(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def main():
    parser = argparse.ArgumentParser(description="Make the bundles of the benchmark suite.")
    parser.add_argument("program", help="the bundle tool")
    parser.add_argument("folder", help="where the bundles go")
    parser.add_argument("--quick", action="store_true", help="5 million minute bars instead of 20 million")
    args = parser.parse_args()
    sizes = {
        "daily": ["--assets", "500", "--days", "2520"],
        "minute5m" if args.quick else "minute20m": [
            "--assets", "100", "--days", "600", "--minute-days", "129" if args.quick else "556"],
    }
    os.makedirs(args.folder, exist_ok=True)

    def demo(options):
        return lambda path: subprocess.run([args.program, "demo", path, *options], check=True,
                                           stdout=subprocess.DEVNULL)

    try:
        import h5py
    except ImportError as error:
        h5py = None
        print(f"make_bundles.py: no LZF bundles: {error}; install python3-h5py", file=sys.stderr)
    for name, options in sizes.items():
        gzip, lzf = (os.path.join(args.folder, f"{name}_{kind}.h5") for kind in ("gzip", "lzf"))
        make(gzip, demo(options))
        print(f"{name}_gzip", flush=True)
        if h5py:
            make(lzf, lambda path, gzip=gzip: rewrite_lzf(h5py, gzip, path))
            print(f"{name}_lzf", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"make_bundles.py: {error}")
