"""The status line: what matters most stays when it gets narrow, and money is shown by role."""

import pytest
from msgspec.structs import replace
from textual.app import App

from assent_core.events import Billed, Opened, Prompted, Staged
from assent_core.model import Usage
from assent_tui.screen.keyline import Keys
from assent_tui.screen.status import Status
from screen import OPENED, text_of, until


class Alone(App[None]):
    def compose(self):
        yield Status()
        yield Keys()

    @property
    def status(self) -> Status:
        return self.query_one(Status)


WORKER = Billed(
    role="worker",
    model="gpt-5.4-mini",
    usage=Usage(5000, 4000, 300),
    usd=0.0024,
    prices="openai-2026-06",
    total=0.0024,
    scout=0.0,
    context=0.31,
)
SCOUT = replace(WORKER, role="scout", model="gpt-5.4-nano", usd=0.0002, total=0.0026, scout=0.0002, context=0.01)


async def test_it_says_model_tier_staged_files_branch_context_and_cost_by_role():
    app = Alone()
    async with app.run_test(size=(120, 4)) as pilot:
        for event in (OPENED, Staged(paths=("a", "b"), added=4, removed=3), WORKER, SCOUT):
            app.status.show(event)
        app.status.working("")
        await pilot.pause()
        assert text_of(app.status).split() == (
            [
                "worker",
                "gpt-5.4-mini",
                "·",
                "overlay",
                "stage",
                "·",
                "2",
                "files",
                "+4",
                "−3",
                "·",
                "context",
                "31%",
                "·",
                "⎇",
                "main",
                "$0.0026",
                "(scout",
                "$0.0002)",
                "ready",
            ]
        )


async def test_when_narrow_the_least_important_goes_first():
    app = Alone()
    async with app.run_test(size=(60, 4)) as pilot:
        for event in (OPENED, Staged(paths=("a",), added=1, removed=1), WORKER):
            app.status.show(event)
        app.status.working("")
        await pilot.pause()
        shown = text_of(app.status)
        assert "gpt-5.4-mini · overlay stage" in shown
        assert "$0.0024" in shown
        assert "main" not in shown


async def test_what_is_staged_matters_more_than_the_scouts_share():
    app = Alone()
    async with app.run_test(size=(76, 4)) as pilot:
        for event in (OPENED, Staged(paths=("a",) * 10, added=710, removed=670), WORKER, SCOUT):
            app.status.show(event)
        app.status.working("")
        await pilot.pause()
        assert "10 files +710 −670" in text_of(app.status)
        assert "scout" not in text_of(app.status)


async def test_without_walls_it_says_so_in_capitals():
    app = Alone()
    async with app.run_test(size=(80, 4)) as pilot:
        app.status.show(replace(OPENED, tier="unconfined"))
        await pilot.pause()
        assert "UNCONFINED" in text_of(app.status)


async def test_it_says_what_is_going_on_and_nothing_ticks_afterwards():
    app = Alone()
    async with app.run_test(size=(80, 4)) as pilot:
        assert "opening" in text_of(app.status)
        app.status.working("working")
        await pilot.pause()
        assert "working" in text_of(app.status)
        app.status.working("")
        await pilot.pause()
        assert text_of(app.status).endswith("ready")
        assert app.status._timer is None


async def test_costs_are_told_by_role_with_cached_tokens_apart():
    app = Alone()
    async with app.run_test(size=(80, 4)):
        assert app.status.costs == ""
        for event in (WORKER, WORKER, SCOUT, replace(SCOUT, usd=None)):
            app.status.show(event)
        assert app.status.costs.split("\n") == [
            "$0.0026 by the prices of openai-2026-06",
            "worker: $0.0048 · 2 requests · 10,000 tokens in (8,000 cached), 600 out",
            "scout: $0.0002 · 2 requests · 10,000 tokens in (8,000 cached), 600 out",
            "5,300 tokens have no known price",
        ]


@pytest.mark.parametrize("width", [10, 40, 80])
async def test_hostile_names_change_no_layout(width: int):
    app = Alone()
    async with app.run_test(size=(width, 4)) as pilot:
        app.status.show(
            Opened(session="s", root="/", tier="copy", branch="\x1b[31m[red]" + "b" * 500, worker="[b]m\x07")
        )
        app.query_one(Keys).offer(("y", "[bold]yes[/]"), ("n", "no" * 100))
        await pilot.pause()
        for widget in (app.status, app.query_one(Keys)):
            assert widget.size.height == 1
            assert widget.render_line(0).cell_length == width
            assert widget.render_line(0).text.isprintable()


async def test_it_says_what_the_turn_has_cost_and_of_which_budget():
    app = Alone()
    async with app.run_test(size=(120, 4)) as pilot:
        app.status.show(replace(OPENED, budget=0.005))
        app.status.show(WORKER)
        app.status.show(Prompted(turn=2, text="again"))
        app.status.show(replace(WORKER, total=0.0045))
        await pilot.pause()
        assert "turn $0.0021 · $0.0045 of $0.005" in text_of(app.status)


async def test_a_word_in_the_place_of_the_keys_goes_away_by_itself(monkeypatch: pytest.MonkeyPatch):
    app = Alone()
    async with app.run_test(size=(80, 4)) as pilot:
        keys = app.query_one(Keys)
        keys.offer(("y", "yes"))
        keys.flash("Copied \x1b[2K[b]it")
        await pilot.pause()
        assert "Copied" in text_of(keys) and text_of(keys).isprintable()
        monkeypatch.setattr("assent_tui.screen.keyline._FLASH", 0.1)
        keys.flash("Copied it again")
        await until(pilot, lambda: "y yes" in text_of(keys))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            120,
            "gpt-5.4-mini · overlay stage · 2 files +9 −5 · context 31% · ⎇ main|$0.0026 of $0.5 (scout $0.0002)  ready",
        ),
        (80, "gpt-5.4-mini · overlay stage · 2 files +9 −5|$0.0026 of $0.5  ready"),
        (60, "gpt-5.4-mini · overlay stage|$0.0026 of $0.5  ready"),
        (40, "gpt-5.4-mini|$0.0026  ready"),
        (23, "gpt-5.4-mini|ready"),
    ],
)
async def test_where_it_is_narrow_what_matters_least_goes_first(width: int, shown: str):
    app = Alone()
    async with app.run_test(size=(width, 4)) as pilot:
        app.status.show(replace(OPENED, budget=0.5))
        app.status.show(WORKER)
        app.status.show(Staged(paths=("a", "b"), added=9, removed=5))
        app.status.show(replace(SCOUT, total=0.0026, scout=0.0002))
        app.status.working("")
        await pilot.pause()
        left, _, right = text_of(app.status).strip().partition("   ")
        assert f"{left.removeprefix('worker ')}|{right.strip()}" == shown


async def test_that_there_are_no_walls_is_said_in_any_window():
    app = Alone()
    async with app.run_test(size=(30, 4)) as pilot:
        app.status.show(replace(OPENED, tier="unconfined"))
        app.status.working("waiting for your answer")
        await pilot.pause()
        assert "UNCONFINED" in text_of(app.status)
