"""Running the program `bundle`, in a process of its own: a damaged file cannot take a notebook with it.

What the program draws as progress goes to ``sys.stderr`` at once; everything else that it says is collected,
and comes back with the answer or with the exception.
"""

from __future__ import annotations

import dataclasses
import os
import re
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

from bundlepool import errors
from bundlepool._text import clean

__all__ = ["Message", "Outcome", "find_program", "run"]

#: Of each command the options that take a value (True), and those that are a flag (False).
OPTIONS: dict[str, dict[str, bool]] = {
    "demo": {"assets": True, "days": True, "minute": False, "minute_days": True, "seed": True, "filter": True,
             "threads": True, "replace": False},
    "ingest": {"filter": True, "threads": True, "date_format": True, "decimal": True, "timezone": True,
               "calendar": True, "currency": True, "symbols": True, "adjusted": False, "splits": True,
               "dividends": True, "max_errors": True, "keep_going": False, "replace": False},
    "import": {"filter": True, "threads": True, "date_format": True, "timezone": True, "calendar": True,
               "currency": True, "sessions": True, "symbols": True, "country": True, "splits": True,
               "dividends": True, "max_errors": True, "keep_going": False, "replace": False},
    "export": {"threads": True, "replace": False},
    "sync": {"threads": True, "max_errors": True},
    "info": {"assets": False},
    "version": {},
    "verify": {"threads": True, "max": True, "weight": True, "strict": False, "jump": True, "dividend": True,
               "stale": True, "few": True, "minutes": True},
    "diff": {"max": True},
    "list": {},
}
_LISTS = ("symbols",)  # may be given as a list
_PATHS = ("sessions",)
_FLAGS = {name for options in OPTIONS.values() for name, takes_value in options.items() if not takes_value}
_VALUES = {name for options in OPTIONS.values() for name, takes_value in options.items() if takes_value}

_PROGRESS = re.compile(rb"[^\r\n:]+: \d+\.\d %, ETA \d+:\d\d:\d\d")
_DRAWN = re.compile(rb"\r[^\r\n]*?\x1b\[K")
_LAUNCHER = ("OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "SLURM_STEP", "SLURM_PROCID", "SLURM_LOCALID",
             "SLURM_TASK", "SLURM_NTASKS", "SLURM_SRUN", "SLURM_LAUNCH", "SLURM_PMI", "SLURM_MPI")


@dataclasses.dataclass(frozen=True)
class Message:
    """A line that the program told: severity "error", "heavy", "warning" or "note", and its text."""

    severity: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.text}"


@dataclasses.dataclass
class Outcome:
    """How a run of the program ended.

    Attributes:
        output: what it printed.
        messages: what it said beside.
        error: the exception that its failure stands for; None: it did what it should.
    """

    output: str
    messages: list[Message]
    error: errors.Error | None


# Where the program is -----------------------------------------------------------------------------------


def _places(name: str) -> Iterator[Path]:
    """Beside the package, wherever that was built or installed."""
    here = Path(__file__).parent
    yield here / "bin" / name
    try:
        from bundlepool import _build
    except ImportError:
        return
    yield Path(_build.BIN) / name


def find_program(name: str = "bundle") -> str:
    """Path of a program of this project.

    BUNDLEPOOL_BIN names its folder; without it, it is looked for where the package was built or installed to,
    so that it is of the same build, and last in the PATH.

    Raises:
        NotFound: it is in none of these places.
    """
    override = os.environ.get("BUNDLEPOOL_BIN")
    if override:
        if os.access(Path(override) / name, os.X_OK):
            return str(Path(override) / name)
        raise errors.NotFound(f"BUNDLEPOOL_BIN: {override}: has no program '{name}'")
    for path in _places(name):
        if os.access(path, os.X_OK):
            return str(path)
    for folder in os.get_exec_path():
        if os.access(Path(folder) / name, os.X_OK):
            return str(Path(folder) / name)
    raise errors.NotFound(f"the program '{name}' is neither beside the package nor in the PATH; set "
                          "BUNDLEPOOL_BIN to the folder that has it")


