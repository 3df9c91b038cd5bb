"""Broken Python programs."""

# ruff: noqa: E501  # programs are quoted as they are
from case import Case

MIXED = """\
import pytest
from shop import price, stock


@pytest.mark.parametrize("count", [1, 10])
def test_price(count):
    assert price(count) == count * 3


def test_fine():
    pass


class TestStock:
    def test_missing(self):
        assert stock()["pears"] == 2

    def test_text(self):
        assert "one\\ntwo\\nthree" == "one\\n2\\nthree"


@pytest.fixture
def ledger():
    raise RuntimeError("no ledger")


def test_ledger(ledger):
    pass


@pytest.mark.skip(reason="later")
def test_later():
    assert False
"""
SHOP = """\
def price(count):
    return count * 2


def stock():
    return {"apples": 1}
"""
SHOP_FILES = {"test_shop.py": MIXED, "shop.py": SHOP}


def tested(name: str, options: str, files: dict[str, str], failure: str = "test", **more: object) -> Case:
    report = f"python -m pytest -p no:cacheprovider {options} --junitxml=$REPORT -o junit_family=xunit1"
    run = f"python -m pytest -p no:cacheprovider {options}".strip()
    return Case(f"pytest/{name}", run, failure, files, report=report, format="junit-pytest", **more)  # pyright: ignore


def many(count: int) -> str:
    return "\n".join(f"def test_{n}():\n    assert {n} % 3 == 1, 'number {n}'\n" for n in range(count))


PYTEST = [
    *(
        tested(name, options, SHOP_FILES)
        for name, options in {
            "plain": "",
            "quiet": "-q",
            "verbose": "-v",
            "very-verbose": "-vv",
            "short": "--tb=short",
            "line": "--tb=line",
            "native": "--tb=native",
            "no-traceback": "--tb=no",
            "first-only": "-x",
            "coloured": "--color=yes",
            "all-results": "-rA",
            "no-summary": "-rN",
            "locals": "--showlocals --tb=long",
            "parallel": "-n 2",
            "parallel-verbose": "-n 2 -v",
            "no-header": "--no-header -q --tb=short",
            "durations": "--durations=3",
        }.items()
    ),
    tested("import-missing", "", {"test_a.py": "import nothing_here\n\ndef test_a(): pass\n"}, "dependency"),
    tested("import-own", "", {"test_a.py": "from shop import cost\n\ndef test_a(): pass\n", "shop.py": SHOP}, "test"),
    tested("syntax", "", {"test_a.py": "def test_a(:\n    pass\n", "test_b.py": "def test_b(): pass\n"}, "build"),
    tested(
        "subfolder",
        "tests",
        {"tests/unit/test_deep.py": "def test_deep():\n    total = sum([1, 2])\n    assert total == 4\n"},
    ),
    tested("many", "-q", {"test_many.py": many(60)}),
    tested("many-short", "--tb=short", {"test_many.py": many(40), "test_more.py": many(10)}),
    tested(
        "unittest-style",
        "",
        {
            "test_u.py": "import unittest\nclass T(unittest.TestCase):\n    def test_sum(self):\n        self.assertEqual(sum([1, 2]), 4)\n"
        },
    ),
    tested(
        "nested-error",
        "",
        {
            "test_a.py": "def inner():\n    return {}['x']\n\ndef middle():\n    try:\n        inner()\n    except KeyError as error:\n        raise ValueError('bad input') from error\n\ndef test_chain():\n    middle()\n"
        },
    ),
    tested(
        "teardown",
        "",
        {
            "test_a.py": "import pytest\n@pytest.fixture\ndef f():\n    yield\n    raise OSError('cannot close')\ndef test_a(f): pass\n"
        },
    ),
    tested(
        "strange-ids",
        "",
        {
            "test_a.py": "import pytest\n@pytest.mark.parametrize('x', ['a - b', 'with space', 'ünï'])\ndef test_p(x):\n    assert x == 'q'\n"
        },
    ),
    tested(
        "captured",
        "",
        {
            "test_a.py": "import sys, logging\ndef test_a():\n    print('error: this is only printed')\n    sys.stderr.write('fatal: printed too\\n')\n    logging.error('logged')\n    assert len('abc') == 4\n"
        },
    ),
    tested(
        "warnings",
        "",
        {
            "test_a.py": "import warnings\ndef test_a():\n    warnings.warn('old way', DeprecationWarning)\n    assert [1] == [2]\n"
        },
    ),
    tested(
        "doctest",
        "--doctest-modules",
        {"shop.py": 'def double(x):\n    """\n    >>> double(2)\n    4\n    """\n    return x + 1\n'},
    ),
    tested(
        "network",
        "",
        {"test_a.py": "import socket\ndef test_a():\n    socket.create_connection(('127.0.0.1', 1))\n"},
        "network",
    ),
    tested("timeout", "--timeout=1", {"test_a.py": "import time\ndef test_slow():\n    time.sleep(5)\n"}, "test"),
    tested("long-lines", "", {"test_a.py": "def test_a():\n    assert 'x' * 3000 == 'y' * 3000\n"}),
    Case(
        "pytest/conftest",
        "python -m pytest -p no:cacheprovider",
        "dependency",
        {"conftest.py": "import nothing_here\n", "test_a.py": "def test_a(): pass\n"},
        first="ModuleNotFoundError: No module named 'nothing_here'",
    ),
    Case(
        "pytest/usage",
        "python -m pytest --no-such-option",
        "unknown",
        {},
        first="unrecognized arguments: --no-such-option",
    ),
    Case(
        "pytest/no-file",
        "python -m pytest -p no:cacheprovider test_nowhere.py",
        "environment",
        {},
        first="file or directory not found: test_nowhere.py",
    ),
    Case(
        "pytest/coverage-plugin-missing",
        "python -m pytest --cov=shop",
        "unknown",
        SHOP_FILES,
        first="unrecognized arguments: --cov=shop",
    ),
]

