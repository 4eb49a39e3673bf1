"""Session state as an agent's code sees it: three methods that anything may have, and the ones of a ThreadStore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from keepthread.errors import InvalidThread
from keepthread.model.json_values import check_id
from keepthread.store import State, ThreadStore
from keepthread.store.states import Expected


class SessionState(Protocol):
    """What is kept beside one conversation: values of JSON by name, each with a version.

    A version is a whole number. It is 0 where nothing is kept, and every save gives a value another one than it ever
    had. An object with these three methods can stand in for the ones here; SessionContract in keepthread.testing says
    whether it does.
    """

    async def load(self, name: str) -> tuple[Any, int]:
        """Return a value, the caller's own, and its version: `(None, 0)` where nothing is kept."""
        ...

    async def save(self, name: str, value: object, *, version: Expected) -> int:
        """Keep a value if *version* is the stored one still, or "any", and return its new version.

        Raises:
            ConflictError: The stored version is another one. Nothing was written.
            InvalidError: The value is no JSON, or too large. Nothing was written.
        """
        ...

    async def delete(self, name: str, *, version: Expected) -> None:
        """Take a value away if *version* is the stored one still, or "any". What is not there is no error.

        Raises:
            ConflictError: The stored version is another one. Nothing was written.
        """
        ...


OpenSession: TypeAlias = Callable[[str, str], SessionState]
"""Returns the state that is kept for a tenant beside the conversation with a thread's id."""


class StoredSession:
    """The state beside one conversation, in the database that the conversation is in. It goes when that is deleted."""

    def __init__(self, store: ThreadStore, scope: str) -> None:
        """Name the conversation by its thread's id. The thread need not exist yet."""
        self._store = store
        self._scope = check_id(scope, "The thread's id", InvalidThread)

    async def load(self, name: str) -> State:
        """See ThreadStore.load_state."""
        return await self._store.load_state(self._scope, name)

    async def save(self, name: str, value: object, *, version: Expected) -> int:
        """See ThreadStore.save_state."""
        return await self._store.save_state(self._scope, name, value, version=version)

    async def delete(self, name: str, *, version: Expected) -> None:
        """See ThreadStore.delete_state."""
        await self._store.delete_state(self._scope, name, version=version)
