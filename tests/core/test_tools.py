import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_core.instructions import worker_instructions
from assent_core.model import WireItem
from assent_core.proposals import Patch, Proposal, Read, Search, Shell
from assent_core.tools import LONGEST_COMMAND, Mistake, output_item, parse, specs
from assent_sandbox.policy import Widening


def called(name: str, arguments: object) -> WireItem:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"type": "function_call", "call_id": "c1", "name": name, "arguments": text}


def mistake(name: str, arguments: object) -> str:
    found = parse(called(name, arguments))
    assert isinstance(found, Mistake)
    return found.message


@pytest.mark.parametrize(
    ("name", "arguments", "proposal"),
    [
        ("shell", {"command": "ls"}, Shell(command="ls")),
        (
            "shell",
            {
                "command": "pip install x",
                "workdir": "a",
                "timeout_seconds": 5,
                "needs": [{"kind": "network", "target": None}, {"kind": "read", "target": "/opt/../etc/x"}],
                "reason": "no wheel here",
            },
            Shell(
                command="pip install x",
                workdir="a",
                seconds=5.0,
                needs=(Widening("network"), Widening("read", "/etc/x")),
                reason="no wheel here",
            ),
        ),
        (
            "shell",
            {"command": "ls", "workdir": None, "timeout_seconds": None, "needs": None, "reason": None},
            Shell(command="ls"),
        ),
        (
            "shell",
            {
                "command": "ls",
                "needs": [
                    {"kind": "host", "target": "https://Example.Net/simple/"},
                    {"kind": "host", "target": "github.com:22"},
                    {"kind": "host", "target": "http://localhost:8000/x"},
                    {"kind": "loopback", "target": "localhost:5432"},
                    {"kind": "socket", "target": "/run/../run/x.sock"},
                ],
            },
            Shell(
                command="ls",
                needs=(
                    Widening("host", "example.net:443"),
                    Widening("host", "github.com:22"),
                    Widening("loopback", "8000"),
                    Widening("loopback", "5432"),
                    Widening("socket", "/run/x.sock"),
                ),
            ),
        ),
        (
            "shell",
            {"command": "ls", "needs": [{"kind": "write", "target": "~/x"}]},
            Shell(command="ls", needs=(Widening("write", str(Path.home() / "x")),)),
        ),
        ("apply_patch", {"patch": "*** Begin Patch"}, Patch(text="*** Begin Patch")),
        ("read", {"path": "a.py"}, Read(path="a.py")),
        ("read", {"path": "a.py", "start": 3, "lines": 9}, Read(path="a.py", start=3, lines=9)),
        ("search", {"pattern": "x+", "path": None, "glob": "*.py"}, Search(pattern="x+", glob="*.py")),
    ],
)
def test_a_call_becomes_its_proposal(name: str, arguments: object, proposal: Proposal):
    assert parse(called(name, arguments)) == proposal


def test_a_free_text_patch_is_kept_as_it_was_written():
    text = "*** Begin Patch\r\n*** Add File: a\n+x\0\n"
    assert parse({"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": text}) == Patch(text=text)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"command": "ls"', "not valid JSON"),
        ("ls -la", "not valid JSON"),
        ("", "missing required field `command`"),
        ("[]", "Expected `object`, got `array`"),
        ({"command": 3}, "Expected `str`, got `int` - at `$.command`"),
        ({"command": ["ls"]}, "Expected `str`, got `array` - at `$.command`"),
        ({"comand": "ls"}, "there is no argument 'comand', did you mean 'command'?"),
        (
            {"command": "ls", "needs": [{"knd": "network"}]},
            "there is no argument 'knd' - at `$.needs[0]`, did you mean 'kind'?",
        ),
        ({"command": "ls", "zzz": 1}, "there is no argument 'zzz'."),
        ({"command": " "}, "the command is empty"),
        ({"command": "a\0b"}, "NUL"),
        ({"command": "x" * (LONGEST_COMMAND + 1)}, "longer than 120,000 bytes"),
        ({"command": "ls", "timeout_seconds": 0}, ">= 1.0 - at `$.timeout_seconds`"),
        ({"command": "ls", "timeout_seconds": "5"}, "got `str` - at `$.timeout_seconds`"),
        ({"command": "ls", "needs": [{"kind": "internet"}]}, "Invalid enum value 'internet'"),
        (
            {"command": "ls", "needs": [{"kind": "read", "target": "etc"}]},
            "takes an absolute path as target, not 'etc'",
        ),
        ({"command": "ls", "needs": [{"kind": "write"}]}, "takes an absolute path"),
        ({"command": "ls", "needs": [{"kind": "network", "target": "example.org"}]}, "takes no target"),
        ({"command": "ls", "needs": [{"kind": "host", "target": "*.org"}]}, "takes one host and port"),
        ({"command": "ls", "needs": [{"kind": "host"}]}, "takes one host and port"),
        ({"command": "ls", "needs": [{"kind": "loopback", "target": "db"}]}, "takes a port of this machine"),
        ({"command": "ls", "needs": [{"kind": "socket", "target": "x.sock"}]}, "takes an absolute path"),
        (
            {"command": "ls", "needs": [{"kind": "secret", "target": "../.env"}]},
            "relative path of a file in the repository",
        ),
        ({"command": "ls", "needs": [{"kind": "read", "target": "/a\0"}]}, "NUL"),
        ('{"command":' + "[" * 100_000, "shell: "),
        ('{"command": "\\ud800"}', "shell: "),
    ],
)
def test_wrong_arguments_are_told_with_what_was_wrong_and_what_it_takes(arguments: object, told: str):
    message = mistake("shell", arguments)
    assert told in message
    assert (
        "It takes: command (string, required), workdir (string), timeout_seconds (number from 1 to 3600), needs ("
        in message
    )


