"""Workers beside: one entry each, which opens to what it did; the lines that one-shot commands print of them."""

from assent_core.events import Attempted, Chosen, Decided, Joined, Performed, Proposed, Relayed, Routed, Said
from assent_core.proposals import Shell
from assent_sandbox.policy import Denial
from assent_sandbox.stage import Moved
from assent_tui.chat.workers import Worker
from assent_tui.commands.printer import lines
from assent_tui.commands.tally import Tally

DENIED = Denial(kind="network", target="example.org", certainty="sure", why="no network")
WORK = (
    Routed(role="worker", model="gpt-5.4-nano", effort="low", why="narrow"),
    Proposed(id="a/1", proposal=Shell(command="make all")),
    Performed(id="a/1", ok=False, told="", code=2, seconds=1.5, denials=(DENIED,)),
    Said(text="It is \x1b[31mmade.\nAll of it."),
)


def shown(worker: Worker, width: int = 78) -> str:
    return "\n".join(row.text for row in worker.body(width))


def worked(*more: object) -> Worker:
    worker = Worker(name="parser")
    for event in (*WORK, *more):
        worker = worker.after(event)
    return worker


def test_a_worker_is_one_row_and_what_was_denied_to_it():
    rows = shown(worked()).split("\n")
    assert rows[0].startswith("▸ parser … It is ")
    assert rows[1].strip().startswith("⊘ DENIED network: example.org")
    assert len(rows) == 2


def test_opened_it_shows_all_that_it_did_and_nothing_that_acts_on_a_terminal():
    text = shown(Worker(**{**{f: getattr(worked(), f) for f in Worker.__struct_fields__}, "open": True}))
    assert all(piece in text for piece in ("gpt-5.4-nano: narrow", "$ make all", "exit 2 · 1.5 s", "All of it."))
    assert "\x1b" not in text


def test_a_conflict_is_in_sight_and_the_row_says_how_it_ended():
    moved = (Moved(path="a.py", how="conflict", why="the same lines"),)
    joined = Joined(
        by="parser", how="done", answer="Made.", usd=0.5, seconds=9, paths=("a.py",), moved=moved, kept="/k"
    )
    text = shown(worked(joined))
    assert text.startswith("▸ parser ✓ Made.  9 s · $0.5000")
    assert "CONFLICT a.py: the same lines" in text


def test_no_row_is_wider_than_the_pane():
    joined = Joined(by="p", how="failed", answer="x" * 500, usd=0.5, seconds=9, paths=("a.py",) * 40)
    for width in (20, 40, 80):
        assert all(len(row) <= width for row in shown(worked(joined), width).split("\n"))


def said(event: object) -> list[str]:
    return [text for _, text in lines(event)]


def test_an_attempt_is_printed_as_one_line_but_for_what_was_refused_or_denied():
    assert [said(Relayed(by="attempt-2", attempt=2, of=event)) for event in WORK] == [
        [], [], ["[attempt-2] denied: network example.org (no network)"], [],
    ]  # fmt: skip
    refused = Decided(id="1", allowed=False, by="user", why="no")
    assert said(Relayed(by="attempt-2", attempt=2, of=refused)) == ["[attempt-2] refused by you: no"]
    passed = Attempted(attempt=2, how="passed", summary="2 passed", usd=0.01, seconds=31, added=12, removed=3)
    assert said(passed) == ["attempt 2 passed: 2 passed (+12 -3, 31 s, $0.0100)"]
    assert said(Chosen(attempt=2, of=3, passed=True, usd=0.03)) == ["attempt 2 goes on; all 3 attempts cost $0.0300"]


def test_a_part_of_the_task_is_printed_with_its_name():
    assert said(Relayed(by="parser", of=WORK[1])) == ["[parser] $ make all"]


def test_the_summary_has_what_was_denied_and_refused_to_any_worker_and_which_attempt_it_is_of():
    tally = Tally()
    refused = Decided(id="1", allowed=False, by="user", why="no")
    for event in (*WORK, refused):
        tally.add(Relayed(by="attempt-2", attempt=2, of=event))
    tally.add(Chosen(attempt=2, of=3, passed=True))
    summary = tally.summary("landed", 0)
    assert summary.denials == (DENIED,)
    assert [(each.by, each.why) for each in summary.refusals] == [("user", "no")]
    assert (summary.attempt, summary.attempts) == (2, 3)
