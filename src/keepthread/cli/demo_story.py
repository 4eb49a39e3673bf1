"""The demo itself: what happens in which order, told as it happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from keepthread import ThreadStore

from .demo_checks import Evidence
from .demo_children import Child, child
from .demo_process import PACKING_LIST, TRIP, WRITERS
from .render import count

_WRITERS = ("alice", "bob")
_EACH = 50

Tell = Callable[[str], None]


@dataclass(slots=True)
class Killed:
    """What the process that was killed had reported."""

    told: list[str] = field(default_factory=list[str])
    interrupted: str = ""
    exit_code: int = 0


async def perform(database: Path, tell: Tell) -> Evidence:
    """Run the four acts on a new database and return what they brought to light.

    Raises:
        KeepthreadError: One of the processes failed by itself.
    """
    killed = await _talk_and_kill(database, tell)
    found, continued = await _resume(database, tell)
    written, seconds = await _two_writers(database, tell)
    async with ThreadStore(database) as store:
        trip = await store.get_thread(TRIP)
        history = await store.history(TRIP)
        shared = await store.get_thread(WRITERS)
    return Evidence(
        told=killed.told,
        exit_code=killed.exit_code,
        interrupted=killed.interrupted,
        found=_ids(found["found"]),
        last_found_role=found["found"][-1]["role"] if found["found"] else "nobody",
        file_sent=sha256(PACKING_LIST).hexdigest(),
        files_read=found["files"],
        continued=continued,
        trip=[message.id for message in trip.messages],
        trip_history=[entry.message.id for entry in history],
        written=written,
        shared=[message.id for message in shared.messages],
        seconds_writing=seconds,
    )


async def _talk_and_kill(database: Path, tell: Tell) -> Killed:
    killed = Killed()
    times: list[float] = []
    async with child("talk", database) as talking:
        tell(f"1. Process {talking.pid} talks, and attaches a file.")
        while "thinking_about" not in (report := await talking.report()):
            killed.told += _ids(report["acknowledged"])
            times.append(report["milliseconds"])
            _tell_messages(report["acknowledged"], tell)
        tell(f"   Each turn was durable in {median(times):.1f} ms (median of {len(times)}).\n")
        killed.interrupted = report["thinking_about"]
        tell(f"2. Process {talking.pid} is killed while its model thinks.")
        _tell_messages([{"role": "user", "text": report["text"]}], tell)
        killed.exit_code = await talking.kill()
        tell(f"   It ended at once, without a word: exit code {killed.exit_code}.\n")
    return killed


async def _resume(database: Path, tell: Tell) -> tuple[dict[str, Any], list[str]]:
    async with child("resume", database) as resuming:
        tell(f"3. Process {resuming.pid} takes the conversation up.")
        found = await resuming.report()
        messages = count(len(found["found"]), "message")
        tell(f"   It opened the database and found {messages} in {found['milliseconds']:.1f} ms. It asks again:")
        report = await resuming.report()
        _tell_messages(report["acknowledged"], tell)
        tell("")
    return found, _ids(report["acknowledged"])


async def _two_writers(database: Path, tell: Tell) -> tuple[dict[str, Sequence[str]], float]:
    written: dict[str, Sequence[str]] = {}
    slowest = 0.0
    async with AsyncExitStack() as stack:
        writers: dict[str, Child] = {}
        for name in _WRITERS:
            writers[name] = await stack.enter_async_context(child("append", database, name, str(_EACH)))
        for writer in writers.values():
            await writer.report()
        numbers = " and ".join(str(writer.pid) for writer in writers.values())
        tell(f"4. Processes {numbers} append {_EACH} messages each to one thread, at once.\n")
        for writer in writers.values():
            await writer.start()
        for name, writer in writers.items():
            report = await writer.report()
            written[name] = _ids(report["acknowledged"])
            slowest = max(slowest, report["milliseconds"] / 1000)
    return written, slowest


def _tell_messages(messages: Sequence[dict[str, str]], tell: Tell) -> None:
    for message in messages:
        tell(f"   {message['role']:<10} {message['text']}")


def _ids(messages: Sequence[dict[str, str]]) -> list[str]:
    return [message["id"] for message in messages]
