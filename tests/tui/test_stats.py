"""The accounts answer: figures side by side, a plot of plain characters, and advice only where the figures carry it."""

import datetime
import json
import random
import sqlite3
import time
from contextlib import closing

import pytest

from assent_core.errors import EnvironmentFault, UsageError
from assent_core.money.accounts import Landing, Payment, Task, save
from assent_core.money.advice import difference
from assent_core.money.statistics import nearest, read
from assent_tui.commands.stats import moment, page, plot
from rehearsed import CHECK, FIX

NOON = datetime.datetime(2026, 3, 10, 12).timestamp()
DAY = 86_400


def payment(task: str = "t1", model: str = "gpt-5.4-mini", work: str = "edit", **fields) -> Payment:
    role = "scout" if work == "classify" else "worker"
    given = {"time": NOON, "session": "s", "repo": "/r", "usd": 0.1, "input": 100, "first": 1.0, "seconds": 2.0}
    return Payment(role=role, model=model, work=work, task=task, **given | fields)


def task(id: str = "t1", **fields) -> Task:
    return Task(id=id, **{"time": NOON, "session": "s", "repo": "/r", "kind": "turn", "outcome": "done"} | fields)


@pytest.fixture
def kept(tmp_path):
    """Keep rows and read them again."""

    def keep(*rows, by="route", since=0.0):
        save(tmp_path / "accounts.db", rows)
        return read(tmp_path / "accounts.db", since, by)

    return keep


def test_a_group_sums_up_its_requests_and_the_tasks_it_took_part_in(kept):
    found = kept(
        payment(usd=0.30, input=1000, cached=800, output=10, first=0.5, seconds=1.0, requests=3),
        payment(usd=0.10, input=1000, cached=0, output=20, first=0.7, seconds=4.0),
        payment("t2", usd=0.20, input=0, first=0.0, seconds=0.0, outcome="Overloaded"),
        payment("t2", usd=0.05, model="gpt-5.4-nano", work="classify", outcome="cancelled", seconds=99.0),
        task("t1", verified=True),
        task("t2", kind="fix", outcome="failed", verified=False),
        task("t3", kind="run"),
        Landing(task="t1", lines=12),
    )
    edit, classify = found.lines
    assert (edit.key, edit.requests, edit.retries, edit.failed) == ("edit > gpt-5.4-mini", 3, 2, 1)
    assert edit.usd == pytest.approx(0.60)
    assert (edit.input, edit.cached, edit.output, edit.cached_share) == (2000, 800, 30, 0.4)
    assert (edit.first_p50, edit.first_p95, edit.end_p50, edit.end_p95) == (0.5, 0.7, 1.0, 4.0)
    assert (edit.tasks, edit.succeeded, edit.verified, edit.landed) == (2, 1, 1, 12)
    assert (edit.success, edit.usd_per_success) == (0.5, pytest.approx(0.60))
    assert (classify.key, classify.failed, classify.end_p50, classify.tasks) == ("classify > gpt-5.4-nano", 0, 0.0, 1)
    assert (classify.success, classify.usd_per_success, classify.cached_share) == (0.0, None, 0.0)
    total = found.total
    assert (total.requests, total.tasks, total.succeeded, total.usd) == (4, 2, 1, pytest.approx(0.65))


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("route", ["edit > m2", "edit > m1"]),
        ("model", ["m2", "m1"]),
        ("repo", ["/b", "/a"]),
        ("class", ["none", "lint"]),
        ("role", ["worker"]),
        ("day", ["2026-03-10", "2026-03-11"]),
    ],
)
def test_rows_stand_for_what_was_asked(kept, by, keys):
    found = kept(
        payment("t1", "m1", repo="/a", usd=1.0),
        payment("t2", "m2", repo="/b", usd=2.0, time=NOON + DAY),
        task("t1", failure="lint"),
        task("t2", time=NOON + DAY),
        by=by,
    )
    assert [line.key for line in found.lines] == keys
    assert sum(line.usd for line in found.lines) == found.total.usd == 3.0
    assert sum(line.tasks for line in found.lines) == found.total.tasks == 2


def test_a_task_over_midnight_counts_once_on_the_day_it_began(kept):
    late = NOON + DAY / 2 - 60
    rows = [payment(time=late + 600 * number) for number in range(10)]
    found = kept(*rows, task(time=late), by="day")
    assert [(line.key, line.tasks) for line in found.lines] == [("2026-03-10", 1), ("2026-03-11", 0)]


