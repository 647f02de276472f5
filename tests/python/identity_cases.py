"""Strategies, each with an edit that makes another one of it: files, and (file, what it was, what it is).

The strategy is `rule` in s.py.
"""

from __future__ import annotations

USE = "def rule(m, x=1): return m.close > m.sma({})\n"


def one(text: str, was: str, now: str) -> tuple[dict[str, str], tuple[str, str, str]]:
    return {"s.py": text}, ("s.py", was, now)


def value(how: str, use: str, was: str, now: str) -> tuple[dict[str, str], tuple[str, str, str]]:
    """A global D that the rule uses."""
    return one(how + "\n" + USE.format(use), was, now)


CASES = {
    # classes
    "class attribute from a global": one(
        "N = 20\nclass R:\n    k = N\n    def __init__(self, x: int = 1): pass\n"
        "    def decide(self, view, orders):\n"
        "        if view.t == self.k: orders.order_percent(0, 0.5)\nrule = R\n",
        "N = 20",
        "N = 60",
    ),
    "set after the class": value("class C: n = 20\nC.n = 30", "C.n", "C.n = 30", "C.n = 60"),
    "setattr": value("class C: pass\nfor n in 'pq': setattr(C, n, 20)", "C.p", "20", "60"),
    "method set later": value("class C: pass\nC.f = lambda self: 20", "C().f()", "20", "60"),
    "inherited attribute": value("N = 20\nclass A: k = N\nclass C(A): pass", "C.k", "N = 20", "N = 60"),
    "inherited method": value(
        "class A:\n    def k(self): return 20\nclass C(A): pass", "C().k()", "20", "60"
    ),
    "another base": value(
        "class A: k = 20\nclass B: k = 60\nX = A\nclass C(X): pass", "C.k", "X = A", "X = B"
    ),
    "nested class": value("N = 20\nclass C:\n    class D: k = N", "C.D.k", "N = 20", "N = 60"),
    "metaclass": value(
        "class M(type):\n    @property\n    def k(cls): return 20\nclass C(metaclass=M): pass",
        "C.k",
        "20",
        "60",
    ),
    "property": value("class C:\n    @property\n    def k(self): return 20", "C().k", "20", "60"),
    "classmethod": value("class C:\n    @classmethod\n    def k(cls): return 20", "C.k()", "20", "60"),
    "cached_property": value(
        "import functools\nclass C:\n    @functools.cached_property\n    def k(self): return 20",
        "C().k",
        "20",
        "60",
    ),
    "cached method": value(
        "import functools\nclass C:\n    @functools.lru_cache\n    def k(self): return 20",
        "C().k()",
        "20",
        "60",
    ),
    "descriptor": value(
        "class D:\n    def __init__(self, k): self.k = k\n    def __get__(self, *a): return self.k\n"
        "class C: k = D(20)",
        "C().k",
        "D(20)",
        "D(60)",
    ),
    "local class": value(
        "def make(n):\n    class C:\n        k = n\n    return C\nD = make(20)", "D.k", "(20)", "(60)"
    ),
    "dataclass default": value(
        "from dataclasses import dataclass\nN = 20\n@dataclass\nclass B:\n    k: int = N",
        "B().k",
        "N = 20",
        "N = 60",
    ),
    "default factory": value(
        "from dataclasses import dataclass, field\nN = 20\n@dataclass(slots=True)\nclass B:\n"
        "    k: list = field(default_factory=lambda: [N])",
        "B().k[0]",
        "N = 20",
        "N = 60",
    ),
    "namedtuple default": value(
        "from collections import namedtuple\nN = 20\nB = namedtuple('B', 'k', defaults=[N])",
        "B().k",
        "N = 20",
        "N = 60",
    ),
    "enum": value("import enum\nN = 20\nclass E(enum.Enum): A = N", "E.A.value", "N = 20", "N = 60"),
    "enum method": value(
        "import enum\nclass E(enum.Enum):\n    A = 1\n    def k(self): return 20", "E.A.k()", "20", "60"
    ),
    # functions
    "function attribute": one(USE.format("rule.k") + "rule.k = 20\n", "k = 20", "k = 60"),
    "helper's attribute": value("def g(): return g.k\ng.k = 20", "g()", "20", "60"),
    "default": one("def rule(m, x=1, *, cfg=(20,)): return m.close > m.sma(cfg[0])\n", "20", "60"),
    "default of a helper": value("def g(k=20): return k", "g()", "20", "60"),
    "closure of a closure": value(
        "def a(n):\n    def b():\n        def c(): return n\n        return c\n    return b()\n" "D = a(20)",
        "D()",
        "(20)",
        "(60)",
    ),
    "two of one closure": value(
        "def a(n): return lambda: n\nD, E = a(20), a(60)", "D() + 2 * E()", "a(20), a(60)", "a(60), a(20)"
    ),
    "names exchanged": (
        {
            "s.py": "from b import f as g, g as f\n" + USE.format("f() + 2 * g()"),
            "b.py": "def f(): return 20\ndef g(): return 60\n",
        },
        ("s.py", "f as g, g as f", "f, g"),
    ),
    "library's function": value("from math import floor as f", "f(2.5)", "floor", "ceil"),
    "wrapped": one(
        "import functools\nK = 20\ndef deco(k):\n    def d(f):\n        @functools.wraps(f)\n"
        "        def w(m, x=1): return f(m, k)\n        return w\n    return d\n@deco(K)\n" + USE.format("x"),
        "K = 20",
        "K = 60",
    ),
    "what is wrapped": one(
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def w(m, x=1): return f(m, x)\n"
        "    return w\n@d\n" + USE.format("20"),
        "20",
        "60",
    ),
    "wraps a library's": value(
        "import functools, math\nN = 20\n@functools.wraps(math.floor)\ndef g(x): return N",
        "g(1)",
        "N = 20",
        "N = 60",
    ),
    "wrapped by a library": value(
        "import contextlib\n@contextlib.contextmanager\ndef g(): yield 20", "g()", "20", "60"
    ),
    "lru_cache": value("import functools\n@functools.lru_cache\ndef g(): return 20", "g()", "20", "60"),
    "singledispatch": value(
        "import functools\n@functools.singledispatch\ndef g(x): return 1\n@g.register\n"
        "def _(x: int): return 20",
        "g(1)",
        "20",
        "60",
    ),
    "partial's function": value(
        "import functools\ndef g(a, b): return a + b\nD = functools.partial(g, 1)", "D(0)", "a + b", "a - b"
    ),
    "partial's argument": value(
        "import functools\ndef g(a, b): return a + b\nD = functools.partial(g, 20)", "D(0)", "20", "60"
    ),
    "bound method": value(
        "class C:\n    def __init__(self, k): self.k = k\n    def f(self): return self.k\nD = C(20).f",
        "D()",
        "20",
        "60",
    ),
    "callable object": value(
        "class C:\n    def __init__(self, k): self.k = k\n    def __call__(self): return self.k\n"
        "D = C(20)",
        "D()",
        "20",
        "60",
    ),
    "built-in method": value("D = {'a': 20}.get", "D('a')", "20", "60"),
    "lambda in a table": value("D = {'a': lambda: 20}", "D['a']()", "20", "60"),
    "annotation": one("T = int\ndef rule(m, x: T = 1): return m.close > m.sma(x)\n", "T = int", "T = float"),
    "annotation as a text": one(
        "from __future__ import annotations\nT = int\n" "def rule(m, x: T = 1): return m.close > m.sma(x)\n",
        "T = int",
        "T = float",
    ),
    "the one that is defined": value(
        "K = 20\nif K == 20:\n    def g(): return 20\nelse:\n    def g(): return 60",
        "g()",
        "K = 20",
        "K = 60",
    ),
    "added to a library": value("import math\nmath.twenty = lambda: 20", "math.twenty()", "20", "60"),
    "added to the builtins": value("import builtins\nbuiltins.twenty = lambda: 20", "twenty()", "20", "60"),
    "words of an annotation": one(
        "from typing import Literal\nT = Literal['a', 'b']\ndef rule(m, x: T = 'a'): return m.close > 1\n",
        "'b'",
        "'c'",
    ),
    # modules
    "import in the rule": (
        {
            "s.py": "def rule(m, x=1):\n    import a\n    return m.close > m.sma(a.f())\n",
            "a.py": "from b import K\ndef f(): return K\n",
            "b.py": "K = 20\n",
        },
        ("b.py", "20", "60"),
    ),
    "from import in the rule": (
        {
            "s.py": "def rule(m, x=1):\n    from pk import sub\n    return m.close > m.sma(sub.K)\n",
            "pk/__init__.py": "",
            "pk/sub.py": "from .deep import K\n",
            "pk/deep.py": "K = 20\n",
        },
        ("pk/deep.py", "20", "60"),
    ),
    "relative import in a helper": (
        {
            "s.py": "import pk.sub\n" + USE.format("pk.sub.f()"),
            "pk/__init__.py": "",
            "pk/sub.py": "def f():\n    from .deep import K\n    return K\n",
            "pk/deep.py": "K = 20\n",
        },
        ("pk/deep.py", "20", "60"),
    ),
    "import by a text": (
        {"s.py": "import importlib\n" + USE.format("importlib.import_module('a').K"), "a.py": "K = 20\n"},
        ("a.py", "20", "60"),
    ),
    "module by name": (
        {
            "s.py": "import a\n" + USE.format("a.f()"),
            "a.py": "import b\ndef f(): return b.K\n",
            "b.py": "K = 20\n",
        },
        ("b.py", "20", "60"),
    ),
    "module as a whole": (
        {
            "s.py": "import a\n" + USE.format("getattr(a, 'f')()"),
            "a.py": "from b import K\ndef f(): return K\n",
            "b.py": "K = 20\n",
        },
        ("b.py", "20", "60"),
    ),
    "module's value set": (
        {"s.py": "import a\na.K = 30\n" + USE.format("getattr(a, 'K')"), "a.py": "K = 20\n"},
        ("s.py", "30", "60"),
    ),
    "module in a value": (
        {
            "s.py": "import a\nD = [a]\n" + USE.format("D[0].f()"),
            "a.py": "import b\nf = b.f\n",
            "b.py": "def f(): return 20\n",
        },
        ("b.py", "20", "60"),
    ),
    "package": (
        {
            "s.py": "import pk.sub\n" + USE.format("pk.sub.f()"),
            "pk/__init__.py": "",
            "pk/sub.py": "from .deep import K\ndef f(): return K\n",
            "pk/deep.py": "K = 20\n",
        },
        ("pk/deep.py", "20", "60"),
    ),
    "package without __init__": (
        {"s.py": "import pk.sub\n" + USE.format("pk.sub.f()"), "pk/sub.py": "def f(): return 20\n"},
        ("pk/sub.py", "20", "60"),
    ),
    "nested attribute": (
        {"s.py": "import b\n" + USE.format("b.C.k"), "b.py": "N = 20\nclass C: k = N\n"},
        ("b.py", "20", "60"),
    ),
    "star": ({"s.py": "from b import *\n" + USE.format("K"), "b.py": "K = 20\n"}, ("b.py", "20", "60")),
    "eval": one("K = 20\n" + USE.format("eval('K')"), "K = 20", "K = 60"),
    "globals": one("K = 20\n" + USE.format("globals()['K']"), "K = 20", "K = 60"),
    # values
    "slots": value(
        "from dataclasses import dataclass\n@dataclass(slots=True)\nclass C:\n    n: int\nD = C(20)",
        "D.n",
        "20",
        "60",
    ),
    "private slot": value(
        "class C:\n    __slots__ = '__n'\n    def __init__(self, n): self.__n = n\n"
        "    def n(self): return self.__n\nD = C(20)",
        "D.n()",
        "20",
        "60",
    ),
    "of a dict": value("class C(dict): pass\nD = C(k=20)", "D['k']", "20", "60"),
    "of an int": value("class C(int): pass\nD = C(20)", "D", "20", "60"),
    "of a deque": value(
        "from collections import deque\nclass C(deque): pass\nD = C([20])", "D[0]", "20", "60"
    ),
    "instance's method": value("class C:\n    def k(self): return 20\nD = [C()]", "D[0].k()", "20", "60"),
    "its own __reduce__": value(
        "class C:\n    def __init__(self, k): self.k = k\n    def __reduce__(self): return (C, (1,))\n"
        "D = C(20)",
        "D.k",
        "20",
        "60",
    ),
    "range": value("D = range(20, 99)", "D[0]", "20", "60"),
    "slice": value("D = slice(20, 99)", "D.start", "20", "60"),
    "deque": value("from collections import deque\nD = deque([20])", "D[0]", "20", "60"),
    "array": value("from array import array\nD = array('i', [20])", "D[0]", "20", "60"),
    "memoryview": value("D = memoryview(b'20')", "D[0]", "20", "60"),
    "namespace": value("from types import SimpleNamespace as S\nD = S(k=20)", "D.k", "20", "60"),
    "mappingproxy": value("from types import MappingProxyType as S\nD = S({'k': 20})", "D['k']", "20", "60"),
    "defaultdict": value(
        "from collections import defaultdict\nD = defaultdict(lambda: 20)", "D.default_factory()", "20", "60"
    ),
    "order of a dict": value(
        "D = {'a': 20, 'b': 60}", "next(iter(D.values()))", "'a': 20, 'b': 60", "'b': 60, 'a': 20"
    ),
    "frozenset": value("D = frozenset(['a', 'b', 'c', 20])", "max(map(str, D))", "20", "60"),
    "itemgetter": value("from operator import itemgetter\nD = itemgetter(20)", "D(range(99))", "20", "60"),
    "iterator": value("D = iter([20])", "next(D)", "20", "60"),
    "decimal": value("from decimal import Decimal\nD = Decimal('20')", "int(D)", "20", "60"),
    "date": value("import datetime\nD = datetime.date(2020, 1, 20)", "D.day", "1, 20", "1, 21"),
    "path": value("import pathlib\nD = pathlib.Path('/x/20')", "int(D.name)", "20", "60"),
    "pattern": value("import re\nD = re.compile('20')", "int(D.pattern)", "20", "60"),
    "random": value("import random\nD = random.Random(20)", "D.random()", "20", "60"),
    "deep": value("D = 20\nfor _ in range(60): D = [D]", "str(D)", "= 20", "= 60"),
    "array of NumPy": value("import numpy as np\nD = np.arange(20.0)", "D[-1]", "20", "60"),
    "array of objects": value("import numpy as np\nD = np.array([20, {'a'}], object)", "D[0]", "20", "60"),
    "masked array": value(
        "import numpy as np\nD = np.ma.array([1, 2], mask=[0, 1])", "D.sum()", "0, 1", "1, 0"
    ),
    "dtype": value("import numpy as np\nD = np.dtype('f4')", "D.itemsize", "f4", "f8"),
    "scalar of NumPy": value("import numpy as np\nD = np.float32(20)", "D", "20", "60"),
    "poly1d": value("import numpy as np\nD = np.poly1d([20])", "D(0)", "20", "60"),
    "vectorize": value(
        "import numpy as np\ndef g(v): return v + 20\nD = np.vectorize(g)", "D(0)", "20", "60"
    ),
    "generator of NumPy": value(
        "import numpy as np\nD = np.random.default_rng(20)", "D.random()", "20", "60"
    ),
    # docstrings that are read
    "docstring of a class": value("class A:\n    '20'", "int(A.__doc__)", "'20'", "'60'"),
    "docstring of the rule": one(
        "def rule(m, x=1):\n    '20'\n    return m.close > m.sma(int(rule.__doc__))\n", "20", "60"
    ),
    "docstring of the file": one("'20'\n" + USE.format("int(__doc__)"), "20", "60"),
    "docstring by inspect": value("import inspect\ndef g():\n    '20'", "int(inspect.getdoc(g))", "20", "60"),
    "docstring set": value("def g(): pass\ng.__doc__ = '20'", "int(g.__doc__)", "20", "60"),
}

PANDAS = {
    "frame": value(
        "import pandas as pd\nD = pd.DataFrame({'a': [1], 'b': ['20']})", "int(D.b[0])", "20", "60"
    ),
    "frame's columns": value(
        "import pandas as pd\nD = pd.DataFrame({'a': [1], 'b': [20]})", "D.b[0]", "'b'", "'c'"
    ),
    "series' index": value("import pandas as pd\nD = pd.Series([1.0], index=[20])", "D.index[0]", "20", "60"),
    "series' categories": value(
        "import pandas as pd\nD = pd.Series(['a'], dtype=pd.CategoricalDtype(['a', 'b']))",
        "D.cat.categories[1]",
        "'b'",
        "'c'",
    ),
    "offset": value("import pandas as pd\nD = pd.offsets.BDay(20)", "D.n", "20", "60"),
    "timestamp": value("import pandas as pd\nD = pd.Timestamp('2020-01-20')", "D.day", "-20", "-21"),
    "index": value(
        "import pandas as pd\nD = pd.date_range('2020-01-20', periods=3, tz='UTC')", "D[0].day", "-20", "-21"
    ),
}
