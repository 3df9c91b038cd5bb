"""The rehearsal's HTTP side: requests in, a scripted stream or a scripted fault out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, cast

import h11

from assent_core.errors import UsageError
from assent_core.rehearsal.answer import Answer, WireEvent, tokens
from assent_core.rehearsal.checks import Sent
from assent_core.rehearsal.script import Arguments, Conversation, Fault, Script, Step, parse, role_of

JSON = {"content-type": "application/json"}
STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
PAGE = (
    "<!doctype html><html><head><title>Sign in</title></head><body>The proxy wants to know who you are.</body></html>"
)


class _Broken(Exception):
    """The connection is to be closed at once."""


class Rehearsal:
    """A scripted model on loopback, served while the context is open.

    `url` is the base URL (`http://127.0.0.1:PORT/v1`). `requests` and `headers` are what came to /v1/responses, `streams` the
    events that went out for each, `complaints` what a real service would not have taken. A request that is refused for its
    key, its model or its `include` is not among them.
    """

    def __init__(self, script: Script, port: int = 0) -> None:
        self.script = script
        self.requests: list[Arguments] = []
        self.headers: list[dict[str, str]] = []
        self.streams: list[list[WireEvent]] = []
        self.complaints: list[str] = []
        self._port = port
        self._sent = Sent(items={}, prompts={})
        self._conversations: dict[str, Conversation] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    def from_text(cls, text: str, port: int = 0) -> Self:
        """A rehearsal of a script given as TOML text."""
        return cls(parse(text), port)

    @classmethod
    def from_file(cls, path: str | Path, port: int = 0) -> Self:
        """A rehearsal of a script file, or of one of the bundled scripts by its name."""
        bundled = Path(__file__).parent / f"{path}.toml"
        file = bundled if not Path(path).exists() and bundled.exists() else Path(path)
        try:
            return cls(parse(file.read_text(encoding="utf-8"), str(file)), port)
        except (OSError, UnicodeError) as error:
            raise UsageError(f"{file}: cannot be read: {error}", "Name a script file or a bundled script.") from error

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        await self.reopen()
        return self

    def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def reopen(self) -> None:
        """Take connections at the same address, if none are taken."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await _Connection(self, reader, writer).serve()
        except (_Broken, OSError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def receive(self, body: Arguments, headers: dict[str, str]) -> Step:
        """Record a request, check it, and choose the step that answers it."""
        self.requests.append(body)
        self.headers.append(headers)
        self.streams.append([])
        self.complaints += [f"request {len(self.requests)}: {each}" for each in self._sent.complaints(body)]
        role = role_of(body)
        conversation = self._conversations.setdefault(f"{role} {body.get('prompt_cache_key')}", Conversation())
        return conversation.next(self.script.steps(role), body)

    def refusal(self, body: Arguments, headers: dict[str, str]) -> Fault | None:
        """Why this server does not take a request, whatever the script says."""
        if (denied := self.keyless(headers)) is not None:
            return denied
        if self.script.models and body.get("model") not in self.script.models:
            error = f"The model '{body.get('model')}' does not exist or you do not have access to it."
            return Fault(status=404, code="model_not_found", body=error)
        if body.get("include") and not self.script.encrypted:
            return Fault(status=400, code="unsupported_parameter", body="Unknown parameter: 'include'.")
        return None

    def keyless(self, headers: dict[str, str]) -> Fault | None:
        """The refusal of a request without the key that the script demands."""
        if not self.script.key or headers.get("authorization") == f"Bearer {self.script.key}":
            return None
        return Fault(status=401, code="invalid_api_key", body="Incorrect API key provided.")

    def usage(self, body: Arguments, answer: Answer) -> dict[str, object]:
        """What the request used up, estimated from its size; cached is what an earlier request began with."""
        if told := answer.step.usage:
            return _told(told)
        total, cached = self._sent.cached(body)
        details = self.script.details
        return {
            "input_tokens": total,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0} if details else None,
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens} if details else None,
            "total_tokens": total + answer.output_tokens,
        }

    def remember(self, answer: Answer) -> None:
        """Keep the items that went out complete."""
        self._sent.remember(answer.items)


