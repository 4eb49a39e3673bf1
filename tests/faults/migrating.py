"""Migrations that stop in the middle, for a test to kill who runs them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg

from keepthread.store.backends import postgres_schema, sqlite_schema
from keepthread.store.migrate import Migration, migrations

from .processes import Line

# 4,000 rows of a kilobyte are more than SQLite keeps in memory: half a step is in its log.
_SQLITE = """
CREATE TABLE kt_second (number INTEGER, noise BLOB);
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 4000)
INSERT INTO kt_second SELECT n, randomblob(1000) FROM counted;
SELECT in_the_middle();
CREATE INDEX kt_second_number ON kt_second (number);
"""
_POSTGRES = """
CREATE TABLE kt_second (number BIGINT, noise TEXT);
INSERT INTO kt_second SELECT n, repeat('x', 1000) FROM generate_series(1, 4000) AS n;
LOCK TABLE kt_gate;
CREATE INDEX kt_second_number ON kt_second (number);
"""


def _second(dialect: str, sql: str) -> Migration:
    return Migration(version=len(migrations(dialect)) + 1, name="made_up", sql=sql, min_reader=1, min_writer=1)


SQLITE = _second("sqlite", _SQLITE)
"""A made-up step that calls `in_the_middle` there."""
POSTGRES = _second("postgres", _POSTGRES)
"""A made-up step that needs the table `kt_gate` for itself there."""


def upgraded_file(path: Path, line: Line | None = None) -> list[Migration]:
    """Apply the step to a file, and with a *line* say so in the middle of it and wait for a word."""

    def stop() -> None:
        if line is not None:
            line.say("in the middle")
            line.hear()

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("in_the_middle", 0, stop)
        return sqlite_schema.upgrade(connection, path, [*migrations("sqlite"), SQLITE])


async def upgraded_server(url: str) -> list[Migration]:
    """Apply the step to a server's database."""
    connection = await asyncpg.connect(url)
    try:
        known = [*migrations("postgres"), POSTGRES]
        return await postgres_schema.upgrade(
            connection, "the server", holder="somebody", allowed=True, seconds=60, known=known
        )
    finally:
        await connection.close()


def upgrade_file(line: Line, path: Path) -> None:
    """The child that a test kills."""
    upgraded_file(path, line)


async def upgrade_server(line: Line, url: str) -> None:
    """The child that a test kills."""
    await upgraded_server(url)
