"""Databases of very many threads, written in bulk: the rows that the store writes, without its calls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from keepthread.model import Thread
from keepthread.model.ids import from_microseconds, new_id
from keepthread.model.json_values import canonical
from keepthread.store import ThreadStore
from keepthread.store.queries import statements
from keepthread.store.tags import tags_of

RARE = 50
_TENANT = "default"
_FIRST = 1_750_000_000_000_000  # microseconds
_APART = 60_000_000

Row = dict[str, Any]


def metadata(index: int, size: int) -> dict[str, Any]:
    """Return the metadata of a thread; index 0 is the oldest of *size*."""
    is_rare = index % (size // RARE) == size // RARE // 2
    return {
        "campaign": "spring" if index % 100 == 7 else "none",
        "client": "1.x" if index < size * 94 // 100 else "2.x",
        "customer": f"customer-{index % 5_003}",
        "era": "old" if index < size // 2 else "new",
        "plan": "pro" if index % 2 == 0 else "free",
        "project": "apollo" if is_rare else f"project-{index % 997}",
    }


def carriers(wish: Row, size: int) -> int:
    """Return how many of *size* threads carry all of *wish*."""
    return sum(wish.items() <= metadata(index, size).items() for index in range(size))


async def build(path: Path, size: int) -> None:
    """Write *size* threads of one tenant, one minute apart, into a new database."""
    async with ThreadStore(path):
        pass  # the tables
    with closing(sqlite3.connect(path)) as connection:
        rows = [thread_row(index, size) for index in range(size)]
        connection.executemany(statements("sqlite")["insert_thread"], rows)
        connection.executemany(statements("sqlite")["insert_tag"], tag_rows(rows, size))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def thread_row(index: int, size: int) -> Row:
    """Return the row of a thread, as the statement `insert_thread` takes it."""
    at = _FIRST + index * _APART
    return {
        "tenant": _TENANT,
        "thread": new_id(),
        "title": None,
        "metadata": canonical(metadata(index, size)),
        "agent": None,
        "archived": 0,
        "created_at": at,
        "updated_at": at,
    }


def tag_rows(threads: list[Row], size: int) -> Iterator[Row]:
    """Yield the rows of the tags of *threads*, which are all of a database."""
    for index, thread in enumerate(threads):
        for tag in tags_of(metadata(index, size), None):
            yield {"tenant": _TENANT, "thread": thread["thread"], "tag": tag}


async def same_as_the_store_writes(path: Path) -> None:
    """Save the twin of a thread through the store, and compare the rows of both. The twin is deleted again."""
    with closing(sqlite3.connect(path)) as connection:
        (thread_id, created_at), *_ = connection.execute("SELECT id, created_at FROM kt_threads ORDER BY id LIMIT 1")
    async with ThreadStore(path) as store:
        original = next(iter(await store.find_threads(thread_id)))
        twin = Thread(metadata=dict(original.metadata), created_at=from_microseconds(created_at))
        await store.save_thread(twin)
        with closing(sqlite3.connect(path)) as connection:
            rows = [_stored(connection, key) for key in (original.id, twin.id)]
        await store.delete_thread(twin.id)
    assert rows[0] == rows[1], "the threads written in bulk are not what the store writes"


def _stored(connection: sqlite3.Connection, thread_id: str) -> tuple[Row, set[bytes]]:
    """Return a thread's row without what must differ, and its tags."""
    cursor = connection.execute("SELECT * FROM kt_threads WHERE id = ?", (thread_id,))
    names = [column[0] for column in cursor.description]
    row = dict(zip(names, cursor.fetchone(), strict=True))
    tags = connection.execute("SELECT tag FROM kt_thread_tags WHERE thread_id = ?", (thread_id,))
    return {name: value for name, value in row.items() if name not in ("id", "updated_at")}, {tag for (tag,) in tags}
