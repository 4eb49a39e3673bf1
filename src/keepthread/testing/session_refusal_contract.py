"""What is no session state is refused by each of ours, typed, before anything is written."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

from typing import Any

import pytest

from keepthread.conversation.session import OpenSession
from keepthread.errors import ConflictError, InvalidState, TooLargeError

from .refusal_contract import NO_IDS, NO_JSON


@pytest.mark.asyncio
class SessionRefusalContract:
    """What keepthread's own sessions refuse, and that nothing is written then."""

    async def test_what_is_no_json_is_no_state(self, open_session: OpenSession) -> None:
        session = open_session("default", "t")
        version = await session.save("a", 1, version=0)

        for value in NO_JSON.values():
            for nesting in ([value], {"k": value}):
                with pytest.raises(InvalidState):
                    await session.save("a", nesting, version=version)

        assert tuple(await session.load("a")) == (1, version)

    async def test_what_is_no_id_names_no_state(self, open_session: OpenSession) -> None:
        session = open_session("default", "t")
        for name in NO_IDS:
            with pytest.raises(InvalidState):
                await session.load(name)
            with pytest.raises(InvalidState):
                await session.save(name, 1, version="any")
            with pytest.raises(InvalidState):
                await session.delete(name, version="any")

    async def test_what_is_no_version_is_refused(self, open_session: OpenSession) -> None:
        session = open_session("default", "t")
        version = await session.save("a", 1, version=0)

        bad: list[Any] = [None, True, False, -1, 1.0, "1", "ANY", "", b"any", 2**63, (version,)]
        for expected in bad:
            with pytest.raises(InvalidState):
                await session.save("a", 2, version=expected)
            with pytest.raises(InvalidState):
                await session.delete("a", version=expected)

        assert tuple(await session.load("a")) == (1, version)

    async def test_a_value_over_the_limit_is_refused_and_one_of_just_the_limit_kept(
        self, open_session: OpenSession
    ) -> None:
        session = open_session("default", "t")
        largest = "é" * (128 * 1024 - 1)
        version = await session.save("a", largest, version=0)

        with pytest.raises(TooLargeError) as failure:
            await session.save("a", f"{largest}x", version=version)

        assert (failure.value.limit, failure.value.size) == (256 * 1024, 256 * 1024 + 1)
        assert tuple(await session.load("a")) == (largest, version)

    async def test_an_error_says_nothing_of_the_value(self, open_session: OpenSession) -> None:
        session = open_session("default", "t")
        await session.save("a", "the secret", version=0)

        for refused in (
            session.save("a", "the secret", version=0),
            session.save("a", {"k": "the secret\x00"}, version="any"),
            session.save("a", "the secret" * 100_000, version="any"),
        ):
            with pytest.raises((ConflictError, InvalidState, TooLargeError)) as failure:
                await refused
            assert "secret" not in f"{failure.value!r} {failure.value}"
