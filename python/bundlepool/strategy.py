"""Strategies written in Python: what their parameters are, where they are found, and how the C part gets
them.

A strategy is a function or a class::

    def sma_cross(m, fast, slow=50):          # m: the market, bundlepool.Market
        return m.sma(fast) > m.sma(slow)      # bool [asset][session]: the set that is held

    class Rebound:
        def __init__(self, lookback: int = 20, depth: float = 2.0): ...
        def decide(self, view, orders): ...   # after each close

Its parameters are those of its signature. What one takes, is said by its annotation (int, float, bool, a
Literal of words), else by the type of its default; else it takes numbers, of which whole ones arrive as int.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import math
import os
import re
import sys
import traceback
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping

from bundlepool import launch
from bundlepool._text import clean_lines
from bundlepool.caches import kept_bytes
from bundlepool.identity import Identity, identify, learn

__all__ = ["Parameter", "Strategy", "failure_text", "load_file", "names_file", "resolve", "strategy_of"]

_MAX_NAME = 31
_MAX_TEXT = 1900  # bytes of a failure's text
_PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a strategy.

    Attributes:
        name: as in the signature.
        kind: "int", "float", "number" (whole ones are int) or "word".
        default: what it is where a search does not name it; inspect.Parameter.empty: it has to be named.
        words: of the kind "word": (text, value) of each.
    """

    name: str
    kind: str
    default: Any
    words: tuple[tuple[str, Any], ...] = ()

    @property
    def is_required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def fallback(self) -> float:
        """The default as a number: of a word its place."""
        if self.kind == "word":
            values = [value for _, value in self.words]
            return 0.0 if self.is_required else float(_place(values, self.default))
        return 0.0 if self.is_required else float(self.default)

    @property
    def help(self) -> str:
        return "has to be given" if self.is_required else "may be left out"

    def text_of(self, value: Any) -> str:
        """A value as an option has it. Raises TypeError or ValueError for one that the parameter does not
        take.
        """
        if self.kind == "word":
            for text, word in self.words:
                if type(word) is type(value) and word == value:
                    return text
            raise ValueError(
                f"parameter {self.name}: {value!r} is none of "
                f"{', '.join(repr(word) for _, word in self.words)}"
            )
        return number_text(self.name, value, whole=self.kind == "int")


def plain(name: str, value: Any) -> Any:
    """A value of NumPy as Python's own: 5 for numpy.int64(5), also for an array without dimensions."""
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M"):  # item() may give nanoseconds
        raise TypeError(f"parameter {name}: {value!r} is no number")
    if getattr(value, "mask", False):  # item() would give what is behind the mask
        raise ValueError(f"parameter {name}: a value is masked")
    return value.item()


def number_text(name: str, value: Any, *, whole: bool = False) -> str:
    """A number as an option has it: what is read back is the same number."""
    value = plain(name, value)
    no_number = TypeError(f"parameter {name}: {value!r} is no number")
    if isinstance(value, (str, bytes, bool)) or not hasattr(value, "__float__") or getattr(value, "ndim", 0):
        raise no_number
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"parameter {name}: it is more than a float64 can hold") from None
    except (TypeError, ValueError):
        raise no_number from None
    if not math.isfinite(number):
        raise ValueError(f"parameter {name}: {value!r} is not finite")
    if number != int(number):
        if whole:
            raise ValueError(f"parameter {name}: {value!r} is not a whole number")
        return repr(number)
    if abs(number) > 2.0**53 or int(number) != value:
        raise ValueError(f"parameter {name}: {value!r} is more than a float64 can hold exactly")
    return str(int(number))


def _place(values: list[Any], value: Any) -> int:
    for i, known in enumerate(values):
        if type(known) is type(value) and known == value:
            return i
    raise ValueError(f"{value!r} is none of {values}")


