"""What `init` can ask of a PostgreSQL server for many tenants: policies on the rows, and tables on many nodes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from keepthread.errors import InvalidSetting

from .database import Place
from .render import say

if TYPE_CHECKING:
    from keepthread.store import ThreadStore

_SECURED = """\
Row-level security is on, also for the owner of the tables. Open every running store again: until then it finds no rows.
It holds for users who are no superuser, have no BYPASSRLS and do not own the tables: let the application be one."""

_DISTRIBUTED = {
    "tenant": "Distributed by tenant: all rows of a tenant are on one node.",
    "thread": """\
Distributed by thread. What concerns one thread goes to one node; lists, counts, `status` and the look before a file's
bytes are removed ask every node, and see each of them at a moment of its own.""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for beside the tables."""

    row_level_security: bool
    distribute_by: Literal["tenant", "thread"] | None

    def check(self, place: Place) -> None:
        """Refuse before anything is made.

        Raises:
            InvalidSetting: The database is none of PostgreSQL's.
        """
        asked = {"--row-level-security": self.row_level_security, "--distribute-by": self.distribute_by is not None}
        for option, is_asked in asked.items():
            if is_asked and place.dialect != "postgres":
                raise InvalidSetting(
                    f"{option} is for a PostgreSQL server, and the database is none, {place.named_by}.",
                    hint="Name one with --db postgresql://user:password@host/database.",
                )

    async def fulfil(self, store: ThreadStore) -> None:
        """Do it. The tables first: a policy goes with its table to every node."""
        if self.distribute_by is not None:
            await store.distribute(self.distribute_by)
        if self.row_level_security:
            await store.enable_row_level_security()

    def fulfilled(self) -> dict[str, object]:
        """Return what was done, for programs."""
        return {name: value for name, value in asdict(self).items() if value}

    def tell(self) -> None:
        """Say what was done, and what it means."""
        if self.distribute_by is not None:
            say(_DISTRIBUTED[self.distribute_by])
        if self.row_level_security:
            say(_SECURED)
