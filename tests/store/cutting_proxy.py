"""A proxy before a database server that cuts connections at the worst moment: when what was asked for is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from urllib.parse import parse_qs, urlsplit


class CuttingProxy:
    """Cuts every second time that a client sends *at*: in turns after the server answered, and before it hears it."""

    def __init__(self, at: bytes, most: int) -> None:
        self._at = at
        self._most = most
        self._seen = 0
        self.is_armed = False
        self.silent_at = b""
        """From when a client sends this on nothing passes, and nothing ends: so looks a cable that somebody pulled."""
        self.cuts = 0

    @asynccontextmanager
    async def before(self, url: str) -> AsyncGenerator[str]:
        """Run before the server of *url*, and give its own URL."""
        parts = urlsplit(url)
        socket = parse_qs(parts.query).get("host", [""])[0]
        self._reach = (
            partial(asyncio.open_unix_connection, f"{socket}/.s.PGSQL.5432")
            if socket
            else partial(asyncio.open_connection, parts.hostname, parts.port or 5432)
        )
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="sslmode=disable").geturl()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await self._reach()
        answers = asyncio.create_task(self._pass_on(from_server, writer))
        is_silent = False
        try:
            while chunk := await reader.read(1 << 20):
                is_silent = is_silent or bool(self.silent_at and self.silent_at in chunk)
                if is_silent:
                    continue
                if self._at in chunk and self._is_cut():
                    answers.cancel()
                    await asyncio.wait([answers])
                    if self.cuts % 2:
                        to_server.write(chunk)
                        await from_server.read(1)
                    break
                to_server.write(chunk)
        except ConnectionError:
            pass  # the other end went away by itself
        finally:
            answers.cancel()
            for end in (writer, to_server):
                end.transport.abort()

    def _is_cut(self) -> bool:
        self._seen += self.is_armed
        if not self.is_armed or self._seen % 2 == 0 or self.cuts == self._most:
            return False
        self.cuts += 1
        return True

    @staticmethod
    async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(1 << 20):
                writer.write(chunk)
        writer.transport.abort()
