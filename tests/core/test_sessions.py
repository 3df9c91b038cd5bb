"""Recorded sessions: listed, found, named, deleted, and gone on with byte for byte."""

import json
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from assent_core.diffs.review import decide
from assent_core.errors import UsageError
from assent_core.events import Billed, Decided, Landed, Noticed, Opened, Prompted, Undone
from assent_core.landing import landings
from assent_core.memory import sessions
from assent_core.memory.items import ItemFile, read_items
from assent_core.memory.record import Record, read
from assent_sandbox.stage import LockedError
from rehearsed import CALC, CHECK, FIX, git, of, told, worked

EDIT = f"""
[[worker]]
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "Repaired."
"""
MORE = '[[worker]]\nsay = "Going on."\n'


def plain(text: str) -> str:
    return text


def recorded(state: Path, id: str, *events: object, root: str = "/home/me/shop") -> Path:
    record = Record(sessions.record_path(state, id), id, Path(root), plain)
    for event in events:
        record.append(event)  # type: ignore[arg-type]
    record.close()
    return record.path


def billed(total: float) -> Billed:
    return Billed(role="worker", model="m", usage=None, usd=0.1, prices="p", total=total, scout=0.0)


def test_a_session_is_listed_with_its_first_words_its_cost_and_what_stands_of_its_landings(tmp_path):
    one, two = (Landed(landing=id, paths=(f"{id}.py",), hunks=3) for id in ("l1", "l2"))
    recorded(tmp_path, "a", Prompted(turn=1, text="repair\nthe cart"), billed(0.1), billed(0.25), one, two)
    recorded(tmp_path, "b", Opened(session="b", root="/", tier="copy"))
    (known,) = sessions.sessions(tmp_path)
    assert (known.title, known.prompts, known.usd, known.landed) == ("repair the cart", 1, 0.25, 6)
    assert (known.paths, known.open, known.staged) == (("l1.py", "l2.py"), False, False)
    recorded(tmp_path, "a", Undone(landing="l1", paths=("l1.py",)))
    (known,) = sessions.sessions(tmp_path)
    assert (known.landed, known.paths) == (3, ("l2.py",))


def test_only_those_of_a_repository_are_listed_if_it_is_named(tmp_path):
    recorded(tmp_path, "a", Prompted(turn=1, text="x"), root="/one")
    recorded(tmp_path, "b", Prompted(turn=1, text="x"), root="/two")
    assert [one.id for one in sessions.sessions(tmp_path, Path("/two"))] == ["b"]


def test_a_search_finds_words_of_the_title_and_of_all_that_was_said(tmp_path):
    recorded(tmp_path, "a", Prompted(turn=1, text="repair the Cart"), Noticed(text="a Zebra passed"))
    recorded(tmp_path, "b", Prompted(turn=1, text="other"))
    known = sessions.sessions(tmp_path)
    for words in ("cart", "CART zebra", "shop zebra"):
        assert [one.id for one in sessions.matching(tmp_path, known, words)] == ["a"]
    assert sessions.matching(tmp_path, known, "cart giraffe") == ()
    assert len(sessions.matching(tmp_path, known, " ")) == 2


def test_a_name_of_the_users_stands_for_the_first_words_and_can_be_taken_back(tmp_path):
    recorded(tmp_path, "a", Prompted(turn=1, text="first words"))
    sessions.rename(tmp_path, "a", "  the  cart\n" + "x" * 500)
    (known,) = sessions.sessions(tmp_path)
    assert known.named
    assert known.title.startswith("the cart xxx")
    assert len(known.title) == sessions.LONGEST_TITLE
    assert sessions.record_path(tmp_path, "a").with_suffix(".title").stat().st_mode & 0o777 == 0o600
    sessions.rename(tmp_path, "a", "")
    assert sessions.sessions(tmp_path)[0].title == "first words"


def test_a_session_is_found_by_the_beginning_of_its_id_and_the_newest_without_one(tmp_path):
    for id in ("20260101-x", "20260102-y", "20260102-z"):
        recorded(tmp_path, id, Prompted(turn=1, text="x"), root="/one")
    assert sessions.find(tmp_path, "20260101").id == "20260101-x"
    assert sessions.find(tmp_path, "", Path("/one")).id == "20260102-z"
    for id, said in (("nonsense", "no session"), ("20260102", "beginning of 2")):
        with pytest.raises(UsageError, match=said) as caught:
            sessions.find(tmp_path, id)
        assert caught.value.hint
    with pytest.raises(UsageError, match="no session to go on with"):
        sessions.find(tmp_path, "", Path("/elsewhere"))


