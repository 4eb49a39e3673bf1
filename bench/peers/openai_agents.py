"""The sessions of the OpenAI Agents SDK: SQLiteSession, and SQLAlchemySession. Both return plain dicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents import SQLiteSession
from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from bench.workload import Turn


def items(said: Turn) -> list[Any]:
    """Return a turn as the SDK's input items."""
    return [{"role": "user", "content": said[0]}, {"role": "assistant", "content": said[1]}]


class SqlitePeer:
    """One SQLiteSession for each conversation, on one file."""

    name = "openai-agents SQLiteSession"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sessions: dict[str, SQLiteSession] = {}

    def _session(self, conversation: str) -> SQLiteSession:
        if conversation not in self._sessions:
            self._sessions[conversation] = SQLiteSession(conversation, self._path)
        return self._sessions[conversation]

    async def append(self, conversation: str, said: Turn) -> None:
        """Store a turn."""
        await self._session(conversation).add_items(items(said))

    async def load(self, conversation: str) -> list[Any]:
        """Return every item."""
        return await self._session(conversation).get_items()

    async def close(self) -> None:
        """Close every session."""
        for session in self._sessions.values():
            session.close()


class SqlalchemyPeer:
    """One SQLAlchemySession for each conversation, on one engine, as its page recommends."""

    name = "openai-agents SQLAlchemySession"

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url)
        self._sessions: dict[str, SQLAlchemySession] = {}

    def _session(self, conversation: str) -> SQLAlchemySession:
        if conversation not in self._sessions:
            self._sessions[conversation] = SQLAlchemySession(conversation, engine=self._engine, create_tables=True)
        return self._sessions[conversation]

    async def append(self, conversation: str, said: Turn) -> None:
        """Store a turn."""
        await self._session(conversation).add_items(items(said))

    async def load(self, conversation: str) -> list[Any]:
        """Return every item."""
        return await self._session(conversation).get_items()

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.dispose()
