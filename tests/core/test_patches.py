"""V4A patches: read, matched without guessing, applied all or none, and answered precisely where they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent_core.diffs import v4a
from assent_core.diffs.patches import Edit, apply_patch
from assent_core.diffs.v4a import render
from assent_core.errors import PatchMistake
from assent_sandbox.stage import Change, Entry, File, Link, Opaque, OutsideError

WORDS = (
    "",
    "a",
    "  a",
    "b",
    "}",
    "x = 1",
    "*** End Patch",
    "@@ a",
    "+",
    "-",
    " ",
    "caf\xe9",
    "raw \udcff",
    "\\ No newline",
)


def reading(files: Mapping[str, Entry | bytes]) -> Callable[[str], Entry | None]:
    entries = {path: File(entry) if isinstance(entry, bytes) else entry for path, entry in files.items()}
    return entries.get


def patched(before: bytes, *hunks: str, path: str = "f") -> bytes:
    body = "\n".join(hunks)
    (edit,) = apply_patch(f"*** Begin Patch\n*** Update File: {path}\n{body}\n*** End Patch", reading({path: before}))
    assert isinstance(edit.entry, File)
    return edit.entry.data


def mistake(before: bytes, *hunks: str) -> str:
    with pytest.raises(PatchMistake) as caught:
        patched(before, *hunks)
    assert caught.value.message.endswith("Nothing of the patch was applied.")
    return caught.value.message


def refused(text: str, **files: Entry | bytes) -> str:
    with pytest.raises(PatchMistake) as caught:
        apply_patch(text, reading(files))
    return caught.value.message


def wrapped(body: str) -> str:
    return f"*** Begin Patch\n{body}\n*** End Patch\n"


@st.composite
def pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    ending, closed = draw(st.sampled_from([b"\n", b"\r\n"])), draw(st.booleans())
    sides: list[bytes] = []
    rows = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    other = list(rows)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(other)))
        other[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from(WORDS), max_size=2))
    for side in (rows, other):
        top = ["top"] if ending == b"\r\n" else []  # a file without any line ending cannot say what is usual in it
        kept = [*top, *side, *([] if closed or (side and side[-1]) else ["end"])]
        data = ending.join(row.encode("utf-8", "surrogateescape") for row in kept)
        sides.append(data + (ending if kept and closed else b""))
    return sides[0], sides[1]


@settings(max_examples=400)
@given(pairs(), st.integers(0, 4))
def test_a_rendered_patch_applies_to_what_was_meant_or_is_refused_never_to_something_else(
    pair: tuple[bytes, bytes], context: int
) -> None:
    before, after = pair
    change = Change(path="f", before=File(before), after=File(after))
    for lines in (context, 100):
        if before == after:
            continue
        try:
            edits = apply_patch(render([change], lines), reading({"f": before}))
        except PatchMistake as problem:
            assert lines < 100, problem.message
        else:
            assert edits == (Edit("f", File(after)),)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["a", "b/c", "d e"]), st.tuples(pairs(), st.sampled_from("+-~")), min_size=1))
def test_creations_deletions_and_updates_make_the_round_trip_together(
    files: dict[str, tuple[tuple[bytes, bytes], str]],
) -> None:
    changes = [
        Change(path=path, before=None if kind == "+" else File(before), after=None if kind == "-" else File(after))
        for path, ((before, after), kind) in files.items()
        if before != after and (kind != "+" or b"\r" not in after)
    ]
    if not changes:
        return
    edits = apply_patch(render(changes, 100), reading({c.path: c.before for c in changes if c.before}))
    assert {edit.path: edit.entry for edit in edits} == {change.path: change.after for change in changes}
    deletions = [edit.entry is None for edit in edits]
    assert deletions == sorted(deletions, reverse=True)


@given(st.text(alphabet="*@+- \\\nabBeginPatchEdUpdFil:e", max_size=200))
@settings(max_examples=200)
def test_no_text_at_all_crashes_the_parser(text: str) -> None:
    for whole in (text, wrapped(text), wrapped(f"*** Update File: f\n{text}")):
        try:
            apply_patch(whole, reading({"f": b"a\nb\n"}))
        except PatchMistake as problem:
            assert problem.message


WRAPPERS = [
    "{}",
    "```\n{}\n```",
    "```diff\n{}```\n",
    "apply_patch <<'EOF'\n{}\nEOF\n",
    "cat <<EOF | apply_patch\n{}EOF",
    "\n\n{}\n\n",
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_fence_or_a_heredoc_around_a_patch_is_ignored(wrapper: str) -> None:
    text = wrapper.format(wrapped("*** Update File: f\n@@\n-a\n+b"))
    assert apply_patch(text, reading({"f": b"a\n"})) == (Edit("f", File(b"b\n")),)
    crlf = text.replace("\n", "\r\n")
    assert apply_patch(crlf, reading({"f": b"a\n"})) == (Edit("f", File(b"b\n")),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nnew\r\nc\r\n"),
        (b"a\nb\nc", b"a\nB\nnew\nc"),
        (b"a\nb", b"a\nB\nnew"),
        (b"a\r\nb", b"a\r\nB\r\nnew"),
        (b"\xef\xbb\xbfa\nb\nc\n", b"\xef\xbb\xbfa\nB\nnew\nc\n"),
        (b"\xff\xfe\na\nb\n\xe9", b"\xff\xfe\na\nB\nnew\n\xe9"),
        (b"a\r\nb\r\nc\n", b"a\r\nB\r\nnew\r\nc\n"),
        (b"a\nb\r\n", b"a\nB\r\nnew\r\n"),
        (b"a\nb\rc\n", None),
    ],
)
def test_line_endings_missing_newlines_marks_and_raw_bytes_stay(before: bytes, after: bytes | None) -> None:
    if after is None:
        assert "nearest lines" in mistake(before, "@@", " a", "-b", "+B", "+new")
    else:
        assert patched(before, "@@", " a", "-b", "+B", "+new") == after


def test_a_mark_at_the_start_of_a_file_stays_when_its_line_changes() -> None:
    assert patched(b"\xef\xbb\xbfa\n", "@@", "-a", "+b") == b"\xef\xbb\xbfb\n"
    assert patched(b"\xef\xbb\xbfa\n", "@@", "-a", "+\ufeffb") == b"\xef\xbb\xbfb\n"


def test_the_mode_of_an_updated_or_moved_file_stays() -> None:
    text = wrapped("*** Update File: f\n*** Move to: d/g\n@@\n-a\n+b")
    assert apply_patch(text, reading({"f": File(b"a\n", 0o755)})) == (Edit("f", None), Edit("d/g", File(b"b\n", 0o755)))
    bare = wrapped("*** Update File: f\n*** Move to: g")
    assert apply_patch(bare, reading({"f": Link("x")})) == (Edit("f", None), Edit("g", Link("x")))


def test_context_is_compared_ever_more_loosely_and_stays_as_it_is_in_the_file() -> None:
    assert patched(b"a  \nb\t\nc\n", "@@", " a", "-b", "+B", " c") == b"a  \nB\nc\n"
    assert (
        patched("say “hi” – now\nb\n".encode(), "@@", ' say "hi" - now', "-b", "+B") == "say “hi” – now\nB\n".encode()
    )
    assert patched(b"caf\xe9\nb\n", "@@", " caf\ufffd", "-b", "+B") == b"caf\xe9\nB\n"
    assert patched(b"a\nb \na\nb\n", "@@", "-b", "+B") == b"a\nb \na\nB\n", "the exact line is the one that is meant"


def test_an_empty_context_line_may_lack_its_space() -> None:
    assert patched(b"a\n\nb\n", "@@", " a", "", "-b", "+B") == b"a\n\nB\n"
    assert patched(b"a\n\nb\nc\n", "@@", " a", "", "-b", "+B", "", "@@", "-c", "+C", "") == b"a\n\nB\nC\n"


def test_unified_ranges_and_a_missing_first_sign_are_understood() -> None:
    assert patched(b"a\nb\n", "@@ -1,2 +1,2 @@ def f():", " a", "-b", "+B") == b"a\nB\n"
    assert patched(b"a\nb\n", " a", "-b", "+B", "\\ No newline at end of file") == b"a\nB\n"


CLASSES = b"""\
class A:
    def f(self):
        x = 1
        return x

    def g(self):
        x = 1
        return x

