"""Resuming: the last 40 messages of a thread of any length."""

from __future__ import annotations

from dataclasses import replace

from bench.databases import Engine, Sqlite, postgres
from bench.floor import Floor
from bench.measuring import Side, seconds, take_turns
from bench.report import Claim, Report, at_most
from bench.workload import conversation
from bench.workplace import Workplace
from keepthread.store import ThreadStore

LAST = 40
LENGTHS = (100, 10_000)
_ID = "conversation"


async def run(workplace: Workplace) -> Report:
    report = await measure(workplace, Sqlite(workplace))
    notes = ["the bare read: two SELECTs, json.loads and the same objects, filled unchecked, through one thread hop"]
    return replace(report, notes=notes)


async def run_on_postgres(workplace: Workplace) -> Report:
    async with postgres() as engine:
        report = await measure(workplace, engine)
    return replace(report, notes=["the bare read: one statement, json.loads and the same objects, filled unchecked"])


async def measure(workplace: Workplace, engine: Engine) -> Report:
    rounds, per_round = workplace.rounds(9), workplace.size(100)
    short, long = (max(LAST, workplace.size(length)) for length in LENGTHS)
    stores: dict[int, ThreadStore] = {}
    for length in (short, long):
        url = await engine.database(f"tail-{length}")
        await conversation(url, length)
        stores[length] = await ThreadStore.create(url)
    bare = engine.floor(url)
    await bare.open()
    await _agree(stores[long], bare)
    sides: dict[str, Side] = {
        f"keepthread, N = {long:,}": _ours(stores[long]),
        f"bare read, N = {long:,}": _floor(bare),
        f"keepthread, N = {short:,}": _ours(stores[short]),
    }
    ours, floor, ours_short = sides
    timings = await take_turns(sides, rounds=rounds, per_round=per_round, warm_up=5)
    for opened in (*stores.values(), bare):
        await opened.close()
    return Report(
        row=f"{engine.prefix}tail",
        measures=f"get_thread(id, last={LAST}) of a thread of N messages",
        timings=timings,
        claims=[
            Claim(what="against the bare read", figure=timings.ratio(ours, floor), target=at_most(2)),
            Claim(what=f"against N = {short:,}", figure=timings.ratio(ours, ours_short), target=at_most(1.2)),
        ],
    )


async def _agree(store: ThreadStore, bare: Floor) -> None:
    ours = await store.get_thread(_ID, last=LAST)
    theirs = await bare.tail(_ID, LAST)
    assert ours.messages == theirs.messages, "the two sides read different things"
    assert len(ours.messages) == LAST


def _ours(store: ThreadStore) -> Side:
    async def measure() -> float:
        return await seconds(store.get_thread(_ID, last=LAST))

    return measure


def _floor(bare: Floor) -> Side:
    async def measure() -> float:
        return await seconds(bare.tail(_ID, LAST))

    return measure
