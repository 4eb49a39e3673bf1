"""64 conversations at once in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

from keepthread.store import ThreadStore

from ..measuring import Figure, Side, take_turns  # noqa: TID252 - rows are a room inside bench
from ..peers.langchain import AsyncPeer  # noqa: TID252 - as above
from ..peers.openai_agents import SqlalchemyPeer, SqlitePeer  # noqa: TID252 - as above
from ..report import Claim, Report, at_least  # noqa: TID252 - as above
from ..workload import Turn, messages, turn  # noqa: TID252 - as above
from ..workplace import Workplace  # noqa: TID252 - as above

CONVERSATIONS = 64
TURNS = 20
_TURNS_OF_THE_SLOW = 4

Append = Callable[[str, Turn], Awaitable[object]]
Names = Callable[[], list[str]]


async def run(workplace: Workplace) -> Report:
    rounds, turns = workplace.rounds(9), workplace.size(TURNS)
    few = min(turns, _TURNS_OF_THE_SLOW)
    store = await ThreadStore.create(workplace.database("concurrent"))
    peers = [
        SqlitePeer(workplace.database("concurrent-openai")),
        SqlalchemyPeer(workplace.database("concurrent-sqlalchemy")),
        AsyncPeer(workplace.database("concurrent-langchain")),
    ]
    fastest, *slow = peers

    async def ours(name: str, said: Turn) -> None:
        await store.append(name, messages(said), create=True)

    sides: dict[str, Side] = {
        "keepthread, new conversations": _rate(ours, _new(), turns),
        f"{fastest.name}, new": _rate(fastest.append, _new(), turns),
        "keepthread, going on": _rate(ours, _same, turns),
        f"{fastest.name}, going on": _rate(fastest.append, _same, turns),
        **{f"{peer.name}, going on": _rate(peer.append, _same, few) for peer in slow},
    }
    for peer in peers:
        await peer.append("first", turn(0))  # makes the tables, as an application does at its start
    timings = await take_turns(sides, rounds=rounds, per_round=1)
    stored = await asyncio.gather(*(store.count_messages(name) for name in _same()))
    assert set(stored) == {(rounds + 1) * turns * 2}, "a turn is missing"
    for opened in (store, *peers):
        await opened.close()
    names = list(sides)
    new, going_on = timings.ratio(names[0], names[1]), timings.ratio(names[2], names[3])
    return Report(
        row="concurrent",
        measures=f"{CONVERSATIONS} tasks, each appending {turns} turns one after the other; messages made in the clock",
        rounds=rounds,
        per_round=1,
        figures={side: timings.figure(side, unit="turns/s") for side in sides},
        claims=[
            Claim(what=f"new conversations, against {fastest.name}", figure=new, target=at_least(7)),
            Claim(what="  its lowest round", figure=_lowest(new), target=at_least(5)),
            Claim(what=f"going on, against {fastest.name}", figure=going_on, target=at_least(5)),
            *(Claim(what=f"going on, against {side}", figure=timings.ratio(names[2], side)) for side in names[4:]),
        ],
        notes=[
            "new: a thread, or a session, is made in the clock for each conversation, as the SDK's documentation does;"
            " going on: threads are there, and the peers' sessions and connections are held open and warm",
            f"the last two peers get {few} turns a task: 20 would take minutes",
        ],
    )


def _new() -> Names:
    numbers = count()
    return lambda: [f"new-{next(numbers)}" for _ in range(CONVERSATIONS)]


def _same() -> list[str]:
    return [f"conversation-{number}" for number in range(CONVERSATIONS)]


def _lowest(figure: Figure) -> Figure:
    return Figure(value=figure.low, low=figure.low, high=figure.low, unit=figure.unit)


def _rate(append: Append, names: Names, turns: int) -> Side:
    async def converse(name: str, first: int) -> None:
        for number in range(first, first + turns):
            await append(name, turn(number))

    async def measure() -> float:
        tasks = list(enumerate(names()))
        start = time.perf_counter()
        await asyncio.gather(*(converse(name, index) for index, name in tasks))
        return len(tasks) * turns / (time.perf_counter() - start)

    return measure
