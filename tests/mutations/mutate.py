"""mutate.py: build and test doctored versions of the code; see scripts/mutate.sh.

A mutation is a section of a file *.ini beside this one:

    [name]
    promise = what the doctored code breaks, in one line
    was     = text that stands exactly once in the code, C or Python; how it is broken into lines does not matter
    now     = text in its place
    tests   = the tests that must notice, the quickest first: one of them has to fail
    file    = end of the path of the only file to be searched, where the text alone is not unique
    survives = why no test notices, of one that is known to survive
    race    = yes: only an interleaving that does not come every time shows it, so it is tried more often

As the text is searched in all of the code, code may move to other files. The copy is build-mutations/tree. Every test is
run once on the code as it is, and has to pass there, before it may catch anything.

Exit status: 1 if a mutation survives that must be caught, does not build, or its text is not found exactly once.
"""

import argparse
import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
TREE = SOURCE / "build-mutations" / "tree"
BUILD = TREE / "build"
FIRST_SECONDS = 300  # for a test on the code as it is
TRIES = 2          # a shared machine may stand still
RACE_TRIES = 6
KNOWN_KEYS = {"promise", "was", "now", "tests", "file", "survives", "race"}
SKIPPED = 77


class Trouble(Exception):
    """A mutation that cannot be tried, or a copy that cannot be made; the text says why."""


class Mutation:
    def __init__(self, name, section, table):
        self.name, self.table = name, table
        unknown, lacking = set(section) - KNOWN_KEYS, {"promise", "was", "now", "tests"} - set(section)
        if unknown or lacking:
            raise Trouble(f"{table}: [{name}]: " + ("unknown: " if unknown else "missing: ") +
                          ", ".join(sorted(unknown or lacking)))
        self.promise = " ".join(section["promise"].split())
        self.was, self.now = section["was"].strip(), section["now"].strip()
        self.file = section.get("file", "")
        self.tests = section["tests"].split()
        self.survives = section.get("survives")
        self.race = section.getboolean("race", False)

    def place(self, code):
        """The only file that has the text, and its content with the other text in its place."""
        pattern = re.compile(r"\s+".join(re.escape(word) for word in self.was.split()))
        found = [(path, match) for path, text in code.items() if str(path).endswith(self.file)
                 for match in pattern.finditer(text)]
        if len(found) != 1:
            where = ": " + ", ".join(str(path) for path, _ in found) if found else ""
            raise Trouble(f"{self.table}: [{self.name}]: its text stands {len(found)} times in the code{where}")
        path, match = found[0]
        text = code[path]
        return path, text[:match.start()] + self.now + text[match.end():]


def read_tables():
    mutations = {}
    for table in sorted(HERE.glob("*.ini")):
        # only full lines that begin with # are comments, and % is nothing special
        parser = configparser.ConfigParser(interpolation=None, comment_prefixes=("#",), delimiters=("=",))
        parser.read(table, encoding="utf-8")
        for name in parser.sections():
            if name in mutations:
                raise Trouble(f"{table.name}: [{name}] is in {mutations[name].table} too")
            mutations[name] = Mutation(name, parser[name], table.name)
    return mutations


def files_of_project():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=SOURCE, stdout=subprocess.PIPE)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:  # not a git checkout
        names = [str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*")
                 if not path.relative_to(SOURCE).parts[0].startswith("build")]
    return [Path(name) for name in names if (SOURCE / name).is_file()]


