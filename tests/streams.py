"""Random streams of what reaches the screen: sentences, single keys, pastes, resizes, questions; and what must hold after each.

A sentence is typed at the speed of a hand, and has a letter that no place knows, or two that decide. A single key has time
before and after it. Nothing is granted, landed or decided but by single keys in the place where they decide, nothing is
decided that was not on the screen, and each sentence stands whole in the prompt or was sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Literal

from hypothesis import strategies as st
from msgspec import Struct
from textual import events
from textual.css.query import NoMatches

from assent_core.events import AnyEvent, Decided, Proposed
from assent_tui.consent.card import ConsentCard
from assent_tui.paint.guard import Guard
from assent_tui.prompt.box import Prompt
from resting import until
from screen import QUESTION, WORK, Scripted, app_over, session_of

Kind = Literal["sentence", "key", "paste", "lines", "resize", "ask"]
NAMES = {
    " ": "space",
    "/": "slash",
    ",": "comma",
    ".": "full_stop",
    "?": "question_mark",
    "\r": "enter",
    "!": "exclamation_mark",
}
DECIDING = "yntspraAlucLveESV"
"""Letters that mean something in the review or on a card, and more than to look."""
WORDS = (
    "yes",
    "no",
    "please wait",
    "All good. Land it",
    "ALL good, thanks",
    "land",
    "try again",
    "please",
    "server",
    "nothing",
)
KEYS = (
    *"yyynntspaAlL",
    "enter",
    "enter",
    "f2",
    "escape",
    "tab",
    "down",
    "up",
    "pagedown",
    "home",
    "home",
    "end",
    "end",
    "j",
    "k",
)
SIZES = ((80, 24), (120, 40), (60, 18), (140, 50))


class Step(Struct, frozen=True):
    """One thing that reaches the screen; `gap` is the time between the letters of a sentence."""

    kind: Kind
    text: str = ""
    gap: float = 0.15
    size: tuple[int, int] = (80, 24)


def sentences() -> st.SearchStrategy[str]:
    """What somebody types: known words, or letters of which the first two decide, with a sign at the end that no place knows."""
    pairs = st.tuples(st.sampled_from(DECIDING), st.sampled_from(DECIDING)).filter(lambda pair: pair[0] != pair[1])
    tails = st.text(st.sampled_from("yntspraAlL ejko"), max_size=6)
    made = st.builds(lambda pair, tail: "".join(pair) + tail, pairs, tails)
    return st.builds(lambda text: f"{text}.", st.one_of(st.sampled_from(WORDS), made))


def steps() -> st.SearchStrategy[Step]:
    """One step."""
    sentence = st.builds(Step, st.just("sentence"), sentences(), st.floats(0.02, 0.27))
    key, go = st.builds(Step, st.just("key"), st.sampled_from(KEYS)), st.just(Step("key", "f2"))
    return st.one_of(
        *(sentence, sentence, key, key, key, go, go, go, st.just(Step("ask"))),
        st.builds(Step, st.just("paste"), st.sampled_from(("yes\nALL", "y", "Land it\n", "p"))),
        st.builds(Step, st.just("lines"), st.sampled_from(("yes\rALL", "Ly\rA", "pt\rs"))),
        st.builds(Step, st.just("resize"), size=st.sampled_from(SIZES)),
        st.just(Step("ask")),
    )


STREAMS = st.lists(steps(), min_size=4, max_size=14)


class Screen:
    """An app over a scripted session in which a clock is turned by hand."""

    def __init__(self) -> None:
        self.granted: list[str] = []
        self.typed: list[str] = []
        self.app = app_over(WORK, *([self._ask] for _ in range(20)), prompt="go")
        self._later: list[Callable[[], None]] = []
        self._now = 0.0
        self._clock = 1e6
        self.app._card_guard = Guard(lambda: self._now)
        self.app._panes.guard = Guard(lambda: self._now)
        for waiting in (self.app._intent, self.app._prompt):
            waiting._later = lambda _, act: self._later.append(act)

    async def _ask(self, session: Scripted) -> AsyncGenerator[AnyEvent]:
        yield Proposed(id="q", proposal=QUESTION.proposal, reach=QUESTION.reach)
        answer = await session.asker.ask(QUESTION)
        if answer.yes:
            self.granted.append(answer.scope)
        yield Decided(id="q", allowed=answer.yes, by="user", why=answer.reason, scope=answer.scope)

    async def play(self, stream: list[Step]) -> None:
        """Let all of it reach the screen; AssertionError where something happens that must not."""
        async with self.app.run_test(size=(120, 40)) as pilot:
            self.pilot = pilot
            await until(
                pilot, lambda: self.app.query("#review") and self.app.pane.review.files and self.app.job is None
            )
            for step in stream:
                await self._pass()
                before = self._standing()
                await self._take(step)
                await self._pass()
                self._judge(step, before)
                if not self.app.is_running or self.app._exit:
                    return

    async def _take(self, step: Step) -> None:
        match step.kind:
            case "sentence":
                self.typed.append(step.text)
                self._type(step.text, step.gap)
            case "key":
                await self._press(step.text)
            case "paste":
                self.typed.append(step.text)
                self.app.post_message(events.Paste(step.text))
            case "lines":
                self.typed.append(step.text.replace("\r", "\n"))
                self._type(step.text, 0.0)
            case "resize":
                await self.pilot.resize_terminal(*step.size)
            case "ask" if self.app.job is None and self.app.jobs is not None:
                self.app.start("working", self.app.jobs.turn("more", self.app.pane.review))
                await until(self.pilot, lambda: self._card.question is not None)
            case _:
                pass

    @property
    def _card(self) -> ConsentCard:
        return self.app.query_one(ConsentCard)

    def _type(self, text: str, gap: float) -> None:
        self._clock += 10
        for at, character in enumerate(text):
            self._clock += gap if at else 0
            self._post(NAMES.get(character, character), character)

    async def _press(self, key: str) -> None:
        self._clock += 10
        self._post(key, key if len(key) == 1 else "\r" if key == "enter" else None)

    def _post(self, key: str, character: str | None) -> None:
        event = events.Key(key, character)
        event.time = self._clock
        self.app.post_message(event)

    async def _pass(self) -> None:
        """Some time goes by in which nobody types; whatever waits for that is done."""
        await until(self.pilot, lambda: not self.app._typed and not self.app._hearing)
        while self._later:
            later, self._later = self._later, []
            for act in later:
                act()
            await self.pilot.pause()
        self._now += 5
        self._card._try_to_arm()
        await self.pilot.pause()
        with suppress(NoMatches):
            self._card._say()

    def _standing(self) -> Standing:
        app, pane = self.app, self.app.pane
        diff = pane.diff
        place = "card" if self._card.has_focus else "review" if app._panes.reviewing else ""
        seen = (
            frozenset(where.hunk for where in diff._places if diff._shows(where)) if diff.size.height else frozenset()
        )
        return Standing(
            place=place,
            writing=pane.field.taken or isinstance(app.focused, Prompt) or bool(self._card.query("Input")),
            seen=seen,
            here=diff.place.hunk if diff.place else "",
            marks=dict(pane.review.marks),
            landed=len(session_of(app).landed),
            granted=len(self.granted),
            marked=self._card._state.marked or "",
            landing=pane._landing is not None,
            taken=self._written(),
        )

    def _written(self) -> str:
        """All that was sent and what stands in the prompt, without blanks."""
        app = self.app
        held = [*session_of(app).asked, *app._queue, app._prompt.whole]
        fields = [str(field.value) for field in app.query("Input")]
        return "".join("".join((*held, *fields)).split())

    def _judge(self, step: Step, before: Standing) -> None:
        after = self._standing()
        key = step.text if step.kind == "key" and not before.writing else ""
        if after.granted > before.granted:
            marked = key == "enter" and before.marked
            assert before.place == "card", f"a grant from {before.place or 'the prompt'} by {step}"
            assert key == "y" or marked, f"a grant by {step}"
        if after.landed > before.landed:
            assert (before.place, key, before.landing) == ("review", "enter", True), f"a landing by {step}"
        changed = {hunk for hunk, _ in before.marks.items() ^ after.marks.items()}
        if changed and after.landed == before.landed:
            assert before.place == "review", f"a decision from {before.place or 'the prompt'} by {step}"
            assert key in tuple("ynaAlu"), f"a decision by {step}"
            if key in tuple("yn"):
                assert changed <= before.seen, f"{step} decided what was not seen"
        if step.kind in ("sentence", "paste", "lines") and not before.writing:
            assert "".join(step.text.split()) in after.taken, f"{step} is lost: {after.taken!r}"


class Standing(Struct, frozen=True, kw_only=True):
    """How things stand between two steps."""

    place: str
    writing: bool
    seen: frozenset[str]
    here: str
    marks: dict[str, object]
    landed: int
    granted: int
    marked: str
    landing: bool
    taken: str


async def judged(stream: list[Step]) -> None:
    """Play one stream."""
    await Screen().play(stream)
