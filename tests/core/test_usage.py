"""Each request is priced as it happens; a budget knows when it is reached."""

import asyncio

import msgspec
import pytest

from assent_core.consent.gate import Answer
from assent_core.consent.ledger import Entry, Ledger
from assent_core.errors import BudgetExceeded, UsageError
from assent_core.events import Asked, Billed, Noticed
from assent_core.model import Finished, Usage
from assent_core.money.accounts import Spent
from assent_core.money.budget import Budgets
from assent_core.money.usage import Meter
from assent_core.proposals import Spend
from assent_core.settings import Settings
from rehearsed import FIX, Said, of, told, worked


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))


def used(model: str, *tokens: int) -> Finished:
    return Finished(model=model, usage=Usage(*tokens))


def test_sums_of_the_session_and_of_the_scout_are_kept_apart():
    meter = Meter(Settings())
    first = meter.bill("worker", used("gpt-5.4-mini-2026-03-17", 100_000, 40_000, 10_000))
    second = meter.bill("scout", used("gpt-5.4-nano", 10_000, 0, 1_000))
    assert first.usd == pytest.approx((60_000 * 0.75 + 40_000 * 0.075 + 10_000 * 4.5) / 1e6)
    assert second.usd == pytest.approx((10_000 * 0.2 + 1_000 * 1.25) / 1e6)
    assert (first.total, first.scout) == (pytest.approx(first.usd), 0.0)
    assert (second.total, second.scout) == (pytest.approx(first.usd + second.usd), pytest.approx(second.usd))
    assert first.prices == "OpenAI's pricing documentation (2026-06)"
    assert first.context == pytest.approx(100_000 / 272_000)


def test_the_chosen_source_prices_and_is_named():
    billed = Meter(Settings(prices="pricing-page-2026-03")).bill("worker", used("gpt-5.4-mini", 1_000_000))
    assert billed.usd == pytest.approx(0.25)
    assert "March 2026" in billed.prices


def test_an_unknown_model_has_no_price_but_is_told():
    meter = Meter(Settings(budget=1.0))
    billed = meter.bill("worker", used("llama", 1_000))
    assert (billed.usd, billed.total, billed.context) == (None, 0.0, 0.0)
    assert billed.usage == Usage(1_000)
    assert "llama" in billed.prices


def test_a_server_that_reports_no_usage_costs_an_unknown_sum():
    billed = Meter(Settings()).bill("worker", Finished(model="gpt-5.4-mini", usage=None))
    assert (billed.usd, billed.usage) == (None, None)
    assert "no usage" in billed.prices


def test_the_budget_is_exhausted_exactly_when_it_is_reached():
    meter = Meter(Settings(budget=0.75))
    meter.bill("worker", used("gpt-5.4-mini", 999_000))
    assert meter.budgets.reached() is None
    meter.bill("worker", used("gpt-5.4-mini", 1_000))
    assert meter.budgets.reached() is not None


def test_without_a_budget_nothing_is_ever_exhausted():
    meter = Meter(Settings())
    meter.bill("worker", used("gpt-5.4", 10_000_000, 0, 1_000_000))
    assert meter.budgets.reached() is None


def test_the_context_is_that_of_the_last_request_alone():
    finished = Finished(model="gpt-5.4-mini", usage=Usage(272_000), context=136_000, requests=2)
    assert Meter(Settings()).bill("worker", finished).context == pytest.approx(0.5)


def test_an_unknown_source_of_prices_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="cheap") as caught:
        Meter(Settings(prices="cheap"))
    assert "default, pricing-page-2026-03" in caught.value.hint


TABLE = """
model        source                  tier      regional  input    cached   output   usd
gpt-5.4-mini default                 standard  no        1000000  0        0        0.75
gpt-5.4-mini default                 standard  no        1000000  1000000  0        0.075
gpt-5.4-mini default                 standard  no        0        0        1000000  4.50
gpt-5.4-mini default                 standard  no        200000   150000   20000    0.13875
gpt-5.4-mini default                 standard  yes       200000   150000   20000    0.152625
gpt-5.4-mini default                 flex      no        200000   150000   20000    0.069375
gpt-5.4-mini default                 priority  no        200000   150000   20000    0.2775
gpt-5.4-mini default                 priority  yes       200000   150000   20000    0.30525
gpt-5.4-mini pricing-page-2026-03    standard  no        200000   150000   20000    0.05625
gpt-5.4-mini pricing-page-2026-03    standard  yes       200000   150000   20000    0.061875
gpt-5.4-mini pricing-page-2026-03    flex      no        200000   150000   20000    0.069375
gpt-5.4-nano default                 standard  no        200000   150000   20000    0.038
gpt-5.4-nano pricing-page-2026-03    standard  no        200000   150000   20000    0.038
gpt-5.4-nano default                 flex      no        200000   150000   20000    0.019
gpt-5.4-nano default                 priority  no        200000   150000   20000    0.038
gpt-5.4-nano default                 standard  yes       200000   150000   20000    0.0418
gpt-5.4      default                 standard  no        272000   200000   10000    0.38
gpt-5.4      default                 standard  no        300000   200000   10000    0.825
gpt-5.4      default                 standard  yes       300000   200000   10000    0.9075
gpt-5.4      default                 flex      no        200000   100000   10000    0.2125
gpt-5.4      default                 priority  no        200000   100000   10000    0.85
gpt-5.4      pricing-page-2026-03    standard  no        272000   200000   10000    0.38
"""


