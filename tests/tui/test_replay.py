"""`assent replay` from the command line: offline, without a key, with an exit code."""

import json

from rehearsed import CHECK, FIX, git, tree

SCRIPT = f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = \"Repaired.\"\n"


def test_a_fix_is_played_again_offline_and_lands_nothing(assent, rehearse, repository):
    server = {"OPENAI_BASE_URL": rehearse(SCRIPT).url, "OPENAI_API_KEY": "sk-rehearsed"}
    assert assent("fix", "--apply", "--quiet", "--", *CHECK, cwd=repository, **server).returncode == 0
    git(repository, "checkout", "-q", "calc.py")
    before = tree(repository)
    (line,) = assent("sessions", "--json", cwd=repository).stdout.splitlines()
    id = json.loads(line)["id"]
    nowhere = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    done = assent("replay", id[:15], cwd=repository, **nowhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert "events came again" in done.stdout
    assert tree(repository) == before
    (repository / "calc.py").write_text("def add(left, right):\n    return 4\n")
    git(repository, "commit", "-q", "-am", "other")
    done = assent("replay", id, "--at", "HEAD", "--json", cwd=repository, **nowhere)
    assert done.returncode == 1
    made = json.loads(done.stdout)
    assert made["drifts"][0].startswith("Event ")
    assert made["ground"].startswith("the files of commit")


def test_a_session_that_there_is_not_is_a_usage_error(assent, repository):
    done = assent("replay", "20990101", cwd=repository)
    assert done.returncode == 2
    assert "hint: " in done.stderr
