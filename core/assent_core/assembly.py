"""Puts the pieces of a session together: stage, gate, record, models."""

from __future__ import annotations

import asyncio
import datetime
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from assent_core.background import Background
from assent_core.consent.gate import Asker, Gate
from assent_core.consent.ledger import Ledger
from assent_core.context.compactor import Compactor
from assent_core.context.gauge import Gauge
from assent_core.context.transcript import Transcript
from assent_core.crew.crew import Workers
from assent_core.crew.hiring import Hiring
from assent_core.diffs.changes import take_apart
from assent_core.events import Noticed, Opened
from assent_core.instructions import worker_instructions
from assent_core.landing import landings
from assent_core.memory import sessions
from assent_core.memory.course import Course
from assent_core.memory.cues import Cues, Overheard, Prompter
from assent_core.memory.items import ItemFile
from assent_core.memory.missed import missed
from assent_core.memory.outputs import Outputs
from assent_core.memory.past import Past, past_of
from assent_core.memory.record import Record
from assent_core.model import Model, Request
from assent_core.money.accounts import Accounts
from assent_core.money.budget import Budgets
from assent_core.money.usage import Meter
from assent_core.performing.perform import Performer
from assent_core.redaction.known import secrets_of_environment, secrets_of_folder, secrets_of_remotes
from assent_core.redaction.redactor import Redactor
from assent_core.roles.inquiry import Inquiry
from assent_core.roles.lookout import Lookout
from assent_core.roles.reviewer import Reviewer
from assent_core.roles.scout import Scout
from assent_core.router import Work, route
from assent_core.service.catalogue import load
from assent_core.service.endings import endings
from assent_core.service.keys import find_key
from assent_core.service.responses import Responses
from assent_core.session import Session
from assent_core.settings import Settings, close_to_others, config_dir
from assent_core.tools import specs
from assent_core.turns.books import Books, Counted
from assent_core.turns.turn import Bench
from assent_core.workspace import Workspace, find
from assent_sandbox import host
from assent_sandbox.policy import Policy
from assent_sandbox.stage import Change, Stage
from assent_sandbox.tiers import open_stage, sweep

_OF_REMOTES = r"^(remote\..*url|url\..*insteadof|http\..*extraheader|http\..*proxy|submodule\..*url)$"
NANO = "The profile is nano: the small model does all the work, and images are refused (settings: profile)."
UNTOUCHED = 300.0
"""Seconds after which a stage without changes, which nobody has open, was left behind by a crash."""


async def open_session(
    root: Path,
    settings: Settings,
    asker: Asker | None = None,
    *,
    model: bool = True,
    keyed: bool = False,
    resume: str = "",
    performs: type[Performer] = Performer,
) -> Session:
    """Recover interrupted landings, open a stage and a record, start what must be warm.

    `asker` None: nobody can be asked. `model` False: no key is looked for and no connection is made (`assent run`).
    `keyed`: KeyMissing at once where there is no key, not when the first request needs it (`assent fix` runs for long before).
    `resume` is the id of a recorded session to go on with: its stage, what its model has seen, its evidence and its cost.
    `performs` carries out what is approved.
    """
    workspace, state = await asyncio.to_thread(find, root), settings.state_dir
    for folder in (state, state / "stages"):
        close_to_others(folder)
    recovered = await asyncio.to_thread(landings.recover, workspace.root, state)
    redact = Redactor((*secrets_of_environment(os.environ), *await asyncio.to_thread(_secrets_of, workspace, settings)))
    service = Responses(settings, lambda: _known(find_key(settings), redact))
    if keyed:
        await service.ready()
    if model:
        service.warm()
    id = resume or sessions.new_id()
    own = (state, config_dir())
    stage = await open_stage(workspace.root, sessions.stage_home(state, workspace.root, id), closed=own)
    try:
        place = Place(id, settings, workspace, stage, redact, performs)
        session = await _begun(place, service, asker, tuple(map(_in_words, recovered)), resumed=bool(resume))
    except BaseException:
        await (stage.close() if resume else stage.discard())
        raise
    threading.Thread(target=_swept, args=(state,), name="sweep", daemon=True).start()
    return session


@dataclass(frozen=True)
class Place:
    """Where a session takes place, and under whose choices."""

    id: str
    settings: Settings
    workspace: Workspace
    stage: Stage
    redact: Redactor
    performs: type[Performer]


