"""The user's choices, read once into a frozen value; a project's file may only narrow them."""

from __future__ import annotations

import math
import os
import re
import stat
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from assent_core.errors import UsageError
from assent_core.model import Effort
from assent_sandbox.policy import Limits

Mode = Literal["ask", "careful", "read-only"]
"""How much is asked."""
OPENAI = "https://api.openai.com/v1"
PROJECT_FILE = ".assent.toml"
LARGEST_FILE = 1 << 18
LEAST_CONTEXT = 4_000
"""Fewest tokens that hold the instructions, the tools and a little work."""
MODES: tuple[Mode, ...] = ("ask", "careful", "read-only")
"""From the mildest to the strictest."""


class RoleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which model takes a role, and how hard it thinks; of planner and reviewer an empty model means the worker's."""

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
    planner: RoleSettings = RoleSettings("", "high")
    """Who makes the plan of `/plan`."""
    reviewer: RoleSettings = RoleSettings("", "high")
    """Who reads a staged change with fresh eyes."""
    judge: RoleSettings = RoleSettings("gpt-5.4", "low")
    """Who takes the second look at a risky action that you are asked about."""
    reviewing: Literal["off", "risky", "always"] = "risky"
    """What the reviewer looks at: nothing; risky actions, and changes that run outside the walls; each change too."""
    base_url: str = ""
    """A server that speaks /v1/responses; empty: OPENAI_BASE_URL, or OpenAI."""
    idle_seconds: float = 300.0
    """How long a reply may be silent before it is asked for again."""
    prices: str = "default"
    """Which source of prices in the catalogue counts."""
    tier: Literal["standard", "flex", "priority"] = "standard"
    """How requests are to be served where the model has a choice: flex is half the price, priority double."""
    regional: bool = False
    """Whether data is processed in one region, which costs more; a regional host of OpenAI's says so by itself."""
    budget: float = 0.0
    """USD that one session may cost; 0: no limit."""
    budget_task: float = 0.0
    """USD that one task may cost: a prompt, a `fix`; 0: no limit."""
    budget_day: float = 0.0
    """USD that all sessions of a day may cost together; 0: no limit."""
    tokens_per_usd: int = 1_000_000
    """How many tokens of a model without a known price count as one dollar of a budget; 0: they count nothing."""
    accounts: bool = True
    """False: requests and tasks are not entered in the accounts, and a day's budget knows this session alone."""
    context: int = 0
    """Most input tokens of one request, beyond which older parts are compacted; 0: what the model takes."""
    turns: int = 60
    """Most requests to the worker in one turn."""
    limits: Limits = Limits()
    readable: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Patterns of secret files, on top of the built-in ones."""
    theme: str = ""
    """How the screen looks: dark, light, contrast, contrast-light; empty: dark."""
    trailer: str = ""
    """A last line for the messages of commits, such as "Assisted-by: assent"; empty: none."""
    notify: Literal["on", "bell", "off"] = "on"
    """How the user is called when they are needed and look elsewhere: a notification where the terminal has one, or a bell."""
    plain: bool = False
    """A screen without frames drawn of lines and without pictograms, for screen readers and poor terminals."""
    pace: float = 0.4
    """Seconds within which a second letter makes a sentence of the first where letters are keys; 0: each letter is a key."""
    confirm_landing: Literal["always", "unverified"] = "always"
    """When a landing is said first and takes a second key; unverified: what is verified lands at once."""
    keys: dict[str, str] = {}
    """Other keys for actions of the screen, by their names: "review.accept" = "space"."""
    state: str = ""
    """Directory for stages, journals, ledgers; empty: the platform's state directory."""

    @property
    def state_dir(self) -> Path:
        """Where everything that outlives a session is kept."""
        if given := os.environ.get("ASSENT_STATE_DIR") or self.state:
            return Path(given).expanduser().absolute()
        import platformdirs

        return platformdirs.user_state_path("assent")

    @property
    def server(self) -> str:
        """The base URL that is asked."""
        return self.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI


