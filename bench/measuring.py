"""Measuring fairly: everything that is compared takes turns in one run, and is told by medians. Nothing here prints."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Unit = Literal["ms", "x", "turns/s", "pages", "packages"]

Side = Callable[[], Awaitable[float]]
"""One measurement of one side: it prepares what it needs, and returns the seconds, or the rate, of what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured number, and the lowest and highest that a round gave."""

    value: float
    low: float
    high: float
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """What every side gave, by its name: a list for each round."""

    rounds: Mapping[str, Sequence[Sequence[float]]]

    @property
    def shape(self) -> tuple[int, int]:
        """How many rounds there were, and how many measurements of each side in one."""
        some = next(iter(self.rounds.values()))
        return len(some), len(some[0])

    def figure(self, side: str, *, unit: Unit = "ms") -> Figure:
        """Return the median of all that *side* gave, and the range of the rounds' medians. Seconds are told as ms."""
        scale = 1000.0 if unit == "ms" else 1.0
        every = [value * scale for values in self.rounds[side] for value in values]
        return _figure(median(every), [value * scale for value in self._medians(side)], unit)

    def ratio(self, side: str, other: str) -> Figure:
        """Return how many times *other* is contained in *side*: the median of what each round says, and their range.

        Comparing inside a round takes out what changes between rounds, which on a shared machine is most.
        """
        pairs = zip(self._medians(side), self._medians(other), strict=True)
        ratios = [mine / theirs for mine, theirs in pairs]
        return _figure(median(ratios), ratios, "x")

    def difference(self, side: str, other: str) -> Figure:
        """Return by how many milliseconds *side* is above *other*, round by round as in `ratio`."""
        pairs = zip(self._medians(side), self._medians(other), strict=True)
        differences = [(mine - theirs) * 1000 for mine, theirs in pairs]
        return _figure(median(differences), differences, "ms")

    def _medians(self, side: str) -> list[float]:
        return [median(values) for values in self.rounds[side]]


async def take_turns(sides: Mapping[str, Side], *, rounds: int, per_round: int, warm_up: int = 1) -> Timings:
    """Measure every side *per_round* times in each round, one after the other, and each second time in reverse order.

    Reversing takes out what one side leaves to the next, in caches and on the disk. *warm_up* passes are not counted.
    """
    for _ in range(warm_up):
        for measure in sides.values():
            await measure()
    measured: dict[str, list[list[float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for values in measured.values():
            values.append([])
        for repetition in range(per_round):
            names = list(sides)
            for name in names if repetition % 2 == 0 else reversed(names):
                measured[name][-1].append(await sides[name]())
    return Timings(rounds=measured)


async def seconds(work: Awaitable[object]) -> float:
    """Return how long *work* takes."""
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


def counted(value: float, unit: Unit) -> Figure:
    """Return a number that was counted, and has no spread."""
    return Figure(value=value, low=value, high=value, unit=unit)


def _figure(value: float, rounds: Sequence[float], unit: Unit) -> Figure:
    return Figure(value=value, low=min(rounds), high=max(rounds), unit=unit)
