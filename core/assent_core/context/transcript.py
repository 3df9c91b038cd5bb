"""What the model has seen: items that are only added to until they are compacted, so that each request extends the last."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path

from assent_core.errors import UsageError
from assent_core.model import WireItem
from assent_core.redaction.values import redacted_item
from assent_core.tools import output_item

CALLS = ("function_call", "custom_tool_call")


def user_item(text: str, images: Iterable[str] = ()) -> WireItem:
    """A message of the user; images are data URLs."""
    content: list[dict[str, str]] = [{"type": "input_text", "text": text}]
    content += [{"type": "input_image", "image_url": image, "detail": "auto"} for image in images]
    return {"type": "message", "role": "user", "content": content}


IMAGE = 5 << 20
"""Largest image in bytes that is sent to a model."""

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def image_url(path: str, data: bytes) -> str:
    """An image as a data URL; empty for what is no image that models take, or too large."""
    kind = mimetypes.guess_type(path)[0]
    if kind not in IMAGES or len(data) > IMAGE:
        return ""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def pictures(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Image files as data URLs; UsageError for what is none."""
    urls: list[str] = []
    for path in paths:
        try:
            url = image_url(path.name, path.read_bytes())
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}", "Name an image file.") from error
        if not url:
            raise UsageError(f"{path} is no PNG, JPEG, GIF or WebP under 5 MiB.", "Convert it or make it smaller.")
        urls.append(url)
    return tuple(urls)


def text_of(item: WireItem) -> str:
    """The text of a message item of the model, refusals included; empty for any other item."""
    if item.get("type") != "message" or not isinstance(parts := item.get("content"), list):
        return ""
    texts: list[str] = []
    for part in parts:  # pyright: ignore[reportUnknownVariableType] # JSON from the wire
        if isinstance(part, dict):
            text = part.get("text") or part.get("refusal")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            texts.append(str(text or ""))  # pyright: ignore[reportUnknownArgumentType]
    return "".join(texts)


class Transcript:
    """The items of one conversation. Every call in it has an answer before the next request is made.

    `keep` is told of each change: from which place on the items are now these. `items` are those of an earlier process.
    `redact` takes secrets out of whatever is added, once: what was added goes back to the service unchanged.
    """

    def __init__(
        self,
        keep: Callable[[int, list[WireItem]], None] = lambda _at, _items: None,
        items: Iterable[WireItem] = (),
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._keep = keep
        self._redact = redact
        self._items: list[WireItem] = list(items)
        answered = {str(item.get("call_id")) for item in self._items if str(item.get("type")).endswith("_output")}
        calls = {str(item.get("call_id")): item for item in self._items if item.get("type") in CALLS}
        self._open = {id: call for id, call in calls.items() if id not in answered}

    @property
    def items(self) -> tuple[WireItem, ...]:
        """All items in the order of the wire."""
        return tuple(self._items)

    def say(self, text: str, images: Iterable[str] = ()) -> None:
        """Add a message of the user."""
        self._append(user_item(text, images))

    def add(self, item: WireItem) -> None:
        """Add an output item of the model as it came."""
        self._append(item)
        if item.get("type") in CALLS:
            self._open[str(item.get("call_id"))] = item

    def answer(self, call: WireItem, told: str, images: tuple[str, ...] = ()) -> None:
        """Answer a call."""
        if self._open.pop(str(call.get("call_id")), None) is not None:
            self._append(output_item(call, told.encode("utf-8", "backslashreplace").decode(), images))

    def rewrite(self, items: Iterable[WireItem]) -> None:
        """Take other items in place of all; the only way in which what a model has seen is not only added to."""
        if self._open:
            raise ValueError("a call is open, and its answer would belong to nothing")
        self._items = [redacted_item(item, self._redact) for item in items]
        self._keep(0, self._items)

    def leave_out(self, gone: Callable[[WireItem], bool]) -> None:
        """Leave out items that are of no use to anybody any more; all others stay as they are."""
        first = next((at for at, item in enumerate(self._items) if gone(item)), None)
        if first is not None:
            self._items[first:] = [item for item in self._items[first:] if not gone(item)]
            self._keep(first, self._items[first:])

    def mend(self, why: str) -> None:
        """Make it whole after an interruption: unanswered calls are told why, reasoning that led nowhere is dropped."""
        for call in list(self._open.values()):
            self.answer(call, why)
        while self._items and self._items[-1].get("type") == "reasoning":
            self._items.pop()
            self._keep(len(self._items), [])

    def _append(self, item: WireItem) -> None:
        item = redacted_item(item, self._redact)
        self._items.append(item)
        self._keep(len(self._items) - 1, [item])
