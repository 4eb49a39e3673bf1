"""64 conversations at once in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from statistics import median

from bench.databases import Engine, Sqlite, for_sqlalchemy, postgres
from bench.measuring import Figure, Side, Timings, counted, take_turns
from bench.peers.langchain import AsyncPeer
from bench.peers.openai_agents import SqlalchemyPeer, SqlitePeer
from bench.report import Claim, Report, at_least
from bench.workload import Turn, messages, turn
from bench.workplace import Workplace
from keepthread.store import ThreadStore

CONVERSATIONS = 64
TURNS = 20
_TURNS_OF_THE_SLOW = 4
_NOTES = (
    "new: a thread, or a session, is made in the clock for each conversation, as the SDK's documentation does",
    "going on: threads are there, and the peers' sessions and connections are held open and warm",
    f"the last two peers get {_TURNS_OF_THE_SLOW} turns a task: {TURNS} would take minutes",
)

Append = Callable[[str, Turn], Awaitable[object]]
Names = Callable[[], list[str]]


async def run(workplace: Workplace) -> Report:
    fastest = SqlitePeer(workplace.database("concurrent-openai"))
    busy: list[float] = []
    turns = workplace.size(TURNS)
    sides: dict[str, Side] = {
        f"{fastest.name}, new": _rate(fastest.append, _new(), turns, []),
        f"{fastest.name}, going on": _rate(fastest.append, _same, turns, busy),
    }
    await fastest.append("first", turn(0))
    report = await measure(workplace, Sqlite(workplace), sides)
    await fastest.close()
    counts = {**report.counts, f"CPU time of a turn, {fastest.name}": _of_processor(busy)}
    return replace(report, claims=_claims(report.timings), notes=_NOTES, counts=counts)


async def run_on_postgres(workplace: Workplace) -> Report:
    async with postgres() as engine:
        report = await measure(workplace, engine, {})
    _, going_on, *peers = report.timings.rounds
    claims = [
        Claim(what=f"against {peer}", figure=report.timings.ratio(going_on, peer), target=at_least(15))
        for peer in peers
    ]
    return replace(report, claims=claims, notes=[_NOTES[1], f"the peers get {_TURNS_OF_THE_SLOW} turns a task"])


async def measure(workplace: Workplace, engine: Engine, others: Mapping[str, Side]) -> Report:
    rounds, turns = workplace.rounds(9), workplace.size(TURNS)
    few = min(turns, _TURNS_OF_THE_SLOW)
    store = await ThreadStore.create(await engine.database("concurrent"))
    peers = [
        SqlalchemyPeer(for_sqlalchemy(await engine.database("concurrent-sqlalchemy"))),
        AsyncPeer(for_sqlalchemy(await engine.database("concurrent-langchain"))),
    ]

    async def ours(name: str, said: Turn) -> None:
        await store.append(name, messages(said), create=True)

    busy: list[float] = []
    sides: dict[str, Side] = {
        "keepthread, new conversations": _rate(ours, _new(), turns, []),
        "keepthread, going on": _rate(ours, _same, turns, busy),
        **others,
        **{f"{peer.name}, going on": _rate(peer.append, _same, few, []) for peer in peers},
    }
    for peer in peers:
        await peer.append("first", turn(0))  # makes the tables, as an application does at its start
    timings = await take_turns(sides, rounds=rounds, per_round=1)
    await _all_there(store, (rounds + 1) * turns)
    for opened in (store, *peers):
        await opened.close()
    return Report(
        row=f"{engine.prefix}concurrent",
        measures=f"{CONVERSATIONS} tasks, each appending {turns} turns one after the other; messages made in the clock",
        timings=timings,
        unit="turns/s",
        counts={"CPU time of a turn, keepthread": _of_processor(busy)},
        claims=[],
    )


def _of_processor(busy: Sequence[float]) -> Figure:
    return counted(median(busy) * 1000, "ms")


async def _all_there(store: ThreadStore, turns: int) -> None:
    stored = await asyncio.gather(*(store.count_messages(name) for name in _same()))
    assert set(stored) == {turns * 2}, "a turn is missing"


def _claims(timings: Timings) -> list[Claim]:
    new, going_on, peer_new, peer_going_on, *others = timings.rounds
    ratio = timings.ratio(new, peer_new)
    lowest = Figure(value=ratio.low, low=ratio.low, high=ratio.low, unit=ratio.unit)
    return [
        Claim(what=f"against {peer_new}", figure=ratio, target=at_least(7)),
        Claim(what="  its lowest round", figure=lowest, target=at_least(5)),
        Claim(what=f"against {peer_going_on}", figure=timings.ratio(going_on, peer_going_on), target=at_least(5)),
        *(Claim(what=f"against {other}", figure=timings.ratio(going_on, other)) for other in others),
    ]


def _new() -> Names:
    numbers = count()
    return lambda: [f"new-{next(numbers)}" for _ in range(CONVERSATIONS)]


def _same() -> list[str]:
    return [f"conversation-{number}" for number in range(CONVERSATIONS)]


def _rate(append: Append, names: Names, turns: int, busy: list[float]) -> Side:
    """Return turns per second of real time; *busy* collects seconds of processor time per turn."""

    async def converse(name: str, first: int) -> None:
        for number in range(first, first + turns):
            await append(name, turn(number))

    async def measure() -> float:
        tasks = list(enumerate(names()))
        start, busy_before = time.perf_counter(), time.process_time()
        await asyncio.gather(*(converse(name, index) for index, name in tasks))
        took, stored = time.perf_counter() - start, len(tasks) * turns
        busy.append((time.process_time() - busy_before) / stored)
        return stored / took

    return measure
