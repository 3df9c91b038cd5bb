"""What we ask of any model, and what its reply streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from msgspec import Struct

Role = Literal["worker", "scout", "planner", "reviewer"]
Effort = Literal["none", "low", "medium", "high", "xhigh"]

WireItem = dict[str, object]
"""One item of the Responses API as JSON, sent back byte for byte as it was received."""


class ToolSpec(Struct, frozen=True, kw_only=True):
    """A tool as the model is told of it; `grammar` (Lark) makes it a custom tool where the server has those."""

    name: str
    description: str
    parameters: dict[str, object]
    grammar: str = ""


class Schema(Struct, frozen=True, kw_only=True):
    """A strict JSON schema that the whole answer must follow."""

    name: str
    schema: dict[str, object]


class Request(Struct, frozen=True, kw_only=True):
    """One request: stateless, so `items` is all that the model is to know of the past."""

    role: Role
    model: str
    effort: Effort
    instructions: str
    items: tuple[WireItem, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema: Schema | None = None
    output_tokens: int = 32_000
    """Most tokens of reasoning and answer together."""
    cache_key: str = ""
    work: str = ""
    """The kind of work, for the accounts; not sent."""
    service_tier: str = ""
    """`flex` or `priority`; empty: the server's default."""


class Usage(Struct, frozen=True):
    """Tokens of one request; `cached` is part of `input`, `reasoning` part of `output`."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0


class Text(Struct, frozen=True, tag="text"):
    """A piece of the answer as it streams."""

    delta: str


class Thought(Struct, frozen=True, tag="thought"):
    """A piece of the reasoning summary as it streams."""

    delta: str


class Item(Struct, frozen=True, tag="item"):
    """A complete output item, to be kept in the transcript as it is."""

    item: WireItem


class Retrying(Struct, frozen=True, tag="retrying"):
    """The service faltered; the request is sent again after `seconds`. Deltas since the last Item are void."""

    why: str
    attempt: int
    seconds: float


class Finished(Struct, frozen=True, tag="finished"):
    """The terminal event: what it used up, and why it is incomplete, if it is.

    Requests that were cut and went on are summed up in `usage`. `usage` is None where the server reports none.
    """

    model: str
    usage: Usage | None
    incomplete: str = ""
    requests: int = 1
    context: int = 0
    """Input tokens of the last request alone."""
    seconds_to_first: float = 0.0
    seconds: float = 0.0
    service_tier: str = ""
    """The tier that served it, as the server reports it."""


Reply = Text | Thought | Item | Retrying | Finished


class Model(Protocol):
    """A service that answers requests. Failures are raised as `ServiceError`; retries happen inside and are told."""

    def stream(self, request: Request) -> AsyncGenerator[Reply]:
        """Stream one reply; the last value is `Finished`. To be iterated under `aclosing`; closing cancels it."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
