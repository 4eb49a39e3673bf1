"""A PostgreSQL database with row-level security, as the user of an application sees it: no owner and no superuser."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest

from keepthread.store import ThreadStore

from . import postgres_server

PAGE = Path(__file__).parents[2] / "docs" / "row-level-security.md"
TENANTS = ("mine", "theirs")
TABLES = (
    "kt_threads",
    "kt_messages",
    "kt_revisions",
    "kt_thread_tags",
    "kt_files",
    "kt_copies",
    "kt_turns",
    "kt_frames",
    "kt_states",
    "kt_conversations",
    "kt_summaries",
)


class Secured(NamedTuple):
    """The URLs of one database, for each of those who use it."""

    application: str
    owner: str
    superuser: str


@pytest.fixture(scope="session")
def secured_database() -> Iterator[Secured]:
    with unsecured() as (found, application):
        postgres_server.run(_prepare(found, application))
        yield found


@contextmanager
def unsecured() -> Generator[tuple[Secured, str]]:
    """A new database without row-level security, and the name of the application's user."""
    with (
        postgres_server.new_user() as owner,
        postgres_server.new_user() as application,
        postgres_server.new_database() as url,
    ):
        name = urlsplit(url).path.removeprefix("/")
        postgres_server.run(postgres_server.execute(url, f"ALTER DATABASE {name} OWNER TO {owner}"))
        yield Secured(postgres_server.as_user(url, application), postgres_server.as_user(url, owner), url), application


async def _prepare(database: Secured, application: str) -> None:
    async with ThreadStore(database.owner) as store:
        await store.enable_row_level_security()
    await postgres_server.execute(database.owner, *grants(application))


def grants(application: str) -> list[str]:
    """What our page tells an owner to grant the application's user."""
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return block.replace("TO app;", f"TO {application};").strip().split("\n\n")


@pytest.fixture
def secured(secured_database: Secured) -> str:
    """The URL for the application's user, of a database without a single row."""
    postgres_server.run(postgres_server.empty(secured_database.superuser))
    return secured_database.application


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"SELECT COUNT(*) FROM {table}") for table in TABLES}  # noqa: S608 - ours
