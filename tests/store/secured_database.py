"""A PostgreSQL database with row-level security, as the user of an application sees it: no owner and no superuser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from keepthread.store import ThreadStore

from . import postgres_server

PAGE = Path(__file__).parents[2] / "docs" / "row-level-security.md"
TABLES = ("kt_threads", "kt_messages", "kt_revisions", "kt_thread_tags", "kt_files")


class Secured(NamedTuple):
    """The URLs of one database, for each of those who use it."""

    application: str
    owner: str
    superuser: str


@pytest.fixture(scope="session")
def secured_database() -> Iterator[Secured]:
    with postgres_server.new_user() as owner, postgres_server.new_user() as application:
        with postgres_server.new_database() as url:
            found = Secured(postgres_server.as_user(url, application), postgres_server.as_user(url, owner), url)
            database = urlsplit(url).path.removeprefix("/")
            postgres_server.run(postgres_server.execute(url, f"ALTER DATABASE {database} OWNER TO {owner}"))
            postgres_server.run(_prepare(found, application))
            yield found


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
