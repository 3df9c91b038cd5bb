"""The Responses API as the core uses it: over real HTTP, against every way in which a service fails."""

import asyncio
import itertools
import json
import random
import socket
import subprocess
import sys
from contextlib import aclosing, asynccontextmanager, suppress

import pytest

from assent_core.errors import (
    BadReply,
    ContextTooLong,
    KeyMissing,
    KeyRefused,
    ModelMissing,
    Overloaded,
    QuotaExhausted,
    ServiceError,
    Unreachable,
)
from assent_core.model import Finished, Item, Request, Retrying, Schema, Text, Thought, ToolSpec
from assent_core.rehearsal import Rehearsal
from assent_core.service.responses import Responses
from assent_core.settings import Settings
from core.wire import check_request
from patient import PATIENCE

OBJECT = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
TOOLS = (
    ToolSpec(name="shell", description="Run a command.", parameters=OBJECT),
    ToolSpec(name="apply_patch", description="Edit files.", parameters=OBJECT, grammar="start: /.+/"),
)


def user(text: str) -> dict[str, object]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def request(*items: dict[str, object], **more) -> Request:
    made = {"role": "worker", "model": "gpt-5.4-mini", "effort": "low", "instructions": "Be brief.", "tools": TOOLS}
    return Request(**made | {"items": items or (user("go"),), "cache_key": "one"} | more)


def model(rehearsal: Rehearsal, **more) -> Responses:
    settings = Settings(idle_seconds=more.pop("idle", 60.0))
    return Responses(settings, "sk-test", rehearsal.url, **{"pause": 0.001} | more)


async def replies(responses: Responses, asked: Request) -> list:
    async with aclosing(responses.stream(asked)) as stream:
        return [reply async for reply in stream]


async def ask(script: str, asked: Request | None = None, **more) -> tuple[list, Rehearsal]:
    """One request against a script; every body that was sent is checked."""
    async with Rehearsal.from_text(script) as rehearsal:
        responses = model(rehearsal, **more)
        try:
            return await replies(responses, asked or request()), rehearsal
        finally:
            await responses.close()
            for body in rehearsal.requests:
                check_request(body)
            assert rehearsal.complaints == []


async def failure(kind: type[ServiceError], script: str, **more) -> tuple[ServiceError, int]:
    """The error that a script ends in, and how many requests that took."""
    async with Rehearsal.from_text(script) as rehearsal:
        responses = model(rehearsal, **more)
        with pytest.raises(kind) as caught:
            await replies(responses, request())
        await responses.close()
    assert type(caught.value) is kind
    assert caught.value.message
    assert caught.value.hint
    return caught.value, len(rehearsal.requests)


def texts(got: list) -> str:
    return "".join(reply.delta for reply in got if isinstance(reply, Text))


def items(got: list) -> list[dict]:
    return [reply.item for reply in got if isinstance(reply, Item)]


def waits(got: list) -> list[Retrying]:
    return [reply for reply in got if isinstance(reply, Retrying)]


def step(fault: str, answer: str = 'say = "Never seen."') -> str:
    return f"[[worker]]\n{answer}\nfault = {{ {fault} }}\n"


GOOD = '[[worker]]\nsay = "All is well."\n'
THINKS = """
[[worker]]
think = "I look first."
say = "Let me look."
shell = "ls"
patch = '''
*** Begin Patch
*** End Patch
'''
"""


async def test_a_reply_streams_thoughts_text_and_items_exactly_as_they_were_sent():
    got, rehearsal = await ask(THINKS, custom_tools=True)
    sent = [event["item"] for event in rehearsal.streams[0] if event["type"] == "response.output_item.done"]
    assert items(got) == sent
    assert [item["type"] for item in sent] == ["reasoning", "message", "custom_tool_call", "function_call"]
    assert "".join(reply.delta for reply in got if isinstance(reply, Thought)) == "I look first."
    assert texts(got) == "Let me look."
    done = got[-1]
    assert isinstance(done, Finished)
    usage = rehearsal.streams[0][-1]["response"]["usage"]
    assert (done.model, done.incomplete, done.requests) == ("gpt-5.4-mini", "", 1)
    assert (done.usage.input, done.usage.output) == (usage["input_tokens"], usage["output_tokens"])
    assert 0 < done.usage.reasoning < done.usage.output
    assert 0 < done.seconds_to_first <= done.seconds


