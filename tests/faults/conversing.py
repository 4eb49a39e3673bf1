"""A conversation for the faults: its turns, the programs that hold them, and the judge of what became of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

from keepthread.conversation import Conversation
from keepthread.errors import ConflictError
from keepthread.model import Message
from keepthread.retention import persist_conversation
from keepthread.store import ThreadStore

from .processes import Line
from .waits import watch

POLICY = persist_conversation("agent", max_frames=6)
_PARTS = ("q", "calls", "r", "a")


async def begin(store: ThreadStore) -> Conversation:
    """Return the conversation."""
    return await Conversation.open(store, agent="support", principal="alice", policy=POLICY)


async def speak(conversation: Conversation, key: str, asked: Callable[[], None] | None = None) -> None:
    """Hold a turn of four messages, known by *key*, going on with an earlier attempt. Tell when the question stands."""
    async with conversation.turn(idempotency_key=key, resume=True) as turn:
        if turn.is_repeated:
            return
        for part in _PARTS[len(turn.messages) :]:
            await _add(conversation, key, part)
            if part == "q" and asked is not None:
                asked()
            await conversation.build_prompt_input()
        turn.result = key


async def _add(conversation: Conversation, key: str, part: str) -> None:
    if part == "q":
        await conversation.add_user(f"q of {key}")
    elif part == "calls":
        await conversation.add_tool("look", call_id=key)
    elif part == "r":
        await conversation.add_tool_result(call_id=key, content=f"r of {key}")
    else:
        await conversation.add_assistant(f"a of {key}")


def keys_of(messages: Sequence[Message]) -> list[str]:
    """Return the keys of the turns that *messages* consists of, in order, after a look that each stands there whole."""
    keys: list[str] = []
    for start in range(0, len(messages), len(_PARTS)):
        question, call, result, answer = messages[start : start + len(_PARTS)]
        keys.append(question.text.removeprefix("q of "))
        assert [each.id for each in call.tool_calls] == [result.tool_call_id] == keys[-1:]
        assert answer.text == f"a of {keys[-1]}"
    return keys


def end_leases(path: Path) -> None:
    """Let the time of every lease be over."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE kt_turns SET lease_until = 0")
        database.commit()


async def die_at_a_wait(line: Line, path: Path, key: str, fatal: int) -> None:
    """Hold a turn, and end at its wait of this number as by SIGKILL. Say when the question was staged, and the end."""
    numbers = count(1)

    def on_wait() -> None:
        if next(numbers) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    async with await ThreadStore.create(path) as store:
        conversation = await begin(store)
        await watch(speak(conversation, key, lambda: line.say("asked")), on_wait)
        line.say("over")


async def add_when_told(line: Line, url: str, name: str) -> None:
    """Open, say so, wait for a word; add what a user says."""
    async with ThreadStore(url) as store:
        conversation = await begin(store)
        line.say("ready")
        line.hear()
        await conversation.add_user(name)


async def hold_until_it_is_lost(line: Line, path: Path) -> None:
    """Stage a question under a short lease, say so, wait for a word; look at the conversation until that is refused."""
    async with await ThreadStore.create(path) as store:
        conversation = await begin(store)
        try:
            async with conversation.turn(idempotency_key="k", lease_seconds=1) as turn:
                await turn.add_user("q")
                line.say("asked")
                await asyncio.get_running_loop().run_in_executor(None, line.hear)
                while True:
                    await turn.look()
                    await asyncio.sleep(0.02)
        except ConflictError as error:
            line.say(type(error).__name__)
