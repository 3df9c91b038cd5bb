"""The events of a turn as their readers may see them: without secrets, also where one comes in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assent_core.events import (
    AnyEvent,
    Billed,
    Digested,
    Explained,
    Named,
    Noticed,
    Printed,
    Remarked,
    Retried,
    Said,
    Texted,
    Thought,
)
from assent_core.redaction.redactor import Flow, by_words
from assent_core.redaction.values import redacted


class Telling:
    """Gives events on; what streams is held back to the end of a word, and given on at the latest before what follows it."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._texts = Flow(redact, by_words)
        self._thoughts = Flow(redact, by_words)

    def __call__(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """What readers get of an event: nothing, itself, or what was held back before it."""
        match event:
            case Texted(delta=delta):
                yield from self._thought(self._thoughts.end())
                yield from self._texted(self._texts.feed(delta))
            case Thought(delta=delta):
                yield from self._texted(self._texts.end())
                yield from self._thought(self._thoughts.feed(delta))
            case Printed():
                yield event
            case Digested() | Explained() | Billed() | Named() | Remarked() | Noticed():
                yield redacted(event, self._redact)
            case _:
                if isinstance(event, Said | Retried):
                    self._texts.drop()
                yield from self._thought(self._thoughts.end())
                yield from self._texted(self._texts.end())
                yield redacted(event, self._redact)

    def _texted(self, text: str) -> Iterator[AnyEvent]:
        if text:
            yield Texted(delta=text)

    def _thought(self, text: str) -> Iterator[AnyEvent]:
        if text:
            yield Thought(delta=text)
