"""Says on stderr what happened and what helps."""

from __future__ import annotations

import sys


def tell(message: str, hint: str, code: int) -> int:
    """Say on stderr what happened and what helps; both may quote hostile text."""
    from assent_core.redaction.redactor import everything_known
    from assent_sandbox.output import inert

    redact = everything_known()
    sys.stderr.write(f"assent: {inert(redact(message))}\n")
    if hint:
        sys.stderr.write(f"hint: {inert(redact(hint))}\n")
    return code
