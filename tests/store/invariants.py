"""What is true of every database that only keepthread wrote to, whatever was done to it."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from keepthread.model.record import digest_of
from keepthread.store.tags import principal_tag, tags_of

Key = tuple[str, str]


def check(path: Path) -> None:
    """Fail if the tables of a SQLite database contradict each other."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        threads = _threads(database)
        _check_counts(database, threads)
        _check_digests(database)
        _check_tags(database, threads)
        _check_owners(database, set(threads))


def _threads(database: sqlite3.Connection) -> dict[Key, tuple[str, str | None, int, int, int]]:
    rows = database.execute(
        "SELECT tenant_id, id, metadata, agent, message_count, next_position, version FROM kt_threads"
    )
    return {(row[0], row[1]): row[2:] for row in rows}


def _check_counts(database: sqlite3.Connection, threads: dict[Key, tuple[str, str | None, int, int, int]]) -> None:
    shown: Counter[Key] = Counter()
    rows = database.execute("SELECT tenant_id, thread_id, removed, position FROM kt_messages")
    for tenant, thread, removed, position in rows:
        _, _, _, next_position, version = threads[tenant, thread]
        shown[tenant, thread] += removed == 0
        assert position < next_position, "a position that may be given again"
        assert 0 <= removed <= version
    assert {key: values[2] for key, values in threads.items()} == {key: shown[key] for key in threads}


def _check_digests(database: sqlite3.Connection) -> None:
    revisions = "SELECT message_id, role, content, extra, digest FROM kt_revisions"
    for message_id, role, content, extra, digest in database.execute(
        f"SELECT id, role, content, extra, digest FROM kt_messages UNION ALL {revisions}"  # noqa: S608 - the line above
    ):
        assert digest == digest_of(message_id, role, content, extra)
        assert extra == json.dumps(json.loads(extra), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _check_tags(database: sqlite3.Connection, threads: dict[Key, tuple[str, str | None, int, int, int]]) -> None:
    carried = set(database.execute("SELECT tenant_id, thread_id, tag FROM kt_thread_tags"))
    principals = database.execute("SELECT tenant_id, thread_id, principal FROM kt_conversations")
    assert carried == {
        (tenant, thread, tag)
        for (tenant, thread), (metadata, agent, *_) in threads.items()
        for tag in tags_of(json.loads(metadata), agent)
    } | {(tenant, thread, principal_tag(name)) for tenant, thread, name in principals if name is not None}


def _check_owners(database: sqlite3.Connection, threads: set[Key]) -> None:
    messages = set(database.execute("SELECT tenant_id, thread_id, id FROM kt_messages"))
    for table in ("kt_revisions", "kt_files"):
        owners = set(database.execute(f"SELECT tenant_id, thread_id, message_id FROM {table}"))  # noqa: S608 - ours
        assert owners <= messages
    assert {(tenant, thread) for tenant, thread, _ in messages} <= threads
    for table in ("kt_turns", "kt_frames", "kt_conversations", "kt_summaries", "kt_copies"):
        assert set(database.execute(f"SELECT tenant_id, thread_id FROM {table}")) <= threads  # noqa: S608 - ours