async def test_a_conversation_is_resent_whole_and_a_service_finds_nothing_to_complain_about():
    async with Rehearsal.from_text(THINKS + GOOD) as rehearsal:
        responses = model(rehearsal, custom_tools=True)
        first = items(await replies(responses, request()))
        outputs = [
            {"type": f"{item['type']}_output", "call_id": item["call_id"], "output": "calc.py"}
            for item in first
            if "call_id" in item
        ]
        assert texts(await replies(responses, request(user("go"), *first, *outputs))) == "All is well."
        await responses.close()
    one, two = rehearsal.requests
    for body in (one, two):
        check_request(body)
    assert two["input"][: len(one["input"])] == one["input"]
    assert {key: value for key, value in two.items() if key != "input"} == {
        k: v for k, v in one.items() if k != "input"
    }
    assert [(tool["type"], tool.get("strict")) for tool in one["tools"]] == [("function", True), ("custom", None)]
    assert (one["store"], one["include"]) == (False, ["reasoning.encrypted_content"])
    assert one["reasoning"] == {"effort": "low", "summary": "auto"}
    assert rehearsal.complaints == []


async def test_other_servers_are_told_of_function_tools_only():
    _, rehearsal = await ask(GOOD)
    assert [tool["type"] for tool in rehearsal.requests[0]["tools"]] == ["function", "function"]
    assert [tool["strict"] for tool in rehearsal.requests[0]["tools"]] == [False, False]
    assert not model(rehearsal).custom_tools
    assert Responses(Settings(base_url="https://eu.api.openai.com/v1"), "sk-test").custom_tools
    assert not Responses(Settings(base_url="https://api.openai.com.evil.example/v1"), "sk-test").custom_tools


async def test_a_schema_is_demanded_strictly():
    schema = Schema(name="digest", schema=OBJECT)
    asked = request(role="scout", model="gpt-5.4-nano", effort="none", tools=(), schema=schema)
    got, rehearsal = await ask('[[scout]]\njson = { failure = "test" }', asked)
    assert json.loads(texts(got)) == {"failure": "test"}
    form = rehearsal.requests[0]["text"]["format"]
    assert form == {"type": "json_schema", "name": "digest", "schema": OBJECT, "strict": True}
    assert rehearsal.requests[0]["reasoning"] == {"effort": "none"}


