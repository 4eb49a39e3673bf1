"""A transaction on a PostgreSQL connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from asyncpg.exceptions import UniqueViolationError

from ..queries import THREAD, VIEW, VIEW_TAIL, Query, ThreadRow, statements  # noqa: TID252 - backends are a room inside store
from .base import Column, DuplicateKey
from .pool import Poolable
from .server import SecondStatement

R = TypeVar("R", bound=tuple[Any, ...])
S = TypeVar("S", bound=tuple[Any, ...])

# Not the second colon of a cast.
_PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")

Values = Mapping[str, Column]


class Connection(Poolable, Protocol):
    """What is used of asyncpg's."""

    async def fetch(self, query: str, *arguments: Any) -> list[Sequence[Any]]:
        """Run one statement and return its rows."""
        ...

    async def execute(self, query: str, *, timeout: float | None = None) -> str:  # noqa: ASYNC109 - the driver's signature
        """Run statements without parameters, and return what the server says of the last one."""
        ...

    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row, in one round trip."""
        ...


class Statement(NamedTuple):
    """A statement with numbered parameters, and what puts values in their order."""

    sql: str
    arguments: Callable[[Mapping[str, Any]], tuple[Any, ...]]


class _Joined(tuple[Any, ...]):
    """A row of two statements in one: the columns of the one, then of the other, and NULL for the one it is not of."""

    __slots__ = ()


THREAD_AND_VIEW = Query("thread_and_view", _Joined)
THREAD_AND_VIEW_TAIL = Query("thread_and_view_tail", _Joined)

_JOINED = {
    (THREAD.name, VIEW.name): (THREAD_AND_VIEW, len(ThreadRow._fields)),
    (THREAD.name, VIEW_TAIL.name): (THREAD_AND_VIEW_TAIL, len(ThreadRow._fields)),
}
"""Statements that are asked for together, and how many columns the first has. Its first column is never NULL."""

_statements: dict[str, Statement] = {}


def statement(query: Query[Any]) -> Statement:
    """Return the statement of *query* as the driver takes it."""
    found = _statements.get(query.name)
    if found is None:
        text = statements("postgres")[query.name]
        names = list(dict.fromkeys(_PARAMETER.findall(text)))
        sql = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", text)
        found = _statements[query.name] = Statement(sql, _arguments(names))
    return found


def _arguments(names: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


class PostgresTx:
    """A transaction on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(self, query: Query[R], /, **values: Column) -> list[R]:
        """See Tx.run."""
        sql, arguments = statement(query)
        try:
            rows = await self._connection.fetch(sql, *arguments(values))
        except UniqueViolationError as error:
            raise DuplicateKey from error
        return list(map(query.make, rows))

    async def run_two(self, first: Query[R], second: Query[S], /, **values: Column) -> tuple[list[R], list[S]]:
        """See Tx.run_two."""
        joined = _JOINED.get((first.name, second.name))
        if joined is None:
            return await self.run(first, **values), await self.run(second, **values)
        query, columns = joined
        firsts: list[R] = []
        seconds: list[S] = []
        for row in await self.run(query, **values):
            if row[0] is None:
                seconds.append(second.make(row[columns:]))
            else:
                firsts.append(first.make(row[:columns]))
        return firsts, seconds

    async def run_many(self, query: Query[Any], rows: Iterable[Values], /) -> None:
        """See Tx.run_many."""
        sql, arguments = statement(query)
        every = list(map(arguments, rows))
        if not every:
            return  # a round trip for nothing
        try:
            await self._connection.executemany(sql, every)
        except UniqueViolationError as error:
            raise DuplicateKey from error


class OneStatementTx(PostgresTx):
    """No transaction: one statement is a snapshot of its own. The second one raises SecondStatement."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._is_used = False

    async def run(self, query: Query[R], /, **values: Column) -> list[R]:
        """See Tx.run."""
        if self._is_used:
            raise SecondStatement
        self._is_used = True
        return await super().run(query, **values)
