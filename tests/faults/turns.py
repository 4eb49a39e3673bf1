"""Turns of three messages, and the judge of what became of them: none missing, none twice, none half."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from itertools import groupby
from pathlib import Path

from keepthread.model import Message, ToolCall
from keepthread.store import ThreadStore

_ORPHANS = """
SELECT 'messages', thread_id FROM kt_messages WHERE thread_id NOT IN (SELECT id FROM kt_threads)
UNION SELECT 'revisions', thread_id FROM kt_revisions WHERE thread_id NOT IN (SELECT id FROM kt_threads)
UNION SELECT 'tags', thread_id FROM kt_thread_tags WHERE thread_id NOT IN (SELECT id FROM kt_threads)
UNION SELECT 'files', thread_id FROM kt_files WHERE thread_id NOT IN (SELECT id FROM kt_threads)
"""


def turn(key: str) -> list[Message]:
    """Return a question, a tool's result and an answer, known by *key*."""
    call = ToolCall(id=f"{key}-call", name="look", arguments="{}")
    return [
        Message(id=f"{key}/0", role="assistant", tool_calls=(call,), metadata={"turn": key}),
        Message(id=f"{key}/1", role="tool", content=f"result of {key}", tool_call_id=call.id),
        Message(id=f"{key}/2", role="assistant", content=f"answer of {key}" + " and on" * 20),
    ]


def whole_turns(messages: Iterable[Message]) -> list[str]:
    """Return the keys of the turns that *messages* consists of, in order, after a look that each stands there whole."""
    keys: list[str] = []
    for key, parts in groupby((message.id.rpartition("/") for message in messages), key=lambda parts: parts[0]):
        assert [part[2] for part in parts] == ["0", "1", "2"], f"turn {key} is not whole"
        keys.append(key)
    return keys


async def kept_turns(path: Path) -> dict[str, list[str]]:
    """Return the turns of every thread in order, after a look that the database is sound, and counts them right."""
    check_file(path)
    kept: dict[str, list[str]] = {}
    async with await ThreadStore.create(path) as store:
        async for header in store.iter_threads():
            thread = await store.get_thread(header.id)
            assert header.message_count == len(thread.messages), header.id
            kept[header.id] = whole_turns(thread.messages)
    return kept


async def check_kept(path: Path, acknowledged: Iterable[str]) -> None:
    """Check that what was acknowledged is there, and all that is there stands there once."""
    times = Counter(key for keys in (await kept_turns(path)).values() for key in keys)

    # pytest rewrites no assert of a module that is no test: these say themselves what they found.
    lost = set(acknowledged) - times.keys()
    assert not lost, f"acknowledged and not there: {sorted(lost)}"
    doubled = {key: count for key, count in times.items() if count > 1}
    assert not doubled, f"there more than once: {doubled}"


def check_file(path: Path) -> None:
    """Check that the database is sound, and that no row belongs to a thread that is gone."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'kt_threads'").fetchall():
            assert connection.execute(_ORPHANS).fetchall() == []
