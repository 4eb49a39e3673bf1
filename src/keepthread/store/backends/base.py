"""What an engine must do for the store: run named statements in a transaction. The rest is written once, above it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from keepthread.errors import InvalidSetting

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..queries import Query  # noqa: TID252 - as above
from ..turn import Appended, Turn  # noqa: TID252 - as above
from .pool import PoolSettings

R = TypeVar("R", bound=tuple[Any, ...])
S = TypeVar("S", bound=tuple[Any, ...])
T = TypeVar("T")
Item = TypeVar("Item")

Column = str | int | bytes | None

DistributedBy = Literal["tenant", "thread"]
"""What tells on which node of a cluster a row is."""


class Tx(Protocol):
    """A transaction, as an operation sees it."""

    async def run(self, query: Query[R], /, **values: Column) -> list[R]:
        """Run one statement and return its rows, in its order.

        Raises:
            DuplicateKey: A row with this key is there already.
        """
        ...

    async def run_two(self, first: Query[R], second: Query[S], /, **values: Column) -> tuple[list[R], list[S]]:
        """Run two statements of which neither needs the other's rows. An engine with a server asks it once."""
        ...

    async def run_many(self, query: Query[Any], rows: Iterable[Mapping[str, Column]], /) -> None:
        """Run one statement once for each of *rows*."""
        ...


Operation = Callable[[Tx], Coroutine[Any, Any, T]]
"""A piece of the domain. It may be run again from the start: it changes none of its inputs and awaits only *tx*."""


ManyOperation = Callable[[Tx, Sequence[Item]], Coroutine[Any, Any, list[T]]]
"""An operation on several items at once: one outcome for each, in their order."""


class DuplicateKey(Exception):  # no error: an answer that the domain turns into an outcome
    """A row with this key is there already. It never leaves the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What an engine says of itself."""

    dialect: str
    location: str
    """The file or server, with no password; "memory" for memory."""
    engine_version: str
    size_bytes: int
    """On disk, or in memory."""
    durability: str
    pool: PoolSettings | None = None
    """How many connections it may have; None for an engine without a server."""


class Backend(ABC):
    """One database. Its methods may be called from any event loop and any thread.

    Opening one makes or checks its tables, unless its settings say `as_it_is`: then nothing of the database is changed,
    and only `schema`, `script`, `facts` and `read` are for use.
    """

    @abstractmethod
    async def read(self, operation: Operation[T]) -> T:
        """Run *operation* on one snapshot of the database. It sees every write that returned before."""

    @abstractmethod
    async def write(self, operation: Operation[T]) -> T:
        """Run *operation* and return its result once it is durable, all of it or none.

        Writes that wait at the same time share a transaction, each with its own outcome. A caller that is cancelled
        leaves the write done or not done, never half.

        Raises:
            BusyError, UnavailableError, FullError, CorruptError: Nothing was written, except after UnavailableError,
            where
                it is unknown.
            DuplicateKey: From the operation itself. Nothing was written.
        """

    @abstractmethod
    async def append_turn(self, turn: Turn, store: ManyOperation[Turn, Appended | None]) -> Appended | None:
        """Store *turn* if its thread is there, else return None. The hot path, like `write` in all it promises.

        Turns that wait at the same time are stored together, each with its own outcome: no caller gets another one's
        error. *store* does it by the statements of every engine; an engine may have better ones.

        Raises:
            DuplicateKey: A message id of the turn is there already. Nothing of it was written.
        """

    async def enable_row_level_security(self) -> None:
        """Let the server itself keep tenants apart. See ThreadStore.enable_row_level_security.

        Raises:
            InvalidSetting: This engine has nothing of the kind.
        """
        raise InvalidSetting(
            "Row-level security is PostgreSQL's, and this database is on another engine.",
            hint="Here `for_tenant` keeps tenants apart, as it does everywhere.",
        )

    async def distribute(self, by: DistributedBy) -> None:  # noqa: ARG002 - for those that can
        """Spread the tables over the nodes of a cluster. See ThreadStore.distribute.

        Raises:
            InvalidSetting: This engine has no cluster that has to be told.
        """
        raise InvalidSetting(
            "Only PostgreSQL with Citus has tables to distribute, and this database is on another engine.",
            hint="A cluster that spreads its rows by itself needs no such call.",
        )

    @abstractmethod
    async def facts(self) -> EngineFacts:
        """Return what the engine says of itself."""

    @property
    @abstractmethod
    def applied(self) -> list[Migration]:
        """The steps that opening the database applied, in order."""

    @abstractmethod
    async def schema(self) -> Schema:
        """Return what of the tables the database has, without changing it: none of a file that is not there.

        Raises:
            SchemaTooNewError, SchemaError: It is a newer version's, or not ours.
        """

    @abstractmethod
    def script(self, steps: Sequence[Migration]) -> str:
        """Return the SQL that applies *steps* and records them, for somebody who runs it by hand."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was begun and give up every connection and thread. Closing twice is allowed."""

    @property
    @abstractmethod
    def is_lasting(self) -> bool:
        """Whether the data outlives the process."""

    @property
    @abstractmethod
    def default_files(self) -> str | None:
        """Where attachments go if nothing else is said: a folder, "" for memory, None for nowhere."""