TAKES = {
    "mode": 'one of "ask", "careful", "read-only"',
    "profile": 'one of "tiered", "mini", "nano"',
    "worker": "a table: { model = NAME, effort = none | low | medium | high | xhigh }",
    "scout": "a table: { model = NAME, effort = none | low | medium | high | xhigh }",
    "scouting": "true or false",
    "planner": "a table: { model = NAME or empty, effort = none | low | medium | high | xhigh }",
    "reviewer": "a table: { model = NAME or empty, effort = none | low | medium | high | xhigh }",
    "judge": "a table: { model = NAME or empty, effort = none | low | medium | high | xhigh }",
    "reviewing": 'one of "off", "risky", "always"',
    "base_url": "the http(s) URL of a server that speaks the Responses API, usually ending in /v1",
    "idle_seconds": "a number of seconds above 0",
    "prices": "the name of a source of prices",
    "tier": 'one of "standard", "flex", "priority"',
    "regional": "true or false",
    "budget": "USD per session, 0 for no limit",
    "budget_task": "USD per task, 0 for no limit",
    "budget_day": "USD per day, 0 for no limit",
    "tokens_per_usd": "a number of tokens, 0 for no limit on models without a price",
    "accounts": "true or false",
    "context": "a number of tokens, at least 4000, or 0 for what the model takes",
    "turns": "a number of requests, at least 1",
    "limits": "a table of numbers above 0: seconds, memory, processes, file, disk, output, whole",
    "readable": "a list of absolute paths",
    "variables": "a list of names of environment variables",
    "secrets": "a list of patterns of file names",
    "theme": "the name of a theme: dark, light, contrast, contrast-light",
    "trailer": 'one line, such as "Assisted-by: assent"',
    "notify": 'one of "on", "bell", "off"',
    "plain": "true or false",
    "pace": "a number of seconds, 0 or more",
    "confirm_landing": 'one of "always", "unverified"',
    "keys": "a table of names of actions and the keys for them, as texts",
    "state": "an absolute path",
}
"""What each key takes, in words."""
NARROWING = ("mode", "budget", "budget_task", "budget_day", "turns", "scouting", "limits", "secrets")
"""What a project may say; it can only make it stricter."""


def config_dir() -> Path:
    """Where the user's own files are: settings.toml, prices.toml."""
    if given := os.environ.get("ASSENT_CONFIG_DIR"):
        return Path(given).expanduser().absolute()
    import platformdirs

    return platformdirs.user_config_path("assent")


def close_to_others(folder: Path) -> None:
    """Make a folder of assent's own, readable by its owner alone; one that others share already stays as it is.

    Raises OSError.
    """
    known = folder.is_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    own = not known or folder.name in OWN or any((folder / name).exists() for name in OWN)
    if own and status.st_uid == os.geteuid() and status.st_mode & 0o077 and not status.st_mode & stat.S_ISVTX:
        folder.chmod(0o700)


OWN = ("stages", "sessions", "consent.jsonl", "settings.toml", "keys")
"""By one of these a folder is known for assent's own."""


def load(root: Path | None = None) -> Settings:
    """Read the user's file and the project's `.assent.toml`; raises UsageError that names file, key and what it takes."""
    file = config_dir() / "settings.toml"
    settings = _read(file, Settings(), tuple(TAKES))
    _check_server(settings, file)
    if root is None:
        return settings
    project = root / PROJECT_FILE
    return narrowed(settings, _read(project, _WIDEST, NARROWING))


def narrowed(settings: Settings, project: Settings) -> Settings:
    """The user's settings with the stricter of both values wherever a project may have a say."""
    lower = {
        name: min(getattr(settings.limits, name), getattr(project.limits, name)) for name in Limits.__struct_fields__
    }
    return msgspec.structs.replace(
        settings,
        mode=max(settings.mode, project.mode, key=MODES.index),
        budget=_smaller(settings.budget, project.budget),
        budget_task=_smaller(settings.budget_task, project.budget_task),
        budget_day=_smaller(settings.budget_day, project.budget_day),
        turns=min(settings.turns, project.turns),
        scouting=settings.scouting and project.scouting,
        limits=Limits(**lower),
        secrets=tuple(dict.fromkeys(settings.secrets + project.secrets)),
    )


def _smaller(one: float, other: float) -> float:
    """The smaller of two budgets, of which 0 is none."""
    return min((budget for budget in (one, other) if budget > 0), default=0.0)


def check(data: dict[str, object], file: Path) -> Settings:
    """The settings that a file with this content would make; UsageError as `load` raises it."""
    settings = _made(data, file, Settings(), tuple(TAKES))
    _check_server(settings, file)
    return settings


def _read(file: Path, under: Settings, allowed: tuple[str, ...]) -> Settings:
    return _made(_tables(file), file, under, allowed)


