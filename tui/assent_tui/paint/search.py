"""Finds a text in the blocks of a diff; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from assent_tui.paint.blocks import Block

Hit = tuple[int, int]
"""The block, and which of its lines."""


@runtime_checkable
class Told(Protocol):
    """A block that can be searched."""

    def said(self) -> list[str]:
        """Its lines as text."""
        ...


def hits(blocks: Sequence[Block], query: str) -> list[Hit]:
    """Where a text in small letters occurs, in order."""
    return [
        (index, at)
        for index, block in enumerate(blocks)
        if isinstance(block, Told)
        for at, text in enumerate(block.said())
        if query in text.lower()
    ]


def following(found: Sequence[Hit], here: Hit, step: int) -> int:
    """The index of the next or previous hit as seen from a place; around the end."""
    behind = [at for at, hit in enumerate(found) if (hit > here if step > 0 else hit < here)]
    if step > 0:
        return behind[0] if behind else 0
    return behind[-1] if behind else len(found) - 1
