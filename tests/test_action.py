"""The GitHub Action: its steps run here as they would there, against the rehearsal server."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsed import CALC, FIX, TEST, committed, git, tree

ROOT = Path(__file__).parents[1]
SCRIPT = f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Repaired. ``` @everyone'\n"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def steps() -> list[dict[str, object]]:
    """The steps of action.yml; a reader of just the YAML that stands in it."""
    text = (ROOT / "action.yml").read_text()
    found: list[dict[str, object]] = []
    for block in re.split(r"\n    - ", text.partition("\n  steps:")[2])[1:]:
        step: dict[str, object] = {}
        table: dict[str, str] = step
        for line in ("      " + block).splitlines():
            depth, body = len(line) - len(line.lstrip()), line.strip()
            if step.get("run") == "|" or (depth >= 8 and table is step and "run" in step):
                step["run"] = str(step["run"]).removeprefix("|") + body + "\n"
            elif body:
                name, _, value = body.partition(":")
                table = step if depth == 6 else table
                if depth == 6 and not value:
                    step[name] = table = {}
                else:
                    table[name] = value.strip()
        found.append(step)
    return found


def defaults() -> dict[str, str]:
    inputs = (ROOT / "action.yml").read_text().partition("\ninputs:\n")[2].partition("\noutputs:\n")[0]
    found = re.findall(r"(?m)^  ([\w-]+):\n(?:    .*\n)*?    default: \"?(.*?)\"?$", inputs)
    return dict(found)


class Runner:
    """Runs the steps as GitHub does: expressions in `env` and `if` are values, and nothing else is."""

    def __init__(self, folder: Path, checkout: Path, surroundings: dict[str, str], inputs: dict[str, str]) -> None:
        self._folder, self._checkout, self._surroundings = folder, checkout, surroundings
        self.values = {f"inputs.{name}": value for name, value in (defaults() | inputs).items()}
        self.values |= {"github.action_path": str(ROOT), "github.repository": "me/shop"}
        self.said = ""

    def run(self, name: str) -> int:
        step = next(step for step in steps() if step["name"] == name)
        assert "${{" not in str(step["run"]), "an expression in a script is code of whoever wrote its value"
        outputs = self._folder / "outputs"
        outputs.write_text("")
        env = {
            key: EXPRESSION.sub(lambda found: self.values.get(found[1], ""), text) for key, text in step["env"].items()
        }
        env |= {"GITHUB_OUTPUT": str(outputs), "RUNNER_TEMP": str(self._folder), "ASSENT": os.environ["ASSENT"]}
        env |= {"GITHUB_STEP_SUMMARY": str(self._folder / "summary.md")}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", str(step["run"])],
            cwd=self._checkout,
            env=self._surroundings | env,
            capture_output=True,
            text=True,
            check=False,
        )
        self.said = done.stdout + done.stderr
        for line in outputs.read_text().splitlines():
            key, _, value = line.partition("=")
            self.values[f"steps.{step.get('id')}.outputs.{key}"] = value
        return done.returncode


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSENT", str(Path(sys.executable).with_name("assent")))
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "calc.py").write_text(CALC)
    (root / "test_calc.py").write_text(TEST)
    return committed(root)


def runner(tmp_path: Path, checkout: Path, surroundings: dict[str, str], **inputs: str) -> Runner:
    folder = tmp_path / "runner"
    folder.mkdir()
    return Runner(folder, checkout, surroundings, {name.replace("_", "-"): text for name, text in inputs.items()})


def test_a_failing_command_becomes_a_patch_a_comment_and_outputs(tmp_path, checkout, surroundings, rehearse):
    before = tree(checkout)
    inputs = {"command": "python3 -m unittest -q", "api_key": "sk-test", "base_url": rehearse(SCRIPT).url}
    made = runner(tmp_path, checkout, surroundings, **inputs)
    assert made.run("Fix") == 0, made.said
    assert made.values["steps.fix.outputs.code"] == "0"
    assert made.values["steps.fix.outputs.outcome"] == "written"
    assert tree(checkout) == before
    comment = Path(made.values["steps.fix.outputs.comment"]).read_text()
    assert "+    return left + right" in comment
    assert "Verified by:" in comment and "python3 -m unittest -q" in comment
    assert "sk-test" not in comment + made.said
    git(checkout, "apply", made.values["steps.fix.outputs.patch"])
    assert (checkout / "calc.py").read_text() == CALC.replace("left - right", "left + right")
    assert made.run("Outcome") == 0


def test_a_comment_does_not_call_verified_what_failed(tmp_path, checkout, surroundings, rehearse):
    given_up = '[[worker]]\nrepeat = true\nsay = "I do not know."\n'
    inputs = {"command": "python3 -m unittest -q", "api_key": "sk-test", "base_url": rehearse(given_up).url}
    made = runner(tmp_path, checkout, surroundings, **inputs)
    assert made.run("Fix") == 0, made.said
    comment = Path(made.values["steps.fix.outputs.comment"]).read_text()
    assert "Not verified, the last run failed:" in comment
    assert "Verified by" not in comment


def test_hostile_inputs_are_values_and_no_code(tmp_path, checkout, surroundings, rehearse):
    marks = [tmp_path / name for name in ("by-prompt", "by-cost")]
    inputs = {
        "command": "python3 -m unittest -q && echo '`' \"$(id)\"",
        "prompt": f'--apply $(touch {marks[0]}) `touch {marks[0]}`"; touch {marks[0]}; \n::set-output name=x::y',
        "max_cost": f"1; touch {marks[1]}",
        "api_key": "sk-test",
        "base_url": rehearse(SCRIPT).url,
    }
    made = runner(tmp_path, checkout, surroundings, **inputs)
    assert made.run("Fix") == 0, made.said
    assert made.values["steps.fix.outputs.code"] == "2"
    assert made.values["steps.fix.outputs.patch"] == ""
    assert made.run("Outcome") == 2
    made.values["inputs.max-cost"] = ""
    assert made.run("Fix") == 0, made.said
    assert made.values["steps.fix.outputs.outcome"] == "written", made.said
    assert not any(mark.exists() for mark in marks)
    made.values["inputs.fail"] = "false"
    assert made.run("Outcome") == 0


def test_no_text_leaves_its_block_and_outputs_are_single_words(tmp_path):
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import action
    finally:
        sys.path.pop(0)
    told = {"event": "summary", "outcome": "landed\ncode=0", "message": "```\n# Heading\n````", "usd": 0.1}
    text = action.comment(told, "+```\n", 3)
    assert text.count("`````") == 2
    assert "landedcode (exit code 3)" in text
    assert action.summary(json.dumps(told) + "\nnot json\n") == told
    assert action.summary("") == {}


def test_every_step_says_its_shell_and_takes_its_values_from_the_environment():
    for step in steps():
        assert "uses" in step or (step["shell"] == "bash" and "${{" not in str(step["run"])), step
    assert [step["name"] for step in steps()] == ["Install assent", "Fix", "Upload the patch", "Comment", "Outcome"]
