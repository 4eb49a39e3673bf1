"""Session state: what is kept beside a conversation comes back, is compared before it changes, and meets no other's."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keepthread.conversation.session import OpenSession, SessionState
from keepthread.errors import ConflictError

from .refusal_contract import nested

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "one with a point": 1.0,
    "a large number": 2**80,
    "a small one": 5e-324,
    "no text": "",
    "text": 'it\'s 100 % "so" \\ \n\t\u2028 \U0001f600 e\u0301 é',
    "digits": "1",
    "an empty list": [],
    "an empty object": {},
    "an object": {"b": [1, {"": None}], "a.b": {"'": -0.5}, "1": "x"},
    "30 levels": nested(30),
}

NAMES = ["a", "A", "a ", " a", "é", "e\u0301", "\U0001f600", "%", "_", "'", "a:b", "a b", "{a}", "0", "a" * 255]
"""Every one another value."""

SCOPES = [
    ("t:p", "q"),
    ("t", "p:q"),
    ("t:p:q", "q"),
    ("1:t", "q"),
    ("t", "1:q"),
    ("{t}", "q"),
    ("t", "{q}"),
    ("T", "q"),
    ("t", "q"),
    ("t ", "q"),
    ("global", "q"),
    ("default", "q"),
    ("é", "q"),
    ("e\u0301", "q"),
]
"""Tenants and scopes that are one another's when they are joined, folded or cut: every pair is a session of its own."""


async def count_up(session: SessionState) -> None:
    """Add one to a number, as often as it takes."""
    while True:
        number, version = await session.load("number")
        try:
            await session.save("number", (number or 0) + 1, version=version)
        except ConflictError:
            continue
        return


