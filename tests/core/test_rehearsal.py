"""The rehearsal server speaks the real wire protocol, follows its script, and fails where it is told to."""

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager

import h11
import pytest

from assent_core.errors import UsageError
from assent_core.rehearsal import Rehearsal
from assent_core.rehearsal.script import parse
from core.wire import check_event, check_request, check_stream

SHELL = {"type": "function", "name": "shell", "description": "run", "parameters": {"type": "object"}, "strict": False}
PATCH = {"type": "custom", "name": "apply_patch", "description": "edit", "format": {"type": "text"}}
SCHEMA = {"format": {"type": "json_schema", "name": "digest", "schema": {"type": "object"}, "strict": True}}


def user(text: str) -> dict:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def body(*items: dict, **more) -> dict:
    made = {"model": "gpt-5.4-mini", "input": list(items), "store": False, "stream": True, "tools": [SHELL]}
    return made | {"include": ["reasoning.encrypted_content"], "prompt_cache_key": "one"} | more


class Line:
    """One kept-alive HTTP/1.1 connection, without any client library in between."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.http = h11.Connection(h11.CLIENT)

    async def ask(self, method: str, target: str, data: bytes = b"", **headers: str) -> tuple[int, bytes]:
        lines = [("host", "x"), ("content-length", str(len(data))), *headers.items()]
        self.writer.write(self.http.send(h11.Request(method=method, target=target, headers=lines)))
        self.writer.write(self.http.send(h11.Data(data=data)) + self.http.send(h11.EndOfMessage()))
        status, answer = 0, b""
        while not isinstance(event := self.http.next_event(), h11.EndOfMessage):
            match event:
                case h11.NEED_DATA:
                    self.http.receive_data(await self.reader.read(65536))
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    answer += bytes(event.data)
        self.http.start_next_cycle()
        return status, answer

    async def respond(self, given: dict) -> list[dict]:
        status, answer = await self.ask("POST", "/v1/responses", json.dumps(given).encode())
        assert status == 200, answer
        blocks = [block for block in answer.decode().split("\n\n") if "data: " in block]
        return [json.loads(block.split("data: ", 1)[1]) for block in blocks]


@asynccontextmanager
async def line(rehearsal: Rehearsal):
    port = int(rehearsal.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


def items(events: list[dict]) -> list[dict]:
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


def said(events: list[dict]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


EVERYTHING = """
[[worker]]
think = "First I look.\\nThen I act."
say = "I look – at `calc.py` 👀."
calls = [{ read = "calc.py" }, { search = "def add" }, { shell = { command = "ls", reason = "to see" } }]
[[worker]]
patch = '''
    *** Begin Patch
    *** Delete File: x
    *** End Patch
'''
call = { name = "unheard_of", arguments = "{not json" }
[[worker]]
say = "Not all of it fits."
fault = { incomplete = "max_output_tokens" }
[[worker]]
fault = { failed = "server_error" }
[[scout]]
json = { failure = "test", lines = ["é"] }
"""


@pytest.mark.parametrize("tools", [[SHELL], [SHELL, PATCH]], ids=["functions only", "a custom tool"])
async def test_every_streamed_event_is_of_the_real_type_and_in_the_real_order(tools):
    async with Rehearsal.from_text(EVERYTHING) as rehearsal, line(rehearsal) as wire:
        for _ in range(5):
            given = body(
                user("go"), tools=tools, reasoning={"effort": "low", "summary": "auto"}, instructions="be brief"
            )
            check_request(given)
            check_stream(await wire.respond(given))
        check_stream(await wire.respond(body(user("go"), tools=[], model="gpt-5.4-nano", text=SCHEMA)))
    kinds = [items(stream) for stream in rehearsal.streams]
    assert [item["type"] for item in kinds[0]] == ["reasoning", "message", *["function_call"] * 3]
    assert json.loads(kinds[0][4]["arguments"]) == {"command": "ls", "reason": "to see"}
    patch = "*** Begin Patch\n*** Delete File: x\n*** End Patch\n"
    if len(tools) > 1:
        assert (kinds[1][0]["type"], kinds[1][0]["input"]) == ("custom_tool_call", patch)
    else:
        assert (kinds[1][0]["type"], json.loads(kinds[1][0]["arguments"])) == ("function_call", {"patch": patch})
    assert kinds[1][1]["arguments"] == "{not json"
    assert json.loads(kinds[5][0]["content"][0]["text"]) == {"failure": "test", "lines": ["é"]}


async def test_the_first_unused_step_whose_conditions_hold_answers_and_captures_are_remembered():
    script = """
    [[worker]]
    when_input_matches = 'line (?P<number>\\d+) of (?P<file>\\S+)'
    say = "${file}, ${number}"
    [[worker]]
    unless_input_matches = "secret"
    say = "no secret"
    [[worker]]
    when_history_matches = "line"
    say = "still ${file}; ${unknown}"
    """
    async with Rehearsal.from_text(script) as rehearsal, line(rehearsal) as wire:
        told = [said(await wire.respond(body(user("hello"))))]
        history = [user('line 12 of a"b.py')]
        told.append(said(await wire.respond(body(*history))))
        history += [{"type": "message", "role": "assistant", "content": "x"}, user("secret")]
        told.append(said(await wire.respond(body(*history))))
        told.append(said(await wire.respond(body(*history))))
        told.append(said(await wire.respond(body(user("hello"), prompt_cache_key="another"))))
    assert told[:3] == ["no secret", 'a"b.py, 12', 'still a"b.py; ${unknown}']
    assert "no step left" in told[3]
    assert told[4] == "no secret"


async def test_items_that_come_back_changed_lost_or_unanswered_are_complained_about():
    script = """
    [[worker]]
    think = "hm"
    shell = "ls"
    [[worker]]
    repeat = true
    say = "ok"
    """
    async with Rehearsal.from_text(script) as rehearsal, line(rehearsal) as wire:
        thought, call = items(await wire.respond(body(user("go"))))
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "calc.py"}
        await wire.respond(body(user("go"), thought, call, output))
        assert rehearsal.complaints == []
        await wire.respond(
            body(user("go"), thought | {"encrypted_content": "x"}, call | {"parsed_arguments": {}}, output)
        )
        await wire.respond(body(user("go"), call, thought))
        await wire.respond(body(user("go"), output, output | {"call_id": "call_other"}, store=True))
    complaints = "\n".join(rehearsal.complaints)
    assert f"request 3: item {thought['id']} came back changed: encrypted_content" in complaints
    assert f"request 3: item {call['id']} came back changed: parsed_arguments" in complaints
    assert f"request 4: item {thought['id']} came back out of order" in complaints
    assert f"request 4: call {call['call_id']} has no output" in complaints
    assert "request 5: output call_other answers no call" in complaints
    assert "request 5: store is set in a stateless request" in complaints
    assert "request 2" not in complaints


async def test_what_an_earlier_request_began_with_is_counted_as_cached():
    async with Rehearsal.from_text("") as rehearsal, line(rehearsal) as wire:
        long = [user("word " * 3000)]
        usages = [
            (await wire.respond(body(*long)))[-1]["response"]["usage"],
            (await wire.respond(body(*long, user("more"))))[-1]["response"]["usage"],
            (await wire.respond(body(*long, prompt_cache_key="another")))[-1]["response"]["usage"],
        ]
    cached = [usage["input_tokens_details"]["cached_tokens"] for usage in usages]
    assert cached[0] == cached[2] == 0
    assert usages[0]["input_tokens"] - 200 < cached[1] <= usages[0]["input_tokens"]


async def test_models_are_listed_and_everything_else_is_refused_as_json():
    script = 'key = "sk-right"\nmodels = ["gpt-5.4-mini"]'
    async with Rehearsal.from_text(script) as rehearsal, line(rehearsal) as wire:
        right = {"authorization": "Bearer sk-right"}
        answers = [
            await wire.ask("GET", "/v1/models", **right),
            await wire.ask("GET", "/v1/models"),
            await wire.ask("GET", "/v1/nothing", **right),
            await wire.ask("POST", "/v1/responses", b"{", **right),
            await wire.ask("POST", "/v1/responses", json.dumps(body()).encode()),
            await wire.ask("POST", "/v1/responses", json.dumps(body(model="other")).encode(), **right),
        ]
    assert [status for status, _ in answers] == [200, 401, 404, 400, 401, 404]
    assert [model["id"] for model in json.loads(answers[0][1])["data"]] == ["gpt-5.4-mini"]
    codes = [json.loads(answer)["error"]["code"] for _, answer in answers[1:]]
    assert codes == ["invalid_api_key", "unknown_url", "invalid_json", "invalid_api_key", "model_not_found"]
    assert rehearsal.requests == []


def test_a_script_that_is_wrong_is_refused_with_its_place():
    for text, said_of_it in (
        ("[[worker]]\nsya = 'x'", "`sya`"),
        ("[[worker]]\nsay = 3", "$.worker[0].say"),
        ("[[worker", "at end of document"),
        ("[[worker]]\nwhen_input_matches = '('", "when_input_matches"),
    ):
        with pytest.raises(UsageError, match=r"scene\.toml") as caught:
            parse(text, "scene.toml")
        assert said_of_it in caught.value.message
        assert caught.value.hint


async def test_the_bundled_script_repairs_what_it_is_shown():
    listed = "./src/sums.py:7:    return one - other\n"
    log = user("$ pytest\nFAILED test_sums.py::test_add - assert 0 == 4 \n1 failed")
    digest = SCHEMA | {"format": SCHEMA["format"] | {"name": "scout_digest"}}
    async with Rehearsal.from_file("fix") as rehearsal, line(rehearsal) as wire:
        scouted = json.loads(said(await wire.respond(body(log, tools=[], text=digest))))
        assert scouted["shown_by"] == "FAILED test_sums.py::test_add - assert 0 == 4"
        history = [user("fix it: FAILED test_sums.py::test_add")]
        shown = [listed, f"7 {listed.split(':', 2)[2]}", "Done.", "1 passed"]
        for outputs in ([shown[0]], [shown[1]], shown[2:], []):
            made = items(await wire.respond(body(*history)))
            history += made
            calls = [item for item in made if item["type"] == "function_call"]
            history += [
                {"type": "function_call_output", "call_id": call["call_id"], "output": output}
                for call, output in zip(calls, outputs, strict=True)
            ]
    names = [item.get("name") or item["type"] for item in history if item["type"] != "function_call_output"]
    assert names == [
        "message",
        "reasoning",
        "search",
        "message",
        "read",
        "reasoning",
        "apply_patch",
        "shell",
        "message",
    ]
    patch = next(json.loads(item["arguments"])["patch"] for item in history if item.get("name") == "apply_patch")
    assert "*** Update File: src/sums.py\n@@\n-    return one - other\n+    return one + other\n" in patch
    assert rehearsal.complaints == []


async def test_latency_and_the_rate_of_tokens_slow_a_stream_down():
    script = """
    [[worker]]
    say = "one two three four"
    [[worker]]
    say = "one two three four"
    latency = 0.1
    tokens_per_second = 40
    """
    async with Rehearsal.from_text(script) as rehearsal, line(rehearsal) as wire:
        times = [time.monotonic()]
        for _ in range(2):
            await wire.respond(body(user("go")))
            times.append(time.monotonic())
    assert times[2] - times[1] >= 0.1 + 5 / 40 - 0.01


async def test_it_is_served_from_the_command_line_until_it_is_ended(tmp_path):
    script = tmp_path / "scene.toml"
    script.write_text('[[worker]]\nsay = "Hello."')
    command = [sys.executable, "-m", "assent_core.rehearsal", str(script)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        served = Rehearsal.from_text("", int(url.split(":")[2].split("/")[0]))
        async with line(served) as wire:
            assert said(await wire.respond(body(user("hi")))) == "Hello."
    finally:
        process.terminate()
        await process.wait()


async def test_a_script_that_is_not_there_is_named_on_the_command_line(tmp_path):
    command = [sys.executable, "-m", "assent_core.rehearsal", str(tmp_path / "none.toml")]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert "none.toml" in stderr.decode()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event | {"surprise": 1},
        lambda event: {key: value for key, value in event.items() if key != "item_id"},
        lambda event: event | {"delta": 3},
        lambda event: event | {"type": "response.telepathy.delta"},
    ],
    ids=["a field too many", "a field missing", "a wrong kind", "an unknown type"],
)
def test_the_check_of_events_refuses_what_is_not_real(spoil):
    event = {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0}
    event |= {"delta": "x", "logprobs": [], "sequence_number": 3}
    check_event(event)
    with pytest.raises((AssertionError, ValueError)):
        check_event(spoil(event))


@pytest.mark.parametrize(
    "spoil",
    [
        {"surprise": 1},
        {"input": [user("x") | {"parsed_arguments": {}}]},
        {"tools": [{"type": "function"}]},
        {"store": "no"},
    ],
    ids=["an unknown key", "an unknown key in an item", "a field missing", "a wrong kind"],
)
def test_the_check_of_requests_refuses_what_is_not_real(spoil):
    check_request(body(user("x")))
    with pytest.raises((AssertionError, ValueError)):
        check_request(body(user("x")) | spoil)