@dataclass(frozen=True)
class Strategy:
    """A function or class as a strategy.

    Attributes:
        call: the function or class itself.
        name: its name for lists and journals.
        form: "function" or "class".
        parameters: in the order of the signature.
        identity: what it is made of.
        file: base name of its source, or a word for where it is from.
    """

    call: Callable[..., Any]
    name: str
    form: str
    parameters: tuple[Parameter, ...]
    identity: Identity
    file: str
    keyword_only: frozenset[str] = field(default_factory=frozenset)

    @property
    def option(self) -> str:
        """What the option --strategy calls it."""
        return f"{self.file}:{self.name}"

    @contextlib.contextmanager
    def running(self, more: dict[str, Any] | None = None) -> Iterator[None]:
        """While it runs in this process.

        Args:
            more: what else belongs to its identity.
        """
        try:
            yield
        finally:
            learn(self.call, more, self.identity)

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    def description(self, *, check: Callable[..., Any] | None = None, **more: Any) -> dict[str, Any]:
        """What the C part makes a strategy of."""
        return {
            "name": self.name,
            "file": self.file,
            "option": self.option,
            "form": self.form,
            "help": _summary(self.call),
            "hash": self.identity.hash,
            "pieces": self.identity.text,
            "call": self._positional(),
            "tell": failure_text,
            "check": check,
            **kept_bytes(),
            "params": [(p.name, p.help, p.kind, p.fallback, p.words, p.is_required) for p in self.parameters],
            **more,
        }

    def _positional(self) -> Callable[..., Any]:
        """The strategy as a function of values in the order of its parameters."""
        before = 1 if self.form == "function" else 0
        plain = [p.name for p in self.parameters if p.name not in self.keyword_only]
        if len(plain) == len(self.parameters) and self._has_no_gaps():
            return self.call
        names = [p.name for p in self.parameters]

        def call(*values: Any) -> Any:
            return self.call(*values[:before], **dict(zip(names, values[before:])))

        return call

    def _has_no_gaps(self) -> bool:
        """Whether the parameters are the first ones of the signature: one that is no number may lie between
        them.
        """
        names = list(inspect.signature(self.call).parameters)[1 if self.form == "function" else 0 :]
        return names[: len(self.parameters)] == [p.name for p in self.parameters]


def _summary(thing: Any) -> str:
    text = (inspect.getdoc(thing) or "").strip().partition("\n")[0].rstrip(".")
    text = "".join(c for c in text if c.isprintable())
    while len(text.encode("utf-8", "replace")) > 400:
        text = text[:-20]
    return text or "a strategy written in Python"


# Signatures -----------------------------------------------------------------------------------------------


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,30}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}")


def plain_name(thing: Any) -> str:
    """The name of a strategy for lists and journals: letters of ASCII, digits and _, at most 31."""
    name = getattr(thing, "__name__", type(thing).__name__).replace("<lambda>", "rule")
    name = re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("0123456789")[:_MAX_NAME]
    return name if name.strip("_") else "rule"


def _form_of(thing: Any) -> str:
    if inspect.isclass(thing):
        if not callable(getattr(thing, "decide", None)):
            raise TypeError(f"strategy {thing.__name__}: a class needs a method decide(self, view, orders)")
        return "class"
    if not callable(thing):
        raise TypeError(f"a strategy is a function, a class, or a name, not {thing!r}")
    if callable(getattr(thing, "decide", None)):
        raise TypeError(
            f"strategy {type(thing).__name__}: pass the class, not an instance; each run gets its own"
        )
    if inspect.iscoroutinefunction(thing) or inspect.isgeneratorfunction(thing):
        raise TypeError(
            f"strategy {getattr(thing, '__name__', thing)}: a strategy returns its answer; this is "
            "a coroutine or a generator"
        )
    return "function"


