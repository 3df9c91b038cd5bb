"""The small commands: landings, grants and the key."""

import json
import time
from pathlib import Path

import pytest

from assent_core.consent.ledger import Grant, Ledger
from assent_core.landing.landings import Write, land
from assent_sandbox.policy import Widening
from assent_sandbox.stage import File
from rehearsed import committed
from schemas import check


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    return committed(root)


def test_without_landings_there_is_nothing_to_list_or_to_take_back(assent, repository):
    listed = assent("undo", "--list", cwd=repository)
    assert (listed.returncode, listed.stdout) == (0, "Nothing was landed in this repository yet.\n")
    done = assent("undo", cwd=repository)
    assert done.returncode != 0
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_landing_that_does_not_exist_cannot_be_taken_back(assent, repository):
    done = assent("undo", "nonsense", cwd=repository)
    assert done.returncode != 0
    assert "nonsense" in done.stderr


def granted(place: Path, root: Path) -> Grant:
    now = time.time()
    widening = Widening("read", "/etc/\x1b[2Jhosts")
    grant = Grant(id="g-1", widening=widening, scope="project", root=str(root), time=now, until=now + 3600)
    Ledger(place / "state" / "assent" / "consent.jsonl").append(grant)
    return grant


def test_grants_of_this_repository_are_listed_with_scope_and_end(assent, repository, place, tmp_path):
    granted(place, repository)
    done = assent("consent", cwd=repository)
    assert done.returncode == 0
    assert done.stdout.startswith("g-1  It can read /etc/")
    assert "(project; since " in done.stdout
    assert "\x1b" not in done.stdout
    (tmp_path / "other").mkdir()
    assert "Nothing is allowed" in assent("consent", cwd=tmp_path / "other").stdout


def test_a_grant_can_be_revoked_once(assent, repository, place):
    granted(place, repository)
    assert assent("consent", "--revoke", "g-1", cwd=repository).stdout == "g-1 is revoked.\n"
    assert "Nothing is allowed" in assent("consent", cwd=repository).stdout
    again = assent("consent", "--revoke", "g-1", cwd=repository)
    assert again.returncode == 2
    assert "hint: " in again.stderr


def test_a_key_is_kept_where_only_the_user_can_read_it_and_never_shown(assent, repository, place):
    null = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    done = assent("key", cwd=repository, input="sk-something-secret-0123456789\n", **null)
    assert done.returncode == 0, done.stderr
    assert "sk-something" not in done.stdout + done.stderr
    (kept,) = [path for path in place.rglob("*") if path.is_file() and b"sk-something" in path.read_bytes()]
    assert kept.stat().st_mode & 0o077 == 0


def test_what_is_no_key_is_refused(assent, repository):
    done = assent("key", cwd=repository, input="\n")
    assert done.returncode == 2
    assert "hint: " in done.stderr


def test_settings_that_cannot_be_read_are_a_usage_error(assent, repository, place):
    (place / "config" / "assent").mkdir(parents=True)
    (place / "config" / "assent" / "settings.toml").write_text('mode = "yolo"\n')
    for words in (
        ("undo", "--list"),
        ("consent",),
        ("doctor",),
        ("run", "--", "true"),
        ("fix", "--apply", "--", "true"),
    ):
        done = assent(*words, cwd=repository)
        assert done.returncode == 2, words
        assert "mode" in done.stderr
        assert "Traceback" not in done.stderr


ODD = """\
mode = "ask"
theme = "puce"

[keys]
"app.help" = "f9"
"app.togle_review" = "f8"
"""


@pytest.fixture
def odd(place: Path) -> Path:
    """Settings that only a screen would stumble over."""
    file = place / "config" / "assent" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text(ODD)
    return file


@pytest.mark.parametrize(
    "words",
    [("run", "--", "true"), ("undo", "--list"), ("consent",), ("sessions",), ("stats",), ("doctor",)],
    ids=lambda words: words[0],
)
def test_a_theme_and_a_name_of_a_key_that_there_are_not_are_told_once_with_their_lines(assent, repository, odd, words):
    done = assent(*words, cwd=repository)
    assert done.returncode in (0, 1)
    assert done.stderr.startswith(
        f"assent: {odd}:2: There is no theme 'puce'.\nhint: It is dark, light, contrast or contrast-light.\n"
        f"assent: {odd}:6: [keys]: there is no action 'app.togle_review'.\nhint: Did you mean app.toggle_review?\n"
    )
    assert (done.stderr.count("puce"), done.stderr.count("togle")) == (1, 1)


def test_who_wants_quiet_is_not_told_of_them_and_the_output_stays_what_it_is(assent, repository, odd):
    assert assent("run", "--quiet", "--", "echo", "it", cwd=repository).stderr == ""
    told = assent("run", "--json", "--", "true", cwd=repository)
    assert "puce" in told.stderr
    assert [json.loads(line)["event"] for line in told.stdout.splitlines()][-1] == "summary"


@pytest.mark.parametrize("theme", ["", "contrast-light", "nord"])
def test_settings_of_the_screen_that_are_right_are_not_spoken_of(assent, repository, odd, theme):
    odd.write_text(f'theme = "{theme}"\nkeys = {{ "app.help" = "f9" }}\n')
    assert assent("undo", "--list", cwd=repository).stderr == ""


