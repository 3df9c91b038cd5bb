"""What a failure of the service means: which error it is, whether asking again helps, and when; pure."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from assent_core.errors import (
    BadReply,
    ContextTooLong,
    KeyRefused,
    ModelMissing,
    Overloaded,
    QuotaExhausted,
    ServiceError,
    Unreachable,
)

TRIES = 5
"""How often a request is sent at most when the service falters."""
CONNECTS = 3
"""How often a connection is tried that could never be made."""
LONGEST_WAIT = 120.0
"""A service that asks for more seconds of patience than this is given up."""

QUOTA = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
    }
)
PASSING = frozenset({"rate_limit_exceeded", "slow_down", "server_is_overloaded", "server_error"})
PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504, 529})
NUMBER = re.compile(r"\d+\.?\d*", re.ASCII)
TOO_LONG = re.compile(r"context.?(length|window|size)|maximum.context|prompt is too long|exceed_context", re.IGNORECASE)
UNREADABLE = re.compile(
    r"invalid_encrypted_content|required following item|could not be (verified|decrypted)", re.IGNORECASE
)
OPTIONAL = (
    ("thoughts", UNREADABLE),
    ("include", re.compile(r"\binclude\b|encrypted_content", re.IGNORECASE)),
    ("summary", re.compile(r"reasoning.summary|reasoning summar", re.IGNORECASE)),
    ("reasoning", re.compile(r"reasoning|thinking|\beffort\b", re.IGNORECASE)),
    ("cache_key", re.compile(r"prompt_cache_key", re.IGNORECASE)),
    ("parallel", re.compile(r"parallel_tool_calls", re.IGNORECASE)),
)
"""Parts of a request that a server may refuse and that we can do without, and how its message names them."""


class Fault(Struct, frozen=True, kw_only=True):
    """A failed request: the error it is in the end, how often to try in all (1: never again), the wait asked for.

    `drop` names the optional part of the request that the server refused.
    """

    error: ServiceError
    tries: int = 1
    after: float | None = None
    drop: str = ""


class Complaint(Struct, frozen=True, kw_only=True):
    """What a server said was wrong, as far as it can be read."""

    status: int = 0
    code: str = ""
    message: str = ""
    json: bool = True


def read(status: int, body: object) -> Complaint:
    """Read an error body: OpenAI's shape, the shapes of other servers, or none at all (a proxy's page)."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return Complaint(status=status, message=_short(_untagged(body)), json=False)
    told = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    inner = told.get("error") or told.get("detail") or told
    if not isinstance(inner, dict):
        return Complaint(status=status, message=_short(str(inner)) if inner else "", json=bool(told))
    inner = cast("dict[str, object]", inner)
    code = inner.get("code")
    if isinstance(code, int):
        status = status or code
    code = code if isinstance(code, str) else inner.get("type")
    param = f" ({inner['param']})" if isinstance(inner.get("param"), str) else ""
    return Complaint(status=status, code=str(code or ""), message=_short(f"{inner.get('message') or ''}{param}"))


def judge(said: Complaint, model: str, server: str, headers: Mapping[str, str] | None = None) -> Fault:
    """Decide what a complaint means; `headers` are those of the answer, for the wait it asks for."""
    why = said.message or said.code or f"status {said.status}"
    if said.code in QUOTA or said.status == 402:
        return Fault(error=QuotaExhausted(f"The account has no credit left: {why}", _QUOTA_HINT))
    if said.code in PASSING or said.status in PASSING_STATUS:
        return _passing(why, said.status, headers or {})
    if said.status == 413 or TOO_LONG.search(f"{said.code} {said.message}"):
        return Fault(error=ContextTooLong(f"The request is larger than {model} takes: {why}", _CONTEXT_HINT))
    if not said.json and said.status not in (401, 404):
        hint = (
            f"Something between here and {server} answered, perhaps a proxy or a sign-in page; check OPENAI_BASE_URL."
        )
        return Fault(error=BadReply(f"The answer (status {said.status}) is not from a model's service: {why}", hint))
    return _refused(said, why, model, server)