def write_if_other(path, content):
    """Make does not build again what has not changed."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def make_copy():
    """A copy of the project; returns its code, as path: text."""
    code = {}
    wanted = files_of_project()
    for name in wanted:
        content = (SOURCE / name).read_bytes()
        write_if_other(TREE / name, content)
        shutil.copymode(SOURCE / name, TREE / name)
        is_code = name.suffix in (".c", ".h") or (name.suffix == ".py" and name.parts[0] == "python")
        if is_code and name.parts[0] not in ("tests", "benchmarks", "build-mutations"):
            code[name] = content.decode()
    for path in list(TREE.rglob("*")):
        inside = path.relative_to(TREE)
        if path.is_file() and inside.parts[0] != "build" and inside not in wanted:
            path.unlink()  # of an earlier copy
    return code


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    return done.returncode, done.stdout.decode(errors="replace")


def build(targets=()):
    command = ["cmake", "--build", str(BUILD), "-j", str(os.cpu_count())]
    code, output = run(command + (["--target", *targets] if targets else []))
    if code:
        raise Trouble("it does not build:\n" + "\n".join(output.splitlines()[-20:]))


def configure():
    code, output = run(["cmake", "-S", str(TREE), "-B", str(BUILD), "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_C_FLAGS=-w",
                        "-DBUNDLEPOOL_FAULTS=ON", f"-DBUNDLEPOOL_TEST_DATA={SOURCE.parent / 'shared' / 'data'}"])
    if code:
        raise Trouble("the copy cannot be configured:\n" + output)


def known_tests():
    code, output = run(["ctest", "--test-dir", str(BUILD), "--show-only=json-v1"])
    if code:
        raise Trouble("ctest tells no tests:\n" + output)
    return {test["name"]: test for test in json.loads(output[output.index("{"):])["tests"] if "command" in test}


def targets_of(test):
    """What must be built for a test: programs among its arguments, or both programs for the folder that holds them."""
    targets = set()
    for word in test["command"]:
        path = Path(word)
        if BUILD in path.parents:
            targets |= {"bundle", "optimizer"} if path.is_dir() else {path.name.removesuffix(".so")}
        if path == BUILD:  # of the package for Python
            targets |= {"_core", "bundle", "optimizer"}
    return targets


def run_test(test, seconds):
    """Its exit status, or None if it has not ended in time."""
    properties = {item["name"]: item["value"] for item in test.get("properties", [])}
    environment = dict(os.environ)
    environment.update(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
    process = subprocess.Popen(test["command"], cwd=properties.get("WORKING_DIRECTORY", BUILD), env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):  # mpirun takes its ranks along when it is told to end
            if process.poll() is None:
                os.killpg(process.pid, how)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    pass
    return None


class Tests:
    """The tests of the copy, each of which has passed on the code as it is before it is used."""

    def __init__(self):
        self.known, self.passed, self.limit = known_tests(), {}, {}

    def check(self, name):
        """Whether it can be used here; an exception if it fails though nothing is doctored."""
        if name not in self.known:
            raise Trouble(f"there is no test '{name}'")
        if name not in self.passed:
            build(targets_of(self.known[name]))  # it may be there as the last mutation left it
            for _ in range(TRIES):
                begun = time.monotonic()
                status = run_test(self.known[name], FIRST_SECONDS)
                if status in (0, SKIPPED):
                    break
            else:
                raise Trouble(f"{name} fails on the code as it is")
            self.passed[name] = status == 0
            self.limit[name] = 20 + 10 * (time.monotonic() - begun)  # what takes longer hangs
        return self.passed[name]

    def catches(self, names, tries):
        """The first of them that fails, and how."""
        for _ in range(tries):
            for name in names:
                status = run_test(self.known[name], self.limit[name])
                if status is None:
                    return f"{name} (hangs)"
                if status not in (0, SKIPPED):
                    return name
        return None


def attempt(mutation, code, tests):
    """What caught it, or None if it survived."""
    path, doctored = mutation.place(code)
    usable = [name for name in mutation.tests if tests.check(name)]
    if not usable:
        raise Trouble(f"[{mutation.name}]: {', '.join(mutation.tests)} cannot run here")
    try:
        write_if_other(TREE / path, doctored.encode())
        build(set().union(*(targets_of(tests.known[name]) for name in usable)))
        return tests.catches(usable, RACE_TRIES if mutation.race else TRIES)
    finally:
        write_if_other(TREE / path, code[path].encode())


def main():
    parser = argparse.ArgumentParser(prog="mutate.sh", description=__doc__.split("\n", 2)[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="only these (default: all that must be caught)")
    parser.add_argument("--all-of-them", action="store_true", help="also those that are known to survive")
    parser.add_argument("--certain", action="store_true", help="not those that only some interleavings show")
    parser.add_argument("--list", action="store_true", help="name them and what they break, and run nothing")
    parser.add_argument("--results", metavar="FILE", help="a line for each as well: SECONDS mutate NAME passed|failed")
    options = parser.parse_args()

    mutations = read_tables()
    unknown = [name for name in options.name if name not in mutations]
    if unknown:
        raise Trouble(f"there is no mutation '{unknown[0]}'; --list names them")
    chosen = [m for m in mutations.values()
              if (m.name in options.name if options.name else options.all_of_them or not m.survives)
              and not (options.certain and m.race)]
    if options.list:
        for m in chosen:
            print(f"{m.name:28} {m.promise}{'  (survives: ' + m.survives + ')' if m.survives else ''}")
        return 0

    code = make_copy()
    configure()
    build()  # all of it: ctest names no command for what is not built
    tests, wrong = Tests(), 0
    for m in chosen:
        begun = time.monotonic()
        try:
            caught = attempt(m, code, tests)
            outcome = f"caught by {caught}" if caught else "SURVIVED" + (", as expected" if m.survives else "")
            good = bool(caught) or bool(m.survives)
        except Trouble as trouble:
            outcome, good = f"FAILED: {trouble}", False
        wrong += not good
        seconds = time.monotonic() - begun
        print(f"{m.name:28} {seconds:6.1f} s  {outcome:40}  {m.promise}", flush=True)
        if options.results:
            with open(options.results, "a", encoding="utf-8") as results:
                results.write(f"{seconds:.1f} mutate {m.name} {'passed' if good else 'failed'}\n")
    print(f"{len(chosen) - wrong} of {len(chosen)} mutations as they should be")
    return int(wrong > 0)


if __name__ == "__main__":
    for told in (signal.SIGTERM, signal.SIGINT):  # a test that runs is ended first
        signal.signal(told, lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"mutate.sh: {trouble}")