def environment() -> dict[str, str]:
    """That of this process, without what a launcher of MPI has put into it: a program that is run is no
    rank."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_LAUNCHER)}


# What it is asked ----------------------------------------------------------------------------------------


def near(wrong: str, known: Any) -> str:
    """"; did you mean 'x'?", or what there is."""
    import difflib  # where it is needed, and no earlier

    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(sorted(known)) or 'none'}"


def _argument(value: Any, name: str) -> str:
    """A path or name as an argument; a leading ~ is the home folder."""
    try:
        text = os.fspath(value)
    except TypeError:
        raise TypeError(f"{name}: expected a str or a path, got {type(value).__name__}") from None
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if not text:
        raise ValueError(f"{name}: is empty")
    if "\0" in text:
        raise ValueError(f"{name}: {text!r} has a NUL in it")
    return os.path.expanduser(text)


def _option(name: str, value: Any, takes_value: bool) -> list[str]:
    switch = "--" + name.replace("_", "-")
    if value is None:
        return []
    if not takes_value:
        if not isinstance(value, bool):
            raise TypeError(f"{name}: expected True or False, got {type(value).__name__}")
        return [switch] if value else []
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected a value, got {value}")
    if name in _LISTS and isinstance(value, (list, tuple, set, frozenset)):
        parts = sorted(value) if isinstance(value, (set, frozenset)) else value
        for part in parts:
            if not isinstance(part, str):
                raise TypeError(f"{name}: expected str, got {type(part).__name__}")
            if "," in part:
                raise ValueError(f"{name}: {part!r} has a comma in it")
        value = ",".join(parts)
    if isinstance(value, (list, tuple, set, dict, bytes)):
        raise TypeError(f"{name}: expected one value, got {type(value).__name__}")
    text = _argument(value, name) if name in _PATHS else str(value)
    if "\0" in text:
        raise ValueError(f"{name}: {text!r} has a NUL in it")
    return [f"{switch}={text}"]


def command_line(command: str, arguments: list[Any], root: Any, options: dict[str, Any],
                 json: bool) -> list[str]:
    """The command as it would be typed.

    Raises:
        TypeError: an option is none of the command's, with a near one; or a value has the wrong type.
    """
    known = OPTIONS[command]
    words = [find_program(), command]
    for name, value in options.items():
        if name not in known:
            raise TypeError(f"{name!r} is no option of '{command}'; {near(name, known)}")
        words += _option(name, value, known[name])
    if root is not None:
        words.append("--root=" + _argument(root, "root"))
    if json:
        words.append("--json")
    names = {0: "name"} if len(arguments) == 1 else {}
    return words + ["--"] + [_argument(x, names.get(i, f"argument {i + 1}")) for i, x in enumerate(arguments)]


# Running it ----------------------------------------------------------------------------------------------


class _Said:
    """What comes from the program's stderr: progress is passed on, lines are kept."""

    def __init__(self) -> None:
        self.rest = b""
        self.lines: list[str] = []

    def take(self, data: bytes) -> None:
        self.rest += data
        while b"\n" in self.rest:
            line, self.rest = self.rest.split(b"\n", 1)
            self._line(line.rstrip(b"\r"))
        for drawn in _DRAWN.findall(self.rest):
            self._pass_on(drawn)
        self.rest = _DRAWN.sub(b"", self.rest)

    def end(self) -> None:
        if self.rest.strip():
            self._line(self.rest)
        self.rest = b""

    def _line(self, line: bytes) -> None:
        for drawn in _DRAWN.findall(line):
            self._pass_on(drawn)
        line = _DRAWN.sub(b"", line)
        if _PROGRESS.fullmatch(line):
            self._pass_on(line + b"\n")
        elif line.strip():
            self.lines.append(line.decode("utf-8", "replace"))

    @staticmethod
    def _pass_on(data: bytes) -> None:
        if sys.stderr is not None:
            sys.stderr.write(data.decode("utf-8", "replace"))
            sys.stderr.flush()


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty() and os.isatty(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return False


def _stderr_pipe() -> tuple[int, int]:
    """Two ends, for reading and for writing: of a terminal if ours is one, so that progress is drawn."""
    if not _is_terminal():
        return os.pipe()
    import termios

    ours, theirs = os.openpty()
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    return ours, theirs


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 16)
    except OSError:  # the other end of a terminal is closed
        return b""


