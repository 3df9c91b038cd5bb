"""Checks that what goes over the wire is the Responses API: by the SDK's own types, and by OpenAI's schemas where they are.

The schemas are looked for in the folder ASSENT_OPENAPI, else in ../shared/openapi beside the repository.
"""

import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pydantic
from jsonschema import Draft202012Validator
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

TERMINALS = ("response.completed", "response.incomplete", "response.failed")


@functools.cache
def event_types() -> dict[str, type[pydantic.BaseModel]]:
    union = get_args(get_args(ResponseStreamEvent)[0])
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in union}


@functools.cache
def request_type() -> pydantic.TypeAdapter:
    return pydantic.TypeAdapter(ResponseCreateParamsStreaming)


@functools.cache
def schema(name: str) -> Draft202012Validator | None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "openapi"
    file = Path(os.environ.get("ASSENT_OPENAPI", beside)) / f"{name}.schema.json"
    return Draft202012Validator(json.loads(file.read_text())) if file.exists() else None


def check_event(event: dict[str, Any]) -> None:
    """Assert that one streamed event is exactly of its type: all fields there, of the right kind, and no others."""
    kind = event_types().get(event["type"])
    assert kind is not None, f"no such event: {event['type']}"
    assert_known(kind.model_validate_json(json.dumps(event), strict=True), event["type"])
    check_schema("ResponseStreamEvent", event)


def check_stream(events: list[dict[str, Any]]) -> None:
    """Assert the order of a whole stream: created, in progress, item blocks, one terminal event; numbers rise by one."""
    for event in events:
        check_event(event)
    kinds = [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [kind in TERMINALS for kind in kinds] == [False] * (len(kinds) - 1) + [True]
    assert [bool(event["response"]["usage"]) for event in events if "response" in event] == [False, False, True]
    open_items: list[str] = []
    for event in events[2:-1]:
        if event["type"] == "response.output_item.added":
            open_items.append(event["item"]["id"])
        assert open_items == [event["item"]["id"] if "item" in event else event["item_id"]], (
            "an event outside its block"
        )
        if event["type"] == "response.output_item.done":
            open_items.pop()
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert events[-1]["response"]["output"] == (done if kinds[-1] != "response.failed" else [])


def check_request(body: dict[str, Any]) -> None:
    """Assert that a request body is one that the SDK's types allow, without keys that they do not know."""
    known = plain(request_type().validate_python(body, strict=True))
    assert known == body, f"unknown keys: {sorted(differences(body, known))}"
    check_schema("CreateResponse", body)


def check_schema(name: str, value: object) -> None:
    if (validator := schema(name)) is not None:
        errors = sorted(validator.iter_errors(value), key=lambda error: error.json_path)
        assert not errors, "\n".join(f"{error.json_path}: {error.message[:300]}" for error in errors[:5])


def assert_known(value: object, where: str) -> None:
    if isinstance(value, pydantic.BaseModel):
        assert not value.model_extra, f"{where}: unknown fields {sorted(value.model_extra)} of {type(value).__name__}"
        for name in type(value).model_fields:
            assert_known(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            assert_known(each, f"{where}[{index}]")


def plain(value: object) -> object:
    """A validated value as JSON has it: iterators, which are checked only when they are read, become lists."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list) or (hasattr(value, "__next__") and hasattr(value, "__iter__")):
        return [plain(each) for each in value]
    return value


def differences(given: object, known: object, where: str = "$") -> Iterator[str]:
    if isinstance(given, dict) and isinstance(known, dict):
        for key in given:
            if key not in known:
                yield f"{where}.{key}"
            else:
                yield from differences(given[key], known[key], f"{where}.{key}")
    elif isinstance(given, list) and isinstance(known, list):
        for index, (one, other) in enumerate(zip(given, known, strict=False)):
            yield from differences(one, other, f"{where}[{index}]")
    elif given != known:
        yield where
