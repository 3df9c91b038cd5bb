"""What a review would land, in words, before it does; pure."""

from __future__ import annotations

from assent_core.diffs.review import Review, evidence_for, outcomes
from assent_tui.figures import count
from assent_tui.paint.lines import clean


def is_verified(review: Review) -> bool:
    """Whether a command passed on exactly what would land."""
    seen, fresh = evidence_for(review)
    return seen is not None and fresh and seen.passed


def in_words(review: Review) -> str:
    """How much would land, and whether it is verified: `9 hunks in 4 files, 1 deletion, not verified`."""
    if not review.accepted:
        return f"lands nothing; takes {count(len(review.rejected), 'rejected hunk')} off the stage"
    landing = [outcome for outcome in outcomes(review) if outcome.landed != outcome.before]
    deleted = sum(outcome.landed is None for outcome in landing)
    parts = [f"{count(len(review.accepted), 'hunk')} in {count(len(landing), 'file')}"]
    parts += [count(deleted, "deletion")] if deleted else []
    parts += [f"{len(review.rejected)} rejected and taken off the stage"] if review.rejected else []
    return f"lands {', '.join((*parts, _evidence(review)))}"


def _evidence(review: Review) -> str:
    seen, fresh = evidence_for(review)
    if seen is None or not fresh:
        return "not verified"
    if seen.code:
        return f"{clean(seen.command)} FAILS on it"
    return f"verified by {clean(seen.command)}" if seen.passed else f"not verified ({clean(seen.doubt)})"
