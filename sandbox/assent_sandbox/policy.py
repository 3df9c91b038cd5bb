"""What a command may see, write, reach and use up, and what came of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Tier = Literal["overlay", "copy", "unconfined"]
"""How high the walls are: overlay (namespaces), copy (Landlock or Seatbelt around a copy), unconfined (none)."""

WideningKind = Literal["read", "write", "secret", "network", "unconfined", "host", "loopback", "socket"]

NARROW: frozenset[WideningKind] = frozenset({"host", "loopback", "socket"})
"""Ways out of a network of the command's own; only the overlay tier has one to open them in."""


CREDENTIALS = (
    ".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".netrc", ".npmrc", ".pypirc", ".git-credentials", ".vault-token",
    ".cargo/credentials", ".cargo/credentials.toml", ".config/gh", ".config/gcloud", ".config/git/credentials", ".config/op",
    ".config/assent", ".local/state/assent", ".config/openai", ".codex", ".bash_history", ".zsh_history", ".python_history",
    ".local/share/keyrings", ".password-store", ".m2/settings.xml", ".gradle/gradle.properties", ".terraform.d", ".mozilla",
    ".config/google-chrome", ".config/chromium",
)  # fmt: skip
"""Places under home that hold keys: never shown unless granted, also where home itself is the repository."""


PRIVATE = frozenset((".git", ".jj", ".hg", ".svn", ".bzr", ".pijul", "_darcs", ".fslckout", "_fossil_"))
"""What version control keeps in a repository, in small letters: the view's own, and never a change that can land."""


class Widening(Struct, frozen=True, order=True):
    """One exact thing beyond the walls that a consent may allow.

    `target` is an absolute path for `read`, `write` and `socket` (a unix socket), a path relative to the repository for
    `secret`, `name:port` for `host` (over the network, by a proxy that lets nothing else through), a port of this
    machine for `loopback`, and empty for `network` (the whole of it, the services of this machine included) and
    `unconfined`. `host`, `loopback` and `socket` can be held in the overlay tier alone.
    """

    kind: WideningKind
    target: str = ""


class Limits(Struct, frozen=True, kw_only=True):
    """How much one command may use up; sizes in bytes, time in seconds."""

    seconds: float = 600.0
    memory: int = 8 << 30
    processes: int = 1024
    file: int = 4 << 30
    disk: int = 8 << 30
    output: int = 1 << 20
    """How much output is kept in memory: half of it from the head, half from the tail."""
    whole: int = 128 << 20
    """How much of a longer one is kept in a file."""


class Policy(Struct, frozen=True, kw_only=True):
    """The walls around one command: all that is not named here is denied."""

    widenings: tuple[Widening, ...] = ()
    limits: Limits = Limits()
    readable: tuple[str, ...] = ()
    """Absolute paths under the home directory that the user's settings show to commands, read-only."""
    variables: tuple[str, ...] = ()
    """Names of environment variables that the user's settings pass on."""
    secrets: tuple[str, ...] = (
        ".env",
        ".env.*",
        "*.pem",
        "*.key",
        "id_rsa*",
        "id_ed25519*",
        "id_ecdsa*",
        "id_dsa*",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".git-credentials",
        ".dockercfg",
        ".vault-token",
        "*.ppk",
        "*.kdbx",
        "*.p12",
        "*.pfx",
    )
    """Patterns of file names in the repository, in any case, whose contents are masked until granted."""
    public: tuple[str, ...] = (".env.example", ".env.sample", ".env.template", "*.pub")
    """Patterns that are no secret although one of `secrets` matches them."""

    def allows(self, kind: WideningKind, target: str = "") -> bool:
        """Say whether exactly this widening was granted."""
        return Widening(kind, target) in self.widenings


class Command(Struct, frozen=True, kw_only=True):
    """A program to run on a stage; `workdir` is relative to the repository, in POSIX form."""

    argv: tuple[str, ...]
    workdir: str = "."
    stdin: bytes = b""
    environment: dict[str, str] = {}
    """Variables of this command alone, on top of the allow-listed ones."""


class Denial(Struct, frozen=True, kw_only=True):
    """One thing that the walls refused to a command.

    `certainty` is `sure` when a wall itself reported it, `likely` when the command's output reads like it.
    `widening` is the smallest consent that would have allowed it; None where none would.
    """

    kind: Literal["file", "secret", "network", "process", "limit"]
    target: str
    certainty: Literal["sure", "likely"]
    why: str
    widening: Widening | None = None


class Traffic(Struct, frozen=True):
    """What passed through one granted way out of a command's walls, in connections and bytes."""

    widening: Widening
    connections: int
    sent: int
    received: int


class Output(Struct, frozen=True):
    """A piece of what a running command wrote, undecoded and as hostile as any file."""

    data: bytes
    stream: Literal["stdout", "stderr"] = "stdout"


class Ended(Struct, frozen=True, kw_only=True):
    """How a command ended; by now everything that it had started is dead.

    `code` follows the shell: the exit status, 128 + N after signal N, 124 after the time limit,
    126 if it could not be executed and 127 if it was not found.
    """

    code: int
    seconds: float
    cause: Literal["exit", "signal", "time", "memory", "processes", "disk", "output", "start"] = "exit"
    head: bytes = b""
    tail: bytes = b""
    omitted: int = 0
    """How many bytes there were between head and tail."""
    whole: str = ""
    """A file of the stage with all of the output, where head and tail are not; up to a limit, then its tail.

    It is the receiver's until the next command begins, and holds whatever secrets were written.
    """
    denials: tuple[Denial, ...] = ()
    tier: Tier = "overlay"
    traffic: tuple[Traffic, ...] = ()

    @property
    def output(self) -> bytes:
        """Head and tail (both streams as they came), with a line that says what is missing between them."""
        if not self.omitted:
            return self.head + self.tail
        return self.head + left_out(self.omitted) + self.tail


def left_out(count: int) -> bytes:
    """The line that stands where bytes of an output are missing."""
    return b"\n[... %d bytes left out here ...]\n" % count


class View(Struct, frozen=True, kw_only=True):
    """Where a stage's view of the repository lies and how it is made; all paths absolute.

    In the overlay tier commands see it at `root` itself, mounted from `root` (lower), `upper` and `work`;
    in the others they see the copy at `copy`.
    """

    tier: Tier
    root: str
    home: str
    """The session's own folder under the state directory; nothing of it is shown to a command."""
    upper: str = ""
    work: str = ""
    copy: str = ""
    beneath: tuple[str, ...] = ()
    """In the overlay tier the homes of the stages that this one is layered on, the nearest first."""
    closed: tuple[str, ...] = ()
    """assent's own folders, as written and resolved: nobody reads or changes them on the stage, and no consent opens them."""
    borrowed: tuple[str, ...] = ()
    """Real folders outside the copy that it needs: links to large ignored ones, git objects. To be read only."""

    @property
    def path(self) -> str:
        """Where a command finds the repository."""
        return self.root if self.tier == "overlay" else self.copy
