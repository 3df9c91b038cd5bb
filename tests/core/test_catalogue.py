"""Models are data: each figure with its source, and the user's own prices over it."""

import datetime

import pytest

from assent_core.errors import UsageError
from assent_core.model import Usage
from assent_core.service import catalogue
from assent_core.service.catalogue import Price


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))
    return tmp_path


def test_each_model_is_found_by_its_id_and_its_dated_id():
    known = catalogue.load()
    for id, dated in (("gpt-5.4", "2026-03-05"), ("gpt-5.4-mini", "2026-03-17"), ("gpt-5.4-nano", "2026-03-17")):
        assert known.find(id) is known.find(f"{id}-{dated}") is not None
    assert known.find("llama") is None


def test_windows_inputs_outputs_and_shutdown_are_those_of_the_documentation():
    known = catalogue.load()
    sizes = {facts.id: (facts.window, facts.room, facts.largest_output, facts.shutdown) for facts in known.models}
    assert sizes == {
        "gpt-5.4": (1_050_000, 922_000, 128_000, None),
        "gpt-5.4-mini": (400_000, 272_000, 128_000, None),
        "gpt-5.4-nano": (400_000, 272_000, 128_000, datetime.date(2027, 4, 1)),
    }
    assert all(facts.efforts == ("none", "low", "medium", "high", "xhigh") for facts in known.models)


@pytest.mark.parametrize(
    ("model", "source", "figures"),
    [
        ("gpt-5.4", "default", (2.50, 0.25, 15.0)),
        ("gpt-5.4-mini", "default", (0.75, 0.075, 4.50)),
        ("gpt-5.4-nano", "default", (0.20, 0.02, 1.25)),
        ("gpt-5.4-mini", "pricing-page-2026-03", (0.25, 0.025, 2.00)),
        ("gpt-5.4-nano", "pricing-page-2026-03", (0.20, 0.02, 1.25)),
    ],
)
def test_prices_are_those_of_the_chosen_source(model, source, figures):
    found = catalogue.load().price(model, source)
    assert found is not None
    assert (found[0].input, found[0].cached, found[0].output) == figures
    assert found[1] == source


def test_the_default_counts_where_a_source_lacks_the_model():
    found = catalogue.load().price("gpt-5.4", "pricing-page-2026-03")
    assert found is not None
    assert found[1] == "default"


def test_every_source_of_a_price_is_described_with_a_date():
    known = catalogue.load()
    named = {name for facts in known.models for name in facts.prices}
    assert named == known.sources.keys()
    assert known.described("default") == "OpenAI's pricing documentation (2026-06)"


def test_cached_tokens_are_paid_apart_and_never_twice():
    price = Price(input=1.0, cached=0.1, output=10.0)
    assert price.usd(Usage(1_000_000, 400_000, 100_000, 50_000)) == pytest.approx(0.6 + 0.04 + 1.0)
    assert price.usd(Usage(100, 5_000, 0)) == pytest.approx(100 * 0.1 / 1e6)


def test_a_whole_request_is_dearer_above_the_long_context_limit():
    found = catalogue.load().price("gpt-5.4")
    assert found is not None
    at, above = Usage(272_000, 72_000, 1_000), Usage(272_001, 72_000, 1_000)
    assert found[0].usd(at) == pytest.approx((200_000 * 2.5 + 72_000 * 0.25 + 1_000 * 15) / 1e6)
    assert found[0].usd(above) == pytest.approx((200_001 * 5.0 + 72_000 * 0.5 + 1_000 * 22.5) / 1e6)
    assert found[0].usd(Usage(300_000), context=150_000) == pytest.approx(300_000 * 2.5 / 1e6)


def test_the_users_prices_add_models_and_sources_and_replace_figures(config):
    (config / "prices.toml").write_text(
        """
        [sources.mine]
        text = "our contract"
        date = "2026-09"
        [[models]]
        id = "gpt-5.4-mini"
        [models.prices.mine]
        input = 0.5
        cached = 0.05
        output = 3.0
        [[models]]
        id = "house-model"
        window = 32_000
        largest_output = 8_000
        prices.default = { input = 0, cached = 0, output = 0 }
        """
    )
    known = catalogue.load()
    mini = known.find("gpt-5.4-mini")
    assert mini is not None
    assert (mini.window, mini.prices["mine"].output, mini.prices["default"].output) == (400_000, 3.0, 4.5)
    house = known.find("house-model")
    assert house is not None
    assert house.room == 24_000
    assert known.described("mine") == "our contract (2026-09)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[models]]\nid = 3", "id"),
        ("[[models]]\nname = 'x'", "name"),
        ("[[models", "TOML|declaration"),
        ("\xff", "decode"),
        ("[[models]]\nid = 'x'\nprices.default = { input = -1, cached = 0, output = 0 }", "input"),
    ],
)
def test_a_wrong_file_of_prices_is_named_with_what_it_takes(config, text, said):
    (config / "prices.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=said) as caught:
        catalogue.load()
    assert str(config / "prices.toml") in caught.value.message
    assert caught.value.hint