@pytest.mark.parametrize("row", [line.split() for line in TABLE.splitlines()[2:]], ids=" ".join)
def test_what_recorded_usages_cost_is_what_the_table_says(row):
    model, source, tier, regional, *tokens, usd = row
    meter = Meter(Settings(prices=source, tier=tier, regional=regional == "yes"))
    billed = meter.bill("worker", used(model, *map(int, tokens)))
    assert billed.usd == pytest.approx(float(usd), abs=1e-9)
    assert ("regional +10%" in billed.prices) == (regional == "yes")
    assert (tier in billed.prices) == (tier != "standard" and (model, tier) != ("gpt-5.4-nano", "priority"))


def test_the_tier_that_served_counts_and_not_the_one_that_was_asked_for():
    meter = Meter(Settings(tier="priority"))
    asked = Finished(model="gpt-5.4-mini", usage=Usage(1_000_000))
    assert meter.price(asked)[0] == pytest.approx(1.5)
    assert meter.price(msgspec.structs.replace(asked, service_tier="default"))[0] == pytest.approx(0.75)
    assert meter.price(msgspec.structs.replace(asked, service_tier="flex"))[0] == pytest.approx(0.375)


def test_a_tier_is_asked_for_only_where_the_model_has_it():
    meter = Meter(Settings(tier="priority"))
    assert (meter.tier("gpt-5.4-mini"), meter.tier("gpt-5.4-nano"), meter.tier("llama")) == (
        "priority",
        "standard",
        "priority",
    )


def test_a_regional_host_says_so_by_itself():
    billed = Meter(Settings(base_url="https://eu.api.openai.com/v1")).bill("worker", used("gpt-5.4-mini", 1_000_000))
    assert billed.usd == pytest.approx(0.825)


def test_the_limit_of_a_request_is_what_the_model_takes_or_where_it_becomes_dearer():
    meter = Meter(Settings())
    limits = [meter.limit(model) for model in ("gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.4", "llama")]
    assert limits == [272_000, 272_000, 272_000, 0]


def budgets(said: list[str] | None = None, ask=None, today=None, **settings: float) -> Budgets:
    return Budgets(Settings(**settings), ask, (said if said is not None else []).append, today)


def test_at_four_fifths_a_budget_is_noticed_once():
    said: list[str] = []
    held = budgets(said, budget=1.0)
    for usd in (0.79, 0.01, 0.05):
        held.count(usd, 0)
    assert said == ["80% of this session's budget is used: $0.8000 of $1."]


async def test_nobody_there_means_the_end_and_the_hint_names_the_setting():
    for name, span in (("budget", "session"), ("budget_task", "task"), ("budget_day", "day")):
        held = budgets(**{name: 0.05})
        held.count(0.0499, 0)
        await held.within()
        held.count(0.0001, 0)
        with pytest.raises(
            BudgetExceeded, match=f"The budget of this {span} is used up: \\$0.0500 of \\$0.05"
        ) as caught:
            await held.within()
        assert name in caught.value.hint


async def test_a_yes_adds_as_much_again_and_then_it_asks_again():
    asked: list[tuple[str, float]] = []

    async def yes(text: str, more: float) -> bool:
        asked.append((text, more))
        return True

    said: list[str] = []
    held = budgets(said, yes, budget=1.0)
    held.count(1.0, 0)
    await held.within()
    await held.within()
    assert [more for _, more in asked] == [1.0]
    held.count(1.0, 0)
    await held.within()
    assert [more for _, more in asked] == [1.0, 1.0]
    assert len(said) == 2


async def test_many_who_wait_ask_once_and_a_no_holds_until_the_next_task():
    asked: list[str] = []

    async def no(text: str, more: float) -> bool:
        asked.append(text)
        await asyncio.sleep(0)
        return False

    held = budgets(ask=no, budget=1.0)
    held.count(1.0, 0)
    ends = await asyncio.gather(*(held.within() for _ in range(4)), return_exceptions=True)
    assert [type(end) for end in ends] == [BudgetExceeded] * 4
    assert len(asked) == 1
    held.begin_task()
    with pytest.raises(BudgetExceeded):
        await held.within()
    assert len(asked) == 2


async def test_the_background_never_asks():
    async def yes(text: str, more: float) -> bool:
        raise AssertionError("asked")

    held = budgets(ask=yes, budget=1.0)
    held.count(1.0, 0)
    with pytest.raises(BudgetExceeded):
        await held.within(ask=False)


async def test_each_task_has_its_own_budget():
    held = budgets(budget_task=1.0)
    held.count(1.0, 0)
    with pytest.raises(BudgetExceeded):
        await held.within()
    held.begin_task()
    await held.within()