@pytest.mark.parametrize(
    ("fields", "judged", "succeeded"),
    [
        ({"outcome": "done"}, 1, 1),
        ({"outcome": "done", "verified": True}, 1, 1),
        ({"outcome": "done", "verified": False}, 1, 0),
        ({"outcome": "failed", "verified": True}, 1, 0),
        ({"outcome": "budget"}, 1, 0),
        ({"outcome": "interrupted"}, 0, 0),
        ({"outcome": "done", "kind": "run"}, 0, 0),
        ({"outcome": "done", "kind": "verify"}, 0, 0),
    ],
)
def test_what_is_judged_and_what_is_a_success(kept, fields, judged, succeeded):
    found = kept(payment(), task(**fields))
    assert (found.total.tasks, found.total.succeeded) == (judged, succeeded)


def test_only_the_period_counts(kept):
    found = kept(payment(time=NOON - 1), payment("t2"), task(time=NOON - 1), task("t2"), since=NOON)
    assert (found.total.requests, found.total.tasks) == (1, 1)


def test_an_unknown_price_is_marked_and_makes_no_cost_per_success(kept):
    found = kept(payment(usd=None, input=70, output=7), payment(usd=0.5), task())
    assert (found.total.usd, found.total.unpriced, found.total.usd_per_success) == (0.5, 77, None)
    assert "$0.5000+?" in page(found)
    assert "The price of 77 tokens is unknown" in page(found)


def dealt(small: int, small_won: int, others: int, others_won: int) -> list[Payment | Task]:
    rows: list[Payment | Task] = []
    for number in range(small + others):
        cheap, at = number < small, number if number < small else number - small
        won = at < (small_won if cheap else others_won)
        model, usd = ("gpt-5.4-nano", 0.001) if cheap else ("gpt-5.4-mini", 0.01)
        rows += [
            payment(f"t{number}", model, "triage", usd=usd),
            task(f"t{number}", outcome="done" if won else "failed"),
        ]
    return rows


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((300, 291, 200, 192), "gpt-5.4-nano took 60% of triage at 13% of the cost, with no loss: widen"),
        ((300, 200, 200, 192), "with a loss: narrow"),
        ((40, 38, 40, 38), "too few tasks to tell a loss"),
        ((29, 29, 400, 400), "too few tasks to say (29 by gpt-5.4-nano alone, 400 by others; 30 of each are needed)"),
    ],
)
def test_advice_is_given_only_where_the_figures_carry_it(kept, figures, said):
    [advice] = kept(*dealt(*figures)).advice
    assert said in advice


def test_a_task_that_another_model_had_to_finish_is_no_success_of_the_small_one(kept):
    rows = dealt(60, 60, 60, 60)
    helped = [payment(f"t{number}", "gpt-5.4-mini", "triage") for number in range(35)]
    assert "(25 by gpt-5.4-nano alone, 95 by others" in kept(*rows, *helped).advice[0]


def test_unusable_answers_count_against_their_model(kept):
    good, bad = dealt(300, 300, 200, 200), []
    for row in good:
        cheap = isinstance(row, Payment) and row.model == "gpt-5.4-nano"
        bad.append(
            Payment(**{n: getattr(row, n) for n in row.__struct_fields__} | {"outcome": "invalid"}) if cheap else row
        )
    assert "narrow" in kept(*bad).advice[0]


def test_one_model_for_each_work_has_nothing_to_compare(kept):
    assert "nothing to compare" in kept(payment(), task()).advice[0]
    assert kept(payment(), payment(model="llama", usd=None), task()).advice == (
        "edit: the price of a model is unknown, so its cost cannot be compared.",
    )


def test_the_interval_of_a_difference_is_newcombes():
    low, high = difference(56, 70, 48, 80)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_percentiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]
    random.shuffle(values)
    assert (nearest(values, 0.5), nearest(values, 0.95), nearest([7.0], 0.95), nearest([], 0.5)) == (
        50.0,
        95.0,
        7.0,
        0.0,
    )


def test_the_plot_shows_each_day_in_plain_characters():
    lines = plot((("2026-03-01", 6.0), ("2026-03-02", 3.0), ("2026-03-04", 0.01)))
    assert lines == [
        "Cost a day, 2026-03-01 to 2026-03-04:",
        "$6.00 |#",
        "      |#",
        "      |#",
        "      |##",
        "      |##",
        "      |## .",
        "   $0 +----",
    ]


