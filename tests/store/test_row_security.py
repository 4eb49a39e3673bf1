"""Row-level security on PostgreSQL: what the server itself refuses, whoever asks, and that the store still works."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError

from keepthread.conversation import Conversation
from keepthread.errors import ConflictError, ThreadNotFound
from keepthread.files import FileStore
from keepthread.model import Attachment
from keepthread.retention import persist_conversation
from keepthread.store import PoolSettings, ThreadStore
from keepthread.store.backends.base import Tx
from keepthread.store.backends.postgres_engine import PostgresEngine
from keepthread.store.backends.postgres_settings import postgres_settings
from keepthread.store.backends.postgres_tenancy import Tenancy, name_tenant
from keepthread.store.queries import COUNT_THREADS, DELETE_TAG, INSERT_TAG, THREAD
from keepthread.store.turn import Turn
from keepthread.testing.arrange import say, stored, talk
from keepthread.transfer import copy_store

from . import postgres_server
from .secured_database import TABLES, TENANTS, Secured, connected, counts, secured, secured_database

__all__ = ["secured", "secured_database"]


@pytest.fixture
async def filled(secured: str) -> AsyncIterator[str]:
    """The URL for the application, of a database where two tenants have rows in every table."""
    async with ThreadStore(secured, files=await FileStore.create()) as store, ThreadStore() as elsewhere:
        for tenant in map(store.for_tenant, TENANTS):
            await talk(elsewhere.for_tenant(tenant.tenant), "d", thread_id="copied")
            await copy_store(elsewhere.for_tenant(tenant.tenant), tenant)
            await talk(tenant, "a", metadata={"k": 1})
            await tenant.edit_message("t", "a", content="A")
            message = say("b")
            message.add_attachment(Attachment(filename="b.txt", content=b"b", mime_type="text/plain"))
            await tenant.append("t", message)
            await tenant.stage(await tenant.open_turn("t"), say("c"))
            await tenant.save_state("t", "a", 1, version=0)
            policy = persist_conversation("agent", max_frames=1)
            conversation = await Conversation.open(tenant, agent="a", principal="p", policy=policy)
            await conversation.add_user("q1")
            await conversation.add_user("q2")
            assert await conversation.get_summary() == "user: q1"
        yield secured


async def test_the_applications_user_could_do_nothing_about_it(secured: str) -> None:
    async with connected(secured) as connection:
        rights = await connection.fetch(
            "SELECT rolsuper, rolbypassrls, EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid) "
            "FROM pg_roles AS r WHERE rolname = current_user"
        )

    assert [tuple(row) for row in rights] == [(False, False, False)]


async def test_the_list_of_tables_is_complete(secured_database: Secured) -> None:
    tables = await postgres_server.fetch(
        secured_database.superuser,
        "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "WHERE c.relkind = 'r'",
    )

    assert {row[0] for row in tables} == set(TABLES)


@pytest.mark.parametrize("who", ["application", "owner"])
async def test_a_connection_that_names_no_tenant_finds_no_row(filled: str, secured_database: Secured, who: str) -> None:
    async with connected(getattr(secured_database, who)) as connection:
        seen = await counts(connection)
    async with connected(secured_database.superuser) as connection:
        there = await counts(connection)

    assert seen == dict.fromkeys(TABLES, 0)
    assert min(there.values()) >= len(TENANTS)


@pytest.mark.parametrize("who", ["application", "owner"])
async def test_a_transaction_sees_the_rows_of_the_tenant_that_it_named(
    filled: str, secured_database: Secured, who: str
) -> None:
    async with connected(getattr(secured_database, who)) as connection:
        await connection.execute("BEGIN")
        await name_tenant(connection, "mine")
        tenants = {row[0] for table in TABLES for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}  # noqa: S608 - ours

    assert tenants == {"mine"}


@pytest.mark.parametrize("named", [None, "mine"])
@pytest.mark.parametrize("table", TABLES)
async def test_a_row_of_another_tenant_is_not_taken(
    filled: str, secured_database: Secured, table: str, named: str | None
) -> None:
    columns = await postgres_server.fetch(
        secured_database.superuser,
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST($1 AS regclass) AND attnum > 0 ORDER BY attnum",
        table,
    )
    values = ", ".join("'other'" if row[0] == "tenant_id" else row[0] for row in columns)
    row = f"(SELECT (jsonb_populate_record(NULL::{table}, '{{}}')).*)"
    async with connected(filled) as connection:
        await connection.execute("BEGIN")
        if named:
            await name_tenant(connection, named)
        with pytest.raises(InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(f"INSERT INTO {table} SELECT {values} FROM {row} AS r")  # noqa: S608 - ours


@pytest.mark.parametrize("named", [None, "mine"])
@pytest.mark.parametrize("table", TABLES)
async def test_a_row_of_another_tenant_is_neither_changed_nor_deleted(
    filled: str, secured_database: Secured, table: str, named: str | None
) -> None:
    async with connected(filled) as connection:
        await connection.execute("BEGIN")
        if named:
            await name_tenant(connection, named)
        foreign = "WHERE tenant_id = 'theirs'"
        changed = await connection.execute(f"UPDATE {table} SET tenant_id = tenant_id {foreign}")  # noqa: S608 - ours
        deleted = await connection.execute(f"DELETE FROM {table} {foreign}")  # noqa: S608 - ours
        await connection.execute("COMMIT")

    assert (changed, deleted) == ("UPDATE 0", "DELETE 0")
    async with connected(secured_database.superuser) as connection:
        assert min((await counts(connection)).values()) >= len(TENANTS)


async def test_a_row_is_not_given_to_another_tenant(filled: str) -> None:
    async with connected(filled) as connection:
        await connection.execute("BEGIN")
        await name_tenant(connection, "mine")
        with pytest.raises(InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("UPDATE kt_threads SET tenant_id = 'other'")


async def test_a_connection_of_the_pool_forgets_its_tenant(filled: str) -> None:
    settings = postgres_settings(filled, timeout_seconds=5, pool=PoolSettings(size=1, max_overflow=0), migrate=False)
    engine = PostgresEngine(settings)
    await engine.prepare()

    async def mine(tx: Tx) -> int:
        return (await tx.run(COUNT_THREADS, tenant="mine"))[0].threads

    async def fail(tx: Tx) -> None:
        await mine(tx)
        raise ThreadNotFound("t")

    async def left_over() -> list[Any]:
        async with engine.pool.lend() as connection:
            return await connection.fetch("SELECT tenant_id FROM kt_threads")

    seen = [await engine.read(mine), await engine.write(mine)]
    after = [await left_over()]
    for work in (engine.read, engine.write):
        with pytest.raises(ThreadNotFound):
            await work(fail)
        after.append(await left_over())
    await engine.pool.close()

    assert (seen, after) == ([3, 3], [[], [], []])


async def test_a_transaction_that_goes_on_to_another_tenant_is_not_stored(filled: str) -> None:
    engine = PostgresEngine(postgres_settings(filled, timeout_seconds=5, pool=PoolSettings(), migrate=False))
    await engine.prepare()
    tag = {"tenant": "mine", "thread": "t", "tag": b"new"}

    async def go_on(tx: Tx) -> None:
        await tx.run(INSERT_TAG, **tag)
        await tx.run(THREAD, tenant="theirs", thread="t")

    async def go_on_in_one_statement(tx: Tx) -> None:
        await tx.run_many(DELETE_TAG, [tag, {**tag, "tenant": "theirs"}])

    for work in (go_on, go_on_in_one_statement):
        with pytest.raises(RuntimeError, match="bug in keepthread"):
            await engine.write(work)
    await engine.pool.close()

    async with ThreadStore(filled) as store:
        assert len(await store.for_tenant("mine").list_threads(metadata={"k": 1})) == 1


async def test_each_append_has_its_own_outcome_whatever_other_tenants_append(secured: str) -> None:
    async with ThreadStore(secured) as store:
        tenants = [store.for_tenant(f"{n}") for n in range(5)]
        for tenant in tenants[:-1]:
            await talk(tenant, "a")

        outcomes = await asyncio.gather(
            *(tenant.append("t", say(f"{tenant.tenant} {k}")) for k in range(10) for tenant in tenants[:-1]),
            tenants[0].append("t", say("other", id="a")),
            tenants[1].append("t", say("a")),
            tenants[-1].append("t", say("lost")),
            return_exceptions=True,
        )

        assert [type(outcome) for outcome in outcomes] == [list] * 40 + [ConflictError, list, ThreadNotFound]
        for tenant in tenants[:-1]:
            assert await stored(tenant) == ["a", *(f"{tenant.tenant} {k}" for k in range(10))]
        assert await tenants[-1].count_threads() == 0


def test_turns_share_a_statement_only_within_a_tenant_where_that_is_asked() -> None:
    mine, also_mine, theirs = (Turn(tenant=t, thread_id=i, records=(), files=(), at=0) for t, i in ("at", "au", "bt"))

    assert Tenancy().may_share(mine, theirs)
    assert Tenancy(is_secured=True).may_share(mine, also_mine)
    assert not Tenancy(is_secured=True).may_share(mine, theirs)
    assert not Tenancy(is_distributed=True).may_share(mine, also_mine)


@pytest.mark.parametrize("name", ["\\", "\\'", "';--", "' OR 'a'='a", "$$", "default", "DEFAULT", "a, b", '"'])
async def test_a_tenants_name_is_never_taken_for_sql(secured: str, name: str) -> None:
    async with ThreadStore(secured) as store:
        await talk(store.for_tenant("other"), "b")
        await talk(store.for_tenant(name), "a")

        assert await stored(store.for_tenant(name)) == ["a"]
        assert (await store.for_tenant(name).status()).threads == 1


async def test_a_server_with_the_old_rules_for_backslashes_is_served_as_well(secured_database: Secured) -> None:
    url = postgres_server.with_option(secured_database.application, "options=-cstandard_conforming_strings%3Doff")

    async with ThreadStore(url) as store:
        await talk(store.for_tenant("\\'"), "a")

        assert await stored(store.for_tenant("\\'")) == ["a"]


async def test_a_look_at_the_database_as_it_is_counts_the_tenants_rows_too(filled: str) -> None:
    assert (await ThreadStore(filled).for_tenant("mine").inspect()).threads == 3
    assert (await ThreadStore(filled).inspect()).threads == 0


async def test_it_works_behind_a_pooler(secured: str) -> None:
    async with ThreadStore(postgres_server.with_option(secured, "pgbouncer=true")) as store:
        await talk(store, "a")
        await asyncio.gather(*(store.append("t", say(f"{n}")) for n in range(5)))

        assert len(await stored(store)) == 6


FORKED = """
import asyncio, os, sys
from keepthread import Message, ThreadStore
async def main():
    store = await ThreadStore.create(sys.argv[1])
    await store.append("t", Message(id="a", role="user", content="a"), create=True)
    return store
store = asyncio.run(main())
if os.fork() == 0:
    asyncio.run(store.append("t", Message(id="b", role="user", content="b")))
    del store
    sys.exit(0)
os.wait()
print(len(asyncio.run(store.get_thread("t")).messages))
"""


async def test_a_forked_child_names_its_tenant_too(secured: str) -> None:
    # From 3.12 on Python warns of every fork beside threads.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, secured]

    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == (b"2\n", b"")
