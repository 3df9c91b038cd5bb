"""The screen as a whole: a prompt becomes a reviewed change, and every way out of it is kept."""

import asyncio
import json
from pathlib import Path

import pytest
from textual.widgets import Input

from assent_core.assembly import open_session
from assent_core.errors import KeyMissing, LandingRefused
from assent_core.events import Said, Staged
from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings
from assent_sandbox.stage import WallsError
from assent_tui.pages.help import HelpScreen
from assent_tui.prompt.box import Prompt
from assent_tui.screen.app import AssentApp
from assent_tui.screen.live import run_app
from assent_tui.screen.panes import Panes
from assent_tui.screen.status import Status
from rehearsed import CALC, FIX, git, of_worker
from screen import CHANGES, WORK, Scripted, app_over, reviewing, said, session_of, text_of, until, wait

SIZES = [(80, 24), (120, 40)]


def idle(app: AssentApp) -> bool:
    return app.job is None and app.jobs is not None


# what it does


def review_says(app: AssentApp) -> str:
    return " ".join(text_of(app.query_one("#review-said")).split())


async def test_the_prompt_takes_keys_while_the_session_opens_and_sends_when_it_is_open():
    gate = asyncio.Event()
    app = app_over([Said(text="Hello.")], changes=())
    opened = app._open_session

    async def slowly(asker):
        await gate.wait()
        return await opened(asker)

    app._open_session = slowly
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"hi there", "enter")
        assert "opening" in text_of(app.query_one(Status))
        assert app.query_one(Prompt).border_subtitle is not None
        gate.set()
        await until(pilot, lambda: "Hello." in said(app))
        assert session_of(app).asked == ["hi there"]


@pytest.mark.parametrize(
    "error", [KeyMissing("no key", "Set OPENAI_API_KEY."), WallsError("no walls here", "Try `assent doctor`.")]
)
async def test_a_session_that_cannot_open_is_a_message_with_a_hint_and_can_be_tried_again(error):
    app = app_over(error=error)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: f"✗ {error}" in said(app) and f"→ {error.hint}" in said(app))
        assert "Traceback" not in said(app)
        await pilot.press(*"again", "enter")
        await until(pilot, lambda: said(app).count(f"✗ {error}") == 2)


async def test_a_fault_of_ours_is_a_message_too_with_its_details_folded_away():
    def broken(session):
        raise ZeroDivisionError("[red]oops[/red]")

    app = app_over([broken], prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "✗ ZeroDivisionError: [red]oops[/red]" in said(app))
        assert "Traceback" not in said(app)
        app.action_unfold()
        assert "Traceback" in said(app)


async def test_escape_stops_the_turn_and_keeps_what_was_done():
    app = app_over([Said(text="So far."), wait], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "So far." in said(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped; what is staged is kept." in said(app) and idle(app))
        assert session_of(app).interrupted == 1
        assert "So far." in said(app)
        assert [file.path for file in app.pane.review.files] == [change.path for change in CHANGES]


async def test_a_message_waits_for_the_turn_to_end():
    gate = asyncio.Event()

    async def held(session):
        await gate.wait()
        yield Said(text="first done")

    app = app_over([held], [Said(text="second done")], prompt="one", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None)
        await pilot.press(*"two", "enter")
        assert "1 queued" in str(app.query_one(Prompt).border_subtitle)
        gate.set()
        await until(pilot, lambda: "second done" in said(app))
        assert session_of(app).asked == ["one", "two"]


async def test_what_a_turn_staged_is_shown_when_what_waited_behind_it_is_done_too():
    gate = asyncio.Event()

    async def held(session):
        await gate.wait()
        yield Said(text="first done")

    app = app_over([held], [Said(text="second done")], prompt="one")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.jobs is not None)
        await pilot.press(*"two", "enter")
        gate.set()
        await until(pilot, lambda: "second done" in said(app) and app._panes.shown)
        await pilot.press("escape")
        assert not app._panes.shown
        app.command("/review")
        await until(pilot, lambda: app._panes.shown)
        assert app.query_one(Prompt).has_focus


async def test_what_waited_comes_back_when_the_turn_is_stopped():
    app = app_over([wait], prompt="one", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None)
        await pilot.press(*"two", "enter", "escape")
        await until(pilot, lambda: app.query_one(Prompt).text == "two" and idle(app))
        assert session_of(app).asked == ["one"]


@pytest.mark.parametrize("size", SIZES)
async def test_accepted_hunks_land_and_the_rest_stays(size: tuple[int, int]):
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=size) as pilot:
        await reviewing(pilot)
        await pilot.press("y", "n", "L")
        assert "lands 1 hunk in 1 file, 1 rejected and taken off the stage, not verified" in review_says(app)
        assert session_of(app).landed == []
        await pilot.press("enter")
        await until(pilot, lambda: "landed 1 hunk in 1 file; 2 left undecided; /undo takes it back" in said(app))
        await until(pilot, lambda: len(app.pane.review.files) == 2 and idle(app))
        assert "src/cart.py" in session_of(app).notes[0]
        assert app.query_one(Panes).shown
        await reviewing(pilot)
        await pilot.press("A", "L", "enter")
        await until(pilot, lambda: not app.pane.review.files and idle(app))
        assert app.query_one(Prompt).has_focus
        assert not app.query_one(Panes).shown


