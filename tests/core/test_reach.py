import socket
from pathlib import Path

import pytest

from assent_core.consent.reach import effect, hard_refusal, in_words, is_secret, locate, phrase, reach
from assent_core.proposals import Patch, Proposal, Read, Search, Shell
from assent_sandbox.policy import Policy, Widening

POLICY = Policy()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    return tmp_path / "repo"


@pytest.mark.parametrize(
    "proposal",
    [
        Shell(command="curl https://example.com > /etc/passwd"),
        Read(path="src/a.py"),
        Read(path="./src/../src/a.py"),
        Read(path=".git/config"),
        Read(path=".env.example"),
        Search(pattern="x"),
        Patch(text="*** Begin Patch\n*** Update File: a.py\n@@\n-a\n+b\n*** End Patch"),
    ],
)
def test_what_stays_on_the_stage_has_no_reach(proposal: Proposal, root: Path):
    assert reach(proposal, root, POLICY) == ()


def test_what_a_command_asks_for_is_its_reach_made_exact_sorted_and_once(root: Path):
    needs = (Widening("network"), Widening("read", "/opt/x/../y"), Widening("network"), Widening("secret", "./a/.env"))
    assert reach(Shell(command="x", needs=needs), root, POLICY) == (
        Widening("network"),
        Widening("read", "/opt/y"),
        Widening("secret", "a/.env"),
    )


def test_asking_to_read_in_the_repository_needs_nothing_unless_it_is_a_secret(root: Path):
    needs = (Widening("read", str(root / "a.py")), Widening("read", str(root / ".env")))
    assert reach(Shell(command="x", needs=needs), root, POLICY) == (Widening("secret", ".env"),)


@pytest.mark.parametrize("path", [".env", "a/.env.local", "deploy/id_rsa", "x.PEM", ".ENV", "./b/../.env"])
def test_secret_files_are_reached_by_read_search_and_patch(path: str, root: Path):
    secret = (Widening("secret", locate(path, root)),)
    assert reach(Read(path=path), root, POLICY) == secret
    assert reach(Search(pattern="KEY", path=path), root, POLICY) == secret
    text = f"*** Begin Patch\n*** Add File: {path}\n+A=1\n*** End Patch"
    assert reach(Patch(text=text), root, POLICY) == (() if ".." in path else secret)


def test_a_patch_that_moves_a_file_onto_a_secret_reaches_it(root: Path):
    text = "*** Begin Patch\n*** Update File: a\n*** Move to: .env\n@@\n-a\n+b\n*** End Patch"
    assert reach(Patch(text=text), root, POLICY) == (Widening("secret", ".env"),)


def test_a_patch_out_of_the_repository_is_no_reach_but_left_to_the_patch_reader(root: Path):
    text = (
        "*** Begin Patch\n*** Add File: ../../etc/cron.d/x\n+a\n*** Add File: .git/hooks/pre-commit\n+b\n*** End Patch"
    )
    assert reach(Patch(text=text), root, POLICY) == ()


@pytest.mark.parametrize("path", ["/etc/hosts", "../../../../../../etc/hosts", "/etc/../etc/hosts"])
def test_reading_or_searching_outside_reaches_that_path(path: str, root: Path):
    wanted = Widening("read", locate(path, root))
    assert wanted.target.endswith("/etc/hosts")
    assert reach(Read(path=path), root, POLICY) == (wanted,) == reach(Search(pattern="x", path=path), root, POLICY)


def test_a_link_in_the_repository_to_a_secret_counts_as_the_secret(root: Path):
    (root / ".env").write_text("KEY=1")
    (root / "notes.txt").symlink_to(".env")
    assert reach(Read(path="notes.txt"), root, POLICY) == (Widening("secret", ".env"),)


def test_a_folder_with_the_name_of_a_secret_is_none(root: Path):
    (root / ".env").mkdir()
    assert reach(Read(path=".env"), root, POLICY) == ()


def test_patterns_of_the_settings_count_too():
    policy = Policy(secrets=("*.secret",), public=("demo.*",))
    assert is_secret("a/b.secret", policy)
    assert not is_secret("a/demo.secret", policy)
    assert not is_secret(".env", policy)


