"""Numbered migrations: what a database must have had, and what this one still needs. Nothing here runs SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from keepthread.errors import SchemaError, SchemaTooNewError

_FILE = re.compile(r"^(\d{4})_(\w+)\.sql$")
_OLDEST = re.compile(r"^-- (reader|writer): (\d+)$", re.MULTILINE)


class Applied(NamedTuple):
    """A migration that a database has had, as its table `kt_migrations` says."""

    version: int
    name: str
    checksum: str
    min_writer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema. Once released it is never edited: the next step is a new file."""

    version: int
    name: str
    sql: str
    min_reader: int
    """The oldest schema version that a library may know and still read a database that has had this step."""
    min_writer: int
    """The same for writing."""

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal digits."""
        return sha256(self.sql.encode()).hexdigest()

    @property
    def label(self) -> str:
        """Number and name, as its file has them."""
        return f"{self.version:04}_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What of the tables a database has."""

    version: int
    """Of the last step that it has had; 0 where it has had none."""
    is_new: bool
    """Whether it has had none."""
    pending: list[Migration]
    """The steps that it still needs, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """What a database needs before this version of keepthread can use it."""

    location: str
    """The file or server, with no password."""
    version: int
    """Of the schema that the database has; 0 for a new one."""
    is_new: bool
    """Whether it has had no step at all."""
    steps: list[Migration]
    """In order; [] for a database that is up to date."""
    sql: str
    """What runs them by hand, each in a transaction with its record; "" where there are none."""


@cache
def migrations(dialect: str) -> tuple[Migration, ...]:
    """Return the steps of an engine, in order."""
    found: list[Migration] = []
    for file in files(__spec__.parent).joinpath("migrations", dialect).iterdir():
        if match := _FILE.match(file.name):
            sql = file.read_text(encoding="utf-8")
            oldest = {kind: int(version) for kind, version in _OLDEST.findall(sql)}
            found.append(
                Migration(
                    version=int(match[1]),
                    name=match[2],
                    sql=sql,
                    min_reader=oldest["reader"],
                    min_writer=oldest["writer"],
                )
            )
    return tuple(sorted(found, key=lambda migration: migration.version))


def schema_of(known: Sequence[Migration], applied: Sequence[Applied], location: str) -> Schema:
    """Return what a database that has had *applied* has and needs. For the errors see missing."""
    return Schema(
        version=applied[-1].version if applied else 0,
        is_new=not applied,
        pending=missing(known, applied, location),
    )


def missing(known: Sequence[Migration], applied: Sequence[Applied], location: str) -> list[Migration]:
    """Return the steps that a database still needs, in order.

    Raises:
        SchemaTooNewError: A newer library prepared it, and this one must not write to it any more.
        SchemaError: A step that it has had is not the one that this library knows.
    """
    texts = {migration.version: migration for migration in known}
    newest = known[-1].version
    for step in applied:
        if step.min_writer > newest:
            raise SchemaTooNewError(
                f"{location} was prepared by a newer keepthread (schema {step.version}; this one knows {newest}). "
                "It was not touched.",
                hint="Upgrade with: pip install --upgrade keepthread",
            )
        ours = texts.get(step.version)
        if ours is not None and ours.checksum != step.checksum:
            raise SchemaError(
                f"{location} has had another migration {step.version} ({step.name}) than this keepthread knows. "
                "It was not touched.",
                hint="It was made by a changed or unreleased version; export it there and import it here.",
            )
    had = {step.version for step in applied}
    return [migration for migration in known if migration.version not in had]


def record_sql(migration: Migration, *, now: str, new_id: str) -> str:
    """Return the statements that note a step as applied, and give a new database its id.

    They are text with values, because a person may run them. The values are numbers, a file's name and a checksum.

    Args:
        migration: The step.
        now: The engine's expression for the microseconds since 1970.
        new_id: Its expression for an id that no other database has.
    """
    step = migration
    return f"""\
INSERT INTO kt_migrations (version, name, checksum, min_reader, min_writer, applied_at)
VALUES ({step.version}, '{step.name}', '{step.checksum}', {step.min_reader}, {step.min_writer}, {now});
INSERT INTO kt_meta (name, value)
SELECT 'store_id', {new_id} FROM (SELECT 1) AS one WHERE NOT EXISTS (SELECT 1 FROM kt_meta WHERE name = 'store_id');
"""  # noqa: S608 - see the docstring


def script(steps: Sequence[Migration], *, prepare: str, whole: Callable[[Migration], str]) -> str:
    """Return the text that does by hand what an engine does by itself: *prepare*, then every step."""
    if not steps:
        return ""
    titled = (f"-- Step {step.version}: {step.name}\n-- sha256 {step.checksum}\n{whole(step)}" for step in steps)
    return "\n".join([prepare, *titled])
