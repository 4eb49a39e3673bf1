"""Threads as they are kept: read in pieces that fit in memory."""

import pytest

from keepthread.store import ThreadStore, kept
from keepthread.store.kept import BEGINNING, KeptMessage, Place
from keepthread.store.kept_threads import KeptThreads, kept_threads
from keepthread.testing.arrange import say, talk

A_MEGABYTE = 1024 * 1024


async def pieces(threads: KeptThreads, thread_id: str = "t") -> list[list[KeptMessage]]:
    found: list[list[KeptMessage]] = []
    place, is_last = BEGINNING, False
    while not is_last:
        piece = await threads.piece(thread_id, place)
        assert piece is not None
        found.append(piece.messages)
        is_last = piece.is_last
        if piece.messages:
            place = Place(piece.messages[-1].row.removed, piece.messages[-1].row.position)
    return found


async def test_a_piece_ends_where_it_weighs_enough(store: ThreadStore) -> None:
    await talk(store, "small", "also small")
    for number in range(6):
        await store.append("t", say(f"{number}", content="x" * A_MEGABYTE))

    found = await pieces(kept_threads(store))

    assert [len(messages) for messages in found] == [6, 2]


async def test_earlier_versions_weigh_as_well(store: ThreadStore) -> None:
    await talk(store, "a", "b", "c")
    for message_id in "abc":
        for size in (2, 3, 0):
            await store.edit_message("t", message_id, content="x" * size * A_MEGABYTE)

    found = await pieces(kept_threads(store))

    assert [[message.row.id for message in messages] for messages in found] == [["a"], ["b"], ["c"], []]
    assert all(len(message.revisions) == 3 and message.is_sound for messages in found for message in messages)


async def test_a_message_that_alone_weighs_too_much_comes_whole(store: ThreadStore) -> None:
    await store.append("t", [say("huge", content="x" * 9 * A_MEGABYTE), say("small")], create=True)

    found = await pieces(kept_threads(store))

    assert [[message.row.id for message in messages] for messages in found] == [["huge"], ["small"]]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 100])
async def test_every_message_comes_once_whatever_was_taken_out(
    store: ThreadStore, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = await talk(store, *"abcdefgh")
    for _ in range(2):
        thread.messages = [message for index, message in enumerate(thread.messages) if index not in (0, 2)]
        await store.save_thread(thread)
    monkeypatch.setattr(kept, "_MOST_MESSAGES", most)

    found = await pieces(kept_threads(store))

    ids = [message.row.id for messages in found for message in messages]
    assert ids == ["a", "c", "b", "e", "d", "f", "g", "h"]
    assert max(map(len, found)) <= most


async def test_a_tally_is_that_of_its_parts(store: ThreadStore) -> None:
    thread = await talk(store, *"abcdef")
    thread.messages = thread.messages[1:]
    await store.save_thread(thread)
    threads = kept_threads(store)

    whole = await threads.tally("t")
    begin = await threads.tally("t", messages=3)
    assert begin is not None
    rest = await threads.tally("t", begin=begin[1])

    assert (begin[1].messages, begin[1].shown) == (3, 2)
    assert whole == rest


async def test_a_thread_that_is_not_there_has_no_piece_and_no_tally(store: ThreadStore) -> None:
    threads = kept_threads(store)

    assert await threads.piece("t", BEGINNING) is None
    assert await threads.tally("t") is None