def test_a_long_period_is_plotted_in_few_columns():
    days = tuple((datetime.date.fromordinal(739_000 + number).isoformat(), 1.0) for number in range(365))
    lines = plot(days)
    assert max(map(len, lines)) < 80
    assert "each column 7 days" in lines[0]
    assert lines[1].count("#") == 53


def test_days_without_a_cost_are_not_plotted_and_it_is_said_whether_that_is_known(kept):
    assert plot((("2026-03-01", 0.0),)) == []
    free, unknown = page(kept(payment(usd=0.0))), page(kept(payment(usd=None)))
    assert "$0.00 " in free
    assert "Nothing was spent." in free
    assert "$0.00+?" in unknown
    assert "is unknown" in unknown
    assert "Nothing was spent" not in unknown
    assert "Cost a day" not in free + unknown


def test_hostile_names_are_harmless(kept):
    shown = page(kept(payment(model="\x1b[31mred\x1b]0;x\x07", repo="/r\n"), by="model"))
    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.parametrize(
    ("since", "seconds"), [("24h", DAY), ("7d", 7 * DAY), ("4w", 28 * DAY), ("2026-03-10T12:00", 0), ("all", NOON)]
)
def test_a_period_is_understood(since, seconds):
    assert moment(since, NOON) == NOON - seconds


@pytest.mark.parametrize("since", ["", "7", "d", "-3d", "7y", "yesterday", "9999999d", "2026-13-01"])
def test_what_is_no_period_is_refused_with_what_it_takes(since):
    with pytest.raises(UsageError, match="no period") as caught:
        moment(since, NOON)
    assert "24h, 7d, 4w" in caught.value.hint


def test_damaged_accounts_are_named_with_what_to_do(tmp_path):
    (tmp_path / "accounts.db").write_bytes(b"junk" * 1000)
    with pytest.raises(EnvironmentFault, match=r"accounts\.db") as caught:
        read(tmp_path / "accounts.db", 0.0, "route")
    assert "move it away" in caught.value.hint


def test_a_hundred_thousand_requests_cost_little_more_than_reading_them(tmp_path):
    made = random.Random(7)
    rows: list[Payment | Task] = []
    for number in range(5_000):
        begun = NOON - made.random() * 90 * DAY
        rows.append(task(f"t{number}", time=begun, failure=made.choice(["", "test", "lint"])))
        for _ in range(20):
            nano = made.random() < 0.4
            model, work = ("gpt-5.4-nano" if nano else "gpt-5.4-mini"), made.choice(["edit", "triage", "classify"])
            rows.append(payment(f"t{number}", model, work, time=begun, usd=made.random(), seconds=made.random() * 9))
    path = tmp_path / "accounts.db"
    save(path, rows)

    def scan() -> None:
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT * FROM requests").fetchall()

    ratios = []
    for by in ("route", "class", "day"):
        scanned, asked = timed(scan), timed(lambda by=by: read(path, 0.0, by))
        ratios.append(asked / scanned)
    assert min(ratios) < 4, ratios
    assert max(ratios) < 10, ratios


def timed(work) -> float:
    """Seconds of the processor, which are as many on a busy machine."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def test_the_command_shows_what_fix_spent(assent, rehearse, repository):
    served = rehearse(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Done.'\n")
    key = {"OPENAI_API_KEY": "sk-test-not-a-real-key-0123456789", "OPENAI_BASE_URL": served.url}
    assert assent("fix", "--apply", "--", *CHECK, cwd=repository, **key).returncode == 0
    done = assent("stats", "--json", cwd=repository)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    worker = next(line for line in told["lines"] if line["key"].startswith("debug > "))
    assert (worker["requests"], worker["tasks"], worker["succeeded"], worker["landed"]) == (2, 1, 1, 2)
    assert worker["usd"] == worker["usd_per_success"] > 0
    shown = assent("stats", "--by", "role", cwd=repository).stdout
    assert "worker" in shown
    assert "Cost a day" in shown
    assert shown.isascii()


def test_without_anything_recorded_it_says_so(assent, tmp_path):
    done = assent("stats", "--since", "7d", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No request was recorded since")


def test_a_wrong_period_or_group_is_a_usage_error(assent, tmp_path):
    for words in (("--since", "soon"), ("--by", "colour")):
        done = assent("stats", *words, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "hint: " in done.stderr