LINES = b"".join(b"%d\n" % number for number in range(20))


def landed(place: Path, repository: Path, session: str = "s-1") -> str:
    """A landing that turned the third line, as a session would have made it."""
    (repository / "a.txt").write_bytes(LINES)
    write = Write(path="a.txt", before=File(LINES), after=File(LINES.replace(b"3\n", b"three\n", 1)))
    return land(repository, place / "state" / "assent", (write,), session).id


def test_landings_of_all_sessions_are_listed_taken_back_and_landed_again(assent, repository, place):
    first = landed(place, repository)
    second = landed(place, repository, "s-2")
    listed = assent("undo", "--list", cwd=repository).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [second, first]
    assert [("s-2" in line, "s-1" in line, "a.txt" in line) for line in listed] == [
        (True, False, True),
        (False, True, True),
    ]
    assert assent("undo", cwd=repository).stdout == "Taken back: a.txt\n"
    assert (repository / "a.txt").read_bytes() == LINES
    assert "taken back" in assent("undo", "--list", cwd=repository).stdout.splitlines()[0]
    assert assent("redo", second, cwd=repository).stdout == "Landed again: a.txt\n"
    assert b"three" in (repository / "a.txt").read_bytes()
    again = assent("redo", cwd=repository)
    assert (again.returncode, again.stdout, "hint: " in again.stderr) == (1, "", True)


def test_landings_and_grants_are_lines_of_json_of_the_published_schema(assent, repository, place):
    first, grant = landed(place, repository), granted(place, repository)
    (repository / "a.txt").write_bytes(LINES.replace(b"3\n", b"three\n", 1).replace(b"17\n", b"mine\n"))

    def said(title: str, *words: str) -> list[dict]:
        done = assent(*words, "--json", cwd=repository)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            check("lines.v1.json", title, line)
        return lines

    (before,) = said("Preview", "undo", "--preview")
    assert (before["landing"]["id"], before["paths"], before["merged"]) == (first, ["a.txt"], ["a.txt"])
    assert [(one["id"], one["undone"]) for one in said("Landing", "undo", "--list")] == [(first, False)]
    (back,) = said("Landing", "undo")
    assert (back["id"], back["undone"], back["notices"]) == (first, True, ["what was edited in a.txt since is kept"])
    assert said("Landing", "undo", "--list")[0]["undone"]
    assert said("Landing", "redo")[0]["paths"] == ["a.txt"]
    assert [one["widening"]["target"] for one in said("Grant", "consent")] == [grant.widening.target]
    assert assent("consent", "--json", "--revoke", "g-1", cwd=repository).returncode == 2


def test_without_landings_and_grants_json_has_no_line(assent, repository):
    for words in (("undo", "--list"), ("consent",)):
        assert assent(*words, "--json", cwd=repository).stdout == ""


def test_undo_keeps_what_was_edited_since_and_shows_before_what_it_would_do(assent, repository, place):
    landed(place, repository)
    edited = (repository / "a.txt").read_bytes().replace(b"17\n", b"mine\n")
    (repository / "a.txt").write_bytes(edited)
    shown = assent("undo", "--preview", cwd=repository)
    assert (shown.returncode, "-three\n+3\n" in shown.stdout, "mine" in shown.stdout) == (0, True, False)
    assert "the edits would be kept" in shown.stderr
    assert (repository / "a.txt").read_bytes() == edited
    done = assent("undo", cwd=repository)
    assert (done.returncode, done.stderr) == (0, "what was edited in a.txt since is kept\n")
    assert (repository / "a.txt").read_bytes() == LINES.replace(b"17\n", b"mine\n")


def test_edits_in_the_same_place_stand_in_the_way_and_are_named(assent, repository, place):
    made = landed(place, repository)
    (repository / "a.txt").write_bytes(LINES.replace(b"3\n", b"mine\n", 1))
    shown = assent("undo", "--preview", cwd=repository)
    assert (shown.returncode, "a.txt was edited since" in shown.stderr) == (1, True)
    assert "nothing would change" in shown.stderr
    assert "-three\n+3\n" in shown.stdout
    done = assent("undo", cwd=repository)
    assert (done.returncode, "a.txt" in done.stderr, f"undo --preview {made}`" in done.stderr) == (1, True, True)
    assert b"mine" in (repository / "a.txt").read_bytes()


def test_what_was_edited_since_it_was_taken_back_stands_in_the_way_of_landing_it_again(assent, repository, place):
    landed(place, repository)
    assert assent("undo", cwd=repository).returncode == 0
    (repository / "a.txt").write_bytes(mine := LINES.replace(b"3\n", b"mine\n", 1))
    done = assent("redo", cwd=repository)
    assert (done.returncode, "Edited since they were taken back: a.txt. Nothing was landed." in done.stderr) == (
        1,
        True,
    )
    assert (repository / "a.txt").read_bytes() == mine


def test_undo_works_in_a_folder_without_git(assent, place, tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    landed(place, folder)
    assert assent("undo", cwd=folder).stdout == "Taken back: a.txt\n"
    assert (folder / "a.txt").read_bytes() == LINES