@pytest.mark.parametrize(
    "fault",
    [
        'status = 429, code = "rate_limit_exceeded"',
        'status = 429, code = "slow_down"',
        'status = 503, code = "server_is_overloaded"',
        "status = 500",
        "status = 502, html = true",
        "status = 504",
        "hang_up = true",
        "cut_after = 0",
        "cut_after = 6",
        "end_after = 6",
        "end_after = 0",
        "garbage_after = 4",
        'error_after = 3, code = "server_error"',
        'error_after = 3, code = "rate_limit_exceeded"',
        'error_after = 3, flat = true, code = "slow_down"',
        'failed = "server_error"',
        'failed = "rate_limit_exceeded"',
    ],
)
async def test_a_service_that_falters_is_asked_again_and_that_is_told_before_the_wait(fault):
    got, rehearsal = await ask(step(fault) + GOOD)
    assert len(rehearsal.requests) == 2
    told = waits(got)
    assert [reply.attempt for reply in told] == [1]
    assert told[0].why
    assert told[0].seconds > 0
    after = got[got.index(told[0]) :]
    assert texts(after) == "All is well."
    assert got[-1].requests == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ('status = 401, code = "invalid_api_key"', KeyRefused),
        ('status = 401, body = "Unauthorized"', KeyRefused),
        ('status = 401, body = { error = "Unauthorized" }', KeyRefused),
        ('status = 402, body = { error = { code = 402, message = "Insufficient credits" } }', QuotaExhausted),
        ('status = 400, body = { detail = "Bad Request" }', ServiceError),
        ('status = 403, code = "unsupported_country_region_territory"', KeyRefused),
        ('status = 404, code = "model_not_found"', ModelMissing),
        ('status = 404, body = "<html>nothing here</html>"', BadReply),
        ('status = 429, code = "insufficient_quota"', QuotaExhausted),
        ('status = 429, code = "credit_balance_exhausted"', QuotaExhausted),
        ('status = 429, code = "organization_spend_limit_exceeded"', QuotaExhausted),
        ('status = 429, code = "project_spend_limit_exceeded"', QuotaExhausted),
        ('status = 429, code = "organization_usage_limit_exceeded"', QuotaExhausted),
        ('status = 400, code = "context_length_exceeded"', ContextTooLong),
        (
            'status = 400, body = { error = { message = "This model\'s maximum context length is 8192 tokens" } }',
            ContextTooLong,
        ),
        ("status = 413", ContextTooLong),
        ('status = 400, code = "invalid_prompt"', ServiceError),
        ("html = true", BadReply),
        ("html = true, status = 407", BadReply),
        ("error_after = 4", QuotaExhausted),
        ("error_after = 4, flat = true", QuotaExhausted),
        ('error_after = 0, code = "context_length_exceeded"', ContextTooLong),
        ('failed = "invalid_prompt"', ServiceError),
        ('status = 429, code = "rate_limit_exceeded", headers = { retry-after = "86400" }', Overloaded),
    ],
)
async def test_what_waiting_cannot_mend_is_not_asked_twice(fault, kind):
    _, requests = await failure(kind, step(fault) + GOOD)
    assert requests == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("status = 503", Overloaded), ("cut_after = 3", Unreachable), ("garbage_after = 2", BadReply)],
)
async def test_a_service_that_falters_for_good_is_given_up_after_five_requests(fault, kind):
    _, requests = await failure(kind, "[[worker]]\nrepeat = true\n" + step(fault).split("\n", 1)[1])
    assert requests == 5


@pytest.mark.parametrize("header", ['retry-after-ms = "20"', 'retry-after = "0.02"'])
async def test_the_wait_that_the_service_asks_for_is_kept_exactly(header):
    got, _ = await ask(step(f'status = 429, code = "rate_limit_exceeded", headers = {{ {header} }}') + GOOD, pause=30.0)
    assert [reply.seconds for reply in waits(got)] == [0.02]


async def test_a_stream_cut_after_a_message_goes_on_from_it():
    script = """
    [[worker]]
    think = "I look first."
    say = "First half."
    shell = "ls"
    fault = { cut_after = 19 }
    [[worker]]
    say = "Second half."
    """
    got, rehearsal = await ask(script)
    sent = [event["item"] for event in rehearsal.streams[0] if event["type"] == "response.output_item.done"]
    assert [item["type"] for item in sent] == ["reasoning", "message"]
    assert rehearsal.requests[1]["input"] == [user("go"), *sent]
    assert items(got) == [
        *sent,
        *[event["item"] for event in rehearsal.streams[1] if event["type"].endswith("item.done")],
    ]
    assert got[-1].requests == 2


@pytest.mark.parametrize("fault", ["cut_after = -1", "end_after = -1", 'error_after = -1, code = "server_error"'])
async def test_a_call_that_came_whole_before_the_cut_is_not_asked_for_again(fault):
    got, rehearsal = await ask(step(fault, 'say = "I look."\nshell = "rm -rf build"') + GOOD)
    assert len(rehearsal.requests) == 1
    assert [item["type"] for item in items(got)] == ["message", "function_call"]
    assert isinstance(got[-1], Finished)
    assert waits(got) == []


