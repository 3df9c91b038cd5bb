"""Puts the pieces of a session together: stage, gate, record, models."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from assent_core import landing, sessions
from assent_core.accounts import Accounts
from assent_core.background import Background
from assent_core.books import Books, Counted
from assent_core.budget import Budgets
from assent_core.compactor import Compactor
from assent_core.consent import Asker, Gate, Question
from assent_core.events import Digested, Explained, Noticed, Opened
from assent_core.gauge import Gauge
from assent_core.instructions import worker_instructions
from assent_core.items import ItemFile
from assent_core.keys import find_key
from assent_core.ledger import Ledger
from assent_core.model import Finished, Request, Role
from assent_core.past import Past, past_of
from assent_core.perform import Performer, Result
from assent_core.proposals import Spend
from assent_core.reach import in_words
from assent_core.record import Record
from assent_core.redact import Redactor, secrets_of_env_file, secrets_of_environment
from assent_core.responses import Responses
from assent_core.router import route
from assent_core.scout import Scout
from assent_core.session import Session
from assent_core.settings import Settings
from assent_core.tools import specs
from assent_core.transcript import Transcript
from assent_core.turn import Bench
from assent_core.usage import Meter
from assent_core.workspace import Workspace, find
from assent_sandbox.policy import Policy
from assent_sandbox.stage import Stage
from assent_sandbox.tiers import open_stage, sweep

UNTOUCHED = 300.0
"""Seconds after which a stage without changes, which nobody has open, was left behind by a crash."""

EXPLAINABLE = 20_000
"""Characters of a proposal that the scout is given to explain."""


async def open_session(
    root: Path, settings: Settings, asker: Asker | None = None, *, model: bool = True, resume: str = ""
) -> Session:
    """Recover interrupted landings, open a stage and a record, start what must be warm.

    `asker` None: nobody can be asked. `model` False: no key is looked for and no connection is made (`assent run`).
    `resume` is the id of a recorded session to go on with: its stage, what its model has seen, its evidence and its cost.
    """
    workspace, state = await asyncio.to_thread(find, root), settings.state_dir
    recovered = await asyncio.to_thread(landing.recover, workspace.root, state)
    redact = Redactor((*secrets_of_environment(os.environ), *_secrets_of(workspace, settings)))
    service = Responses(settings, lambda: _known(find_key(settings), redact))
    if model:
        service.warm()
    id = resume or f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    stage = await open_stage(workspace.root, sessions.stage_home(state, workspace.root, id))
    try:
        past = await asyncio.to_thread(past_of, state, resume) if resume else Past()
    except BaseException:
        await stage.close()
        raise
    record = Record(sessions.record_path(state, id), id, workspace.root, redact)
    background = Background(record.append)
    opened = Opened(
        session=id,
        root=str(workspace.root),
        tier=stage.tier,
        branch=workspace.branch,
        worker=route("edit", settings).model,
        scout=route("classify", settings).model if settings.scouting else "",
        budget=settings.budget,
        notices=(
            *workspace.notices,
            *(f"An interrupted landing was {one.how}: {', '.join(one.paths)}" for one in recovered),
            *past.notices,
        ),
    )
    transcript = past.transcript(ItemFile(sessions.items_path(state, id)))
    bench = _bench(
        settings,
        workspace,
        stage,
        transcript,
        service=service,
        asker=asker,
        redact=redact,
        id=id,
        background=background,
    )
    bench.meter.go_on(past.billed)
    threading.Thread(target=_swept, args=(state,), name="sweep", daemon=True).start()
    return Session(opened, settings, bench, record, background, past=past)


def _bench(
    settings: Settings,
    workspace: Workspace,
    stage: Stage,
    transcript: Transcript,
    *,
    service: Responses,
    asker: Asker | None,
    redact: Redactor,
    id: str,
    background: Background,
) -> Bench:
    tell = _notice_to(background)
    accounts = Accounts(settings.state_dir / "accounts.db", tell)
    ledger = Ledger(settings.state_dir / "consent.jsonl")
    gate = Gate(
        root=workspace.root,
        session=id,
        tier=stage.tier,
        mode=settings.mode,
        asker=asker,
        ledger=ledger,
        put=lambda question: background.begin(explain(question)),
    )
    kept = settings.accounts
    budgets = Budgets(settings, gate.spend if asker else None, tell, accounts.spent if kept else None)
    meter, books = Meter(settings, budgets=budgets), Books(accounts if kept else None, id, str(workspace.root))
    gauge = Gauge()
    counted = Counted(service, meter, books, gauge)

    def billed(role: Role, finished: Finished) -> None:
        background.tell(meter.bill(role, finished))

    scout = Scout(counted, settings, billed, redact)

    async def look(result: Result) -> None:
        assert result.digest is not None
        code = result.performed.code or 0
        if found := await scout.digest(result.command, code, result.output, result.digest):
            background.tell(Digested(id=result.performed.id, digest=found))

    async def explain(question: Question) -> None:
        action = "" if isinstance(question.proposal, Spend) else in_words(question.proposal, EXPLAINABLE)
        if sentence := await scout.explain("\n".join((action, *question.effects))):
            background.tell(Explained(id=question.id, sentence=redact(sentence)))

    request = Request(
        role="worker",
        model=settings.worker.model,
        effort=settings.worker.effort,
        instructions=worker_instructions(),
        items=(),
        tools=specs(service.custom_tools),
        cache_key=id,
    )
    return Bench(
        model=counted,
        request=request,
        transcript=transcript,
        gate=gate,
        performer=Performer(stage, workspace, policy_of(settings), redact),
        meter=meter,
        failed=lambda result: background.begin(look(result)),
        books=books,
        compactor=Compactor(counted, meter, gauge, settings),
    )


def _swept(state: Path) -> None:
    with suppress(OSError):
        sweep(state, UNTOUCHED)


def _notice_to(background: Background) -> Callable[[str], None]:
    """What tells a notice from any thread; after the end of the loop there is nobody to tell."""
    loop = asyncio.get_running_loop()

    def tell(text: str) -> None:
        here = None
        with suppress(RuntimeError):
            here = asyncio.get_running_loop()
        if here is loop:
            background.tell(Noticed(text=text))
            return
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(background.tell, Noticed(text=text))

    return tell


def policy_of(settings: Settings) -> Policy:
    """The walls that the user's settings ask for."""
    return Policy(
        limits=settings.limits,
        readable=settings.readable,
        variables=settings.variables,
        secrets=(*Policy().secrets, *settings.secrets),
    )


def _known(key: str, redact: Redactor) -> str:
    redact.add([key])
    return key


def _secrets_of(workspace: Workspace, settings: Settings) -> tuple[str, ...]:
    policy = policy_of(settings)
    values: list[str] = []
    for path in workspace.root.glob(".env*"):
        public = any(fnmatch(path.name, pattern) for pattern in policy.public)
        if not public and path.is_file() and path.stat().st_size < 1 << 20:
            values += secrets_of_env_file(path.read_text(errors="replace"))
    return tuple(values)
