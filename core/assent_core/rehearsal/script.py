"""A rehearsal's script: what to answer at which step, and the conditions that look at the request."""

from __future__ import annotations

import json
import re
import tomllib
from textwrap import dedent
from typing import Literal, cast

import msgspec
from msgspec import Struct

from assent_core.errors import UsageError
from assent_core.model import WireItem

ScriptRole = Literal["worker", "scout", "reviewer"]
Arguments = dict[str, object]

REVIEWS = ("review", "judge")
CONDITIONS = ("when_input_matches", "unless_input_matches", "when_history_matches")
MODEL_MADE = ("reasoning", "function_call", "custom_tool_call")


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong while a step is answered; counts are of events, -1 is just before the terminal event."""

    status: int = 0
    body: Arguments | str = ""
    code: str = ""
    headers: dict[str, str] = {}
    html: bool = False
    hang_up: bool = False
    reset: bool = False
    closed: bool = False
    chatter: bool = False
    raw: str = ""
    cut_after: int | None = None
    end_after: int | None = None
    stall_after: int | None = None
    garbage_after: int | None = None
    error_after: int | None = None
    flat: bool = False
    incomplete: str = ""
    failed: str = ""
    duplicate: bool = False
    unknown: bool = False
    malformed: bool = False


class RawCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A call of any tool; text arguments go onto the wire as they are, JSON or not."""

    name: str
    arguments: Arguments | str = {}


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One or more tool calls of an answer; a text in place of a table is the main argument."""

    shell: Arguments | str | None = None
    read: Arguments | str | None = None
    search: Arguments | str | None = None
    patch: str | None = None
    call: RawCall | None = None

    def spelled_out(self) -> list[RawCall]:
        """The calls with their full arguments; looking comes first, then editing, then running."""
        made: list[RawCall] = []
        for name, main, given in (
            ("read", "path", self.read),
            ("search", "pattern", self.search),
            ("apply_patch", "patch", self.patch and dedent(self.patch).strip("\n") + "\n"),
            ("shell", "command", self.shell),
        ):
            if given is not None:
                made.append(RawCall(name, {main: given} if isinstance(given, str) else given))
        if self.call is not None:
            made.append(self.call)
        return made


class Step(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer and when it is given."""

    when_input_matches: str = ""
    unless_input_matches: str = ""
    when_history_matches: str = ""
    when_schema_is: str = ""
    repeat: bool = False
    think: str = ""
    say: str = ""
    json: Arguments | None = None
    calls: tuple[Call, ...] = ()
    latency: float | None = None
    tokens_per_second: float | None = None
    fault: Fault = Fault()
    items: tuple[WireItem, ...] = ()
    """Whole output items, sent as they are in place of all that the fields above would make."""
    usage: dict[str, int] = {}
    """What is told to have been used: input, cached, output, reasoning; empty: an estimate."""
    model: str = ""
    """The model that is told to have answered; empty: the one that was asked."""

    def all_calls(self) -> list[RawCall]:
        """The step's own calls, then those of its list."""
        return [*self.spelled_out(), *(each for call in self.calls for each in call.spelled_out())]


class Script(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole script; see the package for what each field means."""

    latency: float = 0.0
    tokens_per_second: float = 0.0
    key: str = ""
    models: tuple[str, ...] = ()
    shutdown: dict[str, str] = {}
    """Days on which models are shut down, as their list says."""
    encrypted: bool = True
    details: bool = True
    worker: tuple[Step, ...] = ()
    scout: tuple[Step, ...] = ()
    reviewer: tuple[Step, ...] = ()

    def steps(self, role: ScriptRole) -> tuple[Step, ...]:
        """The steps of a role."""
        return {"worker": self.worker, "scout": self.scout, "reviewer": self.reviewer}[role]


def parse(text: str, name: str = "script") -> Script:
    """Read a script; UsageError says where it is wrong."""
    try:
        script = msgspec.convert(tomllib.loads(text), Script)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{name}: {error}", _HINT) from error
    for step in (*script.worker, *script.scout, *script.reviewer):
        for condition in CONDITIONS:
            try:
                re.compile(getattr(step, condition))
            except re.error as error:
                raise UsageError(f"{name}: {condition}: {getattr(step, condition)!r}: {error}", _HINT) from error
    return script


def role_of(body: Arguments) -> ScriptRole:
    """Whose request this is: a demanded schema is the reviewer's or the scout's, tools are the worker's, else the model tells."""
    if schema := schema_of(body):
        return "reviewer" if schema in REVIEWS else "scout"
    return "scout" if not body.get("tools") and "nano" in str(body.get("model")) else "worker"


def schema_of(body: Arguments) -> str:
    """The name of the JSON schema that the answer must follow; empty if there is none."""
    text = cast("dict[str, Arguments]", body.get("text") or {})
    form = text.get("format") or {}
    return str(form.get("name") or "schema") if form.get("type") == "json_schema" else ""


def items_of(body: Arguments) -> list[WireItem]:
    """The input as a list of items."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return cast("list[WireItem]", given or [])


def made_by_model(item: WireItem) -> bool:
    """Whether an input item is one that a model had answered."""
    return item.get("type") in MODEL_MADE or item.get("role") == "assistant"


def newest(items: list[WireItem]) -> list[WireItem]:
    """The items after the last one that came from the model."""
    for index in range(len(items), 0, -1):
        if made_by_model(items[index - 1]):
            return items[index:]
    return items


def text_of(items: list[WireItem]) -> str:
    """All text in items: contents, outputs, arguments; one piece a line."""
    pieces: list[str] = []
    for item in items:
        for field in ("content", "output", "arguments", "input", "summary"):
            pieces.extend(_texts(item.get(field)))
    return "\n".join(pieces)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = cast("list[Arguments]", value) if isinstance(value, list) else []
    return [text for part in parts if isinstance(text := part.get("text"), str)]


class Conversation:
    """How far one conversation has come in the script, and what was captured in it."""

    def __init__(self) -> None:
        self._used: set[int] = set()
        self._captured: dict[str, str] = {}

    def next(self, steps: tuple[Step, ...], body: Arguments) -> Step:
        """The step that answers this request, with captured texts put in; it is used up."""
        items = items_of(body)
        texts = text_of(newest(items)), text_of(items), schema_of(body)
        for index, step in enumerate(steps):
            if index not in self._used and self._holds(step, *texts):
                if not step.repeat:
                    self._used.add(index)
                return self._filled(step)
        return Step(say="The rehearsal has no step left that answers this; the script ends here.")

    def _holds(self, step: Step, fresh: str, history: str, schema: str) -> bool:
        if step.when_schema_is and step.when_schema_is != schema:
            return False
        if step.unless_input_matches and re.search(step.unless_input_matches, fresh):
            return False
        for pattern, text in ((step.when_input_matches, fresh), (step.when_history_matches, history)):
            found = re.search(pattern, text)
            if found is None:
                return False
            self._captured.update({name: value or "" for name, value in found.groupdict().items()})
        return True

    def _filled(self, step: Step) -> Step:
        if not self._captured:
            return step
        text = msgspec.json.encode(step).decode()
        for name, value in self._captured.items():
            text = text.replace("${" + name + "}", json.dumps(value)[1:-1])
        return msgspec.json.decode(text, type=Step)


_HINT = "The format is described in assent_core/rehearsal/__init__.py."
