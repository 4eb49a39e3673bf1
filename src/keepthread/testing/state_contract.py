"""Session state in a ThreadStore: a session like any other, and a part of the conversation that it stands beside."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio

import pytest

from keepthread.conversation.session import OpenSession, StoredSession
from keepthread.errors import ConflictError, InvalidThread, ThreadNotFound
from keepthread.store import State, ThreadStore

from .arrange import OpenStore, talk
from .refusal_contract import NO_IDS
from .session_contract import NAMES, SessionContract, count_up
from .session_refusal_contract import SessionRefusalContract


@pytest.mark.asyncio
class StateContract(SessionContract, SessionRefusalContract):
    """What `load_state`, `save_state`, `delete_state` and `list_states` promise."""

    @pytest.fixture
    def open_session(self, store: ThreadStore) -> OpenSession:
        """The sessions of the store."""
        return lambda tenant, scope: StoredSession(store.for_tenant(tenant), scope)

    async def test_states_need_no_thread_and_make_none(self, store: ThreadStore) -> None:
        version = await store.save_state("t", "a", 1, version=0)

        assert await store.load_state("t", "a") == State(1, version)
        assert await store.count_threads() == 0
        with pytest.raises(ThreadNotFound):
            await store.get_thread("t")

    async def test_states_change_nothing_of_their_thread(self, store: ThreadStore) -> None:
        before = await talk(store, "a")

        version = await store.save_state("t", "a", 1, version=0)
        await store.delete_state("t", "a", version=version)

        assert await store.get_thread("t") == before

    async def test_the_names_of_a_scope_are_listed_by_their_bytes(self, store: ThreadStore) -> None:
        for name in NAMES:
            await store.save_state("t", name, 1, version=0)
        await store.save_state("other", "a", 1, version=0)
        await store.save_state("other", "gone", 1, version=0)
        await store.delete_state("other", "gone", version="any")

        assert await store.list_states("t") == sorted(NAMES, key=str.encode)
        assert await store.list_states("other") == ["a"]
        assert await store.list_states("nowhere") == []
        assert await store.for_tenant("other").list_states("t") == []

    async def test_what_is_no_thread_id_is_no_scope(self, store: ThreadStore) -> None:
        for scope in NO_IDS:
            with pytest.raises(InvalidThread):
                await store.load_state(scope, "a")
            with pytest.raises(InvalidThread):
                await store.save_state(scope, "a", 1, version="any")
            with pytest.raises(InvalidThread):
                await store.delete_state(scope, "a", version="any")
            with pytest.raises(InvalidThread):
                await store.list_states(scope)

    async def test_a_deleted_thread_takes_its_states_along(self, store: ThreadStore) -> None:
        for tenant in (store, store.for_tenant("other")):
            for scope in ("t", "t2"):
                await talk(tenant, "a", thread_id=scope)
                await tenant.save_state(scope, "a", 1, version=0)
                await tenant.save_state(scope, "b", 1, version=0)

        await store.delete_thread("t")

        assert await store.list_states("t") == []
        assert await store.load_state("t", "a") == State(None, 0)
        assert await store.list_states("t2") == ["a", "b"]
        assert await store.for_tenant("other").list_states("t") == ["a", "b"]

    async def test_states_without_a_thread_are_deleted_as_one_is(self, store: ThreadStore) -> None:
        await store.save_state("t", "a", 1, version=0)
        with pytest.raises(ThreadNotFound):
            await store.for_tenant("other").delete_thread("t")

        await store.delete_thread("t")

        assert await store.list_states("t") == []
        with pytest.raises(ThreadNotFound):
            await store.delete_thread("t")

    async def test_another_store_sees_the_same_states_and_versions(
        self, store: ThreadStore, open_store: OpenStore
    ) -> None:
        version = await store.save_state("t", "a", {"k": [1]}, version=0)

        other = await open_store()
        assert await other.load_state("t", "a") == State({"k": [1]}, version)
        await other.save_state("t", "a", 2, version=version)

        with pytest.raises(ConflictError):
            await store.save_state("t", "a", 3, version=version)
        assert (await store.load_state("t", "a")).value == 2

    async def test_of_ten_who_read_and_write_through_two_stores_none_is_lost(
        self, store: ThreadStore, open_store: OpenStore
    ) -> None:
        stores = [store, await open_store()]

        await asyncio.gather(*(count_up(StoredSession(stores[n % 2], "t")) for n in range(10)))

        assert (await store.load_state("t", "number")).value == 10
