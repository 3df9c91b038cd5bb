#!/usr/bin/env python3
"""Let random streams of sentences, keys, pastes, resizes and questions reach the screen: only single keys in their place decide.

    python scripts/campaign/keys.py [--streams 2000] [--seed 1]

The first stream that grants, lands, decides or loses what it must not is shown as short as it can be made.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / room) for room in ("core", "sandbox", "tui", "tests")]

from hypothesis import HealthCheck, Phase, given, seed, settings

from streams import STREAMS, Step, judged


def campaign(streams: int, chance: int) -> int:
    """Play so many streams; how many were played. AssertionError, with the shortest stream, where one goes wrong."""
    played = 0

    @seed(chance)
    @settings(
        max_examples=streams,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(STREAMS)
    def play(stream: list[Step]) -> None:
        nonlocal played
        played += 1
        asyncio.run(judged(stream))

    play()
    return played


def main() -> None:
    """Play them, and say how long that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    played = campaign(chosen.streams, chosen.seed)
    print(f"{played} streams in {time.monotonic() - began:.0f} s: only single keys in their place decided")


if __name__ == "__main__":
    main()
