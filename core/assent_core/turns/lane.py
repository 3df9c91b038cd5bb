"""Who works on a turn: what of the transcript that model may see, and when a larger one takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from assent_core.context.transcript import Transcript
from assent_core.errors import BadReply, ModelMissing, Overloaded, ServiceError
from assent_core.events import Routed
from assent_core.model import WireItem
from assent_core.proposals import Proposal
from assent_core.router import Grown, outgrown
from assent_core.tools import Mistake

TAKEN_OVER = (
    "Not done: this became more than a bounded question, so a larger model takes over here. This call changed nothing."
)


class Relief(Struct, frozen=True):
    """Who takes over what a small model has begun: `larger(why)` names the model, `doubt()` says what came up beside the turn."""

    larger: Callable[[str], Routed]
    doubt: Callable[[], str]


class Lane:
    """The model of a turn, and the larger one after it if there is a `relief`.

    Reasoning can be read only by the model that made it. A transcript belongs to the model `home`: any other is shown no
    reasoning but its own of this turn, and leaves none behind.
    """

    def __init__(self, transcript: Transcript, routed: Routed, home: str, relief: Relief | None = None) -> None:
        self.routed = routed
        self._transcript = transcript
        self._home = home
        self._relief = relief
        self._grown = Grown()
        self._own: set[int] = set()

    @property
    def items(self) -> tuple[WireItem, ...]:
        """What this model is shown of the transcript."""
        items = self._transcript.items
        if self.routed.model == self._home:
            return items
        return tuple(item for item in items if item.get("type") != "reasoning" or id(item) in self._own)

    def took(self, item: WireItem) -> None:
        """The model made this item, which is the last one of the transcript now."""
        if item.get("type") == "reasoning" and self.routed.model != self._home:
            self._own.add(id(self._transcript.items[-1]))

    def saw(self, proposals: Iterable[tuple[str, Proposal | Mistake]], beyond: Callable[[Proposal], bool]) -> None:
        """The model called these tools; `beyond` says whether a proposal reaches outside the stage."""
        called = list(proposals)
        wanted = [proposal for _, proposal in called if not isinstance(proposal, Mistake)]
        self._grown = replace(
            self._grown,
            tools=(*self._grown.tools, *(name for name, _ in called)),
            beyond=self._grown.beyond or (self._relief is not None and any(map(beyond, wanted))),
            mistakes=self._grown.mistakes + len(called) - len(wanted),
        )

    def pictured(self) -> None:
        """An image came up in what a tool gave."""
        self._grown = replace(self._grown, images=True)

    def relieved(self, why: str = "") -> Routed | None:
        """Let the larger model take over, if there is one and a reason: `why`, what the work has grown to, or what came up."""
        if self._relief is None or not (why := why or outgrown(self._grown) or self._relief.doubt()):
            return None
        self.end()
        self.routed, self._relief = self._relief.larger(why), None
        return self.routed

    def failed(self, error: ServiceError) -> Routed | None:
        """Let the larger model take over where the service fails for this one alone."""
        alone = isinstance(error, ModelMissing | Overloaded | BadReply)
        return self.relieved(f"{self.routed.model} could not be asked") if alone else None

    def end(self) -> None:
        """Leave nothing in the transcript that only this model could read."""
        self._transcript.leave_out(lambda item: id(item) in self._own)
        self._own.clear()
