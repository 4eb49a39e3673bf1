import json
import sqlite3
from contextlib import closing
from pathlib import Path

from keepthread import Message, Thread

from .command_line import in_process, keepthread, store_threads


def test_init_makes_the_database_and_says_which_and_why(tmp_path: Path) -> None:
    ended = keepthread("init", cwd=tmp_path, KEEPTHREAD_DATABASE_URL="sqlite:///mine.db")

    assert ended.code == 0
    assert ended.out == f"{tmp_path / 'mine.db'}\n"
    assert ended.err == "Made: named by KEEPTHREAD_DATABASE_URL.\n"
    assert (tmp_path / "mine.db").exists()


def test_init_again_changes_nothing(database: Path) -> None:
    store_threads(database, Thread(id="t"))

    ended = in_process("--db", str(database), "init", "--json")

    assert ended.code == 0
    assert json.loads(ended.out) == {
        "url": str(database),
        "source": "--db",
        "location": str(database),
        "created": False,
    }
    assert in_process("--db", str(database), "ls").out.startswith("t\t")


def test_init_tells_that_memory_cannot_be_made() -> None:
    assert in_process("--db", "memory://", "init").code == 2


def test_status_counts_what_is_there(tmp_path: Path, database: Path) -> None:
    store_threads(database, Thread(id="t", messages=[Message(role="user", content="a")] * 1), Thread(id="u"))

    ended = keepthread("--db", "chats.db", "status", "--json", cwd=tmp_path)

    found = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert (found["threads"], found["messages"], found["tenant"]) == (2, 1, "default")
    assert found["location"] == str(database)
    assert found["size_bytes"] > 0
    assert (found["reachable"], found["up_to_date"], found["pending"], found["pool"]) == (True, True, [], None)
    assert list(found) == [
        "reachable",
        "url",
        "source",
        "dialect",
        "location",
        "engine_version",
        "schema_version",
        "up_to_date",
        "pending",
        "durability",
        "pool",
        "tenant",
        "threads",
        "messages",
        "open_turns",
        "size_bytes",
    ]


def test_status_reads_as_lines_for_a_person(database: Path) -> None:
    store_threads(database)

    ended = in_process("--db", str(database), "status")

    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert lines["durability"] == "full"
    assert lines["threads"] == "0"


def test_status_of_an_earlier_versions_file_says_what_is_pending_and_changes_nothing(database: Path) -> None:
    store_threads(database, Thread(id="t", messages=[Message(role="user", content="a")]))
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM kt_migrations WHERE version > 1")
        connection.execute("UPDATE kt_migrations SET version = 0, checksum = ''")
        connection.commit()
    before = {file.name: file.read_bytes() for file in database.parent.iterdir()}

    found = json.loads(in_process("--db", str(database), "status", "--json").out)
    text = in_process("--db", "chats.db", "status").out

    assert (found["schema_version"], found["up_to_date"], found["messages"]) == (0, False, 1)
    assert "pending (0001_log" in text
    assert "): run `keepthread --db chats.db migrate`" in text
    assert {file.name: file.read_bytes() for file in database.parent.iterdir()} == before


def test_status_tells_a_program_that_there_is_no_database() -> None:
    ended = in_process("status", "--json")

    found = json.loads(ended.out)
    assert ended.code == 3
    assert (found["reachable"], found["source"]) == (False, "default")
    assert ended.err.startswith(f"Error: {found['reason']}")
