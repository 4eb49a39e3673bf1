"""The OpenAI SDK: its clients, and its errors as ours. Only imported when a model behind it is first called."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import openai

from keepthread.model import Message

from .openai_errors import model_error
from .openai_messages import answer_in

_OPENAI = "https://api.openai.com"

# The SDK imports half of itself when its first client is made. That takes a tenth of a second, during which no other
# conversation on the loop moves; this module is imported in a thread.
_ = openai.AsyncOpenAI(api_key="none", base_url="http://localhost").chat.completions.with_raw_response


class _Response(Protocol):
    text: str


# The SDK's own type depends on its literals for streaming, which a request in a dict does not show.
_Create = Callable[..., Awaitable[_Response]]
_Held = AsyncGenerator[openai.AsyncOpenAI, None]


class OpenAIConnection:
    """One server, as seen from every event loop that calls it.

    An HTTP client belongs to the loop it was first used in, so each loop gets its own and keeps it. A new one for each
    call costs two more round trips and 2.6 times the processor time (2.5 against 0.96 ms, over TLS), and 26 ms more for
    reading certificates unless these are shared.
    """

    def __init__(self, *, base_url: str | None, api_key: str, timeout_seconds: float | None, max_retries: int) -> None:
        parts = urlsplit(base_url or _OPENAI)
        self._address = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        self.is_openai = str(parts.hostname).endswith("api.openai.com")
        """Whether it is OpenAI's own; others speak the protocol of some time ago."""
        self._base_url = base_url
        self._new_client = partial(
            openai.AsyncOpenAI,
            api_key=api_key,
            base_url=base_url,
            timeout=openai.DEFAULT_TIMEOUT if timeout_seconds is None else timeout_seconds,
            max_retries=max_retries,
        )
        self._clients: dict[asyncio.AbstractEventLoop, tuple[_Held, openai.AsyncOpenAI]] = {}
        # The finalizer refers to the clients from outside: the cycle collector, which may find this object in a cycle
        # of its owner's, then does not take the open sockets with it, and the generators get their turn to close them.
        weakref.finalize(self, self._clients.clear).atexit = False

    async def complete(self, request: dict[str, Any]) -> Message:
        """Return the answer to a chat-completions request.

        Raises:
            ModelSetupError, ModelFailedError: See model_error and answer_in.
        """
        client = await self._client()
        try:
            # The raw form: what the server says beyond the SDK's types survives, and what is malformed is ours to name.
            create = cast("_Create", client.chat.completions.with_raw_response.create)
            response = await create(**request)
        except openai.OpenAIError as failure:
            raise model_error(failure, request["model"], self._address) from failure
        return answer_in(response.text, request["model"])

    async def close(self) -> None:
        """Close the client of this loop. Those of other loops are left to them: they close them at once if they run."""
        here = self._clients.pop(asyncio.get_running_loop(), None)
        # Nobody refers to their generators any more. To wait for another loop could be to wait for ever.
        self._clients.clear()
        if here is not None:
            await here[0].aclose()

    async def _client(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if mine := self._clients.get(loop):
            return mine[1]
        for other in list(self._clients):
            if other.is_closed():
                self._clients.pop(other, None)
        held = _held(self._new_client)
        client = await anext(held)
        self._clients[loop] = held, client
        return client


async def _held(new_client: Callable[[], openai.AsyncOpenAI]) -> _Held:
    """Yield a client and close it afterwards.

    A generator, because an event loop finishes its generators when it is shut down, and those that nobody refers to
    any more: a model that was never closed leaves no open connection behind. It knows nothing of its connection, or
    the two would be a cycle, and the sockets be left to the cycle collector.
    """
    client = new_client()
    try:
        yield client
    finally:
        await client.close()
