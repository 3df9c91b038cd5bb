"""The events that a step's answer streams, in the order and shape of the Responses API."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from itertools import count
from typing import cast

from assent_core.model import WireItem
from assent_core.rehearsal.script import Arguments, RawCall, Step

WireEvent = dict[str, object]
CHUNK = 12
_serial = count(1)


def tokens(text: str) -> int:
    """About how many tokens a text is: four bytes each."""
    return (len(text.encode(errors="replace")) + 3) // 4


def identifier(kind: str) -> str:
    """A new id as the service makes them: msg_..., rs_..., fc_..."""
    return f"{kind}_{next(_serial):08d}{hashlib.sha256(kind.encode()).hexdigest()[:24]}"


class Answer:
    """One response in the making: `events` streams it, `items` are its complete items afterwards."""

    def __init__(self, step: Step, body: Arguments) -> None:
        self.step = step
        self.body = body
        self.id = identifier("resp")
        self.created = int(time.time())
        self.items: list[WireItem] = []
        self.output_tokens = 0
        self.reasoning_tokens = 0

    def events(self) -> Iterator[WireEvent]:
        """All events but the terminal one."""
        yield {"type": "response.created", "response": self.response("in_progress")}
        yield {"type": "response.in_progress", "response": self.response("in_progress")}
        step = self.step
        for item in step.items:
            yield from self._block(item, item, iter(()))
        if step.items:
            return
        calls = step.all_calls()
        if step.think:
            yield from self._thinks(step.think)
        said = step.say if step.json is None else json.dumps(step.json, ensure_ascii=False)
        if said or not (step.think or calls):
            yield from self._says(said, "commentary" if calls else "final_answer")
        for call in calls:
            yield from self._calls(call)

    def response(self, status: str, **more: object) -> dict[str, object]:
        """The response object as the service shows it in this state."""
        body = self.body
        reasoning = cast("Arguments", body.get("reasoning") or {})
        shown: dict[str, object] = {
            "id": self.id, "object": "response", "created_at": self.created, "status": status, "background": False,
            "error": None, "incomplete_details": None, "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"), "model": self.step.model or str(body.get("model")), "output": [],
            "parallel_tool_calls": bool(body.get("parallel_tool_calls", True)), "previous_response_id": None,
            "prompt_cache_key": body.get("prompt_cache_key"),
            "reasoning": {"effort": reasoning.get("effort", "none"), "summary": reasoning.get("summary")},
            "temperature": 1.0, "text": body.get("text") or {"format": {"type": "text"}},
            "tool_choice": body.get("tool_choice", "auto"), "tools": body.get("tools") or [], "top_p": 1.0,
            "truncation": "disabled", "usage": None, "metadata": {},
        }  # fmt: skip
        return shown | more

    def terminal(self, usage: object) -> WireEvent:
        """The event that ends the response, as the step wants it to end."""
        fault = self.step.fault
        if fault.failed:
            error = {"code": fault.failed, "message": f"The rehearsal fails here: {fault.failed}."}
            return {"type": "response.failed", "response": self.response("failed", error=error, usage=usage)}
        whole = {"output": self.items, "usage": usage}
        if fault.incomplete:
            why = {"reason": fault.incomplete}
            return {
                "type": "response.incomplete",
                "response": self.response("incomplete", incomplete_details=why, **whole),
            }
        done = self.response("completed", completed_at=int(time.time()), **whole)
        return {"type": "response.completed", "response": done}

    def _block(self, begun: WireItem, done: WireItem, between: Iterator[WireEvent]) -> Iterator[WireEvent]:
        index = len(self.items)
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        for event in between:
            yield event | {"item_id": done["id"], "output_index": index}
        self.items.append(done)
        yield {"type": "response.output_item.done", "output_index": index, "item": done}

    def _thinks(self, summary: str) -> Iterator[WireEvent]:
        item: WireItem = {"id": identifier("rs"), "type": "reasoning", "summary": [], "status": "in_progress"}
        done: WireItem = item | {"summary": [{"type": "summary_text", "text": summary}], "status": "completed"}
        if "reasoning.encrypted_content" in cast("list[str]", self.body.get("include") or []):
            secret = hashlib.sha512(f"{item['id']}{summary}".encode()).digest() * 4
            done["encrypted_content"] = "gAAAA" + base64.urlsafe_b64encode(secret).decode()
        self.reasoning_tokens += tokens(summary) * 2
        self.output_tokens += tokens(summary) * 2
        yield from self._block(item, done, _summary(summary))

    def _says(self, text: str, phase: str) -> Iterator[WireEvent]:
        item: WireItem = {
            "id": identifier("msg"), "type": "message", "status": "in_progress",
            "role": "assistant", "content": [], "phase": phase,
        }  # fmt: skip
        part: dict[str, object] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        self.output_tokens += tokens(text)
        yield from self._block(item, item | {"content": [part], "status": "completed"}, _message(text, part))

    def _calls(self, call: RawCall) -> Iterator[WireEvent]:
        arguments = call.arguments
        if call.name == "apply_patch" and isinstance(arguments, dict) and self._is_custom(call.name):
            arguments, kind = str(arguments.get("patch")), "custom_tool_call"
        else:
            arguments, kind = arguments if isinstance(arguments, str) else json.dumps(arguments), "function_call"
        if self.step.fault.malformed:
            arguments = arguments[: len(arguments) // 2]
        field, stem, short = (
            ("arguments", "response.function_call_arguments", "fc")
            if kind == "function_call"
            else ("input", "response.custom_tool_call_input", "ctc")
        )
        item: WireItem = {
            "id": identifier(short),
            "type": kind,
            "call_id": identifier("call"),
            "name": call.name,
            field: "",
        }
        done = item | {field: arguments}
        if kind == "function_call":
            item["status"], done["status"] = "in_progress", "completed"
        self.output_tokens += tokens(arguments) + 8
        yield from self._block(item, done, _arguments(stem, field, arguments))

    def _is_custom(self, name: str) -> bool:
        tools = cast("list[Arguments]", self.body.get("tools") or [])
        return any(tool.get("type") == "custom" and tool.get("name") == name for tool in tools)


def _summary(text: str) -> Iterator[WireEvent]:
    stem = "response.reasoning_summary"
    yield {"type": f"{stem}_part.added", "summary_index": 0, "part": {"type": "summary_text", "text": ""}}
    for piece in _words(text):
        yield {"type": f"{stem}_text.delta", "summary_index": 0, "delta": piece}
    yield {"type": f"{stem}_text.done", "summary_index": 0, "text": text}
    yield {"type": f"{stem}_part.done", "summary_index": 0, "part": {"type": "summary_text", "text": text}}


def _message(text: str, part: dict[str, object]) -> Iterator[WireEvent]:
    yield {"type": "response.content_part.added", "content_index": 0, "part": part | {"text": ""}}
    for piece in _words(text):
        yield {"type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", "content_index": 0, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", "content_index": 0, "part": part}


def _arguments(stem: str, field: str, text: str) -> Iterator[WireEvent]:
    for start in range(0, len(text), CHUNK):
        yield {"type": f"{stem}.delta", "delta": text[start : start + CHUNK]}
    yield {"type": f"{stem}.done", field: text}


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)
