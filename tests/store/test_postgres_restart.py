"""A PostgreSQL server that goes away in the middle of work, and comes back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored

from .own_server import OwnServer

CONVERSATIONS = 8

WAYS: dict[str, Callable[[OwnServer], None]] = {
    "restarted": lambda server: server.control("restart", "-m", "fast"),
    "crashed": lambda server: server.control("restart", "-m", "immediate"),
    "killed": OwnServer.kill,
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_comes_back_costs_a_stall_and_nothing_else(
    own_server: OwnServer, own_database: str, way: str
) -> None:
    is_over = asyncio.Event()
    begun = [asyncio.Event() for _ in range(CONVERSATIONS)]

    async def converse(store: ThreadStore, name: int) -> list[str]:
        acknowledged: list[str] = []
        for number in itertools.count():
            turn = [f"{name}.{number}.{part}" for part in range(2)]
            await store.append(f"{name}", list(map(say, turn)), create=True)
            acknowledged += turn
            assert (await stored(store, f"{name}"))[-2:] == turn
            if number == 3:
                await store.update_thread(f"{name}", metadata={"asked": number})
                begun[name].set()
            if is_over.is_set():
                return acknowledged
        raise AssertionError

    async with ThreadStore(own_database, timeout_seconds=120) as store:
        async with asyncio.TaskGroup() as group:
            conversations = [group.create_task(converse(store, name)) for name in range(CONVERSATIONS)]
            await asyncio.gather(*(one.wait() for one in begun))
            await asyncio.to_thread(WAYS[way], own_server)
            is_over.set()

        for name, conversation in enumerate(conversations):
            assert await stored(store, f"{name}") == conversation.result()
            assert (await store.get_thread(f"{name}")).metadata == {"asked": 3}
