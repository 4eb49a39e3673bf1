"""Every statement: used, described, and understood by its engine. What it may do stands in test_schema_rules.py."""

import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from keepthread import store
from keepthread.store.backends.jobs import finish
from keepthread.store.backends.sqlite_file import SqliteSettings, open_writer
from keepthread.store.backends.sqlite_place import Place
from keepthread.store.backends.sqlite_tx import SqliteTx
from keepthread.store.queries import Query, statements

FOLDER = Path(store.__file__).parent
DIALECTS = sorted(path.name for path in (FOLDER / "migrations").iterdir() if path.is_dir())
PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")

OBVIOUS = {
    "delete_thread",
    "delete_messages",
    "delete_revisions",
    "delete_files",
    "insert_tag",
    "delete_tag",
    "insert_meta",
    "insert_turn",
    "delete_turn",
    "delete_frame",
    "delete_frames",
    "delete_message_files",
    "delete_thread_turns",
    "delete_thread_frames",
    "insert_state",
    "delete_thread_states",
    "insert_conversation",
    "delete_conversation",
    "move_messages",
    "move_revisions",
    "move_files",
    "move_turns",
    "move_frames",
    "move_summaries",
    "insert_summary",
    "delete_summary",
    "delete_summaries",
    "move_states",
    "insert_copy_mark",
    "delete_copy_mark",
}
"""Statements that say all there is to say."""


def _constants() -> dict[str, Query[Any]]:
    """Every query by the name of its constant, wherever it is defined."""
    found: dict[str, Query[Any]] = {}
    for module in pkgutil.walk_packages(store.__path__, f"{store.__name__}."):
        values: dict[str, object] = vars(import_module(module.name))
        found |= {name: value for name, value in values.items() if isinstance(value, Query)}
    return found


CONSTANTS = _constants()
NAMED = {query.name: query for query in CONSTANTS.values()}

SMALL = {"insert_file", "file_users", "count_tag", "database_bytes", "meta", "any_file", "kept_page", "hides_tenants"}
"""Statements that go through a constant, a subquery that is bounded, or a table of a few rows."""

CASES = [(dialect, name) for dialect in DIALECTS for name in statements(dialect)]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(open_writer(SqliteSettings(path=None), Place(None), [])) as connection:
        yield connection


def test_every_statement_has_its_query_and_every_query_its_statement() -> None:
    assert {name for _, name in CASES} == set(NAMED)


def test_every_query_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py"))
    unused = [name for name in CONSTANTS if not re.search(rf"\b{name}\b(?! = )", code)]

    assert unused == []


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("sql/**/*.sql")), ids=lambda path: path.name)
def test_every_statement_says_what_it_is_for(path: Path) -> None:
    _, *pieces = re.split(r"^-- name: (\w+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)

    undescribed = {name for name, text in zip(pieces[::2], pieces[1::2], strict=True) if not text.startswith("-- ")}

    assert undescribed <= OBVIOUS


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_no_value_is_pasted(dialect: str, name: str) -> None:
    assert not re.search(r"%s|\{|\?", statements(dialect)[name])


@pytest.mark.parametrize("name", sorted(statements("sqlite")))
def test_every_statement_runs_on_sqlite(database: sqlite3.Connection, name: str) -> None:
    names = dict.fromkeys(PARAMETER.findall(statements("sqlite")[name]))
    values = {parameter: 1 if parameter in ("limit", "walk") else f"{name} {parameter}" for parameter in names}
    database.execute("BEGIN")

    try:
        rows = finish(SqliteTx(database).run(NAMED[name], **values))
        plan = database.execute(f"EXPLAIN QUERY PLAN {statements('sqlite')[name]}", values).fetchall()
    finally:
        database.execute("ROLLBACK")

    assert all(len(row) == len(type(row)._fields) for row in rows)  # type: ignore[attr-defined] - every row is a NamedTuple
    # "p" is a page that was cut to its limit before.
    walks = [step[-1] for step in plan if step[-1].startswith("SCAN ") and step[-1] != "SCAN p"]
    assert not walks or name in SMALL, f"it reads a whole table: {walks}"


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect != "sqlite"])
def test_another_engines_text_takes_the_same_parameters(dialect: str) -> None:
    for name in statements(dialect).keys() & statements("sqlite").keys():
        text = statements(dialect)[name]
        assert set(PARAMETER.findall(text)) == set(PARAMETER.findall(statements("sqlite")[name])), name
