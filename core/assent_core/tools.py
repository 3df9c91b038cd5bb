"""The table of tools; a call's arguments become a proposal, or a mistake that is told to the model."""

from __future__ import annotations

from msgspec import Struct

from assent_core.model import ToolSpec, WireItem
from assent_core.proposals import Proposal


class Mistake(Struct, frozen=True):
    """A call that cannot be understood; `message` is written for the model."""

    tool: str
    message: str


def specs(custom: bool) -> tuple[ToolSpec, ...]:
    """The tools as the worker is told of them; `custom`: the server knows custom tools with a grammar (OpenAI)."""
    raise NotImplementedError


def parse(call: WireItem) -> Proposal | Mistake:
    """Read a `function_call` or `custom_tool_call` item."""
    raise NotImplementedError


def output_item(call: WireItem, told: str, images: tuple[str, ...] = ()) -> WireItem:
    """The item that answers a call; images are data URLs."""
    raise NotImplementedError
