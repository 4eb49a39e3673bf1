"""`migrate` on a file: what it does, what it shows, and what it leaves alone."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from keepthread import Thread
from keepthread.store.migrate import migrations

from .command_line import (
    DEADLINE_SECONDS,
    PROGRAM,
    in_process,
    plain_environment,
    say_and_answer,
    store_threads,
    stored_thread,
)

STEPS = [migration.label for migration in migrations("sqlite")]
NEWEST = migrations("sqlite")[-1].version


LIKE_AN_EARLIER_VERSIONS = (
    "DELETE FROM kt_migrations WHERE version > 1",
    "UPDATE kt_migrations SET version = 0, checksum = ''",
)
"""The tables of this version stay, with the record of one step that came before."""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_migrate_makes_a_database_that_is_not_there_and_names_the_steps(database: Path) -> None:
    ended = in_process("--db", str(database), "migrate")

    assert (ended.code, ended.out.splitlines()) == (0, STEPS)
    assert ended.err.startswith(f"Applied {len(STEPS)} migration")
    assert ended.err.endswith(f" to {database}, named by --db: its schema is at version {NEWEST}.\n")
    say_and_answer(str(database))


def test_migrate_again_does_nothing_and_says_so(database: Path) -> None:
    store_threads(database, Thread(id="t"))

    ended = in_process("--db", str(database), "migrate")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith(f"Nothing to do for {database}, named by --db")
    assert stored_thread(database, "t").id == "t"


def test_migrate_as_json(database: Path) -> None:
    first, again = (json.loads(in_process("--db", str(database), "migrate", "--json").out) for _ in range(2))

    assert list(first) == ["url", "source", "location", "schema_version", "applied"]
    assert (first["source"], first["location"], first["schema_version"]) == ("--db", str(database), NEWEST)
    assert [step["name"] for step in first["applied"]] == [migration.name for migration in migrations("sqlite")]
    assert again == {**first, "applied": []}


def test_a_plan_touches_nothing(database: Path) -> None:
    store_threads(database, Thread(id="t"))
    execute(database, *LIKE_AN_EARLIER_VERSIONS)
    before = contents(database.parent)

    ended = in_process("--db", str(database), "migrate", "--plan")

    assert ended.code == 0
    assert "CREATE TABLE kt_threads" in ended.out
    assert contents(database.parent) == before


@pytest.mark.parametrize("is_empty", [False, True], ids=["missing", "empty"])
def test_a_plan_makes_no_file(database: Path, is_empty: bool) -> None:  # noqa: FBT001 - pytest's parameter
    if is_empty:
        database.touch()
    before = contents(database.parent)

    ended = in_process("--db", str(database), "migrate", "--plan")

    assert ended.code == 0
    assert ended.err.endswith("its schema is at version 0. Nothing was changed.\n")
    assert contents(database.parent) == before


def test_a_plan_names_each_step_with_its_checksum(database: Path) -> None:
    ended = in_process("--db", str(database), "migrate", "--plan")

    for migration in migrations("sqlite"):
        assert f"-- Step {migration.version}: {migration.name}\n-- sha256 {migration.checksum}\n" in ended.out


def test_a_plan_that_was_run_by_hand_is_up_to_date(database: Path) -> None:
    plan = in_process("--db", str(database), "migrate", "--plan").out

    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(plan)

    assert json.loads(in_process("--db", str(database), "status", "--json").out)["up_to_date"]
    say_and_answer(str(database))
    assert [message.content for message in stored_thread(database, "t").messages] == ["a", "b"]


def test_two_databases_by_one_plan_are_not_one_database(tmp_path: Path) -> None:
    plan = in_process("--db", "none.db", "migrate", "--plan").out
    found: set[str] = set()

    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.executescript(plan)
            found |= set(connection.execute("SELECT value FROM kt_meta WHERE name = 'store_id'").fetchone())

    assert len(found) == 2


def test_a_database_that_is_up_to_date_has_an_empty_plan(database: Path) -> None:
    store_threads(database)

    text = in_process("--db", str(database), "migrate", "--plan")
    found = json.loads(in_process("--db", str(database), "migrate", "--plan", "--json").out)

    assert (text.code, text.out) == (0, "")
    assert text.err.startswith("Nothing to do")
    assert (found["schema_version"], found["pending"], found["sql"]) == (NEWEST, [], "")


def test_a_plan_as_json_is_the_same_sql(database: Path) -> None:
    text = in_process("--db", str(database), "migrate", "--plan").out
    found = json.loads(in_process("--db", str(database), "migrate", "--plan", "--json").out)

    assert text.endswith(found["sql"])
    assert list(found) == ["url", "source", "location", "schema_version", "pending", "sql"]
    assert [step["checksum"] for step in found["pending"]] == [step.checksum for step in migrations("sqlite")]


@pytest.mark.parametrize("words", [["migrate"], ["migrate", "--plan"], ["init"], ["status"]])
def test_a_newer_schema_is_refused_and_left_alone(database: Path, words: list[str]) -> None:
    store_threads(database)
    execute(database, "INSERT INTO kt_migrations VALUES (999, 'later', '', 999, 999, 0)")
    before = contents(database.parent)

    ended = in_process("--db", str(database), *words)

    assert (ended.code, ended.out) == (4, "")
    assert "newer keepthread" in ended.err
    assert "pip install" in ended.err
    assert contents(database.parent) == before


@pytest.mark.parametrize("words", [["migrate"], ["migrate", "--plan"]])
def test_a_database_of_another_program_is_refused_and_left_alone(database: Path, words: list[str]) -> None:
    execute(database, "CREATE TABLE threads (id)", "CREATE TABLE messages (id)")
    before = contents(database.parent)

    ended = in_process("--db", str(database), *words)

    assert (ended.code, ended.out) == (4, "")
    assert "a database of Narrator" in ended.err
    assert contents(database.parent) == before


def test_memory_needs_no_migration() -> None:
    assert in_process("--db", "memory://", "migrate").code == 2


def test_of_two_that_migrate_a_file_at_once_one_does(database: Path) -> None:
    command = [*PROGRAM, "--db", str(database), "migrate", "--json"]

    both = [
        subprocess.Popen(command, env=plain_environment(), stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)
    ]
    said = [json.loads(process.communicate(timeout=DEADLINE_SECONDS)[0]) for process in both]

    assert sorted(len(found["applied"]) for found in said) == [0, len(STEPS)]
    assert {found["schema_version"] for found in said} == {NEWEST}
