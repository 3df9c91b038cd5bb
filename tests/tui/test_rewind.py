"""Going back to an earlier prompt and forking, from the prompt of the screen; and a fork from the command line."""

import pytest
from textual.pilot import Pilot

from assent_tui.pages.prompts import PromptsScreen
from assent_tui.paint.choices import Choices
from assent_tui.prompt.box import Prompt
from assent_tui.screen.app import AssentApp
from rehearsed import committed
from screen import WORK, app_over, said, session_of, text_of, until

SIZES = [(80, 24), (120, 40)]


async def asked(pilot: Pilot[int], *prompts: str) -> AssentApp:
    app = pilot.app
    assert isinstance(app, AssentApp)
    await until(pilot, lambda: app.job is None and app.jobs is not None)
    for number, prompt in enumerate(prompts, 1):
        app.query_one(Prompt).post_message(Prompt.Sent(prompt, prompt))
        await until(pilot, lambda number=number: len(session_of(app).asked) == number and app.job is None)
    return app


async def offered(pilot: Pilot[int], *prompts: str) -> AssentApp:
    app = await asked(pilot, *prompts)
    app.command("/rewind")
    await until(pilot, lambda: isinstance(app.screen, PromptsScreen) and app.screen.query_one(Choices).mark == 0)
    return app


async def test_the_prompts_are_offered_newest_first_and_one_is_gone_back_to(still):
    app = app_over(WORK, (), changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        await offered(pilot, "first thing", "second thing\nwith [red]more[/]\n3\n4\n5")
        listed = text_of(app.screen.query_one(Choices))
        assert text_of(app.screen.query_one("#page-head")) == "Go back to before a prompt"
        assert listed.index("second thing") < listed.index("first thing")
        assert "2 more lines" in listed
        assert "▌      with [red]more[/]" in listed
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.query_one(Prompt).text == "first thing" and app.job is None)
        assert session_of(app).asked == []
        assert "second thing" not in said(app)
        assert "quantity" not in said(app)
        assert "went back" in said(app)
        assert "landed since then, and stays: src/cart.py" in said(app)


async def test_escape_stays_and_what_is_written_is_kept(still):
    app = app_over((), changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        await offered(pilot, "first thing")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PromptsScreen))
        assert session_of(app).asked == ["first thing"]
        app.query_one(Prompt).load_text("half written")
        app.command("/rewind")
        await until(pilot, lambda: isinstance(app.screen, PromptsScreen) and app.screen.query_one(Choices).mark == 0)
        await pilot.press("enter")
        await until(pilot, lambda: "first thing" in app.query_one(Prompt).text)
        assert app.query_one(Prompt).text == "first thing\nhalf written"


async def test_without_a_prompt_to_go_back_to_it_says_so(still):
    app = app_over(changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        await asked(pilot)
        app.command("/rewind")
        await until(pilot, lambda: "no prompt to go back to" in said(app))


@pytest.mark.parametrize(("keys", "id", "text"), [(("f",), "fork-1", "first thing"), ((), "fork-", "")])
async def test_a_fork_is_gone_on_with_and_its_prompt_is_written_anew(still, keys, id, text):
    app = app_over((), changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        if keys:
            await offered(pilot, "first thing")
            await pilot.press(*keys)
        else:
            await asked(pilot, "first thing")
            app.command("/fork")
        await until(pilot, lambda: app.next_session)
        assert app.next_session == id
    assert session_of(app).notebook.draft == text


async def test_while_something_runs_nobody_goes_back(still):
    from screen import wait

    app = app_over((wait,), changes=())
    async with app.run_test(size=(100, 30)) as pilot:
        app.query_one(Prompt).post_message(Prompt.Sent("work", "work"))
        await until(pilot, lambda: app.jobs is not None and session_of(app).asked)
        app.command("/rewind")
        await until(pilot, lambda: "still running" in said(app))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_the_prompts_look_as_they_did(snap_compare, size, theme):
    app = app_over((), (), changes=(), theme=theme)

    async def run(pilot: Pilot[int]) -> None:
        await offered(
            pilot,
            "repair the cart",
            "数量が無視されている 🙂 \x1b[2J[red]x[/]\n" + "and a long one " * 20 + "\n\na\nb\nc",
        )

    assert snap_compare(app, terminal_size=size, run_before=run)


SCRIPT = """
[[worker]]
patch = '''
*** Begin Patch
*** Update File: a.txt
@@
-one
+two
*** End Patch
'''
[[worker]]
say = "Changed as you wished."
"""


def test_a_fork_from_the_command_line_has_all_of_it_and_the_old_one_stays(terminal, assent, rehearse, tmp_path):
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    committed(root)
    server = {"OPENAI_BASE_URL": rehearse(SCRIPT).url}
    first = terminal("change it", cwd=root, **server)
    first.wait_for("as you wished")
    first.wait_for("accept")
    first.press("\x11")
    assert first.wait_for_end() == 0
    fork = terminal("--fork", cwd=root, **server)
    fork.wait_for_all("as you wished", "a session of its own", "undecided")
    fork.press("\x11")
    assert fork.wait_for_end() == 0
    listed = assent("sessions", "--json", cwd=root).stdout.splitlines()
    assert len(listed) == 2
    assert sum('"forked":"2' in line for line in listed) == 1
