"""A real repository, a rehearsed model over real HTTP, and a session over both."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from assent_core.assembly import open_session
from assent_core.rehearsal import Rehearsal
from assent_core.session import Session
from assent_core.settings import Settings
from rehearsed import Said
from schemas import check_record


@pytest.fixture
async def opened(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Open a session over a script. All is closed at the end; then the rehearsal had nothing to complain of, and what was
    recorded is of its schema.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-not-a-real-key-0123456789")
    monkeypatch.setenv("ASSENT_STATE_DIR", str(tmp_path / "state"))
    async with AsyncExitStack() as stack:
        rehearsals: list[Rehearsal] = []

        async def open(
            script: str | Session, user: Said | None = None, root: Path = repository, id: str = "", **choices: object
        ) -> Session:
            """`script` may be a closed session, which is then gone on with, or another one with its `id`."""
            resume = ""
            if isinstance(script, Session):
                rehearsal, resume = script.rehearsal, id or script.opened.session
            else:
                rehearsal = await stack.enter_async_context(Rehearsal.from_text(script))
                rehearsals.append(rehearsal)
            settings = Settings(base_url=rehearsal.url, state=str(tmp_path / "state"), **choices)
            session = await open_session(root, settings, user, resume=resume)
            session.rehearsal = rehearsal
            stack.push_async_callback(session.close)
            return session

        yield open
    for rehearsal in rehearsals:
        assert rehearsal.complaints == []
    for record in (tmp_path / "state" / "sessions").glob("*.jsonl"):
        check_record(record)
