"""Listing the newest 50 of many threads by a value of their metadata."""

from __future__ import annotations

from typing import Any

from bench.databases import Engine, Sqlite, postgres
from bench.measuring import Side, Timings, seconds, take_turns
from bench.report import Claim, Report, at_most, below
from bench.threads import build, carriers, same_as_the_store_writes
from bench.workplace import Workplace
from keepthread.model import Thread
from keepthread.store import ThreadStore

MANY = 100_000
FEW = 10_000
LIMIT = 50

# What to ask for, and how fast it must be among 100,000 threads; see bench/threads.py for who carries it.
WISHES: dict[str, tuple[dict[str, Any], float]] = {
    "rare (50 carry it)": ({"project": "apollo"}, 2),
    "common (every second)": ({"plan": "pro"}, 2),
    "1 % (every hundredth)": ({"campaign": "spring"}, 5),
    "worst (the oldest half carry it)": ({"era": "old"}, 50),
    "worst (the oldest 94 % carry it)": ({"client": "1.x"}, 50),
}
_FLAT = tuple(WISHES)[:2]


async def run(workplace: Workplace) -> Report:
    return await measure(workplace, Sqlite(workplace))


async def run_on_postgres(workplace: Workplace) -> Report:
    async with postgres() as engine:
        return await measure(workplace, engine)


async def measure(workplace: Workplace, engine: Engine) -> Report:
    rounds, per_round = workplace.rounds(7), workplace.size(10)
    sizes = (workplace.size(MANY), workplace.size(FEW))
    stores: dict[int, ThreadStore] = {}
    for size in sizes:
        url = await engine.database(f"list-{size}")
        await build(engine, url, size)
        await same_as_the_store_writes(engine, url)
        stores[size] = await ThreadStore.create(url)
    sides: dict[str, Side] = {
        _name(wish, size): _list(stores[size], metadata, min(LIMIT, carriers(metadata, size)))
        for wish, (metadata, _) in WISHES.items()
        for size in sizes
    }
    timings = await take_turns(sides, rounds=rounds, per_round=per_round, warm_up=2)
    for store in stores.values():
        await store.close()
    return Report(
        row=f"{engine.prefix}list",
        measures=f"list_threads(metadata=..., limit={LIMIT}), headers, newest first",
        timings=timings,
        claims=_claims(timings, *sizes),
        notes=["threads and tags are written in bulk, as the store's own rows; one was compared with the store's"],
    )


def _claims(timings: Timings, many: int, few: int) -> list[Claim]:
    fast = [
        Claim(what=_name(wish, many), figure=timings.figure(_name(wish, many)), target=below(limit))
        for wish, (_, limit) in WISHES.items()
    ]
    flat = [
        Claim(
            what=f"{wish}: {many:,} against {few:,}",
            figure=timings.ratio(_name(wish, many), _name(wish, few)),
            target=at_most(1.5) if wish in _FLAT else None,
        )
        for wish in WISHES
    ]
    return fast + flat


def _name(wish: str, size: int) -> str:
    return f"{wish}, of {size:,}"


def _list(store: ThreadStore, metadata: dict[str, Any], expected: int) -> Side:
    async def page() -> list[Thread]:
        found = await store.list_threads(metadata=metadata, limit=LIMIT)
        assert len(found) == expected
        assert not found[0].has_messages
        return found

    async def measure() -> float:
        return await seconds(page())

    return measure
