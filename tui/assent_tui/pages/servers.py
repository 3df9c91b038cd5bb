"""Looks for model servers on this machine, and asks one for its models."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import cast
from urllib.parse import urlsplit

from msgspec import Struct

LOCAL = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))
"""Servers that speak the Responses API, and the ports that they listen on by themselves."""
SECONDS = 1.5
LARGEST = 4 << 20
MOST_MODELS = 20


class Found(Struct, frozen=True):
    """A server on this machine and the models that it has."""

    name: str
    url: str
    models: tuple[str, ...]


class Refusal(Exception):
    """The server did not list its models; `hint` says what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


async def found_servers(ports: tuple[tuple[str, int], ...] = LOCAL) -> tuple[Found, ...]:
    """The servers that answer on the loopback, in the order of the ports."""
    looked = await asyncio.gather(*(_look(name, port) for name, port in ports))
    return tuple(found for found in looked if found is not None)


async def _look(name: str, port: int) -> Found | None:
    url = f"http://127.0.0.1:{port}/v1"
    try:
        return Found(name, url, (await models_of(url, "", SECONDS))[:MOST_MODELS])
    except Refusal:
        return None


async def models_of(server: str, key: str = "", seconds: float = 10) -> tuple[str, ...]:
    """The ids of the models of a server; Refusal if it does not answer, does not take the key, or speaks otherwise."""
    return await asyncio.to_thread(_models_of, server, key, seconds)


def _models_of(server: str, key: str, seconds: float) -> tuple[str, ...]:
    parts = urlsplit(server)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    try:
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        connection.request("GET", f"{parts.path.rstrip('/')}/models", headers=headers)
        answer = connection.getresponse()
        body = answer.read(LARGEST)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = "it does not answer in time" if isinstance(error, TimeoutError) else str(error)
        raise Refusal(f"{parts.hostname} cannot be reached: {why}", "Check the network, then try again.") from error
    finally:
        connection.close()
    if answer.status in (401, 403):
        raise Refusal(f"{parts.hostname} does not take this key ({answer.status}).", "Copy it again, whole.")
    if answer.status != 200:
        raise Refusal(f"{parts.hostname} answered with {answer.status}.", "Try again later.")
    try:
        return read_models(body)
    except ValueError as error:
        raise Refusal(f"What {parts.hostname} answered is no list of models.", "Is it another program?") from error


def read_models(body: bytes) -> tuple[str, ...]:
    """The ids in an answer of /v1/models; ValueError if it is none."""
    answer = cast("object", json.loads(body))
    rows = cast("dict[str, object]", answer).get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise ValueError("no list of models")
    ids = [cast("dict[str, object]", row).get("id") for row in cast("list[object]", rows) if isinstance(row, dict)]
    return tuple(id for id in ids if isinstance(id, str) and id)
