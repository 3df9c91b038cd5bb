"""The Responses API as JSON: our request becomes a body, its events are read; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from msgspec import Struct

from assent_core.model import Request, ToolSpec, Usage, WireItem

CALLS = frozenset({"function_call", "custom_tool_call"})


class Dialect(Struct, frozen=True, kw_only=True):
    """What a server takes of the API: custom tools (and then strict functions too), and without which optional parts."""

    custom_tools: bool = True
    without: frozenset[str] = frozenset()
    shunned: frozenset[str] = frozenset()
    """Ids of reasoning items that the server could not read."""


class Terminal(Struct, frozen=True, kw_only=True):
    """What the last event of a stream says."""

    model: str
    usage: Usage | None
    incomplete: str = ""
    service_tier: str = ""
    items: tuple[WireItem, ...] = ()


def body(request: Request, kept: Iterable[WireItem], dialect: Dialect) -> dict[str, object]:
    """The body of a request; `kept` are complete items of an answer that was cut, to go on from."""
    made: dict[str, object] = {
        "model": request.model,
        "instructions": request.instructions,
        "tools": [tool(spec, dialect) for spec in request.tools],
        "input": [item for item in (*request.items, *kept) if str(item.get("id")) not in dialect.shunned],
        "max_output_tokens": request.output_tokens,
        "store": False,
        "stream": True,
    }
    if "reasoning" not in dialect.without:
        made["reasoning"] = reasoning(request, dialect)
    if "include" not in dialect.without:
        made["include"] = ["reasoning.encrypted_content"]
    if request.tools and "parallel" not in dialect.without:
        made["parallel_tool_calls"] = True
    if request.cache_key and "cache_key" not in dialect.without:
        made["prompt_cache_key"] = request.cache_key
    if request.service_tier:
        made["service_tier"] = request.service_tier
    if request.schema is not None:
        form = {"type": "json_schema", "name": request.schema.name, "schema": request.schema.schema, "strict": True}
        made["text"] = {"format": form}
    return made


def reasoning(request: Request, dialect: Dialect) -> dict[str, object]:
    """How hard to think, and a summary of it where there is something to summarise."""
    if request.effort == "none" or "summary" in dialect.without:
        return {"effort": request.effort}
    return {"effort": request.effort, "summary": "auto"}


def tool(spec: ToolSpec, dialect: Dialect) -> dict[str, object]:
    """A tool as the server is told of it: a custom one with its grammar where the server has those, else a function."""
    if spec.grammar and dialect.custom_tools:
        grammar = {"type": "grammar", "syntax": "lark", "definition": spec.grammar}
        return {"type": "custom", "name": spec.name, "description": spec.description, "format": grammar}
    function: dict[str, object] = {"type": "function", "name": spec.name, "description": spec.description}
    return function | {"parameters": spec.parameters, "strict": dialect.custom_tools and is_strict(spec.parameters)}


def is_strict(parameters: dict[str, object]) -> bool:
    """Whether a schema demands every field and allows no other, as strict mode wants it."""
    required = parameters.get("required")
    return parameters.get("additionalProperties") is False and required == list(table(parameters.get("properties")))


def terminal(event: dict[str, object], model: str) -> Terminal:
    """Read `response.completed` or `response.incomplete`; what is missing or null is tolerated."""
    response = table(event.get("response"))
    details = table(response.get("incomplete_details"))
    incomplete = event.get("type") == "response.incomplete"
    output = response.get("output")
    items = cast("list[object]", output) if isinstance(output, list) else []
    return Terminal(
        model=str(response.get("model") or model),
        usage=usage(response.get("usage")),
        incomplete=str(details.get("reason") or "unknown") if incomplete else "",
        service_tier=str(response.get("service_tier") or ""),
        items=tuple(item for each in items if (item := table(each))),
    )


def usage(value: object) -> Usage | None:
    """Tokens of a terminal event; None where the server reports none."""
    told = table(value)
    if not told:
        return None
    return Usage(
        input=_count(told.get("input_tokens")),
        cached=_count(table(told.get("input_tokens_details")).get("cached_tokens")),
        output=_count(told.get("output_tokens")),
        reasoning=_count(table(told.get("output_tokens_details")).get("reasoning_tokens")),
    )


def added(one: Usage | None, other: Usage | None) -> Usage | None:
    """The sum of two usages; None only if both are."""
    if one is None or other is None:
        return one or other
    return Usage(
        one.input + other.input,
        one.cached + other.cached,
        one.output + other.output,
        one.reasoning + other.reasoning,
    )


def table(value: object) -> dict[str, object]:
    """A JSON object, or an empty one if it is anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def name_of(item: WireItem) -> str:
    """What tells an item from another one: its call, else its id."""
    return str(item.get("call_id") or item.get("id") or "")


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
