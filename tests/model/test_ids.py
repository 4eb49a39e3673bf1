import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.model import ids
from keepthread.model.ids import from_microseconds, new_id, now, to_microseconds


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.ns = time.time_ns() + 3600 * 10**9

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    # An hour ahead of every id that another test has made; the ids made here must not stay the greatest.
    clock = Clock()
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(time, "time_ns", clock)
    return clock


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()

    assert str(UUID(made)) == made
    assert (UUID(made).version, UUID(made).variant) == (7, "specified in RFC 4122")


def test_an_id_begins_with_the_time_in_milliseconds(clock: Clock) -> None:
    made = UUID(new_id())

    assert made.int >> 80 == clock.ns // 1_000_000


def test_ids_rise_within_a_millisecond(clock: Clock) -> None:
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_ids_rise_when_the_clock_goes_back(clock: Clock) -> None:
    before = new_id()

    clock.ns -= 3600 * 10**9
    after = [new_id() for _ in range(5000)]

    assert [before, *after] == sorted({before, *after})


def test_ids_rise_with_the_clock(clock: Clock) -> None:
    made: list[str] = []
    for _ in range(1000):
        made.append(new_id())
        clock.ns += 1_000_000

    assert made == sorted(set(made))
    assert [UUID(one).int >> 80 for one in made] == list(
        range(UUID(made[0]).int >> 80, (UUID(made[0]).int >> 80) + 1000)
    )


def test_ids_of_many_threads_are_unique_and_rise_in_each() -> None:
    made: list[list[str]] = [[] for _ in range(8)]

    def make(out: list[str]) -> None:
        out.extend(new_id() for _ in range(2000))

    threads = [threading.Thread(target=make, args=(out,)) for out in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({one for out in made for one in out}) == 8 * 2000
    assert all(out == sorted(out) for out in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_makes_other_ids() -> None:
    program = """
import os
from keepthread.model.ids import new_id
new_id()
if not os.fork():
    print(*[new_id() for _ in range(300)], sep="\\n", flush=True)
    os._exit(0)
os.wait()
print(*[new_id() for _ in range(300)], sep="\\n")
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.split()

    assert len({one[19:] for one in printed}) == 600


def test_now_is_in_utc() -> None:
    assert now().utcoffset() == timedelta()


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=14))])))
def test_a_moment_survives_as_microseconds(moment: datetime) -> None:
    assert from_microseconds(to_microseconds(moment)) == moment


def test_a_naive_moment_is_local_time() -> None:
    moment = datetime(2024, 6, 1, 12, 0, 0, 1)  # noqa: DTZ001 - naive on purpose

    assert from_microseconds(to_microseconds(moment)) == moment.astimezone(UTC)
