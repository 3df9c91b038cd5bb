"""One file's before and after in git's patch format, complete enough for `git apply`; pure."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator, Sequence

from assent_core.diffs.lines import Piece, is_text, split
from assent_sandbox.stage import Entry, File, Link

NO_NEWLINE = b"\\ No newline at end of file\n"
_ESCAPES = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}


def render(path: str, before: Entry | None, after: Entry | None, pieces: Sequence[Piece], context: int) -> bytes:
    """The patch that makes `after` of `before`; `pieces` are needed where both are text. Equal sides give nothing.

    What git cannot hold (an opaque entry) becomes a line that a reader understands and `git apply` refuses.
    """
    if before == after:
        return b""
    if before is not None and after is not None and type(before) is not type(after):
        return render(path, before, None, (), context) + render(path, None, after, (), context)
    return b"".join(_patch(path, before, after, pieces, context))


def _patch(
    path: str, before: Entry | None, after: Entry | None, pieces: Sequence[Piece], context: int
) -> Iterator[bytes]:
    old_name, new_name = _quoted(b"a/", path), _quoted(b"b/", path)
    old, new = _content(before), _content(after)
    body = [] if old is not None and old == new else list(_body(path, before, after, pieces, context))
    header = list(_modes(before, after))
    if not body and not header:
        return
    yield b"diff --git %s %s\n" % (old_name, new_name)
    yield from header
    if old is None or new is None:
        yield from body
        return
    if old != new or before is None or after is None:
        same = _mode(before) if before and after and _mode(before) == _mode(after) else b""
        yield b"index %s..%s%s\n" % (_blob_id(before, old), _blob_id(after, new), same and b" " + same)
    yield from body


def _modes(before: Entry | None, after: Entry | None) -> Iterator[bytes]:
    if before is None:
        yield b"new file mode %s\n" % _mode(after)
    elif after is None:
        yield b"deleted file mode %s\n" % _mode(before)
    elif _mode(before) != _mode(after):
        yield b"old mode %s\nnew mode %s\n" % (_mode(before), _mode(after))


def _mode(entry: Entry | None) -> bytes:
    if isinstance(entry, Link):
        return b"120000"
    return b"100755" if isinstance(entry, File) and entry.executable else b"100644"


def _content(entry: Entry | None) -> bytes | None:
    match entry:
        case None:
            return b""
        case File(data=data):
            return data
        case Link(target=target):
            return encoded(target)
        case _:
            return None


def _blob_id(entry: Entry | None, content: bytes) -> bytes:
    if entry is None:
        return b"0" * 40
    whole = b"blob %d\0" % len(content) + content
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest().encode()


def _body(
    path: str, before: Entry | None, after: Entry | None, pieces: Sequence[Piece], context: int
) -> Iterator[bytes]:
    old_name = _quoted(b"a/", path) if before is not None else b"/dev/null"
    new_name = _quoted(b"b/", path) if after is not None else b"/dev/null"
    old, new = _content(before), _content(after)
    if old is None or new is None:
        yield b"Binary files %s and %s differ\n" % (old_name, new_name)
        return
    if not (is_text(old) and is_text(new)):
        yield b"GIT binary patch\n" + _literal(new) + _literal(old)
        return
    old_lines, new_lines = split(old), split(new)
    if not pieces:
        pieces = (Piece(0, len(old_lines), 0, len(new_lines)),)
    yield b"--- %s%s\n+++ %s%s\n" % (old_name, _tab(old_name), new_name, _tab(new_name))
    for group in _groups(pieces, context):
        yield from _hunk(old_lines, new_lines, group, context)


def _groups(pieces: Sequence[Piece], context: int) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    for piece in pieces:
        if group and piece.old_start - group[-1].old_stop > 2 * context:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _hunk(old: Sequence[bytes], new: Sequence[bytes], group: list[Piece], context: int) -> Iterator[bytes]:
    first, last = group[0], group[-1]
    lead = min(context, first.old_start)
    start, stop = first.old_start - lead, min(last.old_stop + context, len(old))
    new_start, new_stop = first.new_start - lead, last.new_stop + stop - last.old_stop
    yield b"@@ -%s +%s @@\n" % (_range(start, stop), _range(new_start, new_stop))
    at = start
    for piece in group:
        yield from _marked(b" ", old[at : piece.old_start])
        yield from _marked(b"-", old[piece.old_start : piece.old_stop])
        yield from _marked(b"+", new[piece.new_start : piece.new_stop])
        at = piece.old_stop
    yield from _marked(b" ", old[at:stop])


def _range(start: int, stop: int) -> bytes:
    count = stop - start
    if count == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if count else start, count)


def _marked(sign: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield sign + line if line.endswith(b"\n") else sign + line + b"\n" + NO_NEWLINE


def _literal(data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    chunks = (packed[at : at + 52] for at in range(0, len(packed), 52))
    lines = (_length(len(chunk)) + base64.b85encode(chunk, pad=True) + b"\n" for chunk in chunks)
    return b"literal %d\n%s\n" % (len(data), b"".join(lines))


def _length(count: int) -> bytes:
    return bytes([count + 64 if count <= 26 else count + 70])


def encoded(text: str) -> bytes:
    """A path or a link's target as the bytes that the file system has."""
    return text.encode("utf-8", "surrogateescape")


def _quoted(prefix: bytes, path: str) -> bytes:
    raw = prefix + encoded(path)
    if all(0x20 <= byte < 0x7F and byte not in _ESCAPES for byte in raw):
        return raw
    return b'"' + b"".join(_escaped(byte) for byte in raw) + b'"'


def _escaped(byte: int) -> bytes:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return bytes([byte]) if 0x20 <= byte < 0x7F else b"\\%03o" % byte


def _tab(name: bytes) -> bytes:
    return b"\t" if b" " in name and not name.startswith(b'"') else b""