@pytest.mark.asyncio
class SessionContract:
    """What a SessionState promises. Define one fixture.

    `open_session` is an OpenSession: what it returns for a tenant and a scope is empty at first, and the same state
    whenever it is asked for the same two.
    """

    @pytest.fixture
    def session(self, open_session: OpenSession) -> SessionState:
        """Some conversation's state, with nothing in it."""
        return open_session("default", "t")

    async def test_where_nothing_is_kept_there_is_none_of_version_0(self, session: SessionState) -> None:
        assert tuple(await session.load("a")) == (None, 0)

    async def test_every_value_of_json_comes_back_as_it_was(self, session: SessionState) -> None:
        for name, value in VALUES.items():
            await session.save(name, value, version=0)

        for name, value in VALUES.items():
            found, _ = await session.load(name)
            assert (found, type(found)) == (value, type(value)), name

    async def test_null_is_kept_and_is_not_nothing(self, session: SessionState) -> None:
        version = await session.save("a", None, version=0)

        assert version != 0
        assert tuple(await session.load("a")) == (None, version)

    async def test_a_value_is_kept_as_it_was_when_it_was_saved(self, session: SessionState) -> None:
        value = {"items": [1]}
        await session.save("a", value, version=0)

        value["items"].append(2)
        loaded, _ = await session.load("a")
        loaded["items"].append(3)

        assert (await session.load("a"))[0] == {"items": [1]}

    async def test_what_was_loaded_can_be_replaced(self, session: SessionState) -> None:
        first = await session.save("a", 1, version=0)
        _, loaded = await session.load("a")

        second = await session.save("a", 2, version=loaded)

        assert loaded == first != second
        assert tuple(await session.load("a")) == (2, second)

    async def test_what_was_saved_can_be_saved_again_without_a_look(self, session: SessionState) -> None:
        version = 0
        for number in range(5):
            version = await session.save("a", number, version=version)

        assert tuple(await session.load("a")) == (4, version)

    async def test_a_stale_save_conflicts_and_nothing_is_written(self, session: SessionState) -> None:
        stale = await session.save("a", 1, version=0)
        version = await session.save("a", 2, version=stale)

        with pytest.raises(ConflictError):
            await session.save("a", 3, version=stale)

        assert tuple(await session.load("a")) == (2, version)

    async def test_the_same_value_is_another_version(self, session: SessionState) -> None:
        stale = await session.save("a", 1, version=0)
        await session.save("a", 1, version=stale)

        with pytest.raises(ConflictError):
            await session.save("a", 2, version=stale)

    async def test_what_should_be_new_and_is_there_conflicts(self, session: SessionState) -> None:
        await session.save("a", 1, version=0)

        with pytest.raises(ConflictError):
            await session.save("a", 2, version=0)

        assert (await session.load("a"))[0] == 1

    async def test_what_should_be_there_and_is_not_conflicts(self, session: SessionState) -> None:
        elsewhere = await session.save("a", 1, version=0)

        with pytest.raises(ConflictError):
            await session.save("b", 2, version=elsewhere)

        assert tuple(await session.load("b")) == (None, 0)

    async def test_a_save_may_replace_whatever_is_there(self, session: SessionState) -> None:
        first = await session.save("a", 1, version="any")
        second = await session.save("a", 2, version="any")

        assert first != second
        assert tuple(await session.load("a")) == (2, second)

    async def test_what_was_loaded_can_be_deleted(self, session: SessionState) -> None:
        version = await session.save("a", 1, version=0)
        await session.save("b", 2, version=0)

        await session.delete("a", version=version)

        assert tuple(await session.load("a")) == (None, 0)
        assert (await session.load("b"))[0] == 2

    async def test_a_stale_deletion_conflicts_and_nothing_is_deleted(self, session: SessionState) -> None:
        stale = await session.save("a", 1, version=0)
        version = await session.save("a", 2, version=stale)

        for expected in (stale, 0):
            with pytest.raises(ConflictError):
                await session.delete("a", version=expected)

        assert tuple(await session.load("a")) == (2, version)

    async def test_a_deletion_may_take_whatever_is_there(self, session: SessionState) -> None:
        await session.save("a", 1, version=0)

        await session.delete("a", version="any")

        assert tuple(await session.load("a")) == (None, 0)

    async def test_what_is_away_can_be_deleted(self, session: SessionState) -> None:
        version = await session.save("a", 1, version=0)
        await session.delete("a", version=version)

        await session.delete("a", version=version)
        await session.delete("a", version="any")
        await session.delete("never", version=0)

        assert tuple(await session.load("a")) == (None, 0)

    async def test_what_was_deleted_and_made_anew_is_another_version(self, session: SessionState) -> None:
        stale = await session.save("a", 1, version=0)
        await session.delete("a", version=stale)
        with pytest.raises(ConflictError):
            await session.save("a", 2, version=stale)
        await session.save("a", 1, version=0)

        with pytest.raises(ConflictError):
            await session.save("a", 2, version=stale)
        with pytest.raises(ConflictError):
            await session.delete("a", version=stale)

        assert (await session.load("a"))[0] == 1

    async def test_of_ten_who_read_and_write_at_once_none_is_lost(self, open_session: OpenSession) -> None:
        await asyncio.gather(*(count_up(open_session("default", "t")) for _ in range(10)))

        assert (await open_session("default", "t").load("number"))[0] == 10

    async def test_of_ten_who_make_a_value_at_once_one_does(self, open_session: OpenSession) -> None:
        saves = [open_session("default", "t").save("a", number, version=0) for number in range(10)]

        outcomes = await asyncio.gather(*saves, return_exceptions=True)

        (made,) = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, int)]
        assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 9
        assert tuple(await open_session("default", "t").load("a")) == (made, outcomes[made])

    async def test_of_ten_who_replace_at_once_all_do(self, open_session: OpenSession) -> None:
        saves = [open_session("default", "t").save("a", number, version="any") for number in range(10)]

        versions = await asyncio.gather(*saves)

        number, version = await open_session("default", "t").load("a")
        assert (len(set(versions)), versions[number]) == (10, version)

    async def test_every_name_is_another_value(self, session: SessionState) -> None:
        for name in NAMES:
            await session.save(name, name, version=0)

        assert [(await session.load(name))[0] for name in NAMES] == NAMES

    async def test_every_tenant_and_scope_is_another_session(self, open_session: OpenSession) -> None:
        for pair in SCOPES:
            await open_session(*pair).save("a", list(pair), version=0)
        await open_session(*SCOPES[0]).delete("a", version="any")

        kept = [(await open_session(*pair).load("a"))[0] for pair in SCOPES]

        assert kept == [None, *map(list, SCOPES[1:])]
