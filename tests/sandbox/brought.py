"""What a repository and the places around it hold for the second list of attempts: links, secrets, tools, a socket."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

SECRETS = (
    ".ENV", "conf/Server.PEM", "conf/.Env.Local", "conf/ID_RSA", "conf/.netrc", "id_ecdsa", "id_dsa", "keys/id_ecdsa_sk",
    ".npmrc", ".pypirc", ".git-credentials", "node_modules/p/.env", "node_modules/p/server.key", "target/.env",
    "target/debug/.env", "venv/.env", "venv/lib/id_rsa", ".tox/.env", ".tox/py/.env", "__pycache__/.env", ".mypy_cache/.env",
    ".svn/.env", ".hg/.env", "closed/.env",
)  # fmt: skip
IGNORED = (
    "conf/", "keys/", "node_modules/", "target/", "venv/", "env/", ".tox/", "__pycache__/", ".mypy_cache/", ".svn/", ".hg/",
    "closed/", ".ENV", "id_ecdsa", "id_dsa", ".npmrc", ".pypirc", ".git-credentials", ".env.*", "/bin", "folder",
)  # fmt: skip
IN_HOME = ("private/key", "work/notes", "project/notes", "project/lib/notes", "linked/notes", "kept/notes")
PROGRAMS = ("private/python", "work/bin/python", "project/bin/python3", "linked/bin/x", "kept/x")


def furnish_home(home: Path, canary: str) -> None:
    """Put programs beside what nobody means to show."""
    for name in (*IN_HOME, *PROGRAMS):
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\necho {canary}\n")
        place.chmod(0o755)
    (home / "project/lib/python3.11").mkdir()
    (home / "project/pyvenv.cfg").touch()
    (home / ".cargo/prod.env").write_text(f"KEY={canary}\n")


def furnish_repository(root: Path, home: Path, beyond: Path, canary: str) -> None:
    """Put secrets in unusual places, and links as they may be received."""
    for name in SECRETS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"KEY={canary}\n-----BEGIN PRIVATE KEY-----\n")
    for name in ("node_modules/q/cacert.pem", "venv/lib/certifi/cacert.pem"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("certificate\n")
    (beyond / "prod.env").write_text(f"KEY={canary}\n")
    (beyond / "prod.env").chmod(0o600)
    for name in ("env/bin", "venv/bin", "node_modules/.bin", "bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, target in (
        ("env/bin/python", "private/python"), ("venv/bin/python", "project/bin/python3"), ("node_modules/.bin/x", "linked/bin/x"),
        ("node_modules/.bin/python", "work/bin/python"), ("folder", "kept"), (".env.staging", ".cargo/prod.env"),
    ):  # fmt: skip
        (root / name).symlink_to(os.path.relpath(home / target, (root / name).parent))
    (root / ".env.production").symlink_to(beyond / "prod.env")
    (home / "again").symlink_to(root)


def path_of(root: Path, home: Path, tools: str) -> str:
    """What PATH begins with: folders of the repository, one that leads into it, a tool outside of home."""
    own = f"{root}/node_modules/.bin:{root}/folder:bin:{home}/again/bin"
    return f"{own}:{tools}/bin" if tools else own


def furnish_elsewhere(places: list[str], mark: str, canary: str) -> None:
    """Put a file for its owner alone into each place, and a tool into the first."""
    for place in filter(os.path.isdir, places):
        secret = Path(place, "secret")
        secret.write_text(f"KEY={canary}\n")
        secret.chmod(0o600)
    if len(places) > 1:
        tool = Path(places[0], "bin/opted")
        tool.parent.mkdir(exist_ok=True)
        tool.write_text("#!/bin/sh\necho opted\n")
        tool.chmod(0o755)
    for name in (f"/{mark}.conf", f"/var/log/shown-{mark}"):
        with suppress(OSError):
            Path(name).write_text(canary)


def clear_elsewhere(places: list[str], mark: str) -> None:
    """Take away what was put outside of the world's own folders."""
    for name in (*(f"{place}/secret" for place in places), f"/{mark}.conf", f"/var/log/shown-{mark}"):
        with suppress(OSError):
            Path(name).unlink()


def listen_at(path: Path) -> socket.socket:
    """A socket of the host, in the place of whatever is there."""
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    door.listen()
    door.settimeout(0)
    return door
