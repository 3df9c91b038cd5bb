"""The chat: what happened so far as entries, and a live tail for what streams."""

from __future__ import annotations

from time import monotonic
from typing import Any, assert_never

from msgspec.structs import replace
from textual.timer import Timer

from assent_core.events import (
    AnyEvent,
    Asked,
    Attempted,
    Billed,
    Chosen,
    Committed,
    Decided,
    Digested,
    Drifted,
    Ended,
    Explained,
    Forked,
    Joined,
    Landed,
    Mistaken,
    Named,
    Noticed,
    Opened,
    Performed,
    Planned,
    Pointed,
    Printed,
    Prompted,
    Proposed,
    Relayed,
    Remarked,
    Retried,
    Rewound,
    Routed,
    Said,
    Staged,
    Texted,
    Thought,
    Undone,
    Verified,
)
from assent_core.model import Role
from assent_tui.chat.entries import Answer, Call, Entry, Level, Note, Reasoning, Request
from assent_tui.chat.reader import Reader
from assent_tui.chat.stream import Stream
from assent_tui.chat.telling import failure, opinion, told
from assent_tui.chat.workers import Worker, chosen
from assent_tui.keymap import keymap_of

_BEAT = 0.1
"""Seconds over which streamed pieces are gathered before they are shown."""
_OUTPUT_KEPT = 1 << 20
"""Characters of one command's output that the chat keeps."""