@pytest.mark.parametrize(("name", "meant"), [("aply_patch", "apply_patch"), ("bash", "shell"), ("read_file", "read")])
def test_an_unknown_tool_is_told_with_the_nearest_name(name: str, meant: str):
    message = mistake(name, {})
    assert f"Did you mean {meant}?" in message
    assert message.endswith("The tools are: shell, apply_patch, read, search, delegate.")


def test_free_text_for_another_tool_is_a_mistake():
    found = parse({"type": "custom_tool_call", "call_id": "c", "name": "shell", "input": "ls"})
    assert isinstance(found, Mistake)
    assert "apply_patch alone" in found.message


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(["type", "name", "arguments", "input", "call_id", "id"])
words = st.sampled_from(["shell", "read", "apply_patch", "custom_tool_call", "function_call", '{"command": "x"}', "{}"])


@given(st.dictionaries(keys, words | json_values))
def test_whatever_a_server_sends_is_a_proposal_or_a_mistake(call: dict[str, object]):
    assert isinstance(parse(call), Proposal | Mistake)


@given(st.dictionaries(st.sampled_from(["command", "workdir", "timeout_seconds", "needs", "reason", "x"]), json_values))
def test_what_the_schema_takes_and_what_the_parser_takes_agree_on_types(arguments: dict[str, object]):
    schema = specs(custom=False)[0].parameters
    whole = {"workdir": None, "timeout_seconds": None, "needs": None, "reason": None} | arguments
    if isinstance(parse(called("shell", whole)), Shell):
        jsonschema.validate(json.loads(json.dumps(whole)), schema)


def strict(node: object) -> bool:
    """What strict mode demands of each schema: only known keys, objects closed, every property required."""
    assert isinstance(node, dict)
    assert set(node) <= {"type", "properties", "required", "additionalProperties", "items", "enum"}  # pyright: ignore
    if "properties" in node:
        assert node["additionalProperties"] is False
        assert list(node["required"]) == list(node["properties"])  # pyright: ignore
        return all(strict(each) for each in node["properties"].values())  # pyright: ignore
    return strict(node["items"]) if "items" in node else "type" in node


@pytest.mark.parametrize("custom", [True, False])
def test_schemas_fit_strict_mode(custom: bool):
    for spec in specs(custom):
        jsonschema.Draft202012Validator.check_schema(spec.parameters)
        assert strict(spec.parameters)


def test_only_the_patch_has_a_grammar_and_only_where_the_server_knows_them():
    assert [spec.name for spec in specs(True)] == ["shell", "apply_patch", "read", "search", "delegate"]
    assert [bool(spec.grammar) for spec in specs(True)] == [False, True, False, False, False]
    assert not any(spec.grammar for spec in specs(False))


@pytest.mark.parametrize("custom", [True, False])
def test_the_fixed_prefix_is_small_and_the_same_each_time(custom: bool):
    def prefix() -> str:
        tools = [[spec.name, spec.description, spec.grammar or spec.parameters] for spec in specs(custom)]
        return worker_instructions() + json.dumps(tools)

    assert len(prefix()) / 4 <= 2_000
    assert prefix() == prefix()


def test_a_call_is_answered_by_an_item_of_its_own_kind():
    custom: WireItem = {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": ""}
    assert output_item(called("shell", {}), "ok") == {"type": "function_call_output", "call_id": "c1", "output": "ok"}
    assert output_item(custom, "ok") == {"type": "custom_tool_call_output", "call_id": "c2", "output": "ok"}


def test_images_are_content_beside_the_text():
    item = output_item(called("read", {}), "see", ("data:image/png;base64,AA==",))
    assert item["output"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
    ]


@pytest.mark.filterwarnings("default")
def test_answers_are_items_that_the_sdk_knows():
    from openai.types.responses import response_input_item as known
    from pydantic import TypeAdapter

    function: TypeAdapter[object] = TypeAdapter(known.FunctionCallOutput)
    for images in ((), ("data:image/png;base64,AA==",)):
        function.validate_python(output_item(called("read", {}), "see", images), strict=True)
