"""Databases of very many threads, written in bulk: the rows that the store writes, without its calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keepthread.model import Thread
from keepthread.model.ids import from_microseconds, new_id
from keepthread.model.json_values import canonical
from keepthread.store import ThreadStore
from keepthread.store.tags import tags_of

from .databases import Engine

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


async def build(engine: Engine, url: str, size: int) -> None:
    """Write *size* threads of one tenant, one minute apart, into a new database."""
    async with ThreadStore(url):
        pass  # the tables
    rows = [thread_row(index, size) for index in range(size)]
    await engine.write(url, {"insert_thread": rows, "insert_tag": tag_rows(rows, size)})


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


async def same_as_the_store_writes(engine: Engine, url: str) -> None:
    """Save the twin of a thread through the store, and compare the rows of both. The twin is deleted again."""
    (first,) = await engine.fetch(url, "SELECT id, created_at FROM kt_threads ORDER BY id LIMIT 1")
    async with ThreadStore(url) as store:
        original = next(iter(await store.find_threads(first["id"])))
        twin = Thread(metadata=dict(original.metadata), created_at=from_microseconds(first["created_at"]))
        await store.save_thread(twin)
        rows = [await _stored(engine, url, key) for key in (original.id, twin.id)]
        await store.delete_thread(twin.id)
    assert rows[0] == rows[1], "the threads written in bulk are not what the store writes"


async def _stored(engine: Engine, url: str, thread_id: str) -> tuple[Row, set[bytes]]:
    """Return a thread's row without what must differ, and its tags."""
    mine = f"= '{thread_id}'"
    (row,) = await engine.fetch(url, f"SELECT * FROM kt_threads WHERE id {mine}")  # noqa: S608 - our own id
    tags = await engine.fetch(url, f"SELECT tag FROM kt_thread_tags WHERE thread_id {mine}")  # noqa: S608 - as above
    kept = {name: value for name, value in row.items() if name not in ("id", "updated_at")}
    return kept, {bytes(found["tag"]) for found in tags}
