"""Windows: a part of a long conversation, read backwards, and saved without touching the rest (P6, P10)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import pytest

from keepthread.errors import ConflictError, InvalidSetting
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts

ALPHABET = "abcdefghij"


@pytest.mark.asyncio
class WindowContract:
    """What `get_thread(last=…, before=…)` promises, and a save of what it returned."""

    @pytest.mark.parametrize("last", [0, 1, 3, 10, 11, 1_000_000])
    async def test_last_gives_the_last_messages(self, store: ThreadStore, last: int) -> None:
        await talk(store, *ALPHABET)

        window = await store.get_thread("t", last=last)

        assert texts(window) == list(ALPHABET)[-last:] if last else texts(window) == []
        assert window.message_count == 10

    async def test_a_negative_number_of_messages_is_refused(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)

        with pytest.raises(InvalidSetting):
            await store.get_thread("t", last=-1)

    async def test_paging_backwards_sees_every_message_once_while_others_append(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)

        window = await store.get_thread("t", last=3)
        pages = [texts(window)]
        while window.messages:
            await store.append("t", say(f"theirs {len(pages)}"))
            window = await store.get_thread("t", last=3, before=window.messages[0].position)
            pages.append(texts(window))

        assert pages == [["h", "i", "j"], ["e", "f", "g"], ["b", "c", "d"], ["a"], []]

    async def test_before_alone_gives_all_before(self, store: ThreadStore) -> None:
        thread = await talk(store, *ALPHABET)

        assert texts(await store.get_thread("t", before=thread.messages[4].position)) == list("abcd")

    async def test_a_message_added_to_a_window_goes_to_the_end(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)
        await store.append("t", say("theirs"))

        window.add_message(say("k"))
        await store.save_thread(window)

        assert texts(window) == ["i", "j", "theirs", "k"]
        assert await stored(store) == [*ALPHABET, "theirs", "k"]

    async def test_trimming_a_window_removes_nothing_outside(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=4)

        window.messages = window.messages[-1:]
        await store.save_thread(window)

        assert texts(window) == ["j"]
        assert await stored(store) == [*"abcdef", "j"]

    async def test_emptying_a_window_removes_nothing_outside(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=4)
        await store.append("t", say("theirs"))

        window.messages = []
        await store.save_thread(window)

        assert texts(window) == ["theirs"]
        assert await stored(store) == [*"abcdef", "theirs"]

    async def test_an_insertion_at_the_front_of_a_window_goes_right_before_it(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)

        window.messages.insert(0, say("new"))
        await store.save_thread(window)

        assert texts(window) == ["new", "i", "j"]
        assert await stored(store) == [*"abcdefgh", "new", "i", "j"]

    async def test_a_summary_in_place_of_a_window_stays_behind_the_rest(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=3)
        await store.append("t", say("theirs"))

        window.messages = [say("summary")]
        await store.save_thread(window)

        assert texts(window) == ["summary", "theirs"]
        assert await stored(store) == [*"abcdefg", "summary", "theirs"]

    async def test_reversing_a_window_moves_nothing_outside(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=3)

        window.messages = window.messages[::-1]
        await store.save_thread(window)

        assert texts(window) == ["j", "i", "h"]
        assert await stored(store) == [*"abcdefg", "j", "i", "h"]

    async def test_many_insertions_into_a_window_stay_in_order(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)

        for n in range(50):
            window.messages.insert(1, say(f"{n}"))
            await store.save_thread(window)

        expected = ["i", *(f"{n}" for n in reversed(range(50))), "j"]
        assert texts(window) == expected
        assert await stored(store) == [*"abcdefgh", *expected]

    async def test_an_edit_in_a_window_is_an_edit(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)

        window.edit_message("i", content="I")
        await store.save_thread(window)

        assert texts(window) == ["I", "j"]
        assert await stored(store) == [*"abcdefgh", "I", "j"]

    async def test_an_edit_in_a_window_conflicts_like_any_other(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)
        await store.edit_message("t", "i", content="theirs")

        window.edit_message("i", content="mine")
        with pytest.raises(ConflictError):
            await store.save_thread(window)

        assert await stored(store) == [*"abcdefgh", "theirs", "j"]

    async def test_a_title_saved_with_a_window_keeps_every_message(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)

        window.title = "New"
        await store.save_thread(window)

        assert texts(window) == ["i", "j"]
        assert await stored(store) == list(ALPHABET)
        assert (await store.get_thread("t")).title == "New"

    async def test_a_message_saved_with_an_empty_window_keeps_every_message(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=0)

        window.add_message(say("k"))
        window.title = "New"
        await store.save_thread(window)
        window.add_message(say("l"))
        await store.save_thread(window)

        assert texts(window) == ["k", "l"]
        assert await stored(store) == [*ALPHABET, "k", "l"]

    async def test_a_window_of_the_middle_is_trimmed_and_edited_alone(self, store: ThreadStore) -> None:
        thread = await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=3, before=thread.messages[6].position)
        assert texts(window) == ["d", "e", "f"]

        window.messages = [say("new"), *window.messages[1:]]
        window.edit_message("f", content="F")
        await store.save_thread(window)

        assert texts(window) == ["new", "e", "F"]
        assert await stored(store) == [*"abc", "new", "e", "F", *"ghij"]

    async def test_emptying_a_window_of_the_middle_removes_nothing_outside(self, store: ThreadStore) -> None:
        thread = await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=3, before=thread.messages[6].position)

        window.messages = []
        await store.save_thread(window)

        assert texts(window) == []
        assert await stored(store) == [*"abc", *"ghij"]

    async def test_a_window_that_others_emptied_keeps_its_place(self, store: ThreadStore) -> None:
        thread = await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2, before=thread.messages[5].position)
        thread.messages = [*thread.messages[:3], *thread.messages[5:]]
        for n in range(50):
            thread.messages.insert(1, say(f"{n}"))
            await store.save_thread(thread)

        window.messages = [say("new")]
        await store.save_thread(window)

        assert texts(window) == ["new"]
        assert await stored(store) == ["a", *(f"{n}" for n in reversed(range(50))), "b", "c", "new", *"fghij"]

    async def test_a_message_added_to_a_window_of_the_middle_goes_to_the_end(self, store: ThreadStore) -> None:
        thread = await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2, before=thread.messages[5].position)

        window.add_message(say("k"))
        await store.save_thread(window)

        assert texts(window) == ["d", "e", "k"]
        assert await stored(store) == [*ALPHABET, "k"]

    async def test_a_window_saved_again_and_again_stays_a_window(self, store: ThreadStore) -> None:
        await talk(store, *ALPHABET)
        window = await store.get_thread("t", last=2)

        for n in range(3):
            window.add_message(say(f"{n}"))
            window.title = f"{n}"
            await store.save_thread(window)
            window.messages = window.messages[1:]
            await store.save_thread(window)

        assert texts(window) == ["1", "2"]
        assert await stored(store) == [*"abcdefgh", "1", "2"]
