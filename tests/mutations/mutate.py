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

As the text is searched in all of the code, code may move to other files. Each of --copies processes works in a copy of the
project, build-mutations/1, 2 .... Every test is run once on the code as it is, and has to pass there, before it may catch
anything.

Exit status: 1 if a mutation survives that must be caught, does not build, or its text is not found exactly once.
"""

import argparse
import configparser
import functools
import itertools
import json
import multiprocessing
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
COPIES = SOURCE / "build-mutations"
FIRST_SECONDS = 300  # for a test on the code as it is
TRIES = 2          # a shared machine may stand still
RACE_TRIES = 6
KNOWN_KEYS = {"promise", "was", "now", "tests", "file", "survives", "race"}
SKIPPED = 77
PROGRAMS = {"bundle", "optimizer", "bundle-parser"}


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


def make_copy(tree):
    """A copy of the project; returns its code, as path: text."""
    code = {}
    wanted = files_of_project()
    for name in wanted:
        content = (SOURCE / name).read_bytes()
        write_if_other(tree / name, content)
        shutil.copymode(SOURCE / name, tree / name)
        is_code = name.suffix in (".c", ".h") or (name.suffix == ".py" and name.parts[0] == "python")
        if is_code and name.parts[0] not in ("tests", "benchmarks", "build-mutations"):
            code[name] = content.decode()
    for path in list(tree.rglob("*")):
        inside = path.relative_to(tree)
        if path.is_file() and inside.parts[0] != "build" and inside not in wanted:
            path.unlink()  # of an earlier copy
    return code


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    return done.returncode, done.stdout.decode(errors="replace")


def run_test(test, folder, seconds):
    """Its exit status, or None if it has not ended in time."""
    properties = {item["name"]: item["value"] for item in test.get("properties", [])}
    environment = dict(os.environ)
    environment.update(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
    process = subprocess.Popen(test["command"], cwd=properties.get("WORKING_DIRECTORY", folder), env=environment,
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


class Copy:
    """A copy of the project, built, and its tests, each of which has passed on the code as it is before it is used."""

    def __init__(self, number, jobs):
        self.tree = COPIES / str(number)
        self.folder, self.jobs = self.tree / "build", jobs
        self.code = make_copy(self.tree)
        self.configure()
        self.build()  # all of it: ctest names no command for what is not built
        self.known, self.passed, self.limit = self.known_tests(), {}, {}

    def configure(self):
        code, output = run(["cmake", "-S", str(self.tree), "-B", str(self.folder), "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                            "-DCMAKE_C_FLAGS=-w", "-DBUNDLEPOOL_FAULTS=ON",
                            f"-DBUNDLEPOOL_TEST_DATA={SOURCE.parent / 'shared' / 'data'}"])
        if code:
            raise Trouble("the copy cannot be configured:\n" + output)

    def build(self, targets=()):
        command = ["cmake", "--build", str(self.folder), "-j", str(self.jobs)]
        code, output = run(command + (["--target", *targets] if targets else []))
        if code:
            raise Trouble("it does not build:\n" + "\n".join(output.splitlines()[-20:]))

    def known_tests(self):
        code, output = run(["ctest", "--test-dir", str(self.folder), "--show-only=json-v1"])
        if code:
            raise Trouble("ctest tells no tests:\n" + output)
        return {test["name"]: test for test in json.loads(output[output.index("{"):])["tests"] if "command" in test}

    def targets_of(self, test):
        """What must be built for it: programs among its arguments, or all programs for the folder that holds them."""
        targets = set()
        for word in self.known[test]["command"]:
            path = Path(word)
            if self.folder in path.parents:
                targets |= PROGRAMS if path.is_dir() else {path.name.removesuffix(".so")}
            if path == self.folder:  # of the package for Python
                targets |= PROGRAMS | {"_core"}
        return targets

    def can_use(self, name):
        """Whether a test can be used here; an exception if it fails though nothing is doctored."""
        if name not in self.known:
            raise Trouble(f"there is no test '{name}'")
        if name not in self.passed:
            self.build(self.targets_of(name))  # it may be there as the last mutation left it
            for _ in range(TRIES):
                begun = time.monotonic()
                status = run_test(self.known[name], self.folder, FIRST_SECONDS)
                if status in (0, SKIPPED):
                    break
            else:
                raise Trouble(f"{name} fails on the code as it is")
            self.passed[name] = status == 0
            self.limit[name] = 20 + 10 * (time.monotonic() - begun)  # what takes longer hangs
        return self.passed[name]

    def catcher(self, names, tries):
        """The first of the tests that fails, and how."""
        for _ in range(tries):
            for name in names:
                status = run_test(self.known[name], self.folder, self.limit[name])
                if status is None:
                    return f"{name} (hangs)"
                if status not in (0, SKIPPED):
                    return name
        return None

    def attempt(self, mutation):
        """What caught it, or None if it survived."""
        path, doctored = mutation.place(self.code)
        usable = [name for name in mutation.tests if self.can_use(name)]
        if not usable:
            raise Trouble(f"[{mutation.name}]: {', '.join(mutation.tests)} cannot run here")
        try:
            write_if_other(self.tree / path, doctored.encode())
            self.build(set().union(*map(self.targets_of, usable)))
            return self.catcher(usable, RACE_TRIES if mutation.race else TRIES)
        finally:
            write_if_other(self.tree / path, self.code[path].encode())


class Worker:
    """One of the processes of a pool, with its copy, made for the first that it has to try."""
    copy = None
    number = multiprocessing.Value("i", 0)

    @classmethod
    def attempt_all(cls, mutations, jobs):
        """(name, seconds, outcome, whether that is as it should be) of each."""
        if cls.copy is None:
            with cls.number:
                cls.number.value += 1
                number = cls.number.value
            cls.copy = Copy(number, jobs)
        return [cls.attempt(m) for m in mutations]

    @classmethod
    def attempt(cls, m):
        begun = time.monotonic()
        try:
            caught = cls.copy.attempt(m)
            outcome = f"caught by {caught}" if caught else "SURVIVED" + (", as expected" if m.survives else "")
            good = bool(caught) or bool(m.survives)
        except Trouble as trouble:
            outcome, good = f"FAILED: {trouble}", False
        return m, time.monotonic() - begun, outcome, good


def main():
    parser = argparse.ArgumentParser(prog="mutate.sh", description=__doc__.split("\n", 2)[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="only these (default: all that must be caught)")
    parser.add_argument("--all-of-them", action="store_true", help="also those that are known to survive")
    parser.add_argument("--certain", action="store_true", help="not those that only some interleavings show")
    parser.add_argument("--copies", type=int, metavar="N", default=os.cpu_count(),
                        help="try so many at a time, each in a copy of its own (default: one for each core)")
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

    # those that the same test catches belong together: it has to be seen to pass only once
    chosen.sort(key=lambda m: (m.table, m.tests[0]))
    groups = [list(group) for _, group in itertools.groupby(chosen, lambda m: (m.table, m.tests[0]))]
    copies, wrong = max(1, min(options.copies, len(groups))), 0
    jobs = max(1, os.cpu_count() // copies)
    with multiprocessing.Pool(copies) as pool:
        for done in pool.imap_unordered(functools.partial(Worker.attempt_all, jobs=jobs), groups):
            for m, seconds, outcome, good in done:
                wrong += not good
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
