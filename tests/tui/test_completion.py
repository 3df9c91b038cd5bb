"""Completion: the best paths first, from few letters, in large repositories."""

import pytest

from assent_tui.prompt.completion import Finder, Word, word_at

PATHS = (
    "README.md",
    "src/cart.py",
    "src/catalogue/list.py",
    "src/shopping_cart_view.py",
    "tests/test_cart.py",
    "x/Ünï.py",
)


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("cart", "src/cart.py"),
        ("test_c", "tests/test_cart.py"),
        ("cat", "src/catalogue/list.py"),
        ("scv", "src/shopping_cart_view.py"),
        ("READ", "README.md"),
        ("src/cart", "src/cart.py"),
        ("ünï", "x/Ünï.py"),
        ("list", "src/catalogue/list.py"),
    ],
)
def test_the_best_path_comes_first(wanted: str, first: str):
    assert Finder(PATHS).find(wanted)[0] == first


def test_what_is_nowhere_is_not_found_and_nothing_gives_the_top():
    assert Finder(PATHS).find("zzz") == ()
    assert Finder(PATHS).find("")[0] == "README.md"
    assert Finder(()).find("a") == ()


def test_letters_of_different_lines_are_no_match():
    assert Finder(("ab", "cd")).find("bc") == ()


@pytest.mark.parametrize("wanted", ["(", "[a", ".*", "\\", "^$", "+", "]", "-", "a^"])
def test_letters_that_mean_something_to_a_pattern_are_letters(wanted: str):
    assert Finder(("src/cart.py", f"odd/{wanted}x.py")).find(wanted) == (f"odd/{wanted}x.py",)


def test_a_name_that_cannot_be_typed_is_not_offered():
    assert Finder(("a\x1b[31m.py", "a\nb.py", 'a".py', "a\u202e.py", "ab.py")).find("a") == ("ab.py",)


def test_a_name_is_found_beside_folders_that_begin_so_among_a_hundred_thousand():
    paths = [f"cart{at % 300}/deep/file_{at}.py" for at in range(100_000)] + ["zz/cart.py"]
    finder = Finder(paths)
    assert len(finder) == 100_001
    assert finder.find("cart.py")[0] == "zz/cart.py"
    assert len(finder.find("cartpy")) == 8


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("@", Word("@", 0, "")),
        ("see @src/c", Word("@", 4, "src/c")),
        ('see @"my sh', None),
        ("mail me@x", None),
        ("/co", Word("/", 0, "/co")),
        ("/copy code", None),
        ("", None),
    ],
)
def test_the_word_at_the_cursor(row: str, word: Word | None):
    assert word_at(row, first=True) == word


def test_a_command_stands_only_at_the_beginning():
    assert word_at("/co", first=False) is None
