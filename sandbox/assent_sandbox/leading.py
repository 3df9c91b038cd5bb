"""By what a command in a copy can see the user's own files all the same: installed links that lead back to them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from assent_sandbox.policy import View
from assent_sandbox.sight.plan import is_within

_LARGEST = 1 << 20
_MOST = 5000
"""Bytes of a file that are read, and names of a folder that are looked at."""
_ENVIRONMENTS = (".venv", "venv", "env")
_POINTERS = (".pth", ".egg-link")


def names_root(command: str, view: View) -> bool:
    """Whether a command names the real tree of a copied view by its path, other than for a tool that is installed there."""
    if view.tier == "overlay":
        return False
    text = command
    for tools in (*_ENVIRONMENTS, "node_modules"):
        text = text.replace(f"{view.root}/{tools}/", "")
    return _names_root(os.fsencode(text), os.fsencode(view.root))


def leads_back(view: View, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The files by which tools find the real tree of a copied view: editable installs of Python, links between packages of node.

    Nothing in a view that stands at the repository's own path.
    """
    if view.tier == "overlay":
        return ()
    places = dict.fromkeys(_packages(view, variables))
    found = [path for place in places for path in _pointing(place, view)]
    borrowed = (place for place in view.borrowed if os.path.basename(place) == "node_modules")
    found += [path for place in borrowed for path in _linking(place, view.root)]
    return tuple(dict.fromkeys(found))


def _packages(view: View, variables: Mapping[str, str]) -> Iterator[str]:
    """The folders of packages of each Python that a command may start."""
    own = [os.path.join(view.root, name) for name in _ENVIRONMENTS]
    prefixes = [variables.get("VIRTUAL_ENV", ""), variables.get("CONDA_PREFIX", ""), *own]
    for folder in variables.get("PATH", "").split(":"):
        for name in ("python3", "python"):
            program = os.path.join(folder, name)
            if folder.startswith("/") and os.path.lexists(program):
                prefixes += [os.path.dirname(folder), os.path.dirname(os.path.dirname(os.path.realpath(program)))]
    for prefix in dict.fromkeys(filter(None, prefixes)):
        for library in ("lib", "local/lib"):
            place = os.path.join(prefix, library)
            for name in _names(place):
                if name.startswith("python"):
                    yield from (os.path.join(place, name, below) for below in ("site-packages", "dist-packages"))


def _pointing(place: str, view: View) -> Iterator[str]:
    """Files that name the repository, among those by which Python finds packages elsewhere."""
    root = os.fsencode(view.root)
    for name in _names(place):
        if not name.endswith(_POINTERS) and not (name.startswith("__editable__") and name.endswith(".py")):
            continue
        path = os.path.join(place, name)
        try:
            with open(path, "rb") as file:
                text = file.read(_LARGEST)
        except OSError:
            continue
        if _names_root(text, root):
            yield path


def _names_root(text: bytes, root: bytes) -> bool:
    at = text.find(root)
    while at >= 0:
        if text[at + len(root) : at + len(root) + 1] in (b"", b"/", b"\n", b"\r", b"'", b'"', b" ", b";", b")"):
            return True
        at = text.find(root, at + 1)
    return False


def _linking(place: str, root: str) -> Iterator[str]:
    """Links in a folder of packages, also in those of a scope, to what of the repository is no installed package."""
    scopes = [os.path.join(place, name) for name in _names(place) if name.startswith("@")]
    for folder in (place, *scopes):
        for name in _names(folder):
            path = os.path.join(folder, name)
            if os.path.islink(path):
                target = os.path.realpath(path)
                if is_within(target, root) and "node_modules" not in os.path.relpath(target, root).split("/"):
                    yield path


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:_MOST]
    except OSError:
        return []
