"""The table of tools; a call's arguments become a proposal, or a mistake that is told to the model."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, assert_never, cast

import msgspec
from msgspec import Meta, Struct

from assent_core.instructions import prompt
from assent_core.model import ToolSpec, WireItem
from assent_core.proposals import Delegate, Kit, Patch, Proposal, Read, Search, Shell, Subtask
from assent_sandbox.destinations import is_loopback, read_port, read_wish
from assent_sandbox.policy import Widening, WideningKind

MOST_SUBTASKS = 8
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
"""What a sub-task can be called: a word that is harmless in a path, a mark and a sentence."""
LONGEST_COMMAND = 120_000
"""Bytes; Linux takes no single argument of 128 KiB or more."""


class Mistake(Struct, frozen=True):
    """A call that cannot be understood; `message` is written for the model."""

    tool: str
    message: str


class Need(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing beyond the walls, as the model names it."""

    kind: WideningKind
    target: str | None = None


class ShellArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of `shell`."""

    command: Annotated[str, Meta(min_length=1)]
    workdir: str | None = None
    timeout_seconds: Annotated[float, Meta(ge=1, le=3600)] | None = None
    needs: list[Need] | None = None
    reason: str | None = None


class PatchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of `apply_patch` where it is a function."""

    patch: Annotated[str, Meta(min_length=1)]


class ReadArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of `read`."""

    path: Annotated[str, Meta(min_length=1)]
    start: Annotated[int, Meta(ge=1)] | None = None
    lines: Annotated[int, Meta(ge=1, le=4000)] | None = None


class SearchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of `search`."""

    pattern: Annotated[str, Meta(min_length=1)]
    path: str | None = None
    glob: str | None = None


class DelegateArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of `delegate`."""

    tasks: Annotated[list[Subtask], Meta(min_length=1, max_length=MOST_SUBTASKS)]


Arguments = ShellArguments | PatchArguments | ReadArguments | SearchArguments | DelegateArguments

TABLE: dict[str, type[Arguments]] = {
    "shell": ShellArguments,
    "apply_patch": PatchArguments,
    "read": ReadArguments,
    "search": SearchArguments,
    "delegate": DelegateArguments,
}
KITS: dict[Kit, tuple[str, ...]] = {
    "read": ("read", "search"),
    "edit": ("apply_patch", "read", "search"),
    "shell": ("shell", "apply_patch", "read", "search"),
}
"""The tools that a sub-task gets; none of them delegates."""


def specs(custom: bool, names: Collection[str] = TABLE) -> tuple[ToolSpec, ...]:
    """These tools as the worker is told of them; `custom`: the server knows custom tools with a grammar (OpenAI).

    The schemas fit strict mode: every field is required, optional ones may be null.
    """
    return tuple(
        ToolSpec(
            name=name,
            description=prompt(name),
            parameters=strict_schema(arguments),
            grammar=_grammar() if custom and name == "apply_patch" else "",
        )
        for name, arguments in TABLE.items()
        if name in names
    )


def parse(call: WireItem, known: Collection[str] = TABLE) -> Proposal | Mistake:
    """Read a `function_call` or `custom_tool_call` item; whatever stands in it, the result is a value.

    `known` are the tools that the caller was given.
    """
    name = call.get("name")
    if not isinstance(name, str) or name not in TABLE or name not in known:
        return _unknown(str(name), known)
    if call.get("type") == "custom_tool_call":
        text = call.get("input")
        if name != "apply_patch" or not isinstance(text, str):
            return Mistake(name, f"{name}: free text is taken by apply_patch alone. {_takes(name)}")
        return Patch(text=text)
    raw = call.get("arguments") or "{}"
    if not isinstance(raw, str):
        return Mistake(name, f"{name}: the arguments must be JSON text. {_takes(name)}")
    try:
        given = msgspec.json.decode(raw, type=TABLE[name])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Mistake(name, f"{name}: {_explained(str(error), name)} {_takes(name)}")
    problem = _problem(given)
    return Mistake(name, f"{name}: {problem} {_takes(name)}") if problem else _proposal(given)


def output_item(call: WireItem, told: str, images: tuple[str, ...] = ()) -> WireItem:
    """The item that answers a call; images are data URLs."""
    kind = "custom_tool_call_output" if call.get("type") == "custom_tool_call" else "function_call_output"
    content: object = told
    if images:
        pictures = [{"type": "input_image", "image_url": url, "detail": "auto"} for url in images]
        content = [{"type": "input_text", "text": told}, *pictures]
    return {"type": kind, "call_id": call.get("call_id") or call.get("id") or "", "output": content}


def strict_schema(kind: type) -> dict[str, object]:
    """The JSON schema of a type in the subset that strict mode takes: no references, defaults, bounds or titles."""
    whole = msgspec.json.schema(kind)
    return _strict(whole, cast("dict[str, dict[str, object]]", whole.get("$defs", {})))


def _strict(node: dict[str, object], defs: dict[str, dict[str, object]]) -> dict[str, object]:
    if isinstance(reference := node.get("$ref"), str):
        return _strict(defs[reference.rpartition("/")[2]], defs)
    if "anyOf" in node:
        some, null = cast("list[dict[str, object]]", node["anyOf"])
        assert null == {"type": "null"}, "the only union in an argument is with null"
        found = _strict(some, defs)
        return {**found, "type": [found["type"], "null"]} | ({"enum": [*_list(found), None]} if "enum" in found else {})
    if "enum" in node:
        return {"type": "string", "enum": node["enum"]}
    if node["type"] == "array":
        return {"type": "array", "items": _strict(cast("dict[str, object]", node["items"]), defs)}
    if node["type"] == "object":
        properties = cast("dict[str, dict[str, object]]", node["properties"])
        fields = {name: _strict(field, defs) for name, field in properties.items()}
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {"type": node["type"]}


def _list(node: dict[str, object]) -> list[object]:
    return cast("list[object]", node["enum"])


@cache
def _grammar() -> str:
    return (Path(__file__).parent / "apply_patch.lark").read_text("utf-8")


def _proposal(given: Arguments) -> Proposal:
    match given:
        case ShellArguments():
            return Shell(
                command=given.command,
                workdir=given.workdir or ".",
                seconds=given.timeout_seconds or 120.0,
                needs=tuple(_widening(need) for need in given.needs or ()),
                reason=given.reason or "",
            )
        case PatchArguments():
            return Patch(text=given.patch)
        case ReadArguments():
            return Read(path=given.path, start=given.start or 1, lines=given.lines or 400)
        case SearchArguments():
            return Search(pattern=given.pattern, path=given.path or ".", glob=given.glob or "")
        case DelegateArguments(tasks=tasks):
            return Delegate(tasks=tuple(tasks))
        case _:
            assert_never(given)


def _widening(need: Need) -> Widening:
    target = need.target or ""
    if need.kind == "host" and (found := read_wish(target)):
        return Widening("loopback", str(found.port)) if is_loopback(found.host) else Widening("host", str(found))
    if need.kind in ("host", "loopback"):
        return Widening(need.kind, str(read_port(target) or target))
    return Widening(need.kind, os.path.normpath(os.path.expanduser(target)) if target else "")  # noqa: PTH111  # text, not a file


def _problem(given: Arguments) -> str:
    """What is wrong with arguments of the right types, or nothing."""
    if any("\0" in value for value in msgspec.structs.astuple(given) if isinstance(value, str)):
        return "a NUL character is in the arguments; leave it out."
    if isinstance(given, DelegateArguments):
        return _subtask_problem(given.tasks)
    if not isinstance(given, ShellArguments):
        return ""
    if not given.command.strip():
        return "the command is empty."
    if len(given.command.encode()) > LONGEST_COMMAND:
        return f"the command is longer than {LONGEST_COMMAND:,} bytes; write a script with apply_patch and run that."
    problems = [_need_problem(need) for need in given.needs or []]
    return next(filter(None, problems), "")


def _subtask_problem(tasks: list[Subtask]) -> str:
    names = [task.name for task in tasks]
    for task in tasks:
        if not NAME.fullmatch(task.name):
            return f"a sub-task is named by 1 to 24 small letters, digits and dashes, not {task.name[:80]!r}."
        if not task.task.strip() or "\0" in task.task:
            return f"the sub-task {task.name} says nothing, or has a NUL character in it."
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"two sub-tasks are named {twice}." if twice else ""


def _need_problem(need: Need) -> str:
    target = need.target or ""
    if "\0" in target:
        return "a NUL character is in a target of needs; leave it out."
    match need.kind:
        case "network" | "unconfined":
            return f"a need of kind {need.kind} takes no target (null)." if target else ""
        case "host":
            return (
                ""
                if read_wish(target)
                else f"a need of kind host takes one host and port, such as example.org:443, not {target[:200]!r}."
            )
        case "loopback":
            return (
                ""
                if read_port(target)
                else f"a need of kind loopback takes a port of this machine, such as 5432, not {target[:200]!r}."
            )
        case "read" | "write" | "socket":
            absolute = target.startswith(("/", "~/"))
            return "" if absolute else f"a need of kind {need.kind} takes an absolute path as target, not {target!r}."
        case "secret":
            outside = not target or target.startswith(("/", "~")) or os.path.normpath(target).startswith("..")
            return "a need of kind secret takes the relative path of a file in the repository." if outside else ""
        case _:
            assert_never(need.kind)


def _unknown(name: str, known: Collection[str]) -> Mistake:
    near = get_close_matches(name.lower(), known, 1, 0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    return Mistake(name, f"There is no tool named {name[:80]!r}.{hint} The tools are: {', '.join(known)}.")


def _explained(error: str, name: str) -> str:
    """The decoder's message, with the field that was probably meant."""
    if not (found := re.fullmatch(r"Object contains unknown field `(.*?)`( - at .*)?", error, re.DOTALL)):
        started = "the arguments are not valid JSON: " if "JSON is malformed" in error or "truncated" in error else ""
        return f"{started}{error}."
    inner = Subtask if name == "delegate" else Need
    fields = TABLE[name].__struct_fields__ + (inner.__struct_fields__ if found[2] else ())
    near = get_close_matches(found[1], fields, 1, 0.5)
    return f"there is no argument {found[1][:80]!r}{found[2] or ''}{f', did you mean {near[0]!r}?' if near else '.'}"


@cache
def _takes(name: str) -> str:
    """The arguments of a tool in a sentence, from its type."""
    fields = msgspec.structs.fields(TABLE[name])
    described = (f"{field.name} ({_kind(field)}{', required' if field.required else ''})" for field in fields)
    return f"It takes: {', '.join(described)}."


def _kind(field: msgspec.structs.FieldInfo) -> str:
    if field.name == "needs":
        return "list of {kind: host|loopback|socket|read|write|secret|network|unconfined, target: string or null}"
    if field.name == "tasks":
        return f"list of 1 to {MOST_SUBTASKS} {{name, task: strings, tools: read|edit|shell, simple: true or false}}"
    bounded = {"timeout_seconds": "number from 1 to 3600", "start": "integer from 1", "lines": "integer from 1 to 4000"}
    return bounded.get(field.name, "string")