def strategy_of(
    thing: Any, given: Mapping[str, Iterable[Any]] | None = None, more: dict[str, Any] | None = None
) -> Strategy:
    """Understand a function or a class as a strategy.

    Args:
        thing: function or class.
        given: values that a search gives to parameters: where neither annotation nor default tell, they tell
            whether a parameter takes words.
        more: what else belongs to its identity.

    Raises:
        TypeError: it is none, or a parameter cannot be one; the text names it.
    """
    form, name = _form_of(thing), plain_name(thing)
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError) as error:
        raise TypeError(f"strategy {name}: its signature cannot be read: {error}") from None
    parameters = list(signature.parameters.values())
    if form == "function":
        if not parameters or parameters[0].kind in (parameters[0].KEYWORD_ONLY, parameters[0].VAR_KEYWORD):
            raise TypeError(f"strategy {name}: its first parameter is the market: def {name}(m, ...)")
        parameters = parameters[0 if parameters[0].kind is parameters[0].VAR_POSITIONAL else 1 :]
    hints = _hints(thing)
    found, keyword_only = [], set()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        taken = _parameter(
            name, parameter, hints.get(parameter.name), list((given or {}).get(parameter.name, ()))
        )
        if taken is None:
            continue
        found.append(taken)
        if parameter.kind is parameter.KEYWORD_ONLY:
            keyword_only.add(parameter.name)
    return Strategy(
        thing, name, form, tuple(found), identify(thing, more), _file_of(thing), frozenset(keyword_only)
    )


def _hints(thing: Any) -> dict[str, Any]:
    function = thing.__init__ if inspect.isclass(thing) else thing
    try:
        return typing.get_type_hints(function)
    except Exception:  # an annotation that names what is not there
        return getattr(function, "__annotations__", {})


def _parameter(strategy: str, parameter: inspect.Parameter, hint: Any, given: list[Any]) -> Parameter | None:
    """A parameter as a search has it; None: it is none of a search's, and keeps its default."""
    name, default = parameter.name, parameter.default
    if not _NAME.fullmatch(name):
        if default is not parameter.empty and not given:
            return None
        raise TypeError(
            f"strategy {strategy}: parameter {name}: a name is a letter of ASCII or _, then letters, digits "
            "or _, at most 31"
        )
    kind, words = _kind(strategy, name, hint, default, given)
    if kind is None:
        return None
    taken = Parameter(name, kind, default, words)
    if default is not parameter.empty:
        try:
            taken.text_of(default)
        except (TypeError, ValueError):
            if not given:
                return None  # such as None: it keeps its default
            taken = Parameter(name, kind, parameter.empty, words)
    return taken


def _kind(
    strategy: str, name: str, hint: Any, default: Any, given: list[Any]
) -> tuple[str | None, tuple[tuple[str, Any], ...]]:
    if typing.get_origin(hint) is typing.Literal:
        return "word", _words(strategy, name, typing.get_args(hint))
    if isinstance(hint, str):
        hint = {"int": int, "float": float, "bool": bool, "str": str}.get(hint, hint)
    if hint is inspect.Parameter.empty or hint not in (int, float, bool, str):
        hint = type(default) if type(default) in (int, float, bool, str) else None
        annotated = False
    else:
        annotated = True
    if hint is bool or (hint is None and given and all(type(v) is bool for v in given)):
        return "word", (("false", False), ("true", True))
    if hint is str or any(isinstance(v, str) for v in given):
        values = [
            v
            for v in ([default] if isinstance(default, str) else []) + given
            if v is not inspect.Parameter.empty
        ]
        return ("word", _words(strategy, name, values)) if values else (None, ())
    if hint is int and not annotated and any(_is_fraction(v) for v in given):
        return "number", ()  # a default of 2 does not keep 2.5 out
    if hint in (int, float):
        return hint.__name__, ()
    if default is inspect.Parameter.empty or given:
        return "number", ()
    return None, ()


def _is_fraction(value: Any) -> bool:
    try:
        return not isinstance(value, str) and float(value) != math.floor(value)
    except (TypeError, ValueError, OverflowError):
        return False  # what is no number, or not finite, is refused with the parameter's name


