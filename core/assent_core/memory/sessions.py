"""The recorded sessions: what each was about, cost and landed; finding, naming and deleting them."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from assent_core.errors import UsageError
from assent_core.events import Billed, Landed, Named, Prompted, Proposed, Undone
from assent_core.memory.record import heading_of
from assent_core.proposals import Shell
from assent_core.redaction.redactor import everything_known
from assent_sandbox import album, tiers
from assent_sandbox.stage import StageError

LONGEST_TITLE = 120


class Recorded(Struct, frozen=True, kw_only=True):
    """One session as its record tells it; times in seconds since the epoch."""

    id: str
    root: str
    began: float
    last: float
    title: str
    """As the user named it, or the scout, or the first words of what was asked first."""
    prompts: int = 0
    usd: float = 0.0
    landed: int = 0
    """Hunks that landed and were not taken back."""
    paths: tuple[str, ...] = ()
    """Files that it landed."""
    open: bool = False
    """Whether a living process works in it."""
    staged: bool = False
    """Whether its stage is kept: there may be changes that have not landed."""
    named: bool = False
    forked: str = ""
    """The session that it goes on from, if it is a fork; what that cost and landed is not counted again."""


ID_LENGTH = 22
"""Characters of an id: a day, a time, and three bytes by chance."""


def new_id() -> str:
    """The id of a session that begins now."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def record_path(state: Path, id: str) -> Path:
    """Where a session is recorded."""
    return state / "sessions" / f"{id}.jsonl"


def items_path(state: Path, id: str) -> Path:
    """Where what the model has seen is kept."""
    return state / "sessions" / f"{id}.items"


def cues_path(state: Path, id: str) -> Path:
    """Where what came into a session from outside is kept."""
    return state / "sessions" / f"{id}.cues"


def blobs_path(state: Path, id: str) -> Path:
    """Where the large texts of a session are kept, and what its commands wrote."""
    return state / "sessions" / f"{id}.blobs"


def album_path(state: Path, id: str) -> Path:
    """Where the snapshots of a session's stage are kept."""
    return state / "sessions" / f"{id}.album"


def marks_path(state: Path, id: str) -> Path:
    """Where it is kept what the user decided in a session's review."""
    return state / "sessions" / f"{id}.marks"


def stage_home(state: Path, root: str | Path, id: str) -> Path:
    """Where a session's stage is kept."""
    return state / "stages" / hashlib.sha256(os.fsencode(root)).hexdigest()[:16] / id


def sessions(state: Path, root: Path | None = None, begins: str = "") -> tuple[Recorded, ...]:
    """All sessions in which something was asked or run, the newest first: of one repository if it is named, with ids
    that begin so.
    """
    found: list[Recorded] = []
    for path in (state / "sessions").glob("*.jsonl"):
        with suppress(OSError, ValueError):
            if path.stem.startswith(begins) and (one := _summary(state, path, root)) is not None:
                found.append(one)
    return tuple(sorted(found, key=lambda one: (one.last, one.id), reverse=True))


def matching(state: Path, known: Iterable[Recorded], words: str) -> tuple[Recorded, ...]:
    """Those of which title, id, folder or record hold all the words, whatever their case."""
    wanted = words.lower().split()
    return tuple(one for one in known if _matches(state, one, wanted))


def find(state: Path, id: str, root: Path | None = None) -> Recorded:
    """The session whose id begins so, or the newest of a repository that nobody has open; UsageError if there is none."""
    if not id:
        free = (one for one in sessions(state, root) if not one.open)
        if (newest := next(free, None)) is None:
            raise UsageError(
                "There is no session to go on with here.", "`assent sessions` lists them; `assent` begins one."
            )
        return newest
    found = sessions(state, begins=id)
    exact = [one for one in found if one.id == id]
    match exact or found:
        case [one]:
            return one
        case []:
            raise UsageError(f"There is no session {id!r}.", "`assent sessions` lists them.")
        case several:
            names = ", ".join(one.id for one in several[:5])
            raise UsageError(f"{id!r} is the beginning of {len(several)} sessions.", f"Say more of it: {names}.")


def rename(state: Path, id: str, title: str) -> None:
    """Give a session a name of the user's; an empty one takes it back."""
    path = record_path(state, id).with_suffix(".title")
    title = everything_known()(" ".join(title.split()))[:LONGEST_TITLE]
    try:
        if not title:
            path.unlink(missing_ok=True)
            return
        fresh = path.with_name(f".{id}.{os.getpid()}")
        fresh.touch(0o600)
        fresh.write_text(title, encoding="utf-8", errors="backslashreplace")
        fresh.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Check its permissions.") from error


