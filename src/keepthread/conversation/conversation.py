"""Conversation: a thread of somebody's, seen through a retention policy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, Self

from keepthread.errors import (
    BusyError,
    FullError,
    InvalidMessage,
    InvalidSetting,
    ThreadNotFound,
    UnavailableError,
)
from keepthread.model import Identity, Message, Role
from keepthread.retention import RetentionPolicy, persist_conversation
from keepthread.store import ThreadStore
from keepthread.store.writing import UNSET, Unset

from .frames import Frames
from .memory import check_summary
from .sight import Sight, look
from .turn import LEASE_SECONDS, ConversationTurn, current_turn


class Conversation(Frames):
    """A conversation that outlives the process, for any code that talks to a model.

    Inside of `async with conversation.turn():` everything that is done with the conversation is done in that turn, also
    by the tasks that the block starts. Outside of one, each `add_…` is a turn of its own, committed when it returns.
    Any number of these objects, in any number of processes, may be used at once.
    """

    def __init__(self, store: ThreadStore, identity: Identity, policy: RetentionPolicy) -> None:
        """Take what `open` found."""
        self.store = store
        """Where it is kept; for an ephemeral one a store in memory of its own."""
        self.identity = identity
        self.policy = policy

    @classmethod
    async def open(
        cls,
        store: ThreadStore,
        *,
        agent: str,
        principal: str | None = None,
        session: str | Unset | None = UNSET,
        version: str | None = None,
        policy: RetentionPolicy | None = None,
    ) -> Self:
        """Return a conversation, begun or not. Nothing is written before the first turn.

        Args:
            store: Where it is kept, and of which tenant.
            agent: Who it is held with.
            principal: Who holds it; None for nobody in particular.
            session: Which of the principal's. Not passed: the one that there always is. None: an ephemeral one, which
                is kept nowhere and is gone with this object.
            version: The agent's, which tells conversations apart only if the policy isolates versions.
            policy: What a model sees of it; `persist_conversation("user")` if none is given.

        Raises:
            InvalidSetting: A name could not be one, or the policy isolates versions and there is none.
        """
        policy = policy or persist_conversation("user")
        if policy.isolate_versions and version is None:
            raise InvalidSetting("This policy isolates versions, and there is no version=.")
        identity = Identity(
            agent=agent,
            principal=principal,
            session=None if isinstance(session, Unset) else session,
            version=version if policy.isolate_versions else None,
            store_name=policy.store_name,
        )
        return cls(await ThreadStore.create() if session is None else store, identity, policy)

    @property
    def thread_id(self) -> str:
        """The id of the thread that it is: `store.get_thread(conversation.thread_id)` has every message."""
        return self.identity.thread_id

    def __repr__(self) -> str:
        return f"Conversation({self.identity!r})"

    def turn(
        self,
        *,
        idempotency_key: str | None = None,
        resume: bool = False,
        concurrent: Literal["merge", "refuse"] = "merge",
        lease_seconds: float = LEASE_SECONDS,
    ) -> ConversationTurn:
        """Return a turn for `async with`: what is added in the block is kept if it ends well, and else nothing of it.

        Args:
            idempotency_key: The same key is the same turn, for 7 days. Once it is committed, it comes back with
                `is_repeated` and its `result`, and takes nothing more. What an attempt left whose process died is
                this turn's.
            resume: Whether that is gone on with: it stands in `messages`. Else it is dropped, for a handler that says
                it all again.
            concurrent: "refuse" allows no other open turn in the conversation.
            lease_seconds: How long the key of a process that died is taken. The lease of one that lives is renewed.

        Raises:
            BusyError: On entering: the turn of this key is under way elsewhere; with "refuse", another one is.
        """
        return ConversationTurn(
            self,
            self.store,
            self.identity,
            self.policy,
            idempotency_key=idempotency_key,
            resume=resume,
            concurrent=concurrent,
            lease_seconds=lease_seconds,
        )

    async def add(self, message: Message) -> Message:
        """Add a message that was made elsewhere: to the turn that this is inside of, or as one of its own.

        Raises:
            InvalidMessage: It cannot be stored, or it is a tool's call or result outside of a turn.
            ConflictError: As in a turn; outside of one, its id stands for another message.

            Nothing was written.
        """
        turn = current_turn(self)
        if turn is not None:
            return await turn.add(message)
        if message.role == "tool" or message.tool_calls:
            raise InvalidMessage(
                "A tool's call and its result belong into one turn. Nothing was written.",
                hint="async with conversation.turn(): …",
            )
        try:
            (added,) = await self.store.append(self.thread_id, message)
        except ThreadNotFound:
            # The first of the conversation: a turn makes its thread, and says whose it is.
            async with self.turn() as first:
                await first.add(message)
            (added,) = first.messages
        return added

    async def add_tool(self, name: str, *, call_id: str, arguments: str | Mapping[str, Any] = "{}") -> Message:
        """Add a call of a tool to the turn that this is inside of. See ConversationTurn.add_tool."""
        inside: Frames = current_turn(self) or super()
        return await inside.add_tool(name, call_id=call_id, arguments=arguments)

    async def look(self) -> Sight:
        """Return what the policy lets a model see now.

        Outside of a turn, a summary that went on is kept. Where it cannot be, the next look makes it again.
        """
        turn = current_turn(self)
        if turn is not None:
            return await turn.look()
        sight = await look(self.store, self.thread_id, self.policy)
        change = sight.memory.change() if sight.memory is not None else None
        if change is not None:
            with suppress(BusyError, FullError, UnavailableError):
                await self.store.keep_summary(self.thread_id, change)
        return sight

    async def set_summary(self, text: str) -> None:
        """Put *text* in the place of the summary so far. See ConversationTurn.set_summary.

        Raises:
            InvalidSetting, TooLargeError: Nothing was written.
        """
        check_summary(text, self.policy)
        turn = current_turn(self)
        if turn is not None:
            await turn.set_summary(text)
            return
        async with self.turn() as own:
            await own.set_summary(text)

    async def revert_last(self, *, role: Role | None = None) -> list[Message]:
        """Take back the last message of *role* that the turn staged. See ConversationTurn.revert_last.

        Raises:
            InvalidMessage: There is none, or this is not inside of a turn: what is committed is never taken back.
        """
        turn = current_turn(self)
        if turn is None:
            raise InvalidMessage(
                "Nothing is staged outside of a turn. Nothing was reverted.",
                hint="async with conversation.turn(): …",
            )
        return await turn.revert_last(role=role)
