"""The OpenAI SDK: its clients, and its errors as ours. Only imported when a model behind it is first called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import openai

from keepthread.model import Message

from .openai_errors import model_error
from .openai_messages import answer_in


class OpenAIConnection:
    """One server, as seen from every event loop that calls it.

    An HTTP client belongs to the loop it was first used in, so each loop gets its own and keeps it: a new one for each call
    costs two more round trips and 2.6 times the processor time (2.5 against 0.96 ms, over TLS), and 26 ms for reading
    certificates unless these are shared.
    """

    def __init__(self, *, base_url: str | None, api_key: str, timeout_seconds: float | None, max_retries: int) -> None:
        self.is_openai = base_url is None
        self._base_url = base_url
        self._api_key = api_key
        self._timeout = openai.DEFAULT_TIMEOUT if timeout_seconds is None else timeout_seconds
        self._max_retries = max_retries
        self._clients: dict[asyncio.AbstractEventLoop, tuple[AsyncGenerator[openai.AsyncOpenAI], openai.AsyncOpenAI]] = {}

    async def complete(self, request: dict[str, Any]) -> Message:
        """Return the answer to a chat-completions request.

        Raises:
            ModelSetupError, ModelFailedError: See model_error and answer_in.
        """
        client = await self._client()
        try:
            # The raw form: what the server says beyond the SDK's types survives, and what is malformed is ours to name.
            response = await client.chat.completions.with_raw_response.create(**request)
        except openai.OpenAIError as failure:
            raise model_error(failure, request["model"], self._address) from failure
        return answer_in(response.text, request["model"])

    async def close(self) -> None:
        """Close the clients of all loops that still run; those of closed loops hold nothing any more."""
        here = asyncio.get_running_loop()
        for loop in list(self._clients):
            held, _client = self._clients.pop(loop)
            if loop is here:
                await held.aclose()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_closed(held), loop))

    @property
    def _address(self) -> str:
        parts = urlsplit(self._base_url or "https://api.openai.com")
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    async def _client(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            for other in list(self._clients):
                if other.is_closed():
                    self._clients.pop(other, None)
            held = self._held()
            self._clients[loop] = held, await anext(held)
        return self._clients[loop][1]

    async def _held(self) -> AsyncGenerator[openai.AsyncOpenAI]:
        """Yield a client and close it afterwards.

        A generator, because an event loop finishes its own when it is shut down, or when nobody refers to them any more:
        a model that nobody closed leaves no open connection behind.
        """
        client = openai.AsyncOpenAI(
            api_key=self._api_key, base_url=self._base_url, timeout=self._timeout, max_retries=self._max_retries
        )
        try:
            yield client
        finally:
            await client.close()


async def _closed(held: AsyncGenerator[openai.AsyncOpenAI]) -> None:
    await held.aclose()