async def test_a_day_is_what_all_sessions_have_spent():
    spent = Spent(0.5)
    held = budgets(today=lambda since: spent, budget_day=1.0)
    await held.within()
    spent = Spent(1.0)
    with pytest.raises(BudgetExceeded, match="day"):
        await held.within()


async def test_tokens_without_a_price_count_against_a_budget_of_money():
    meter = Meter(Settings(budget=0.10, tokens_per_usd=1_000_000))
    billed = meter.bill("worker", used("llama", 90_000, 0, 9_000))
    assert billed.usd is None
    assert meter.budgets.reached() is None
    meter.bill("worker", used("llama", 1_000))
    with pytest.raises(BudgetExceeded, match=r"100,000 tokens of models without a price.*tokens_per_usd"):
        await meter.budgets.within()
    free = Meter(Settings(budget=0.10, tokens_per_usd=0))
    free.bill("worker", used("llama", 90_000_000))
    await free.budgets.within()


WORK = "".join(f"[[worker]]\nshell = \"printf '%30000s' {number}\"\n" for number in range(40))
SPENDING = f"[[worker]]\npatch = '''{FIX}'''\n{WORK}"


def totals(events) -> list[float]:
    return [event.total for event in of(Billed, events)]


async def test_a_budget_stops_at_the_first_request_after_it_is_reached_and_keeps_what_is_staged(opened):
    session = await opened(SPENDING, budget=0.05)
    events = await told(session.turn("spend"))
    spent = totals(events)
    assert spent[-1] >= 0.05 > spent[-2]
    assert len(of(Asked, events)) == len(spent) == len(worked(session))
    assert (events[-1].how, events[-1].code) == ("budget", 4)
    assert "of $0.05" in events[-1].message
    assert len([event for event in of(Noticed, events) if "budget is used" in event.text]) == 1
    review, _ = await session.review()
    assert [file.path for file in review.files] == ["calc.py"]


async def test_a_budget_of_five_cents_that_is_spent_to_the_cent_ends_before_the_request_that_would_pass_it(opened):
    cent = 'model = "gpt-5.4-nano"\nusage = { input = 50_000 }\n'
    session = await opened(SPENDING.replace("[[worker]]\n", f"[[worker]]\n{cent}"), budget=0.05)
    events = await told(session.turn("spend"))
    assert totals(events) == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])
    assert len(of(Asked, events)) == len(worked(session)) == 5
    assert [event.text for event in of(Noticed, events)] == ["80% of this session's budget is used: $0.0400 of $0.05."]
    assert (events[-1].how, events[-1].code) == ("budget", 4)
    assert events[-1].message == "The budget of this session is used up: $0.0500 of $0.05."
    assert [file.path for file in (await session.review())[0].files] == ["calc.py"]
    again = await told(session.turn("go on"))
    assert (again[-1].how, of(Asked, again), len(worked(session))) == ("budget", [], 5)


async def test_somebody_there_is_asked_and_the_answer_is_recorded(opened, tmp_path):
    user = Said(Answer(yes=True), Answer(yes=False))
    session = await opened(SPENDING, user, budget=0.02)
    events = await told(session.turn("spend"))
    assert (events[-1].how, events[-1].code) == ("budget", 4)
    assert totals(events)[-1] >= 0.04 > totals(events)[-2]
    assert [type(question.proposal) for question in user.questions] == [Spend, Spend]
    assert "$0.02" in user.questions[0].proposal.text
    lines = [line for line in Ledger(tmp_path / "state" / "consent.jsonl").lines() if isinstance(line, Entry)]
    assert [(line.allowed, line.by) for line in lines] == [(True, "user"), (False, "user")]
    assert all("spend $0.02 more" in line.what for line in lines)


async def test_a_user_who_goes_away_has_not_said_yes(opened):
    class Gone:
        async def ask(self, question):
            raise RuntimeError("the terminal is gone")

    session = await opened(SPENDING, Gone(), budget=0.02)
    assert (await told(session.turn("spend")))[-1].code == 4


async def test_the_day_counts_what_another_session_spent(opened):
    first = await opened(SPENDING, budget=0.02)
    await told(first.turn("spend"))
    second = await opened("", budget_day=0.02)
    events = await told(second.turn("more"))
    assert (events[-1].how, second.rehearsal.requests) == ("budget", [])
    assert "budget of this day" in events[-1].message


async def test_a_scout_without_money_is_silent_and_the_work_goes_on_to_its_end(opened):
    script = "[[worker]]\nshell = 'exit 3'\n[[worker]]\nsay = 'So be it.'\n"
    session = await opened(script, budget=1e-9)
    events = await told(session.turn("fail"))
    assert events[-1].how == "budget"
    assert not [body for body in session.rehearsal.requests if not body.get("tools")]


async def test_flex_is_asked_for_on_the_wire_and_paid_as_such(opened):
    session = await opened("[[worker]]\nsay = 'Done.'\n", tier="flex")
    [billed] = of(Billed, await told(session.turn("go")))
    assert worked(session)[0]["service_tier"] == "flex"
    assert "flex" in billed.prices
    assert billed.usd == pytest.approx((billed.usage.input * 0.375 + billed.usage.output * 2.25) / 1e6)
