"""One-shot: run, repair, verify; then the review, a landing of what is verified, or a patch."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from assent_core.assembly import open_session
from assent_core.consent.gate import Asker
from assent_core.diffs.changes import BYPRODUCT, FileChange, unified
from assent_core.diffs.review import Evidence, Review, decide, evidence_for, obstacle, to_accept
from assent_core.errors import AssentError, ConsentMissing, LandingRefused, UsageError
from assent_core.performing.evidence import named
from assent_core.session import Session
from assent_core.settings import Settings
from assent_core.turns.proving import ONLY_BESIDE
from assent_core.turns.repair import PIPEFAIL
from assent_tui.commands.ask import TerminalAsker
from assent_tui.commands.conversation import Held, review_held
from assent_tui.commands.oneshot import OUTCOMES, Report, follow, in_terminal, run_until_signal, told
from assent_tui.commands.printer import plain
from assent_tui.commands.where import here, settings_for, without_screen
from assent_tui.figures import count

UNPROVED = "Look at the change in the review: run it again in a terminal, without --apply."
BESIDE = (
    "Let the command itself make what it needs, or look at the change in the review: in a terminal, without --apply."
)
COPIED = "In the overlay tier a command sees the stage alone: `assent doctor` says what would give it here."
NOT_FIXED = "Your files are as they were. In a terminal, without --apply, you can review what was tried."


class Fix(Struct, frozen=True, kw_only=True):
    """What the command line asks of `assent fix`; `max_cost` in USD, None and 0 leave it to the settings."""

    command: tuple[str, ...] = ()
    prompt: str = ""
    apply: bool = False
    patch_out: str = ""
    allow_tests: bool = False
    unverified: bool = False
    json: bool = False
    quiet: bool = False
    max_cost: float | None = None
    max_turns: int = 0
    attempts: int = 1


def fix(options: Fix) -> int:
    """Repair what makes a command fail, in the current folder; returns the exit code."""
    check(options, terminal=in_terminal())
    folder = here()
    return fix_at(folder, without_screen(settings_for(folder), quiet=options.quiet), options)


def check(options: Fix, *, terminal: bool) -> None:
    """Refuse what cannot end well before it costs anything: UsageError."""
    headless = options.apply or options.patch_out
    if not options.command and not options.prompt.strip():
        raise UsageError(
            "There is nothing to fix.", "Name a command that fails: assent fix -- pytest. Or say what to do."
        )
    if not headless and (options.json or not terminal):
        why = "--json" if options.json else "Without a terminal there is"
        raise UsageError(
            f"{why} leaves no place for the review." if options.json else f"{why} no place for the review.",
            "Add --apply (land what is verified) or --patch-out FILE (write it as a diff).",
        )
    if options.apply and not options.command and not options.unverified:
        raise UsageError(
            "Without a command nothing can be verified, so --apply lands nothing.",
            "Name a command after --, or add --unverified to land the result all the same.",
        )
    if options.attempts > 1 and not options.command:
        raise UsageError(
            "Several attempts need a command that tells which of them is right.",
            "Name one after --, such as: assent fix --attempts 3 -- pytest",
        )
    if options.json and options.patch_out == "-":
        raise UsageError("--json and --patch-out - both want stdout.", "Write the patch to a file.")
    for given, name in ((options.allow_tests, "--allow-tests"), (options.unverified, "--unverified")):
        if given and not options.apply:
            raise UsageError(
                f"{name} means nothing without --apply.", "In the review you decide on each hunk yourself."
            )
    if options.patch_out not in ("", "-"):
        _check_writable(Path(options.patch_out))


def fix_at(folder: Path, settings: Settings, options: Fix) -> int:
    """Repair in any folder with any settings."""
    report = Report(as_json=options.json, quiet=options.quiet)
    settings = replace(settings, budget=options.max_cost or settings.budget, turns=options.max_turns or settings.turns)
    held = Held(_asker(options, report))
    held.keep = True
    with asyncio.Runner() as run:
        try:
            if options.apply or options.patch_out:
                return run_until_signal(run, told(_headless(folder, settings, options, report, held=held), report))
            return _reviewed(run, folder, settings, options, report, held=held)
        finally:
            held.close(run)


async def _headless(folder: Path, settings: Settings, options: Fix, report: Report, *, held: Held) -> int:
    """Without a review. What was broken off, or may not land so, stays on the stage; what did not help is dropped."""
    session = held.session = await open_session(folder, settings, held.relay.to, keyed=True)
    report.tell(session.opened)
    ended = await follow(repairing(session, options), report)
    if ended.code:
        held.keep = ended.code != AssentError.code
        hint = ended.hint if held.keep or ended.hint == PIPEFAIL else NOT_FIXED
        return report.end(OUTCOMES.get(ended.code, ended.how), ended.code, ended.message, hint)
    code = await _kept(session, options, report)
    held.keep = False
    return code


def repairing(session: Session, options: Fix):  # the type of both branches
    """The events of the work itself: the `fix` loop, or one turn where there is no command."""
    if not options.command:
        return session.turn(options.prompt)
    return session.repair(options.command, options.prompt, attempts=options.attempts)


async def _kept(session: Session, options: Fix, report: Report) -> int:
    """Land or write what passed; `report` has told all events so far."""
    review, drifted = await session.review()
    if drifted:
        report.tell(drifted)
    report.tally.compare(review.files)
    review = accepted(review)
    chosen = tuple(file for file in review.files if any(hunk.id in review.accepted for hunk in file.hunks))
    if not chosen:
        if options.patch_out:
            _write(options.patch_out, b"")
        return _unchanged(session, options, report)
    if options.command:
        await _verified(session, review, options, report)
    if options.patch_out:
        _write(options.patch_out, b"".join(unified(file, review.accepted) for file in chosen))
        said = f"{count(len(chosen), 'file')} written as a patch; your files are as they were."
        return report.end("written", 0, said + _left_out(review, session))
    _check_protected(chosen, options)
    report.tell(await session.land(review))
    return report.end("landed", 0, f"{count(len(chosen), 'file')} landed.{_left_out(review, session)}")


def _unchanged(session: Session, options: Fix, report: Report) -> int:
    """How it ends where nothing is there to land: well only if nothing was wrong."""
    seen, names = report.tally.verified, named(session.ignored)
    if options.command and seen and seen.code == 0 and seen.doubt:
        raise AssentError(f"The command passes, but that verifies nothing: {seen.doubt}.", _hint(seen))
    if not options.command and session.ignored:
        raise AssentError(
            f"Not fixed: the worker changed only ignored files: {names}. They never land.",
            "Say what is to be done to files that git tracks, or change these yourself.",
        )
    if not options.command and (why := report.tally.spoilt):
        hint = "Try again, or say it in another way."
        raise (ConsentMissing if why.by else AssentError)(
            f"Not fixed: no patch of the worker was made ({why.why}).", hint
        )
    return report.end("nothing to fix", 0, "Nothing had to be changed.")


def accepted(review: Review) -> Review:
    """A review with every hunk accepted but those of by-products; LandingRefused where a change cannot be."""
    for file in review.files:
        if not file.is_byproduct and (why := obstacle(file)):
            raise LandingRefused(
                f"Nothing landed: {why}.", "Settle it in the review: run it again in a terminal, without --apply."
            )
    return decide(review, to_accept(review), "accepted")


async def _verified(session: Session, review: Review, options: Fix, report: Report) -> None:
    seen = _seen(review, options.command)
    if seen is None or (seen.aside and seen.doubt and not seen.doubt.startswith(ONLY_BESIDE)):
        await follow(session.verify(review, options.command), report)
        review, _ = await session.review(review)
        seen = _seen(review, options.command)
    if seen is not None and (seen.passed or (seen.code == 0 and seen.aside and options.unverified)):
        return
    if seen is not None and seen.code == 0:
        hint = f"{_hint(seen)} --apply --unverified lands it all the same." if seen.aside else _hint(seen)
        raise AssentError(f"The command passes, but that verifies nothing, so nothing landed: {seen.doubt}.", hint)
    out = f" Left out, since git ignores it: {named(session.ignored)}." if session.ignored else ""
    raise AssentError(f"The command does not pass on exactly what would land, so nothing did.{out}", UNPROVED)


def _seen(review: Review, command: tuple[str, ...]) -> Evidence | None:
    """What this command said of exactly what is accepted, on a stage with nothing else."""
    evidence, fresh = evidence_for(review)
    return evidence if fresh and evidence is not None and evidence.command == shlex.join(command) else None


def _hint(seen: Evidence) -> str:
    if seen.aside:
        return BESIDE
    return COPIED if "instead of the copy" in seen.doubt else UNPROVED


def _left_out(review: Review, session: Session) -> str:
    """What has changed on the stage and does not land, in words."""
    made = [file.path for file in review.files if file.is_byproduct]
    said = f" Left out as by-products of checks: {named(made)}." if made else ""
    return said + (f" Left out, since git ignores it: {named(session.ignored)}." if session.ignored else "")


def _check_protected(chosen: tuple[FileChange, ...], options: Fix) -> None:
    named = [file for file in chosen if {"test", "outside"} & set(file.marks)]
    if named and not options.allow_tests:
        paths = ", ".join(f"{file.path} ({_why_protected(file)})" for file in named)
        raise ConsentMissing(
            f"The repair touches what decides whether it passes, so nothing landed: {paths}",
            "Add --allow-tests, or review it: run it again in a terminal, without --apply.",
        )


def _why_protected(file: FileChange) -> str:
    return "test" if "test" in file.marks else "runs outside the walls"


def _reviewed(
    run: asyncio.Runner, folder: Path, settings: Settings, options: Fix, report: Report, *, held: Held
) -> int:
    async def work() -> int:
        session = held.session = await open_session(folder, settings, held.relay, keyed=True)
        report.tell(session.opened)
        ended = await follow(repairing(session, options), report)
        review = (await session.review())[0]
        report.tally.compare(review.files)
        if not ended.code and not to_accept(review) and not any(map(obstacle, review.files)):
            return _unchanged(session, options, report)
        outcome = "done" if not ended.code else OUTCOMES.get(ended.code, ended.how)
        return report.end(outcome, ended.code, ended.message, ended.hint)

    code = run_until_signal(run, told(work(), report))
    if code == 130 or not any(BYPRODUCT not in change.marks for change in report.tally.changes):
        return code
    return review_held(run, held, settings, code)


def _asker(options: Fix, report: Report) -> Asker | None:
    somebody = sys.stdin.isatty() and sys.stderr.isatty() and not options.json
    return TerminalAsker(report.printer) if somebody else None


def _check_writable(path: Path) -> None:
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written.", "Name a file in a folder that exists.")


def _write(name: str, patch: bytes) -> None:
    try:
        if name == "-" and sys.stdout.isatty():
            sys.stdout.write(plain(patch.decode("utf-8", "replace")))
        elif name == "-":
            sys.stdout.buffer.write(patch)
            sys.stdout.buffer.flush()
        else:
            Path(name).write_bytes(patch)
    except OSError as error:
        raise UsageError(
            f"The patch cannot be written to {name}: {error}", "Name a file that you may write."
        ) from error
