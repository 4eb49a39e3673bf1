"""kill -9 of a migrator in the middle of a step: nothing of it is there, and the next one does it whole (P15)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk
from tests.store import postgres_server
from tests.store.postgres_server import execute, fetch

from . import migrating
from .processes import Child

IN_LOG_BYTES = 1_000_000


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


async def test_a_step_that_is_killed_in_a_file_leaves_no_trace_and_is_applied_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    async with ThreadStore(path) as store:
        await talk(store, "a", "b")
    before = query(path, "SELECT version FROM kt_migrations")

    with Child(migrating.upgrade_file, path) as child:
        assert child.hear() == "in the middle"
        child.kill()

    assert path.with_name("t.db-wal").stat().st_size > IN_LOG_BYTES
    assert query(path, "SELECT version FROM kt_migrations") == before
    assert query(path, "SELECT 1 FROM sqlite_master WHERE name = 'kt_second'") == []

    assert migrating.upgraded_file(path) == [migrating.SQLITE]

    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "SELECT count(*), count(DISTINCT number) FROM kt_second") == [(4000, 4000)]
    async with ThreadStore(path) as store:
        await store.append("t", say("c"))
        assert await stored(store) == ["a", "b", "c"]


async def test_a_step_that_is_killed_on_a_server_leaves_no_trace_and_is_applied_by_the_next() -> None:
    with postgres_server.new_database() as url:
        async with ThreadStore(url) as store:
            await talk(store, "a", "b")
        await execute(url, "CREATE TABLE kt_gate (a INTEGER)")

        with postgres_server.holding(url, "kt_gate"), Child(migrating.upgrade_server, url) as child:
            postgres_server.wait_for_waiting(url, "kt_gate", 1)
            child.kill()

        # Waits for the server to notice; and the lease goes by.
        await execute(url, "UPDATE kt_lease SET until = clock_timestamp() WHERE until > clock_timestamp()")
        assert await fetch(url, "SELECT max(version) FROM kt_migrations") == [(migrating.POSTGRES.version - 1,)]
        assert await fetch(url, "SELECT to_regclass('kt_second')") == [(None,)]

        assert await migrating.upgraded_server(url) == [migrating.POSTGRES]

        assert await fetch(url, "SELECT count(*), count(DISTINCT number) FROM kt_second") == [(4000, 4000)]
        async with ThreadStore(url) as store:
            await store.append("t", say("c"))
            assert await stored(store) == ["a", "b", "c"]
