"""Whose conversation it is: separate values that never meet, lists by them, and another namespace (P11)."""

# ruff: noqa: D102, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

from typing import Any

import pytest

from keepthread.conversation import Conversation
from keepthread.errors import BusyError, ConflictError, InvalidSetting, ThreadNotFound
from keepthread.model import Attachment, Identity
from keepthread.retention import persist_conversation
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts
from .conversation_contract import begin, said
from .summary_contract import kept

SUMMARY = persist_conversation("agent", max_frames=2)

APART: list[tuple[str, dict[str, Any]]] = [
    ("t", {"principal": "p:q"}),
    ("t:p", {"principal": "q"}),
    ("t", {"principal": None}),
    ("t", {"principal": "None"}),
    ("t", {"principal": "null"}),
    ("T", {"principal": "p:q"}),
    ("t", {"principal": "p", "session": "q"}),
    ("t", {"principal": "p", "agent": "other"}),
    ("t", {"principal": 'p","q'}),
    ("default", {"principal": "p:q"}),
]
"""A tenant, and who it is: no two are the same."""


@pytest.mark.asyncio
class IdentityContract:
    """What the identity of a conversation promises."""

    async def test_no_two_of_them_ever_meet(self, store: ThreadStore) -> None:
        conversations = [await begin(store.for_tenant(tenant), **who) for tenant, who in APART]
        for number, conversation in enumerate(conversations):
            await conversation.add_user(f"{number}")

        assert [await said(conversation) for conversation in conversations] == [[f"{n}"] for n in range(len(APART))]

    async def test_the_same_is_found_again_and_the_default_session_is_always_the_same(self, store: ThreadStore) -> None:
        await (await begin(store, principal="p")).add_user("q")

        assert await said(await begin(store, principal="p")) == ["q"]
        assert await said(await begin(store, principal="p", session="default")) == []

    async def test_a_version_tells_conversations_apart_if_the_policy_isolates_them(self, store: ThreadStore) -> None:
        isolated = persist_conversation("user", isolate_versions=True)
        await (await begin(store, version="1")).add_user("shared")
        await (await begin(store, isolated, version="1")).add_user("of 1")

        assert await said(await begin(store, version="2")) == ["shared"]
        assert await said(await begin(store, isolated, version="1")) == ["of 1"]
        assert await said(await begin(store, isolated, version="2")) == []
        with pytest.raises(InvalidSetting, match="version"):
            await begin(store, isolated)

    @pytest.mark.parametrize("name", ["agent", "principal", "session"])
    @pytest.mark.parametrize("value", ["", "a\x00b", "x" * 300, "\ud800"])
    async def test_a_name_that_no_backend_could_hold_is_refused(
        self, store: ThreadStore, name: str, value: str
    ) -> None:
        with pytest.raises(InvalidSetting, match=name):
            await begin(store, None, **{name: value})

    async def test_whose_it_is_can_be_read(self, store: ThreadStore) -> None:
        conversation = await begin(store, session="s")
        await conversation.add_user("q")
        await talk(store, "a")

        assert await store.get_identity(conversation.thread_id) == conversation.identity
        assert await store.get_identity("t") is None
        with pytest.raises(ThreadNotFound):
            await store.get_identity("unknown")
        with pytest.raises(ThreadNotFound):
            await store.for_tenant("acme").get_identity(conversation.thread_id)

    async def test_conversations_are_listed_by_agent_and_principal(self, store: ThreadStore) -> None:
        for agent in ("a", "b"):
            for principal in ("p", "q", None):
                conversation = await begin(store, agent=agent, principal=principal)
                await conversation.add_user("hi")
        await store.update_thread((await begin(store, agent="a", principal="p")).thread_id, metadata={"n": 1})
        await talk(store, "x", agent="other")

        async def found(**filters: Any) -> list[tuple[str, str | None]]:
            headers = await store.list_threads(**filters)
            first = await store.list_threads(**filters, limit=1)
            if first.cursor is not None:
                first += await store.list_threads(**filters, cursor=first.cursor)
            assert [header.id for header in first] == [header.id for header in headers]
            whose = [await store.get_identity(header.id) for header in headers]
            return sorted(((who.agent, who.principal) for who in whose if who), key=repr)

        assert await found(principal="p") == [("a", "p"), ("b", "p")]
        assert await found(principal="p", agent="a") == [("a", "p")]
        assert await found(principal="p", agent="a", metadata={"n": 1}) == [("a", "p")]
        assert await found(principal="q", metadata={"n": 1}) == []
        assert await found(agent="b") == [("b", "p"), ("b", "q"), ("b", None)]
        assert await store.for_tenant("acme").list_threads(principal="p") == []

    async def test_a_deleted_conversation_takes_everything_along(self, store: ThreadStore) -> None:
        conversation = await begin(store, SUMMARY)
        for n in range(4):
            await conversation.add_user(f"{n}")
        await conversation.get_summary()

        await store.delete_thread(conversation.thread_id)

        assert await store.list_threads(principal="alice") == []
        assert await conversation.get_summary() is None
        await conversation.add_user("anew")
        assert await said(conversation) == ["anew"]
        assert await store.get_identity(conversation.thread_id) == conversation.identity

    async def test_a_conversation_that_moves_takes_everything_along(self, store: ThreadStore) -> None:
        conversation = await begin(store, SUMMARY)
        for n in range(4):
            await conversation.add_user(f"{n}", attachments=[Attachment(filename="a.txt", content=b"kept")])
        async with conversation.turn(idempotency_key="k") as turn:
            turn.result = "done"
            await turn.add_user("4")
        await store.update_thread(conversation.thread_id, metadata={"n": 1})
        summary = await conversation.get_summary()
        before = await kept(conversation)
        first = (await store.get_thread(conversation.thread_id)).messages[3]
        await store.edit_message(conversation.thread_id, first.id, content="three")
        history = await store.history(conversation.thread_id)

        moved = await store.move_conversation(conversation.identity, "archive")

        there = await Conversation.open(
            store,
            agent="support",
            principal="alice",
            policy=persist_conversation("agent", max_frames=2, store_name="archive"),
        )
        assert there.identity == moved == await store.get_identity(moved.thread_id)
        assert await store.history(moved.thread_id) == history
        assert await kept(there) == before is not None
        assert await there.get_summary() == summary
        assert await (await store.get_thread(moved.thread_id)).messages[0].attachments[0].read() == b"kept"
        async with there.turn(idempotency_key="k") as again:
            assert again.result == "done"
        headers = await store.list_threads(principal="alice", metadata={"n": 1}, agent="support")
        assert [header.id for header in headers] == [moved.thread_id]
        assert await said(conversation) == []
        await store.delete_thread(moved.thread_id)
        assert await store.count_threads() == 0

    async def test_a_conversation_does_not_move_onto_another_one(self, store: ThreadStore) -> None:
        here = await begin(store)
        await here.add_user("here")
        there = await begin(store, persist_conversation("user", store_name="archive"))
        await there.add_user("there")

        for store_name in ("archive", "default"):
            with pytest.raises(ConflictError):
                await store.move_conversation(here.identity, store_name)

        assert (await said(here), await said(there)) == (["here"], ["there"])

    async def test_what_is_not_there_or_under_way_does_not_move(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        with pytest.raises(ThreadNotFound):
            await store.move_conversation(conversation.identity, "archive")

        async with conversation.turn():
            await conversation.add_user("q")
            with pytest.raises(BusyError):
                await store.move_conversation(conversation.identity, "archive")

        assert await said(conversation) == ["q"]
        with pytest.raises(ThreadNotFound):
            await store.for_tenant("acme").move_conversation(conversation.identity, "archive")

    async def test_a_turn_can_be_opened_by_whose_it_is(self, store: ThreadStore) -> None:
        identity = Identity(agent="a", principal="p")
        turn = await store.open_turn(identity)
        await store.stage(turn, say("q"))
        await store.commit_turn(turn)

        assert await stored(store, identity.thread_id) == ["q"]
        assert texts(await store.get_thread(identity.thread_id)) == ["q"]
        assert [header.id for header in await store.list_threads(principal="p")] == [identity.thread_id]