async def test_of_two_calls_only_the_whole_one_is_kept_when_the_stream_is_cut():
    calls = 'calls = [{ shell = "first" }, { shell = "second, and a long one" }]'
    got, rehearsal = await ask(step("cut_after = 12", calls) + GOOD)
    kinds = [event["type"] for event in rehearsal.streams[0]]
    assert kinds.count("response.output_item.added") == 2
    assert [json.loads(item["arguments"]) for item in items(got)] == [{"command": "first"}]
    assert len(rehearsal.requests) == 1


async def test_a_carried_thought_that_the_service_refuses_is_left_out():
    script = """
    [[worker]]
    think = "Hm."
    say = "Lost."
    fault = { cut_after = 8 }
    [[worker]]
    fault = { status = 400, code = "invalid_request_error", body = "reasoning was provided without its required following item" }
    [[worker]]
    say = "Found."
    """
    got, rehearsal = await ask(script)
    assert [len(body["input"]) for body in rehearsal.requests] == [1, 2, 1]
    assert texts(got[got.index(waits(got)[0]) :]) == "Found."


async def test_thoughts_that_the_service_cannot_read_are_left_out_and_others_are_kept():
    thinks = '[[worker]]\nthink = "Hm."\nshell = "ls"\n'
    refused = step('status = 400, code = "invalid_encrypted_content"')
    async with Rehearsal.from_text(thinks + refused + thinks + GOOD) as rehearsal:
        responses = model(rehearsal)
        history = [user("go")]
        for _ in range(3):
            new = items(await replies(responses, request(*history)))
            outputs = [
                {"type": "function_call_output", "call_id": item["call_id"], "output": ""}
                for item in new
                if "call_id" in item
            ]
            history += [*new, *outputs]
        await responses.close()
    thoughts = [[item["id"] for item in body["input"] if item["type"] == "reasoning"] for body in rehearsal.requests]
    old, young = [item["id"] for item in history if item["type"] == "reasoning"]
    assert thoughts == [[], [old], [], [young]]


async def test_events_that_come_twice_or_from_the_future_change_nothing():
    got, _ = await ask(step("duplicate = true, unknown = true", THINKS.split("[[worker]]\n")[1]))
    assert [item["type"] for item in items(got)] == ["reasoning", "message", "function_call", "function_call"]
    assert texts(got) == "Let me look."


async def test_a_reply_that_is_cut_short_says_why():
    got, _ = await ask(step('incomplete = "max_output_tokens"', 'say = "Too"'))
    assert got[-1].incomplete == "max_output_tokens"
    assert got[-1].usage is not None


async def test_usage_of_failed_requests_counts_too():
    got, rehearsal = await ask(step('failed = "server_error"', 'say = "One two three."') + GOOD)
    usages = [stream[-1]["response"]["usage"] for stream in rehearsal.streams]
    assert got[-1].usage.input == sum(usage["input_tokens"] for usage in usages)
    assert got[-1].usage.output == sum(usage["output_tokens"] for usage in usages)
    assert got[-1].context == usages[1]["input_tokens"]


async def test_null_details_of_usage_count_as_nothing():
    got, _ = await ask("details = false\n" + GOOD)
    assert (got[-1].usage.cached, got[-1].usage.reasoning) == (0, 0)
    assert got[-1].usage.input > 0


async def test_a_server_without_encrypted_reasoning_is_asked_without_it_from_then_on():
    async with Rehearsal.from_text("encrypted = false\n" + GOOD + GOOD) as rehearsal:
        responses = model(rehearsal)
        for _ in range(2):
            assert texts(await replies(responses, request())) == "All is well."
        await responses.close()
    assert ["include" in body for body in rehearsal.requests] == [False, False]


