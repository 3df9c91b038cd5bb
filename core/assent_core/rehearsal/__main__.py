"""`python -m assent_core.rehearsal SCRIPT [--port N]`: serve a script until ended."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from assent_core.errors import AssentError
from assent_core.rehearsal import Rehearsal


async def _serve(rehearsal: Rehearsal) -> None:
    async with rehearsal:
        print(rehearsal.url, flush=True)
        await asyncio.Event().wait()


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m assent_core.rehearsal", description="A scripted model on 127.0.0.1."
    )
    parser.add_argument("script", help="a script file, or the name of a bundled one: fix")
    parser.add_argument("--port", type=int, default=0, help="the port; 0 takes a free one")
    options = parser.parse_args()
    try:
        rehearsal = Rehearsal.from_file(options.script, options.port)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(rehearsal))
    except AssentError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"Port {options.port} cannot be opened: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
