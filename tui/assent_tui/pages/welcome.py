"""The first run: paste a key, choose a server on this machine, or see the demo."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import ClassVar, Literal

from msgspec import Struct
from textual import work
from textual.binding import BindingType
from textual.widgets import Input

from assent_core.errors import AssentError
from assent_tui.keymap import bindings
from assent_tui.pages.listing import ListPage
from assent_tui.pages.servers import Found, Refusal, found_servers, models_of
from assent_tui.paint.choices import Choice, Choices
from assent_tui.paint.lines import clean, line

Chosen = Literal["ready", "demo", "quit"]


class Offer(Struct, frozen=True):
    """One thing to begin with; `server` and `model` for a server on this machine."""

    kind: Literal["key", "server", "again", "demo"]
    title: str
    about: str
    server: str = ""
    model: str = ""


KEY = Offer(
    "key", "Paste an API key of OpenAI", "It is checked, and kept in the keyring of this system where it has one."
)
AGAIN = Offer(
    "again", "Look for servers on this machine again", "Ollama, LM Studio, llama.cpp, vLLM; for others: base_url."
)
DEMO = Offer(
    "demo",
    "See the demo",
    "The main job in a temporary repository, with a rehearsed model: no key, no network, no cost.",
)


class WelcomeScreen(ListPage[Chosen]):
    """Ends with `ready` once there is a model to ask; what was chosen is in the keyring or the settings by then."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("welcome")
    OFFERED = (
        ("list.choose", "take it"),
        ("welcome.leave", "back"),
        ("list.previous list.next", "choose"),
        ("app.quit", "quit"),
    )
    NOTHING = "quit"

    def __init__(self) -> None:
        super().__init__(secret=True)
        self._offers: tuple[Offer, ...] = ()
        self._servers: tuple[Found, ...] = ()
        self._checking = False

    def on_mount(self) -> None:
        """Offer what needs no looking; look for servers meanwhile."""
        self.head.put(
            line(("assent ", "head"), ("needs a model to work with.", "bold")),
            line(("Nothing in your files changes until you land it, whichever you choose.", "dim")),
        )
        self._put()
        self._look()

    def _put(self) -> None:
        local = [_offer(found, model) for found in self._servers for model in found.models]
        empty = [
            Offer(
                "again",
                f"{found.name} runs on this machine, but has no model",
                f"{found.url}: load one, and look again.",
            )
            for found in self._servers
            if not found.models
        ]
        self._offers = (KEY, *local, *empty, AGAIN, DEMO)
        choices = [
            Choice((line((clean(one.title), "bold")), line((clean(one.about), "dim"))), gap=at > 0)
            for at, one in enumerate(self._offers)
        ]
        self.list.offer(choices, max(self.list.mark, 0))

    @work(exclusive=True, group="servers")
    async def _look(self) -> None:
        self.say("looking for servers on this machine")
        self._servers = await found_servers()
        found = ", ".join(one.name for one in self._servers)
        self.say(f"on this machine: {found}" if found else "no server was found on this machine")
        self._put()

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        """Do what was chosen."""
        one = self._offers[message.index]
        match one.kind:
            case "key":
                self.ask("the key; it is not shown. Enter checks it")
            case "server":
                self._begin(self._use(one))
            case "again":
                self._look()
            case "demo":
                self.dismiss("demo")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Check the key and keep it."""
        if message.value.strip() and not self._checking:
            self._begin(self._check(message.value.strip()))

    def _begin(self, job: Coroutine[None, None, None]) -> None:
        self._checking = True
        self.run_worker(job, group="check", exclusive=True)

    async def _use(self, one: Offer) -> None:
        from assent_core.settings_file import change

        def written() -> None:
            change("base_url", one.server)
            change("worker", {"model": one.model})
            change("scout", {"model": one.model})

        await self._kept(asyncio.to_thread(written))

    async def _check(self, key: str) -> None:
        from assent_core.service.keys import store_key
        from assent_core.settings import Settings

        self.say("asking the server whether it takes the key")
        try:
            await models_of(Settings().server, key, seconds=20)
        except Refusal as refusal:
            self._checking = False
            self.say(str(refusal), "bad", refusal.hint)
            return
        await self._kept(asyncio.to_thread(store_key, key))

    async def _kept(self, keeping: Coroutine[None, None, object]) -> None:
        """Say where it is kept and go on; an error leaves the choice open."""
        try:
            said = await keeping
        except AssentError as error:
            self.say(error.message, "bad", error.hint)
            return
        finally:
            self._checking = False
        if isinstance(said, str):
            self.notify(said, markup=False, timeout=15)
        self.dismiss("ready")


def _offer(found: Found, model: str) -> Offer:
    about = f"on this machine ({found.url}); written into settings.toml as worker and scout"
    return Offer("server", f"{model} by {found.name}", about, found.url, model)
