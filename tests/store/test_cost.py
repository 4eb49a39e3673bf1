"""What an operation costs does not grow with the conversation, counted in steps of SQLite's virtual machine (P13)."""

import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any

import pytest

from keepthread.model import Message
from keepthread.model.record import encode
from keepthread.store import operations
from keepthread.store.append import Turn, insert_thread, store_turns
from keepthread.store.backends.jobs import finish
from keepthread.store.backends.sqlite_file import SqliteSettings, open_writer
from keepthread.store.backends.sqlite_place import Place
from keepthread.store.backends.sqlite_tx import SqliteTx

Work = Callable[[SqliteTx], Coroutine[Any, Any, object]]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(open_writer(SqliteSettings(path=None), Place(None), [])) as connection:
        finish(insert_thread(SqliteTx(connection), "default", "t", 0))
        yield connection


def steps(connection: sqlite3.Connection, work: Work) -> int:
    """Run *work* and return how many steps it took."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    finish(work(SqliteTx(connection)))
    connection.set_progress_handler(None, 1)
    return count


def turn(size: int) -> Turn:
    records = tuple(encode(Message(role="user", content="hello")) for _ in range(size))
    return Turn(tenant="default", thread_id="t", records=records, files=(), at=1)


def appending(size: int) -> Work:
    return lambda tx: store_turns(tx, [turn(size)])


def tail(tx: SqliteTx) -> Coroutine[Any, Any, object]:
    return operations.load(tx, tenant="default", thread_id="t", last=40, before=None, source=None)


@pytest.mark.parametrize("work", [appending(3), tail], ids=["append", "tail"])
def test_it_costs_the_same_at_message_100_and_at_message_10_000(connection: sqlite3.Connection, work: Work) -> None:
    finish(appending(100)(SqliteTx(connection)))
    at_100 = steps(connection, work)
    finish(appending(9_900)(SqliteTx(connection)))

    assert steps(connection, work) <= at_100 * 1.05


def test_removed_messages_cost_a_tail_nothing(connection: sqlite3.Connection) -> None:
    finish(appending(40)(SqliteTx(connection)))
    before = steps(connection, tail)
    finish(appending(1_000)(SqliteTx(connection)))
    connection.execute(
        "UPDATE kt_messages SET removed = 1 WHERE position IN (SELECT position FROM kt_messages LIMIT 1000)"
    )

    assert steps(connection, tail) <= before * 1.05
