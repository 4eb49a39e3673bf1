"""`init` and `status`: making a database, and what it says of itself."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Literal

import click

from keepthread.errors import InvalidSetting

from .database import Options, opened, place_of, run
from .render import count, print_json, say, size, visible_line
from .tenancy import Wishes

if TYPE_CHECKING:
    from keepthread.store import StoreStatus

_INIT_EXAMPLES = """\b
Examples:
  keepthread init
  keepthread --db ./chats.db init --json
  keepthread --db postgresql://owner@host/chats init --row-level-security
  keepthread --db postgresql://owner@coordinator/chats init --distribute-by tenant

\b
--json: url, source, location, created; row_level_security, distribute_by where they were asked for
"""

_STATUS_EXAMPLES = """\b
Examples:
  keepthread status
  keepthread status --json | jq .messages

\b
--json: url, source, dialect, location, engine_version, schema_version, durability, tenant, threads, messages,
        size_bytes
"""


@click.command(epilog=_INIT_EXAMPLES)
@click.option(
    "--row-level-security",
    is_flag=True,
    help="On PostgreSQL, as the owner: let the server itself show each transaction one tenant's rows.",
)
@click.option(
    "--distribute-by",
    type=click.Choice(["tenant", "thread"]),
    help="On a Citus coordinator, before the first row: spread the tables over the nodes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def init(
    options: Options, *, row_level_security: bool, distribute_by: Literal["tenant", "thread"] | None, as_json: bool
) -> None:
    """Make the database, if it is not there yet. Again, it changes nothing."""
    wishes = Wishes(row_level_security=row_level_security, distribute_by=distribute_by)
    place = place_of(options)
    wishes.check(place)
    if place.is_memory:
        raise InvalidSetting("A database in memory cannot be made beforehand.", hint="Name a file with --db.")
    existed = place.exists
    found = run(_status(options, wishes=wishes))
    if as_json:
        chosen = {"url": found.url, "source": found.source, "location": found.location, "created": not existed}
        print_json({**chosen, **wishes.fulfilled()})
        return
    click.echo(visible_line(found.location))
    say(f"{'It was there already' if existed else 'Made'}: {place.named_by}.")
    wishes.tell()


@click.command(epilog=_STATUS_EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def status(options: Options, *, as_json: bool) -> None:
    """Say which database this is, whether it is well, and how much is in it."""
    found = run(_status(options))
    if as_json:
        print_json(asdict(found))
        return
    for name, value in _lines(found).items():
        click.echo(f"{name:<12}{visible_line(value)}")


async def _status(options: Options, *, wishes: Wishes | None = None) -> StoreStatus:
    """Return what a database says of itself; with *wishes*, make it and fulfil them first."""
    async with opened(options, create=wishes is not None) as store:
        if wishes is not None:
            await wishes.fulfil(store)
        return replace(await store.status(), source=place_of(options).source)


def _lines(found: StoreStatus) -> dict[str, str]:
    return {
        "database": found.url,
        "named by": found.source,
        "location": found.location,
        "engine": f"{found.dialect}, {found.engine_version}",
        "schema": f"version {found.schema_version}",
        "durability": found.durability,
        "tenant": found.tenant,
        "threads": f"{found.threads:,}",
        "messages": f"{found.messages:,}",
        "size": f"{size(found.size_bytes)} ({count(found.size_bytes, 'byte')})",
    }
