"""The end of a turn: the answer takes its place in the thread and is stored with its question, or neither happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from keepthread.model import Message, Thread
from keepthread.model.finishing import over
from keepthread.model.object_locks import ObjectLocks

Save = Callable[[Thread], Awaitable[object]]

# One commit at a time for one Thread object, so that a save that fails takes back its own answer and nobody else's.
# Nothing waits here while a model thinks.
_commits = ObjectLocks()


async def commit(thread: Thread, answer: Message, *, seen: Sequence[Message], agent: str, save: Save) -> None:
    """Add *answer* to *thread* behind the messages that the model has *seen*, and save.

    A cancellation that arrives while the save is under way is raised when that is over, because only then is it known
    which way it went: the thread has the answer if the store has it.

    Raises:
        Whatever *save* raises: the thread is as before.
    """
    async with _commits.of(thread):
        agent_before = thread.agent
        thread.messages.insert(_place(thread.messages, seen), answer)
        thread.agent = agent
        saving = asyncio.ensure_future(save(thread))
        cancelled = await over(saving)
        if saving.cancelled() or saving.exception() is not None:
            thread.messages[:] = [message for message in thread.messages if message is not answer]
            thread.agent = agent_before
        if cancelled is not None:
            raise cancelled
        saving.result()


def _place(messages: Sequence[Message], seen: Sequence[Message]) -> int:
    """Return the index behind the last message that was seen and the answers that others gave to it meanwhile.

    So two turns at once on one thread object do not mix. Behind messages that are stored already it is the end.
    """
    last = seen[-1].id if seen else None
    index = next((i + 1 for i, message in enumerate(messages) if message.id == last), len(messages))
    while index < len(messages) and messages[index].role != "user":
        index += 1
    is_open = all(message.position is None for message in messages[index:])
    return index if is_open else len(messages)