def _refused(said: Complaint, why: str, model: str, server: str) -> Fault:
    match said.status:
        case 401:
            return Fault(error=KeyRefused(f"{server} does not accept the API key: {why}", _KEY_HINT))
        case 403:
            return Fault(error=KeyRefused(f"The API key may not do this at {server}: {why}", _RIGHTS_HINT))
        case 404 if said.code == "model_not_found" or "model" in said.message.lower():
            return Fault(error=ModelMissing(f"{server} does not have the model {model}: {why}", _MODEL_HINT))
        case 404 | 405:
            hint = "The base URL usually ends in /v1, and the server must speak the Responses API."
            return Fault(error=BadReply(f"There is no Responses API at {server}: {why}", hint))
        case _:
            error = ServiceError(
                f"{server} refused the request: {why}", "The request was not sent again; what is staged is kept."
            )
            return Fault(error=error, drop=_dispensable(said))


def unreachable(server: str, why: str, *, connected: bool) -> Fault:
    """The connection could not be made, or (`connected`) it broke or fell silent."""
    if connected:
        error = Unreachable(
            f"The connection to {server} broke: {why}", "Check the network; what is staged is kept. Ask again."
        )
        return Fault(error=error, tries=TRIES)
    error = Unreachable(
        f"No connection to {server}: {why}", "Is the server running, the network up, OPENAI_BASE_URL right?"
    )
    return Fault(error=error, tries=CONNECTS)


def garbage(server: str, why: str) -> Fault:
    """The stream holds something that is not an event of the Responses API."""
    error = BadReply(
        f"{server} answered with something that cannot be read: {why}", "The server must speak the Responses API."
    )
    return Fault(error=error, tries=TRIES)


def not_a_stream(server: str, content_type: str, body: str) -> Fault:
    """A 200 that is no event stream: an error as JSON, or a page of something in between."""
    said = read(200, body)
    if said.json and said.code:
        return judge(said, "the model", server)
    what = content_type or "nothing that it names"
    hint = f"Something between here and {server} answered, perhaps a proxy or a sign-in page; check OPENAI_BASE_URL."
    return Fault(error=BadReply(f"{server} answered with {what} instead of an event stream: {said.message}", hint))


def wait(fault: Fault, attempt: int, pause: float, jitter: float) -> float:
    """Seconds before the next attempt: what the service asked for, else doubling from `pause`; `jitter` is 0 to 1."""
    if fault.after is not None:
        return fault.after
    return min(pause * 2 ** (attempt - 1), 20.0) * (0.75 + jitter / 2)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The wait that an answer asks for, in seconds: `retry-after-ms`, or `retry-after` as seconds or as a date."""
    ms, given = headers.get("retry-after-ms", "").strip(), headers.get("retry-after", "").strip()
    if NUMBER.fullmatch(ms):
        return float(ms) / 1000
    if NUMBER.fullmatch(given):
        return float(given)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _passing(why: str, status: int, headers: Mapping[str, str]) -> Fault:
    after = retry_after(headers, time.time())
    label = f" ({status})" if status else ""
    error = Overloaded(f"The service is overloaded or limits the rate{label}: {why}", "Ask again in a while.")
    if after is not None and after > LONGEST_WAIT:
        error = Overloaded(
            f"The service asks to wait {after:,.0f} seconds: {why}", "Ask again then; what is staged is kept."
        )
        return Fault(error=error)
    return Fault(error=error, tries=TRIES, after=after)


def _dispensable(said: Complaint) -> str:
    if said.status not in (400, 422):
        return ""
    return next((name for name, named in OPTIONAL if named.search(f"{said.code} {said.message}")), "")


def _short(text: str) -> str:
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
    return text if len(text) <= 300 else text[:299] + "…"


def _untagged(text: str) -> str:
    return re.sub(r"<[^>]{0,200}>", " ", text[:4000])


_QUOTA_HINT = "Waiting does not help: add credit or raise the limit in the billing settings of the account."
_CONTEXT_HINT = "Start a new session, or ask for less at once."
_KEY_HINT = "Set OPENAI_API_KEY to a valid key, or store one in the keyring: assent key."
_RIGHTS_HINT = "Check the key's project, its permissions and the country it is used from."
_MODEL_HINT = (
    "Name a model that the server has: /model NAME, or for good in settings.toml, "
    "for example worker = { model = ..., effort = ... }."
)
