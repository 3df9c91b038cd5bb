"""Starts the command line, and only in a Python that takes nothing from the current folder or the environment."""

import sys

if not sys.flags.isolated:
    sys.stderr.write(
        "assent: this Python is not isolated, so files of the current folder could become part of assent.\n"
        "hint: start the `assent` command, or `python -I -m assent_tui`.\n"
    )
    sys.exit(2)

if None in (sys.stdin, sys.stdout, sys.stderr):
    from assent_tui.closed import lead_nowhere

    lead_nowhere()

from assent_tui.cli import main

sys.exit(main(sys.argv[1:]))
