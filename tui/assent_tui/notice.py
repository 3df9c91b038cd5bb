"""Says on stderr what happened and what helps."""

from __future__ import annotations

import sys


def tell(message: str, hint: str, code: int) -> int:
    """Say on stderr what happened and what helps; both may quote hostile text."""
    from assent_core.redaction.redactor import everything_known
    from assent_sandbox.output import inert

    redact = everything_known()
    for word, text in (("assent", message), ("hint", hint)):
        if text:
            shown = inert(redact(text)).replace("\n", "\n    ")
            sys.stderr.write(f"{word}: {shown}\n")
    return code
