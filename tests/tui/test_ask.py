"""What is asked on the terminal of a one-shot command, and what a typed line answers."""

from assent_core.consent.gate import Answer, Question
from assent_core.proposals import Shell, Spend
from assent_sandbox.policy import Widening
from assent_tui.commands.ask import card, understood

BUDGET = Question(
    id="budget-1",
    proposal=Spend(text="The budget of this session is used up: $0.0512 of $0.05."),
    reach=(),
    tier="overlay",
    effects=("spend up to $0.05 more, then stop and ask again",),
    why="a budget is used up (settings: budget, budget_task, budget_day)",
)
NETWORK = Question(
    id="c1",
    proposal=Shell(command="pip install x", reason="it is missing"),
    reach=(Widening("network"),),
    tier="overlay",
    effects=("reach the network",),
    why="it wants to reach the network",
    scopes=(("task", "until this task ends: the network"),),
)


def test_a_budget_is_asked_for_in_words_and_without_a_stage():
    shown = "\n".join(card(BUDGET))
    assert "$0.0512 of $0.05" in shown
    assert "spend up to $0.05 more" in shown
    assert "stage" not in shown
    assert "\n  t  " not in shown


def test_a_command_is_asked_for_with_its_stage_its_reason_and_its_scopes():
    shown = "\n".join(card(NETWORK))
    for part in (
        "$ pip install x",
        "on a stage",
        "the model's reason: it is missing",
        "  t  until this task ends",
    ):
        assert part in shown


def test_only_what_was_offered_is_a_yes():
    assert understood("y", BUDGET) == Answer(yes=True)
    for line in ("", "t", "s", "yes please", "Y es", "n"):
        assert understood(line, BUDGET) == Answer(yes=False)
    assert understood("t", NETWORK) == Answer(yes=True, scope="task")
    assert understood("n too slow", NETWORK) == Answer(yes=False, reason="too slow")
