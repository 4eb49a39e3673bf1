"""Building the prompt of a conversation of any length: the window, and the summary of the rest."""

from __future__ import annotations

from bench.measuring import Figure, Side, seconds, take_turns
from bench.report import Claim, Report, at_most
from bench.workload import fill
from bench.workplace import Workplace
from keepthread.conversation import Conversation
from keepthread.retention import persist_conversation
from keepthread.store import ThreadStore

LENGTHS = (100, 10_000)
_POLICIES = {"summary": persist_conversation("agent"), "full": persist_conversation("user")}


async def run(workplace: Workplace) -> Report:
    rounds, per_round = workplace.rounds(9), workplace.size(100)
    short, long = (workplace.size(length) for length in LENGTHS)
    sides: dict[str, Side] = {}
    stores: list[ThreadStore] = []
    first = 0.0
    for length in (short, long):
        store = await ThreadStore.create(workplace.database(f"prompt-{length}"))
        stores.append(store)
        for strategy, policy in _POLICIES.items():
            conversation = await Conversation.open(store, agent="bench", policy=policy)
            if strategy == "summary":
                async with conversation.turn() as turn:
                    await turn.add_user("Hello.")
                await fill(store, conversation.thread_id, length)
                first = await seconds(conversation.build_prompt_input())
            sides[f"{strategy}, N = {length:,}"] = _prompt(conversation)
    timings = await take_turns(sides, rounds=rounds, per_round=per_round, warm_up=5)
    for store in stores:
        await store.close()
    return Report(
        row="prompt",
        measures="conversation.build_prompt_input() of a conversation of N messages",
        timings=timings,
        claims=[
            Claim(
                what=f"{strategy}, N = {long:,} against N = {short:,}",
                figure=timings.ratio(f"{strategy}, N = {long:,}", f"{strategy}, N = {short:,}"),
                target=at_most(1.5),
            )
            for strategy in _POLICIES
        ],
        counts={
            f"the first time, N = {long:,}": Figure(value=first * 1e3, low=first * 1e3, high=first * 1e3, unit="ms")
        },
        notes=["the first time every message is read, a page at once; what is made of them is kept"],
    )


def _prompt(conversation: Conversation) -> Side:
    async def measure() -> float:
        return await seconds(conversation.build_prompt_input())

    return measure
