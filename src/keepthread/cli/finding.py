"""Which thread a person means by what was typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keepthread.errors import InvalidSetting, InvalidThread, ThreadNotFound

if TYPE_CHECKING:
    from keepthread.model import Thread
    from keepthread.store import ThreadStore

LATEST = "@last"

_CANDIDATES = 10
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORT_LENGTHS = (8, 13, 18, 23)
"""Where the groups of a UUID end."""


async def find_thread(store: ThreadStore, typed: str) -> Thread:
    """Return the thread, without its messages, with this id, or with the only id that begins so; `@last` is the newest.

    Raises:
        ThreadNotFound: There is none.
        InvalidSetting: Several ids begin so. The hint lists them.
    """
    if typed == LATEST:
        return await _latest(store)
    found = await _beginning_with(store, typed, limit=_CANDIDATES + 1)
    if not found:
        raise ThreadNotFound(typed, hint="`keepthread ls --all` lists those that there are.")
    # In the order of ids the whole one comes before those that it begins.
    if len(found) == 1 or found[0].id == typed:
        return found[0]
    candidates = [thread.id for thread in found[:_CANDIDATES]] + ["…"] * (len(found) > _CANDIDATES)
    raise InvalidSetting(
        f"Several threads have an id that begins with {typed!r}.",
        hint="\n  ".join(["Type more of one of these:", *candidates]),
    )


async def short_ids(store: ThreadStore, threads: list[Thread]) -> list[str]:
    """Return the ids as short as they can be typed today: a UUID's first groups, and what people chose as it is."""
    return [await _short(store, thread.id) for thread in threads]


async def _short(store: ThreadStore, thread_id: str) -> str:
    if _UUID.fullmatch(thread_id):
        for length in _SHORT_LENGTHS:
            if len(await store.find_threads(thread_id[:length], limit=2)) == 1:
                return thread_id[:length]
    return thread_id


async def _latest(store: ThreadStore) -> Thread:
    newest = await store.list_threads(limit=1)
    if not newest:
        raise ThreadNotFound(LATEST, hint="There is no thread yet: `keepthread chat` begins one.")
    return newest[0]


async def _beginning_with(store: ThreadStore, prefix: str, *, limit: int) -> list[Thread]:
    from keepthread.model.json_values import check_id

    check_id(prefix, "The thread's id", InvalidThread)
    found = await store.find_threads(prefix, limit=limit)
    # The store's range has no upper end behind some rare characters.
    return [thread for thread in found if thread.id.startswith(prefix)]