class Chat(Reader):
    """Reads events and shows them. It follows its end, unless the user scrolled away from it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._calls: dict[str, int] = {}
        self._workers: dict[str, int] = {}
        self._places: dict[str, int] = {}
        """Where each prompt stands, by the snapshot before it."""
        self._printed: dict[str, list[str]] = {}
        self._stream = Stream()
        self._stream_start = 0
        self._thought = ""
        self._thought_start = 0
        self._beat: Timer | None = None
        self._began: float | None = None
        self._spent: dict[Role, float] = {}

    def note(self, text: str, level: Level = "info", hint: str = "", detail: str = "") -> None:
        """Say something that is no event: the screen's own words."""
        self._put(Note(text=text, level=level, hint=hint, detail=detail))

    def quote(self, text: str, detail: str) -> None:
        """Show a text as it is, opened."""
        self._commit()
        self.append(Note(text=text, detail=detail, open=True, gap=True))

    def show(self, event: AnyEvent) -> None:
        """Show one event; what belongs to an earlier entry changes that."""
        match event:
            case Texted(delta=delta):
                self._feed(text=delta)
            case Thought(delta=delta):
                self._feed(thought=delta)
            case Printed():
                self._printed.setdefault(event.id, []).append(event.text)
                self._schedule()
            case Said(text=text):
                self._said(text)
            case Retried():
                self._void()
                said = f"{event.why}; asking again in {event.seconds:.0f} s (attempt {event.attempt})"
                self.note(f"{said}; {keymap_of(self).shown('app.step_back')} stops it", "warn")
            case Proposed() | Mistaken() | Decided() | Performed() | Digested():
                self._called(event)
            case Explained(by="reviewer"):
                self._change(event.id, judged=opinion(event))
            case Explained(id=id, sentence=sentence):
                self._change(id, explained=sentence)
            case Relayed() | Joined() | Attempted():
                self._relayed(event)
            case Chosen():
                self._put(chosen(event))
            case Billed(role=role, usd=usd):
                self._spent[role] = self._spent.get(role, 0.0) + (usd or 0.0)
            case Prompted(text=text):
                self._commit()
                self._began, self._spent = monotonic(), {}
                self._places[event.snapshot] = len(self)
                self.append(Request(text=text, gap=len(self) > 0))
            case Ended():
                self._ended(event)
            case Rewound(snapshot=snapshot):
                self._cut_off(snapshot)
                self._put(*told(event))
            case Opened():
                self._stop_unfinished()
                self._put(*told(event))
            case Drifted() | Verified() | Landed() | Undone() | Forked() | Committed() | Noticed():
                self._put(*told(event))
            case Routed() | Planned() | Named() | Pointed() | Remarked():
                self._put(*told(event))
            case Asked() | Staged():
                pass
            case _:
                assert_never(event)

    def _cut_off(self, snapshot: str) -> None:
        """Take away what came from a prompt on."""
        self._commit()
        if (place := self._places.pop(snapshot, None)) is not None:
            self.splice(place)
            self._calls = {id: index for id, index in self._calls.items() if index < place}
            self._workers = {name: index for name, index in self._workers.items() if index < place}

    def _relayed(self, event: Relayed | Joined | Attempted) -> None:
        """A worker beside: its first event begins an entry, all others change that."""
        what = event.of if isinstance(event, Relayed) else event
        name = f"attempt-{event.attempt}" if isinstance(event, Attempted) else event.by
        index = self._workers.get(name)
        if index is None or (isinstance(what, Routed) and self._is_done(index)):
            self._commit()
            attempt = 0 if isinstance(event, Joined) else event.attempt
            index = self.append(Worker(name=name, attempt=attempt, gap=self._gap(Worker)))
            self._workers[name] = index
        worker = self._blocks[index]
        if isinstance(worker, Worker) and (after := worker.after(what)) is not worker:
            self.replace(index, after)

    def _is_done(self, index: int) -> bool:
        worker = self._blocks[index]
        return not isinstance(worker, Worker) or worker.state != "working"

    def _ended(self, event: Ended) -> None:
        self._commit()
        self._printed.clear()
        self._stop_unfinished()
        self._put(*failure(event))
        if self._began is None:
            return
        seconds = monotonic() - self._began
        self._began = None
        parts = [event.how] + ([f"{seconds:.0f} s"] if seconds >= 1 else [])
        parts += [f"{role} ${usd:.4f}" for role, usd in self._spent.items()]
        self.append(Note(text=" · ".join(parts), level="cost"))

    def _stop_unfinished(self) -> None:
        """What was going on when all ended, or when a crash ended it, goes on no more."""
        for index in (*self._calls.values(), *self._workers.values()):
            entry = self._blocks[index]
            if isinstance(entry, Call | Worker) and entry.state in ("proposed", "running", "working"):
                self.replace(index, replace(entry, state="stopped"))

    def _put(self, *entries: Entry) -> None:
        """Put entries at the end, with a blank line above where they begin something else."""
        for entry in entries:
            self._commit()
            gap = self._gap(type(entry)) if entry.gap else False
            self.append(replace(entry, gap=gap))

    def _called(self, event: Proposed | Mistaken | Decided | Performed | Digested) -> None:
        self._commit()
        match event:
            case Proposed():
                self._begin(Call(id=event.id, proposal=event.proposal))
            case Mistaken():
                self._begin(Call(id=event.id, proposal=None, tool=event.tool, state="mistaken", output=event.message))
            case Decided(allowed=allowed):
                decided = (allowed, event.by, event.why, event.scope)
                self._change(event.id, decided=decided, state="running" if allowed else "refused")
            case Performed():
                printed = "".join(self._printed.pop(event.id, ()))
                self._change(
                    event.id,
                    state="ok" if event.ok else "failed",
                    code=event.code,
                    seconds=event.seconds,
                    denials=event.denials,
                    paths=event.paths,
                    output=(printed or event.told)[:_OUTPUT_KEPT],
                )
            case Digested(digest=digest):
                self._change(event.id, digest=digest)

    def _begin(self, call: Call) -> None:
        self._calls[call.id] = self.append(replace(call, gap=self._gap(Call)))

    def _change(self, id: str, **fields: Any) -> None:
        index = self._calls.get(id)
        call = self._blocks[index] if index is not None else None
        if index is not None and isinstance(call, Call):
            self.replace(index, replace(call, **fields))

    def _gap(self, kind: type[Entry]) -> bool:
        """Entries of one kind stand close together."""
        last = self._blocks[-1] if self._blocks else None
        if isinstance(last, Note) and last.level == "cost":
            return True
        return last is not None and not isinstance(last, kind)

    def _feed(self, text: str = "", thought: str = "") -> None:
        if text and not self._stream.began:
            self._end_thought()
            self._stream_start = len(self)
        self._stream.feed(text)
        if thought and not self._thought:
            self._thought_start = len(self)
        self._thought += thought
        self._schedule()

    def _schedule(self) -> None:
        if self._beat is None:
            self._beat = self.set_timer(_BEAT, self._flush)

    def _flush(self) -> None:
        """Show what was gathered: the finished parts of a stream once, its open end each time."""
        if self._beat is not None:
            self._beat.stop()
            self._beat = None
        if self._thought:
            self.splice(self._thought_start, Reasoning(text=self._thought, gap=self._thought_start > 0))
        if self._stream.pending:
            shown, finished, tail = self._stream.advance()
            parts = [Answer(text=text, gap=gap) for text, gap in (*finished, tail) if text]
            self.splice(self._stream_start + shown, *parts)
        for id, pieces in self._printed.items():
            self._printed[id] = ["".join(pieces)[-_OUTPUT_KEPT:]]
            self._change(id, output=self._printed[id][0])

    def _said(self, text: str) -> None:
        """The whole message: what was streamed stays if it is the same."""
        self._flush()
        if not self._stream.began:
            self._stream_start = len(self)
        if self._stream.text != text:
            whole = [Answer(text=text, gap=self._stream_start > 0)] if text.strip() else []
            self.splice(self._stream_start, *whole)
        last = self._blocks[-1] if len(self) > self._stream_start else None
        if isinstance(last, Answer):
            self._blocks[-1] = replace(last, whole=text)
        self._stream = Stream()

    def _commit(self) -> None:
        """Finish what streams as it stands."""
        self._flush()
        self._end_thought()
        self._stream = Stream()

    def _end_thought(self) -> None:
        if self._thought:
            self._flush()
            self._thought = ""

    def _void(self) -> None:
        self._flush()
        if self._stream.began:
            self.splice(self._stream_start)
        self._stream = Stream()
