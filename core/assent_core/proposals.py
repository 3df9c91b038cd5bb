"""What the model wants to do, one value for each tool."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from assent_sandbox.policy import Widening


class Shell(Struct, frozen=True, kw_only=True, tag="shell"):
    """Run a command line with `bash -c` (`sh -c` where there is no bash) in a folder of the stage."""

    command: str
    workdir: str = "."
    seconds: float = 120.0
    needs: tuple[Widening, ...] = ()
    """What it asks for beyond the walls."""
    reason: str = ""
    """Why, in the model's words; hostile text."""


class Patch(Struct, frozen=True, kw_only=True, tag="patch"):
    """Edit files of the stage by a V4A patch (`*** Begin Patch` ... `*** End Patch`), kept as it was written."""

    text: str


class Read(Struct, frozen=True, kw_only=True, tag="read"):
    """Read a window of lines of a file, or list a folder; lines count from 1."""

    path: str
    start: int = 1
    lines: int = 400
    needs: tuple[Widening, ...] = ()


class Search(Struct, frozen=True, kw_only=True, tag="search"):
    """Search file contents by a regular expression below a folder, in files that match a glob."""

    pattern: str
    path: str = "."
    glob: str = ""


Kit = Literal["read", "edit", "shell"]
"""The tools of a sub-task: to look, to edit besides, to run commands besides."""


class Subtask(Struct, frozen=True):
    """A piece of work that can be done apart from others, by a worker that knows nothing but `task`."""

    name: str
    task: str
    tools: Kit
    simple: bool
    """Whether the small model can do it, as the worker sees it."""


class Delegate(Struct, frozen=True, kw_only=True, tag="delegate"):
    """Let workers of their own do sub-tasks at once, each on a stage above this one; what they made is merged into it."""

    tasks: tuple[Subtask, ...]


class Spend(Struct, frozen=True, kw_only=True, tag="spend"):
    """Go beyond a budget: asked by assent itself, and no tool of the model's."""

    text: str


Proposal = Shell | Patch | Read | Search | Delegate
