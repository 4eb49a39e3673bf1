"""Session state: what a value and its version are, and the operations that compare one before they change the other."""

from __future__ import annotations

import json
import secrets
from typing import Any, Literal, NamedTuple, TypeAlias

from keepthread.errors import ConflictError, CorruptError, InvalidState, UnavailableError
from keepthread.model.json_values import canonical, check_id, freeze

from .backends.base import DuplicateKey, Operation, Tx
from .limits import LARGEST, Limits
from .queries import CHANGE_STATE, DELETE_STATE, INSERT_STATE, STATE, STATE_VERSION

NOTHING = 0
"""The version of what is not there."""

# A number of JavaScript holds no more digits, and a version may travel through a web page and back.
_MOST_VERSIONS = 2**53 - 1

Expected: TypeAlias = int | Literal["any"]
"""The version that must still be the stored one, or "any" to change the value whatever it is by now."""


class State(NamedTuple):
    """One value of a session's state. It unpacks: `value, version = await …`."""

    value: Any
    """The caller's own; None where nothing is kept, as for JSON's null."""
    version: int
    """0 where nothing is kept; else a number that every save draws anew. Only whether two are equal means anything."""


def new_version() -> int:
    """Return a version that no other save has. A count would give a value that was deleted and made anew an old one."""
    return secrets.randbelow(_MOST_VERSIONS) + 1


def expected_version(version: object) -> int | None:
    """Return the version that must be the stored one, None for any.

    Raises:
        InvalidState: It is neither.
    """
    if version == "any":
        return None
    if isinstance(version, bool) or not isinstance(version, int) or not NOTHING <= version <= LARGEST:
        raise InvalidState('version= must be the version that was loaded, 0 for a value that is new, or "any".')
    return version


def check_name(name: object) -> str:
    """Return *name* if it can be one: 1 to 255 bytes of UTF-8 without control characters. Otherwise InvalidState."""
    return check_id(name, "The state's name", InvalidState)


def text_of(value: object, name: str, limits: Limits) -> str:
    """Return a value as canonical JSON.

    Raises:
        InvalidState: It is no JSON.
        TooLargeError: It is over the limit.
    """
    text = canonical(freeze(value, "The state's value", InvalidState))
    limits.check_state(name, text)
    return text


def state_of(text: str | bytes, version: int, name: str) -> State:
    """Return a stored value and its version.

    Raises:
        CorruptError: It is no JSON.
    """
    try:
        return State(json.loads(text), version)
    except ValueError as damage:
        raise CorruptError(f"State {name!r} is damaged: it is no JSON.", hint="Save it anew.") from damage


async def load(tx: Tx, *, tenant: str, scope: str, name: str) -> State:
    """Return a value and its version."""
    rows = await tx.run(STATE, tenant=tenant, scope=scope, name=name)
    return state_of(rows[0].value, rows[0].version, name) if rows else State(None, NOTHING)


def saving(place: dict[str, str], *, text: str, expected: int | None, version: int, at: int) -> Operation[None]:
    """Return what keeps a value under its new *version* if the stored one is the *expected* one.

    Raises:
        ConflictError: It is another one. Nothing was written.
        UnavailableError: It is another one now, after an attempt of which it is unknown whether it was written.
        DuplicateKey: The value was made at the same moment: call again.
    """
    was_done = False

    async def save(tx: Tx) -> None:
        nonlocal was_done
        if expected != NOTHING:
            await tx.run(CHANGE_STATE, **place, value=text, version=version, expected=expected, at=at)
        stored = await _version(tx, place)
        if stored == NOTHING and not expected:
            await tx.run(INSERT_STATE, **place, value=text, version=version, at=at)
        elif stored != version:
            # With the new version it is what this call stored, just now or in an attempt that lost its connection.
            raise DuplicateKey if expected is None else _stale(place["name"], was_done=was_done)
        was_done = True

    return save


def deleting(place: dict[str, str], *, expected: int | None) -> Operation[None]:
    """Return what takes a value away if its version is the *expected* one. What is not there is away.

    Raises:
        ConflictError, UnavailableError: As `saving`.
    """
    was_done = False

    async def delete(tx: Tx) -> None:
        nonlocal was_done
        await tx.run(DELETE_STATE, **place, expected=expected)
        if expected is not None and await _version(tx, place):
            raise _stale(place["name"], was_done=was_done)
        was_done = True

    return delete


async def _version(tx: Tx, place: dict[str, str]) -> int:
    rows = await tx.run(STATE_VERSION, **place)
    return rows[0].value if rows else NOTHING


def _stale(name: str, *, was_done: bool) -> ConflictError | UnavailableError:
    if was_done:
        return UnavailableError(
            f"The connection was lost while state {name!r} was changed, and somebody else has changed it since.",
            hint="Load it again, and see whether the change is still wanted.",
        )
    return stale(name)


def stale(name: str) -> ConflictError:
    """Return the error for a value that is not what the caller loaded any more."""
    return ConflictError(
        f"Somebody else changed state {name!r} since it was loaded. Nothing was written.",
        hint='Load it again and repeat the change, or pass version="any" to replace what is there.',
    )
