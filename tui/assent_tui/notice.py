"""Says on stderr what happened and what helps."""

from __future__ import annotations

import sys


def tell(message: str, hint: str, code: int) -> int:
    """Say on stderr what happened and what helps; both may quote hostile text."""
    from assent_sandbox.output import inert

    sys.stderr.write(f"assent: {inert(message)}\n")
    if hint:
        sys.stderr.write(f"hint: {inert(hint)}\n")
    return code
