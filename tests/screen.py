"""What the tests of the screen share: a session whose model is a list of events; its hunks and decisions are the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

from assent_core.consent.gate import Answer, Asker, Question
from assent_core.context.gauge import Room
from assent_core.diffs.changes import FileChange, digest, take_apart
from assent_core.diffs.review import Evidence, Review, outcomes, renew
from assent_core.errors import UsageError
from assent_core.events import (
    AnyEvent,
    Asked,
    Billed,
    Decided,
    Digested,
    Drifted,
    Ended,
    Landed,
    Noticed,
    Opened,
    Performed,
    Planned,
    Printed,
    Prompted,
    Proposed,
    Rewound,
    Routed,
    Said,
    Staged,
    Texted,
    Undone,
    Verified,
)
from assent_core.logs.digest import Digest
from assent_core.memory.marked import Marked
from assent_core.memory.past import Past
from assent_core.model import Usage
from assent_core.proposals import Patch, Read, Shell
from assent_sandbox.policy import Denial, Widening
from assent_sandbox.stage import Change, File
from assent_tui.chat.pane import Chat
from assent_tui.review.diff import Diff
from assent_tui.screen.app import AssentApp
from assent_tui.screen.panes import Panes
from resting import until

BEFORE = b'''"""A cart of things to buy."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 1


class Cart:
    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)

    def total(self):
        # the quantity is ignored
        return sum(item.price for item in self.items)

    def count(self):
        return len(self.items)

    def clear(self):
        self.items = []
