"""The pool alone: which connections it lends, and that every one comes back, whatever happens to who waits for it."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from keepthread.errors import BusyError
from keepthread.store import PoolSettings
from keepthread.store.backends.pool import Pool


class Line:
    """A connection to nowhere."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_dead = False

    def is_closed(self) -> bool:
        return self.is_dead

    def terminate(self) -> None:
        self.is_dead = True

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the drivers' signature
        self.is_dead = True


def pool(
    *, size: int = 2, max_overflow: int = 0, timeout_seconds: float = 60, recycle_seconds: float = 300
) -> Pool[Line]:
    numbers = count()

    async def connect() -> Line:
        await asyncio.sleep(0)
        return Line(next(numbers))

    settings = PoolSettings(
        size=size, max_overflow=max_overflow, timeout_seconds=timeout_seconds, recycle_seconds=recycle_seconds
    )
    return Pool(connect, settings, "nowhere")


async def lent_by(lines: Pool[Line]) -> Line:
    async with lines.lend() as line:
        return line


async def test_a_connection_is_lent_again() -> None:
    lines = pool()

    assert [(await lent_by(lines)).number for _ in range(3)] == [0, 0, 0]


async def test_a_connection_that_died_while_nobody_used_it_is_replaced() -> None:
    lines = pool()
    (await lent_by(lines)).terminate()

    assert (await lent_by(lines)).number == 1
    assert lines.lent == 0


async def test_a_connection_that_is_old_is_closed_and_replaced() -> None:
    lines = pool(recycle_seconds=1e-9)
    old = await lent_by(lines)

    assert (await lent_by(lines)).number == 1
    assert old.is_dead
    assert lines.lent == 0


async def test_what_is_beyond_its_size_is_closed_when_it_comes_back() -> None:
    lines = pool(size=1, max_overflow=2)

    async with lines.lend() as kept, lines.lend() as second, lines.lend() as third:
        assert lines.lent == 3

    assert [line.is_dead for line in (third, second, kept)] == [False, True, True]
    assert lines.lent == 0


async def test_who_waits_too_long_is_told_and_the_next_one_is_served() -> None:
    lines = pool(size=1, timeout_seconds=0.001)

    async with lines.lend():
        with pytest.raises(BusyError, match="All 1 connections to nowhere"):
            await lent_by(lines)

    assert (await lent_by(lines)).number == 0
    assert lines.lent == 0


async def test_whoever_waits_first_is_served_first() -> None:
    lines = pool(size=1)
    served: list[int] = []

    async def use(number: int) -> None:
        async with lines.lend():
            served.append(number)

    async with lines.lend():
        waiting = [asyncio.create_task(use(number)) for number in range(3)]
        await asyncio.sleep(0)

    await asyncio.gather(*waiting)
    assert served == [0, 1, 2]


async def test_a_connection_given_to_somebody_who_has_gone_goes_to_the_next() -> None:
    lines = pool(size=1)
    async with lines.lend():
        gone, next_one = (asyncio.create_task(lent_by(lines)) for _ in range(2))
        await asyncio.sleep(0)
    gone.cancel()

    assert (await next_one).number == 0
    assert lines.lent == 0


async def test_the_place_of_a_broken_connection_goes_to_who_waits() -> None:
    lines = pool(size=1)
    async with lines.lend() as broken:
        waiting = asyncio.create_task(lent_by(lines))
        await asyncio.sleep(0)
        broken.terminate()

    assert (await waiting).number == 1
    assert lines.lent == 0


@pytest.mark.parametrize("failure", [TimeoutError, asyncio.CancelledError])
async def test_a_connection_left_in_the_middle_of_something_is_not_lent_again(failure: type[BaseException]) -> None:
    lines = pool()
    line = await lent_by(lines)

    with pytest.raises(failure):
        async with lines.lend():
            raise failure

    assert line.is_dead
    assert (await lent_by(lines)).number == 1


async def test_a_server_that_cannot_be_reached_costs_no_place() -> None:
    async def connect() -> Line:
        raise ConnectionError

    lines = Pool(connect, PoolSettings(size=1, max_overflow=0), "nowhere")

    for _ in range(3):
        with pytest.raises(ConnectionError):
            await lent_by(lines)

    assert lines.lent == 0