def test_paths_of_the_copy_and_of_the_repository_lead_to_the_same_file(root: Path, tmp_path: Path):
    view = tmp_path / "stage" / "copy"
    paths = ["src/a.py", str(root / "src/a.py"), str(view / "src/a.py"), "./src//a.py"]
    assert {locate(path, root, view) for path in paths} == {"src/a.py"}
    assert locate(str(tmp_path / "repo2/a"), root, view) == str(tmp_path / "repo2/a")
    assert locate("~/x", root) == str(Path.home() / "x")


@pytest.mark.parametrize(
    ("widening", "words"),
    [
        (Widening("read", "/etc/foo"), "read /etc/foo"),
        (Widening("write", "/opt/x"), "change /opt/x"),
        (Widening("secret", ".env"), "read the secret file .env"),
        (Widening("host", "example.net:443"), "connect to example.net:443"),
        (Widening("loopback", "5432"), "connect to port 5432 of this machine"),
        (Widening("socket", "/run/x.sock"), "talk through the socket /run/x.sock"),
        (Widening("network"), "use the network"),
        (Widening("unconfined"), "run without any walls"),
    ],
)
def test_each_widening_reads_as_words_and_as_a_sentence(widening: Widening, words: str):
    assert phrase(widening) == words
    assert effect(widening).startswith("It ")
    assert effect(widening).endswith(".")


def test_the_effect_says_where_a_link_really_leads_and_that_keys_are_kept_there(tmp_path: Path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "fonts").symlink_to(".ssh")
    sentence = effect(Widening("read", str(tmp_path / "fonts")))
    assert f"(really {tmp_path}/.ssh) and everything below it" in sentence
    assert "keys are kept" in sentence


def test_a_target_with_hidden_characters_cannot_disguise_itself():
    assert "⟨U+202E⟩" in effect(Widening("read", "/tmp/\u202etxt.exe"))
    assert "␛" in in_words(Shell(command="echo \x1b[2J", workdir="a"))


def test_a_long_proposal_is_cut_and_says_so():
    assert in_words(Shell(command="x" * 30), most=20) == f"run: {'x' * 15} [... 15 more characters]"


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("read", ""), ("read", "etc/x"), ("read", "/a/../b"), ("read", "//a"), ("read", "/a\0b"), ("network", "x"),
        ("unconfined", "/"), ("secret", "/etc/x"), ("secret", "../x"), ("secret", ""), ("host", ""), ("host", "example.net"),
        ("host", "Example.Net:443"), ("host", "https://example.net"), ("host", "example.net:443/x"),
        ("host", "*.example.net:443"),
        ("host", "localhost:80"), ("host", "127.0.0.1:80"), ("host", "[::1]:80"), ("host", "2130706433:80"),
        ("host", "example.net:443 evil.org:443"),
        ("loopback", ""), ("loopback", "0"), ("loopback", "05432"), ("loopback", "70000"),
        ("loopback", "127.0.0.1:80"), ("socket", "run/x"), ("socket", "/run/../x"),
    ],
)  # fmt: skip
def test_a_malformed_target_is_refused(kind: str, target: str, root: Path, tmp_path: Path):
    assert hard_refusal(Widening(kind, target), root, tmp_path / "state").startswith("malformed")  # pyright: ignore[reportArgumentType]


def test_the_state_of_assent_is_refused_in_and_around_it_and_through_links(root: Path, tmp_path: Path):
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "innocent").symlink_to("state")
    for target in (
        state,
        state / "stages" / "x",
        tmp_path,
        tmp_path / "innocent",
        tmp_path / "innocent" / "consent.jsonl",
    ):
        assert "assent's own state" in hard_refusal(Widening("read", str(target)), root, state)
    assert hard_refusal(Widening("read", str(tmp_path / "other")), root, state) == ""


def test_writing_into_the_real_repository_or_around_it_is_refused(root: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to("repo")
    for target in (root, root / ".git", root / ".git/hooks/x", tmp_path / "link/.git"):
        assert "by landing alone" in hard_refusal(Widening("write", str(target)), root, Path("/nonexistent/state"))
    assert "by landing alone" in hard_refusal(Widening("write", str(tmp_path)), root, Path("/nonexistent/state"))
    assert hard_refusal(Widening("write", str(tmp_path / "out")), root, Path("/nonexistent/state")) == ""


def test_keyrings_are_refused(root: Path):
    rings = Path.home() / ".local/share/keyrings" / "login.keyring"
    assert "key store" in hard_refusal(Widening("read", str(rings)), root, Path("/nonexistent/state"))


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "/" + "x/" * 3000, "~nobody/x", ""])
def test_a_strange_path_is_no_crash(path: str, root: Path):
    for proposal in (Read(path=path), Search(pattern="x", path=path), Patch(text=f"*** Add File: {path}")):
        assert all(effect(widening) for widening in reach(proposal, root, POLICY) if "\0" not in widening.target)


