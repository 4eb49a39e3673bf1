import asyncio
import json
import os
from pathlib import Path

import pytest

from keepthread import Attachment, FileStore, Message, Thread, ThreadStore
from keepthread.cli.copy import copy
from tests.store import postgres_server
from tests.store.postgres_server import postgres, postgres_database

from .command_line import Ended, Terminal, in_process, keepthread, store_threads, stored_thread

__all__ = ["postgres", "postgres_database"]


def thread(thread_id: str, *texts: str) -> Thread:
    return Thread(id=thread_id, messages=[Message(role="user", content=text) for text in texts])


def copied(*words: str) -> Ended:
    ended = in_process("copy", "chats.db", "other.db", *words)
    assert "Traceback" not in ended.err
    return ended


def test_a_database_is_copied_and_what_came_of_it_is_told(tmp_path: Path, database: Path) -> None:
    store_threads(database, thread("t", "a", "b"), thread("u"))

    ended = keepthread("copy", "chats.db", "other.db", cwd=tmp_path)

    assert (ended.code, ended.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert lines == {
        "from": "chats.db",
        "to": "other.db",
        "threads": "2 copied, 0 updated, 0 there already",
        "messages": "2 copied, with 0 earlier versions",
        "files": "0 copied",
        "state": "0 values copied",
        "source": "2 threads, 2 messages",
        "target": "2 threads, 2 messages",
        "compared": "equal",
    }
    assert [message.content for message in stored_thread(tmp_path / "other.db", "t").messages] == ["a", "b"]


def test_the_json_is_what_the_help_says(database: Path) -> None:
    store_threads(database, thread("t", "a"))

    found = json.loads(copied("--json").out)

    documented = (copy.epilog or "").partition("--json: ")[2]
    assert [name for name in found if name not in documented] == []
    assert (found["complete"], found["copied"], found["messages"], found["problems"]) == (True, 1, 1, [])


def test_a_conflict_is_named_and_ends_with_4(tmp_path: Path, database: Path) -> None:
    store_threads(database, thread("t", "ours"), thread("u"))
    store_threads(tmp_path / "other.db", thread("t", "theirs"))

    ended, found = copied(), json.loads(copied("--json").out)

    assert ended.code == 4
    assert ended.err.startswith("conflict: thread 't' of 'default': ")
    assert "compared  1 problem\n" in ended.out
    assert (found["complete"], found["counts"]) == (False, {"conflict": 1})
    assert found["problems"][0]["thread_id"] == "t"
    assert stored_thread(tmp_path / "other.db", "t").messages[0].content == "theirs"


def test_files_that_no_default_store_takes_are_copied_beside_the_target(tmp_path: Path, database: Path) -> None:
    file = Attachment(filename="clip.mp4", content=b"\x00\x00\x00\x18ftypmp42", mime_type="video/mp4")

    async def attach() -> None:
        async with ThreadStore(database, files=FileStore("films", accept="*")) as store:
            await store.append("t", Message(role="user", content="Look.", attachments=(file,)), create=True)

    asyncio.run(attach())
    ended = copied("--files-from", "films")

    assert (ended.code, ended.err) == (0, "")
    assert "files     1 copied" in ended.out
    attachment = stored_thread(tmp_path / "other.db", "t").messages[0].attachments[0]
    assert asyncio.run(FileStore(tmp_path / "other.db.files").exists("default", attachment.sha256 or ""))


def test_a_server_needs_to_be_told_where_files_go_and_no_password_is_shown(
    tmp_path: Path, database: Path, postgres: str
) -> None:
    url = postgres.replace("postgresql://postgres@", "postgresql+asyncpg://postgres:s3cret@")

    async def attach() -> None:
        async with ThreadStore(database) as store:
            file = Attachment(filename="notes.txt", content=b"Buy milk.")
            await store.append("t", Message(role="user", content="Read.", attachments=(file,)), create=True)

    asyncio.run(attach())
    refused = in_process("copy", "chats.db", url)
    ended = in_process("copy", "chats.db", url, "--files-to", "files", "--json")

    assert (refused.code, "--files-to" in refused.err) == (2, True)
    assert (ended.code, json.loads(ended.out)["files"]) == (0, 1)
    assert "s3cret" not in refused.out + refused.err + ended.out + ended.err
    assert (tmp_path / "files").is_dir()


def test_a_dry_run_makes_nothing(tmp_path: Path, database: Path) -> None:
    store_threads(database, thread("t", "a"))

    ended = copied("--dry-run")

    assert ended.code == 0
    assert "threads   1 to copy" in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["chats.db"]


def test_a_source_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    ended = copied()

    assert (ended.code, ended.out) == (3, "")
    assert "named by FROM" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_in_a_servers_database_without_tables_none_are_made(tmp_path: Path, database: Path) -> None:
    store_threads(database, thread("t", "a"))
    with postgres_server.new_database() as url:
        ended = in_process("copy", url, "other.db")
        rehearsed = in_process("copy", "chats.db", url, "--dry-run")
        tables = postgres_server.run(postgres_server.fetch(url, "SELECT 1 FROM pg_class WHERE relname LIKE 'kt_%'"))

    assert (ended.code, rehearsed.code) == (3, 0)
    assert "no tables of keepthread" in ended.err
    assert "1 to copy" in rehearsed.out
    assert (tables, (tmp_path / "other.db").exists()) == ([], False)


def test_the_same_file_under_another_name_is_refused(database: Path) -> None:
    store_threads(database, thread("t", "a"))

    ended = in_process("copy", "chats.db", "sqlite:///./chats.db")

    assert (ended.code, ended.out) == (2, "")
    assert "same database" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("copy", "memory://", "other.db"),
        ("copy", "chats.db", "sqlite://"),
        ("copy", "chats.db", "oracle://u:s3cret@host/x"),
        ("copy", "chats.db"),
        ("--db", "chats.db", "copy", "chats.db", "other.db"),
        ("--tenant", "acme", "copy", "--all-tenants", "chats.db", "other.db"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_a_usage_error(words: tuple[str, ...], tmp_path: Path, database: Path) -> None:
    store_threads(database)

    ended = in_process(*words)

    assert (ended.code, ended.out) == (2, "")
    assert "s3cret" not in ended.err
    assert not (tmp_path / "other.db").exists()


def test_one_tenant_or_all_of_them(tmp_path: Path, database: Path) -> None:
    for tenant in ("acme", "other"):
        store_threads(database, thread("t", tenant), tenant=tenant)

    one = in_process("--tenant", "acme", "copy", "chats.db", "one.db", "--json")
    every = in_process("copy", "--all-tenants", "chats.db", "every.db", "--json")

    assert (json.loads(one.out)["copied"], "--all-tenants" in one.err) == (1, True)
    assert (json.loads(every.out)["tenants"], every.err) == (2, "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_a_person_at_a_terminal_sees_how_far_it_is(tmp_path: Path, database: Path) -> None:
    store_threads(database, thread("t", *"abc"))

    with Terminal("copy", "chats.db", "other.db", cwd=tmp_path) as terminal:
        code = terminal.end()

    assert code == 0
    assert "3/3" in terminal.seen
