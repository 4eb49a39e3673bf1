"""A transaction on a MySQL or MariaDB connection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from ..queries import Query, statements  # noqa: TID252 - backends are a room inside store
from .base import Column
from .pool import Poolable
from .server import SecondStatement

R = TypeVar("R", bound=tuple[Any, ...])
S = TypeVar("S", bound=tuple[Any, ...])

_PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")
_INSERT = re.compile(r"(INSERT INTO [^()]+\([^()]+\)\s+VALUES )(\([^()]+\))(.*)", re.DOTALL)

_LARGE = 1024 * 1024
"""From so many characters on a text travels beside its statement, where quoting cannot double it: the packets of a
server with its default settings, of 16 MiB, hold a message of 10 MiB of whatever."""
_PIECE = 64 * 1024
"""The characters that a statement for many rows may reach, unless one row has more. A packet holds several."""

Key = tuple[str, ...]
Value = Column | Sequence[Key]
Values = Mapping[str, Value]
Row = Sequence[Any]


class Bound(NamedTuple):
    """A statement with its values in it."""

    sql: bytes
    beside: tuple[str, ...] = ()
    """The texts for its question marks."""

    @property
    def size(self) -> int:
        """In bytes, with all that travels beside it."""
        return len(self.sql) + sum(len(text.encode()) for text in self.beside)


class Connection(Poolable, Protocol):
    """What is used of a connection."""

    async def run(self, *bound: Bound, seconds: float | None = None) -> list[Sequence[Row]]:
        """Run statements one after the other, in as few packets as hold them. Return the rows of those that have any.

        Args:
            bound: The statements.
            seconds: How long each packet may take; None for what is meant for everyday ones.

        Raises:
            DuplicateKey: A row with this key is there already. What stood behind that statement was not run.
            TooLargeError: The server's packets do not hold a statement. It, and what stood behind it, was not run.
        """
        ...


class Statement:
    """One text of SQL, or several that go together, with places for values."""

    def __init__(self, text: str) -> None:
        self._first, *rest = _PARAMETER.split(text)
        self._rest = list(zip(rest[::2], rest[1::2], strict=True))
        insert = _INSERT.fullmatch(text)
        self._insert = insert and (insert[1], Statement(insert[2]), insert[3])

    def bind(self, values: Values) -> Bound:
        """Return the statement with *values* in it."""
        text, beside = self.fill(values)
        return Bound(text.encode(), beside)

    def bind_many(self, rows: Iterable[Values]) -> list[Bound]:
        """Return the statement for all of *rows*: an INSERT has many in it, anything else is there once for each."""
        if self._insert is None:
            return [self.bind(values) for values in rows]
        head, row, tail = self._insert
        bound: list[Bound] = []
        together: list[str] = []
        size = 0
        for values in rows:
            text, beside = row.fill(values)
            if together and (beside or size + len(text) > _PIECE):
                bound.append(Bound(f"{head}{', '.join(together)}{tail}".encode()))
                together, size = [], 0
            if beside:
                bound.append(Bound(f"{head}{text}{tail}".encode(), beside))
            else:
                together.append(text)
                size += len(text)
        if together:
            bound.append(Bound(f"{head}{', '.join(together)}{tail}".encode()))
        return bound

    def fill(self, values: Values) -> tuple[str, tuple[str, ...]]:
        """Return the text with *values* in it, and those that travel beside it."""
        pieces = [self._first]
        beside: list[str] = []
        for name, piece in self._rest:
            value = values[name]
            if isinstance(value, str) and len(value) >= _LARGE:
                beside.append(value)
                pieces.append("?")
            else:
                pieces.append(_literal(value))
            pieces.append(piece)
        return "".join(pieces), tuple(beside)


def _literal(value: Value) -> str:
    if isinstance(value, str):
        # What could end a literal goes as digits: that holds in every sql_mode, where a backslash means now this, now
        # that.
        return f"_utf8mb4 X'{value.encode().hex()}'" if "'" in value or "\\" in value else f"'{value}'"
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    return f"({', '.join([_key(key) for key in value])})"


def _key(key: Key) -> str:
    return f"({', '.join(map(_literal, key))})"


@cache
def statement(query: Query[Any]) -> Statement:
    """Return the statement of *query*."""
    return Statement(statements("mysql")[query.name])


BEGIN = Bound(b"START TRANSACTION")
"""At READ COMMITTED, as every connection is set: a row's lock, and no gap between rows, is what a writer holds."""
BEGIN_SNAPSHOT = Bound(
    b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
)
COMMIT = Bound(b"COMMIT")
ROLLBACK = Bound(b"ROLLBACK")


class MysqlTx:
    """A transaction on one connection. It begins with the first statement, in the same packet."""

    def __init__(self, connection: Connection, begin: Bound) -> None:
        self._connection = connection
        self._begin = [begin]

    async def run(self, query: Query[R], /, **values: Column) -> list[R]:
        """See Tx.run."""
        found = await self._send(statement(query).bind(values))
        return list(map(query.make, found[-1])) if found else []

    async def run_two(self, first: Query[R], second: Query[S], /, **values: Column) -> tuple[list[R], list[S]]:
        """See Tx.run_two."""
        firsts, seconds = await self._send(statement(first).bind(values), statement(second).bind(values))
        return list(map(first.make, firsts)), list(map(second.make, seconds))

    async def run_many(self, query: Query[Any], rows: Iterable[Mapping[str, Column]], /) -> None:
        """See Tx.run_many."""
        bound = statement(query).bind_many(rows)
        if bound:
            await self._send(*bound)

    async def _send(self, *bound: Bound) -> list[Sequence[Row]]:
        begin, self._begin = self._begin, []
        return await self._connection.run(*begin, *bound)


class OnePacketTx(MysqlTx):
    """No transaction beyond one packet: a statement is a snapshot of its own, and two get one. Then SecondStatement."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, BEGIN_SNAPSHOT)
        self._is_used = False

    async def _send(self, *bound: Bound) -> list[Sequence[Row]]:
        if self._is_used:
            raise SecondStatement
        self._is_used = True
        if len(bound) > 1:
            bound = (BEGIN_SNAPSHOT, *bound, COMMIT)
        return await self._connection.run(*bound)
