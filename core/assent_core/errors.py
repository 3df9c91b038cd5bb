"""What can go wrong and what to do about it.

AssentError                 message + hint + exit code; the user sees exactly these
├── UsageError              2  the command line or a settings file cannot be understood
├── ServiceError            6  the model's service could not be used
│   ├── KeyMissing          6  no API key anywhere
│   ├── KeyRefused          6  401, 403
│   ├── QuotaExhausted      6  the account has no credit or hit a spend limit
│   ├── ModelMissing        6  404: the server does not have the model
│   ├── Unreachable         6  no connection, or the connection broke too often
│   ├── Overloaded          6  rate limits and 5xx that outlasted the retries
│   ├── ContextTooLong      6  the request is larger than the model takes
│   └── BadReply            6  what came back is not the Responses API
├── BudgetExceeded          4  a budget or a limit of turns ended the work
├── EnvironmentFault        5  a command, dependency or wall of this machine is missing
├── ConsentMissing          3  consent was refused, or nobody was there to give it
├── PatchMistake            1  a patch that does not fit; told to the model
└── LandingRefused          1  the real tree is not what was shown; nothing was written
    └── Unwritable          5  this machine does not let it be written; nothing was
"""

from __future__ import annotations

from typing import ClassVar


class AssentError(Exception):
    """Base of all that the user is told as an error: what happened, and a hint at what to do."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AssentError):
    """The command line or a settings file cannot be understood."""

    code = 2


class ServiceError(AssentError):
    """The model's service could not be used; what is staged is kept."""

    code = 6


class KeyMissing(ServiceError):
    """There is no API key in the environment or the keyring."""


class KeyRefused(ServiceError):
    """The service does not accept the key (401, 403)."""


class QuotaExhausted(ServiceError):
    """The account has no credit left or hit a spend limit; waiting does not help."""


class ModelMissing(ServiceError):
    """The server does not have the model (404)."""


class Unreachable(ServiceError):
    """No connection could be made, or it broke more often than we retry."""


class Overloaded(ServiceError):
    """Rate limits or server errors outlasted the retries."""


class ContextTooLong(ServiceError):
    """The request is larger than the model takes."""


class BadReply(ServiceError):
    """The server answered with something that is not the Responses API."""


class BudgetExceeded(AssentError):
    """A budget of money or tokens, or a limit of turns, ended the work."""

    code = 4


class EnvironmentFault(AssentError):
    """A command, a dependency or a wall of this machine is missing."""

    code = 5


class ConsentMissing(AssentError):
    """Consent was refused, or it would be needed and nobody is there to give it."""

    code = 3


class PatchMistake(AssentError):
    """A patch that cannot be read or does not fit; the message is written for the model."""


class LandingRefused(AssentError):
    """The real tree is not what was shown, or cannot be written; nothing of the landing was kept."""


class Unwritable(LandingRefused):
    """A file or folder of the tree, or the journal, cannot be written here: no rights, no room, a read-only disk."""

    code = 5
