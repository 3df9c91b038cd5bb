"""One case of the corpus."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """A small broken program, the command that fails on it, and the command that reports the same by machine."""

    name: str
    run: str
    failure: str
    """The class that the rules must give."""
    files: dict[str, str] = field(default_factory=dict)
    first: str = ""
    """A piece of the first error, for tools without a report."""
    report: str = ""
    """Writes to $REPORT."""
    format: str = ""
    before: str = ""
    variables: dict[str, str] = field(default_factory=dict)