@pytest.mark.parametrize(
    "target",
    [
        "169.254.169.254:80",
        "metadata.google.internal:80",
        "[fd00:ec2::254]:80",
        "169.254.1.1:443",
        "100.100.100.200:80",
    ],
)
def test_the_metadata_service_of_a_cloud_is_refused(target: str, root: Path):
    assert "machine's own keys" in hard_refusal(Widening("host", target), root, Path("/nonexistent/state"))


def test_sockets_of_keyrings_of_assent_and_of_the_repository_are_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    state = tmp_path / "state"
    for place in ("run/keyring/control", "run/gnupg/S.gpg-agent", "state/x.sock"):
        assert "key store" in hard_refusal(Widening("socket", str(tmp_path / place)), root, state)
    assert "stage" in hard_refusal(Widening("socket", str(root / "x.sock")), root, state)
    assert hard_refusal(Widening("socket", str(tmp_path / "run/other.sock")), root, state) == ""


@pytest.mark.parametrize(
    ("widening", "words"),
    [
        (Widening("socket", "/var/run/docker.sock"), "controls this machine"),
        (Widening("loopback", "2375"), "controls this machine"),
        (Widening("socket", "/run/user/1000/bus"), "run programs outside the walls"),
        (Widening("socket", "/tmp/ssh-XXXX/agent.123"), "keys that this agent holds"),
        (Widening("host", "10.1.2.3:80"), "a private network"),
    ],
)
def test_the_effect_says_what_more_a_service_lets_happen(widening: Widening, words: str):
    assert words in effect(widening)


def test_an_ordinary_service_is_not_said_to_be_more(root: Path):
    for widening in (
        Widening("loopback", "5432"),
        Widening("host", "example.net:443"),
        Widening("socket", "/run/pg/.s.PGSQL.5432"),
    ):
        sentence = effect(widening)
        assert not any(words in sentence for words in ("controls", "run programs", "keys", "private"))


def test_a_host_is_made_exact_and_one_of_this_machine_becomes_a_port_of_it(root: Path):
    needs = (
        Widening("host", "https://Example.Net/simple"),
        Widening("host", "example.net:443"),
        Widening("host", "http://localhost:8000/"),
        Widening("loopback", "8000"),
    )
    assert reach(Shell(command="x", needs=needs), root, POLICY) == (
        Widening("host", "example.net:443"),
        Widening("loopback", "8000"),
    )


def test_a_socket_is_opened_as_a_socket_alone(root: Path, tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "x.sock"))
        for kind in ("read", "write"):
            assert "kind socket" in hard_refusal(Widening(kind, str(tmp_path / "x.sock")), root, Path("/nonexistent"))
        assert hard_refusal(Widening("socket", str(tmp_path / "x.sock")), root, Path("/nonexistent")) == ""


BLANKS = ["\u00a0", "\u2003", "\u3000", "\u2028", "\u2029", "\u0085", "\x1c", "\x1f", "\x0b", "\x0c", "\t", " \r"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("head", ["Add File", "Update File", "Delete File"])
def test_a_path_with_any_blank_behind_or_before_it_is_reached_as_it_is_opened(root: Path, blank: str, head: str):
    for path in (f".env{blank}", f"{blank}.env"):
        text = f"*** Begin Patch\n*** {head}: {path}\n*** Move to: x\n@@\n-a\n+b\n*** End Patch\n"
        if head != "Update File":
            text = text.replace("*** Move to: x\n@@\n-a\n+b\n", "+a\n" if head == "Add File" else "")
        assert Widening("secret", ".env") in reach(Patch(text=text), root, Policy())


def test_a_path_that_looks_like_home_is_the_folder_of_that_name_as_it_is_opened(root: Path):
    (root / "~").mkdir()
    text = "*** Begin Patch\n*** Delete File: ~/.env\n*** End Patch\n"
    assert reach(Patch(text=text), root, Policy()) == (Widening("secret", "~/.env"),)
