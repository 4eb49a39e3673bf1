"""What can be done with session state: small JSON values that are kept beside a conversation."""

from __future__ import annotations

from functools import partial

from keepthread.model.ids import now_microseconds

from . import states
from .backends.base import DuplicateKey, Tx
from .conversing import Conversing
from .queries import STATE_NAMES
from .states import Expected, State

_ATTEMPTS = 5


class Stating(Conversing):
    """The part of ThreadStore for session state.

    A scope is the id of a thread, which need not exist. A value is any JSON; its name 1 to 255 bytes of UTF-8.
    """

    async def load_state(self, scope: str, name: str) -> State:
        """Return a value and its version: `State(None, 0)` where nothing is kept."""
        return await self._backend.read(partial(states.load, **self._state(scope, name)))

    async def save_state(self, scope: str, name: str, value: object, *, version: Expected) -> int:
        """Keep a value if nobody changed it since it was loaded, and return its new version.

        Args:
            scope: The id of the thread that it stands beside.
            name: Its name.
            value: Any JSON, null as well, up to `Limits.state_bytes`.
            version: The version that was loaded, and 0 therefore for a value that must be new; or "any" to keep this
                one whatever is there.

        Raises:
            ConflictError: The stored version is another one. Nothing was written.
            InvalidState, TooLargeError: Nothing was written.
        """
        limits = self._database.limits
        place = self._state(scope, name)
        kept_as = states.new_version()
        save = states.saving(
            place,
            text=states.text_of(value, name, limits),
            expected=states.expected_version(version),
            version=kept_as,
            at=now_microseconds(),
        )
        for _ in range(_ATTEMPTS - 1):
            try:
                await self._backend.write(save)
            except DuplicateKey:
                continue  # another process made the value at the same moment: it is seen now
            return kept_as
        await self._backend.write(save)
        return kept_as

    async def delete_state(self, scope: str, name: str, *, version: Expected) -> None:
        """Take a value away if nobody changed it since it was loaded. What is not there is no error.

        Args:
            scope: As in `save_state`.
            name: Its name.
            version: The version that was loaded, or "any".

        Raises:
            ConflictError: The stored version is another one. Nothing was written.
        """
        expected = states.expected_version(version)
        await self._backend.write(states.deleting(self._state(scope, name), expected=expected))

    async def list_states(self, scope: str) -> list[str]:
        """Return the names of what is kept in a scope, in the order of their bytes."""
        place = self._scope(scope)

        async def read(tx: Tx) -> list[str]:
            return [row.value for row in await tx.run(STATE_NAMES, **place)]

        return await self._backend.read(read)

    def _scope(self, scope: str) -> dict[str, str]:
        return {"tenant": self.tenant, "scope": self._place(scope)["thread_id"]}

    def _state(self, scope: str, name: str) -> dict[str, str]:
        return {**self._scope(scope), "name": states.check_name(name)}
