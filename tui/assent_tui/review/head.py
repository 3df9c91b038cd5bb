"""What stands over and under a review: how much is decided, and which command showed what."""

from __future__ import annotations

from collections import Counter

from assent_core.diffs.review import Review, decide, evidence_for, to_accept
from assent_core.performing.evidence import named
from assent_tui.figures import count
from assent_tui.paint.lines import Line, Span, clean, line
from assent_tui.review.files import SIGNS


def summary(review: Review, *, unsent: bool = False) -> Line:
    """How many hunks are decided, and how; `unsent`: the model has not been told the reasons yet."""
    if not review.files:
        return line(("review", "head"), ("  nothing is staged", "dim"))
    verdicts = Counter(mark.verdict for mark in review.marks.values())
    apart = [hunk.id for file in review.files if file.is_byproduct for hunk in file.hunks]
    set_apart = sum(review.mark(hunk).verdict == "undecided" for hunk in apart)
    verdicts["undecided"] = sum(len(file.hunks) for file in review.files) - verdicts["accepted"] - verdicts["rejected"]
    verdicts["undecided"] -= set_apart
    spans: list[Span] = [("review", "head"), (f"  {count(len(review.files), 'file')} ", "dim")]
    for verdict in ("accepted", "rejected", "undecided"):
        if verdicts[verdict]:
            sign, style = SIGNS[verdict]
            spans += [("  ", ""), (f"{sign} {verdicts[verdict]} {verdict}", style)]
    if unsent:
        spans.append(("   reasons not sent", "warn"))
    if set_apart:
        spans.append((f"  {count(set_apart, 'by-product')} of checks left out", "dim"))
    if found := len(review.remarks):
        spans.append((f"   reviewer: {count(found, 'remark')}", "info"))
    return Line(tuple(spans))


def evidence(review: Review, verify: str) -> Line:
    """What is known of the selection; while nothing is selected, of all of it. `verify`: the key that runs it again."""
    if not review.files:
        return line()
    none = line(("◌ not verified", "warn"), (f"  {verify} runs a command on exactly what is accepted", "dim"))
    if not review.evidence:
        return none
    nothing = all(mark.verdict != "accepted" for mark in review.marks.values())
    able = to_accept(review)
    of = decide(review, able, "accepted") if nothing and able else review
    where = "with all of it accepted" if nothing else "on exactly what is accepted"
    seen, fresh = evidence_for(of)
    if seen is None:
        return none
    said = f"{clean(seen.command)}: {clean(seen.summary or ('passed' if seen.code == 0 else f'exit {seen.code}'))}"
    if not fresh:
        return line(("◌ stale", "warn"), (f"  {said}, on another selection; {verify} runs it on this one", "dim"))
    if seen.code == 0 and not seen.passed:
        return line(("◌ not verified", "warn"), (f"  {said}: {clean(seen.doubt)}", "text"))
    sign = ("✓ verified", "ok") if seen.passed else ("✗ fails", "bad")
    with_it = f", with {clean(named(seen.relies))} as here" if seen.passed and seen.relies else ""
    return line(sign, (f"  {said}, {where}{with_it}", "text"))