CASES = """\
import unittest


class Sums(unittest.TestCase):
    def test_two(self):
        self.assertEqual(1 + 1, 3)

    def test_error(self):
        {}["missing"]

    def test_each(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertLess(n, 1)

    def test_fine(self):
        pass

    @unittest.skip("later")
    def test_later(self):
        pass
"""
RUN_JUNIT = """\
import sys, unittest, json
result = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:]).run(result)
failed = sorted({test.id().split(" ")[0] for test, _ in [*result.failures, *result.errors]} | {getattr(test, "test_case", test).id() for test, _ in [*result.failures, *result.errors]})
json.dump({"failing": [id for id in failed if "_FailedTest" not in id], "run": result.testsRun}, open(sys.argv[1], "w"))
"""


def unit(name: str, options: str, text: str, failure: str = "test", **more: object) -> Case:
    files = {"test_u.py": text, ".report.py": RUN_JUNIT}
    report = "python .report.py $REPORT test_u"
    return Case(
        f"unittest/{name}",
        f"python -m unittest {options} test_u".replace("  ", " "),
        failure,
        files,
        report=report,
        format="unittest",
        **more,
    )  # pyright: ignore


UNITTEST = [
    unit("plain", "", CASES),
    unit("verbose", "-v", CASES),
    unit("quiet", "-q", CASES),
    unit("buffered", "-b", CASES),
    unit(
        "first-only",
        "-f",
        "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): self.assertTrue(0, 'no')\n",
    ),
    unit(
        "set-up-class",
        "",
        "import unittest\nclass A(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): raise OSError('no fixture')\n    def test_a(self): pass\n",
    ),
    unit("import-missing", "", "import nothing_here\n", "dependency"),
    unit(
        "own-raise",
        "-v",
        "import unittest\ndef helper(x):\n    raise ValueError(f'cannot use {x}')\nclass A(unittest.TestCase):\n    def test_a(self): helper(3)\n",
    ),
]

TOX = [
    Case(
        "tox/failing",
        "tox -q",
        "test",
        {
            "tox.ini": "[tox]\nskipsdist=true\n[testenv]\nallowlist_externals=python3\ncommands=python3 -m unittest -v test_u\n",
            "test_u.py": CASES,
        },
        first="FAIL: test_two",
    ),
    Case(
        "tox/command-missing",
        "tox",
        "tool missing",
        {"tox.ini": "[tox]\nskipsdist=true\n[testenv]\ncommands=no-such-program --all\n"},
        first="no-such-program",
    ),
    Case(
        "tox/not-allowed",
        "tox",
        "environment",
        {"tox.ini": "[tox]\nskipsdist=true\n[testenv]\ncommands=ls\n"},
        first="ls is not allowed",
    ),
    Case(
        "tox/dependency",
        "tox",
        "dependency",
        {
            "tox.ini": "[tox]\nskipsdist=true\n[testenv]\ndeps=no-such-package-of-this-name\nset_env=\n  PIP_NO_INDEX=1\ncommands=python -V\n"
        },
        first="No matching distribution found",
        variables={"PIP_NO_INDEX": "1"},
    ),
]

