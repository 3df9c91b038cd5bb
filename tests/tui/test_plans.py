"""A plan is made, edited in the prompt, carried out or dropped from the keyboard; what was sent beside can be read."""

from collections import deque
from types import SimpleNamespace

import pytest

from assent_core.diffs.changes import take_apart
from assent_core.diffs.remarks import Remark
from assent_core.diffs.review import Review
from assent_core.events import Explained, Named, Planned, Pointed, Remarked, Routed
from assent_core.performing.evidence import contents_digest
from assent_core.roles.inquiry import Sent
from assent_tui.chat.telling import opinion, told
from assent_tui.commands.printer import lines
from assent_tui.paint.page import PageScreen
from assent_tui.prompt.box import Prompt
from assent_tui.prompt.slash import is_command, is_request, split
from assent_tui.review.hunks import HunkHead
from assent_tui.review.layout import file_blocks
from assent_tui.screen.messages import Happened
from assent_tui.screen.pages import Look
from assent_tui.screen.sent import in_words
from screen import CHANGES, app_over, said, session_of, text_of, until


def idle(app) -> bool:
    return app.jobs is not None and app.job is None


FILES = tuple(take_apart(change) for change in CHANGES)
CART = FILES[0]


async def typed(app, pilot, text: str) -> None:
    app.query_one(Prompt).focus()
    app.query_one(Prompt).load_text(text)
    await pilot.press("enter")
    await until(pilot, lambda: idle(app))


@pytest.mark.parametrize(
    ("text", "command", "asks"),
    [
        ("/help", True, False), ("/plan a\nb", True, True), ("/go\n1. x", True, True), ("/go", True, True),
        ("/usr/bin\nis a path", False, False), ("fix /plan", False, False), ("/planet\nx", False, False),
    ],
)  # fmt: skip
def test_a_request_may_have_several_lines_and_any_other_command_one(text: str, command: bool, asks: bool):
    assert (is_command(text), is_request(text)) == (command, asks)


def test_a_command_is_told_from_what_stands_behind_it():
    assert split("/go\n1. one\n2. two ") == ("/go", "1. one\n2. two")
    assert split("/go") == ("/go", "")


async def test_a_plan_stands_in_the_prompt_and_enter_carries_it_out_as_it_was_edited():
    app = app_over(changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: idle(app))
        await typed(app, pilot, "/plan count the pieces")
        prompt = app.query_one(Prompt)
        assert prompt.text == "/go\n1. Multiply in src/cart.py:19.\n\nVerify: make test"
        assert "A plan is made." in said(app)
        prompt.load_text(prompt.text.replace("Multiply", "Add up"))
        prompt.focus()
        await pilot.press("enter")
        await until(pilot, lambda: "Carried out." in said(app) and idle(app))
        assert session_of(app).asked == [
            "/plan count the pieces",
            "/go 1. Add up in src/cart.py:19.\n\nVerify: make test",
        ]
        assert prompt.text == ""


async def test_a_plan_does_not_take_the_place_of_what_is_being_written():
    app = app_over(changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: idle(app))
        app.query_one(Prompt).load_text("half a thought")
        app.post_message(Happened(Planned(text="1. x")))
        await pilot.pause()
        assert app.query_one(Prompt).text == "half a thought"


async def test_a_plan_that_waits_is_carried_out_written_on_at_or_dropped():
    app = app_over(changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: idle(app))
        for command in ("/go", "/plan", "/drop"):
            await typed(app, pilot, command)
        assert said(app).count("There is no plan.") == 3
        session_of(app).plan = "1. Wait."
        await typed(app, pilot, "/plan")
        assert app.query_one(Prompt).text == "/go\n1. Wait."
        await typed(app, pilot, "/go")
        assert session_of(app).asked == ["/go 1. Wait."]
        session_of(app).plan = "2. Wait on."
        await typed(app, pilot, "/drop")
        await until(pilot, lambda: "The plan is dropped." in said(app))
        assert session_of(app).plan == ""


async def test_what_was_sent_beside_is_a_page_and_the_scout_has_a_switch():
    app = app_over(changes=())
    sent = Sent(name="scout_title", model="gpt-5.4-nano", instructions="Name it.", text="the prompt", answer="{}")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: idle(app))
        scout = session_of(app).scout = SimpleNamespace(on=True, sent=deque([sent]))
        await typed(app, pilot, "/scout")
        assert isinstance(app.screen, PageScreen)
        await pilot.press("escape")
        await typed(app, pilot, "/scout off")
        assert scout.on is False
        assert "nothing more is sent" in said(app)
        await typed(app, pilot, "/scout on")
        assert scout.on is True


