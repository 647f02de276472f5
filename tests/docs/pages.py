#!/usr/bin/env python3
"""pages.py [--link NAME=PATH] PAGE... : do what pages with Python show, from top to bottom, each page in an empty
folder (but for the link NAME).

Of a Markdown file:
    ```sh       runs in bash. What one block exports, and its folder, hold for the blocks behind it.
    ```python   runs in one session for the whole page, as cells of a notebook do. The session starts at the
                first such block, in that folder and with what has been exported.
    ```python with a first line `# NAME.py` is a file: it is written, not run, and a block behind it has to
                name it.
    A block behind `<!-- not run: REASON -->` is left out; blocks of other languages are nobody's business.
Of a notebook (.ipynb), its cells of code: one session, in which what a cell ends with is shown.

`python3` is the interpreter that runs this. Prints PAGE:LINE (of a notebook: the cell) of what fails, and ends
with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

NOT_RUN = re.compile(r"<!-- not run: .+ -->")
FILE = re.compile(r"# ([A-Za-z_]\w*\.py)")


class Failed(Exception):
    """A block that does not do what it shows; the text begins with where it is."""


@dataclass(frozen=True)
class Block:
    """What is run in one go: `line` is where its text begins in the page; `place` is what people call it."""

    language: str
    line: int
    text: str
    place: str

    @property
    def file(self) -> str | None:
        """The file that it is, if it is one."""
        found = FILE.fullmatch(self.text.partition("\n")[0].strip())
        return found[1] if self.language == "python" and found else None


# Pages --------------------------------------------------------------------------------------------------


def blocks_of_page(path: Path) -> Iterator[Block]:
    language, skipped, first, lines = None, False, 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if language is None:
            if line.startswith("```"):
                language, first, lines = line[3:].strip(), number + 1, []
            elif line.strip():
                skipped = NOT_RUN.fullmatch(line.strip()) is not None
        elif line.startswith("```"):
            if language in ("sh", "python") and not skipped:
                yield Block(language, first, "\n".join(lines) + "\n", f"{path.name}:{first}")
            language, skipped = None, False
        else:
            lines.append(line)
    if language is not None:
        raise Failed(f"{path.name}:{first - 1}: a block without an end")


def blocks_of_notebook(path: Path) -> Iterator[Block]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] == "code":
            yield Block("python", 1, "".join(cell["source"]) + "\n", f"{path.name}, cell {number}")


def check_files(blocks: list[Block]) -> None:
    """A file that no later block names would be tried by nobody."""
    for i, block in enumerate(blocks):
        if block.file is None:
            continue
        word = re.compile(rf"\b{block.file.removesuffix('.py')}\b")
        if not any(word.search(later.text) for later in blocks[i + 1:]):
            raise Failed(f"{block.place}: {block.file} is written, and nothing behind it uses it")


# Shells -------------------------------------------------------------------------------------------------


class Shell:
    """The shell of a page: what is exported, and the folder, go from block to block."""

    def __init__(self, folder: Path, notes: Path) -> None:
        self.folder, self.environment, self._notes = folder, dict(os.environ), notes

    def run(self, block: Block) -> None:
        page = block.place.partition(":")[0]
        told, after = self._notes / "failed", self._notes / "after"
        told.unlink(missing_ok=True)
        trap = f'echo "{page}:$LINENO: $BASH_COMMAND" >{shlex.quote(str(told))}'
        # on the first line, so that the others keep their numbers
        head = f"set -eEuo pipefail; trap {shlex.quote(trap)} ERR"
        end = f"{{ pwd; env -0; }} >{shlex.quote(str(after))}"
        script = self._notes / page
        script.write_text(head + "\n" * (block.line - 1) + block.text + end + "\n", encoding="utf-8")
        after.unlink(missing_ok=True)
        done = subprocess.run(["bash", script], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0 or not after.exists():
            what = told.read_text().strip() if told.exists() else f"{block.place}: the shell gave up"
            raise Failed(f"{what} (exit code {done.returncode})")
        folder, _, variables = after.read_bytes().partition(b"\n")
        self.folder = Path(os.fsdecode(folder))
        pairs = (os.fsdecode(pair).partition("=") for pair in variables.split(b"\0") if pair)
        self.environment = {name: value for name, _, value in pairs}


# Sessions of Python -------------------------------------------------------------------------------------

# A process of its own: a crash of it is a failure of the block. Text stands at its lines of the page, and
# linecache has it: so tracebacks show lines, and functions have sources, as in a notebook.
SESSION = r"""
import ast, json, linecache, os, sys, traceback, types
commands, answers = (os.fdopen(int(fd), mode) for fd, mode in zip(sys.argv[1:3], "rw"))
shows, sys.argv = sys.argv[3] == "shows", [""]
own, page = sys.modules["__main__"], types.ModuleType("__main__")
sys.modules["__main__"] = page  # what the page defines is all that is in it