def test_what_is_no_record_is_passed_over(tmp_path):
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "odd.jsonl").write_bytes(b"\xff\x00 not json\n")
    (tmp_path / "sessions" / "empty.jsonl").write_bytes(b"")
    assert sessions.sessions(tmp_path) == ()
    with pytest.raises(ValueError, match="not a record"):
        read(tmp_path / "sessions" / "odd.jsonl")


def test_lines_that_cannot_be_read_are_left_out_and_counted(tmp_path):
    path = recorded(tmp_path, "a", Prompted(turn=1, text="x"))
    with path.open("ab") as file:
        file.write(b'{"time":1,"what":{"event":"unheard"}}\n{"time":2,"wh')
    passage = read(path)
    assert (passage.events, passage.lost, passage.torn) == ((Prompted(turn=1, text="x"),), (3,), True)
    recorded(tmp_path, "a", Prompted(turn=2, text="y"))
    passage = read(path)
    assert [event.text for event in passage.events] == ["x", "y"]
    assert (passage.lost, passage.torn) == ((3,), False)


def test_items_come_back_as_they_were_after_adding_rewriting_and_taking_away(tmp_path):
    file = ItemFile(tmp_path / "sessions" / "a.items")
    first, second = {"type": "message", "text": "\ud800 odd ünï", "n": 1.0}, {"encrypted_content": "gAAA=="}
    file.keep(0, [first])
    file.keep(1, [second])
    assert list(read_items(file.path).items) == [first, second]
    file.keep(1, [])
    file.keep(1, [{"n": 2}])
    assert list(read_items(file.path).items) == [first, {"n": 2}]
    file.keep(0, [second])
    assert list(read_items(file.path).items) == [second]
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_of_items_is_dropped_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "a.items"
    ItemFile(path).keep(0, [{"n": 1}])
    with path.open("ab") as file:
        file.write(b'[1,[{"n":2')
    assert list(read_items(path).items) == [{"n": 1}]
    ItemFile(path).keep(1, [{"n": 3}])
    assert list(read_items(path).items) == [{"n": 1}, {"n": 3}]


async def test_a_resumed_session_extends_what_its_model_has_seen_under_the_same_key(opened):
    first = await opened(EDIT + MORE)
    await told(first.turn("fix it"))
    await first.close()
    again = await opened(first)
    assert again.opened.session == first.opened.session
    before = worked(first)[-1]
    await told(again.turn("go on"))
    after = worked(again)[-1]
    assert after["input"][: len(before["input"])] == before["input"]
    assert after["prompt_cache_key"] == before["prompt_cache_key"]
    assert (after["instructions"], after["tools"]) == (before["instructions"], before["tools"])
    assert "Repaired." in json.dumps(after["input"][len(before["input"])])
    assert sum("stage" in json.dumps(item) for item in after["input"] if item.get("role") == "user") == sum(
        "stage" in json.dumps(item) for item in before["input"] if item.get("role") == "user"
    )


async def test_a_resumed_session_has_its_stage_its_evidence_its_cost_and_its_past(opened, repository):
    first = await opened(EDIT + MORE)
    events = await told(first.turn("fix it"))
    cost = of(Billed, events)[-1].total
    await first.close()
    again = await opened(first)
    review, drifted = await again.review()
    assert drifted is None
    assert [file.path for file in review.files] == ["calc.py"]
    assert [one.command for one in review.evidence] == ["python3 -m unittest -q"]
    assert [event.text for event in of(Prompted, again.past.shown)] == ["fix it"]
    events = await told(again.turn("more"))
    assert of(Billed, events)[-1].total > cost
    landed = await again.land(decide(review, [hunk.id for hunk in review.files[0].hunks], "accepted"))
    assert landed.paths == ("calc.py",)
    assert (repository / "calc.py").read_text() == CALC.replace("left - right", "left + right")


async def test_a_resumed_session_tells_the_user_and_the_model_that_the_tree_moved(opened, repository):
    first = await opened(EDIT + MORE)
    await told(first.turn("fix it"))
    await first.close()
    (repository / "calc.py").write_text("# mine\n" + CALC)
    again = await opened(first)
    review, drifted = await again.review()
    assert [moved.how for moved in drifted.moved] == ["merged"]
    assert review.files[0].after.data.startswith(b"# mine")
    await told(again.turn("go on"))
    assert "calc.py (merged)" in json.dumps(worked(again)[-1]["input"][-1])


