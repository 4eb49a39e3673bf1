"""What is PostgreSQL's alone: the settings that give up durability."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from keepthread.store import ThreadStore

from . import postgres_server


async def test_a_server_that_gives_up_durability_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with postgres_server.new_database() as url:
        name = urlsplit(url).path.removeprefix("/")
        await postgres_server.execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")

        async with ThreadStore(url) as store:
            status = await store.status()

    assert status.durability == "synchronous_commit=off"
    assert "synchronous_commit=off" in caplog.text
