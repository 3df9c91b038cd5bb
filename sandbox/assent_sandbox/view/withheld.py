"""Secret files that were changed on the stage, kept out of a copy while no consent shows them to a command."""

from __future__ import annotations

import os
from collections.abc import Callable

from assent_sandbox.view import tree
from assent_sandbox.view.mirror import Mirror
from assent_sandbox.view.tree import Tree, status_of


class Withheld:
    """A folder beside the copy, which no command sees; `draft` names fresh places on the same file system."""

    def __init__(self, place: str, draft: Callable[[], str]) -> None:
        os.makedirs(place, mode=0o700, exist_ok=True)
        self.tree = Tree(place, ours=True)
        self._draft = draft
        self.paths = {path for path, _ in self.tree.files()}

    def take_in(self, mirror: Mirror, path: str) -> None:
        """Move what the stage has made of a file out of the copy."""
        names = tuple(path.split("/"))
        with mirror.tree.folder(names[:-1]) as folder:
            if folder is None or status_of(folder, names[-1]) is None:
                return
            target = os.path.join(self.tree.root, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(names[-1], target, src_dir_fd=folder)
        mirror.forget(path)
        self.paths.add(path)

    def give_back(self, mirror: Mirror, path: str) -> None:
        """Move it into the copy again; raises StageError where something else is in the way there."""
        names = tuple(path.split("/"))
        with mirror.prepared(names[:-1]) as folder:
            mirror.make_room(folder, path)
            os.rename(os.path.join(self.tree.root, path), names[-1], dst_dir_fd=folder)
        self.paths.discard(path)

    def drop(self, path: str) -> None:
        """Delete what is withheld at a path and below it; nothing is no error."""
        for each in [name for name in self.paths if name == path or name.startswith(path + "/")]:
            names = tuple(each.split("/"))
            with self.tree.folder(names[:-1]) as folder:
                if folder is not None:
                    tree.take_out(folder, names[-1], self._draft())
            self.paths.discard(each)