async def test_parts_that_a_server_does_not_know_are_left_out_one_by_one():
    refusals = [
        "reasoning.summary",
        "prompt_cache_key",
        "Unrecognized argument: parallel_tool_calls",
        "reasoning.effort",
    ]
    script = "".join(step(f'status = 400, code = "unsupported_parameter", body = "{name}"') for name in refusals)
    async with Rehearsal.from_text(script + '[[worker]]\nwhen_history_matches = "go"\nsay = "Fine."') as rehearsal:
        responses = model(rehearsal)
        # Without its cache key a conversation begins anew, so the server goes through its refusals twice.
        assert texts(await replies(responses, request(cache_key=""))) == "Fine."
        await responses.close()
    last = rehearsal.requests[-1]
    assert last.keys() & {"reasoning", "parallel_tool_calls"} == set()
    assert len(rehearsal.requests) == 5


async def test_silence_is_a_failure_after_the_idle_time():
    got, rehearsal = await ask(step("stall_after = 5") + GOOD + "repeat = true\n", idle=0.5)
    assert len(rehearsal.requests) > 1
    assert "nothing came" in waits(got)[0].why
    assert texts(got).endswith("All is well.")


async def test_closing_a_stream_ends_the_request_and_a_wait_at_once():
    async with Rehearsal.from_text(step("stall_after = 5") + step("status = 503") + GOOD) as rehearsal:
        responses = model(rehearsal, pause=3600.0)
        async with aclosing(responses.stream(request())) as stream:
            async for reply in stream:
                assert isinstance(reply, Text)
                break
        waiting = asyncio.create_task(replies(responses, request()))
        while len(rehearsal.requests) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # so that it mostly waits for the next attempt by now
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert texts(await replies(responses, request())) == "All is well."
        await responses.close()


async def test_the_connection_is_used_again(monkeypatch):
    monkeypatch.setattr("assent_core.service.responses.REST", PATIENCE)
    opened, accept = 0, Rehearsal._accept

    async def counted(rehearsal, reader, writer):
        nonlocal opened
        opened += 1
        await accept(rehearsal, reader, writer)

    monkeypatch.setattr(Rehearsal, "_accept", counted)
    async with Rehearsal.from_text("") as rehearsal:
        responses = model(rehearsal)
        for _ in range(3):
            await replies(responses, request())
        await responses.close()
    assert opened == 1


async def test_a_server_that_is_not_there_is_named_with_its_url():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody listens
        port = held.getsockname()[1]
        responses = Responses(Settings(base_url=f"http://127.0.0.1:{port}/v1"), "sk-test", pause=0.001)
        with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port}/v1") as caught:
            await replies(responses, request())
        await responses.close()
    assert "OPENAI_BASE_URL" in caught.value.hint


async def test_a_wrong_key_is_refused_and_never_shown():
    script = 'key = "sk-right"'
    async with Rehearsal.from_text(script) as rehearsal:
        responses = Responses(Settings(), lambda: "sk-wrong", rehearsal.url)
        with pytest.raises(KeyRefused) as caught:
            await replies(responses, request())
        await responses.close()
    assert "sk-wrong" not in caught.value.message
    echo = step('status = 401, code = "invalid_api_key", body = "Incorrect API key provided: sk-test."')
    error, _ = await failure(KeyRefused, echo)
    assert "sk-test" not in error.message


