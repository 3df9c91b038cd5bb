"""Each request is priced as it happens; a budget knows when it is reached."""

import pytest

from assent_core.errors import UsageError
from assent_core.model import Finished, Usage
from assent_core.settings import Settings
from assent_core.usage import Meter


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
    assert not meter.exhausted
    meter.bill("worker", used("gpt-5.4-mini", 1_000))
    assert meter.exhausted


def test_without_a_budget_nothing_is_ever_exhausted():
    meter = Meter(Settings())
    meter.bill("worker", used("gpt-5.4", 10_000_000, 0, 1_000_000))
    assert not meter.exhausted


def test_the_context_is_that_of_the_last_request_alone():
    finished = Finished(model="gpt-5.4-mini", usage=Usage(272_000), context=136_000, requests=2)
    assert Meter(Settings()).bill("worker", finished).context == pytest.approx(0.5)


def test_an_unknown_source_of_prices_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="cheap") as caught:
        Meter(Settings(prices="cheap"))
    assert "default, pricing-page-2026-03" in caught.value.hint