async def test_a_landing_that_was_not_recorded_any_more_is_in_the_record_after_the_next_start(
    opened, repository, tmp_path
):
    first = await opened(EDIT + MORE)
    await told(first.turn("fix it"))
    review, _ = await first.review()
    landed = await first.land(decide(review, [hunk.id for hunk in review.files[0].hunks], "accepted"))
    await first.close()
    lines = first.record.read_bytes().splitlines(keepends=True)
    first.record.write_bytes(b"".join(line for line in lines if b'"event":"landed"' not in line))
    landings.undo(repository, tmp_path / "state", landed.landing)
    again = await opened(first)
    assert of(Landed, again.past.shown) == [Landed(landing=landed.landing, paths=("calc.py",), hunks=1)]
    assert of(Undone, again.past.shown) == [Undone(landing=landed.landing, paths=("calc.py",))]
    await again.close()
    assert of(Landed, (await opened(first)).past.shown) == [Landed(landing=landed.landing, paths=("calc.py",), hunks=1)]


async def test_a_session_killed_inside_a_command_goes_on_with_whole_items(opened):
    script = f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nshell = \"sleep 60\"\n"
    first = await opened(script + MORE)
    async with aclosing(first.turn("go")) as events:
        async for event in events:
            if isinstance(event, Decided) and first.rehearsal.requests[1:]:
                state, id = first.settings.state_dir, first.opened.session
                torn = [path.read_bytes() for path in (first.record, sessions.items_path(state, id))]
                break
    await first.close()
    first.record.write_bytes(torn[0] + b'{"time":17')
    sessions.items_path(state, id).write_bytes(torn[1] + b"[7,[{")
    again = await opened(first)
    assert (again.past.lost, again.past.torn) == ((), True)
    assert any("cut off" in notice for notice in again.opened.notices)
    events = await told(again.turn("go on"))
    assert events[-1].how == "done"
    outputs = [item for item in worked(again)[-1]["input"] if item["type"].endswith("_output")]
    assert "ended before" in json.dumps(outputs[-1])
    assert [file.path for file in (await again.review())[0].files] == ["calc.py"]


async def test_a_session_that_is_open_says_so_and_is_neither_resumed_nor_deleted(opened):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    state = session.settings.state_dir
    (known,) = sessions.sessions(state)
    assert known.open
    assert known.staged
    with pytest.raises(UsageError, match="open in another"):
        sessions.delete(state, known)
    with pytest.raises(LockedError):
        await opened(session)
    with pytest.raises(UsageError, match="no session to go on with"):
        sessions.find(state, "", Path(session.opened.root))


async def test_deleting_takes_the_record_the_items_and_the_stage(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    await session.close()
    state = session.settings.state_dir
    sessions.rename(state, session.opened.session, "named")
    (known,) = sessions.sessions(state)
    assert (known.open, known.staged) == (False, True)
    home = sessions.stage_home(state, session.opened.root, known.id)
    assert home.exists()
    sessions.delete(state, known)
    assert not home.exists()
    assert list((state / "sessions").iterdir()) == []
    assert git(repository, "status", "--porcelain") == ""
    with pytest.raises(UsageError, match="cannot be read"):
        await opened(session)


async def test_a_session_in_which_nothing_happened_leaves_no_record(opened):
    session = await opened("")
    await session.close()
    assert not session.record.exists()
    used = await opened("")
    await told(used.run(CHECK))
    await used.close()
    assert used.record.exists()


async def test_a_session_that_lost_what_its_model_had_seen_says_so(opened):
    first = await opened(EDIT + MORE)
    await told(first.turn("fix it"))
    await first.close()
    sessions.items_path(first.settings.state_dir, first.opened.session).unlink()
    again = await opened(first)
    assert any("begins anew" in notice for notice in again.opened.notices)
    await told(again.turn("go on"))


def test_an_open_stage_is_told_from_one_whose_process_died(tmp_path):
    from assent_sandbox import tiers

    home = tmp_path / "home"
    home.mkdir()
    assert not tiers.in_use(home)
    code = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert tiers.in_use(home)
        other.kill()
    assert not tiers.in_use(home)
