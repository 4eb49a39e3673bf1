"""The small conversations that the contracts begin with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from keepthread.model import Message, Thread
from keepthread.store import ThreadStore

OpenStore = Callable[[], Awaitable[ThreadStore]]
"""Opens a further store on the database of the fixture `store`, as another process would."""


def say(text: str, **fields: Any) -> Message:
    """Return a user's message whose id is its text, so that a test can name it."""
    values: dict[str, Any] = {"id": text, "role": "user", "content": text, **fields}
    return Message(**values)


async def talk(store: ThreadStore, *said: str, thread_id: str = "t", **fields: Any) -> Thread:
    """Store a thread that says this, one message each, and return it as another caller would load it."""
    thread = Thread(id=thread_id, **fields)
    thread.add_messages(map(say, said))
    await store.save_thread(thread)
    return await store.get_thread(thread_id)


def texts(thread: Thread) -> list[str]:
    """Return what the messages of *thread* say, in order."""
    return [message.text for message in thread.messages]


async def stored(store: ThreadStore, thread_id: str = "t") -> list[str]:
    """Return what the stored thread says now, in order."""
    return texts(await store.get_thread(thread_id))
