"""What every place for attachments' bytes must do, as tests: for the file stores of keepthread and for yours.

    class TestBucket(FileStoreContract):
        @pytest_asyncio.fixture
        async def file_store(self) -> AsyncIterator[BlobStore]:
            yield Bucket(...)

Needs pytest and pytest-asyncio.
"""

# ruff: noqa: D102, S101 - A test's name states its fact, and tests are made of asserts.

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest

from keepthread.errors import FileContentNotFound, ForeignDatabaseError
from keepthread.model.blobs import BlobStore

HOSTILE_NAMES = [
    *("../../x", "/etc/passwd", "C:\\x", "..\\..\\x", "nul\x00byte", "n" * 300, "CON", ".", "..", ""),
    *("a/b/c.txt", "%2e%2e%2f", "naïve 文件 🎉.txt", "line\nbreak"),
]
"""Names that must never reach a path, a key or a shell."""

HOSTILE_TENANTS = ["..", "../x", "/", "a/b", "CON", "tmp", "quarantine", "t" * 255, "ä", "a ", "%00", "{}"]
"""Tenants that are allowed, and must not reach a path as they are."""


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


async def _yes() -> bool:
    return True


async def _no() -> bool:
    return False


@pytest.mark.asyncio
class FileStoreContract:
    """Inherit from it and define the fixture `file_store`: an empty BlobStore that takes any file of up to 4 MB."""

    outlives_the_process = True
    """Set it to False for a place that no other process can reach: it need not refuse a second database."""

    @pytest.mark.parametrize("size", [0, 1, 2_500, 4_000_000])
    async def test_returns_the_bytes_that_were_put(self, file_store: BlobStore, size: int) -> None:
        content = (bytes(range(250)) * (size // 250 + 1))[:size]

        blob = await file_store.put("t", content, filename="a.bin")

        assert await file_store.get("t", blob.sha256) == content

    async def test_names_the_bytes_by_their_hash_and_size(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt", mime_type="text/plain")

        assert (blob.sha256, blob.size) == (_hash(b"hello"), 5)

    async def test_says_what_the_bytes_look_like(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"\x89PNG\r\n\x1a\n" + bytes(8), filename="notes.txt", mime_type="text/plain")

        assert blob.detected_type == "image/png"

    async def test_the_same_bytes_are_one_blob_under_any_name(self, file_store: BlobStore) -> None:
        first = await file_store.put("t", b"same", filename="a.txt")
        second = await file_store.put("t", b"same", filename="b.md", mime_type="text/markdown")
        await file_store.discard("t", first.sha256, _yes)

        assert first == second
        assert not await file_store.exists("t", second.sha256)

    @pytest.mark.parametrize("filename", HOSTILE_NAMES)
    async def test_a_file_name_is_never_a_path(self, file_store: BlobStore, filename: str) -> None:
        content = f"the file {filename!r}".encode()

        blob = await file_store.put("t", content, filename=filename, mime_type="text/plain")

        assert await file_store.get("t", blob.sha256) == content

    @pytest.mark.parametrize("tenant", HOSTILE_TENANTS)
    async def test_a_tenant_is_never_a_path(self, file_store: BlobStore, tenant: str) -> None:
        blob = await file_store.put(tenant, b"mine", filename="a.txt")

        assert await file_store.get(tenant, blob.sha256) == b"mine"

    async def test_unknown_bytes_are_not_found(self, file_store: BlobStore) -> None:
        assert not await file_store.exists("t", _hash(b"never put"))
        with pytest.raises(FileContentNotFound):
            await file_store.get("t", _hash(b"never put"))

    @pytest.mark.parametrize(
        "name", ["", "../../etc/passwd", "{0}0", "{0}\n", "{0:.63}", "{0:.62}/.", "../{0}", "0/{0}"]
    )
    async def test_what_is_no_hash_names_nothing(self, file_store: BlobStore, name: str) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")
        name = name.format(blob.sha256)

        assert not await file_store.exists("t", name)
        assert await file_store.discard("t", name, _yes)
        with pytest.raises(FileContentNotFound):
            await file_store.get("t", name)

    async def test_a_hash_in_capitals_names_nothing(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        assert not await file_store.exists("t", blob.sha256.upper())

    @pytest.mark.parametrize(
        ("one", "other"), [("a", "b"), ("acme", "Acme"), ("acme", "acme "), ("é", "e\u0301"), ("a", "")]
    )
    async def test_tenants_share_nothing(self, file_store: BlobStore, one: str, other: str) -> None:
        blob = await file_store.put(one, b"secret", filename="a.txt")

        assert not await file_store.exists(other, blob.sha256)
        with pytest.raises(FileContentNotFound):
            await file_store.get(other, blob.sha256)

    async def test_one_tenant_cannot_discard_anothers_bytes(self, file_store: BlobStore) -> None:
        blob = await file_store.put("one", b"same", filename="a.txt")
        await file_store.put("other", b"same", filename="a.txt")

        await file_store.discard("other", blob.sha256, _yes)

        assert await file_store.get("one", blob.sha256) == b"same"

    async def test_discarded_bytes_are_gone(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        assert await file_store.discard("t", blob.sha256, _yes)
        assert not await file_store.exists("t", blob.sha256)
        with pytest.raises(FileContentNotFound):
            await file_store.get("t", blob.sha256)

    async def test_bytes_that_are_used_stay(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        assert not await file_store.discard("t", blob.sha256, _no)
        assert await file_store.get("t", blob.sha256) == b"hello"

    async def test_bytes_that_were_never_there_are_gone(self, file_store: BlobStore) -> None:
        assert await file_store.discard("t", _hash(b"never put"), _yes)

    async def test_a_discard_can_be_repeated(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        await file_store.discard("t", blob.sha256, _no)

        assert await file_store.discard("t", blob.sha256, _yes)
        assert await file_store.discard("t", blob.sha256, _yes)

    async def test_bytes_can_be_put_again_after_a_discard(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")
        await file_store.discard("t", blob.sha256, _yes)

        await file_store.put("t", b"hello", filename="a.txt")

        assert await file_store.get("t", blob.sha256) == b"hello"

    async def test_bytes_stay_when_nobody_could_say_whether_they_are_used(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        async def unused() -> bool:
            raise RuntimeError("the database is gone")

        with pytest.raises(RuntimeError, match="the database is gone"):
            await file_store.discard("t", blob.sha256, unused)

        assert await file_store.get("t", blob.sha256) == b"hello"

    async def test_bytes_stay_when_a_discard_is_cancelled(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")
        asked = asyncio.Event()

        async def unused() -> bool:
            asked.set()
            return await asyncio.Event().wait()

        discarding = asyncio.ensure_future(file_store.discard("t", blob.sha256, unused))
        await asked.wait()
        discarding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await discarding

        assert await file_store.get("t", blob.sha256) == b"hello"

    async def test_a_writer_who_looks_during_a_discard_is_told_the_truth(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")
        seen: list[bool] = []

        async def unused() -> bool:
            seen.append(await file_store.exists("t", blob.sha256))
            return True

        gone = await file_store.discard("t", blob.sha256, unused)

        there = await file_store.exists("t", blob.sha256)
        assert there or not seen[0]
        assert gone is not there

    async def test_a_writer_who_puts_during_a_discard_is_told_the_truth(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")
        seen: list[bool] = []

        async def unused() -> bool:
            await file_store.put("t", b"hello", filename="a.txt")
            seen.append(await file_store.exists("t", blob.sha256))
            return True

        await file_store.discard("t", blob.sha256, unused)

        assert await file_store.exists("t", blob.sha256) or not seen[0]

    async def test_a_late_answer_does_not_remove_what_was_shown_and_hidden_again(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")
        hidden_again, first_is_done = asyncio.Event(), asyncio.Event()
        seen: list[bool] = []

        async def used_by_now() -> bool:
            hidden_again.set()
            await first_is_done.wait()
            return False

        # The first discard has its answer. Before it acts on it, a writer commits a reference and looks, and a second
        # discard begins, which will learn of the reference.
        async def unused() -> bool:
            seen.append(await file_store.exists("t", blob.sha256))
            later.append(asyncio.ensure_future(file_store.discard("t", blob.sha256, used_by_now)))
            # A place may also let the second one wait for the first.
            waiting = asyncio.ensure_future(hidden_again.wait())
            await asyncio.wait([*later, waiting], timeout=1, return_when="FIRST_COMPLETED")
            return True

        later: list[asyncio.Future[bool]] = []
        await file_store.discard("t", blob.sha256, unused)
        first_is_done.set()
        await asyncio.gather(*later)

        assert await file_store.exists("t", blob.sha256) or not seen[0]

    async def test_many_discards_at_once_remove_the_bytes(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        await asyncio.gather(*(file_store.discard("t", blob.sha256, _yes) for _ in range(8)))

        assert not await file_store.exists("t", blob.sha256)

    async def test_many_puts_of_the_same_bytes_at_once_are_one_blob(self, file_store: BlobStore) -> None:
        blobs = await asyncio.gather(*(file_store.put("t", b"same", filename=f"{n}.txt") for n in range(16)))

        assert len(set(blobs)) == 1
        assert await file_store.get("t", blobs[0].sha256) == b"same"

    async def test_many_different_puts_at_once_are_all_there(self, file_store: BlobStore) -> None:
        contents = [f"file {n}".encode() for n in range(32)]

        blobs = await asyncio.gather(*(file_store.put("t", content, filename="a.txt") for content in contents))

        assert [await file_store.get("t", blob.sha256) for blob in blobs] == contents

    async def test_a_cancelled_put_leaves_all_or_nothing(self, file_store: BlobStore) -> None:
        content = bytes(range(250)) * 8_000
        putting = asyncio.ensure_future(file_store.put("t", content, filename="a.bin"))

        await asyncio.sleep(0)
        putting.cancel()
        await asyncio.gather(putting, return_exceptions=True)
        blob = await file_store.put("t", content, filename="a.bin")

        assert await file_store.get("t", blob.sha256) == content

    async def test_serves_a_second_event_loop(self, file_store: BlobStore) -> None:
        blob = await file_store.put("t", b"hello", filename="a.txt")

        async def elsewhere() -> bytes:
            await file_store.put("t", b"from there", filename="b.txt")
            return await file_store.get("t", blob.sha256)

        assert await asyncio.to_thread(asyncio.run, elsewhere()) == b"hello"
        assert await file_store.get("t", _hash(b"from there")) == b"from there"

    async def test_the_first_database_to_claim_the_place_has_it(self, file_store: BlobStore) -> None:
        assert await file_store.claim("the first")
        assert await file_store.claim("the first")

    async def test_a_second_database_is_refused(self, file_store: BlobStore) -> None:
        await file_store.claim("the first")

        if self.outlives_the_process:
            with pytest.raises(ForeignDatabaseError):
                await file_store.claim("the second")
            assert await file_store.claim("the first")
        else:
            assert await file_store.claim("the second")
