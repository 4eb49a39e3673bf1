"""A database that is looked at as it is: what it says of itself and what it needs, and that it stays so."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from keepthread.errors import ForeignDatabaseError, UnavailableError
from keepthread.store import StoreStatus, ThreadStore
from keepthread.store.backends import sqlite_schema
from keepthread.store.migrate import Migration, migrations
from keepthread.testing.arrange import say, talk

SECOND = Migration(
    version=len(migrations("sqlite")) + 1,
    name="made_up",
    sql="-- of a thread; nobody's\nCREATE TABLE kt_second (a INTEGER);\nINSERT INTO kt_second VALUES (2);\n",
    min_reader=1,
    min_writer=1,
)
"""A step that follows the real ones."""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}


def without_size(status: StoreStatus) -> StoreStatus:
    return replace(status, size_bytes=0)


async def test_an_inspection_is_the_status_of_an_open_store(url: str | None) -> None:
    if url is None:
        pytest.skip("a database in memory is nobody else's")
    async with ThreadStore(url) as store:
        await talk(store, "a", "b")

        assert without_size(await ThreadStore(url).inspect()) == without_size(await store.status())
        assert without_size(await store.inspect()) == without_size(await store.status())


async def test_a_tenants_view_inspects_the_tenants_threads(url: str | None) -> None:
    if url is None:
        pytest.skip("a database in memory is nobody else's")
    async with ThreadStore(url) as store:
        await talk(store, "a")

    assert (await ThreadStore(url).inspect()).threads == 1
    assert (await ThreadStore(url).for_tenant("acme").inspect()).threads == 0


async def test_a_database_in_memory_is_up_to_date() -> None:
    status, plan = await ThreadStore().inspect(), await ThreadStore().plan_migration()

    assert (status.dialect, status.threads, status.pending, plan.steps) == ("memory", 0, [], [])


async def test_an_open_database_needs_nothing(url: str | None) -> None:
    async with ThreadStore(url) as store:
        plan = await store.plan_migration()

    assert (plan.version, plan.is_new, plan.steps, plan.sql) == (len(migrations("sqlite")), False, [], "")


async def test_a_store_knows_the_steps_that_its_opening_applied(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "x.db") as first, ThreadStore(tmp_path / "x.db") as second:
        assert first.applied_migrations == list(migrations("sqlite"))
        assert second.applied_migrations == []


async def test_an_inspection_ends_with_its_threads(tmp_path: Path) -> None:
    await (await ThreadStore.create(tmp_path / "x.db")).close()

    await ThreadStore(tmp_path / "x.db").inspect()

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("keepthread")] == []


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    store = ThreadStore(tmp_path / "x.db")

    with pytest.raises(UnavailableError):
        await store.inspect()

    assert (await store.plan_migration()).is_new
    assert list(tmp_path.iterdir()) == []


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="nowhere"):
        await ThreadStore(tmp_path / "nowhere" / "x.db").plan_migration()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"some text\n" * 1000)
    before = contents(tmp_path)

    for look in (ThreadStore(path).inspect, ThreadStore(path).plan_migration):
        with pytest.raises(ForeignDatabaseError):
            await look()

    assert contents(tmp_path) == before


async def test_a_file_that_somebody_writes_to_can_be_inspected(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    async with ThreadStore(path) as store:
        await talk(store, "a")
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM kt_threads")

            assert (await ThreadStore(path).inspect()).threads == 1
            assert (await ThreadStore(path).plan_migration()).steps == []
        await store.append("t", say("b"))


async def test_a_later_step_can_be_run_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    async with ThreadStore(path) as store:
        await talk(store, "a")
    known = [*migrations("sqlite"), SECOND]

    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sqlite_schema.script([SECOND]))

        assert sqlite_schema.schema(connection, "x.db", known).pending == []
        assert sqlite_schema.schema(connection, "x.db", known).version == SECOND.version
        assert connection.execute("SELECT a FROM kt_second").fetchall() == [(2,)]


async def test_a_step_that_was_run_by_hand_twice_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await (await ThreadStore.create(path)).close()

    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sqlite_schema.script([SECOND]))
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.executescript(sqlite_schema.script([SECOND]))

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT a FROM kt_second").fetchall() == [(2,)]
