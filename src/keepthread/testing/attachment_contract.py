"""Attachments: stored once, read lazily, gone with their last reference and not before (P2, P10, P11)."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest

from keepthread.errors import FileContentNotFound, InvalidAttachment, KeepthreadError, TooLargeError
from keepthread.files import FileStore
from keepthread.model import Attachment, Message, Thread
from keepthread.store import ThreadStore

from .arrange import OpenStore, say, stored, talk

CONTENT = b"what the file holds"


def with_file(text: str, content: bytes = CONTENT, filename: str = "a.txt") -> Message:
    """Return a message with one file."""
    return say(text, attachments=(Attachment(filename=filename, content=content),))


async def read(store: ThreadStore, thread_id: str, message_id: str) -> list[bytes]:
    """Return the bytes of a stored message's files."""
    message = await store.get_message(thread_id, message_id)
    return [await attachment.read() for attachment in message.attachments]


def guess(content: bytes) -> Message:
    """Return a message that refers to *content* by its hash alone."""
    attachment = Attachment(filename="guess.txt", sha256=sha256(content).hexdigest())
    return say(attachment.sha256 or "", attachments=(attachment,))


async def guessed(store: ThreadStore, content: bytes) -> list[bytes]:
    """Return what somebody reads who knows the hash of *content* and has a handle of the tenant."""
    message = guess(content)
    await store.append("guess", message, create=True)
    return await read(store, "guess", message.id)


async def is_kept(store: ThreadStore, content: bytes) -> bool:
    """Return whether the tenant's place for files has *content*."""
    try:
        return await guessed(store, content) == [content]
    except (FileContentNotFound, InvalidAttachment):
        return False