async def test_a_landing_that_is_refused_says_why_where_it_is_seen():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        session_of(app).land_error = LandingRefused("src/cart.py has changed since it was shown.", "Review it again.")
        await pilot.press("y", "L", "enter")
        await until(pilot, lambda: "src/cart.py has changed" in text_of(app.query_one("#review-said")))
        assert app.pane.review.marks != {}


async def test_rejections_alone_go_off_the_stage_and_say_that_nothing_landed():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        await pilot.press("n", "L")
        assert "lands nothing; takes 1 rejected hunk off the stage" in review_says(app)
        await pilot.press("enter")
        await until(pilot, lambda: "nothing was accepted to land" in said(app))


async def test_a_reason_reaches_the_model_once_and_before_the_next_prompt():
    app = app_over(WORK, [Said(text="I see.")], [Said(text="And again.")], prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("r", *"use sum", "enter", "escape", *"go on", "enter")
        await until(pilot, lambda: "I see." in said(app) and idle(app))
        assert ["use sum" in note for note in session_of(app).notes] == [True]
        await pilot.press("escape", *"go on", "enter")
        await until(pilot, lambda: "And again." in said(app) and idle(app))
        assert len(session_of(app).notes) == 1


async def test_verifying_makes_evidence_for_exactly_what_is_accepted():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("A", "v", *"make test", "enter")
        await until(pilot, lambda: "✓ verified  make test: 4 passed" in text_of(app.query_one("#review-evidence")))
        await pilot.press("n")
        assert "◌ stale" in text_of(app.query_one("#review-evidence"))
        await pilot.press("v")
        await until(pilot, lambda: "✓ verified" in text_of(app.query_one("#review-evidence")))
        assert session_of(app).verified == [("make", "test")] * 2


async def test_a_review_does_not_take_the_keys_of_somebody_who_writes():
    gate = asyncio.Event()

    async def held(session):
        await gate.wait()
        yield Staged(paths=("src/cart.py",), added=1, removed=1)

    app = app_over([held], prompt="fix it")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None)
        await pilot.press(*"yes, an")
        gate.set()
        await until(pilot, lambda: app.query_one(Panes).shown and idle(app))
        await pilot.press("A", "L")
        assert app.query_one(Prompt).text == "yes, anAL"
        assert app.pane.review.marks == {}


async def test_the_review_is_left_for_later_and_found_again():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        await pilot.press("y", "escape")
        assert not app.query_one(Panes).shown
        assert app.query_one(Prompt).has_focus
        await pilot.press("f2")
        assert app.pane.diff.has_focus
        assert "1 accepted" in text_of(app.query_one("#review-head"))


async def test_a_review_comes_first_where_that_is_asked_for():
    app = app_over(review_first=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        await pilot.press("A", "L", "enter")
        await until(pilot, lambda: len(session_of(app).landed) == 1)


async def test_commands_of_the_prompt():
    app = app_over([Said(text="done")], changes=CHANGES[:1])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: idle(app))

        async def type_in(text: str) -> None:
            app.query_one(Prompt).focus()
            await pilot.press(*text, "enter")
            await until(pilot, lambda: idle(app))

        await type_in("/cost")
        assert "Nothing has been asked of a model yet." in said(app)
        await type_in("/doctor")
        assert "walls: overlay" in said(app)
        await type_in("/undo")
        await until(pilot, lambda: "taken back: src/cart.py" in said(app))
        await type_in("/review")
        await until(pilot, lambda: app._panes.shown)
        assert "F2 moves here" in review_says(app)
        await type_in("/diff")
        assert "+        return sum(item.price * item.quantity" in said(app)
        await type_in("/land")
        await until(pilot, lambda: "nothing is decided yet" in text_of(app.query_one("#review-said")))
        await type_in("/reviw")
        assert "Did you mean /review?" in said(app)
        await type_in("!ls *.py")
        await until(pilot, lambda: session_of(app).asked == ["! ('sh', '-c', 'ls *.py')"])
        await type_in("/help")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
        await pilot.press(*"/quit", "enter")
    assert app.return_value == 0


async def test_commands_about_the_stage_wait_for_the_turn():
    app = app_over([wait], prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None)
        await pilot.press(*"/undo", "enter")
        await until(pilot, lambda: "Something is still running." in said(app))


