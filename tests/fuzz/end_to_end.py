"""What becomes of damaged bundle files in everything that reads them.

end_to_end.py BUNDLE MUTANTS SERVED RUN_MPI COUNT [SEED]: COUNT mutants (mutants.c) of files that this project wrote, and of
others, go through `bundle info`, `bundle verify` and a running pool of four ranks (served.c), in batches.

No process but a parser crashes; nothing lasts longer than its limit; each error is one line that names the file and a reason;
the good bundle is served meanwhile. What is accepted has the values of the file that it was made of, or `verify` finds that
it has not, unless that file states no checksum. All of them agree on which file is good, and on its content.
"""

import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import originals

bundle, mutants, served, run_mpi, wanted = sys.argv[1:6]
wanted, seed = int(wanted), int(sys.argv[6]) if len(sys.argv) > 6 else 1
BATCH, LIMIT_S, POOL_LIMIT_S = 250, 60, 1200
count, slowest, failures = collections.Counter(), collections.Counter(), []


def fail(*words):
    failures.append(" ".join(str(word) for word in words))
    print("FAILED:", failures[-1], flush=True)


def tool(what, path, *words):
    """@return whether it can be read, and what was printed; None: it failed"""
    begun = time.monotonic()
    try:
        done = subprocess.run([bundle, what, path, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return fail(what, path, "hangs")
    slowest[what] = max(slowest[what], time.monotonic() - begun)
    error = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1):
        return fail(what, path, "ended with", done.returncode, error)
    if done.returncode == 0:
        return True, done.stdout
    lines = error.splitlines()
    if len(lines) != 1 or not lines[0].startswith("bundle: error: ") or not names(error, path):
        return fail(what, path, "no line that names the file and a reason:", error)
    return False, error


def names(text, path):
    """Whether a text names the file and goes on with a reason."""
    return path + ": " in text and len(text.split(path + ": ", 1)[1].strip()) >= 8


def kind(error):
    if "ended by signal" in error or "ended with code" in error:
        return "crashed a parser"
    return "timed out" if "did not end within" in error else "refused"


def look(path):
    """@return (kind, None, None), or ("accepted", content hash, whether verify finds that the file has changed); None: failed"""
    info, verify = tool("info", path), tool("verify", path, "--json")
    if not info or not verify:
        return None
    if not verify[0]:
        return kind(verify[1]), None, None
    if not info[0]:
        return fail("verify reads", path, "and info does not:", info[1])
    told = json.loads(verify[1].decode())
    return "accepted", told["content_hash"], told["counts"].get("checksum", 0) > 0


def serve(folder, stems):
    """@return {stem: [(status, hash or error) of each rank]}"""
    with open(folder + "/list", "w") as f:
        f.write("\n".join(["good", *stems, ""]))
    begun = time.monotonic()
    try:
        done = subprocess.run([run_mpi, "4", served, folder, folder + "/list"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=POOL_LIMIT_S, errors="replace")
    except subprocess.TimeoutExpired:
        return fail("the pool hangs") or {}
    slowest["pool, a batch"] = max(slowest["pool, a batch"], time.monotonic() - begun)
    if done.returncode == 77:
        print(done.stdout)
        sys.exit(77)
    if done.returncode != 0:
        fail("the pool:", done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    found = collections.defaultdict(list)
    for rank in range(4):
        with open("%s/served.%d" % (folder, rank), errors="replace") as f:
            for line in f:
                stem, ms, status, text = line.rstrip("\n").split("\t", 3)
                found[stem].append((status, text))
                slowest["get"] = max(slowest["get"], int(ms) / 1e3)
    return found


def judge(path, stem, seen, served_as, original):
    """`seen` by the programs, `served_as` by each rank, `original` as the programs saw what it was made of."""
    outcome, content, finding = seen
    count[outcome] += 1
    if len(served_as) != 4:
        return fail(path, "was got by", len(served_as), "ranks")
    for status, text in served_as:
        if status != "BP_OK" and not names(text, path):
            fail("get", path, "no text that names the file and a reason:", status, text)
        if (status == "BP_OK") != (outcome == "accepted") and "timed out" not in (outcome, kind(text)):
            fail(path, "is", outcome, "alone, and in the pool", status, text)
        if status == "BP_OK" and text and content and text != content:
            fail(path, "has content", content, "alone, and in the pool", text)
    if outcome != "accepted" or content == original[1]:
        count["accepted, a finding all the same"] += bool(finding)
    elif finding:
        count["accepted, differs, found by verify"] += 1
    elif original[3]:
        fail(path, "has other values than what it was made of, and verify finds nothing")
    else:
        count["accepted, differs, of a file without checksum"] += 1


def states_checksum(path):
    with open(path, "rb") as f:
        return b"checksums\0" in f.read()


def batch(folder, own, n, number):
    root = folder + "/root"
    shutil.rmtree(root, ignore_errors=True)
    os.mkdir(root)
    shutil.copy(own[0], root + "/good.h5")
    begun = time.monotonic()
    done = subprocess.run([mutants, "--write", root, str(number), str(n), *own], capture_output=True, text=True, errors="replace")
    print(done.stdout.strip(), flush=True)
    if done.returncode != 0:
        fail("mutants", done.returncode, done.stderr)
    files = sorted(name for name in os.listdir(root) if name.endswith(".h5") and name != "good.h5")
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        seen = dict(zip(files, threads.map(look, (root + "/" + name for name in files))))
    made_of = {}
    for name in files:
        if name.startswith("original-"):
            if not seen[name] or seen[name][0] != "accepted" or seen[name][2]:
                sys.exit("%s: %s: is no good start" % (name, seen[name]))
            made_of[name] = (*seen[name], states_checksum(root + "/" + name))
    bad = [name for name in files if name.startswith("m")]
    found = serve(root, [name[:-3] for name in bad])
    for name in bad:
        original = made_of["original-%s.h5" % re.search(r"-(\d+)\.h5$", name)[1]]
        if seen[name]:
            judge(root + "/" + name, name[:-3], seen[name], found.get(name[:-3], []), original)
    return time.monotonic() - begun


def main():
    with tempfile.TemporaryDirectory() as folder:
        own = originals.make(bundle, folder)
        done = 0
        while done < wanted:
            n = min(BATCH, wanted - done)
            batch(folder, own, n, seed + done // BATCH)
            done += n
    print("%d mutants: %s" % (done, ", ".join("%d %s" % (n, what) for what, n in sorted(count.items()))))
    print("longest: " + ", ".join("%s %.1f s" % item for item in sorted(slowest.items())))
    print("%d failures" % len(failures))
    return len(failures) > 0


sys.exit(main())
