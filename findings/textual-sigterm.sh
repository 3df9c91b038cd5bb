#!/bin/sh
# Textual 8.2.8, Linux: a Textual program that is ended by SIGTERM leaves the terminal as it had set it up.
# One would guess that a library which takes over the terminal gives it back on the signal that `kill` sends by default, as it does for
# an exception, for its own exit and for Ctrl+Z. It sets handlers for SIGTSTP and SIGCONT alone: the alternate screen, the mouse and
# pastes in brackets stay on. SIGINT by `kill -INT` goes the way of an exception.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check textual==8.2.8
cat >"$folder/app.py" <<'APP'
from textual.app import App
App().run()
APP
cat >"$folder/try.py" <<'TRY'
import os, pty, select, signal, sys, time

process, terminal = pty.fork()
if not process:
    os.environ["TERM"] = "xterm-256color"
    os.execv(sys.executable, [sys.executable, sys.argv[1]])
shown = b""

def read_until(done, seconds=30.0):
    global shown
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                return

read_until(lambda: b"\x1b[?2004h" in shown)
assert b"\x1b[?1049h" in shown, "it never took the terminal over"
os.kill(process, signal.SIGTERM)
read_until(lambda: False, 2.0)
ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
given_back = {name: code in shown for name, code in (("alternate screen", b"\x1b[?1049l"), ("pastes", b"\x1b[?2004l"))}
print(f"ended by {ended}; given back: {given_back}")
assert ended == -signal.SIGTERM and not any(given_back.values()), "it behaves otherwise now"
TRY
"$folder/venv/bin/python" "$folder/try.py" "$folder/app.py"
