"""The rehearsal server with a recorded session's replies as its script, in their order."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from assent_core.memory.cues import Cue, Replied
from assent_core.memory.sessions import ID_LENGTH
from assent_core.model import WireItem
from assent_core.rehearsal import Rehearsal
from assent_core.rehearsal.script import Arguments, Fault, Script, Step, role_of, schema_of


class Recital(Rehearsal):
    """Serves what models answered in a session. Whatever it has no reply for is refused with 400."""

    def __init__(self, cues: Iterable[Cue]) -> None:
        super().__init__(Script())
        self._left = [cue for cue in cues if isinstance(cue, Replied)]

    def receive(self, body: Arguments, headers: dict[str, str]) -> Step:
        """The next reply to a request of this kind."""
        super().receive(body, headers)
        line = str(body.get("prompt_cache_key") or "")[ID_LENGTH:]
        for place, cue in enumerate(self._left):
            if (cue.schema, _kind(cue), cue.line) == (schema_of(body), role_of(body), line):
                del self._left[place]
                return _step(cue)
        return Step(
            fault=Fault(status=400, code="not_recorded", body="Nothing was recorded that answers this request.")
        )


def _kind(cue: Replied) -> str:
    """Whose request the server takes it for; see script.role_of."""
    if cue.schema:
        return "scout"
    return "scout" if not cue.tools and "nano" in cue.model else "worker"


def _step(cue: Replied) -> Step:
    if cue.failed or cue.finished is None:
        return Step(fault=Fault(status=400, code="recorded_failure", body=f"When it was recorded: {cue.failed}"))
    done = cue.finished
    used = {} if done.usage is None else msgspec.structs.asdict(done.usage)
    items: tuple[WireItem, ...] = cue.items
    return Step(items=items, usage=used, model=done.model, fault=Fault(incomplete=done.incomplete))
