"""What each role is told: fixed text from files, and the facts of the place as the first item of a session."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def prompt(name: str) -> str:
    """The text of one prompt file, without its last newline; the same bytes in every session."""
    return (Path(__file__).parent / "prompts" / f"{name}.md").read_text("utf-8").strip()


def worker_instructions() -> str:
    """What the worker is told of its place and its duties; holds no date and nothing of the session."""
    return prompt("worker")
