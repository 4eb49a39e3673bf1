"""History: nothing is overwritten by an edit or a trim, and nothing survives a deletion (P10)."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

import asyncio

import pytest

from keepthread.errors import InvalidMessage, MessageNotFound, ThreadNotFound
from keepthread.model import HistoryEntry, Usage
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts


def _seen(entries: list[HistoryEntry]) -> list[tuple[str, int, bool, bool]]:
    return [(entry.message.text, entry.revision, entry.current, entry.removed_in is not None) for entry in entries]


@pytest.mark.asyncio
class HistoryContract:
    """What `history`, `edit_message` and `delete_thread` promise."""

    async def test_an_untouched_thread_is_its_own_history(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")

        entries = await store.history("t")

        assert [entry.message for entry in entries] == thread.messages
        assert _seen(entries) == [("a", 0, True, False), ("b", 0, True, False)]

    async def test_every_version_of_an_edited_message_is_kept_in_order(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")

        await store.edit_message("t", "a", content="A")
        await store.edit_message("t", "a", content="AA", metadata={"k": 1})
        await store.save_thread(thread)
        thread = await store.get_thread("t")
        thread.edit_message("a", content="AAA")
        await store.save_thread(thread)

        assert await stored(store) == ["AAA", "b"]
        assert _seen(await store.history("t")) == [
            ("a", 0, False, False),
            ("A", 1, False, False),
            ("AA", 2, False, False),
            ("AAA", 3, True, False),
            ("b", 0, True, False),
        ]
        assert (await store.history("t"))[2].message.metadata == {"k": 1}

    async def test_what_was_taken_out_of_the_view_is_kept_and_says_when(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", "c")
        await store.edit_message("t", "a", content="A")
        thread = await store.get_thread("t")

        thread.messages = thread.messages[2:]
        await store.save_thread(thread)

        entries = await store.history("t")
        assert sorted(_seen(entries)) == [
            ("A", 1, True, True),
            ("a", 0, False, True),
            ("b", 0, True, True),
            ("c", 0, True, False),
        ]
        assert {entry.removed_in for entry in entries} == {None, thread.version}

    async def test_a_position_is_never_given_again(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", "c")
        removed = thread.messages[2]
        thread.messages = thread.messages[:1]
        await store.save_thread(thread)

        (appended,) = await store.append("t", say("d"))
        thread.messages = thread.messages[:1]
        thread.add_message(say("e"))
        await store.save_thread(thread)

        assert [entry.message.text for entry in await store.history("t")] == ["a", "b", "c", "d", "e"]
        assert (removed.position or 0) < (appended.position or 0) < (thread.messages[-1].position or 0)

    async def test_history_stays_in_order_however_many_insertions_there_are(self, store: ThreadStore) -> None:
        thread = await talk(store, "first", "middle", "last")
        thread.messages.pop(1)
        await store.save_thread(thread)

        for n in range(50):
            thread.messages.insert(1, say(f"{n}"))
            await store.save_thread(thread)

        said = [entry.message.text for entry in await store.history("t")]
        assert [text for text in said if text in ("first", "middle", "last")] == ["first", "middle", "last"]

    async def test_what_was_put_back_is_shown_again(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", "c")
        original = list(thread.messages)
        thread.messages = original[1:]
        await store.save_thread(thread)

        thread.messages = original
        await store.save_thread(thread)

        assert _seen(await store.history("t")) == [(text, 0, True, False) for text in "abc"]

    async def test_an_edit_of_many_fields_is_one_revision(self, store: ThreadStore) -> None:
        await talk(store, "a")

        edited = await store.edit_message("t", "a", content="A", name="Ann", usage=Usage(input_tokens=1))

        message = await store.get_message("t", "a")
        assert edited == message
        assert (message.content, message.name, message.usage) == ("A", "Ann", Usage(input_tokens=1))
        assert [entry.revision for entry in await store.history("t")] == [0, 1]

    async def test_an_edited_message_keeps_id_place_and_time(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", "c")

        edited = await store.edit_message("t", "b", content="B")

        before = thread.messages[1]
        assert (edited.id, edited.role, edited.position, edited.created_at) == (
            *(before.id, before.role, before.position, before.created_at),
        )
        assert await stored(store) == ["a", "B", "c"]

    async def test_an_edit_drops_the_providers_own_form(self, store: ThreadStore) -> None:
        await store.append("t", say("a", provider={"openai": {"role": "user", "content": "a"}}), create=True)

        edited = await store.edit_message("t", "a", content="A")

        assert edited.provider == (await store.get_message("t", "a")).provider == {}

    async def test_an_edit_to_the_same_writes_nothing(self, store: ThreadStore) -> None:
        before = await talk(store, "a")

        await store.edit_message("t", "a", content="a")

        assert (await store.get_thread("t")).version == before.version
        assert len(await store.history("t")) == 1

    async def test_an_edit_counts_as_a_change_of_the_thread(self, store: ThreadStore) -> None:
        before = await talk(store, "a")

        await store.edit_message("t", "a", content="A")

        after = await store.get_thread("t")
        assert after.version == before.version + 1
        assert after.updated_at > before.updated_at
        assert after.message_count == 1

    async def test_edits_of_different_fields_at_once_both_count(self, store: ThreadStore) -> None:
        await talk(store, "a")

        await asyncio.gather(store.edit_message("t", "a", content="A"), store.edit_message("t", "a", metadata={"k": 1}))

        message = await store.get_message("t", "a")
        assert (message.content, message.metadata) == ("A", {"k": 1})

    async def test_what_is_not_there_cannot_be_edited(self, store: ThreadStore) -> None:
        with pytest.raises(ThreadNotFound):
            await store.edit_message("t", "a", content="A")
        await talk(store, "a")
        with pytest.raises(MessageNotFound):
            await store.edit_message("t", "b", content="B")

    @pytest.mark.parametrize(
        "changes", [{"id": "b"}, {"role": "tool"}, {"position": 1}, {"unknown": 1}, {"content": 1}]
    )
    async def test_what_makes_a_message_what_it_is_cannot_be_edited(
        self, store: ThreadStore, changes: dict[str, object]
    ) -> None:
        before = await talk(store, "a")

        with pytest.raises(InvalidMessage):
            await store.edit_message("t", "a", **changes)

        assert await store.get_thread("t") == before

    async def test_a_deleted_thread_is_gone_with_everything(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", metadata={"k": 1}, agent="x")
        thread.messages = [thread.messages[0].edited(content="A")]
        await store.save_thread(thread)
        await talk(store, "other", thread_id="other", metadata={"k": 1})

        await store.delete_thread("t")

        with pytest.raises(ThreadNotFound):
            await store.get_thread("t")
        assert (await store.count_threads(), (await store.status()).messages) == (1, 1)
        assert [header.id for header in await store.list_threads(metadata={"k": 1})] == ["other"]
        assert await store.list_threads(agent="x") == []

    async def test_a_thread_made_anew_has_nothing_of_the_deleted_one(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", metadata={"k": 1}, title="Old")
        thread.messages = [thread.messages[0].edited(content="A")]
        await store.save_thread(thread)
        await store.delete_thread("t")

        await store.append("t", [say("other", id="a"), say("b")], create=True)

        after = await store.get_thread("t")
        assert (texts(after), after.title, after.metadata) == (["other", "b"], None, {})
        assert _seen(await store.history("t")) == [("other", 0, True, False), ("b", 0, True, False)]

    async def test_a_thread_is_deleted_once(self, store: ThreadStore) -> None:
        await talk(store, "a")

        outcomes = await asyncio.gather(*(store.delete_thread("t") for _ in range(5)), return_exceptions=True)

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", *["ThreadNotFound"] * 4]

    async def test_appends_during_a_deletion_are_stored_or_refused_and_leave_nothing_behind(
        self, store: ThreadStore
    ) -> None:
        for n in range(10):
            await talk(store, "a")
            appends = [store.append("t", [say(f"{k}"), say(f"{k}!")]) for k in range(4)]
            outcomes = await asyncio.gather(
                *appends[:2], store.delete_thread("t"), *appends[2:], return_exceptions=True
            )
            assert {type(outcome).__name__ for outcome in outcomes} <= {"list", "NoneType", "ThreadNotFound"}
            assert (await store.status()).messages == 0, n
            await store.append("t", [say("0"), say("new", id="1")], create=True)
            assert _seen(await store.history("t")) == [("0", 0, True, False), ("new", 0, True, False)]
            await store.delete_thread("t")
