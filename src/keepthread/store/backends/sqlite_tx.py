"""A transaction on a SQLite connection."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from ..queries import Query, statements  # noqa: TID252 - backends are a room inside store
from .base import Column, DuplicateKey

R = TypeVar("R", bound=tuple[Any, ...])
S = TypeVar("S", bound=tuple[Any, ...])

_PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")

Values = Mapping[str, Column]


class _Statement(NamedTuple):
    """A statement with numbered parameters, which SQLite binds in a third of the time of named ones."""

    sql: str
    arguments: Callable[[Values], tuple[Column, ...]]


_statements: dict[str, _Statement] = {}


def _statement(query: Query[Any]) -> _Statement:
    found = _statements.get(query.name)
    if found is None:
        text = statements("sqlite")[query.name]
        names = list(dict.fromkeys(_PARAMETER.findall(text)))
        sql = _PARAMETER.sub(lambda match: f"?{names.index(match[1]) + 1}", text)
        found = _statements[query.name] = _Statement(sql, _arguments(names))
    return found


def _arguments(names: list[str]) -> Callable[[Values], tuple[Column, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


class SqliteTx:
    """A transaction on one connection. Its methods never really wait; see jobs.finish."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(self, query: Query[R], /, **values: Column) -> list[R]:
        """See Tx.run."""
        sql, arguments = _statement(query)
        try:
            rows = self._connection.execute(sql, arguments(values)).fetchall()
        except sqlite3.IntegrityError as error:
            raise DuplicateKey from error
        return list(map(query.make, rows))

    async def run_two(self, first: Query[R], second: Query[S], /, **values: Column) -> tuple[list[R], list[S]]:
        """See Tx.run_two."""
        return await self.run(first, **values), await self.run(second, **values)

    async def run_many(self, query: Query[Any], rows: Iterable[Values], /) -> None:
        """See Tx.run_many."""
        sql, arguments = _statement(query)
        try:
            self._connection.executemany(sql, map(arguments, rows))
        except sqlite3.IntegrityError as error:
            raise DuplicateKey from error
