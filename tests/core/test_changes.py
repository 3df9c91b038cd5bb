"""Changes: taken apart, put together, and as a patch that real git takes."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unidiff import PatchSet

from assent_core.diffs import lines
from assent_core.diffs.changes import FileChange, digest, put_together, take_apart, unified
from assent_sandbox.stage import Change, Entry, File, Link, Opaque

WORDS = (
    b"",
    b"a",
    b"b",
    b"}",
    b"  x = 1",
    b"\tif y:",
    b"caf\xc3\xa9",
    b"\xff\xfe raw",
    b"-- sql",
    b"++ c",
    b" ",
    b"a\rb",
)
SEVERAL = settings(max_examples=40)
GIT = ["git", "-c", "core.autocrlf=false", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    body = draw(st.lists(st.sampled_from(WORDS), max_size=14))
    data = b"".join(line + ending for line in body)
    return data[: -len(ending)] if body and body[-1] and draw(st.booleans()) else data


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A text, and the same after a few edits: what diffs are mostly about."""
    before = draw(texts())
    after = list(lines.split(before))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(after)))
        if draw(st.booleans()):
            after[at : at + draw(st.integers(0, 3))] = []
        else:
            after.insert(at, draw(st.sampled_from(WORDS)) + b"\n")
    return before, b"".join(line if line.endswith(b"\n") else line + b"\n" for line in after[:-1]) + b"".join(
        after[-1:]
    )


def taken(before: Entry | None, after: Entry | None, path: str = "f.txt") -> FileChange:
    return take_apart(Change(path=path, before=before, after=after))


def put(folder: Path, path: str, entry: Entry | None) -> None:
    place = folder / path
    place.unlink(missing_ok=True)
    if isinstance(entry, File):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(entry.data)
        place.chmod(entry.mode)
    elif isinstance(entry, Link):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(entry.target)


def stands(folder: Path, path: str) -> Entry | None:
    place = folder / path
    if place.is_symlink():
        return Link(str(place.readlink()))
    return File(place.read_bytes(), place.stat().st_mode & 0o777) if place.exists() else None


