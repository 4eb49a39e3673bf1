"""What is PostgreSQL's alone: a setting that gives up durability, and a pooler in between."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk

from . import postgres_server


async def test_a_server_that_gives_up_durability_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with postgres_server.new_database() as url:
        name = urlsplit(url).path.removeprefix("/")
        await postgres_server.execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")

        async with ThreadStore(url) as store:
            status = await store.status()

    assert status.durability == "synchronous_commit=off"
    assert "synchronous_commit=off" in caplog.text


async def test_a_store_behind_pgbouncer_prepares_nothing(postgres: str) -> None:
    async with ThreadStore(postgres_server.with_option(postgres, "pgbouncer=true")) as store:
        await talk(store, "a")
        await asyncio.gather(*(store.append("t", say(f"{n}")) for n in range(20)))
        await asyncio.gather(*(store.append("t", say("twice")) for _ in range(3)))

        assert len(await stored(store)) == 22