class _Connection:
    def __init__(self, rehearsal: Rehearsal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._rehearsal = rehearsal
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)

    async def serve(self) -> None:
        while True:
            request = await self._event()
            if not isinstance(request, h11.Request):
                return
            body = bytearray()
            while isinstance(event := await self._event(), h11.Data):
                body += event.data
            headers = {name.decode().lower(): value.decode(errors="replace") for name, value in request.headers}
            await self._route(request.method, request.target.split(b"?")[0], headers, bytes(body))
            if self._http.our_state is h11.MUST_CLOSE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(1 << 16))
        return event

    async def _route(self, method: bytes, target: bytes, headers: dict[str, str], data: bytes) -> None:
        match method, target.rstrip(b"/"):
            case b"POST", b"/v1/responses":
                await self._respond(headers, data)
            case b"GET", b"/v1/models":
                await self._models(headers)
            case _:
                error = f"Invalid URL ({method.decode()} {target.decode(errors='replace')})"
                await self._refuse(Fault(status=404, code="unknown_url", body=error))

    async def _models(self, headers: dict[str, str]) -> None:
        if (denied := self._rehearsal.keyless(headers)) is not None:
            return await self._refuse(denied)
        names = self._rehearsal.script.models or ("gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano")
        models = [{"id": name, "object": "model", "created": 1772668800, "owned_by": "rehearsal"} for name in names]
        for model in models:
            if day := self._rehearsal.script.shutdown.get(str(model["id"])):
                model["shutdown_date"] = day
        return await self._whole(200, JSON, json.dumps({"object": "list", "data": models}))

    async def _respond(self, headers: dict[str, str], data: bytes) -> None:
        try:
            body = cast("Arguments", json.loads(data))
        except ValueError:
            return await self._refuse(Fault(status=400, code="invalid_json", body="The body is not JSON."))
        if (denied := self._rehearsal.refusal(body, headers)) is not None:
            return await self._refuse(denied)
        step = self._rehearsal.receive(body, headers)
        fault = step.fault
        await asyncio.sleep(self._rehearsal.script.latency if step.latency is None else step.latency)
        if fault.hang_up or fault.reset or fault.closed:
            self._break_off(fault)
        if fault.raw:
            await self._raw(fault.raw.encode("latin-1"))
        if fault.chatter:
            await self._chatter()
        if fault.html:
            return await self._whole(fault.status or 200, {"content-type": "text/html"}, PAGE)
        if fault.status:
            return await self._refuse(fault)
        return await self._stream(Answer(step, body))

    def _break_off(self, fault: Fault) -> NoReturn:
        if fault.closed:
            self._rehearsal.close()
        if fault.reset:
            at_once = struct.pack("ii", 1, 0)
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            self._writer.transport.abort()
        raise _Broken

    async def _raw(self, data: bytes) -> NoReturn:
        self._writer.write(data)
        await self._writer.drain()
        raise _Broken

    async def _chatter(self) -> NoReturn:
        await self._send(h11.Response(status_code=200, headers=list(STREAM.items())))
        while True:
            await self._send(h11.Data(data=b": still working\n\n"))
            await asyncio.sleep(0.05)

    async def _refuse(self, fault: Fault) -> None:
        if isinstance(fault.body, dict):
            text = json.dumps(fault.body)
        elif fault.code:
            message = fault.body or f"The rehearsal refuses: {fault.code}."
            error = {"message": message, "type": "invalid_request_error", "param": None, "code": fault.code}
            text = json.dumps({"error": error})
        else:
            text = fault.body
        await self._whole(fault.status, JSON | fault.headers, text)

    async def _whole(self, status: int, headers: dict[str, str], text: str) -> None:
        data = text.encode()
        await self._send(
            h11.Response(status_code=status, headers=[*headers.items(), ("content-length", str(len(data)))])
        )
        await self._send(h11.Data(data=data))
        await self._send(h11.EndOfMessage())

    async def _stream(self, answer: Answer) -> None:
        await self._send(h11.Response(status_code=200, headers=list(STREAM.items())))
        step, fault = answer.step, answer.step.fault
        rate = self._rehearsal.script.tokens_per_second if step.tokens_per_second is None else step.tokens_per_second
        sent = self._rehearsal.streams[-1]
        try:
            for event in answer.events():
                await self._fail_at(len(sent), fault)
                await self._emit(sent, event, fault)
                if rate and "delta" in event:
                    await asyncio.sleep(tokens(str(event["delta"])) / rate)
            await self._fail_at(len(sent), fault)
            await self._fail_at(-1, fault)
            await self._emit(sent, answer.terminal(self._rehearsal.usage(answer.body, answer)), fault)
        except _Ended:
            pass
        finally:
            self._rehearsal.remember(answer)
        await self._send(h11.EndOfMessage())

    async def _fail_at(self, place: int, fault: Fault) -> None:
        if fault.cut_after == place:
            await asyncio.sleep(0.01)  # what was sent before has to arrive before the connection breaks
            raise _Broken
        if fault.end_after == place:
            raise _Ended
        if fault.stall_after == place:
            await self._reader.read()
            raise _Broken
        if fault.garbage_after == place:
            await self._send(h11.Data(data=b'event: response.output_text.delta\ndata: {"type": \x00\xff garbage\n\n'))
        if fault.error_after == place:
            code = fault.code or "insufficient_quota"
            error: WireEvent = {"code": code, "message": f"The rehearsal fails here: {code}.", "param": None}
            nested: WireEvent = {"error": {"type": code} | error}
            event: WireEvent = {"type": "error", "sequence_number": place} | (error if fault.flat else nested)
            await self._send(h11.Data(data=_framed(event)))
            raise _Ended

    async def _emit(self, sent: list[WireEvent], event: WireEvent, fault: Fault) -> None:
        numbered = event | {"sequence_number": len(sent)}
        sent.append(numbered)
        data = _framed(numbered)
        if fault.unknown:
            future: WireEvent = {
                "type": "response.telepathy.delta",
                "sequence_number": len(sent),
                "item": {"type": "telepathy"},
            }
            data = b": keep-alive\n\n" + _framed(future) + _framed(numbered | {"obfuscation": "x7Gq"})
        await self._send(h11.Data(data=data * 2 if fault.duplicate else data))

    async def _send(self, event: h11.Event) -> None:
        if (data := self._http.send(event)) is not None:
            self._writer.write(data)
        await self._writer.drain()


def _told(used: dict[str, int]) -> dict[str, object]:
    return {
        "input_tokens": used.get("input", 0),
        "input_tokens_details": {"cached_tokens": used.get("cached", 0), "cache_write_tokens": 0},
        "output_tokens": used.get("output", 0),
        "output_tokens_details": {"reasoning_tokens": used.get("reasoning", 0)},
        "total_tokens": used.get("input", 0) + used.get("output", 0),
    }


class _Ended(Exception):
    """The stream ends here without a terminal event."""


def _framed(event: WireEvent) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
