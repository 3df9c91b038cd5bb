"""The OpenAI Responses API, and any server that speaks it; the only importer of openai."""

from __future__ import annotations

import asyncio
import datetime
import gc
import random
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from assent_core.errors import ServiceError
from assent_core.model import Reply, Request, Retrying, Text, Thought
from assent_core.service import endings, faults, wire
from assent_core.service.faults import Fault
from assent_core.service.keys import find_key, host_of, is_loopback
from assent_core.service.progress import Progress
from assent_core.settings import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

REST = 0.2
"""Seconds that what follows the terminal event may take, before the connection is given up instead."""


def warm() -> None:
    """Start importing the SDK (about 0.4 s) in the background; to be called as early as possible.

    The thread is waited for when the program ends: one that is stopped inside a compiled module can abort the process.
    """
    threading.Thread(target=_import, name="warm").start()


def _import() -> None:
    """Import the SDK with garbage collection paused: it makes thousands of classes, none of them garbage.

    What fails here fails again where the SDK is needed, and is told there.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with suppress(OSError, ImportError):
            import openai

            openai.DefaultAsyncHttpxClient(trust_env=False)  # the first client imports the other half
    finally:
        if collecting:
            gc.enable()


class Responses:
    """A model behind /v1/responses, asked statelessly; see `model.Model` for the contract.

    `key` is the key, or gives it when the first request needs it. `base_url` wins over the settings. `custom_tools` says
    whether the server knows custom tools with a grammar; None: only OpenAI does. `pause` is the first wait in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        key: str | Callable[[], str] | None = None,
        base_url: str = "",
        *,
        custom_tools: bool | None = None,
        pause: float = 0.5,
    ) -> None:
        settings = msgspec.structs.replace(settings, base_url=base_url or settings.server)
        self._url = settings.base_url
        self._key = key if key is not None else lambda: find_key(settings)
        self._idle = settings.idle_seconds
        self._pause = pause
        host = host_of(self._url)
        openai = host == "api.openai.com" or host.endswith(".api.openai.com")
        self._dialect = wire.Dialect(custom_tools=openai if custom_tools is None else custom_tools)
        self._client: AsyncOpenAI | None = None
        self._making = asyncio.Lock()
        self._secret = ""

    @property
    def custom_tools(self) -> bool:
        """Whether the server knows custom tools with a grammar."""
        return self._dialect.custom_tools

    @property
    def server(self) -> str:
        """The server as a user recognises it, without a user name or password."""
        parts = urlsplit(self._url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    def warm(self) -> None:
        """Start the import of the SDK in the background."""
        warm()

    async def ready(self) -> None:
        """Find the key now, before the first request needs it; KeyMissing where there is none."""
        await asyncio.to_thread(self._find)

    async def endings(self) -> dict[str, datetime.date]:
        """The days on which models of the server are shut down, as its list says; empty where it cannot be had."""
        import openai

        client = await self._connect()
        try:
            return endings.listed(await client.get("/models", cast_to=object))
        except openai.OpenAIError:
            return {}

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def stream(self, request: Request) -> AsyncGenerator[Reply]:
        """Stream one reply, asking again as long as that can help."""
        progress = Progress(request)
        client = await self._connect()
        while True:
            try:
                async with aclosing(self._attempt(client, progress)) as replies:
                    async for reply in replies:
                        yield reply
                yield progress.finished()
                return
            except _Faltered as faltered:
                fault = faltered.fault
            if progress.complete:
                yield progress.finished()
                return
            if self._adapt(fault, progress):
                continue
            progress.failures += 1
            if progress.failures >= fault.tries:
                raise fault.error
            seconds = faults.wait(fault, progress.failures, self._pause, random.random())  # noqa: S311 - spreads the load
            yield Retrying(fault.error.message, progress.failures, seconds)
            await asyncio.sleep(seconds)

    def _adapt(self, fault: Fault, progress: Progress) -> bool:
        """Leave out from now on what the server refused; whether there is something that was not left out before."""
        known = self._dialect
        if fault.drop == "thoughts":
            doubtful = progress.doubtful(known.shunned, fault.error.message)
            self._dialect = msgspec.structs.replace(known, shunned=known.shunned | doubtful)
            return bool(doubtful)
        if not fault.drop or fault.drop in known.without:
            return False
        self._dialect = msgspec.structs.replace(known, without=known.without | {fault.drop})
        return True

    async def _attempt(self, client: AsyncOpenAI, progress: Progress) -> AsyncGenerator[Reply]:
        """Send the request once and read its stream up to the terminal event, or raise `_Faltered`."""
        import openai

        progress.begin()
        connected = False
        try:
            stream = await self._send(client, progress)
            connected = True
            try:
                async for event in self._paced(stream):
                    for reply in self._read(wire.table(event), progress):
                        yield reply
                    if progress.terminal is not None:
                        await _drain(stream)
                        if progress.empty:
                            raise self._faltered(faults.garbage(self.server, "the answer is empty"))
                        return
            finally:
                await stream.close()
        except openai.APIStatusError as error:
            said = faults.read(error.status_code, error.response.text)
            raise self._faltered(
                faults.judge(said, progress.request.model, self.server, error.response.headers)
            ) from error
        except openai.APIConnectionError as error:
            raise self._faltered(self._broken(error, connected)) from error
        except openai.APIError as error:
            said = faults.read(0, error.body)
            raise self._faltered(faults.judge(said, progress.request.model, self.server)) from error
        except (ValueError, RecursionError) as error:
            raise self._faltered(faults.garbage(self.server, str(error))) from error
        raise self._faltered(faults.unreachable(self.server, "the answer ended before it was complete", connected=True))

    async def _send(self, client: AsyncOpenAI, progress: Progress) -> AsyncStream[object]:
        """Post the body as it is and have events as the JSON they are.

        The SDK's `responses.create` walks the whole transcript through its type transformations (0.1 s for 200 items) and
        rebuilds each event as an object that does not give back what came; its `post` does neither.
        """
        import openai

        stream = await client.post(
            "/responses",
            body=wire.body(progress.request, progress.kept, self._dialect),
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        kind = stream.response.headers.get("content-type", "")
        if "event-stream" not in kind:
            text = (await stream.response.aread())[:4000].decode(errors="replace")
            raise self._faltered(faults.not_a_stream(self.server, kind, text))
        return stream

    async def _paced(self, stream: AsyncStream[object]) -> AsyncGenerator[object]:
        """The events of a stream, as long as they come: a server that only says that it is there falls silent too."""
        events = aiter(stream)
        while True:
            try:
                async with asyncio.timeout(self._idle):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError as late:
                why = f"nothing came for {self._idle:,.0f} seconds"
                raise self._faltered(faults.unreachable(self.server, why, connected=True)) from late
            yield event

    def _read(self, event: dict[str, object], progress: Progress) -> list[Reply]:
        """What one event says; what is unknown or came twice says nothing."""
        if progress.repeated(event):
            return []
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                return progress.begun([Text(str(event.get("delta") or ""))])
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                return progress.begun([Thought(str(event.get("delta") or ""))])
            case "response.reasoning_summary_part.added" if event.get("summary_index"):
                return [Thought("\n\n")]
            case "response.output_item.done":
                return progress.begun(progress.took(wire.table(event.get("item"))))
            case "response.completed" | "response.incomplete":
                return progress.ended(wire.terminal(event, progress.request.model))
            case "response.failed" | "error":
                response = wire.table(event.get("response"))
                progress.spent(wire.usage(response.get("usage")))
                said = faults.read(0, response or event)
                raise self._faltered(faults.judge(said, progress.request.model, self.server))
            case _:
                return []

    def _broken(self, error: Exception, connected: bool) -> Fault:
        import openai

        cause = error.__cause__
        why = str(cause) or type(cause).__name__
        if isinstance(error, openai.APITimeoutError):
            why = (
                f"nothing came for {self._idle:,.0f} seconds" if "Connect" not in type(cause).__name__ else "timed out"
            )
        made = connected or not type(cause).__name__.startswith("Connect")
        return faults.unreachable(self.server, why, connected=made)

    def _faltered(self, fault: Fault) -> _Faltered:
        if self._secret and self._secret in fault.error.message:
            fault.error.message = fault.error.message.replace(self._secret, "[key]")
        return _Faltered(fault)

    async def _connect(self) -> AsyncOpenAI:
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
            return self._client

    def _make(self) -> AsyncOpenAI:
        """Import the SDK and make its client; takes a second, so it runs in a thread."""
        import openai

        self._find()
        local = is_loopback(self._url)
        http = openai.DefaultAsyncHttpxClient(trust_env=not local, follow_redirects=not local)
        timeout = openai.Timeout(self._idle, connect=15.0)
        try:
            return openai.AsyncOpenAI(
                api_key=self._secret, base_url=self._url, max_retries=0, timeout=timeout, http_client=http
            )
        except (openai.OpenAIError, ValueError) as error:
            raise ServiceError(f"{self.server} cannot be asked: {error}", "Check OPENAI_BASE_URL.") from error

    def _find(self) -> None:
        self._secret = self._secret or (self._key if isinstance(self._key, str) else self._key())


async def _drain(stream: AsyncStream[object]) -> None:
    """Read the little that follows the terminal event, so that the connection can be used again."""
    with suppress(Exception):
        async with asyncio.timeout(REST):
            async for _ in stream:
                pass


class _Faltered(Exception):
    """One attempt failed; the fault says what that means."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.error.message)
        self.fault = fault
