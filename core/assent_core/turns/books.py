"""What one session enters into the accounts: its tasks, each request of each role, and the lines that landed."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from assent_core.consent.commands import visible
from assent_core.context.gauge import Gauge
from assent_core.context.transcript import text_of
from assent_core.diffs.review import Review
from assent_core.errors import AssentError
from assent_core.events import AnyEvent, Digested, Ended, Verified
from assent_core.model import Finished, Item, Model, Reply, Request, Usage
from assent_core.money.accounts import Accounts, Kind, Landing, Payment, Task
from assent_core.money.usage import Meter, asked_tier

WORKS = {"scout_digest": "classify", "scout_explain": "summarize"}
"""What a demanded schema is for, where the request does not say."""
DEFAULTS = {"worker": "edit", "scout": "summarize", "planner": "plan", "reviewer": "review"}
LONGEST_NAME = 120


class Books:
    """The entries of one session. Without accounts nothing is entered. Nothing here waits or fails."""

    def __init__(self, accounts: Accounts | None = None, session: str = "", repo: str = "") -> None:
        self._accounts = accounts
        self._session = session
        self._repo = repo
        self._task: Task | None = None
        self._creditor = ""
        self._landings: dict[str, Landing] = {}

    def begin(self, kind: Kind) -> None:
        """A task begins; what is requested from now on belongs to it."""
        id = f"{self._session}-{secrets.token_hex(4)}"
        self._task = Task(
            id=id, time=time.time(), session=self._session, repo=self._repo, kind=kind, outcome="interrupted"
        )
        if kind not in ("verify", "compact"):
            self._creditor = id

    def saw(self, event: AnyEvent) -> None:
        """Take from an event of the task what the accounts keep of it."""
        if self._task is None:
            return
        match event:
            case Digested(digest=digest) if digest.failure != "none":
                self._task = msgspec.structs.replace(self._task, failure=digest.failure)
            case Verified(evidence=evidence):
                self._task = msgspec.structs.replace(self._task, verified=evidence.passed)
            case _:
                pass

    def end(self, ended: Ended) -> None:
        """The task is over."""
        task, self._task = self._task, None
        if task and self._accounts:
            seconds = max(0.0, time.time() - task.time)
            self._accounts.write(msgspec.structs.replace(task, outcome=ended.how, seconds=seconds))

    def landed(self, id: str, review: Review) -> None:
        """The accepted hunks of a review landed; their lines are credited to the last task that could have made them."""
        if self._accounts and self._creditor:
            hunks = [hunk for file in review.files for hunk in file.hunks]
            accepted = [hunk for hunk in hunks if review.mark(hunk.id).verdict == "accepted"]
            lines = sum(len(hunk.old) + len(hunk.new) for hunk in accepted)
            self._landings[id] = Landing(task=self._creditor, lines=lines)
            self._accounts.write(self._landings[id])

    def undone(self, id: str) -> None:
        """A landing was taken back; one of another session keeps its credit."""
        if (landing := self._landings.pop(id, None)) and self._accounts:
            self._accounts.write(msgspec.structs.replace(landing, lines=-landing.lines))

    def flush(self) -> None:
        """Wait until all is written, or has failed to be."""
        if self._accounts:
            self._accounts.flush()

    def paid(
        self, request: Request, model: str, finished: Finished | None, price: tuple[float | None, str], outcome: str
    ) -> None:
        """A request to a model is over, however it ended; failed ones have no usage."""
        if self._accounts is None:
            return
        usage = (finished and finished.usage) or Usage()
        usd, prices = price
        payment = Payment(
            time=time.time(),
            session=self._session,
            repo=self._repo,
            task=self._task.id if self._task else "",
            role=request.role,
            model=visible(model)[:LONGEST_NAME],
            work=work_of(request),
            input=usage.input,
            cached=usage.cached,
            output=usage.output,
            reasoning=usage.reasoning,
            usd=usd if finished else 0.0,
            prices=prices,
            first=finished.seconds_to_first if finished else 0.0,
            seconds=finished.seconds if finished else 0.0,
            requests=finished.requests if finished else 1,
            outcome=outcome,
        )
        self._accounts.write(payment)


class Counted:
    """A model whose every request is held to the budgets, estimated, priced and entered; see `model.Model`.

    BudgetExceeded is raised before a request leaves that no budget allows.
    """

    def __init__(self, model: Model, meter: Meter, books: Books, gauge: Gauge) -> None:
        self._model = model
        self._meter = meter
        self._books = books
        self._gauge = gauge

    async def stream(self, request: Request) -> AsyncGenerator[Reply]:
        """Stream one reply."""
        await self._meter.budgets.within(ask=request.role in ("worker", "planner"))
        request = msgspec.structs.replace(request, service_tier=asked_tier(self._meter.tier(request.model)))
        outcome, text = "cancelled", ""
        finished: Finished | None = None
        try:
            async with aclosing(self._model.stream(request)) as replies:
                async for reply in replies:
                    if isinstance(reply, Item) and request.schema:
                        text += text_of(reply.item)
                    elif isinstance(reply, Finished):
                        finished, outcome = reply, _outcome(request, reply, text)
                        self._gauge.learn(request, reply)
                    yield reply
        except AssentError as error:
            outcome = type(error).__name__
            raise
        finally:
            model = self._meter.name(finished.model if finished else request.model)
            self._books.paid(request, model, finished, self._meter.price(finished) if finished else (None, ""), outcome)

    async def close(self) -> None:
        """Close the connections."""
        await self._model.close()


def work_of(request: Request) -> str:
    """The kind of work that a request is for."""
    known = request.work or WORKS.get(request.schema.name if request.schema else "", "")
    return known or DEFAULTS[request.role]


def _outcome(request: Request, finished: Finished, text: str) -> str:
    if finished.incomplete:
        return "incomplete"
    if request.schema is None:
        return "done"
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "invalid"
    return "done"
