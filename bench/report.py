"""What a row found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .measuring import Figure, Timings, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure must reach."""

    relation: Literal["<", "<=", ">="]
    value: float

    def is_met_by(self, value: float) -> bool:
        """Return whether *value* reaches it."""
        if self.relation == "<":
            return value < self.value
        return value <= self.value if self.relation == "<=" else value >= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A figure beside its target."""

    what: str
    figure: Figure
    target: Target | None = None
    """None: told for information."""

    @property
    def verdict(self) -> Literal["PASS", "MISS", ""]:
        """Whether the target is reached."""
        if self.target is None:
            return ""
        return "PASS" if self.target.is_met_by(self.figure.value) else "MISS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one row found."""

    row: str
    measures: str
    """A sentence: what is done, with which N."""
    timings: Timings
    claims: Sequence[Claim]
    unit: Unit = "ms"
    counts: Mapping[str, Figure] = field(default_factory=dict[str, Figure])
    """What was counted beside the timings."""
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def figures(self) -> dict[str, Figure]:
        """What every side took, and what was counted."""
        sides = {side: self.timings.figure(side, unit=self.unit) for side in self.timings.rounds}
        return {**sides, **self.counts}

    @property
    def misses(self) -> int:
        """How many targets were not reached."""
        return sum(claim.verdict == "MISS" for claim in self.claims)


def at_most(value: float) -> Target:
    """Return the target `<= value`."""
    return Target(relation="<=", value=value)


def below(value: float) -> Target:
    """Return the target `< value`."""
    return Target(relation="<", value=value)


def at_least(value: float) -> Target:
    """Return the target `>= value`."""
    return Target(relation=">=", value=value)


def lines(report: Report) -> Iterator[str]:
    """Yield *report* as lines of text."""
    yield f"{report.row}: {report.measures}"
    rounds, per_round = report.timings.shape
    yield f"  {rounds} rounds of {per_round}; in brackets the lowest and the highest round"
    for side, figure in report.figures.items():
        yield f"    {side:<58} {_number(figure)}"
    for claim in report.claims:
        target = f"{claim.target.relation} {claim.target.value:g}" if claim.target else ""
        yield f"  > {claim.what:<58} {_number(claim.figure):<38} {target:<8} {claim.verdict}".rstrip()
    for note in report.notes:
        yield f"  ({note})"


def as_json(report: Report) -> dict[str, Any]:
    """Return *report* as a JSON object, with everything that was measured."""
    return {
        "row": report.row,
        "measures": report.measures,
        "figures": {side: asdict(figure) for side, figure in report.figures.items()},
        "claims": [{**asdict(claim), "verdict": claim.verdict} for claim in report.claims],
        "notes": list(report.notes),
        "measured": report.timings.rounds,
    }


def _number(figure: Figure) -> str:
    digits = 0 if figure.unit in ("turns/s", "pages", "packages") else 2 if figure.unit == "x" else 3
    value = f"{figure.value:9,.{digits}f} {figure.unit}"
    if figure.low == figure.high:
        return value
    return f"{value} ({figure.low:,.{digits}f} .. {figure.high:,.{digits}f})"