'''
AFTER = BEFORE.replace(
    b"        # the quantity is ignored\n        return sum(item.price for item in self.items)\n",
    b"        return sum(item.price * item.quantity for item in self.items)\n",
).replace(b"        return len(self.items)\n", b"        return sum(item.quantity for item in self.items)\n")
CHANGES = (
    Change(path="src/cart.py", before=File(BEFORE), after=File(AFTER)),
    Change(
        path="tests/test_cart.py",
        before=None,
        after=File(b"from cart import Cart\n\n\ndef test_empty():\n    assert Cart().total() == 0\n"),
    ),
    Change(path="Makefile", before=File(b"test:\n\tpytest\n"), after=File(b"test:\n\tpytest -q\n")),
)

OPENED = Opened(
    session="s1", root="/home/me/shop", tier="overlay", branch="main", worker="gpt-5.4-mini", scout="gpt-5.4-nano"
)


FILES = ("README.md", "src/cart.py", "src/catalogue.py", "tests/test_cart.py")


class Notes:
    """A notebook in memory: `past` was sent in earlier sessions, `unsent` was not."""

    past: tuple[str, ...] = ()
    unsent = ""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.draft = ""

    def history(self) -> tuple[str, ...]:
        return self.past

    def left(self) -> str:
        return self.unsent

    def remember(self, text: str) -> None:
        self.sent.append(text)

    def keep(self, draft: str) -> None:
        self.draft = draft


class Marks:
    """Decisions that are kept in memory."""

    def __init__(self) -> None:
        self.kept = Marked()

    def keep(self, review: Review, told: str) -> None:
        self.kept = Marked(marks=review.marks, cuts=review.cuts, told=told)

    def left(self) -> Marked:
        return self.kept


class Scripted:
    """Does what `turns` say, one after the other; a callable in a turn is awaited with the asker."""

    def __init__(self, asker: Asker, turns: Sequence[Sequence[object]], changes: Sequence[Change] = CHANGES) -> None:
        self.opened = OPENED
        self.past = Past()
        self.asker = asker
        self.turns = [list(turn) for turn in turns]
        self.changes = tuple(changes)
        self.asked: list[str] = []
        self.notes: list[str] = []
        self.images: list[tuple[Path, ...]] = []
        self.notebook = Notes()
        self.marks = Marks()
        self.landed: list[Review] = []
        self.verified: list[tuple[str, ...]] = []
        self.interrupted = 0
        self.plan = ""
        self.looks = 0
        self.listener: Callable[[AnyEvent], None] = lambda _: None
        self.closed = False
        self.evidence: tuple[Evidence, ...] = ()
        self.land_error: Exception | None = None

    async def files(self) -> tuple[str, ...]:
        return FILES

    def listen(self, listener: Callable[[AnyEvent], None]) -> None:
        self.listener = listener

    def second_look(self) -> None:
        self.looks += 1

    async def make_plan(self, wish: str, images: tuple[Path, ...] = ()) -> AsyncGenerator[AnyEvent]:
        self.asked.append(f"/plan {wish}")
        self.plan = "1. Multiply in src/cart.py:19.\n\nVerify: make test"
        yield Prompted(turn=1, text=wish)
        yield Said(text=self.plan)
        yield Planned(text=self.plan)
        yield Ended(turn=1, how="done")

    async def carry_out(self, plan: str) -> AsyncGenerator[AnyEvent]:
        self.asked.append(f"/go {plan}")
        self.plan = ""
        yield Planned(text=plan, how="begun")
        yield Prompted(turn=2, text=plan)
        yield Said(text="Carried out.")
        yield Ended(turn=2, how="done")

    def drop_plan(self) -> Planned:
        dropped, self.plan = Planned(text=self.plan, how="dropped"), ""
        return dropped

    def context(self) -> Room:
        return Room(
            model="gpt-5.4-mini", used=5000, limit=272_000, parts=(("user", 4000), ("calls", 1000)), counted=True
        )

    async def compact(self) -> AsyncGenerator[AnyEvent]:
        yield Noticed(text="The context was compacted from about 5,000 to 2,000 tokens.")
        yield Ended(turn=0, how="done")

    async def turn(self, prompt: str, images: tuple[Path, ...] = ()) -> AsyncGenerator[AnyEvent]:
        self.asked.append(prompt)
        self.images.append(images)
        yield Prompted(turn=len(self.asked), text=prompt, snapshot=str(len(self.asked)))
        try:
            for step in self.turns.pop(0) if self.turns else ():
                if callable(step):
                    async for event in step(self):
                        yield event
                else:
                    yield step  # type: ignore[misc]
        except (asyncio.CancelledError, GeneratorExit):
            self.interrupted += 1
            raise
        yield Ended(turn=len(self.asked), how="done")

    async def run(self, command: tuple[str, ...]) -> AsyncGenerator[AnyEvent]:
        self.asked.append(f"! {command}")
        yield Proposed(id="own", proposal=Shell(command=" ".join(command)))
        yield Decided(id="own", allowed=True, by="user", why="you typed it")
        yield Performed(id="own", ok=True, told="hello\n", code=0)
        yield Ended(turn=0, how="done")

    async def verify(self, review: Review, command: tuple[str, ...]) -> AsyncGenerator[AnyEvent]:
        self.verified.append(command)
        seen = digest(tuple((o.path, o.landed) for o in outcomes(review) if o.landed != o.before))
        evidence = Evidence(command=" ".join(command), code=0, digest=seen, summary="4 passed")
        self.evidence += (evidence,)
        yield Verified(evidence=evidence)
        yield Ended(turn=0, how="done")

    async def review(self, earlier: Review | None = None) -> tuple[Review, Drifted | None]:
        files = tuple(take_apart(change) for change in self.changes)
        return replace(renew(earlier or Review(), files), evidence=self.evidence), None

    async def land(self, review: Review) -> Landed:
        if self.land_error:
            raise self.land_error
        made = [outcome for outcome in outcomes(review) if outcome.landed != outcome.before]
        if not made:
            raise UsageError(
                "Nothing is accepted, so there is nothing to land.", "Accept a hunk with y, or all with A."
            )
        self.landed.append(review)
        verdicts = [review.mark(hunk.id).verdict for file in review.files for hunk in file.hunks]
        self.changes = tuple(
            Change(path=o.path, before=o.landed, after=o.staged) for o in outcomes(review) if o.landed != o.staged
        )
        return Landed(
            landing="l1",
            paths=tuple(o.path for o in made),
            hunks=verdicts.count("accepted"),
            left=verdicts.count("undecided"),
        )

    async def take_back(self, review: Review) -> int:
        self.changes = tuple(
            Change(path=o.path, before=o.before, after=o.staged) for o in outcomes(review) if o.before != o.staged
        )
        return len(review.rejected)

    def amend(self, shown: FileChange, entry: File) -> None:
        found = [change for change in self.changes if change.path == shown.path and change.after == shown.after]
        assert found
        self.changes = tuple(replace(change, after=entry) if change in found else change for change in self.changes)

    async def undo(self) -> Undone:
        return Undone(landing="l1", paths=("src/cart.py",))

    def note_for_model(self, text: str) -> None:
        if text:
            self.notes.append(text)

    def prompts(self) -> tuple[Prompted, ...]:
        return tuple(Prompted(turn=at, text=text, snapshot=str(at)) for at, text in enumerate(self.asked, 1))

    async def rewind(self, snapshot: str) -> Rewound:
        text = self.asked[int(snapshot) - 1]
        del self.asked[int(snapshot) - 1 :]
        return Rewound(snapshot=snapshot, text=text, landed=("src/cart.py",))

    async def fork(self, snapshot: str = "") -> str:
        return f"fork-{snapshot}"

    async def close(self) -> None:
        self.closed = True


WORK: tuple[AnyEvent, ...] = (
    Routed(role="worker", model="gpt-5.4-mini", effort="medium", why="an edit"),
    Asked(role="worker", model="gpt-5.4-mini", step=1),
    Texted(delta="I'll look at the failing test "),
    Texted(delta="first."),
    Said(text="I'll look at the failing test first."),
    Proposed(id="1", proposal=Read(path="src/cart.py", lines=40)),
    Decided(id="1", allowed=True, by="walls", why=""),
    Performed(id="1", ok=True, told="     1\tclass Cart: ..."),
    Proposed(id="2", proposal=Shell(command="python -m pytest -q")),
    Decided(id="2", allowed=True, by="walls", why=""),
    Printed(id="2", text="F..F\n=== FAILURES ===\n"),
    Performed(id="2", ok=False, told="F..F", code=1, seconds=0.42),
    Digested(
        id="2",
        digest=Digest(
            failure="test",
            lines=("E   assert 12.0 == 24.0",),
            failing=("tests/test_cart.py::test_total", "tests/test_cart.py::test_count"),
            summary="pytest: 2 failed, 2 passed",
        ),
    ),
    Billed(
        role="worker",
        model="gpt-5.4-mini",
        usage=Usage(5000, 4000, 300),
        usd=0.0024,
        prices="openai-2026-06",
        total=0.0024,
        scout=0.0,
        context=0.02,
    ),
    Proposed(id="3", proposal=Shell(command="curl https://example.net/simple", reason="to look for a newer version")),
    Decided(id="3", allowed=True, by="walls", why=""),
    Performed(
        id="3",
        ok=False,
        told="denied",
        code=6,
        seconds=0.1,
        denials=(
            Denial(
                kind="network",
                target="example.net:443",
                certainty="sure",
                why="no network on the stage",
                widening=Widening("network"),
            ),
        ),
    ),
    Proposed(
        id="4",
        proposal=Patch(
            text="*** Begin Patch\n*** Update File: src/cart.py\n@@\n-a\n+b\n*** Update File: tests/test_cart.py\n*** End Patch"
        ),
    ),
    Decided(id="4", allowed=True, by="walls", why=""),
    Performed(id="4", ok=True, told="ok", paths=("src/cart.py",)),
    Staged(paths=("src/cart.py", "tests/test_cart.py", "Makefile"), added=9, removed=5),
    Said(
        text="The total ignored the **quantity**. Now:\n\n- `total()` multiplies the price by it\n- `count()` counts pieces\n\n"
        "```python\ndef total(self):\n    return sum(item.price * item.quantity for item in self.items)\n```\n"
    ),
    Billed(
        role="scout",
        model="gpt-5.4-nano",
        usage=Usage(800, 0, 60),
        usd=0.0002,
        prices="openai-2026-06",
        total=0.0026,
        scout=0.0002,
    ),
)

QUESTION = Question(
    id="q1",
    proposal=Shell(command="pip install 'requests>=2' && python -m pytest -q", reason="the tests need requests"),
    reach=(Widening("network"),),
    tier="overlay",
    effects=("opens the network to this command: it could send anything that the stage can read",),
    why="a reach into the network asks (built-in rule)",
    scopes=(
        ("once", "this command, now"),
        ("task", "until this task ends: use the network"),
        ("session", "for this session, at most 12 hours: use the network"),
    ),
)


async def ask(session: Scripted) -> AsyncGenerator[AnyEvent]:
    """A step of a turn: put the question and tell what came of it."""
    yield Proposed(id="q", proposal=QUESTION.proposal, reach=QUESTION.reach)
    answer: Answer = await session.asker.ask(QUESTION)
    yield Decided(id="q", allowed=answer.yes, by="user", why=answer.reason, scope=answer.scope)


async def wait(session: Scripted) -> AsyncGenerator[AnyEvent]:
    """A step of a turn that never ends."""
    await asyncio.Event().wait()
    yield Said(text="never")


class ChatAlone(App[None]):
    """A conversation, and nothing around it."""

    def compose(self):
        yield Chat(id="chat")

    @property
    def chat(self) -> Chat:
        return self.query_one(Chat)


def app_over(
    *turns: Sequence[object],
    changes: Sequence[Change] = CHANGES,
    error: Exception | None = None,
    **options: object,
) -> AssentApp:
    """An app over a scripted session, which is `session_of(app)` once it is open."""

    async def open(asker: Asker) -> Scripted:
        if error:
            raise error
        return Scripted(asker, turns, changes)

    return AssentApp(open, **options)  # type: ignore[arg-type]


def session_of(app: AssentApp) -> Scripted:
    assert app.jobs is not None
    return app.jobs.session  # type: ignore[return-value]


async def reviewing(pilot: Pilot[int]) -> AssentApp:
    """Let a turn end, and go to the review, whose keys count."""
    app = pilot.app
    assert isinstance(app, AssentApp)
    await until(pilot, lambda: app.query(Diff) and app.pane.review.files)
    if not app.pane.has_focus_within:
        await pilot.press("f2")
    await until(pilot, lambda: app.query(Diff) and app.pane.diff.has_focus and app.query_one(Panes).guard.open)
    await pilot.pause()
    return app


def text_of(widget: Widget) -> str:
    """What a widget shows."""
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))


def said(app: AssentApp) -> str:
    """All that the chat holds, seen or not."""
    if not app.query(Chat):
        return ""
    return "\n".join(line.text for block in app.chat.blocks for line in block.lines(100))
