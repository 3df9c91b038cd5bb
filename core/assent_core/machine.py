"""What this machine refuses, put into words: no rights, no room, no more open files, a folder that is gone."""

from __future__ import annotations

import errno
import os

from assent_core.errors import AssentError, EnvironmentFault
from assent_sandbox.stage import StageError

_KEPT = "What is staged is kept"
_ELSEWHERE = f"{_KEPT}. Mend that, or name another folder for the state of assent: ASSENT_STATE_DIR."
_REFUSALS = {
    errno.EMFILE: ("Too many files are open in this process", f"{_KEPT}. Allow more of them: ulimit -n 1024."),
    errno.ENFILE: ("Too many files are open on this machine", f"{_KEPT}. End some programs."),
    errno.EACCES: ("Permission is missing", _ELSEWHERE),
    errno.EPERM: ("Permission is missing", _ELSEWHERE),
    errno.EROFS: ("The file system can only be read", _ELSEWHERE),
    errno.ENOSPC: ("The disk is full", f"{_KEPT}. Make room, then go on."),
    errno.EDQUOT: ("Your share of the disk is full", f"{_KEPT}. Make room, then go on."),
    errno.EFBIG: ("A file is larger than this process may write", f"{_KEPT}. Raise the limit: ulimit -f unlimited."),
    errno.EIO: ("The disk or the terminal fails", f"{_KEPT}. Look at the messages of the system."),
    errno.ESTALE: ("A folder is no longer the one that it was", f"{_KEPT}. Start assent again in the folder."),
    errno.ENOMEM: ("There is no memory left", f"{_KEPT}. End some programs."),
    errno.EAGAIN: ("No more processes can be started", f"{_KEPT}. End some programs, or raise ulimit -u."),
}


def told(error: AssentError | StageError | OSError) -> AssentError | None:
    """What the user is told of an error that ends a turn; None for a fault of assent itself."""
    match error:
        case AssentError():
            return error
        case StageError():
            return EnvironmentFault(str(error), error.hint)
        case OSError():
            return refusal(error)


def refusal(error: OSError) -> EnvironmentFault | None:
    """What to tell of an error of the system; None for one that no machine can be blamed for."""
    if error.errno not in _REFUSALS:
        return None
    what, hint = _REFUSALS[error.errno]
    where = error.filename2 or error.filename
    return EnvironmentFault(f"{what}{f': {os.fsdecode(where)}' if isinstance(where, str | bytes) else ''}.", hint)
