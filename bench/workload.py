"""The conversations that every side stores: word-like text, the same for all."""

from __future__ import annotations

import random
from functools import cache

from keepthread.model import Message, Thread
from keepthread.store import ThreadStore

CHARACTERS = 600
_TEXTS = 256
_MOST_AT_ONCE = 1_000

Turn = tuple[str, str]
"""What the user said, and what the assistant answered."""


@cache
def texts() -> tuple[str, ...]:
    """Return texts of 600 characters, the same in every run."""
    source = random.Random(7)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = [12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    words = ["".join(source.choices(letters, weights, k=source.randint(2, 11))) for _ in range(2_000)]
    return tuple(" ".join(source.choices(words, k=CHARACTERS // 2))[:CHARACTERS] for _ in range(_TEXTS))


def turn(number: int) -> Turn:
    """Return the turn of this number."""
    return texts()[2 * number % _TEXTS], texts()[(2 * number + 1) % _TEXTS]


def messages(said: Turn) -> list[Message]:
    """Return a turn as keepthread's messages."""
    return [
        Message(role="user", content=said[0], metadata={"channel": "web"}),
        Message(role="assistant", content=said[1], metadata={"model": "some-model", "seconds": 1.25}),
    ]


async def conversation(url: str, length: int, thread_id: str = "conversation") -> None:
    """Store a thread of *length* messages in the database of *url*."""
    async with ThreadStore(url) as store:
        await store.save_thread(Thread(id=thread_id, metadata={"plan": "pro"}))
        await fill(store, thread_id, length)


async def fill(store: ThreadStore, thread_id: str, length: int) -> None:
    """Append *length* messages, an even number, to a thread."""
    pending: list[Message] = []
    for number in range(length // 2):
        pending += messages(turn(number))
        if len(pending) == _MOST_AT_ONCE:
            await store.append(thread_id, pending)
            pending = []
    await store.append(thread_id, pending)