def delete(state: Path, one: Recorded) -> None:
    """Delete a session's record and its stage, with what has not landed; what landed stays and can still be undone."""
    home = stage_home(state, one.root, one.id)
    if one.open or tiers.in_use(home):
        raise UsageError(f"The session {one.id} is open in another assent.", "End it there first.")
    try:
        tiers.erase(home)
        erase(state, one.id)
    except OSError as error:
        raise UsageError(
            f"The session {one.id} cannot be deleted: {error}", "Check the permissions of its files."
        ) from error
    except StageError as error:
        raise UsageError(str(error), error.hint) from error


def erase(state: Path, id: str) -> None:
    """Delete all that is kept of a session but its stage; what is not there is no error."""
    path = record_path(state, id)
    for each in (path, items_path(state, id), cues_path(state, id), marks_path(state, id), path.with_suffix(".title")):
        each.unlink(missing_ok=True)
    album.erase(album_path(state, id))
    album.erase(blobs_path(state, id))


_TOLD = {
    b"prompted": Prompted,
    b"proposed": Proposed,
    b"named": Named,
    b"billed": Billed,
    b"landed": Landed,
    b"undone": Undone,
}
_SPENT = (b"billed", b"landed", b"undone")
_KIND = b'"event":"'


class _Kind(Struct, frozen=True):
    what: Prompted | Proposed | Named | Billed | Landed | Undone


def _summary(state: Path, path: Path, root: Path | None) -> Recorded | None:
    """What a record comes to, without decoding most of its lines; None if nothing happened in it, or elsewhere."""
    with path.open("rb") as file:
        heading = heading_of(file.readline().removesuffix(b"\n"), path)
        if root is not None and heading.root != str(root):
            return None
        lines = file.read().split(b"\n")[:-1]
    of_kind: dict[bytes, list[bytes]] = {kind: [] for kind in _TOLD}
    for line in lines:
        at = line.find(_KIND, 0, 80) + len(_KIND)
        kind = line[at : line.find(b'"', at)]
        if kind == b"forked":
            of_kind |= {spent: [] for spent in _SPENT}
        elif kind in of_kind:
            of_kind[kind].append(line)
    if not of_kind[b"prompted"] and not of_kind[b"proposed"]:
        return None
    named = _text(path.with_suffix(".title"))
    landed, id = _landed(of_kind), path.stem
    home = stage_home(state, heading.root, id)
    return Recorded(
        id=id,
        root=heading.root,
        began=heading.time,
        last=path.stat().st_mtime,
        title=named or _first_words(of_kind),
        prompts=len(of_kind[b"prompted"]),
        usd=next((told.total for told in _decoded(of_kind[b"billed"][-1:]) if isinstance(told, Billed)), 0.0),
        landed=sum(one.hunks for one in landed),
        paths=tuple(sorted({name for one in landed for name in one.paths})),
        open=tiers.in_use(home),
        staged=home.exists(),
        named=bool(named),
        forked=heading.forked,
    )


def _landed(of_kind: dict[bytes, list[bytes]]) -> list[Landed]:
    undone = {one.landing for one in _decoded(of_kind[b"undone"]) if isinstance(one, Undone)}
    made = [one for one in _decoded(of_kind[b"landed"]) if isinstance(one, Landed)]
    return [one for one in made if one.landing not in undone]


def _first_words(of_kind: dict[bytes, list[bytes]]) -> str:
    first = (of_kind[b"named"][-1:], of_kind[b"prompted"][:1], of_kind[b"proposed"][:1])
    for told in (one for lines in first for one in _decoded(lines)):
        match told:
            case Named(title=title):
                return title[:LONGEST_TITLE]
            case Prompted(text=text):
                return " ".join(text.split())[:LONGEST_TITLE]
            case Proposed(proposal=Shell(command=command)):
                return f"$ {' '.join(command.split())}"[:LONGEST_TITLE]
            case _:
                pass
    return ""


def _decoded(lines: list[bytes]) -> list[Prompted | Proposed | Named | Billed | Landed | Undone]:
    found: list[Prompted | Proposed | Named | Billed | Landed | Undone] = []
    for line in lines:
        with suppress(msgspec.DecodeError):
            found.append(msgspec.json.decode(line, type=_Kind).what)
    return found


def _matches(state: Path, one: Recorded, words: list[str]) -> bool:
    told = f"{one.title}\n{one.id}\n{one.root}".lower()
    missing = [word for word in words if word not in told]
    if not missing:
        return True
    try:
        text = record_path(state, one.id).read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return False
    return all(word in text for word in missing)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
