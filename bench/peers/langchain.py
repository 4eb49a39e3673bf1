"""SQLChatMessageHistory of langchain-community: on an asynchronous engine, and blocking. It returns typed messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_community.chat_message_histories import SQLChatMessageHistory
from langchain_core.messages import AIMessage, HumanMessage
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from bench.workload import Turn


def typed(said: Turn) -> list[Any]:
    """Return a turn as LangChain's messages."""
    return [HumanMessage(said[0]), AIMessage(said[1])]


class AsyncPeer:
    """One history for each conversation, on one asynchronous engine, as its documentation shows."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url)
        self.name = f"langchain-community, {self._engine.driver}"
        self._histories: dict[str, SQLChatMessageHistory] = {}

    def _history(self, conversation: str) -> SQLChatMessageHistory:
        if conversation not in self._histories:
            self._histories[conversation] = SQLChatMessageHistory(conversation, connection=self._engine)
        return self._histories[conversation]

    async def append(self, conversation: str, said: Turn) -> None:
        """Store a turn."""
        await self._history(conversation).aadd_messages(typed(said))

    async def load(self, conversation: str) -> list[Any]:
        """Return every message."""
        return await self._history(conversation).aget_messages()

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.dispose()


class BlockingPeer:
    """The same on a blocking engine, called on the event loop: without a hop it is as fast as it can be."""

    name = "langchain-community, blocking"

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}")
        self._histories: dict[str, SQLChatMessageHistory] = {}

    def _history(self, conversation: str) -> SQLChatMessageHistory:
        if conversation not in self._histories:
            self._histories[conversation] = SQLChatMessageHistory(conversation, connection=self._engine)
        return self._histories[conversation]

    async def append(self, conversation: str, said: Turn) -> None:
        """Store a turn."""
        self._history(conversation).add_messages(typed(said))

    async def load(self, conversation: str) -> list[Any]:
        """Return every message."""
        return self._history(conversation).messages

    async def close(self) -> None:
        """Close the engine."""
        self._engine.dispose()
