"""Loading a whole thread of 1,000 messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence, Sized

from bench.databases import Sqlite, for_sqlalchemy
from bench.measuring import Side, Timings, seconds, take_turns
from bench.peers.langchain import AsyncPeer, BlockingPeer
from bench.peers.openai_agents import SqlalchemyPeer, SqlitePeer
from bench.report import Claim, Report, at_most, below
from bench.workload import conversation, turn
from bench.workplace import Workplace
from keepthread.store import ThreadStore

LENGTH = 1_000
_ID = "conversation"
_OURS = "keepthread"


async def run(workplace: Workplace) -> Report:
    rounds, per_round, length = workplace.rounds(9), workplace.size(10), workplace.size(LENGTH)
    engine = Sqlite(workplace)
    url, *others = [await engine.database(f"load-{name}") for name in ("own", "sqlalchemy", "langchain")]
    await conversation(url, length)
    store = await ThreadStore.create(url)
    plain = [SqlitePeer(workplace.database("load-openai")), SqlalchemyPeer(for_sqlalchemy(others[0]))]
    typed = [AsyncPeer(for_sqlalchemy(others[1])), BlockingPeer(workplace.database("load-blocking"))]

    async def ours(conversation: str) -> Sized:
        return (await store.get_thread(conversation)).messages

    sides: dict[str, Side] = {_OURS: _whole(ours, length)}
    for peer in (*plain, *typed):
        for number in range(length // 2):
            await peer.append(_ID, turn(number))
        sides[peer.name] = _whole(peer.load, length)
    timings = await take_turns(sides, rounds=rounds, per_round=per_round, warm_up=2)
    for opened in (store, *plain, *typed):
        await opened.close()
    return Report(
        row="load",
        measures=f"a thread of {length:,} messages, whole, alone in its database",
        timings=timings,
        claims=_claims(timings, typed),
        notes=["keepthread's messages carry metadata, which the peers' do not"],
    )


def _claims(timings: Timings, typed: Sequence[AsyncPeer | BlockingPeer]) -> list[Claim]:
    plain = timings.ratio(_OURS, SqlitePeer.name)
    return [
        Claim(what=f"against {SqlitePeer.name} (plain dicts)", figure=plain, target=at_most(3)),
        *(
            Claim(what=f"against {peer.name} (typed)", figure=timings.ratio(_OURS, peer.name), target=below(1))
            for peer in typed
        ),
        Claim(what=f"against {SqlalchemyPeer.name} (plain dicts)", figure=timings.ratio(_OURS, SqlalchemyPeer.name)),
    ]


def _whole(load: Callable[[str], Awaitable[Sized]], length: int) -> Side:
    async def check() -> None:
        assert len(await load(_ID)) == length

    async def measure() -> float:
        return await seconds(check())

    return measure
