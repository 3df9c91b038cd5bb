"""What a stage stands on: the real tree, or another stage on which it is layered."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Protocol

from assent_sandbox.stage import Entry, OutsideError
from assent_sandbox.view import tree
from assent_sandbox.view.layers import Layers
from assent_sandbox.view.tree import entry_of


class Ground(Protocol):
    """A tree that is only read here, addressed by tuples of names; what lies beyond a link in it counts as nothing."""

    def status(self, names: tuple[str, ...]) -> os.stat_result | None:
        """The status of a path, of a link itself; None for nothing."""
        ...

    def entry(self, names: tuple[str, ...]) -> Entry | None:
        """What stands at a path; None for nothing or a folder."""
        ...

    def is_folder(self, names: tuple[str, ...]) -> bool:
        """Whether a folder stands at a path and not at the end of a link."""
        ...

    def names(self, names: tuple[str, ...]) -> list[str]:
        """What stands in a folder; nothing if it is none."""
        ...

    def files(self, names: tuple[str, ...] = ()) -> Iterator[tuple[str, os.stat_result]]:
        """Every path below a folder that is no folder, with its status; what version control keeps is left out at any depth."""
        ...


class Stacked:
    """The view of a stage in which nobody works at the moment, read through its layers: uppers first, the real tree last."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self._layers = layers

    def status(self, names: tuple[str, ...]) -> os.stat_result | None:
        """The status of a path, of a link itself; None for nothing."""
        if not names:
            return os.stat(self._layers[0])
        try:
            with Layers.at("", self._layers, names[:-1]) as above:
                found = above.status(names[-1])
        except OutsideError:
            return None
        return found.status if found is not None else None

    def entry(self, names: tuple[str, ...]) -> Entry | None:
        """What stands at a path; None for nothing or a folder."""
        if not names:
            return None
        try:
            with Layers.at("", self._layers, names[:-1]) as above:
                found = above.status(names[-1])
                return entry_of(found.folder, names[-1], ours=found.ours) if found is not None else None
        except OutsideError:
            return None

    def is_folder(self, names: tuple[str, ...]) -> bool:
        """Whether a folder stands at a path and not at the end of a link."""
        found = self.status(names)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def names(self, names: tuple[str, ...]) -> list[str]:
        """What stands in a folder; nothing if it is none."""
        return [*self._folder(names)]

    def files(self, names: tuple[str, ...] = ()) -> Iterator[tuple[str, os.stat_result]]:
        """Every path below a folder that is no folder, with its status; what version control keeps is left out at any depth."""
        waiting = [names]
        while waiting:
            above = waiting.pop()
            for name, is_folder in self._folder(above).items():
                path = (*above, name)
                if tree.is_private(name) or len("/".join(path)) > tree.LONGEST:
                    continue
                if is_folder:
                    waiting.append(path)
                elif (found := self.status(path)) is not None:
                    yield "/".join(path), found

    def _folder(self, names: tuple[str, ...]) -> dict[str, bool]:
        try:
            with Layers.at("", self._layers, names) as here:
                return here.names()
        except OutsideError:
            return {}
