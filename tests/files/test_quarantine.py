"""What a process leaves that died while it discarded."""

import asyncio
from hashlib import sha256
from pathlib import Path

from keepthread.files import FileStore

HELLO = sha256(b"hello").hexdigest()


async def unused() -> bool:
    return True


async def used() -> bool:
    return False


async def hide(base: Path, blob: Path) -> None:
    """Leave the blob as a process does that died while it was discarding."""
    (base / "quarantine").mkdir()
    tenant = blob.relative_to(base).parts[0]
    blob.rename(base / "quarantine" / f"{tenant}-{HELLO}-{'0' * 32}")


async def test_bytes_left_in_quarantine_are_read(blob: Path, base: Path) -> None:
    await hide(base, blob)

    assert await FileStore(base).get("t", HELLO) == b"hello"
    assert blob.exists()


async def test_bytes_left_in_quarantine_exist(blob: Path, base: Path) -> None:
    await hide(base, blob)

    assert await FileStore(base).exists("t", HELLO)
    assert blob.exists()


async def test_bytes_left_in_quarantine_are_another_tenants_not(blob: Path, base: Path) -> None:
    await hide(base, blob)

    assert not await FileStore(base).exists("other", HELLO)


async def test_bytes_left_in_quarantine_are_discarded(blob: Path, base: Path) -> None:
    await hide(base, blob)
    store = FileStore(base)

    assert await store.discard("t", HELLO, unused)
    assert await store.total_bytes() == 0


async def test_bytes_left_in_quarantine_and_stored_again_are_one_blob_after_a_discard(blob: Path, base: Path) -> None:
    await hide(base, blob)
    store = FileStore(base)
    await store.put("t", b"hello", filename="a.txt")

    assert not await store.discard("t", HELLO, used)
    assert blob.read_bytes() == b"hello"
    assert await store.total_bytes() == 5


async def test_a_discard_that_is_cancelled_while_it_hides_leaves_nothing_in_quarantine(blob: Path, base: Path) -> None:
    discarding = asyncio.ensure_future(FileStore(base).discard("t", HELLO, unused))
    await asyncio.sleep(0)
    discarding.cancel()
    await asyncio.gather(discarding, return_exceptions=True)

    assert discarding.cancelled()
    assert blob.exists()


async def test_hidden_bytes_count(base: Path) -> None:
    store = FileStore(base)
    await store.put("t", b"hello", filename="a.txt")
    counted: list[int] = []

    async def look() -> bool:
        counted.append(await store.total_bytes())
        return True

    await store.discard("t", HELLO, look)

    assert counted == [5]
