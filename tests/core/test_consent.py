import ast
import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from assent_core.consent import gate as consent
from assent_core.consent.gate import Answer, Approved, Gate, Grant, Question, Refused
from assent_core.consent.ledger import Entry, Ledger, Revocation
from assent_core.consent.standing import script_of
from assent_core.proposals import Patch, Proposal, Read, Search, Shell
from assent_sandbox.policy import Tier, Widening

NETWORK = Widening("network")
HOSTS = Widening("read", "/etc/hosts")
CURL = Shell(command="curl https://example.com", needs=(NETWORK,), reason="to fetch")
LIST = Shell(command="ls")
EDIT = Patch(text="*** Begin Patch\n*** End Patch")
YES, NO = Answer(True), Answer(False)


class User:
    """Answers from a list and keeps the questions; runs dry by refusing."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.questions: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        answer = self.answers.pop(0) if self.answers else NO
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    return tmp_path / "repo"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / "consent.jsonl")


GateMaker = Callable[..., Gate]


@pytest.fixture
def gate(root: Path, ledger: Ledger) -> GateMaker:
    def make(asker: object = None, session: str = "s1", root: Path = root, **how: object) -> Gate:
        given = {"tier": "overlay", "mode": "ask", **how}
        return Gate(root=root, session=session, asker=asker, ledger=Ledger(ledger.path), **given)  # pyright: ignore

    return make


def reading(path: Path) -> tuple[Entry, ...]:
    return tuple(line for line in Ledger(path).lines() if isinstance(line, Entry))


@pytest.mark.parametrize("proposal", [LIST, EDIT, Read(path="a"), Search(pattern="a")])
async def test_what_stays_on_the_stage_is_allowed_by_the_walls_unasked(
    proposal: Proposal, gate: GateMaker, ledger: Ledger
):
    user = User()
    approved = await gate(user).decide("1", proposal, ())
    assert isinstance(approved, Approved)
    assert (approved.by, approved.widenings, approved.proposal) == ("walls", (), proposal)
    assert not user.questions
    assert ledger.lines() == ()


async def test_a_reach_is_asked_with_all_that_the_card_shows(gate: GateMaker, root: Path):
    user = User(YES)
    approved = await gate(user).decide("7", CURL, (NETWORK, HOSTS))
    assert isinstance(approved, Approved)
    assert (approved.by, approved.widenings, approved.scope) == ("user", (NETWORK, HOSTS), "once")
    (question,) = user.questions
    assert (question.id, question.proposal, question.reach, question.tier) == ("7", CURL, (NETWORK, HOSTS), "overlay")
    assert len(question.effects) == 2
    assert (
        question.why
        == "it wants to use the network and to read /etc/hosts, and nothing goes beyond the stage unasked (built in)"
    )
    assert question.marks == ("runs curl", "may use the network (curl)")
    assert dict(question.scopes) == {
        "task": "until this task ends: use the network; read /etc/hosts",
        "session": "for this session, at most 12 hours: use the network; read /etc/hosts",
        "project": f"for 30 days in {root}: use the network; read /etc/hosts",
    }


async def test_once_means_once(gate: GateMaker, ledger: Ledger):
    user = User(YES, YES)
    asking = gate(user)
    await asking.decide("1", CURL, (NETWORK,))
    await asking.decide("2", CURL, (NETWORK,))
    assert len(user.questions) == 2
    assert ledger.grants() == ()


async def test_a_task_grant_ends_with_the_task_and_does_not_reach_another_gate(gate: GateMaker, ledger: Ledger):
    user = User(Answer(True, "task"))
    asking = gate(user)
    await asking.decide("1", CURL, (NETWORK,))
    again = await asking.decide("2", CURL, (NETWORK,))
    assert isinstance(again, Approved)
    assert (again.by, again.scope) == ("grant", "task")
    assert isinstance(await gate(None).decide("3", CURL, (NETWORK,)), Refused)
    asking.end_task()
    assert isinstance(await asking.decide("4", CURL, (NETWORK,)), Refused)
    assert ledger.grants() == ()
    assert [type(line) for line in ledger.lines()].count(Revocation) == 1


async def test_a_session_grant_holds_for_the_session_alone_also_when_it_is_resumed(gate: GateMaker):
    asking = gate(User(Answer(True, "session")))
    await asking.decide("1", CURL, (NETWORK,))
    asking.end_task()
    assert isinstance(await asking.decide("2", CURL, (NETWORK,)), Approved)
    assert isinstance(await gate(None, session="s1").decide("3", CURL, (NETWORK,)), Approved)
    assert isinstance(await gate(None, session="s2").decide("4", CURL, (NETWORK,)), Refused)


async def test_a_project_grant_outlives_the_session_and_is_bound_to_the_real_root(
    gate: GateMaker, tmp_path: Path, root: Path
):
    await gate(User(Answer(True, "project"))).decide("1", CURL, (NETWORK,))
    (tmp_path / "link").symlink_to(root)
    (tmp_path / "other").mkdir()
    assert isinstance(await gate(None, session="s2").decide("2", CURL, (NETWORK,)), Approved)
    assert isinstance(await gate(None, root=tmp_path / "link").decide("3", CURL, (NETWORK,)), Approved)
    assert isinstance(await gate(None, root=tmp_path / "other").decide("4", CURL, (NETWORK,)), Refused)


@pytest.mark.parametrize(
    "other", [Widening("write", "/etc/hosts"), Widening("read", "/etc"), Widening("read", "/etc/hosts.allow"), NETWORK]
)
async def test_a_grant_counts_for_exactly_its_widening(other: Widening, gate: GateMaker):
    user = User(Answer(True, "project"))
    asking = gate(user)
    await asking.decide("1", CURL, (HOSTS,))
    assert isinstance(await asking.decide("2", CURL, (other,)), Refused)
    assert len(user.questions) == 2


async def test_of_a_half_granted_reach_all_is_shown_and_only_the_rest_is_remembered(gate: GateMaker, ledger: Ledger):
    user = User(Answer(True, "session"), Answer(True, "project"))
    asking = gate(user)
    await asking.decide("1", CURL, (NETWORK,))
    approved = await asking.decide("2", CURL, (NETWORK, HOSTS))
    assert isinstance(approved, Approved)
    assert approved.widenings == (NETWORK, HOSTS)
    assert user.questions[1].reach == (NETWORK, HOSTS)
    assert dict(user.questions[1].scopes)["task"] == "until this task ends: read /etc/hosts"
    assert [(grant.widening, grant.scope) for grant in ledger.grants()] == [(NETWORK, "session"), (HOSTS, "project")]


async def test_a_revoked_grant_is_gone_at_once_also_for_a_running_session(gate: GateMaker, ledger: Ledger):
    asking = gate(User(Answer(True, "project")))
    await asking.decide("1", CURL, (NETWORK,))
    (grant,) = ledger.grants()
    assert ledger.revoke(grant.id)
    assert isinstance(await asking.decide("2", CURL, (NETWORK,)), Refused)


async def test_grants_have_an_end(gate: GateMaker, ledger: Ledger, root: Path):
    await gate(User(Answer(True, "project"))).decide("1", CURL, (NETWORK,))
    (grant,) = ledger.grants()
    assert grant.until is not None
    assert grant.until - grant.time == consent.PROJECT_SECONDS
    assert ledger.grants(now=grant.until) == ()
    endless = msgspec.structs.replace(grant, id="e", widening=HOSTS, until=None)
    expired = msgspec.structs.replace(grant, id="f", widening=HOSTS, until=1.0)
    ledger.append(endless)
    ledger.append(expired)
    assert isinstance(await gate(None).decide("2", CURL, (HOSTS,)), Refused)


async def test_unconfined_is_asked_each_time_and_can_be_remembered_by_nobody(
    gate: GateMaker, ledger: Ledger, root: Path
):
    free = Widening("unconfined")
    forged = Grant(id="x", widening=free, scope="project", root=str(root), time=0.0, until=1e12)
    ledger.append(forged)
    user = User(YES, Answer(True, "project"))
    asking = gate(user)
    assert isinstance(await asking.decide("1", LIST, (free,)), Approved)
    assert user.questions[0].scopes == ()
    refused = await asking.decide("2", LIST, (free,))
    assert isinstance(refused, Refused)
    assert "not on offer" in refused.why
    assert ledger.grants() == ()


async def test_without_walls_every_command_asks_once_only_and_a_patch_does_not(gate: GateMaker):
    user = User(YES, YES)
    asking = gate(user, tier="unconfined")
    approved = await asking.decide("1", LIST, ())
    assert isinstance(approved, Approved)
    assert approved.widenings == (Widening("unconfined"),)
    assert isinstance(await asking.decide("2", LIST, ()), Approved)
    assert len(user.questions) == 2
    assert user.questions[0].scopes == ()
    assert "no walls" in user.questions[0].why
    assert isinstance(await asking.decide("3", EDIT, ()), Approved)
    assert len(user.questions) == 2
    assert isinstance(await gate(None, tier="unconfined").decide("4", LIST, ()), Refused)


@pytest.mark.parametrize("tier", ["overlay", "copy", "unconfined"])
async def test_a_typed_command_runs_in_any_tier_unasked_and_is_recorded(tier: Tier, gate: GateMaker, ledger: Ledger):
    approved = gate(None, tier=tier, mode="careful").typed(LIST)
    assert isinstance(approved, Approved)
    assert approved.by == "user"
    assert [entry.why for entry in reading(ledger.path)] == ["you typed this command"]
    assert isinstance(gate(None, tier=tier).typed(CURL), Refused)


@pytest.mark.parametrize("proposal", [LIST, EDIT, CURL])
async def test_read_only_refuses_edits_and_commands_with_the_reason(proposal: Proposal, gate: GateMaker):
    user = User(YES)
    refused = await gate(user, mode="read-only").decide("1", proposal, ())
    assert isinstance(refused, Refused)
    assert refused.by == "rule"
    assert "read-only" in refused.why
    assert not user.questions
    assert isinstance(await gate(user, mode="read-only").decide("2", Read(path="a"), ()), Approved)


@pytest.mark.parametrize("proposal", [LIST, EDIT])
async def test_careful_asks_for_each_edit_and_command_whatever_was_granted(proposal: Proposal, gate: GateMaker):
    user = User(YES, YES)
    asking = gate(user, mode="careful")
    assert isinstance(await asking.decide("1", proposal, ()), Approved)
    assert isinstance(await asking.decide("2", proposal, ()), Approved)
    assert len(user.questions) == 2
    assert user.questions[0].scopes == ()
    assert "careful" in user.questions[0].why
    assert isinstance(await asking.decide("3", Read(path="a"), ()), Approved)
    assert len(user.questions) == 2


async def test_a_refusal_carries_the_users_reason(gate: GateMaker):
    refused = await gate(User(Answer(False, reason="use the cache instead"))).decide("1", CURL, (NETWORK,))
    assert isinstance(refused, Refused)
    assert (refused.by, refused.why) == ("user", "the user refused: use the cache instead")


async def test_with_nobody_to_ask_it_is_refused_and_says_what_was_needed_and_how_to_give_it(gate: GateMaker):
    refused = await gate(None).decide("1", CURL, (NETWORK, HOSTS))
    assert isinstance(refused, Refused)
    assert refused.by == "nobody"
    assert "use the network and to read /etc/hosts" in refused.why
    assert "start assent in a terminal" in refused.why


async def test_an_asker_that_fails_is_no_consent(gate: GateMaker, ledger: Ledger):
    refused = await gate(User(RuntimeError("no screen"))).decide("1", CURL, (NETWORK,))
    assert isinstance(refused, Refused)
    assert refused.by == "nobody"
    assert ledger.grants() == ()


@pytest.mark.parametrize("answer", [None, True, Answer(1, "project"), Answer("yes")])  # pyright: ignore
async def test_what_is_not_an_answer_is_no_consent(answer: object, gate: GateMaker, ledger: Ledger):
    refused = await gate(User(answer)).decide("1", CURL, (NETWORK,))  # pyright: ignore[reportArgumentType]
    assert isinstance(refused, Refused)
    assert ledger.grants() == ()


async def test_a_cancelled_question_is_taken_away_and_leaves_a_line_but_no_grant(gate: GateMaker, ledger: Ledger):
    asked, gone = asyncio.Event(), asyncio.Event()

    class Slow:
        async def ask(self, question: Question) -> Answer:
            asked.set()
            try:
                await asyncio.sleep(60)
            finally:
                gone.set()
            return Answer(True, "project")

    deciding = asyncio.create_task(gate(Slow()).decide("1", CURL, (NETWORK,)))
    await asked.wait()
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    assert gone.is_set()
    assert ledger.grants() == ()
    assert [(entry.allowed, entry.by) for entry in reading(ledger.path)] == [(False, "nobody")]


@pytest.mark.parametrize("target", [".git", ".git/hooks/pre-commit", "."])
async def test_nobody_is_even_asked_about_writing_into_the_real_repository(target: str, gate: GateMaker, root: Path):
    user = User(YES)
    wanted = Widening("write", str((root / target).resolve()))
    refused = await gate(user).decide("1", CURL, (wanted,))
    assert isinstance(refused, Refused)
    assert refused.by == "rule"
    assert not user.questions


async def test_nobody_is_even_asked_about_the_state_of_assent(gate: GateMaker, ledger: Ledger):
    user = User(YES)
    for target in (ledger.path, ledger.path.parent, ledger.path.parent.parent):
        refused = await gate(user).decide("1", CURL, (NETWORK, Widening("read", str(target))))
        assert isinstance(refused, Refused)
        assert "assent's own state" in refused.why
    assert not user.questions


async def test_no_scope_is_offered_for_a_target_that_cannot_be_shown(gate: GateMaker):
    user = User()
    for target in ("/tmp/a\u202eb", "/tmp/" + "x" * 400):
        await gate(user).decide("1", CURL, (Widening("read", target),))
    assert [question.scopes for question in user.questions] == [(), ()]
    assert "\u202e" not in "".join(user.questions[0].effects)


async def test_every_decision_is_a_line_that_is_safe_to_print(gate: GateMaker, ledger: Ledger, root: Path):
    user = User(Answer(True, "project"), Answer(False, reason="no\x1b[2J"))
    asking = gate(user)
    await asking.decide("1", Shell(command="curl \x1b]0;x\x07 a"), (NETWORK,))
    await asking.decide("2", CURL, (NETWORK,))
    await asking.decide("3", CURL, (HOSTS,))
    lines = reading(ledger.path)
    assert [(line.allowed, line.by, line.scope, line.widenings) for line in lines] == [
        (True, "user", "project", (NETWORK,)),
        (True, "grant", "project", (NETWORK,)),
        (False, "user", "once", (HOSTS,)),
    ]
    assert {(line.root, line.session) for line in lines} == {(str(root), "s1")}
    assert lines[0].until is not None
    assert all((line.what + line.why).isprintable() for line in lines)


async def test_a_consent_that_cannot_be_recorded_is_none(gate: GateMaker, ledger: Ledger):
    ledger.path.mkdir(parents=True)
    refused = await gate(User(Answer(True, "task"))).decide("1", CURL, (NETWORK,))
    assert isinstance(refused, Refused)
    assert "could not be recorded" in refused.why


def test_nobody_else_can_make_an_approved():
    with pytest.raises(TypeError, match="only the gate"):
        Approved(proposal=LIST, widenings=(), by="user", why="")
    with pytest.raises((TypeError, msgspec.ValidationError), match="only the gate"):
        msgspec.convert(
            {"proposal": {"type": "shell", "command": "x"}, "widenings": [], "by": "user", "why": ""}, Approved
        )


async def test_an_approved_cannot_be_copied_into_a_wider_one(gate: GateMaker):
    approved = await gate(None).decide("1", LIST, ())
    with pytest.raises(TypeError, match="only the gate"):
        msgspec.structs.replace(approved, widenings=(NETWORK,))


def test_no_module_but_the_gate_builds_an_approved_or_opens_the_mint():
    house = Path(consent.__file__).parents[3]
    modules = [*house.glob("core/**/*.py"), *house.glob("tui/**/*.py"), *house.glob("sandbox/**/*.py")]
    assert len(modules) > 20
    for module in modules:
        if module == Path(consent.__file__):
            continue
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            built = isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if built else ""  # pyright: ignore
            assert name != "Approved", f"{module}:{node.lineno} builds an Approved"  # pyright: ignore
            named = getattr(node, "id", getattr(node, "attr", ""))
            assert named not in ("_minting", "_approve"), f"{module} reaches into the gate"


def test_the_ledger_is_the_users_alone_and_only_grows(ledger: Ledger):
    ledger.append(Revocation(id="a", time=1.0))
    first = ledger.path.read_bytes()
    ledger.append(Revocation(id="b", time=2.0))
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.path.parent.stat().st_mode) == 0o700
    assert ledger.path.read_bytes().startswith(first)


def test_a_torn_or_foreign_line_is_passed_over_and_costs_no_other_line(ledger: Ledger):
    grant = Grant(id="g", widening=NETWORK, scope="project", root="/r", time=1.0, until=1e12)
    ledger.append(grant)
    with ledger.path.open("ab") as file:
        file.write(b'{"line":"from a later version"}\n{"line":"revoked","id":"g","ti')
    assert Ledger(ledger.path).grants() == (grant,)
    other = msgspec.structs.replace(grant, id="h")
    ledger.append(other)
    assert Ledger(ledger.path).grants() == (grant, other) == ledger.grants()
    assert ledger.grants("/elsewhere") == ()


def test_revoking_what_does_not_stand_is_said(ledger: Ledger):
    assert not ledger.revoke("nothing")


def test_a_ledger_that_was_taken_away_takes_its_grants_along(ledger: Ledger):
    ledger.append(Grant(id="g", widening=NETWORK, scope="project", root="/r", time=1.0, until=1e12))
    assert len(ledger.grants()) == 1
    ledger.path.unlink()
    assert ledger.grants() == ()


def test_a_ledger_is_never_written_through_a_link(ledger: Ledger, tmp_path: Path):
    ledger.path.parent.mkdir()
    ledger.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        ledger.append(Revocation(id="a", time=1.0))
    assert not (tmp_path / "elsewhere").exists()


HOST = Widening("host", "example.net:443")


async def test_a_host_is_remembered_as_exactly_that_host_and_port(gate: GateMaker, ledger: Ledger, root: Path):
    user = User(Answer(True, "project"), NO, NO, NO)
    asking = gate(user)
    fetch = Shell(command="pip install x", needs=(HOST,))
    assert isinstance(await asking.decide("1", fetch, (HOST,)), Approved)
    (question,) = user.questions
    assert question.effects == (
        "It can connect to example.net:443, and to no other host, and send there whatever it can read.",
    )
    assert dict(question.scopes)["project"] == f"for 30 days in {root}: connect to example.net:443"
    (grant,) = ledger.grants()
    assert (grant.widening, grant.until is not None) == (HOST, True)
    again = await gate(None, session="s2").decide("2", fetch, (HOST,))
    assert isinstance(again, Approved)
    assert again.by == "grant"
    for other in (Widening("host", "example.net:80"), Widening("host", "files.example.net:443"), Widening("network")):
        assert isinstance(await asking.decide("3", fetch, (HOST, other)), Refused)
        assert user.questions[-1].reach == (HOST, other)


@pytest.mark.parametrize(
    "narrow", [HOST, Widening("loopback", "5432"), Widening("socket", "/run/x.sock")], ids=lambda each: each.kind
)
async def test_where_walls_cannot_open_one_thing_alone_it_is_refused_with_the_reason_unless_all_is_asked_for(
    narrow: Widening, gate: GateMaker
):
    user = User(YES)
    asking = gate(user, tier="copy")
    refused = await asking.decide("1", LIST, (narrow,))
    assert isinstance(refused, Refused)
    assert (refused.by, "the whole network" in refused.why, user.questions) == ("rule", True, [])
    assert isinstance(await asking.decide("2", LIST, (narrow, NETWORK)), Approved)


async def test_the_metadata_service_is_refused_unasked_although_somebody_granted_it(
    gate: GateMaker, ledger: Ledger, root: Path
):
    keys = Widening("host", "169.254.169.254:80")
    ledger.append(Grant(id="x", widening=keys, scope="project", root=str(root), time=0.0, until=1e12))
    user = User(YES)
    assert isinstance(await gate(user).decide("1", LIST, (keys,)), Refused)
    assert user.questions == []


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    place = tmp_path / "home" / "notes.txt"
    place.parent.mkdir()
    place.write_text("mine")
    return place


def other_file(notes: Path) -> None:
    (notes.parent / "other").write_text("another")
    (notes.parent / "other").replace(notes)


def link_elsewhere(notes: Path) -> None:
    notes.unlink()
    notes.symlink_to("/etc/hostname")


def link_above(notes: Path) -> None:
    notes.parent.rename(notes.parent.with_name("moved"))
    (notes.parent.with_name("other")).mkdir()
    notes.parent.symlink_to(notes.parent.with_name("other"))
    notes.write_text("another")


def nothing(notes: Path) -> None:
    notes.unlink()


@pytest.mark.parametrize("kind", ["read", "write", "socket"])
@pytest.mark.parametrize("swap", [other_file, link_elsewhere, link_above, nothing])
async def test_a_remembered_consent_is_none_where_something_else_stands_now(
    gate: GateMaker, notes: Path, kind: str, swap: Callable[[Path], None]
):
    user = User(Answer(True, "session"), Answer(True, "session"))
    asking = gate(user)
    wide = Widening(kind, str(notes))
    for id in "12":
        assert isinstance(await asking.decide(id, LIST, (wide,)), Approved)
    assert len(user.questions) == 1
    swap(notes)
    await asking.decide("3", LIST, (wide,))
    assert len(user.questions) == 2


async def test_a_remembered_consent_keeps_the_real_path_and_the_inode(gate: GateMaker, ledger: Ledger, notes: Path):
    link = notes.with_name("link")
    link.symlink_to(notes)
    await gate(User(Answer(True, "project"))).decide("1", LIST, (Widening("read", str(link)),))
    (grant,) = ledger.grants()
    assert (grant.stands.real, grant.stands.inode) == (str(notes), notes.stat().st_ino)


async def test_a_grant_that_says_nothing_of_what_stood_there_is_not_honoured(
    gate: GateMaker, ledger: Ledger, root: Path
):
    wide = Widening("read", "/etc/hosts")
    ledger.append(Grant(id="old", widening=wide, scope="project", root=str(root), time=1, until=2e10))
    user = User()
    assert isinstance(await gate(user).decide("1", LIST, (wide,)), Refused)
    assert len(user.questions) == 1


async def test_what_is_made_where_nothing_stood_is_what_was_consented_to(gate: GateMaker, tmp_path: Path):
    user = User(Answer(True, "session"))
    asking = gate(user)
    wide = Widening("write", str(tmp_path / "new"))
    await asking.decide("1", LIST, (wide,))
    (tmp_path / "new").write_text("made")
    assert isinstance(await asking.decide("2", LIST, (wide,)), Approved)


async def test_what_is_put_there_while_the_user_is_asked_is_refused(gate: GateMaker, notes: Path):
    class Slow(User):
        async def ask(self, question: Question) -> Answer:
            link_elsewhere(notes)
            return YES

    decision = await gate(Slow()).decide("1", LIST, (Widening("read", str(notes)),))
    assert isinstance(decision, Refused) and "while the user was asked" in decision.why


DEPLOY = Shell(command="sh deploy.sh", needs=(NETWORK,))
BYTES, OTHER = script_of("deploy.sh", b"echo 1"), script_of("deploy.sh", b"echo 2")


async def test_a_remembered_consent_for_a_script_is_bound_to_its_bytes_and_says_so(gate: GateMaker):
    user = User(Answer(True, "session"))
    asking = gate(user)
    await asking.decide("1", DEPLOY, (NETWORK,), (BYTES,))
    words = dict(user.questions[0].scopes)
    assert words["session"] == "for this session, at most 12 hours: use the network, while deploy.sh stays as it is"
    assert isinstance(await asking.decide("2", DEPLOY, (NETWORK,), (BYTES,)), Approved)
    for scripts in ((OTHER,), (BYTES, script_of("more.sh", b"")), ()):
        assert isinstance(await asking.decide("3", DEPLOY, (NETWORK,), scripts), Refused)
    assert len(user.questions) == 4


async def test_a_remembered_consent_without_a_script_holds_for_any(gate: GateMaker):
    user = User(Answer(True, "session"))
    asking = gate(user)
    await asking.decide("1", CURL, (NETWORK,))
    assert isinstance(await asking.decide("2", DEPLOY, (NETWORK,), (BYTES,)), Approved)


async def test_no_remembered_consent_is_offered_for_a_script_that_cannot_be_shown(gate: GateMaker):
    user = User()
    await gate(user).decide("1", DEPLOY, (NETWORK,), (script_of("a\u202e.sh", b""),))
    assert user.questions[0].scopes == ()


async def test_a_folder_is_no_secret_so_that_no_consent_is_one_for_all_that_is_in_it(gate: GateMaker, root: Path):
    (root / "config").mkdir()
    decision = await gate(User(YES)).decide("1", LIST, (Widening("secret", "config"),))
    assert isinstance(decision, Refused) and "one file" in decision.why


@pytest.mark.parametrize(
    "target",
    ["/proc/self/environ", "/proc/1/mem", "/proc", "/dev/fd/3", "/proc/self/root/etc/passwd", "/dev/stdin", "/dev/mem"],
)
@pytest.mark.parametrize("kind", ["read", "write"])
async def test_what_processes_hold_is_never_opened_whatever_the_user_says(gate: GateMaker, target: str, kind: str):
    user = User(YES)
    decision = await gate(user).decide("1", Read(path=target), (Widening(kind, target),))
    assert isinstance(decision, Refused) and user.questions == []


async def test_a_link_to_what_processes_hold_is_never_opened(gate: GateMaker, tmp_path: Path):
    (tmp_path / "plain").symlink_to("/proc/self/environ")
    decision = await gate(User(YES)).decide("1", Read(path="x"), (Widening("read", str(tmp_path / "plain")),))
    assert isinstance(decision, Refused) and "processes" in decision.why
