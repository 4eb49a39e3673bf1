"""`migrate`: bringing a database's tables up to date, or showing how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keepthread.errors import InvalidSetting

from .database import Options, Place, place_of, run, store_of
from .render import count, print_json, say, visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keepthread.store import Migration, MigrationPlan, StoreStatus

_EXAMPLES = """\b
Examples:
  keepthread migrate
  keepthread migrate --plan > plan.sql    for a DBA, who runs it with psql or sqlite3
  keepthread migrate --json | jq -r '.applied[].name'

\b
Prints number and name of each step that it applied, a line each; doing it again does nothing.
--json: url, source, location, schema_version, applied: [version, name, checksum]
--plan --json: url, source, location, schema_version, pending: [version, name, checksum], sql
"""


@click.command(epilog=_EXAMPLES)
@click.option("--plan", "only_plan", is_flag=True, help="Print the SQL that would be run, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def migrate(options: Options, *, only_plan: bool, as_json: bool) -> None:
    """Make the database's tables, or bring them up to date.

    Back the database up before. A file is copied by this command, to FILE.before-VERSION.
    """
    place = place_of(options)
    if place.is_memory:
        raise InvalidSetting("A database in memory needs no migration.", hint="Name another one with --db.")
    if only_plan:
        _show(run(store_of(options).plan_migration()), place, as_json=as_json)
        return
    applied, found = run(_apply(options))
    if as_json:
        outcome = {"schema_version": found.schema_version, "applied": _steps(applied)}
        print_json({**_named(place, found.location), **outcome})
        return
    for step in applied:
        click.echo(step.label)
    done = f"Applied {count(len(applied), 'migration')} to" if applied else "Nothing to do for"
    say(f"{done} {found.location}, {place.named_by}: its schema is at version {found.schema_version}.")


async def _apply(options: Options) -> tuple[list[Migration], StoreStatus]:
    async with store_of(options, migrate=True) as store:
        return store.applied_migrations, await store.status()


def _show(plan: MigrationPlan, place: Place, *, as_json: bool) -> None:
    if as_json:
        pending = {"schema_version": plan.version, "pending": _steps(plan.steps), "sql": plan.sql}
        print_json({**_named(place, plan.location), **pending})
        return
    if plan.steps:
        click.echo(f"-- {visible_line(plan.location)}, from schema {plan.version} to {plan.steps[-1].version}.")
        click.echo(plan.sql, nl=False)
    pending = f"{count(len(plan.steps), 'migration')} for" if plan.steps else "Nothing to do for"
    say(f"{pending} {plan.location}, {place.named_by}: its schema is at version {plan.version}. Nothing was changed.")


def _named(place: Place, location: str) -> dict[str, str]:
    return {"url": place.masked_url, "source": place.source, "location": location}


def _steps(migrations: Sequence[Migration]) -> list[dict[str, Any]]:
    return [{"version": step.version, "name": step.name, "checksum": step.checksum} for step in migrations]
