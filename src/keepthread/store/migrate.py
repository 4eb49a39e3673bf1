"""Numbered migrations: what a database must have had, and what this one still needs. Nothing here runs SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