async def test_without_a_key_nothing_is_sent(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    responses = Responses(Settings(base_url="https://models.example/v1"))
    with pytest.raises(KeyMissing, match=r"models\.example"):
        await replies(responses, request())
    await responses.close()


@pytest.mark.parametrize("early", [True, False])
async def test_a_key_is_looked_for_once_be_it_before_the_first_request_or_by_it(early: bool):
    looked: list[str] = []

    def key() -> str:
        looked.append("sk-test")
        return looked[-1]

    async with Rehearsal.from_text('key = "sk-test"\n' + GOOD) as rehearsal:
        responses = Responses(Settings(), key, rehearsal.url)
        if early:
            await responses.ready()
            assert (looked, rehearsal.requests) == (["sk-test"], [])
        assert texts(await replies(responses, request())) == "All is well."
        await responses.close()
    assert looked == ["sk-test"]


async def test_a_missing_key_can_be_known_before_anything_is_asked():
    def none() -> str:
        raise KeyMissing("There is no API key.")

    async with Rehearsal.from_text("") as rehearsal:
        with pytest.raises(KeyMissing):
            await Responses(Settings(), none, rehearsal.url).ready()
    assert rehearsal.requests == []


async def test_a_key_that_the_right_server_takes_is_sent_as_a_bearer():
    async with Rehearsal.from_text('key = "sk-test"\n' + GOOD) as rehearsal:
        responses = model(rehearsal)
        assert texts(await replies(responses, request())) == "All is well."
        await responses.close()
    assert rehearsal.headers[0]["authorization"] == "Bearer sk-test"


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    got, _ = await ask(GOOD)
    assert texts(got) == "All is well."


@asynccontextmanager
async def serving(answers):
    """A server that answers each request with the next of these bytes, whatever they are."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        with suppress(OSError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def spoiled(value, chance: random.Random):
    """A JSON value with something wrong at a random place."""
    if chance.random() < 0.06:
        return chance.choice([None, [], {}, "", "x", -1, 1e99, True, [[]], {"type": None}, "response.completed"])
    if isinstance(value, dict):
        return {key: spoiled(each, chance) for key, each in value.items() if chance.random() > 0.02}
    return [spoiled(each, chance) for each in value] if isinstance(value, list) else value


async def test_whatever_a_server_streams_ends_in_a_reply_or_in_a_service_error():
    streams = [(await ask(script))[1].streams[0] for script in (THINKS, GOOD)]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    ended = set()
    for seed in range(60):
        chance = random.Random(seed)

        def answers(chance=chance, stream=streams[seed % 2]):
            while True:
                events = [spoiled(event, chance) for event in stream]
                lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
                data = b"".join(chance.sample(lines, len(lines)) if chance.random() < 0.3 else lines)
                yield head + (data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)

        async with serving(answers()) as url:
            responses = Responses(Settings(), "sk-test", url, pause=0.0)
            try:
                ended.add(type((await replies(responses, request()))[-1]))
            except ServiceError as error:
                ended.add(type(error))
            await responses.close()
    assert Finished in ended
    assert len(ended) > 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", Unreachable),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", BadReply),
        (b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"output": []}', BadReply),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            BadReply,
        ),
        (b"", Unreachable),
    ],
    ids=["another protocol", "nothing", "JSON of something else", "a redirection", "no bytes"],
)
async def test_what_is_no_responses_api_is_said_to_be_none(answer, kind):
    async with serving(itertools.repeat(answer)) as url:
        responses = Responses(Settings(), "sk-test", url, pause=0.0)
        with pytest.raises(ServiceError) as caught:
            await replies(responses, request())
        await responses.close()
    assert type(caught.value) is kind
    assert caught.value.hint


async def test_what_a_server_says_of_an_error_reaches_no_terminal_raw():
    error, _ = await failure(
        KeyRefused, step('status = 401, code = "x", body = "no\\u001b[2Jkey \\u202e' + "y" * 900 + '"')
    )
    assert error.message.isprintable()
    assert len(error.message) < 500


async def test_malformed_arguments_reach_the_caller_as_they_came():
    got, _ = await ask(step("malformed = true", 'shell = "pytest -q"'))
    arguments = items(got)[0]["arguments"]
    with pytest.raises(ValueError):
        json.loads(arguments)


async def test_the_event_loop_does_not_stall_while_the_sdk_is_imported():
    script = (
        "import asyncio, time\n"
        "from assent_core.service.responses import Responses\n"
        "from assent_core.settings import Settings\n"
        "import sys; assert 'openai' not in sys.modules\n"
        "async def main():\n"
        "    responses = Responses(Settings(), 'sk-test', 'http://127.0.0.1:9/v1')\n"
        "    making = asyncio.create_task(responses._connect())\n"
        "    longest, last, started = 0.0, time.process_time(), time.process_time()\n"
        "    while not making.done():\n"
        "        await asyncio.sleep(0.005)\n"
        "        longest, last = max(longest, time.process_time() - last), time.process_time()\n"
        "    await responses.close()\n"
        "    print(longest / (time.process_time() - started))\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.6
