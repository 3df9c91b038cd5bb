"""Secrets planted in every channel are found in nothing that is kept, shown to a script, or sent."""

import json
import os
from pathlib import Path

import pytest

from assent_core.consent.ledger import Ledger
from assent_core.memory import sessions
from assent_core.memory.notebook import Notebook
from assent_core.redaction.redactor import everything_known
from assent_tui import crash
from rehearsed import committed

PLANTED = {
    "environment": "planted-Env-7f3a91",
    ".env": "planted-DotEnv-55c1e0",
    ".env deeper": "planted Deep of three words 8",
    "file": "ghp_" + "Fi1e" * 9,
    "output": "xoxb-" + "0utput-" * 5 + "1",
    "model text": "sk-proj-" + "M0del" * 6,
    "file name": "glpat-" + "N4me" * 6,
    "arguments": "AKIA" + "ARGS" * 4,
    "consent": "hf_" + "Reas0n" * 6,
    "service": "npm_" + "Serv1ce" * 6,
    "prompt": "gsk_" + "Pr0mpt" * 8,
    "crash": "pypi-AgE" + "Cra5h" * 12,
}
SCRIPT = """
[[worker]]
think = "I know $environment and also ${.env}."
say = "The key is ${model text}, the words are ${.env deeper}."
shell = "cat config.py; echo '${output}'; echo 1 > 'of-${file name}.txt'"

[[worker]]
read = "config.py"

[[worker]]
patch = '''
*** Begin Patch
*** Add File: fixed.txt
+${arguments}
*** End Patch
'''

[[worker]]
fault = { status = 503, code = "server_error", body = "no room for $service and $environment" }

[[worker]]
call = { name = "shell", arguments = { command = "curl $consent", reason = "$consent", needs = [{ kind = "network" }] } }

[[worker]]
say = "Done with $environment."
"""


def planted(script: str) -> str:
    for name, value in sorted(PLANTED.items(), key=lambda one: -len(one[0])):
        script = script.replace("${" + name + "}", value).replace("$" + name, value)
    return script


def found_in(text: str, ours: Path) -> list[str]:
    return [f"{name} in {ours}" for name, value in PLANTED.items() if value in text or json.dumps(value)[1:-1] in text]


def found_below(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {"consent.jsonl", "accounts.db"} <= {path.name for path in files}
    return [one for path in files for one in found_in(f"{path}\n{path.read_bytes().decode('latin-1')}", path)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "api").mkdir(parents=True)
    (root / ".gitignore").write_text(".env*\n")
    (root / ".env").write_text(f"DB_PASSWORD={PLANTED['.env']}\n")
    (root / "api" / ".env.local").write_text(f'PASSPHRASE="{PLANTED[".env deeper"]}"\n')
    (root / "config.py").write_text(f"TOKEN = '{PLANTED['file']}'\n")
    return committed(root)


def test_no_planted_secret_is_in_anything_that_is_kept_shown_or_sent(
    assent, rehearse, repository, place, monkeypatch, capsys
):
    service = rehearse(planted(SCRIPT))
    state = place / "state" / "assent"
    variables = {
        "OPENAI_BASE_URL": service.url,
        "OPENAI_API_KEY": "sk-key-of-the-test-0001",
        "MY_API_TOKEN": PLANTED["environment"],
    }
    check = f"test -e fixed.txt || {{ echo {PLANTED['output']}; exit 1; }}"
    done = assent(
        *("fix", "--json", "--patch-out", str(place / "out.patch"), f"mend it with {PLANTED['prompt']}"),
        *("--", "sh", "-c", check),
        cwd=repository,
        **variables,
    )
    assert done.returncode == 0, done.stderr
    assert PLANTED["arguments"] in (place / "out.patch").read_text()
    outside(repository, state, monkeypatch, capsys)
    said = capsys.readouterr()
    assert "[redacted]" in done.stdout
    assert "[redacted]" in json.dumps(service.requests)
    assert any("curl" in line.what for line in Ledger(state / "consent.jsonl").lines())
    assert len(list(state.rglob("crash-*.txt"))) == 1
    assert found_in(done.stdout + done.stderr + said.out + said.err, Path("output")) == []
    assert found_in(json.dumps(service.requests), Path("requests")) == []
    assert found_below(state) == []
    assert "sk-key-of-the-test-0001" not in done.stdout + json.dumps(service.requests)


def outside(repository: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written beside a turn: history, draft, title, a report of a crash."""
    monkeypatch.setenv("MY_API_TOKEN", PLANTED["environment"])
    monkeypatch.setenv("ASSENT_STATE_DIR", str(state))
    everything_known([PLANTED[".env"]])
    notebook = Notebook(state, repository, everything_known())
    notebook.remember(f"a prompt with {PLANTED['prompt']}")
    notebook.keep(f"a draft with {PLANTED['.env']}")
    notebook.close()
    (one,) = sessions.sessions(state)
    sessions.rename(state, one.id, f"about {PLANTED['prompt']}")
    words = " ".join([PLANTED["crash"], PLANTED["environment"], PLANTED[".env"]])
    assert crash.report(RuntimeError(f"it broke at {words}"), ["fix", PLANTED["prompt"]]) == 1
    assert os.environ["MY_API_TOKEN"] == PLANTED["environment"]