def _words(strategy: str, name: str, values: Iterable[Any]) -> tuple[tuple[str, Any], ...]:
    words: dict[str, Any] = {}
    for value in values:
        if not isinstance(value, str) or not _WORD.fullmatch(value):
            raise TypeError(
                f"strategy {strategy}: parameter {name}: {value!r} is not a word: a letter of ASCII or _, "
                "then letters, digits, _, . or -, at most 31"
            )
        words.setdefault(str.__str__(value), value)
    return tuple(words.items())


def _file_of(thing: Any) -> str:
    code = getattr(inspect.unwrap(thing), "__code__", None)
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    path = code.co_filename if code is not None else getattr(module, "__file__", None)
    base = os.path.basename(path or "")
    if not base.endswith(".py"):
        return "notebook.py" if "ipykernel" in (path or "") else "python.py"
    return base


# Files ------------------------------------------------------------------------------------------------------


def names_file(name: str) -> bool:
    """Whether a strategy's name is that of a Python file: FILE.py, FILE.py:NAME."""
    return bool(re.search(r"\.py(:[^/]*)?$", name))


_loading: list[str] = []


def is_loading() -> str | None:
    """The file that is being read for its strategies; None: none is."""
    return _loading[-1] if _loading else None


_loaded: dict[str, types.ModuleType] = {}


def load_file(path: str) -> types.ModuleType:
    """Run a file of strategies as a module. Its folder is where it imports from first.

    Raises:
        FileNotFoundError: there is no such file.
        Exception: whatever the file raises.
    """
    path = os.path.abspath(path)
    if path in _loaded:
        return _loaded[path]
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path}: there is no such file")
    folder, stem = os.path.split(path)[0], os.path.splitext(os.path.basename(path))[0]
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = stem if stem.isidentifier() and stem not in sys.modules else f"_bundlepool_{len(_loaded)}_{stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _loading.append(path)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _loading.pop()
    _loaded[path] = module
    return module


def _is_candidate(module: types.ModuleType, name: str, thing: Any) -> bool:
    """Whether a file offers it as a strategy, without being asked for it by name."""
    if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
        return False
    if inspect.isclass(thing):
        return callable(getattr(thing, "decide", None))
    if not inspect.isfunction(thing):
        return False
    first = next(iter(inspect.signature(thing).parameters.values()), None)
    return first is not None and (first.name in ("m", "market") or "Market" in str(first.annotation))


def find(name: str) -> tuple[list[Any], int | None]:
    """Strategies by FILE.py or FILE.py:NAME.

    Returns:
        What the file has; which of it is meant, None: it has several, and none was named.

    Raises:
        LookupError: there is none, or none of that name; the text lists those that there are.
    """
    path, _, wanted = name.partition(".py:") if ".py:" in name else (name[:-3], "", "")
    path += ".py"
    module = load_file(path)
    things = {key: thing for key, thing in vars(module).items() if _is_candidate(module, key, thing)}
    if wanted and wanted not in things:  # perhaps as lists have it
        wanted = next((key for key, thing in things.items() if plain_name(thing) == wanted), wanted)
    if wanted and wanted not in things:
        if callable(getattr(module, wanted, None)):
            return [getattr(module, wanted)], 0
        there = ", ".join(things) or "none"
        raise LookupError(f"{path}: there is no strategy {wanted!r}; it has {there}")
    if not things:
        raise LookupError(
            f"{path}: there is no strategy in it; write def rule(m, ...), or a class with a method "
            "decide(self, view, orders)"
        )
    names = list(things)
    return list(things.values()), names.index(wanted) if wanted else 0 if len(names) == 1 else None


