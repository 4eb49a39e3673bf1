"""Appending a turn: against the bare transaction, and at message 10,000 against message 0."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from bench.databases import Engine, Sqlite, postgres
from bench.floor import Floor
from bench.measuring import Side, Timings, seconds, take_turns
from bench.report import Claim, Report, at_most
from bench.workload import conversation, messages, turn
from bench.workplace import Workplace
from keepthread.model import Thread
from keepthread.store import ThreadStore

LENGTH = 10_000


async def run(workplace: Workplace) -> Report:
    report = await measure(workplace, Sqlite(workplace), against_bare=1.3)
    notes = [
        "made before the clock starts: messages, and the floor's rows; its one thread hop goes through a queue",
        "the ratios flatter keepthread where a sync takes milliseconds: the last line is what it adds on any disk",
    ]
    return replace(report, notes=notes)


async def run_on_postgres(workplace: Workplace) -> Report:
    async with postgres() as engine:
        report = await measure(workplace, engine, against_bare=1.5)
    notes = ["bare: the same statement on one asyncpg connection of the caller's loop, its values ready made"]
    return replace(report, notes=notes)


async def measure(workplace: Workplace, engine: Engine, *, against_bare: float) -> Report:
    rounds, per_round, length = workplace.rounds(9), workplace.size(40), workplace.size(LENGTH)
    urls = {name: await engine.database(f"append-{name}") for name in ("empty", "long", "bare-empty", "bare-long")}
    names = [f"new-{number:05d}" for number in range(rounds * per_round + 1)]
    for name, url in urls.items():
        await (_empty_threads(url, names) if "empty" in name else conversation(url, length))
    stores = [await ThreadStore.create(urls["empty"]), await ThreadStore.create(urls["long"])]
    bares = [engine.floor(urls["bare-empty"]), engine.floor(urls["bare-long"])]
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
        row=f"{engine.prefix}append",
        measures=f"one turn (user 600 + assistant 600 characters) into a thread of N messages, {engine.durability}",
        timings=timings,
        claims=_claims(timings, against_bare),
    )


def _claims(timings: Timings, against_bare: float) -> list[Claim]:
    empty, bare_empty, long, bare_long = timings.rounds
    return [
        Claim(what=f"{long} against N = 0", figure=timings.ratio(long, empty), target=at_most(1.2)),
        Claim(what=f"{empty} against bare", figure=timings.ratio(empty, bare_empty), target=at_most(against_bare)),
        Claim(what=f"{long} against bare", figure=timings.ratio(long, bare_long), target=at_most(against_bare)),
        Claim(what="what keepthread adds to bare, on any disk", figure=timings.difference(long, bare_long)),
    ]


async def _empty_threads(url: str, names: list[str]) -> None:
    async with ThreadStore(url) as store:
        await asyncio.gather(*(store.save_thread(Thread(id=name)) for name in names))


def _ours(store: ThreadStore, thread_id: Callable[[], str]) -> Side:
    async def measure() -> float:
        new, place = messages(turn(1)), thread_id()
        return await seconds(store.append(place, new))

    return measure


def _floor(bare: Floor, thread_id: Callable[[], str]) -> Side:
    async def measure() -> float:
        store = bare.turn(thread_id(), messages(turn(1)))
        return await seconds(store())

    return measure
