"""How full a place is, with several processes at work."""

import pytest

from keepthread.errors import FullError
from keepthread.files.tally import Tally


class Place:
    """What is really stored, also by others, with a clock that counting moves on by one second."""

    def __init__(self, stored: int) -> None:
        self.stored = stored
        self.counts = 0
        self.time = 0.0

    def count(self) -> int:
        self.counts += 1
        self.time += 1
        return self.stored

    def tally(self, limit: int | None) -> Tally:
        return Tally(limit, self.count, clock=lambda: self.time)


def test_counts_once_for_many_files() -> None:
    place = Place(stored=10)
    tally = place.tally(100)

    for _ in range(5):
        tally.take(10)
        tally.settle(10, 10)

    assert place.counts == 1


def test_never_counts_without_a_limit() -> None:
    place = Place(stored=10)

    place.tally(None).take(1_000)

    assert place.counts == 0


def test_files_that_are_being_written_count() -> None:
    tally = Place(stored=0).tally(100)
    tally.take(60)

    with pytest.raises(FullError):
        tally.take(60)


def test_a_write_that_failed_gives_its_room_back() -> None:
    tally = Place(stored=0).tally(100)
    tally.take(60)
    tally.settle(60, 0)

    tally.take(100)


def test_what_was_removed_makes_room() -> None:
    place = Place(stored=100)
    tally = place.tally(100)
    tally.take(0)
    tally.lose(50)

    tally.take(50)

    assert place.counts == 1


def test_what_others_removed_is_seen_when_the_place_seems_full() -> None:
    place = Place(stored=100)
    tally = place.tally(100)
    with pytest.raises(FullError):
        tally.take(50)

    place.stored = 0
    place.time += 20
    tally.take(50)

    assert place.counts == 2


def test_a_full_place_is_not_counted_for_every_file() -> None:
    place = Place(stored=100)
    tally = place.tally(100)

    for _ in range(20):
        with pytest.raises(FullError):
            tally.take(1)

    assert place.counts == 1
