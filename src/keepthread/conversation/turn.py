"""A turn of a conversation: durable as it is staged, seen by nobody, committed whole or rolled back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

from keepthread.errors import ConflictError, InvalidSetting, KeepthreadError
from keepthread.model import Identity, Message, Role
from keepthread.model.finishing import failure_of, over
from keepthread.retention import RetentionPolicy
from keepthread.store import OpenTurn, ThreadStore

from .calls import awaiting, check_next, check_whole, tail_from_last
from .frames import Frames, tool_call
from .lease import Renewal
from .memory import Memory, check_summary
from .sight import Sight, look

LEASE_SECONDS = 60.0
_RENEWALS = 3
"""In the time of one lease."""

_entered: ContextVar[tuple[ConversationTurn, ...]] = ContextVar("keepthread_turns", default=())
"""The turns that this task, or the one that started it, is inside of; the innermost one last."""


def current_turn(owner: object) -> ConversationTurn | None:
    """Return the turn of *owner* that the caller is inside of."""
    inside = (turn for turn in reversed(_entered.get()) if turn.owner is owner and turn.is_open)
    return next(inside, None)


class ConversationTurn(Frames):
    """A turn, for `async with`: committed at the end of the block, rolled back if it ends with an exception.

    Whatever ends the block, a cancellation as well: afterwards the conversation holds all of the turn or nothing of it,
    and nobody has to wait for its lease. A process that dies leaves what it staged to the next attempt with its key.
    """

    def __init__(
        self,
        owner: object,
        store: ThreadStore,
        identity: Identity,
        policy: RetentionPolicy,
        *,
        idempotency_key: str | None,
        resume: bool,
        concurrent: Literal["merge", "refuse"],
        lease_seconds: float,
    ) -> None:
        self.owner = owner
        """The conversation."""
        self._store = store
        self._policy = policy
        self._lease_seconds = lease_seconds
        self._resumes = resume and idempotency_key is not None
        self._begin = partial(
            store.open_turn,
            identity,
            key=idempotency_key,
            resume=resume,
            concurrent=concurrent,
            lease_seconds=lease_seconds,
        )
        self._turn: OpenTurn | None = None
        self._renewal: Renewal | None = None
        self._changing = asyncio.Lock()
        # Each with the number of frames that were staged when it was made, so that a revert takes it back with them.
        self._memories: list[tuple[int, Memory]] = []
        self._is_committed = False
        self.is_repeated = False
        """Whether the turn of this key was committed before: there is nothing to do but to return `result`."""
        self.result: Any = None
        """A JSON value that is remembered with the key for 7 days; of a repeated turn, the one that was."""

    @property
    def is_open(self) -> bool:
        """Whether something can be added to it."""
        return self._turn is not None and self._renewal is not None

    @property
    def messages(self) -> list[Message]:
        """What is staged, in speaking order; once it is committed, the messages as they are stored."""
        return [] if self._turn is None else list(self._turn.messages)

    async def add(self, message: Message) -> Message:
        """Stage a message: it is durable when this returns.

        Raises:
            InvalidMessage: It is a result that no call of this turn waits for, a call whose id stands in the turn
                already, or a message that cannot be stored.
            ConflictError: The turn was taken over, was committed before (`is_repeated`), or is over.

            Nothing was written.
        """
        async with self._changing:
            turn = self._usable()
            check_next(turn.messages, message)
            await self._store.stage(turn, message, lease_seconds=self._lease_seconds)
        return message

    async def add_tool(self, name: str, *, call_id: str, arguments: str | Mapping[str, Any] = "{}") -> Message:
        """Add a call of a tool. Calls that follow on each other become one message, as calls at once are for a model.

        Returns:
            That message, with every call of it.
        """
        call = tool_call(name, call_id, arguments)
        async with self._changing:
            turn = self._usable()
            earlier = awaiting(turn.messages)
            check_next(turn.messages, Message(role="assistant", tool_calls=(call,)))
            if earlier is None:
                message = Message(role="assistant", tool_calls=(call,))
            else:
                message = earlier.edited(tool_calls=(*earlier.tool_calls, call))
                await self._store.unstage(turn, [earlier.id], lease_seconds=self._lease_seconds)
            await self._store.stage(turn, message, lease_seconds=self._lease_seconds)
        return message

    async def revert_last(self, *, role: Role | None = None) -> list[Message]:
        """Take back the last message of *role* that this turn staged, with all that stands on it.

        What follows on it was said in answer to it; a result goes with its call. What left the window for them is in it
        again. Nothing that is committed is ever touched.

        Args:
            role: None for the last message of any.

        Returns:
            What was taken back, in speaking order.

        Raises:
            InvalidMessage: Nothing of this role is staged. Nothing was reverted.
            ConflictError: As `add`.
        """
        async with self._changing:
            turn = self._usable()
            reverted = tail_from_last(turn.messages, role)
            ids = [message.id for message in reverted]
            await self._store.unstage(turn, ids, lease_seconds=self._lease_seconds)
            while self._memories and self._memories[-1][0] > len(turn.messages):
                self._memories.pop()
        return reverted

    async def look(self) -> Sight:
        """Return what the policy lets a model see now, with what this turn staged."""
        turn = self._usable()
        staged = tuple(turn.messages)
        memory = self._memories[-1][1] if self._memories else None
        sight = await look(self._store, turn.thread_id, self._policy, staged=staged, memory=memory)
        if sight.memory is not None and sight.memory is not memory and len(staged) <= len(turn.messages):
            self._memories.append((len(staged), sight.memory))
        return sight

    async def set_summary(self, text: str) -> None:
        """Put *text* in the place of the summary so far; it is kept when the turn is committed.

        What leaves the window later is added to it. It is not kept if somebody else's turn continued the summary
        meanwhile, and it goes, like every summary, when a message that it stands for is edited or removed.

        Raises:
            InvalidSetting: The policy keeps no summary, or the text cannot be stored.
            TooLargeError: It is longer than `summary_characters`.
        """
        check_summary(text, self._policy)
        memory = (await self.look()).memory
        if memory is not None:
            self._memories.append((len(self._usable().messages), memory.replaced(text, self._policy)))

    async def __aenter__(self) -> Self:
        if self._turn is not None:
            raise InvalidSetting("This turn was begun before.", hint="Begin another: conversation.turn().")
        opening = asyncio.ensure_future(self._begin())
        cancelled = await over(opening)
        if cancelled is not None:
            if failure_of(opening) is None:
                # Nothing was done yet: what an earlier attempt left stays with the key, which is free at once.
                turn: OpenTurn = opening.result()
                leave = self._store.suspend_turn if self._resumes and turn.messages else self._store.discard_turn
                await _settled(leave(turn))
            raise cancelled
        turn = self._turn = opening.result()
        self.is_repeated = self._is_committed = turn.state == "committed"
        self.result = turn.result
        if not self.is_repeated:
            renew = partial(self._store.renew_turn, turn, lease_seconds=self._lease_seconds)
            self._renewal = Renewal(renew, self._lease_seconds / _RENEWALS)
        _entered.set((*_entered.get(), self))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # By what is in it and not by a token: the block may end in another task than the one that began it.
        _entered.set(tuple(turn for turn in _entered.get() if turn is not self))
        renewal, self._renewal = self._renewal, None
        cancelled = None if renewal is None else await renewal.stop()
        try:
            if cancelled is not None:
                raise cancelled
            if error is None and not self.is_repeated:
                await self._commit()
        finally:
            # It has no effect on one that was committed.
            await self._roll_back()

    async def _commit(self) -> None:
        turn = self._opened()
        check_whole(turn.messages)
        change = self._memories[-1][1].change() if self._memories else None
        committing = asyncio.ensure_future(self._store.commit_turn(turn, self.result, summary=change))
        cancelled = await over(committing)
        self._is_committed = failure_of(committing) is None
        if cancelled is not None:
            raise cancelled
        committing.result()
        self.result = turn.result

    async def _roll_back(self) -> None:
        """Discard what is not committed. A cancellation that comes meanwhile is raised after it."""
        turn = self._opened()
        if self._is_committed:
            return
        cancelled = await _settled(self._store.discard_turn(turn))
        if cancelled is not None:
            raise cancelled

    def _opened(self) -> OpenTurn:
        if self._turn is None:
            raise InvalidSetting("The turn was not begun.", hint="async with conversation.turn() as turn: …")
        return self._turn

    def _usable(self) -> OpenTurn:
        """Return the turn if something can still be done with it."""
        turn = self._opened()
        if self.is_repeated:
            raise ConflictError(
                f"The turn with the key {turn.key!r} was committed before. Nothing was written.",
                hint="Return turn.result where turn.is_repeated.",
            )
        if self._renewal is None:
            raise ConflictError("The turn is over. Nothing was written.", hint="Begin another: conversation.turn().")
        if self._renewal.lost is not None:
            raise self._renewal.lost
        return turn


async def _settled(leaving: Coroutine[Any, Any, None]) -> asyncio.CancelledError | None:
    """Leave a turn that is not to be committed; return a cancellation that came meanwhile."""
    work = asyncio.ensure_future(leaving)
    cancelled = await over(work)
    failure = failure_of(work)
    # Somebody took it over, or the database cannot be reached and the lease will end: what ended the block is told.
    if failure is not None and not isinstance(failure, KeepthreadError):
        raise failure
    return cancelled
