"""Attachments through the store: stored once, read lazily, gone with their last reference and not before (P2, P10, P11)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest
import pytest_asyncio

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


@pytest.mark.asyncio
class AttachmentContract:
    """What a store promises of the files on its messages."""

    @pytest_asyncio.fixture
    async def files(self) -> FileStore:
        """A place for files whose inside a test can count."""
        return FileStore(max_file_bytes=1000)

    @pytest.fixture
    def filed(self, store: ThreadStore, files: FileStore) -> ThreadStore:
        """The store, with that place."""
        return store.with_files(files)

    async def test_a_store_has_a_place_for_files_without_being_told(self, store: ThreadStore) -> None:
        await store.append("t", with_file("a"), create=True)

        assert await read(store, "t", "a") == [CONTENT]

    async def test_a_loaded_file_is_described_and_read_only_when_asked(self, filed: ThreadStore) -> None:
        attachment = Attachment(filename="Bericht für Ä.csv", content="a,b\n1,2\n", metadata={"page": [1]})
        await filed.append("t", say("a", attachments=(attachment,)), create=True)

        (loaded,) = (await filed.get_thread("t")).messages[0].attachments

        assert loaded.content is None
        assert (loaded.filename, loaded.size, loaded.mime_type) == ("Bericht für Ä.csv", 8, "text/csv")
        assert (loaded.sha256, loaded.metadata) == (sha256(b"a,b\n1,2\n").hexdigest(), {"page": [1]})
        assert loaded.is_stored
        assert await loaded.read() == b"a,b\n1,2\n"

    async def test_a_message_with_files_comes_out_equal(self, filed: ThreadStore) -> None:
        (appended,) = await filed.append("t", with_file("a"), create=True)

        loaded = await filed.get_message("t", "a")

        assert loaded == appended
        assert loaded.model_dump() == appended.model_dump()

    async def test_the_appended_object_knows_that_its_file_is_stored(self, filed: ThreadStore) -> None:
        message = with_file("a")

        await filed.append("t", message, create=True)

        assert message.attachments[0].sha256 == sha256(CONTENT).hexdigest()
        assert await message.attachments[0].read() == CONTENT

    async def test_saving_it_again_writes_nothing(self, filed: ThreadStore) -> None:
        thread = Thread(id="t", messages=[with_file("a")])
        await filed.save_thread(thread)

        await filed.save_thread(thread)
        await filed.save_thread(await filed.get_thread("t"))

        assert (await filed.get_thread("t")).version == thread.version
        assert len(await filed.history("t")) == 1

    async def test_a_repeated_turn_with_files_is_stored_once(self, filed: ThreadStore) -> None:
        await filed.append("t", with_file("a"), create=True)

        await filed.append("t", with_file("a"))

        assert await filed.count_messages("t") == 1

    async def test_the_same_bytes_are_stored_once(self, filed: ThreadStore, files: FileStore) -> None:
        await asyncio.gather(*(filed.append(f"{n}", with_file("a", filename=f"{n}.txt"), create=True) for n in range(5)))

        assert await files.total_bytes() == len(CONTENT)
        assert [(await filed.get_message(f"{n}", "a")).attachments[0].filename for n in range(5)] == [
            f"{n}.txt" for n in range(5)
        ]

    async def test_a_file_added_to_a_stored_message_is_an_edit(self, filed: ThreadStore) -> None:
        thread = await talk(filed, "a", "b")

        thread.messages[0].add_attachment(Attachment(filename="a.txt", content=CONTENT))
        await filed.save_thread(thread)

        assert await read(filed, "t", "a") == [CONTENT]
        assert await stored(filed) == ["a", "b"]
        assert [len(entry.message.attachments) for entry in await filed.history("t")] == [0, 1, 0]

    async def test_a_file_can_be_added_by_the_store(self, filed: ThreadStore) -> None:
        await talk(filed, "a")

        edited = await filed.edit_message("t", "a", attachments=[Attachment(filename="a.txt", content=CONTENT)])

        assert await edited.attachments[0].read() == CONTENT
        assert await read(filed, "t", "a") == [CONTENT]

    async def test_files_go_with_their_thread(self, filed: ThreadStore, files: FileStore) -> None:
        await filed.append("t", [with_file("a"), with_file("b", b"another")], create=True)

        await filed.delete_thread("t")

        assert await files.total_bytes() == 0

    async def test_files_stay_until_their_last_reference_goes(self, filed: ThreadStore, files: FileStore) -> None:
        for name in ("one", "two"):
            await filed.append(name, with_file("a"), create=True)

        await filed.delete_thread("one")
        assert await read(filed, "two", "a") == [CONTENT]
        await filed.delete_thread("two")
        assert await files.total_bytes() == 0

    async def test_files_stay_while_the_history_shows_them(self, filed: ThreadStore, files: FileStore) -> None:
        thread = Thread(id="t", messages=[with_file("a"), with_file("b", b"another")])
        await filed.save_thread(thread)

        thread.edit_message("a", attachments=[])
        thread.messages = thread.messages[:1]
        await filed.save_thread(thread)

        shown = [attachment for entry in await filed.history("t") for attachment in entry.message.attachments]
        assert sorted([await attachment.read() for attachment in shown]) == [b"another", CONTENT]
        await filed.delete_thread("t")
        assert await files.total_bytes() == 0

    async def test_tenants_do_not_share_files(self, filed: ThreadStore, files: FileStore) -> None:
        one, two = filed.for_tenant("one"), filed.for_tenant("two")
        await one.append("t", with_file("a"), create=True)
        await two.append("t", with_file("a"), create=True)

        await one.delete_thread("t")

        assert await read(two, "t", "a") == [CONTENT]
        assert await files.total_bytes() == len(CONTENT)

    async def test_a_hash_opens_nothing_of_another_tenants(self, filed: ThreadStore) -> None:
        one, two = filed.for_tenant("one"), filed.for_tenant("two")
        await one.append("t", with_file("a"), create=True)
        guessed = Attachment(filename="a.txt", sha256=sha256(CONTENT).hexdigest())

        with pytest.raises((InvalidAttachment, FileContentNotFound)):
            await two.append("t", say("a", attachments=(guessed,)), create=True)
            await read(two, "t", "a")

    @pytest.mark.parametrize("loaded", [False, True])
    async def test_a_message_brings_its_files_to_another_tenant(self, filed: ThreadStore, *, loaded: bool) -> None:
        one, two = filed.for_tenant("one"), filed.for_tenant("two")
        (message,) = await one.append("t", with_file("a"), create=True)
        if loaded:
            message = await one.get_message("t", "a")

        await two.append("t", message, create=True)
        await one.delete_thread("t")

        assert await read(two, "t", "a") == [CONTENT]

    async def test_a_message_brings_its_files_to_another_place(self, filed: ThreadStore, store: ThreadStore) -> None:
        await filed.append("t", with_file("a"), create=True)
        elsewhere = store.with_files(FileStore())

        thread = Thread(id="copy", messages=[await filed.get_message("t", "a")])
        await elsewhere.save_thread(thread)

        assert await read(elsewhere, "copy", "a") == [CONTENT]

    async def test_a_message_brings_its_files_back_after_a_deletion(self, filed: ThreadStore) -> None:
        (message,) = await filed.append("t", with_file("a"), create=True)
        await filed.delete_thread("t")

        await filed.append("again", message, create=True)

        assert await read(filed, "again", "a") == [CONTENT]

    async def test_a_file_over_the_limit_refuses_the_turn(self, filed: ThreadStore, files: FileStore) -> None:
        await talk(filed, "a")

        with pytest.raises(TooLargeError):
            await filed.append("t", [with_file("b"), with_file("c", b"x" * 1001)])

        assert await stored(filed) == ["a"]
        assert await files.total_bytes() == 0

    async def test_a_file_of_an_unwanted_type_refuses_the_turn(self, filed: ThreadStore, files: FileStore) -> None:
        thread = await talk(filed, "a")
        thread.add_messages([with_file("b"), with_file("c", b"MZ" + bytes(100), filename="setup.exe")])

        with pytest.raises(InvalidAttachment):
            await filed.save_thread(thread)

        assert await stored(filed) == ["a"]
        assert await files.total_bytes() == 0

    async def test_a_refused_turn_leaves_no_bytes_behind(self, filed: ThreadStore, files: FileStore) -> None:
        thread = await talk(filed, "a")
        await filed.append("t", with_file("kept", b"kept"))

        outcomes = await asyncio.gather(
            filed.append("unknown", with_file("b", b"1")),
            filed.append("t", with_file("a", b"2")),
            filed.append("t", [with_file("c", b"kept"), with_file("a", b"3")]),
            return_exceptions=True,
        )
        thread.add_message(with_file("kept", b"4"))
        with pytest.raises(KeepthreadError):
            await filed.save_thread(thread)

        assert all(isinstance(outcome, KeepthreadError) for outcome in outcomes)
        assert await files.total_bytes() == len(b"kept")
        assert await read(filed, "t", "kept") == [b"kept"]

    async def test_a_deletion_beside_an_append_of_the_same_bytes_loses_none(self, filed: ThreadStore) -> None:
        for n in range(20):
            await filed.append("old", with_file("a"), create=True)
            await asyncio.gather(filed.delete_thread("old"), filed.append(f"{n}", with_file("a"), create=True))
            assert await read(filed, f"{n}", "a") == [CONTENT]
            await filed.delete_thread(f"{n}")

    async def test_a_second_store_with_the_same_place_reads_them(
        self, filed: ThreadStore, files: FileStore, open_store: OpenStore
    ) -> None:
        await filed.append("t", with_file("a"), create=True)

        assert await read((await open_store()).with_files(files), "t", "a") == [CONTENT]