def _made(data: dict[str, object], file: Path, under: Settings, allowed: tuple[str, ...]) -> Settings:
    for key in data:
        if key not in TAKES:
            raise UsageError(f"{file}: there is no setting {key!r}.", f"It takes: {', '.join(allowed)}.")
        if key not in allowed:
            hint = (
                f"A project can only make things stricter: {', '.join(allowed)}. Put {key} into your own settings.toml."
            )
            raise UsageError(f"{file}: a project cannot set {key!r}.", hint)
    made = under
    for key, value in data.items():
        made = _with(made, key, value, file)
    return made


def _with(settings: Settings, key: str, value: object, file: Path) -> Settings:
    stated = value
    below: object = msgspec.to_builtins(getattr(settings, key))
    if isinstance(value, dict) and isinstance(below, dict):
        known, given = cast("dict[str, object]", below), cast("dict[str, object]", value)
        if key != "keys" and (extra := sorted(given.keys() - known.keys())):
            raise _wrong(file, key, f"it has no {extra[0]!r}")
        stated = known | given
    try:
        made = msgspec.convert({**msgspec.to_builtins(settings), key: stated}, Settings)
    except msgspec.ValidationError as error:
        raise _wrong(file, key, str(error).split(" - at ")[0]) from error
    if why := _fault(made, key):
        raise _wrong(file, key, why)
    return made


def _fault(settings: Settings, key: str) -> str:
    """What is wrong with a value that has the right type; empty if nothing is."""
    value = cast("object", getattr(settings, key))
    match key, value:
        case ("tokens_per_usd", int(tokens)) if tokens < 0:
            return f"{tokens} is no number of tokens"
        case ("context", int(tokens)) if tokens < 0 or 0 < tokens < LEAST_CONTEXT:
            return f"{tokens} is too few"
        case (("budget" | "budget_task" | "budget_day"), float(usd)) if not (math.isfinite(usd) and usd >= 0):
            return f"{usd} is no amount"
        case "turns", int(turns) if turns < 1:
            return f"{turns} is too few"
        case "pace", float(seconds) if not (math.isfinite(seconds) and seconds >= 0):
            return f"{seconds} is not a number of seconds, 0 or more"
        case "idle_seconds", float(seconds) if not (math.isfinite(seconds) and seconds > 0):
            return f"{seconds} is no time"
        case "limits", Limits() as limits:
            wrong = [name for name in Limits.__struct_fields__ if not 0 < getattr(limits, name) < math.inf]
            return f"{wrong[0]} is not above 0" if wrong else ""
        case "trailer", str(line) if line and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*: [^\x00-\x1f\x7f]+", line):
            return f"{line!r} is no such line"
        case "base_url", str(url) if url and not _is_url(url):
            return f"{url!r} is no such URL"
        case ("state", str(path)) if path and not Path(path).expanduser().is_absolute():
            return f"{path!r} is relative"
        case "readable", _:
            relative = [path for path in settings.readable if not Path(path).expanduser().is_absolute()]
            return f"{relative[0]!r} is relative" if relative else ""
        case _:
            return ""


def _check_server(settings: Settings, file: Path) -> None:
    if not _is_url(settings.server):
        where = f"{file}: base_url" if settings.base_url else "OPENAI_BASE_URL"
        raise UsageError(f"{where}: {settings.server!r} is no URL of a server.", f"It takes {TAKES['base_url']}.")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _wrong(file: Path, key: str, why: str) -> UsageError:
    return UsageError(f"{file}: {key}: {why}.", f"{key} takes {TAKES[key]}.")


def _tables(file: Path) -> dict[str, object]:
    """A TOML file as it is; empty if there is none. Only a regular file of a sane size is read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:
                raise UsageError(f"{file}: not a regular file of at most {LARGEST_FILE // 1024} KiB.", "Move it away.")
            return _parsed(stream.read())
    except FileNotFoundError:
        return {}
    except ValueError as error:  # what is no TOML, or no UTF-8
        raise UsageError(f"{file}: {error}.", "It has to be a TOML file in UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.", "Check its permissions.") from error


def _parsed(data: bytes) -> dict[str, object]:
    import tomllib

    return tomllib.loads(data.decode())


_WIDEST = Settings(
    turns=1 << 31,
    limits=Limits(
        seconds=float(1 << 40),
        memory=1 << 62,
        processes=1 << 40,
        file=1 << 62,
        disk=1 << 62,
        output=1 << 62,
    ),
)
"""What a project says that says nothing."""