class B:
    def f(self):
        x = 1
        return x
"""


@pytest.mark.parametrize(
    ("anchors", "line"),
    [
        (("class A:", "def f(self):"), 2),
        (("class A:", "def f"), 2),
        (("def g(self):",), 6),
        (("class B:",), 11),
        (("class B:", "    def f(self):"), 11),
    ],
)
def test_anchors_say_which_of_equal_lines_is_meant(anchors: tuple[str, ...], line: int) -> None:
    lines = CLASSES.split(b"\n")
    lines[line] = b"        x = 2"
    assert patched(CLASSES, *(f"@@ {anchor}" for anchor in anchors), "-        x = 1", "+        x = 2") == b"\n".join(
        lines
    )


def test_an_anchor_may_be_repeated_as_context_and_headings_open_blocks() -> None:
    assert patched(CLASSES, "@@ class B:", " class B:", "-    def f(self):", "+    def h(self):").count(b"def h") == 1
    table = b"[one]\nname = 1\n\n[two]\nname = 1\n"
    assert patched(table, "@@ [one]", "-name = 1", "+name = 2") == table.replace(b"1", b"2", 1)
    braces = b"int f()\n{\n  x;\n}\n\nint g()\n{\n  x;\n}\n"
    assert patched(braces, "@@ int f()", "-  x;", "+  y;") == braces.replace(b"x", b"y", 1)


def test_an_ambiguous_place_is_told_with_its_lines_and_the_anchors_that_divide_them() -> None:
    text = mistake(CLASSES, "@@ class A:", "-        x = 1", "+        x = 2")
    assert "f, hunk 1 (line 3 of the patch, first line '-        x = 1')" in text
    assert "2 places of the file (lines 3, 7)" in text
    assert "'@@ def f(self):' for line 3 or '@@ def g(self):' for line 7" in text
    assert "lines 3, 7, 12" in mistake(CLASSES, "-        x = 1", "+        x = 2")


def test_lines_outside_the_block_of_their_anchor_are_not_taken() -> None:
    text = mistake(b"def f():\n    a\n\ndef g():\n    b\n", "@@ def f():", "-    b", "+    c")
    assert "stand at line 5, but that is not in the block of '@@ def f():' (lines 1-3)" in text
    assert "no line of the file is 'def h():', which its @@ names. The nearest is line" in mistake(
        b"def f():\n    a\n", "@@ def h():", "-    a", "+    c"
    )


def test_missing_lines_are_answered_with_what_stands_there() -> None:
    text = mistake(b"one\ntwo\nthree\nfour\n", "@@", " one", "-tvo", "+2", " three")
    assert "Line 2 is\n  two\nwhere the hunk has\n  tvo" in text
    assert "     1  one\n     2  two\n     3  three" in text
    assert "Only the indentation differs." in mistake(b"  a\n  b\n", "@@", " a", "-b", "+c")
    assert "not as the last lines" in mistake(b"a\nb\n", "@@", "-a", "+c", "*** End of File")
    assert "nothing there is like them" in mistake(b"a\nb\n", "@@", "-completely different", "+c")
    assert "the file is empty" in mistake(b"", "@@", "-a", "+c")


def test_lines_that_are_only_added_need_a_place() -> None:
    assert "nothing says where" in mistake(b"a\n", "@@", "+b")
    assert "nothing says where" in mistake(b"a\n", "@@ a", "+b")
    assert patched(b"a\n", "@@", "+b", "*** End of File") == b"a\nb\n"
    assert patched(b"a", "@@", "+b", "*** End of File") == b"a\nb"
    assert patched(b"", "@@", "+b") == b"b\n"


def test_the_end_of_the_file_tells_equal_lines_apart() -> None:
    assert patched(b"a\nb\na\n", "@@", "-a", "+c", "*** End of File", "") == b"a\nb\nc\n"


def test_hunks_may_come_in_any_order_but_not_overlap() -> None:
    assert patched(b"a\nb\nc\n", "@@", "-c", "+C", "@@", "-a", "+A") == b"A\nb\nC\n"
    assert "hunks 1 and 2 overlap at line 2" in mistake(b"a\nb\nc\n", "@@", " a", "-b", "+B", "@@", "-b", "+D")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("*** Add File: f\n+x", "f: it exists already. Change it with *** Update File: f"),
        ("*** Delete File: g", "g: there is no such file, so it cannot be deleted."),
        ("*** Update File: g\n@@\n-a\n+b", "g: there is no such file. Create it with *** Add File:"),
        ("*** Update File: f", "f: the update has no hunks."),
        ("*** Update File: f\n@@", "f: the hunk at line 3 of the patch has no lines."),
        ("*** Update File: f\n@@\n a", "f: the hunk at line 3 of the patch changes nothing"),
        ("*** Update File: f\n@@\n-a\n+b\nwhat", "line 6 of the patch: what"),
        ("*** Update File: f\n@@\n-a\n+b\n*** Delete File: f", "f: the patch names it twice."),
        ("*** Update File: f\n*** Move to: g\n@@\n-a\n+b\n*** Add File: g\n+x", "g: the patch names it twice."),
        ("*** Update File: f\n*** Move to: link", "link: it exists already, so f cannot be moved there."),
        ("*** Add File: ../x\n+x", "../x: this leads out of the repository."),
        ("*** Add File: /etc/x\n+x", "/etc/x: this leads out of the repository."),
        ("*** Add File: /repository/x\n+x", "/repository/x: this leads out of the repository."),
        ("*** Add File: .jj/repo/x\n+x", "the files of version control are not patched"),
        ("*** Add File: a/.GIT/hooks/x\n+x", "the files of version control are not patched"),
        ("*** Add File: .\n+x", "'.' is no path of a file."),
        ("*** Add File: f/x\n+x", "f/x: f is a file, not a folder."),
        ("*** Add File: g\n+x\n*** Add File: g/x\n+x", "g/x: g is a file, not a folder."),
        ("*** Add File: g\nx", "each line of an added file starts with '+' (line 3 of the patch: x)."),
        ("*** Add File: g\n+\ud800", "g: the patch has half a character"),
        ("*** Delete File: f\n-a", "nothing can follow *** Delete File (line 3 of the patch)."),
        ("*** Update File: link\n@@\n-a\n+b", "link: it is a symbolic link to elsewhere."),
        ("*** Update File: pipe\n@@\n-a\n+b", "pipe: it cannot be patched (a pipe)."),
        ("*** Update File: bin\n@@\n-a\n+b", "bin: it is binary and cannot be patched."),
        ("*** Update File: raw\n@@\n-caf\ufffd\n+caf\ufffds", "stands for bytes that are not UTF-8"),
        ("", "the patch names no file"),
        ("what\n*** Delete File: f", "line 2 of the patch belongs to no file: what"),
    ],
)
def test_what_does_not_fit_is_told_precisely(body: str, words: str) -> None:
    files = {"f": b"a\n", "link": Link("elsewhere"), "pipe": Opaque("a pipe"), "bin": b"a\0\n", "raw": b"caf\xe9\n"}
    assert words in refused(wrapped(body), **files)


def test_a_text_that_is_no_whole_patch_is_refused() -> None:
    assert "begins with the line" in refused("--- a/f\n+++ b/f\n")
    assert "seems to be cut off" in refused("*** Begin Patch\n*** Update File: f\n@@\n-a\n+b")
    assert "more than one patch" in refused(wrapped("*** Delete File: f") * 2, f=b"a")


def test_all_mistakes_are_told_at_once_and_nothing_is_applied() -> None:
    body = "*** Add File: new\n+x\n" + "\n".join(f"*** Delete File: {n}" for n in range(6))
    text = refused(wrapped(body))
    assert text.count("there is no such file") == 4
    assert text.endswith("... and 2 more.\n\nNothing of the patch was applied.")


def test_a_path_through_a_link_is_a_mistake_too() -> None:
    def read(path: str) -> Entry | None:
        raise OutsideError(f"{path} leads out of the repository")

    with pytest.raises(PatchMistake, match="leads out of the repository"):
        apply_patch(wrapped("*** Delete File: link/f"), read)


def test_absolute_paths_below_the_root_are_relative_ones() -> None:
    text = wrapped("*** Add File: /repo/./a//b\n+x")
    assert apply_patch(text, reading({}), "/repo") == (Edit("a/b", File(b"x\n")),)


def test_a_file_may_give_way_to_a_folder() -> None:
    text = wrapped("*** Add File: f/x\n*** Delete File: f")
    assert apply_patch(text, reading({"f": b"a\n"})) == (Edit("f", None), Edit("f/x", File(b"")))


def test_a_large_file_is_matched_quickly_enough() -> None:
    before = b"".join(b"line %d\n" % (n % 5000) for n in range(100_000))
    assert "20 places" in mistake(before, "@@", "-line 77", "+x")
    assert "nearest lines" in mistake(before, "@@", " line 76", "-line 77 or so", "+x")


def test_the_files_that_a_patch_names_are_found_also_where_it_cannot_be_read():
    text = "*** Begin Patch\n*** Update File: a b.py\r\n@@\n-x\n+*** Add File: no\n*** Add File: c\n*** Delete File:\td \n*** Fil"
    assert v4a.named(text) == ("a b.py", "c", "d")
    assert v4a.named("") == ()
