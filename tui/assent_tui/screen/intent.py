"""Tells keys that are meant from letters of a sentence: what is typed as text goes to the prompt, and decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from textual import events

from assent_tui.keymap import Keymap
from assent_tui.paint.guard import BURST


class Place(Protocol):
    """Whoever has the keys and acts on single letters. What it does on a key can be taken back until it is settled."""

    @property
    def heard(self) -> tuple[str, ...]:
        """The places of the table of keys that are heard here."""
        ...

    @property
    def patience(self) -> float:
        """How much longer than the pace a letter waits for the next one, as a factor."""
        ...

    def hold(self) -> None:
        """What is decided from here on may be taken back; nothing of it leaves the place before it is settled."""
        ...

    def settle(self) -> None:
        """What was decided since was meant."""
        ...

    def take_back(self) -> None:
        """What was decided since was the beginning of a sentence: it never happened."""
        ...


class Harmless(Struct, frozen=True):
    """A place whose letters decide nothing, so that there is nothing to take back."""

    heard: tuple[str, ...]
    patience: float = 1.0

    def hold(self) -> None:
        """Nothing happens."""

    def settle(self) -> None:
        """Nothing happens."""

    def take_back(self) -> None:
        """Nothing happens."""


class Letter(Struct, frozen=True):
    """One printable key: when it came (in seconds of any clock), whether it means something here, and only looks."""

    char: str
    at: float
    known: bool
    looks: bool = False


class Sentence:
    """The letters of the last moment; pure.

    A letter that means nothing here is text at once, and so are those just before it. A letter that decides is text if
    another one follows within the pace, and so are several letters before Enter; but a key that is pressed twice, or held
    down, stays a key, and so does one after a key that only looks.
    """

    def __init__(self) -> None:
        self._run: list[Letter] = []

    @property
    def begun(self) -> bool:
        """Whether the next letter makes a sentence of those before it: the last one does not only look."""
        return bool(self._run) and not self._run[-1].looks

    @property
    def is_word(self) -> bool:
        """Whether several letters wait, as of a word."""
        return len({one.char for one in self._run}) > 1

    def ends(self, letter: Letter, pace: float) -> bool:
        """Whether those before were keys, whatever this one is: it comes late, or the key is held down."""
        if not self._run:
            return False
        return abs(letter.at - self._run[-1].at) >= pace or [one.char for one in self._run[-2:]] == [letter.char] * 2

    def take(self, letter: Letter) -> str:
        """Hear a letter; the text that it makes with those before it, or nothing while it may be a key."""
        if not letter.known or (self._run and _continues(self._run[-1], letter)):
            text = "".join(one.char for one in (*self._run, letter))
            self.forget()
            return text
        self._run.append(letter)
        return ""

    def forget(self) -> str:
        """Whatever came so far was meant; gives its letters."""
        text = "".join(one.char for one in self._run)
        self._run.clear()
        return text


def _continues(last: Letter, letter: Letter) -> bool:
    """Whether a letter makes a sentence with the one before it."""
    if last.char == letter.char:
        return not last.looks and letter.at - last.at < BURST
    if letter.at - last.at < BURST:
        return True
    return not last.looks and (letter.char.isalnum() or letter.char == " ")


class Intent:
    """Hears the keys of places that act on letters before they do, and writes what is text.

    `write` puts a text into the prompt and gives it the keys; `later` calls a function after some seconds, behind all that
    was typed meanwhile.
    """

    def __init__(self, write: Callable[[str], None], later: Callable[[float, Callable[[], None]], object]) -> None:
        self._write = write
        self._later = later
        self.pace = 0.4
        """Seconds within which a second letter makes a sentence of the first; people type one in 0.24 s at the mean."""
        self._sentence = Sentence()
        self._place: Place | None = None
        self._last = 0.0
        self._turn = 0

    def takes(self, event: events.Key | events.Paste, place: Place | None, keymap: Keymap) -> bool:
        """Hear what is typed, in a place that acts on letters or elsewhere; says whether it has had its effect.

        A paste has not: its way to the prompt is only cleared.
        """
        place = self.continues(event.time) or place
        if isinstance(event, events.Paste):
            if place is not None:
                self.write(self._sentence.forget())
            return False
        if not event.is_printable or event.character is None:
            return self._key(event.time, sends=event.key in keymap.of("prompt.send"))
        if place is None:
            return False
        meaning = keymap.meanings(place.heard)
        known, looks = event.key in meaning, meaning.get(event.key, False)
        return self._letter(place, Letter(event.character, event.time, known, looks))

    def continues(self, at: float) -> Place | None:
        """Where the letters were typed of which the next one still makes a sentence, also if they opened a field for it."""
        return self._place if self._soon(at) and self._sentence.begun else None

    def _soon(self, at: float) -> bool:
        return self._place is not None and abs(at - self._last) < self.pace * self._place.patience

    def _letter(self, place: Place, letter: Letter) -> bool:
        """Hear a letter in a place; says whether it was text, which stands in the prompt then."""
        pace = self.pace * place.patience
        if self._sentence.ends(letter, pace):
            self.settle()
        if self._place is None:
            place.hold()
            self._place = place
        self._last = letter.at
        if text := self._sentence.take(letter):
            self.write(text)
            return True
        self._turn += 1
        self._later(pace, lambda turn=self._turn: self._settle_after(turn))
        return False

    def _key(self, at: float, *, sends: bool) -> bool:
        """Hear a key that is no letter; says whether it has had its effect: it came with the letter before it, as in a paste.

        A key that `sends` makes a sentence of several letters just before it, and then sends it.
        """
        soon = self._soon(at)
        if soon and self._sentence.is_word and sends:
            self.write(self._sentence.forget())
        elif soon and abs(at - self._last) < BURST:
            self.write(self._sentence.forget())
            return True
        else:
            self.settle()
        return False

    def write(self, text: str) -> None:
        """Write a text that was typed in a place that acts on letters; what they did there is taken back."""
        place, self._place = self._place, None
        self._sentence.forget()
        if place is not None:
            place.take_back()
        self._write(text)

    def settle(self) -> None:
        """What was typed so far was meant."""
        place, self._place = self._place, None
        self._sentence.forget()
        if place is not None:
            place.settle()

    def _settle_after(self, turn: int) -> None:
        if turn == self._turn:
            self.settle()
