"""Upgrading a SQLite database that exists: copied first, each step whole, once, or not at all (P15)."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keepthread.errors import KeepthreadError, SchemaError, SchemaTooNewError
from keepthread.store import ThreadStore
from keepthread.store.backends.sqlite_schema import upgrade
from keepthread.store.migrate import Migration, migrations
from keepthread.testing.arrange import say, stored, talk

Upgrade = Callable[[sqlite3.Connection], None]


def second(
    *,
    sql: str = "CREATE TABLE kt_second (a INTEGER);\nINSERT INTO kt_second VALUES (2);\n",
    min_writer: int | None = None,
) -> Migration:
    """A made-up step that follows the real ones, and that no library may write behind which does not know it."""
    version = len(migrations("sqlite")) + 1
    return Migration(version=version, name="made_up", sql=sql, min_reader=1, min_writer=min_writer or version)


def connected(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, factory=factory, timeout=20)


def tables(path: Path) -> set[str]:
    with closing(connected(path)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def versions(path: Path) -> list[int]:
    with closing(connected(path)) as database:
        return [version for (version,) in database.execute("SELECT version FROM kt_migrations ORDER BY version")]


def upgraded(path: Path, *steps: Migration) -> None:
    with closing(connected(path)) as database:
        upgrade(database, path, [*migrations("sqlite"), *steps])


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a database, byte by byte; the scratch memory beside a log is none."""
    return {
        file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*") if not file.name.endswith("-shm")
    }


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database with one conversation, made by the library as it is."""
    path = tmp_path / "conversations.db"
    async with ThreadStore(path) as store:
        await talk(store, "a", "b")
    return path


def copy_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.before-{second().version}")


async def test_a_step_is_applied_to_a_database_that_holds_conversations(path: Path) -> None:
    upgraded(path, second(min_writer=1))

    assert versions(path)[-1] == second().version
    assert "kt_second" in tables(path)
    async with ThreadStore(path) as store:
        await store.append("t", say("c"))
        assert await stored(store) == ["a", "b", "c"]


async def test_the_database_is_copied_before_a_step(path: Path) -> None:
    upgraded(path, second())

    async with ThreadStore(copy_of(path)) as store:
        assert await stored(store) == ["a", "b"]
    assert "kt_second" not in tables(copy_of(path))


async def test_a_new_database_is_not_copied(path: Path) -> None:
    assert list(path.parent.glob("*.before-*")) == []


async def test_a_step_is_applied_once(path: Path) -> None:
    upgraded(path, second())
    after = contents(path)

    upgraded(path, second())

    assert contents(path) == after


async def test_a_step_that_is_interrupted_leaves_no_trace_and_is_applied_again(path: Path) -> None:
    interrupted = second(sql=second().sql + "SELECT no_such_function();\n")
    with pytest.raises(sqlite3.OperationalError):
        upgraded(path, interrupted)
    assert "kt_second" not in tables(path)
    assert versions(path) == [migration.version for migration in migrations("sqlite")]

    upgraded(path, second())

    with closing(connected(path)) as database:
        assert database.execute("SELECT a FROM kt_second").fetchall() == [(2,)]


async def test_half_a_copy_from_an_interrupted_upgrade_does_not_stop_the_next_one(path: Path) -> None:
    copy_of(path).write_bytes(path.read_bytes()[:5000])

    upgraded(path, second())

    async with ThreadStore(copy_of(path)) as store:
        assert await stored(store) == ["a", "b"]


async def test_of_two_that_upgrade_at_once_one_does(path: Path) -> None:
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            upgraded(path, second())
        except BaseException as failure:  # noqa: BLE001 - it is shown below
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    with closing(connected(path)) as database:
        assert database.execute("SELECT a FROM kt_second").fetchall() == [(2,)]
    assert "kt_second" not in tables(copy_of(path))


async def test_the_copy_is_never_one_of_the_upgraded_database(path: Path) -> None:
    class Late(sqlite3.Connection):
        """Comes to its copy when another process has upgraded already."""

        def backup(self, *arguments: Any, **options: Any) -> None:
            upgraded(path, second())
            super().backup(*arguments, **options)

    with closing(connected(path, Late)) as database:
        upgrade(database, path, [*migrations("sqlite"), second()])

    assert "kt_second" not in tables(copy_of(path))


async def test_a_library_older_than_the_schema_refuses_and_touches_nothing(path: Path) -> None:
    upgraded(path, second())
    before = contents(path)

    with pytest.raises(SchemaTooNewError):
        await ThreadStore.create(path)

    assert contents(path) == before


async def test_nor_does_it_touch_one_that_was_restored_from_a_copy(path: Path) -> None:
    upgraded(path, second())
    with closing(connected(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    before = contents(path)

    with pytest.raises(SchemaTooNewError):
        await ThreadStore.create(path)

    assert contents(path) == before


async def test_a_library_as_old_as_the_schema_allows_goes_on(path: Path) -> None:
    upgraded(path, second(min_writer=1))

    async with ThreadStore(path) as store:
        await store.append("t", say("c"))
        assert (await store.status()).schema_version == second().version


async def test_a_changed_step_is_refused_and_nothing_touched(path: Path) -> None:
    with closing(connected(path)) as database:
        database.execute("UPDATE kt_migrations SET checksum = 'another' WHERE version = 1")
    before = contents(path)

    with pytest.raises(SchemaError):
        await ThreadStore.create(path)

    assert contents(path) == before


async def test_a_store_keeps_its_id_through_upgrades(path: Path) -> None:
    def store_id() -> str:
        with closing(connected(path)) as database:
            return str(database.execute("SELECT value FROM kt_meta WHERE name = 'store_id'").fetchone()[0])

    before = store_id()
    upgraded(path, second())

    assert store_id() == before


async def test_a_table_of_migrations_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(connected(path)) as database:
        database.execute("CREATE TABLE kt_migrations (a INTEGER)")
    before = contents(path)

    with pytest.raises(SchemaError):
        await ThreadStore.create(path)

    assert contents(path) == before


async def test_every_error_of_an_opening_is_one_of_ours(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000] + b"x" * 8000)

    with pytest.raises(KeepthreadError):
        async with ThreadStore(path) as store:
            await store.get_thread("t")