async def test_ctrl_c_leaves_at_the_second_time():
    app = app_over(changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: idle(app))
        await pilot.press("ctrl+c")
        assert "again to quit" in text_of(app.query_one("#keys"))
        await pilot.press("ctrl+c")
    assert app.return_value == 0


async def test_a_window_can_be_resized_at_any_moment():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        for size in ((40, 12), (200, 50), (20, 6), (80, 24)):
            await pilot.resize_terminal(*size)
        await pilot.press("y")
        assert "1 accepted" in text_of(app.query_one("#review-head"))


async def test_a_window_that_gets_narrow_shows_what_has_the_keys():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.resize_terminal(60, 30)
        await until(pilot, lambda: app._panes.covered)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: not app._panes.covered)
        await pilot.press("escape")
        assert app._panes.shown
        await pilot.resize_terminal(60, 30)
        await until(pilot, lambda: not app._panes.shown)


async def test_hostile_file_names_and_contents_change_no_layout():
    from assent_sandbox.stage import Change, File

    evil = "\x1b]0;x\x07[red]\u202e"
    changes = tuple(
        Change(path=f"{evil}{number}" + "n" * 300, before=None, after=File(evil.encode() + b"\0" * number + b"\n"))
        for number in range(3)
    )
    app = app_over([Said(text=evil)], prompt=evil, changes=changes)
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        await pilot.press("y", "c", *"[b]x", "enter", "L")
        await until(pilot, lambda: idle(app))
        for strip in app.screen._compositor.render_strips():
            assert strip.text.isprintable()
            assert strip.cell_length == 80


async def test_a_reason_that_is_not_sent_decides_nothing():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        await pilot.press("r", *"half", "escape")
        assert not app.query(Input)
        assert app.pane.diff.has_focus
        assert app.pane.review.marks == {}


def test_the_session_is_closed_at_the_end_unless_it_is_the_callers(monkeypatch: pytest.MonkeyPatch):
    sessions: list[Scripted] = []

    async def open(asker):
        sessions.append(Scripted(asker, (), ()))
        return sessions[-1]

    async def leaves(self: AssentApp) -> None:
        async with self.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: idle(self))

    monkeypatch.setattr(AssentApp, "run_async", leaves)
    assert run_app(open) == 0
    assert sessions[0].closed
    with asyncio.Runner() as runner:
        assert run_app(open, loop=runner.get_loop()) == 0
    assert not sessions[1].closed


# over a real session


SCRIPT = f"""
[[worker]]
say = "I look at it."
shell = "python3 -m unittest -q"
[[scout]]
json = {{}}
[[worker]]
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "Repaired: it **added** the wrong way."
[[worker]]
say = "I see."
"""


@pytest.fixture
async def worked(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An app over a real session of a rehearsed model; both are closed at the end."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-not-a-real-key-0123456789")
    async with Rehearsal.from_text(SCRIPT) as rehearsal:
        settings = Settings(base_url=rehearsal.url, state=str(tmp_path / "state"), scouting=False)
        app = AssentApp(lambda asker: open_session(repository, settings, asker), "fix the failing test")
        yield app, rehearsal
        assert app.jobs is not None
        await app.jobs.session.close()


async def test_a_prompt_becomes_a_landed_change_and_undo_takes_it_back(worked, repository: Path):
    app, rehearsal = worked
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        assert (repository / "calc.py").read_text() == CALC
        assert "Repaired: it added the wrong way." in said(app)
        evidence = " ".join(text_of(app.query_one("#review-evidence")).split())
        assert evidence.startswith("✓ verified python3 -m unittest -q")
        assert evidence.endswith("with all of it accepted")
        await pilot.press("y")
        await until(pilot, lambda: "✓ verified  python3 -m unittest -q" in text_of(app.query_one("#review-evidence")))
        calls = said(app).count("$ python3 -m unittest -q")
        await pilot.press("v")
        await until(pilot, lambda: said(app).count("$ python3 -m unittest -q") > calls and idle(app))
        assert "✓ verified" in text_of(app.query_one("#review-evidence"))
        await pilot.press("L")
        assert "verified by python3 -m unittest -q" in review_says(app)
        await pilot.press("enter")
        await until(pilot, lambda: "landed 1 hunk in 1 file" in said(app) and idle(app))
        assert "left + right" in git(repository, "diff")
        app.query_one(Prompt).focus()
        await pilot.press(*"/undo", "enter")
        await until(pilot, lambda: "taken back: calc.py" in said(app) and idle(app))
        assert git(repository, "diff") == ""
        await reviewing(pilot)
        await pilot.press("r", *"use sum()", "enter", "escape", *"go on", "enter")
        await until(pilot, lambda: "I see." in said(app) and idle(app))
        assert "use sum()" in json.dumps(of_worker(rehearsal)[-1]["input"])
