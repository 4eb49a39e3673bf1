"""Turning row-level security on: for tables with rows, by whom, under open stores, and around a migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepthread.errors import InvalidSetting, ThreadNotFound, UnavailableError
from keepthread.store import ThreadStore
from keepthread.store.backends.postgres_schema import upgrade
from keepthread.store.migrate import Migration, migrations
from keepthread.testing.arrange import say, stored, talk

from . import postgres_server
from .secured_database import TABLES, TENANTS, connected, counts, grants, unsecured

CATALOGUE = """
SELECT CAST(c.relname AS TEXT), CAST(c.xmin AS TEXT), c.relrowsecurity, c.relforcerowsecurity,
    CAST(p.xmin AS TEXT), pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)
FROM pg_class AS c LEFT JOIN pg_policy AS p ON p.polrelid = c.oid
WHERE c.relname LIKE 'kt\\_%' AND c.relkind = 'r' ORDER BY c.relname
"""


async def test_it_is_turned_on_where_there_are_rows_and_twice_changes_nothing() -> None:
    with unsecured() as (database, application):
        async with ThreadStore(database.owner) as store:
            await talk(store.for_tenant("mine"), "a")
            await store.enable_row_level_security()
            once = await postgres_server.fetch(database.superuser, CATALOGUE)
            await store.enable_row_level_security()

            assert await stored(store.for_tenant("mine")) == ["a"]
        assert await postgres_server.fetch(database.superuser, CATALOGUE) == once
        await postgres_server.execute(database.owner, *grants(application))
        async with ThreadStore(database.application) as store:
            assert await stored(store.for_tenant("mine")) == ["a"]
            assert await store.count_threads() == 0


async def test_a_store_that_was_open_before_writes_nothing_and_says_to_open_it_again() -> None:
    with unsecured() as (database, application):
        async with ThreadStore(database.owner) as administered:
            await postgres_server.execute(database.owner, *grants(application))
            async with ThreadStore(database.application) as store:
                await talk(store, "a")
                await administered.enable_row_level_security()

                with pytest.raises(ThreadNotFound):
                    await store.append("t", say("b"))
                with pytest.raises(UnavailableError, match="Open the store again") as refused:
                    await store.append("t", say("b"), create=True)
            assert await stored(administered) == ["a"]

    assert not refused.value.retryable


async def test_only_the_owner_can_turn_it_on() -> None:
    with unsecured() as (database, application):
        async with ThreadStore(database.owner):
            await postgres_server.execute(database.owner, *grants(application))
        async with ThreadStore(database.application) as store:
            with pytest.raises(UnavailableError, match="too few rights"):
                await store.enable_row_level_security()

        rows = await postgres_server.fetch(database.superuser, CATALOGUE)
        assert [row[2:] for row in map(tuple, rows)] == [(False, False, None, None, None)] * len(rows)


async def test_a_migration_reaches_every_tenants_rows_and_secures_its_new_tables() -> None:
    step = Migration(
        version=len(migrations("postgres")) + 1,
        name="next",
        sql="UPDATE kt_threads SET title = 'migrated'; CREATE TABLE kt_new (tenant_id TEXT NOT NULL PRIMARY KEY);",
        min_reader=1,
        min_writer=1,
    )
    with unsecured() as (database, _):
        async with ThreadStore(database.owner) as store:
            await store.enable_row_level_security()
            for tenant in TENANTS:
                await talk(store.for_tenant(tenant), "a")
            async with connected(database.owner) as connection:
                known = [*migrations("postgres"), step]
                await upgrade(connection, "here", holder="somebody", allowed=True, seconds=5, known=known)
                seen = await counts(connection)

            titles = {(await store.for_tenant(tenant).get_thread("t")).title for tenant in TENANTS}
        rows = await postgres_server.fetch(database.superuser, CATALOGUE)

    assert titles == {"migrated"}
    assert seen == dict.fromkeys(TABLES, 0)
    secured_tables = {row[0] for row in rows if row[2] and row[3] and "keepthread.tenant" in row[5]}
    assert secured_tables == {*TABLES, "kt_new"}


@pytest.mark.parametrize("name", [None, "sqlite:///x.db"])
async def test_another_engine_says_that_it_has_nothing_of_the_kind(
    name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async with ThreadStore(name) as store:
        with pytest.raises(InvalidSetting, match="PostgreSQL"):
            await store.enable_row_level_security()
