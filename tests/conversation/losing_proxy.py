"""A proxy before a Redis server that lets scripts through and never their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class LosingProxy:
    """Cuts every connection on which a script was sent, once the server has answered it."""

    def __init__(self) -> None:
        self.scripts = 0
        """How many were sent."""

    @asynccontextmanager
    async def before(self, url: str) -> AsyncGenerator[str]:
        """Run before the server of *url*, a socket, and give its own URL."""
        self._server = url.removeprefix("unix://")
        own = f"{self._server}-losing"
        async with await asyncio.start_unix_server(self._serve, own):
            yield f"unix://{own}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._server)
        try:
            while chunk := await reader.read(1 << 20):
                to_server.write(chunk)
                answer = await from_server.read(1 << 20)
                if b"EVAL" in chunk:
                    self.scripts += 1
                    break
                writer.write(answer)
        finally:
            for end in (writer, to_server):
                end.transport.abort()
