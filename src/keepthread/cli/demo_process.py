"""The processes of the demo, as programs of their own: one may be killed at any moment, and really is.

`python -m keepthread.cli.demo_process talk|resume DATABASE`, or `append DATABASE WRITER COUNT`. Each writes on stdout,
one JSON object a line, what the database has acknowledged; nothing is reported before it is durable.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from hashlib import sha256
from typing import Any

import click

from keepthread import Agent, Attachment, Message, Thread, ThreadStore
from keepthread.agent import Model, ScriptedModel
from keepthread.errors import ModelFailedError

TRIP = "demo-trip"
WRITERS = "demo-two-writers"

PACKING_LIST = b"passport\ncharger\nsun hat\nthe small blue notebook\n"

_TOLD = (
    ("I am planning four days in Lisbon in May.", "Four days in Lisbon, in May. I have that."),
    ("Here is my packing list.", "Thank you: four things, a sun hat among them."),
    ("Which city was it again?", "Lisbon. You told me two turns ago."),
)
_INTERRUPTED = "What shall I do on the first day?"
_THINKING_SECONDS = 0.002
_ANSWERED_LATER = "On foot through Alfama, in the sun hat."


def report(**facts: Any) -> None:
    """Tell the demo something, at once."""
    click.echo(json.dumps(facts))


def acknowledged(messages: Sequence[Message], seconds: float) -> None:
    """Report messages that are durable, and how long the turn took."""
    said = [{"id": message.id, "role": message.role, "text": message.text} for message in messages]
    report(acknowledged=said, milliseconds=seconds * 1000)


async def turn(store: ThreadStore, thread: Thread, question: Message, model: Model) -> None:
    """Ask *question* in *thread*, and report the turn once it is stored."""
    agent = Agent(name="guide", model=model, purpose="You plan trips.", thread_store=store)
    thread.add_message(question)
    started = time.perf_counter()
    result = await agent.run(thread)
    acknowledged([question, *result.new_messages], time.perf_counter() - started)


async def talk(database: str) -> None:
    """Process A: take three turns, one of them with a file, and begin a fourth that never ends."""
    store = await ThreadStore.create(database)
    thread = Thread(id=TRIP, title="Four days in Lisbon", metadata={"demo": True})
    model = ScriptedModel(answer for _question, answer in _TOLD)
    for number, (words, _answer) in enumerate(_TOLD):
        question = Message(role="user", content=words)
        if number == 1:
            question.add_attachment(Attachment(filename="packing-list.txt", content=PACKING_LIST))
        await turn(store, thread, question, model)
    await turn(store, thread, Message(role="user", content=_INTERRUPTED), think)


async def think(messages: Sequence[Message], _tools: Sequence[Mapping[str, Any]], /) -> str:
    """Be a model that thinks until the demo is gone; it is killed meanwhile."""
    report(thinking_about=messages[-1].id, text=messages[-1].text)
    await asyncio.to_thread(sys.stdin.read)
    raise ModelFailedError("The demo ended while the model was thinking.")


async def resume(database: str) -> None:
    """Process B: report what is there, and ask the interrupted question again."""
    started = time.perf_counter()
    store = await ThreadStore.create(database)
    thread = await store.get_thread(TRIP)
    seconds = time.perf_counter() - started
    found = [{"id": message.id, "role": message.role} for message in thread.messages]
    files = [await attachment.read() for message in thread.messages for attachment in message.attachments]
    report(found=found, milliseconds=seconds * 1000, files=[sha256(content).hexdigest() for content in files])
    await turn(store, thread, Message(role="user", content=_INTERRUPTED), ScriptedModel([_ANSWERED_LATER]))


async def append(database: str, writer: str, count: str) -> None:
    """Wait for the start, then append messages to a thread that somebody else appends to as well."""
    store = await ThreadStore.create(database)
    await store.get_or_create_thread(WRITERS, title="Two writers at once", metadata={"demo": True})
    report(ready=True)
    await asyncio.to_thread(sys.stdin.readline)
    messages = [Message(role="user", name=writer, content=f"{writer} {number}") for number in range(1, int(count) + 1)]
    started = time.perf_counter()
    for message in messages:
        await store.append(WRITERS, message)
        # As long as a very quick model thinks. Without it SQLite lets the one who has the lock take it again: the two
        # alternated 4 times in 100 messages, and with it 90 times.
        await asyncio.sleep(_THINKING_SECONDS)
    acknowledged(messages, time.perf_counter() - started)


def main(role: str, *arguments: str) -> None:
    """Be the process that *role* names."""
    roles: Mapping[str, Callable[..., Coroutine[Any, Any, None]]] = {"talk": talk, "resume": resume, "append": append}
    asyncio.run(roles[role](*arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
