"""`init` and `status`: making a database, and what it says of itself."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

import click

from keepthread.errors import BusyError, InvalidSetting, KeepthreadError, UnavailableError

from .database import Options, Place, check_exists, opened, place_of, run, store_of
from .render import count, print_json, say, size, visible_line
from .tenancy import Wishes

if TYPE_CHECKING:
    from keepthread.store import PoolSettings, StoreStatus

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
  keepthread status --json | jq -e '.reachable and .up_to_date'

\b
It changes nothing, also where a migration is pending or there are no tables yet.
--json: reachable, url, source, dialect, location, engine_version, schema_version, up_to_date, pending, durability,
        pool, tenant, threads, messages, open_turns, size_bytes; where it cannot be reached: reachable, url, source,
        reason, hint
"""

_FIRST_STEP = 1


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
    """Make the database, if it is not there yet.

    A server's database that an earlier version prepared is left to `keepthread migrate`.
    """
    wishes = Wishes(row_level_security=row_level_security, distribute_by=distribute_by)
    place = place_of(options)
    wishes.check(place)
    if place.is_memory:
        raise InvalidSetting("A database in memory cannot be made beforehand.", hint="Name a file with --db.")
    location, created = run(_make(options, wishes))
    if as_json:
        chosen = {"url": place.masked_url, "source": place.source, "location": location, "created": created}
        print_json({**chosen, **wishes.fulfilled()})
        return
    click.echo(visible_line(location))
    say(f"{'Made' if created else 'It was there already'}: {place.named_by}.")
    wishes.tell()


async def _make(options: Options, wishes: Wishes) -> tuple[str, bool]:
    """Return where the database is, and whether it was this command that made its tables."""
    async with opened(options, create=True) as store:
        created = any(step.version == _FIRST_STEP for step in store.applied_migrations)
        await wishes.fulfil(store)
        return (await store.status()).location, created


@click.command(epilog=_STATUS_EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def status(options: Options, *, as_json: bool) -> None:
    """Say which database this is, whether it is well, and how much is in it."""
    place = place_of(options)
    try:
        check_exists(options, place)
        found = replace(run(store_of(options).inspect()), source=place.source)
    except (UnavailableError, BusyError) as error:
        if as_json:
            print_json(_unreachable(place, error))
        raise
    sources = _pool_sources(options)
    if as_json:
        print_json(_object(found, sources))
        return
    for name, value in _lines(found, sources, options).items():
        click.echo(f"{name:<12}{visible_line(value)}")


def _unreachable(place: Place, error: KeepthreadError) -> dict[str, Any]:
    named = {"reachable": False, "url": place.masked_url, "source": place.source}
    return {**named, "reason": error.message, "hint": error.hint}


def _pool_sources(options: Options) -> dict[str, str]:
    """Return what says each setting of the pool: nothing of the environment for a database that it does not name."""
    from keepthread.store.environment import environment, pool_sources

    return pool_sources(environment() if options.db is None else {})


def _object(found: StoreStatus, sources: dict[str, str]) -> dict[str, Any]:
    whole: dict[str, Any] = {"reachable": True}
    for name, value in asdict(found).items():
        if name == "pending":
            whole["up_to_date"] = not value
        whole[name] = value
    if found.pool:
        pool = asdict(found.pool)
        whole["pool"] = {name: {"value": value, "source": sources[name]} for name, value in pool.items()}
    return whole


def _lines(found: StoreStatus, sources: dict[str, str], options: Options) -> dict[str, str]:
    return {
        "database": found.url,
        "named by": found.source,
        "location": found.location,
        "reachable": "yes",
        "engine": f"{found.dialect}, {found.engine_version}",
        "schema": f"version {found.schema_version}, {_schema_state(found, options)}",
        "durability": _durability(found.durability),
        **({"pool": _pool(found.pool, sources)} if found.pool else {}),
        "tenant": found.tenant,
        "threads": f"{found.threads:,}",
        "messages": f"{found.messages:,}",
        "open turns": f"{found.open_turns:,}",
        "size": f"{size(found.size_bytes)} ({count(found.size_bytes, 'byte')})",
    }


def _schema_state(found: StoreStatus, options: Options) -> str:
    if not found.pending:
        return "up to date"
    steps = f"{count(len(found.pending), 'migration')} pending ({', '.join(found.pending)})"
    return f"{steps}: run `{options.command('migrate')}`"


def _durability(found: str) -> str:
    # What is no word of ours are settings of the server.
    return found if found in ("full", "relaxed", "none") else f"given up by the server ({found})"


def _pool(pool: PoolSettings, sources: dict[str, str]) -> str:
    return ", ".join(f"{name} {value:g} ({sources[name]})" for name, value in asdict(pool).items())