TYPED = {
    "app/model.py": "from typing import Optional\n\n\ndef name(n: int) -> str:\n    return n\n\n\ndef first(x: Optional[str]) -> str:\n    return x.upper()\n",
    "app/main.py": "from app.model import name, nothing\n\nname('x')\nvalue: int = name(1)\nundefined_thing\n",
    "app/__init__.py": "",
}


def mypy(name: str, options: str, files: dict[str, str], failure: str = "type", **more: object) -> Case:
    return Case(
        f"mypy/{name}",
        f"mypy {options}",
        failure,
        files,
        report=f"mypy {options} --no-pretty --output=json > $REPORT",
        format="mypy",
        **more,
    )  # pyright: ignore


MYPY = [
    mypy("plain", "app", TYPED),
    mypy("columns", "--show-column-numbers app", TYPED),
    mypy("pretty", "--pretty app", TYPED),
    mypy("absolute", "--show-absolute-path --show-column-numbers --show-error-end app", TYPED),
    mypy("strict", "--strict app", TYPED | {"app/loose.py": "def f(x):\n    return x\n"}),
    mypy("syntax", "app", {"app/a.py": "def f(:\n    pass\n"}, "build"),
    mypy("import-missing", "app", {"app/a.py": "import nothing_here\nimport yaml\n"}, "type"),
    mypy(
        "notes",
        "app",
        {"app/a.py": "from typing import overload\ndef f(x: int) -> None: ...\nf('a')\nreveal_type(f)\n"},
    ),
]


def pyright(name: str, files: dict[str, str], failure: str = "type", options: str = "app") -> Case:
    return Case(
        f"pyright/{name}",
        f"pyright {options}",
        failure,
        files,
        report=f"pyright --outputjson {options} > $REPORT",
        format="pyright",
        variables={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "XDG_CACHE_HOME": "/tmp/corpus-cache"},
    )


PYRIGHT = [
    pyright("plain", TYPED),
    pyright("strict", TYPED | {"pyrightconfig.json": '{"typeCheckingMode": "strict"}'}),
    pyright("syntax", {"app/a.py": "def f(:\n    pass\n"}),
    pyright("import-missing", {"app/a.py": "import nothing_here\nfrom app import gone\n", "app/__init__.py": ""}),
    pyright(
        "long-message",
        {
            "app/a.py": "from typing import Callable\ndef f(x: Callable[[int, str], dict[str, int]]) -> None: ...\nf(lambda a: {'a': 1})\nf({'x': 1})\n"
        },
    ),
]

LINTED = {
    "app/a.py": "import os\nimport sys\n\n\ndef f(l):\n    x = 1\n    if l == None:\n        return undefined\n    return f'nothing'\n",
    "app/b.py": "from app.a import *\n\ntry:\n    f(1)\nexcept:\n    pass\n",
}
RUFF = [
    *(
        Case(
            f"ruff/{name}",
            f"ruff check --no-cache --isolated {options} app".replace("  ", " "),
            "lint",
            LINTED,
            report="ruff check --no-cache --isolated --output-format=json app > $REPORT",
            format="ruff",
        )
        for name, options in {
            "full": "",
            "concise": "--output-format=concise",
            "grouped": "--output-format=grouped",
            "pylint": "--output-format=pylint",
            "statistics-not": "--output-format=full --no-fix",
        }.items()
    ),
    Case(
        "ruff/coloured",
        "FORCE_COLOR=1 ruff check --no-cache --isolated app",
        "lint",
        LINTED,
        report="ruff check --no-cache --isolated --output-format=json app > $REPORT",
        format="ruff",
    ),
    Case(
        "ruff/syntax",
        "ruff check --no-cache --isolated app",
        "build",
        {"app/a.py": "def f(:\n    pass\n"},
        report="ruff check --no-cache --isolated --output-format=json app > $REPORT",
        format="ruff",
    ),
    Case(
        "ruff/format",
        "ruff format --no-cache --isolated --check app",
        "lint",
        {"app/a.py": "x = { 'a':1 }\n"},
        first="File would be reformatted",
    ),
    Case(
        "ruff/config",
        "ruff check --no-cache app",
        "unknown",
        {"ruff.toml": "line-lenght = 3\n", "app/a.py": ""},
        first="TOML parse error at line 1, column 1",
    ),
    Case("flake8/plain", "flake8 app", "lint", LINTED, first="'os' imported but unused"),
]

