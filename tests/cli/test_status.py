import json
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
    assert list(found) == [
        "url",
        "source",
        "dialect",
        "location",
        "engine_version",
        "schema_version",
        "durability",
        "tenant",
        "threads",
        "messages",
        "size_bytes",
    ]


def test_status_reads_as_lines_for_a_person(database: Path) -> None:
    store_threads(database)

    ended = in_process("--db", str(database), "status")

    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert lines["durability"] == "full"
    assert lines["threads"] == "0"
