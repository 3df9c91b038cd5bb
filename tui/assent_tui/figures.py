"""Figures as a person says them: so many of something, so long ago, what landed, how a command ended; pure."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `1,200 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def ago(seconds: float) -> str:
    """A time that has passed, roughly."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{count(int(seconds // size), unit)} ago"
    return "just now"


def landed(hunks: int, files: int) -> str:
    """What a session landed."""
    return f"landed {count(hunks, 'hunk')} in {count(files, 'file')}" if hunks else "nothing landed"


def ended(code: int | None, seconds: float) -> str:
    """The exit code of a command, if it has one, and the time that it took, if that is worth a word."""
    parts = [] if code is None else [f"exit {code}"]
    return " · ".join([*parts, f"{seconds:.1f} s"] if seconds >= 0.05 else parts)
