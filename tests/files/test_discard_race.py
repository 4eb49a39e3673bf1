"""Writers and discarders of the same bytes at once: nobody who follows the protocol ever loses what he refers to."""

import asyncio
import random
from hashlib import sha256
from pathlib import Path

import pytest

from keepthread.files import FileStore

HELLO = sha256(b"hello").hexdigest()


class Database:
    """The references to one blob, by writer. Asking and committing take a while, as they do."""

    def __init__(self) -> None:
        self.references: set[int] = set()

    async def commit(self, writer: int) -> None:
        await self.delay()
        self.references.add(writer)

    async def unused(self) -> bool:
        await self.delay()
        answer = not self.references
        await self.delay()
        return answer

    async def delay(self) -> None:
        for _ in range(random.randrange(4)):
            await asyncio.to_thread(int)


async def attach_read_and_delete(files: FileStore, database: Database, writer: int) -> None:
    """What a thread store does for a message with an attachment, in the order that the protocol asks for."""
    await files.put("t", b"hello", filename="a.txt")
    await database.commit(writer)
    if not await files.exists("t", HELLO):
        await files.put("t", b"hello", filename="a.txt")

    await database.delay()
    assert await files.get("t", HELLO) == b"hello"

    database.references.remove(writer)
    await files.discard("t", HELLO, database.unused)


@pytest.mark.parametrize("where", ["disk", "memory"])
async def test_what_is_referred_to_is_never_lost(tmp_path: Path, where: str) -> None:
    shared = FileStore()
    stores = [FileStore(tmp_path) if where == "disk" else shared for _ in range(2)]
    database = Database()

    async def write(writer: int) -> None:
        for _ in range(15):
            await attach_read_and_delete(stores[writer % 2], database, writer)

    await asyncio.gather(*(write(writer) for writer in range(6)))
    await stores[0].discard("t", HELLO, database.unused)

    assert await stores[0].total_bytes() == 0