@pytest.mark.asyncio
class AttachmentContract:
    """What a store promises of the files on its messages."""

    async def test_a_loaded_file_is_described_and_read_only_when_asked(self, store: ThreadStore) -> None:
        attachment = Attachment(filename="Bericht für Ä.csv", content=b"a,b\n1,2\n", metadata={"page": [1]})
        await store.append("t", say("a", attachments=(attachment,)), create=True)

        (loaded,) = (await store.get_thread("t")).messages[0].attachments

        assert loaded.content is None
        assert (loaded.filename, loaded.size, loaded.mime_type) == ("Bericht für Ä.csv", 8, "text/csv")
        assert (loaded.sha256, loaded.metadata) == (sha256(b"a,b\n1,2\n").hexdigest(), {"page": [1]})
        assert loaded.is_stored
        assert await loaded.read() == b"a,b\n1,2\n"

    async def test_a_message_with_files_comes_out_equal(self, store: ThreadStore) -> None:
        (appended,) = await store.append("t", with_file("a"), create=True)

        loaded = await store.get_message("t", "a")

        assert loaded == appended
        assert loaded.model_dump() == appended.model_dump()

    async def test_the_appended_object_knows_that_its_file_is_stored(self, store: ThreadStore) -> None:
        message = with_file("a")

        await store.append("t", message, create=True)

        assert message.attachments[0].sha256 == sha256(CONTENT).hexdigest()
        assert await message.attachments[0].read() == CONTENT

    async def test_saving_it_again_writes_nothing(self, store: ThreadStore) -> None:
        thread = Thread(id="t", messages=[with_file("a")])
        await store.save_thread(thread)

        await store.save_thread(thread)
        await store.save_thread(await store.get_thread("t"))

        assert (await store.get_thread("t")).version == thread.version
        assert len(await store.history("t")) == 1

    async def test_a_repeated_turn_with_files_is_stored_once(self, store: ThreadStore) -> None:
        await store.append("t", with_file("a"), create=True)

        await store.append("t", with_file("a"))

        assert await store.count_messages("t") == 1

    async def test_the_same_bytes_are_stored_once(self, store: ThreadStore) -> None:
        files = FileStore()
        store = store.with_files(files)

        await asyncio.gather(
            *(store.append(f"{n}", with_file("a", filename=f"{n}.txt"), create=True) for n in range(5))
        )

        assert await files.total_bytes() == len(CONTENT)
        assert [(await store.get_message(f"{n}", "a")).attachments[0].filename for n in range(5)] == [
            f"{n}.txt" for n in range(5)
        ]

    async def test_a_file_added_to_a_stored_message_is_an_edit(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")

        thread.messages[0].add_attachment(Attachment(filename="a.txt", content=CONTENT))
        await store.save_thread(thread)

        assert await read(store, "t", "a") == [CONTENT]
        assert await stored(store) == ["a", "b"]
        assert [len(entry.message.attachments) for entry in await store.history("t")] == [0, 1, 0]

    async def test_a_file_can_be_added_by_the_store(self, store: ThreadStore) -> None:
        await talk(store, "a")

        edited = await store.edit_message("t", "a", attachments=[Attachment(filename="a.txt", content=CONTENT)])

        assert await edited.attachments[0].read() == CONTENT
        assert await read(store, "t", "a") == [CONTENT]

    async def test_files_go_with_their_thread(self, store: ThreadStore) -> None:
        await store.append("t", [with_file("a"), with_file("b", b"another")], create=True)

        await store.delete_thread("t")

        assert not await is_kept(store, CONTENT)
        assert not await is_kept(store, b"another")

    async def test_files_stay_until_their_last_reference_goes(self, store: ThreadStore) -> None:
        for name in ("one", "two"):
            await store.append(name, with_file("a"), create=True)

        await store.delete_thread("one")
        assert await read(store, "two", "a") == [CONTENT]
        await store.delete_thread("two")
        assert not await is_kept(store, CONTENT)

    async def test_files_stay_while_the_history_shows_them(self, store: ThreadStore) -> None:
        thread = Thread(id="t", messages=[with_file("a"), with_file("b", b"another")])
        await store.save_thread(thread)

        thread.edit_message("a", attachments=[])
        thread.messages = thread.messages[:1]
        await store.save_thread(thread)

        shown = [attachment for entry in await store.history("t") for attachment in entry.message.attachments]
        assert sorted([await attachment.read() for attachment in shown]) == [b"another", CONTENT]
        await store.delete_thread("t")
        assert not await is_kept(store, CONTENT)
        assert not await is_kept(store, b"another")

    async def test_tenants_do_not_share_files(self, store: ThreadStore) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        await one.append("t", with_file("a"), create=True)
        await two.append("t", with_file("a"), create=True)

        await one.delete_thread("t")

        assert await read(two, "t", "a") == [CONTENT]
        assert not await is_kept(one, CONTENT)

    async def test_a_hash_opens_nothing_of_another_tenants(self, store: ThreadStore) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        await one.append("t", with_file("a"), create=True)

        with pytest.raises((InvalidAttachment, FileContentNotFound)):
            await guessed(two, CONTENT)

    @pytest.mark.parametrize("loaded", [False, True])
    async def test_a_message_brings_its_files_to_another_tenant(self, store: ThreadStore, *, loaded: bool) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        (message,) = await one.append("t", with_file("a"), create=True)
        if loaded:
            message = await one.get_message("t", "a")

        await two.append("t", message, create=True)
        await one.delete_thread("t")

        assert await read(two, "t", "a") == [CONTENT]

    async def test_a_message_brings_its_files_to_another_place(self, store: ThreadStore) -> None:
        await store.append("t", with_file("a"), create=True)
        elsewhere = store.with_files(FileStore())

        thread = Thread(id="copy", messages=[await store.get_message("t", "a")])
        await elsewhere.save_thread(thread)

        assert await read(elsewhere, "copy", "a") == [CONTENT]

    async def test_a_message_brings_its_files_back_after_a_deletion(self, store: ThreadStore) -> None:
        (message,) = await store.append("t", with_file("a"), create=True)
        await store.delete_thread("t")

        await store.append("again", message, create=True)

        assert await read(store, "again", "a") == [CONTENT]

    async def test_a_file_over_the_limit_refuses_the_turn(self, store: ThreadStore) -> None:
        await talk(store, "a")

        with pytest.raises(TooLargeError):
            await store.with_files(FileStore(max_file_bytes=10)).append("t", [say("b"), with_file("c", b"x" * 11)])

        assert await stored(store) == ["a"]

    async def test_a_file_of_an_unwanted_type_refuses_the_turn(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        thread.add_messages([with_file("b"), with_file("c", b"MZ" + bytes(100), filename="setup.exe")])

        with pytest.raises(InvalidAttachment):
            await store.save_thread(thread)

        assert await stored(store) == ["a"]
        assert not await is_kept(store, CONTENT)

    async def test_a_refused_turn_leaves_no_bytes_behind(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        await store.append("t", with_file("kept", b"kept"))

        outcomes = await asyncio.gather(
            store.append("unknown", with_file("b", b"1")),
            store.append("t", with_file("a", b"2")),
            store.append("t", [with_file("c", b"kept"), with_file("a", b"3")]),
            return_exceptions=True,
        )
        thread.add_message(with_file("kept", b"4"))
        with pytest.raises(KeepthreadError):
            await store.save_thread(thread)

        assert all(isinstance(outcome, KeepthreadError) for outcome in outcomes)
        assert await read(store, "t", "kept") == [b"kept"]
        assert [await is_kept(store, b"%d" % n) for n in (1, 2, 3, 4)] == [False] * 4

    async def test_a_deletion_beside_an_append_of_the_same_bytes_loses_none(self, store: ThreadStore) -> None:
        for n in range(20):
            await store.append("old", with_file("a"), create=True)
            await asyncio.gather(store.delete_thread("old"), store.append(f"{n}", with_file("a"), create=True))
            assert await read(store, f"{n}", "a") == [CONTENT]
            await store.delete_thread(f"{n}")

    async def test_a_deletion_beside_an_append_of_a_stored_file_loses_none(self, store: ThreadStore) -> None:
        for n in range(20):
            (message,) = await store.append("old", with_file("a"), create=True)
            await asyncio.gather(store.delete_thread("old"), store.append(f"{n}", message, create=True))
            assert await read(store, f"{n}", "a") == [CONTENT]
            await store.delete_thread(f"{n}")

    async def test_a_second_store_reads_them(self, store: ThreadStore, open_store: OpenStore) -> None:
        await store.append("t", with_file("a"), create=True)

        assert await read(await open_store(), "t", "a") == [CONTENT]
