"""What a stateless client owes the service: items come back unchanged and in order, each call with its output."""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct

from assent_core.model import WireItem
from assent_core.redaction.redactor import MARK
from assent_core.rehearsal.answer import tokens
from assent_core.rehearsal.script import MODEL_MADE, Arguments, items_of, schema_of

BLOCK = 128
"""Caching counts in blocks of so many tokens, and only from 1024 tokens on."""


class Sent(Struct):
    """What the server remembers of the items it has sent: each by id, in order."""

    items: dict[str, WireItem] = {}
    prompts: dict[str, list[str]] = {}

    def remember(self, items: Iterable[WireItem]) -> None:
        """Keep complete items for comparison with later requests."""
        for item in items:
            self.items[str(item.get("id"))] = item

    def cached(self, body: Arguments) -> tuple[int, int]:
        """Input tokens of a request, and how many of them an earlier one of the same key began with."""
        prompt = json.dumps([body.get("instructions"), body.get("tools"), schema_of(body), items_of(body)])
        earlier = self.prompts.setdefault(f"{body.get('model')} {body.get('prompt_cache_key')}", [])
        common = max((_common(prompt, other) for other in earlier), default=0)
        earlier[:] = [*earlier[-7:], prompt]
        blocks = common // 4 // BLOCK * BLOCK
        return tokens(prompt), blocks if blocks >= 1024 else 0

    def complaints(self, body: Arguments) -> list[str]:
        """What is wrong with a request as far as a client must know."""
        items = items_of(body)
        found = [
            f"{name} is set in a stateless request" for name in ("store", "previous_response_id") if body.get(name)
        ]
        if body.get("store") is None:
            found.append("store is not said to be false")
        if body.get("stream") is not True:
            found.append("the request does not ask for a stream")
        return found + self._unfaithful(items) + _unpaired(items)

    def _unfaithful(self, items: list[WireItem]) -> list[str]:
        found: list[str] = []
        order = list(self.items)
        last = -1
        for item in items:
            id = str(item.get("id") or "")
            known = self.items.get(id)
            if known is None:
                if id and item.get("type") in MODEL_MADE:
                    found.append(f"item {id} was never sent")
                continue
            if known != item:
                fields = sorted(key for key in known.keys() | item.keys() if _changed(known.get(key), item.get(key)))
                found += [f"item {id} came back changed: {', '.join(fields)}"] if fields else []
            place = order.index(id)
            if place < last:
                found.append(f"item {id} came back out of order")
            last = max(last, place)
        return found


def _changed(sent: object, back: object) -> bool:
    """Whether a field came back as something else; a client may take secrets out of it."""
    return sent != back and MARK not in json.dumps(back)


def _unpaired(items: list[WireItem]) -> list[str]:
    calls = [str(item.get("call_id")) for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    outputs = [str(item.get("call_id")) for item in items if str(item.get("type")).endswith("call_output")]
    found = [f"call {call} has no output" for call in calls if call not in outputs]
    found += [f"output {output} answers no call" for output in outputs if output not in calls]
    found += [f"call {call} is there twice" for call in sorted({call for call in calls if calls.count(call) > 1})]
    found += [f"output {output} is there twice" for output in sorted({o for o in outputs if outputs.count(o) > 1})]
    return found


def _common(one: str, other: str) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    low, high = 0, length
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
