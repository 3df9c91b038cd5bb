"""The pages over the work: sessions, settings, first run; in every size, theme and without colour."""

import http.server
import threading
from pathlib import Path

import keyring.backends.fail
import keyring.core
import pytest
from rich.color import ColorSystem
from textual.pilot import Pilot
from textual.widgets import Input

from assent_core.events import Billed, Landed, Prompted, Said
from assent_core.memory import sessions
from assent_core.memory.past import Past
from assent_core.memory.record import Record
from assent_core.settings import Settings, load
from assent_tui import keymap
from assent_tui.pages import servers
from assent_tui.pages.sessions import SessionsScreen
from assent_tui.pages.settings import SettingsScreen, settings_now
from assent_tui.pages.settings_words import ABOUT
from assent_tui.pages.welcome import WelcomeScreen
from assent_tui.paint import glyphs
from assent_tui.paint.choices import Choices
from assent_tui.paint.theme import THEMES, palette_of
from assent_tui.review.diff import Diff
from assent_tui.screen.app import AssentApp
from assent_tui.screen.pages import Look, Place
from screen import CHANGES, WORK, app_over, reviewing, said, text_of, until

ROOT = Path("/home/me/shop")
SIZES = [(80, 24), (120, 40)]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three recorded sessions, and settings of their own."""
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    state = tmp_path / "state"
    bill = Billed(role="worker", model="m", usage=None, usd=0.1, prices="p", total=0.0123, scout=0.0)
    record(state, "a", Prompted(turn=1, text="repair the cart"), bill, Landed(landing="1", paths=("a", "b"), hunks=4))
    record(state, "b", Prompted(turn=1, text="数量が無視されている 🙂 \x1b[2J[red]x[/]"), Said(text="a zebra"))
    record(state, "c", Prompted(turn=1, text="rename it"), root=str(tmp_path))
    sessions.stage_home(state, ROOT, "b").mkdir(parents=True)
    return state


def record(state: Path, id: str, *events: object, root: str = str(ROOT)) -> None:
    made = Record(sessions.record_path(state, id), id, Path(root), str)
    for event in events:
        made.append(event)  # type: ignore[arg-type]
    made.close()


def over(state: Path, **options: object) -> AssentApp:
    return app_over(changes=(), place=Place(root=ROOT, state=state), **options)


async def idle(pilot: Pilot[int]) -> AssentApp:
    app = pilot.app
    assert isinstance(app, AssentApp)
    await until(pilot, lambda: app.job is None and app.jobs is not None)
    return app


def listed(app: AssentApp) -> str:
    return text_of(app.screen.query_one(Choices))


async def with_sessions(pilot: Pilot[int]) -> AssentApp:
    app = await idle(pilot)
    app.action_sessions()
    await until(pilot, lambda: app.screen.query(Choices) and "repair the cart" in listed(app))
    return app


def marked(app: AssentApp) -> str:
    assert isinstance(app.screen, SessionsScreen)
    return app.screen._marked.id


async def mark(pilot: Pilot[int], app: AssentApp, id: str) -> None:
    await pilot.press("home")
    while marked(app) != id:
        await pilot.press("down")


# sessions


async def test_sessions_show_what_each_cost_landed_and_holds(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        shown = " ".join(listed(app).replace("▌", "").split())
        assert "$0.0123 · landed 4 hunks in 2 files" in shown
        assert "nothing landed · holds what has not landed" in shown
        assert "[red]x[/]" in shown
        assert "\x1b" not in shown
        assert "rename it" not in shown
        await pilot.press("a")
        await until(pilot, lambda: "rename it" in listed(app))


async def test_a_search_narrows_and_escape_takes_it_back(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        await pilot.press("slash", *"zebra")
        await until(pilot, lambda: "repair" not in listed(app))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: "repair" in listed(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.next_session == ""


async def test_what_was_found_for_other_words_than_those_of_now_is_not_shown(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        await pilot.press("slash", *"zebra")
        await until(pilot, lambda: "repair" not in listed(app))
        app.screen._show(app.screen._all, app.screen._all, ("zeb", True))
        assert "repair" not in listed(app)
        await pilot.press("ctrl+u", *"cart")
        await until(pilot, lambda: "repair the cart" in listed(app))


async def test_a_session_is_renamed_and_keeps_its_name(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        await mark(pilot, app, "a")
        await pilot.press("r", *"carts", "enter")
        await until(pilot, lambda: "carts" in listed(app))
    assert {one.title for one in sessions.sessions(state, ROOT)} >= {"carts"}


async def test_a_session_is_deleted_only_if_it_is_asked_for_twice(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        await mark(pilot, app, "b")
        await pilot.press("d")
        await until(pilot, lambda: "are lost" in text_of(app.screen.query_one("#page-said")))
        await pilot.press("up", "down")
        await mark(pilot, app, "b")
        await pilot.press("d")
        assert len(sessions.sessions(state, ROOT)) == 2
        await pilot.press("d")
        await until(pilot, lambda: "zebra" not in listed(app) and len(sessions.sessions(state, ROOT)) == 1)


@pytest.mark.parametrize("keys", [("escape",), ("r", "escape"), ("slash", "escape"), ("up", "down")])
async def test_a_deletion_is_called_off_by_whatever_is_pressed_instead(state, keys):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        await mark(pilot, app, "b")
        await pilot.press("d")
        await until(pilot, lambda: "d again deletes" in text_of(app.screen.query_one("#page-said")))
        await pilot.press(*keys)
        assert isinstance(app.screen, SessionsScreen)
        assert "again" not in text_of(app.screen.query_one("#page-said"))
        await mark(pilot, app, "b")
        await pilot.press("d")
        assert len(sessions.sessions(state, ROOT)) == 2
        assert "d again deletes" in text_of(app.screen.query_one("#page-said"))


async def test_choosing_a_session_leaves_this_one_for_it(state, tmp_path):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_sessions(pilot)
        await mark(pilot, app, "a")
        await pilot.press("enter")
        await until(pilot, lambda: "not there any more" in text_of(app.screen.query_one("#page-said")))
        await pilot.press("a")
        await until(pilot, lambda: "rename it" in listed(app))
        await mark(pilot, app, "c")
        await pilot.press("enter")
        await until(pilot, lambda: app.next_session == "c")


async def test_a_resumed_session_shows_its_past_and_what_is_staged():
    app = app_over([Said(text="New.")], changes=CHANGES)
    opened = app._open_session

    async def resumed(asker):
        session = await opened(asker)
        session.past = Past(events=(Prompted(turn=1, text="what was asked"), Said(text="what was *said*")))
        return session

    app._open_session = resumed
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "what was said" in said(app))
        assert said(app).index("what was asked") < said(app).index("Nothing in your files")
        await until(pilot, lambda: app.pane.review.files)


# settings


def test_every_setting_has_a_sentence():
    flat = set()
    for name in Settings.__struct_fields__:
        value = getattr(Settings(), name)
        below = getattr(value, "__struct_fields__", ())
        flat |= {f"{name}.{each}" for each in below} or {name}
    assert flat - {"keys"} == set(ABOUT)


async def with_settings(pilot: Pilot[int]) -> AssentApp:
    app = await idle(pilot)
    app.action_settings()
    await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and "theme" in listed(app))
    return app


async def at(pilot: Pilot[int], app: AssentApp, name: str) -> None:
    names = [one.name for one in settings_now(None)]
    app.screen.query_one(Choices).put(names.index(name))
    await pilot.pause()


async def test_a_theme_is_changed_written_and_seen_at_once(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_settings(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == THEMES["light"].name)
        assert load().theme == "light"
        assert "light  settings.toml" in listed(app)
        await pilot.press("x")
        await until(pilot, lambda: app.theme == THEMES["dark"].name)
        assert (
            text_of(app.screen.query_one("#page-said")).strip() == "theme is back at its default and holds from now on"
        )
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.has_class("-plain"))


async def test_a_wrong_value_is_said_and_can_be_mended(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_settings(pilot)
        await at(pilot, app, "turns")
        await pilot.press("enter", "ctrl+u", *"0", "enter")
        await until(pilot, lambda: "too few" in text_of(app.screen.query_one("#page-said")))
        assert app.screen.query_one(Input).display
        assert load().turns == Settings().turns
        await pilot.press("ctrl+u", *"7", "enter")
        await until(pilot, lambda: load().turns == 7)
        assert not app.screen.query_one(Input).display


async def test_a_sum_is_shown_as_it_is_written_and_taken_again_as_it_is_shown(state):
    async with over(state).run_test(size=(80, 24)) as pilot:
        app = await with_settings(pilot)
        await at(pilot, app, "budget")
        assert "budget            0\n" in listed(app).replace(" \n", "\n")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "is written" in text_of(app.screen.query_one("#page-said")))
        await pilot.press("enter", "ctrl+u", *"0.25", "enter")
        await until(pilot, lambda: "0.25  settings.toml" in listed(app))
        assert load().budget == 0.25


async def test_a_key_bound_in_the_file_does_what_the_old_one_did(state):
    look = Look(keys={"app.toggle_review": "f9"})
    app = app_over(WORK, prompt="fix it", look=look)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.query(Diff) and app.pane.review.files)
        await pilot.press("f2")
        assert not app._panes.reviewing
        await pilot.press("f9")
        assert app._panes.reviewing
        await pilot.press("f9")
        await until(pilot, lambda: not app._panes.reviewing)


async def test_keys_and_themes_that_there_are_not_are_said_with_a_hint(state):
    app = over(state, look=Look(theme="puce", keys={"app.togle_review": "f9"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot)
        assert "no theme 'puce'" in said(app)
        assert "Did you mean app.toggle_review?" in said(app)


def test_a_setting_that_a_project_narrows_says_so(state, tmp_path):
    (tmp_path / ".assent.toml").write_text("turns = 3\n")
    found = {one.name: one for one in settings_now(tmp_path)}
    assert (found["turns"].value, found["turns"].source) == (3, ".assent.toml")
    assert found["mode"].source == ""
    assert found["keys.app.help"].value == keymap.USUAL.all_shown("app.help")


# the first run


class Server(http.server.BaseHTTPRequestHandler):
    """Lists two models to whoever has the key."""

    def do_GET(self):
        ok = self.headers["Authorization"] in (None, "Bearer sk-right-key-0123456789")
        self.send_response(200 if ok else 401)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "llama3:8b"}, {"id": "\\u001b[2Jodd"}, {"x": 1}]}' if ok else b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def port():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


async def first_run(pilot: Pilot[int]) -> AssentApp:
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, WelcomeScreen) and "Paste" in listed(app))
    return app


def keyless(state: Path, no_key) -> AssentApp:
    return app_over(changes=(), place=Place(root=ROOT, state=state, keyless=no_key))


async def test_a_key_is_checked_kept_and_then_the_session_opens(state, port, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setattr(servers, "LOCAL", ())
    monkeypatch.setattr(keyring.core, "_keyring_backend", keyring.backends.fail.Keyring())
    async with keyless(state, lambda: True).run_test(size=(80, 24)) as pilot:
        app = await first_run(pilot)
        await pilot.press("enter", *"sk-wrong", "enter")
        await until(pilot, lambda: "does not take this key" in text_of(app.screen.query_one("#page-said")))
        assert not list((tmp_path / "config").rglob("keys/*"))
        assert "sk-wrong" not in text_of(app.screen.query_one(Input))
        await pilot.press("ctrl+u", *"sk-right-key-0123456789", "enter")
        await until(pilot, lambda: any("not encrypted" in each.message for each in app._notifications))
        await until(pilot, lambda: app.jobs is not None)
    (kept,) = (tmp_path / "config" / "keys").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_server_on_this_machine_is_found_and_written_into_the_settings(state, port, monkeypatch):
    monkeypatch.setattr(
        "assent_tui.pages.welcome.found_servers", lambda: servers.found_servers((("Ollama", port), ("x", 1)))
    )
    async with keyless(state, lambda: True).run_test(size=(80, 24)) as pilot:
        app = await first_run(pilot)
        await until(pilot, lambda: "llama3:8b by Ollama" in listed(app))
        assert "\x1b" not in listed(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.jobs is not None)
    made = load()
    assert (made.base_url, made.worker.model) == (f"http://127.0.0.1:{port}/v1", "llama3:8b")
    assert made.scout.model == "llama3:8b"


async def test_the_demo_and_leaving_end_the_screen(state, monkeypatch):
    monkeypatch.setattr("assent_tui.pages.welcome.found_servers", lambda: servers.found_servers(()))
    app = keyless(state, lambda: True)
    async with app.run_test(size=(80, 24)) as pilot:
        await first_run(pilot)
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.wants_demo)
    app = keyless(state, lambda: True)
    async with app.run_test(size=(80, 24)) as pilot:
        await first_run(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not app.is_running or app._exit)
    assert not app.wants_demo


async def test_with_a_key_there_is_no_first_run(state):
    async with keyless(state, lambda: False).run_test(size=(80, 24)) as pilot:
        app = await idle(pilot)
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize("body", [b"[]", b"<html>", b'{"data": 3}', b"\xff"])
def test_what_is_no_list_of_models_is_refused(body):
    with pytest.raises(ValueError):
        servers.read_models(body)


# looks


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
@pytest.mark.parametrize("size", [*SIZES, (40, 20)])
@pytest.mark.parametrize("page", ["settings", "welcome", "help"])
@pytest.mark.usefixtures("state")
def test_a_page_looks_as_it_did(snap_compare, monkeypatch, size, theme, page, tmp_path):
    monkeypatch.setattr("assent_tui.pages.welcome.found_servers", lambda: servers.found_servers(()))
    monkeypatch.setattr("assent_tui.pages.settings.settings_file", lambda: Path("/home/me/settings.toml"))

    async def shown(pilot):
        app = await idle(pilot)
        if page == "welcome":
            app.push_screen(WelcomeScreen())
        else:
            getattr(app, f"action_{page}")()

    app = app_over(changes=(), theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=shown)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [*SIZES, (40, 20)])
def test_the_sessions_look_as_they_did(snap_compare, monkeypatch, size, theme, state):
    monkeypatch.setattr("assent_tui.pages.sessions.time.time", lambda: 0.0)

    async def shown(pilot):
        app = await with_sessions(pilot)
        await pilot.press("home", *("down",) * [one.id for one in app.screen._shown].index("b"), "d")

    assert snap_compare(over(state, theme=theme), terminal_size=size, run_before=shown)


async def test_a_plain_screen_draws_no_boxes_and_no_pictograms():
    drawn = {*map(chr, range(0x2500, 0x2600)), *"✓✗⊘◐⎇"}
    app = app_over(WORK, prompt="fix it", look=Look(plain=True))
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("y", "n")
        for widget in app.query("#chat, #review-diff, #review-files, #status, #keys, #review-evidence"):
            assert drawn.isdisjoint(text_of(widget)), text_of(widget)
        assert app._prompt.styles.border_top[0] == "ascii"


def test_text_of_files_stays_as_it_is_in_plain_mode():
    for text, names in (("▸", ""), ("▸ x", "kw"), ("─", "str"), ("→ done", "add.fill")):
        assert glyphs.plainly(text, names) == text
    assert glyphs.plainly("▸ ", "dim") == "> "
    assert glyphs.plainly("  ✗ exit 1 · x", "bad") == "  x exit 1 · x"
    assert all(len(plain) == 1 and plain.isascii() for plain in map(str, glyphs.PLAIN.values()))


async def test_without_colour_nothing_is_coloured_and_a_later_screen_knows_it_too(monkeypatch):
    import os

    monkeypatch.setenv("NO_COLOR", "1")
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        assert app.has_class("-colourless")
        assert [type(each).__name__ for each in app._filters if each.enabled].count("Monochrome") == 0
        assert "NoColor" in [type(each).__name__ for each in app._filters]
    assert os.environ["NO_COLOR"] == "1"


@pytest.mark.parametrize("page", ["work", "sessions", "settings", "help"])
async def test_a_window_of_any_size_at_any_moment_breaks_nothing(state, page):
    app = app_over(WORK, prompt="fix it", place=Place(root=ROOT, state=state))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.resize_terminal(40, 10)
        await reviewing(pilot)
        if page != "work":
            getattr(app, f"action_{page}")()
        for width, height in ((40, 10), (200, 60), (20, 5), (1, 1), (99, 24), (101, 24), (40, 10), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.press("down")
        await pilot.pause()
        assert app.size == (80, 24)
        if page == "work":
            assert "review" in text_of(app.query_one("#review-head"))


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_sixteen_colours_tell_apart_what_more_colours_do(monkeypatch, theme):
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM", raising=False)
    app = app_over(WORK, prompt="fix it", look=Look(theme=theme))
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        palette = palette_of(app.pane.diff)
        names = ("text", "ok", "bad", "warn", "accent")
        shown = [palette.style(name).color.downgrade(ColorSystem.STANDARD).number for name in names]
        assert len(set(shown)) == len(names)
        assert palette.style("select.fill").reverse
        assert palette.style("add.word").underline