def show(value):
    if value is not None:
        print(value)
        rich = getattr(value, "_repr_html_", None)
        assert rich is None or isinstance(rich(), str)

def run(name, line, text):
    namespace = page.__dict__
    source = "\n" * (line - 1) + text
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    tree = ast.parse(source, name)
    last = tree.body.pop() if shows and tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if last is not None:
        show(eval(compile(ast.Expression(last.value), name, "eval"), namespace))

def serve():
    for command in commands:
        name, line, text = json.loads(command)
        wrong = None
        try:
            run(name, line, text)
        except BaseException as error:
            traceback.print_exc()
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == name]
            if isinstance(error, SyntaxError) and error.filename == name:
                lines = [error.lineno]
            wrong = [lines[0] if lines else line, f"{type(error).__name__}: {error}"]
        sys.stdout.flush()
        answers.write(json.dumps(wrong) + "\n")
        answers.flush()

serve()
"""


class Session:
    """The Python session of a page."""

    def __init__(self, shell: Shell, shows: bool) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SESSION, str(commands), str(answers), "shows" if shows else "runs"],
            cwd=shell.folder, env=shell.environment, stdin=subprocess.DEVNULL, pass_fds=(commands, answers))
        for fd in (commands, answers):
            os.close(fd)
        self._to, self._from = os.fdopen(self._commands, "w"), os.fdopen(self._answers)

    def run(self, block: Block) -> None:
        page, in_page, _ = block.place.partition(":")
        try:
            self._to.write(json.dumps([f"<{page}>", block.line, block.text]) + "\n")
            self._to.flush()
            answer = self._from.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed(f"{block.place}: Python has ended, with exit code {self._process.wait()}")
        wrong = json.loads(answer)
        if wrong:
            place = f"{page}:{wrong[0]}" if in_page else f"{page}, line {wrong[0]}"
            raise Failed(f"{place}: {wrong[1]}")

    def end(self) -> int:
        """The exit code; whatever it holds is let go in the usual way."""
        self._to.close()
        code = self._process.wait()
        self._from.close()
        return code


# --------------------------------------------------------------------------------------------------------


def run_page(path: Path, folder: Path, notes: Path) -> int:
    """Run all blocks of a page. Returns how many there were."""
    is_notebook = path.suffix == ".ipynb"
    blocks = list(blocks_of_notebook(path) if is_notebook else blocks_of_page(path))
    if not any(block.language == "python" for block in blocks):
        raise Failed(f"{path.name}:1: there is no Python on it")
    check_files(blocks)
    shell, session = Shell(folder, notes), None
    try:
        for block in blocks:
            if block.file:
                (shell.folder / block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "sh":
                shell.run(block)
            else:
                session = session or Session(shell, is_notebook)
                session.run(block)
    finally:
        code = session.end() if session else 0
    if code != 0:
        raise Failed(f"{path.name}: the session of Python has ended with exit code {code}")
    return len(blocks)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Do what pages with Python show.")
    parser.add_argument("--link", default="", metavar="NAME=PATH", help="a link in the folder of each page")
    parser.add_argument("pages", nargs="+", type=Path)
    asked = parser.parse_args(arguments)
    link, _, target = asked.link.partition("=")
    failed = 0
    for page in asked.pages:
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as notes:
            if link:
                (Path(folder) / link).symlink_to(target)
            tool = Path(notes) / "bin" / "python3"
            tool.parent.mkdir()
            tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
            tool.chmod(0o755)
            os.environ["PATH"] = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
            try:
                count = run_page(page.resolve(), Path(folder), Path(notes))
                print(f"{count} blocks of {page.name} do what they say", flush=True)
            except Failed as error:
                print(f"FAILED: {error}", flush=True)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
