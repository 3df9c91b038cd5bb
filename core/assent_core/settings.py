"""The user's choices, read once into a frozen value; a project's file may only narrow them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from assent_core.consent import Mode
from assent_core.model import Effort
from assent_sandbox.policy import Limits


class RoleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which model takes a role, and how hard it thinks."""

    model: str
    effort: Effort


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All choices with their defaults; the file is `settings.toml` in the user's configuration directory."""

    mode: Mode = "ask"
    profile: Literal["tiered", "mini", "nano"] = "tiered"
    worker: RoleSettings = RoleSettings("gpt-5.4-mini", "medium")
    scout: RoleSettings = RoleSettings("gpt-5.4-nano", "none")
    scouting: bool = True
    """False: no text is sent to the scout."""
    base_url: str = ""
    """A server that speaks /v1/responses; empty: OPENAI_BASE_URL, or OpenAI."""
    prices: str = "default"
    """Which source of prices in the catalogue counts."""
    budget: float = 0.0
    """USD that one session may cost; 0: no limit."""
    turns: int = 60
    """Most requests to the worker in one turn."""
    limits: Limits = Limits()
    readable: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Patterns of secret files, on top of the built-in ones."""
    theme: str = ""
    state: str = ""
    """Directory for stages, journals, ledgers; empty: the platform's state directory."""

    @property
    def state_dir(self) -> Path:
        """Where everything that outlives a session is kept."""
        raise NotImplementedError


def load(root: Path | None = None) -> Settings:
    """Read the user's file and the project's `.assent.toml`; raises UsageError that names file, key and what it takes."""
    raise NotImplementedError
