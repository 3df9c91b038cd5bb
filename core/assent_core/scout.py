"""Background work for the small model: it digests and classifies, approves nothing and hides nothing."""

from __future__ import annotations

from collections.abc import Callable

from assent_core.digest import Digest
from assent_core.model import Finished, Model, Role
from assent_core.settings import Settings


class Scout:
    """Asks the scout's model by strict schema; an invalid, late or refused answer is None, and nothing waits for it."""

    def __init__(self, model: Model, settings: Settings, billed: Callable[[Role, Finished], None]) -> None:
        raise NotImplementedError

    async def digest(self, command: str, code: int, output: str, rules: Digest) -> Digest | None:
        """What the log says in at most five lines, with its class; None if the rules' digest must stand alone."""
        raise NotImplementedError