DEEP = "def depth(n):\n    return depth(n + 1)\n\ndepth(0)\n"
PLAIN = [
    Case(
        "python/chained",
        "python main.py",
        "unknown",
        {
            "main.py": "def load():\n    return {}['port']\n\ndef start():\n    try:\n        load()\n    except KeyError as error:\n        raise RuntimeError('cannot start') from error\n\nstart()\n"
        },
        first="RuntimeError: cannot start",
    ),
    Case(
        "python/recursion",
        "python main.py",
        "unknown",
        {"main.py": DEEP},
        first="RecursionError: maximum recursion depth exceeded",
    ),
    Case(
        "python/group",
        "python main.py",
        "unknown",
        {"main.py": "raise ExceptionGroup('two', [ValueError('one'), TypeError('other')])\n"},
        first="ExceptionGroup: two (2 sub-exceptions)",
    ),
    Case(
        "python/syntax",
        "python main.py",
        "build",
        {"main.py": "total = (1 + 2\nprint(total)\n"},
        first="SyntaxError: '(' was never closed",
    ),
    Case(
        "python/indentation",
        "python main.py",
        "build",
        {"main.py": "def f():\nreturn 1\n"},
        first="IndentationError: expected an indented block",
    ),
    Case(
        "python/module-missing",
        "python main.py",
        "dependency",
        {"main.py": "from fancy_pack.core import thing\n"},
        first="ModuleNotFoundError: No module named 'fancy_pack'",
    ),
    Case(
        "python/file-missing",
        "python main.py",
        "environment",
        {"main.py": "open('data/input.csv')\n"},
        first="FileNotFoundError: [Errno 2] No such file or directory: 'data/input.csv'",
    ),
    Case(
        "python/permission",
        "python main.py",
        "permission",
        {"main.py": "raise PermissionError(13, 'Permission denied', '/etc/shadow')\n"},
        first="PermissionError: [Errno 13] Permission denied: '/etc/shadow'",
    ),
    Case(
        "python/refused",
        "python main.py",
        "network",
        {"main.py": "from urllib.request import urlopen\nurlopen('http://127.0.0.1:1/')\n"},
        first="Connection refused",
    ),
    Case(
        "python/name-resolution",
        "python main.py",
        "network",
        {"main.py": "import socket\nsocket.getaddrinfo('no-such-host.invalid', 80)\n"},
        first="socket.gaierror",
    ),
    Case("python/memory", "python main.py", "resource", {"main.py": "x = bytearray(1 << 60)\n"}, first="MemoryError"),
    Case(
        "python/disk",
        "python main.py",
        "resource",
        {"main.py": "with open('/dev/full', 'w') as f:\n    f.write('x' * 100000)\n"},
        first="No space left on device",
    ),
    Case(
        "python/thread",
        "python main.py; exit 1",
        "unknown",
        {
            "main.py": "import threading\ndef work():\n    raise ValueError('in a thread')\nt = threading.Thread(target=work)\nt.start(); t.join()\n"
        },
        first="ValueError: in a thread",
    ),
    Case(
        "python/environment-variable",
        "python main.py",
        "environment",
        {
            "main.py": "import os, sys\nif 'DATABASE_URL' not in os.environ:\n    sys.exit('error: the environment variable DATABASE_URL is not set')\n"
        },
        first="the environment variable DATABASE_URL is not set",
    ),
    Case(
        "python/interrupted",
        "timeout 1 python main.py",
        "timeout",
        {"main.py": "import time\nprint('working', flush=True)\ntime.sleep(9)\n"},
        first="working",
    ),
    Case(
        "python/progress",
        "python main.py",
        "unknown",
        {
            "main.py": "import sys\nfor n in range(101):\n    sys.stderr.write(f'\\rloading {n:3}% [{\"#\" * (n // 5):20}]')\nprint('\\nwarning: same\\n' * 50)\nraise ValueError('after the bar')\n"
        },
        first="ValueError: after the bar",
    ),
]

PYTHON = [*PYTEST, *UNITTEST, *TOX, *MYPY, *PYRIGHT, *RUFF, *PLAIN]
