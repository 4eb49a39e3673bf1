"""OpenAI's chat completions as a model, and every server that speaks the same protocol.

The SDK is imported when a model is first called, not here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keepthread.errors import MissingExtraError, ModelSetupError
from keepthread.model import Message

from .openai_messages import chat_messages

if TYPE_CHECKING:
    from .openai_connection import OpenAIConnection

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"

# Local servers ask for no key, but the SDK insists on sending one.
_NO_KEY = "no-key"


class OpenAIChat:
    """A model behind OpenAI's chat-completions protocol.

    Failed calls are repeated by the SDK, as it documents, and by nobody else. Connections are kept per event loop, and
    closed by `close()` or by the loop itself when `asyncio.run` ends.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout_seconds: float | None = None,
        max_retries: int = 2,
    ) -> None:
        """Set the model up. Nothing is read from the environment, contacted or imported before the first call.

        Args:
            model: The provider's name for it, sent as it is.
            base_url: The server's address up to `/v1`; None for OPENAI_BASE_URL, or else OpenAI itself.
            api_key: None for OPENAI_API_KEY. A server of your own may need none.
            temperature: None for the provider's default.
            max_tokens: Limit of one answer; None for the provider's.
            timeout_seconds: For one attempt; None for the SDK's 600.
            max_retries: How often the SDK repeats a call that failed for a passing reason.

        Raises:
            ModelSetupError: `base_url` is no web address.
        """
        self.model = model
        self._base_url = _checked_url(base_url, "base_url=") if base_url else None
        self._api_key = api_key
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._timeout_seconds = timeout_seconds
        self._max_retries = max_retries
        self._connection: OpenAIConnection | None = None

    async def __call__(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], /) -> Message:
        """Return the model's answer, with the provider's own count of its tokens.

        Raises:
            ModelSetupError: No key, a wrong one, or no such model.
            MissingExtraError: The `openai` package is not installed.
            FileContentNotFound: The bytes of an attachment are not there; the model was not called.
            ModelFailedError: The server refused, failed or could not be reached. `retryable` says which.
        """
        connection = self._connection or await self._connect()
        request: dict[str, Any] = {"model": self.model, "messages": await chat_messages(messages)}
        if tools:
            request["tools"] = list(tools)
        if self._temperature is not None:
            request["temperature"] = self._temperature
        if self._max_tokens is not None:
            # OpenAI's reasoning models refuse the old word; other servers often know no other.
            request["max_completion_tokens" if connection.is_openai else "max_tokens"] = self._max_tokens
        return await connection.complete(request)

    async def close(self) -> None:
        """Close the connections that are open. The next call opens new ones."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> OpenAIConnection:
        base_url = self._base_url or _checked_url(os.environ.get(URL_VARIABLE, ""), URL_VARIABLE)
        api_key = _checked_key(self._api_key or os.environ.get(KEY_VARIABLE, ""))
        if not api_key and not base_url:
            raise ModelSetupError(
                f"The model {self.model!r} needs an API key.",
                hint=f'Set {KEY_VARIABLE}, or try model_name="echo" without a key, or name a server of your own: '
                "model=OpenAIChat(…, base_url=…).",
            )
        # The import takes most of a second, which other conversations on this loop need not wait for.
        connection_type = await asyncio.to_thread(_connection_type)
        if self._connection is None:
            self._connection = connection_type(
                base_url=base_url,
                api_key=api_key or _NO_KEY,
                timeout_seconds=self._timeout_seconds,
                max_retries=self._max_retries,
            )
        return self._connection


def _connection_type() -> type[OpenAIConnection]:
    try:
        from .openai_connection import OpenAIConnection  # noqa: PLC0415 - the SDK is optional and slow to import
    except ImportError as missing:
        raise MissingExtraError("A model of OpenAI", "openai") from missing
    return OpenAIConnection


def _checked_url(url: str, where: str) -> str | None:
    """Return *url* without spaces around it, None for an empty one. Never repeats it: it may hold a password."""
    url = url.strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web:
        raise ModelSetupError(f"{where} is no web address.", hint="Write it like http://localhost:11434/v1.")
    return url


def _checked_key(key: str) -> str:
    # A key that was read from a file often ends in a newline; the HTTP library's refusal of a bad one would print it.
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelSetupError("The API key holds a character that no key has.", hint=f"Set {KEY_VARIABLE} again.")
    return key