async def test_what_was_sent_is_folded_between_words_and_the_key_that_closes_the_page_is_the_one_that_holds():
    app = app_over(changes=(), look=Look(keys={"page.close": "f9"}))
    prose = "Extraordinarily conscientious bookkeeping accompanies everything. " * 5
    async with app.run_test(size=(40, 30)) as pilot:
        await until(pilot, lambda: idle(app))
        sent = Sent(name="title", model="m", instructions=prose, text="the prompt", answer="{}")
        session_of(app).scout = SimpleNamespace(on=True, sent=deque([sent]))
        await typed(app, pilot, "/scout")
        await until(pilot, lambda: "The reviewer has" in text_of(app.screen.query_one("#page")))
        view = app.screen.query_one("#page")
        shown = [row.text.split() for block in view.blocks for row in block.lines(34)]
        assert {word for row in shown for word in row} >= set(prose.split())
        assert "F9 closes" in view.border_subtitle


def test_all_that_left_is_in_the_text_with_what_came_of_it():
    late = Sent(
        name="review", model="gpt-5.4-mini", instructions="Review.", text="the diff", outcome="late", seconds=180
    )
    text = in_words([late], on=False)
    assert "review to gpt-5.4-mini: late after 180.0 s" in text
    assert "the diff" in text
    assert "The scout is off" in text
    assert "Nothing was sent" in in_words([], on=True)


# the reviewer's remarks


def remark(hunk: str, severity: str = "minor", **more) -> Remark:
    fields = {"path": CART.path, "line": 19, "text": "looks [b]odd[/b]"} | more
    return Remark(severity=severity, hunk=hunk, **fields)  # type: ignore[arg-type]


def shown(review: Review, path: str = CART.path) -> str:
    file = next(file for file in review.files if file.path == path)
    return "\n".join(row.text for block in file_blocks(file, review)[0] for row in block.lines(90))


def test_a_remark_stands_at_its_hunk_as_the_reviewers_and_not_as_a_comment():
    review = Review(files=FILES, remarks=(remark(CART.hunks[0].id), remark(CART.hunks[1].id, "serious")))
    text = shown(review)
    assert "reviewer, minor: looks [b]odd[/b]" in text
    assert "reviewer, serious: " in text
    assert "comment: " not in text
    assert review.undecided == tuple(hunk.id for file in FILES for hunk in file.hunks)


def test_a_remark_on_no_hunk_stands_apart_at_the_head_of_its_file_or_of_the_first_one():
    review = Review(files=FILES, remarks=(remark("", line=3), remark("", path="gone.py", line=7, text="lost")))
    text = shown(review)
    assert "reviewer, minor: line 3: looks" in text
    assert "reviewer, minor: gone.py:7: lost" in text
    assert text.index("gone.py:7") < text.index("○")
    assert "reviewer" not in shown(review, FILES[1].path)


async def test_remarks_join_the_open_review_and_change_no_decision():
    app = app_over(review_first=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: idle(app) and app.pane.review.files)
        assert session_of(app).looks >= 1
        app.pane.diff.focus()
        await until(pilot, lambda: app.pane.open)
        await pilot.press("y")
        marks, place = app.pane.review.marks, app.pane.diff.place
        assert len(marks) == 1
        found = Remarked(
            model="gpt-5.4-mini", digest=contents_digest(FILES), remarks=(remark(CART.hunks[0].id), remark(""))
        )
        session_of(app).listener(found)
        await until(pilot, lambda: bool(app.pane.review.remarks))
        assert app.pane.review.marks == marks
        assert app.pane.diff.place.hunk == place.hunk
        heads = [block for block in app.pane.diff._blocks if isinstance(block, HunkHead)]
        assert [len(head.remarks) for head in heads if head.hunk.path == CART.path] == [1, 0]
        assert "reviewer: 2 remarks" in " ".join(text_of(app.query_one("#review-head")).split())
        await pilot.press("u")
        assert app.pane.review.marks == {}
        assert len(app.pane.review.remarks) == 2


async def test_remarks_on_what_is_not_shown_any_more_are_left_out():
    app = app_over(review_first=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: idle(app) and app.pane.review.files)
        session_of(app).listener(Remarked(model="m", digest="other", remarks=(remark("nowhere"), remark(""))))
        await pilot.pause()
        assert app.pane.review.remarks == ()


def test_the_chat_says_who_takes_what_and_what_a_reviewer_found():
    nano = Routed(role="scout", model="nano", effort="low", why="a bounded question")
    mini = Routed(role="worker", model="mini", effort="low", why="it comes to editing files", instead_of="nano")
    plain = Routed(role="worker", model="mini", effort="low", why="an edit")
    pointed = Pointed(paths=("a.py", "b.py", "c\nApproved."))
    texts = [[note.text for note in told(event)] for event in (nano, mini, plain, Named(title="x"), pointed)]
    assert texts == [
        ["scout nano: a bounded question"],
        ["mini takes over from nano: it comes to editing files"],
        [],
        [],
        ["the scout points to a.py, b.py, c␊Approved."],
    ]
    assert list(lines(pointed)) == [("dim", "  the scout points to a.py, b.py, c␊Approved.")]
    (none,) = told(Remarked(model="m", digest="d"))
    assert "nothing to say" in none.text
    assert (
        opinion(Explained(id="1", sentence="It sends keys.", by="reviewer", concern="serious"))
        == "WARNS: It sends keys."
    )