async def _begun(
    place: Place, service: Responses, asker: Asker | None, told: tuple[str, ...], *, resumed: bool
) -> Session:
    """The session of a place, with what it takes over from an earlier process; `told` is what happened on the way."""
    id, settings, workspace, stage, redact = place.id, place.settings, place.workspace, place.stage, place.redact
    state = settings.state_dir
    past = await asyncio.to_thread(past_of, state, id) if resumed else Past()
    record = Record(sessions.record_path(state, id), id, workspace.root, redact)
    if resumed:
        past = await asyncio.to_thread(_caught_up, past, record, id, workspace.root, state)
    lookout = Lookout(Background(record.append), redact)
    lowered = (stage.lowered,) if stage.lowered else ()
    lookout.models, lookout.server = _models(settings), service.endings
    ending = await asyncio.to_thread(_endings, lookout.models)
    marked = (NANO,) if settings.profile == "nano" else ()
    notices = (*workspace.notices, *marked, *ending, *lowered, *told, *past.notices)
    request = await asyncio.to_thread(_request, settings, service, id)
    file = ItemFile(sessions.items_path(state, id))
    cues = Cues(sessions.cues_path(state, id), redact)
    cues.begin(settings, workspace.head, workspace.branch, asked=asker is not None)
    heard, prompter = Overheard(service, cues), Prompter(asker, cues) if asker else None
    bench = _bench(place, past.transcript(file, redact), heard, prompter, lookout, request=request)
    course = Course(stage, sessions.album_path(state, id), file, bench.transcript, past.events)
    bench.meter.go_on(past.billed)
    bench.performer.byproducts |= past.byproducts
    session = Session(_opened(place, notices), settings, bench, record, lookout, course=course, cues=cues, past=past)
    if resumed:
        await session.finish_rewinding()
    return session


def _opened(place: Place, notices: tuple[str, ...]) -> Opened:
    settings = place.settings
    return Opened(
        session=place.id,
        root=str(place.workspace.root),
        tier=place.stage.tier,
        branch=place.workspace.branch,
        worker=route("edit", settings).model,
        scout=route("classify", settings).model if settings.scouting else "",
        budget=settings.budget,
        notices=notices,
    )


def _bench(
    place: Place,
    transcript: Transcript,
    service: Model,
    asker: Asker | None,
    lookout: Lookout,
    *,
    request: Request,
) -> Bench:
    settings, root, background = place.settings, place.workspace.root, lookout.background
    tell = _notice_to(background)
    gate = Gate(
        root=root,
        session=place.id,
        tier=place.stage.tier,
        mode=settings.mode,
        asker=asker,
        ledger=Ledger(settings.state_dir / "consent.jsonl", place.redact),
        put=lookout.explain,
    )
    accounts = Accounts(settings.state_dir / "accounts.db", tell) if settings.accounts else None
    budgets = Budgets(settings, gate.spend if asker else None, tell, accounts.spent if accounts else None)
    meter, books, gauge = Meter(settings, budgets=budgets), Books(accounts, place.id, str(root)), Gauge()
    counted = Counted(service, meter, books, gauge)
    inquiry = Inquiry(counted, lambda role, paid: background.tell(meter.bill(role, paid)), place.redact)
    lookout.scout, lookout.reviewer = Scout(inquiry, settings), Reviewer(inquiry, settings)
    return Bench(
        model=counted,
        request=request,
        transcript=transcript,
        gate=gate,
        performer=place.performs(
            place.stage,
            place.workspace,
            policy_of(settings),
            place.redact,
            Outputs(sessions.blobs_path(settings.state_dir, place.id)),
        ),
        meter=meter,
        failed=lookout.look,
        books=books,
        compactor=Compactor(counted, meter, gauge, settings, scouting=lambda: lookout.scout.on),
        sees=settings.profile != "nano",
        aside=lookout.pointed,
        crew=Workers(Hiring(service, settings, background.keep)),
    )


def _request(settings: Settings, service: Responses, id: str) -> Request:
    return Request(
        role="worker",
        model=route("edit", settings).model,
        effort=settings.worker.effort,
        instructions=worker_instructions(),
        items=(),
        tools=specs(service.custom_tools),
        cache_key=id,
    )


def _caught_up(past: Past, record: Record, id: str, root: Path, state: Path) -> Past:
    """The past with what became of landings since; from now on it is in the record too."""
    made = [one for one in reversed(landings.landings(root, state)) if one.session == id]

    def hunks(landing: str) -> int:
        writes = landings.writes_of(root, state, landing)
        return sum(len(take_apart(Change(path=w.path, before=w.before, after=w.after)).hunks) for w in writes)

    events = tuple(missed(past.events, made, hunks))
    for event in events:
        record.append(event)
    return msgspec.structs.replace(past, events=(*past.events, *events))


def _models(settings: Settings) -> tuple[str, ...]:
    """The models that the settings bind."""
    works: tuple[Work, ...] = ("edit", "classify", "plan", "review", "judge")
    return tuple(dict.fromkeys(route(work, settings).model for work in works))


def _endings(models: tuple[str, ...]) -> tuple[str, ...]:
    """What the catalogue says of models that end soon."""
    known = ((model, load().find(model)) for model in models)
    days = {model: facts.shutdown for model, facts in known if facts and facts.shutdown}
    return endings(models, days, datetime.datetime.now(datetime.UTC).date())


def _in_words(recovered: landings.Recovered) -> str:
    return f"An interrupted landing was {recovered.how}: {', '.join(recovered.paths)}"


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
    return (*secrets_of_folder(workspace.root, policy_of(settings).public), *secrets_of_remotes(_remotes(workspace)))


def _remotes(workspace: Workspace) -> str:
    """What git's settings say of the places that this repository is fetched from and pushed to."""
    with suppress(host.GitFailed):
        said = host.git("config", "-z", "--get-regexp", _OF_REMOTES, cwd=workspace.root) if workspace.git else b""
        return said.decode("utf-8", "replace")
    return ""