def resolve(
    name: str, given: Mapping[str, list[str]] | None = None, needed: bool = False
) -> tuple[list[dict[str, Any]], int | None]:
    """What the optimizer's option --strategy means by the name of a Python file: for the C part.

    Args:
        name: FILE.py or FILE.py:NAME.
        given: parameters that options name, with the words that they may be.
        needed: whether parameters without a default have to be among them.

    Raises:
        LookupError: there is no such file, or no such strategy in it.
        ValueError: the file cannot be run, or a parameter is missing.
    """
    try:
        things, which = find(name)
        strategies = [strategy_of(thing, given) for thing in things]
    except (LookupError, FileNotFoundError) as error:
        raise LookupError(str(error.args[0] if error.args else error)) from None
    except SystemExit as error:
        raise ValueError(
            f"{name}: it calls sys.exit({error.code!r}) when it is imported; put what it does behind "
            "if __name__ == '__main__'"
        ) from None
    except KeyboardInterrupt as error:
        raise ValueError(f"{name}: interrupted while it was imported") from error
    except BaseException as error:
        if launch.is_first():  # a message of the C part has no room for it
            print(clean_lines(_traceback_of(error)), file=sys.stderr, flush=True)
        raise ValueError(f"{name}: {_first_line(error, 300)}") from None
    for parameter in strategies[which].parameters if needed and which is not None else ():
        if parameter.is_required and parameter.name not in (given or {}):
            raise ValueError(
                f"--param {parameter.name}=VALUES is missing: {parameter.name} of {name} has no default"
            )
    return [strategy.description() for strategy in strategies], which


# Failures ---------------------------------------------------------------------------------------------------


def failure_text(error: BaseException) -> str:
    """An exception of a strategy as a text: what and where in its first line, the traceback behind it.

    At most 1900 bytes; of a long traceback the beginning and the end are kept.
    """
    text = _first_line(error, 600)
    lines = _traceback_of(error)
    if not lines:
        return text
    if error.__cause__ is not None:
        lines = f"caused by {failure_text(error.__cause__).partition(chr(10))[0]}\n" + lines
    room = _MAX_TEXT - len(text.encode("utf-8", "replace")) - 40
    return text + "\n" + _cut_lines(lines, max(room, 200))


def _frames_of(error: BaseException) -> list[traceback.FrameSummary]:
    """Where it came from, without this package and what imports files."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not os.path.abspath(frame.filename).startswith(_PACKAGE)
        and not frame.filename.startswith("<frozen importlib")
    ]


def _first_line(error: BaseException, size: int) -> str:
    frames = _frames_of(error)
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else ("", 0)
    message = str(error)
    if isinstance(error, SyntaxError) and error.filename:  # it is where the text is, and in no frame
        file, line, message = error.filename, error.lineno, error.msg
    where = f" ({os.path.basename(file)}:{line})" if file else ""
    message = " ".join(message.split())
    hint = ": the strategy calls sys.exit()" if isinstance(error, SystemExit) else ""
    return _cut(f"{type(error).__name__}{hint}{': ' + message if message else ''}", size) + where


def _traceback_of(error: BaseException) -> str:
    """As Python prints it; "": there is nothing but its first line."""
    frames = _frames_of(error)
    if not frames and not isinstance(error, SyntaxError):
        return ""
    lines = traceback.format_list(frames) + traceback.format_exception_only(type(error), error)
    return "Traceback (most recent call last):\n" + "".join(lines).rstrip()


def _cut(text: str, size: int) -> str:
    """At most so many bytes: without its middle, if it is longer."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= size:
        return data.decode("utf-8")
    half = (size - 7) // 2
    return data[:half].decode("utf-8", "ignore") + " [...] " + data[-half:].decode("utf-8", "ignore")


def _cut_lines(text: str, size: int) -> str:
    """The same of lines: those in the middle are left out as a whole, and what one is too long by."""
    lines = [_cut(line, size // 4) for line in text.split("\n")]
    sizes = [len(line.encode()) + 1 for line in lines]
    if sum(sizes) <= size:
        return "\n".join(lines)
    first, last = 0, len(lines)
    used = len("[...]") + 1
    while first < last:
        at = first if first <= len(lines) - last else last - 1  # in turns from the beginning and the end
        used += sizes[at]
        if used > size:
            break
        first, last = (first + 1, last) if at == first else (first, last - 1)
    return "\n".join([*lines[:first], "[...]", *lines[last:]])