def _gather(child: subprocess.Popen, ends: dict[int, Any]) -> None:
    """Read until every end is closed. A signal of ours is handed on; the program clears away, and then
    ends."""
    with selectors.DefaultSelector() as selector:
        for fd, take in ends.items():
            selector.register(fd, selectors.EVENT_READ, take)
        stopped: BaseException | None = None
        while selector.get_map():
            try:
                for key, _ in selector.select():
                    data = _read(key.fd)
                    if data:
                        key.data(data)
                    else:
                        selector.unregister(key.fd)
            except BaseException as interrupt:  # KeyboardInterrupt, or what else a handler raises
                child.send_signal(signal.SIGINT if stopped is None else signal.SIGKILL)
                stopped = interrupt
        child.wait()
        if stopped is not None:
            raise stopped


def _execute(words: list[str]) -> tuple[int, str, list[str], str]:
    """Exit code, output, lines of stderr, and what the program told of its failure by its code."""
    said, output, status = _Said(), bytearray(), bytearray()
    out, out_w = os.pipe()
    told, told_w = os.pipe()
    err, err_w = _stderr_pipe()
    try:
        env = environment() | {"BUNDLEPOOL_STATUS_FD": str(told_w)}
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out_w, stderr=err_w, env=env,
                                 pass_fds=(told_w,))
    except BaseException:
        for fd in (out, told, err):
            os.close(fd)
        raise
    finally:
        for fd in (out_w, told_w, err_w):
            os.close(fd)
    try:
        _gather(child, {out: output.extend, told: status.extend, err: said.take})
    finally:
        for fd in (out, told, err):
            os.close(fd)
    said.end()
    return child.returncode, output.decode("utf-8", "replace"), said.lines, status.decode("utf-8", "replace")


def pythonic(text: str) -> str:
    """A text of the program with options named as keywords."""
    def keyword(match: re.Match) -> str:
        name, value = match[1].replace("-", "_"), match[2] or ""
        if name in _VALUES:
            return f"{name}={value.strip()}" if value else name
        return f"{name}=True{value}" if name in _FLAGS else match[0]
    return re.sub(r"--([a-z][a-z-]*[a-z])( \d+\b)?", keyword, text)


def _message(line: str) -> Message:
    match = re.match(r"(error|heavy|warning|note): (.*)", line, re.DOTALL)
    return Message(match[1], pythonic(clean(match[2]))) if match else Message("note", pythonic(clean(line)))


def _failure(words: list[str], code: int, status: str, messages: list[Message], last: str) -> errors.Error:
    if code < 0:
        text = (f"'bundle {words[1]}' was ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})"
                + ("; the system may have run out of memory" if -code == signal.SIGKILL else ""))
        return errors.from_status(13, "BP_ESYS", text)
    name, _, text = status.partition("\n")
    number = next((cls.code for cls in errors._CLASSES.values() if cls.name == name), 0)
    if not name:  # a program that is older than the package
        number, name = (1, "BP_EINVAL") if code == 2 else (0, "BP_?")
        text = last.removeprefix("bundle: error: ") or f"'bundle {words[1]}' failed with exit code {code}"
    lines = [pythonic(text.strip())]
    lines += [f"  {message}" for message in messages if message.severity == "error"]
    return errors.from_status(number, name, "\n".join(lines))


def run(command: str, arguments: list[Any], root: Any = None, options: dict[str, Any] | None = None, *,
        json: bool = False) -> Outcome:
    """Run ``bundle COMMAND`` and wait for it; other threads of Python go on.

    Args:
        arguments: names and paths; a leading ~ is the home folder.
        root: folder of the bundles; None: $BUNDLEPOOL_ROOT, else ./bundles.
        options: by their names with _ for -; a flag is True or False, None leaves an option out.
        json: let it print JSON.

    Raises:
        TypeError: an option is none of the command's, or has a value of the wrong type.
        NotFound: the program is not where it should be.
    """
    words = command_line(command, arguments, root, options or {}, json)
    code, output, lines, status = _execute(words)
    own = [line for line in lines if line.startswith("bundle: ")]
    messages = [_message(line) for line in lines if not line.startswith("bundle: ")]
    error = _failure(words, code, status, messages, own[-1] if own else "") if code < 0 or status else None
    if code > 0 and error is None and not output:
        error = _failure(words, code, status, messages, own[-1] if own else "")
    return Outcome(output, messages, error)