def applied(folder: Path, path: str, before: Entry | None, patch: bytes, *options: str) -> Entry | None:
    put(folder, path, before)
    if patch:
        command = [*GIT, "apply", "--whitespace=nowarn", *options, "-"]
        done = subprocess.run(command, input=patch, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, (done.stderr, patch)
    return stands(folder, path)


@SEVERAL
@given(
    st.one_of(edited(), st.tuples(texts(), texts())),
    st.sampled_from([(0o644, 0o644), (0o644, 0o755), (0o755, 0o644)]),
    st.integers(0, 4),
    st.randoms(use_true_random=False),
)
def test_a_selection_gives_what_git_apply_makes_of_it(
    tmp_path: Path, pair: tuple[bytes, bytes], modes: tuple[int, int], context: int, chance: random.Random
) -> None:
    before, after = File(pair[0], modes[0]), File(pair[1], modes[1])
    file = taken(before, after)
    accepted = {hunk.id for hunk in file.hunks if chance.random() < 0.5}
    patch = unified(file, accepted, context)
    zero = ("--unidiff-zero",) if context == 0 else ()
    assert applied(tmp_path, "f.txt", before, patch, *zero) == put_together(file, accepted)


@settings(max_examples=300)
@given(st.one_of(edited(), st.tuples(texts(), texts())))
def test_all_hunks_give_after_and_none_gives_before(pair: tuple[bytes, bytes]) -> None:
    before, after = File(pair[0]), File(pair[1])
    file = taken(before, after)
    assert put_together(file, {hunk.id for hunk in file.hunks}) == after
    assert put_together(file, ()) == before
    one_by_one = [put_together(file, {hunk.id}) for hunk in file.hunks]
    assert before not in one_by_one
    assert len({hunk.id for hunk in file.hunks}) == len(file.hunks)


@settings(max_examples=200)
@given(edited())
def test_unidiff_reads_our_patch_and_counts_the_same(pair: tuple[bytes, bytes]) -> None:
    file = taken(File(pair[0]), File(pair[1]))
    patch = unified(file).decode("latin-1")
    if "\r" in patch.replace("\r\n", "\n"):
        return  # unidiff ends lines at a lone carriage return, as git does not
    counted = PatchSet(patch)
    assert sum(part.added for part in counted) == file.added
    assert sum(part.removed for part in counted) == file.removed


@settings(max_examples=200)
@given(edited())
def test_hunks_are_divided_by_at_least_one_unchanged_line(pair: tuple[bytes, bytes]) -> None:
    hunks = taken(File(pair[0]), File(pair[1])).hunks
    for left, right in itertools.pairwise(hunks):
        assert (
            right.old_start - (left.old_start + len(left.old)) == right.new_start - (left.new_start + len(left.new)) > 0
        )


ENTRIES: list[Entry | None] = [
    None,
    File(b""),
    File(b"text\n", 0o755),
    File(b"no newline"),
    File(b"\0\1binary\xff" * 100),
    File(os.urandom(3000), 0o755),
    Link("elsewhere"),
    Link("../caf\xe9"),
]


@pytest.mark.parametrize(
    "path", ["f", "with space", "tab\there", 'quo"te', "back\\slash", "caf\xe9/ü", "new\nline", "raw\udcff"]
)
def test_git_applies_every_kind_of_change_at_every_kind_of_path(tmp_path: Path, path: str) -> None:
    for before in ENTRIES:
        for after in ENTRIES:
            file = taken(before, after, path)
            assert applied(tmp_path, path, before, unified(file)) == after
            assert put_together(file, {hunk.id for hunk in file.hunks}) == after
            assert put_together(file, ()) == before
            put(tmp_path, path, None)


@pytest.mark.parametrize("context", [0, 1, 3])
def test_the_patch_of_a_text_reads_as_gits_own(tmp_path: Path, context: int) -> None:
    before, after = (
        b"".join(b"line %d\n" % n for n in range(40)),
        b"".join(b"line %d\n" % n for n in range(1, 44) if n != 20),
    )
    put(tmp_path, "a", File(before))
    put(tmp_path, "b", File(after))
    diff = subprocess.run(
        [*GIT, "diff", "--no-index", f"-U{context}", "a", "b"], cwd=tmp_path, capture_output=True, check=False
    ).stdout
    own = unified(taken(File(before), File(after), "a"), context=context)
    body = [b" ".join(line.split(b" ")[:4]) if line.startswith(b"@@") else line for line in diff.split(b"\n")[4:]]
    assert own.split(b"\n")[4:] == body


def test_a_patch_over_several_files_applies_as_one(tmp_path: Path) -> None:
    changes = [
        ("a", File(b"1\n"), None),
        ("b", None, File(b"2")),
        ("c", File(b"\0"), File(b"\0\0")),
        ("d", None, Link("b")),
    ]
    for path, before, _ in changes:
        put(tmp_path, path, before)
    patch = b"".join(unified(taken(before, after, path)) for path, before, after in changes)
    subprocess.run([*GIT, "apply", "-"], input=patch, cwd=tmp_path, check=True)
    assert [stands(tmp_path, path) for path, _, _ in changes] == [after for _, _, after in changes]


def test_git_refuses_the_patch_of_what_it_cannot_hold(tmp_path: Path) -> None:
    for before, after in [
        (File(b"x\n"), Opaque("too large", 5)),
        (None, Opaque("pipe")),
        (Opaque("a", 1), Opaque("a", 2)),
    ]:
        patch = unified(taken(before, after))
        put(tmp_path, "f.txt", File(b"x\n") if before else None)
        done = subprocess.run([*GIT, "apply", "-"], input=patch, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode
        assert b"Binary files" in patch


def test_what_is_no_text_is_one_whole_hunk_with_a_note() -> None:
    cases: list[tuple[Entry | None, Entry | None, str]] = [
        (None, File(b"a\n", 0o755), "mode 755"),
        (None, File(b""), "empty file"),
        (File(b"\0" * 2048), File(b"\0" * 4096), "binary, 2,048 -> 4,096 bytes"),
        (Link("a"), Link("../x"), "link to a -> link to ../x"),
        (File(b"a\n"), Link("../x"), "file -> link to ../x"),
        (None, Opaque("pipe"), "pipe"),
    ]
    for before, after, note in cases:
        (hunk,) = taken(before, after).hunks
        assert (hunk.kind, hunk.note) == ("whole", note)


def test_a_mode_is_decided_apart_from_the_lines() -> None:
    file = taken(File(b"a\nb\n", 0o644), File(b"a\nc\n", 0o755))
    mode, text = file.hunks
    assert (mode.kind, mode.note, text.kind) == ("mode", "mode 644 -> 755", "lines")
    assert put_together(file, {mode.id}) == File(b"a\nb\n", 0o755)
    assert put_together(file, {text.id}) == File(b"a\nc\n", 0o644)


def test_a_hunk_keeps_its_name_only_while_place_bytes_and_surroundings_stay() -> None:
    body = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    first = taken(File(body), File(body.replace(b"5", b"five"))).hunks[0]
    later = taken(File(body), File(body.replace(b"5", b"five").replace(b"9", b"nine"))).hunks[0]
    moved = taken(File(b"0\n" + body), File(b"0\n" + body.replace(b"5", b"five"))).hunks[0]
    near = body.replace(b"4", b"four")
    other = taken(File(near), File(near.replace(b"5", b"five"))).hunks[0]
    assert first.id == later.id
    assert len({first.id, moved.id, other.id}) == 3


@pytest.mark.parametrize(
    ("path", "added", "marks"),
    [
        ("src/a.py", b"x = 1\n", ("new",)),
        ("tests/a.py", b"x = 1\n", ("new", "test")),
        ("pkg/test_a.py", b"", ("new", "test")),
        ("web/a.spec.ts", b"", ("new", "test")),
        ("src/lib.rs", b"    #[ignore]\n", ("new", "test")),
        ("src/a.py", b"@pytest.mark.skip\n", ("new", "test")),
        ("src/contest.py", b"greatest = latest\n", ("new",)),
        ("conftest.py", b"", ("new", "test", "outside")),
        ("Makefile", b"", ("new", "outside")),
        (".github/workflows/ci.yml", b"", ("new", "outside")),
        ("sub/package.json", b"{}\n", ("new", "outside")),
        (".envrc", b"", ("new", "outside")),
    ],
)
def test_marks_say_what_a_reader_must_see(path: str, added: bytes, marks: tuple[str, ...]) -> None:
    assert taken(None, File(added), path).marks == marks


def test_marks_tell_kind_and_state() -> None:
    assert taken(File(b"\0"), None).marks == ("deleted", "binary")
    assert taken(None, File(b"#!\n", 0o755)).marks == ("new", "mode")
    assert taken(Link("a"), Link("b")).marks == ("link",)
    conflicted = take_apart(Change(path="f", before=File(b"a"), after=File(b"b"), conflict="both sides changed"))
    assert conflicted.marks == ("conflict",)
    assert taken(File(b"a"), Opaque("pipe")).marks == ("opaque",)


def test_a_digest_names_contents_whatever_their_order() -> None:
    contents: list[tuple[str, Entry | None]] = [("a", File(b"1")), ("b", None), ("c", Link("a"))]
    names = {digest(contents), digest(contents[::-1])}
    assert len(names) == 1
    others = [
        contents[:2],
        [("a", File(b"1", 0o755)), *contents[1:]],
        [("a", File(b"2")), *contents[1:]],
        [*contents[:2], ("c", Link("b"))],
        [("a", File(b"1")), ("b", File(b"")), ("c", Link("a"))],
    ]
    assert len({*names, *(digest(other) for other in others)}) == 6


@pytest.mark.parametrize("kind", ["rewritten", "repeated", "shuffled", "alternating", "long"])
def test_large_texts_are_compared_in_bounded_time(kind: str) -> None:
    chance = random.Random(7)
    numbered = [b"line %d\n" % n for n in range(20_000)]
    old, new = {
        "rewritten": (numbered, [b"other %d\n" % n for n in range(20_000)]),
        "repeated": (
            [chance.choice((b"a\n", b"b\n", b"}\n")) for _ in range(8000)],
            [chance.choice((b"a\n", b"}\n")) for _ in range(8000)],
        ),
        "shuffled": (numbered, chance.sample(numbered, len(numbered))),
        "alternating": ([b"\n"] * 5000, [b"\n", b"}\n"] * 5000),
        "long": (numbered * 5, [line for line in numbered * 5 if chance.random() < 0.9]),
    }[kind]
    file = taken(File(b"".join(old)), File(b"".join(new)))
    assert put_together(file, {hunk.id for hunk in file.hunks}) == File(b"".join(new))
