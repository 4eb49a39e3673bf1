"""What the children do: each is a program that is told where, and says what it has done once that is certain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from keepthread.errors import KeepthreadError
from keepthread.model import Thread
from keepthread.store import ThreadStore

from .processes import Line
from .turns import turn


async def _append(store: ThreadStore, key: str) -> None:
    await store.append("left", turn(key), create=True)


async def _save(store: ThreadStore, key: str) -> None:
    thread = await store.get_or_create_thread("right")
    thread.add_messages(turn(key))
    thread.metadata["last"] = key
    await store.save_thread(thread)


async def _append_new(store: ThreadStore, key: str) -> None:
    await store.append(key, turn(key), create=True)


async def _save_new(store: ThreadStore, key: str) -> None:
    await store.save_thread(Thread(id=key, metadata={"kind": "new"}, messages=turn(key)))


WAYS: tuple[Callable[[ThreadStore, str], Awaitable[None]], ...] = (_append, _save, _append_new, _save_new)
"""To store a turn."""


async def keep_storing(line: Line, path: Path, name: str) -> None:
    """Store one turn after the other, by every way there is, and say the key of each once its call returned."""
    store = await ThreadStore.create(path)
    for number in count():
        key = f"{name}-{number}"
        await WAYS[number % len(WAYS)](store, key)
        line.say(key)


async def store_four_when_told(line: Line, path: Path) -> None:
    """Wait for a word; open, store a turn in each way, close. Say the key of each."""
    line.hear()
    async with await ThreadStore.create(path) as store:
        for number, way in enumerate(WAYS):
            await way(store, f"turn-{number}")
            line.say(f"turn-{number}")


async def store_through_a_fault(line: Line, path: Path) -> None:
    """Wait for a word; do the same and read after each, whatever fails; then once more. Say ("stored", key) or ("failed", error)."""
    line.hear()
    store = ThreadStore(path)
    await attempt(line, store.open())
    await store.open()
    for number, way in enumerate(WAYS):
        if await attempt(line, way(store, f"turn-{number}")):
            line.say(("stored", f"turn-{number}"))
        await attempt(line, store.count_threads())
    await store.append("left", turn("last"), create=True)
    line.say(("stored", "last"))
    await store.get_thread("left")
    await store.close()


async def attempt(line: Line, call: Awaitable[object]) -> bool:
    """Return whether *call* went well; say ("failed", error) if not."""
    try:
        await call
    except KeepthreadError as error:
        line.say(("failed", f"{type(error).__name__}: {error}"))
        return False
    return True
