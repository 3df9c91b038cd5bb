"""Start a command inside the walls, stream what it writes, end it with all its children."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Self

from assent_sandbox.policy import Command, Ended, Output, Policy, View


class Walls:
    """The warden of one stage: started once, warm before the first command, gone when we are gone."""

    @classmethod
    async def raise_around(cls, view: View) -> Self:
        """Start the warden for a view; raises WallsError where its tier cannot be held here."""
        raise NotImplementedError

    def run(self, command: Command, policy: Policy) -> AsyncGenerator[Output | Ended]:
        """Run one command; see Stage.run."""
        raise NotImplementedError

    async def close(self) -> None:
        """End the warden and everything it started."""
        raise NotImplementedError
