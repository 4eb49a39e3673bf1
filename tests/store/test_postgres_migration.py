"""Migrating on a PostgreSQL server: by hand, for as long as it takes, and after somebody who never ended."""

from collections.abc import Iterator

import asyncpg
import pytest

from keepthread.store import ThreadStore
from keepthread.store.backends import postgres_schema
from keepthread.store.migrate import Migration, migrations
from keepthread.testing.arrange import say, stored, talk

from . import postgres_server
from .postgres_server import execute, fetch, psql


def second(sql: str = "CREATE TABLE kt_second (a INTEGER);\nINSERT INTO kt_second VALUES (2);\n") -> Migration:
    """A made-up step that follows the real ones."""
    return Migration(version=len(migrations("postgres")) + 1, name="made_up", sql=sql, min_reader=1, min_writer=1)


@pytest.fixture
def server() -> Iterator[str]:
    with postgres_server.new_database() as url:
        yield url


@pytest.fixture
async def url(server: str) -> str:
    """The URL of a database with one conversation, made by the library as it is."""
    async with ThreadStore(server) as store:
        await talk(store, "a")
    return server


async def upgraded(url: str, *steps: Migration, longest_statement_seconds: float = 60) -> list[Migration]:
    connection = await asyncpg.connect(url, command_timeout=longest_statement_seconds)
    try:
        known = [*migrations("postgres"), *steps]
        return await postgres_schema.upgrade(
            connection, "the server", holder="somebody", allowed=True, seconds=60, known=known
        )
    finally:
        await connection.close()


async def test_a_step_is_applied_once_and_the_conversations_stay(url: str) -> None:
    assert await upgraded(url, second()) == [second()]
    assert await upgraded(url, second()) == []

    assert await fetch(url, "SELECT a FROM kt_second") == [(2,)]
    async with ThreadStore(url) as store:
        await store.append("t", say("b"))
        assert await stored(store) == ["a", "b"]
        assert (await store.status()).schema_version == second().version


async def test_a_step_that_was_run_by_hand_is_not_run_again(url: str) -> None:
    psql(url, postgres_schema.script([second()]))

    assert await upgraded(url, second()) == []
    assert await fetch(url, "SELECT a FROM kt_second") == [(2,)]


async def test_a_step_may_take_longer_than_a_statement_of_every_day(url: str) -> None:
    long = second("SELECT pg_sleep(2.2);")

    assert await upgraded(url, long, longest_statement_seconds=2) == [long]


async def test_a_store_waits_for_the_lease_of_a_migrator_that_was_killed(server: str) -> None:
    before_the_first_step = postgres_schema.script(migrations("postgres")).partition("-- Step")[0]
    psql(server, before_the_first_step)
    await execute(
        server, "UPDATE kt_lease SET holder = 'nobody', until = clock_timestamp() + INTERVAL '500 milliseconds'"
    )

    async with ThreadStore(server) as store:
        assert store.applied_migrations == list(migrations("postgres"))
