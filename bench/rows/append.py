"""Appending a turn: against the bare transaction, and at message 10,000 against message 0."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bench.bare import Bare
from bench.measuring import Side, Timings, seconds, take_turns
from bench.report import Claim, Report, at_most
from bench.workload import conversation, messages, turn
from bench.workplace import Workplace
from keepthread.model import Thread
from keepthread.store import ThreadStore

LENGTH = 10_000


async def run(workplace: Workplace) -> Report:
    rounds, per_round, length = workplace.rounds(9), workplace.size(40), workplace.size(LENGTH)
    paths = {name: workplace.database(f"append-{name}") for name in ("empty", "long", "bare-empty", "bare-long")}
    names = [f"new-{number:05d}" for number in range(rounds * per_round + 1)]
    for name, path in paths.items():
        await (_empty_threads(path, names) if "empty" in name else conversation(path, length))
    stores = [await ThreadStore.create(paths["empty"]), await ThreadStore.create(paths["long"])]
    bares = [Bare(paths["bare-empty"]), Bare(paths["bare-long"])]
    for bare in bares:
        await bare.open()
    at_length = f"N = {length:,}"
    sides: dict[str, Side] = {
        "keepthread, N = 0": _ours(stores[0], iter(names).__next__),
        "bare transaction, N = 0": _floor(bares[0], iter(names).__next__),
        f"keepthread, {at_length}": _ours(stores[1], lambda: "conversation"),
        f"bare transaction, {at_length}": _floor(bares[1], lambda: "conversation"),
    }
    timings = await take_turns(sides, rounds=rounds, per_round=per_round)
    for opened in (*stores, *bares):
        await opened.close()
    return Report(
        row="append",
        measures="one turn (user 600 + assistant 600 characters) into a thread of N messages, WAL and synchronous=FULL",
        timings=timings,
        claims=_claims(timings),
        notes=[
            "made before the clock starts: messages, and the floor's rows; its one thread hop goes through a queue",
            "the ratios flatter keepthread where a sync takes milliseconds: the last line is what it adds on any disk",
        ],
    )


def _claims(timings: Timings) -> list[Claim]:
    empty, bare_empty, long, bare_long = timings.rounds
    return [
        Claim(what=f"{long} against N = 0", figure=timings.ratio(long, empty), target=at_most(1.2)),
        Claim(what=f"{empty} against bare", figure=timings.ratio(empty, bare_empty), target=at_most(1.3)),
        Claim(what=f"{long} against bare", figure=timings.ratio(long, bare_long), target=at_most(1.3)),
        Claim(what="what keepthread adds to bare, on any disk", figure=timings.difference(long, bare_long)),
    ]


async def _empty_threads(path: Path, names: list[str]) -> None:
    async with ThreadStore(path) as store:
        await asyncio.gather(*(store.save_thread(Thread(id=name)) for name in names))


def _ours(store: ThreadStore, thread_id: Callable[[], str]) -> Side:
    async def measure() -> float:
        new, place = messages(turn(1)), thread_id()
        return await seconds(store.append(place, new))

    return measure


def _floor(bare: Bare, thread_id: Callable[[], str]) -> Side:
    async def measure() -> float:
        work = bare.turn(thread_id(), messages(turn(1)))
        return await seconds(bare.run(work))

    return measure
