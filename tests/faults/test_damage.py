"""A file whose bytes were changed: an error that says so. What only a digest can tell is left to `doctor`."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from keepthread.errors import CorruptError, KeepthreadError, SchemaError, ThreadNotFound
from keepthread.model import Message
from keepthread.store import ThreadStore

from .turns import turn

THREADS = ("t0", "t1", "t2", "t3")
PAGE_BYTES = 4096
SECRET = "nobody may read this"


@pytest.fixture
async def sound(tmp_path: Path) -> bytes:
    """The bytes of a database with four threads of thirty messages."""
    path = tmp_path / "sound.db"
    async with await ThreadStore.create(path) as store:
        for number in range(40):
            await store.append(THREADS[number % 4], turn(f"{number}"), create=True)
        await store.edit_message("t0", "0/2", content="edited")
        await store.update_thread("t1", metadata={"plan": "pro"})
    return path.read_bytes()


def flip_a_bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def overwrite_a_page(data: bytearray, chance: random.Random) -> None:
    first = chance.randrange(len(data) // PAGE_BYTES) * PAGE_BYTES
    data[first : first + PAGE_BYTES] = chance.randbytes(PAGE_BYTES)


def cut_off_the_end(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip_a_bit, overwrite_a_page, cut_off_the_end])
async def test_damage_is_an_error_that_no_retry_helps_or_no_message_is_missing(
    tmp_path: Path, sound: bytes, damage: Callable[[bytearray, random.Random], None]
) -> None:
    chance = random.Random(7)
    found = 0
    for number in range(250):
        path = tmp_path / f"{number}.db"
        data = bytearray(sound)
        damage(data, chance)
        path.write_bytes(data)

        errors = await read_everything(path)

        found += bool(errors)
        assert not any(error.retryable for error in errors), number
        assert all(isinstance(error, CorruptError | SchemaError | ThreadNotFound) for error in errors), number
    assert found > 10


async def test_a_table_whose_sql_is_no_text_is_damage(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(sound.replace(b"CREATE TABLE kt_meta", b"CREATE T\xeeBLE kt_meta"))

    (error,) = await read_everything(path)

    assert isinstance(error, CorruptError)


async def read_everything(path: Path) -> list[KeepthreadError]:
    """Return the errors that come up; what is read without one must be complete."""
    errors: list[KeepthreadError] = []
    try:
        async with await ThreadStore.create(path) as store:
            for thread_id in THREADS:
                try:
                    assert len((await store.get_thread(thread_id)).messages) == 30
                    await store.history(thread_id)
                    await store.list_threads()
                    await store.append(thread_id, turn("new"))
                except KeepthreadError as error:
                    errors.append(error)
    except KeepthreadError as error:
        errors.append(error)
    return errors


@pytest.mark.parametrize(
    "change",
    [
        "extra = '{'",
        "extra = '{\"usage\": 3}'",
        "extra = '{\"metadata\": 3}'",
        "extra = '{\"attachments\": [{}]}'",
        "created_at = 'yesterday'",
        "created_at = 9223372036854775807",
    ],
)
async def test_a_damaged_message_is_an_error_that_names_it(tmp_path: Path, change: str) -> None:
    path = await database_with(tmp_path, f"UPDATE kt_messages SET {change}")  # noqa: S608 - from the list above

    async with await ThreadStore.create(path) as store:
        with pytest.raises(CorruptError, match="m1") as caught:
            await store.get_thread("t")

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "change", ["metadata = '{'", "metadata = '[3]'", "created_at = 'yesterday'", "updated_at = 9223372036854775807"]
)
async def test_a_damaged_thread_is_an_error_that_names_it(tmp_path: Path, change: str) -> None:
    path = await database_with(tmp_path, f"UPDATE kt_threads SET {change}")  # noqa: S608 - from the list above

    async with await ThreadStore.create(path) as store:
        with pytest.raises(CorruptError, match="'t'"):
            await store.get_thread("t")


async def test_a_message_that_vanished_from_its_thread_is_missed(tmp_path: Path) -> None:
    path = await database_with(tmp_path, "DELETE FROM kt_messages")

    async with await ThreadStore.create(path) as store:
        with pytest.raises(CorruptError, match="'t'"):
            await store.get_thread("t")


async def test_text_that_is_no_longer_utf8_is_damage_and_is_not_quoted(tmp_path: Path) -> None:
    path = await database_with(tmp_path, "UPDATE kt_messages SET content = CAST(content || x'ff' AS TEXT)")

    async with await ThreadStore.create(path) as store:
        with pytest.raises(CorruptError) as caught:
            await store.get_thread("t")

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


async def database_with(folder: Path, statement: str) -> Path:
    path = folder / "t.db"
    async with await ThreadStore.create(path) as store:
        await store.append("t", Message(id="m1", role="user", content=SECRET), create=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    return path
