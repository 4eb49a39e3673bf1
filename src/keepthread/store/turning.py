"""What can be done with a turn that takes its time: open it, stage its messages as they come, commit it whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from keepthread.errors import InvalidMessage, InvalidSetting
from keepthread.model import Identity, Message
from keepthread.model.ids import new_id, now_microseconds
from keepthread.model.json_values import canonical, check_id, freeze
from keepthread.model.record import decode

from . import open_turns
from .attachments import Prepared, encoded
from .backends.base import DuplicateKey
from .limits import check_number
from .open_turns import Opened
from .refresh import staged
from .summaries import SummaryChange
from .turn import Hold
from .writing import Writing, checked

LEASE_SECONDS = 60.0

State = Literal["open", "suspended", "committed"]


@dataclass(slots=True, kw_only=True, eq=False)
class OpenTurn:
    """A turn in one caller's hands: what it staged, and how far it is. Its methods are the store's."""

    thread_id: str
    id: str
    key: str | None
    state: State
    messages: list[Message]
    """In speaking order. What an earlier attempt staged stands first; they have a position once committed."""
    result: Any
    """What was remembered with the key, if it was committed before."""
    holder: str


class Turning(Writing):
    """The part of ThreadStore for turns that are longer than one call."""

    async def open_turn(
        self,
        thread: str | Identity,
        *,
        key: str | None = None,
        resume: bool = True,
        concurrent: Literal["merge", "refuse"] = "merge",
        lease_seconds: float = LEASE_SECONDS,
    ) -> OpenTurn:
        """Begin a turn, or go on with the one of *key*. The thread is made if it is not there.

        What is staged in an open turn is durable, and nobody sees it who does not ask (`get_thread(include_open=True)`)
        until the turn is committed. Two turns at once in one thread are both kept whole, in the order of their commits.

        Args:
            thread: The thread, by its id, or a conversation, by whose it is.
            key: The same key is the same turn, for 7 days: one that was committed comes back with its `result` and
                state "committed"; one that was suspended, or whose holder died, is taken over.
            resume: Whether a turn that is taken over keeps what the earlier attempt staged; else it begins anew.
            concurrent: "refuse" allows no other open turn in the thread.
            lease_seconds: How long nobody else takes the turn over; each change, and `renew_turn`, begin it anew. By
                the clocks of the machines that share the database.

        Raises:
            BusyError: This very turn is in other hands, or, with "refuse", another one of the thread is.
            InvalidSetting: The key is not 1 to 255 bytes of UTF-8, or an option is unknown.
        """
        if concurrent not in ("merge", "refuse"):
            raise InvalidSetting(f"concurrent={concurrent!r} is unknown.", hint='Choose "merge" or "refuse".')
        check_number("lease_seconds", int(lease_seconds), least=1)
        identity = thread if isinstance(thread, Identity) else None
        thread_id = thread.thread_id if isinstance(thread, Identity) else self._place(thread)["thread_id"]
        hold = Hold(self.tenant, thread_id, new_id(), new_id())
        at = now_microseconds()
        begin = partial(
            open_turns.open_turn,
            hold=hold,
            identity=identity,
            key=None if key is None else check_id(key, "The turn's key", InvalidSetting),
            at=at,
            lease_until=at + int(lease_seconds * 1_000_000),
            resume=resume,
            alone=concurrent == "refuse",
        )
        try:
            opened = await self._backend.write(begin)
        except DuplicateKey:
            opened = await self._backend.write(begin)  # another process made the thread, or the turn: it is seen now
        await self._files.discard(self.tenant, opened.unused, self._is_unused)
        return self._turn_of(thread_id, opened, hold.holder)

    def _turn_of(self, thread_id: str, opened: Opened, holder: str) -> OpenTurn:
        row = opened.row
        return OpenTurn(
            thread_id=thread_id,
            id=row.id,
            key=row.turn_key,
            state="committed" if row.state == "committed" else "open",
            messages=[decode(frame, None, self._source) for frame in opened.frames],
            result=None if row.result is None else json.loads(row.result),
            holder=holder,
        )

    async def stage(
        self, turn: OpenTurn, messages: Message | Sequence[Message], *, lease_seconds: float = LEASE_SECONDS
    ) -> list[Message]:
        """Add messages to an open turn, all of them or none, durable when it returns.

        A message that the turn has already, from a call whose outcome was unknown, is not added again.

        Returns:
            The messages, which stand in `turn.messages` now.

        Raises:
            ConflictError: The turn is in other hands by now, or a message's id stands for other content in it.
            ThreadNotFound: The thread was deleted.
            InvalidMessage, TooLargeError: A message cannot be stored, or the turn would be over a limit.

            Nothing was written.
        """
        new = checked([messages] if isinstance(messages, Message) else list(messages))
        if not new:
            return []
        async with self._storing_files() as prepared:
            await self._prepare_all(turn, new, prepared)
            at = now_microseconds()
            await self._backend.write(
                partial(
                    open_turns.stage,
                    hold=self._hold(turn),
                    records=[prepared.records[message.id] for message in new],
                    files=prepared.files,
                    at=at,
                    lease_until=at + int(lease_seconds * 1_000_000),
                )
            )
        had = {message.id for message in turn.messages}
        turn.messages += [message for message in staged(new, prepared) if message.id not in had]
        return new

    async def _prepare_all(self, turn: OpenTurn, new: list[Message], prepared: Prepared) -> None:
        """Prepare *new*, once it is known that with what is staged they are no larger than a turn may be."""
        limits = self._database.limits
        limits.check_turn([*map(encoded, turn.messages), *map(encoded, new)])
        await self._files.prepare(self.tenant, new, limits, prepared)

    async def unstage(
        self, turn: OpenTurn, message_ids: Sequence[str], *, lease_seconds: float = LEASE_SECONDS
    ) -> list[Message]:
        """Take messages out of an open turn again, and return them. What is committed is never touched.

        Raises:
            InvalidMessage: One of them is not staged in this turn. Nothing was written.
            ConflictError, ThreadNotFound: As `stage`.
        """
        gone = [message for message in turn.messages if message.id in set(message_ids)]
        if len(gone) != len(set(message_ids)):
            raise InvalidMessage("A message that is to be taken out of the turn is not staged in it.")
        at = now_microseconds()
        hashes = await self._backend.write(
            partial(
                open_turns.unstage,
                hold=self._hold(turn),
                message_ids=list(message_ids),
                at=at,
                lease_until=at + int(lease_seconds * 1_000_000),
            )
        )
        turn.messages = [message for message in turn.messages if message not in gone]
        await self._files.discard(self.tenant, hashes, self._is_unused)
        return gone

    async def renew_turn(self, turn: OpenTurn, *, lease_seconds: float = LEASE_SECONDS) -> None:
        """Keep an open turn for longer.

        Raises:
            ConflictError, ThreadNotFound: As `stage`.
        """
        at = now_microseconds()
        until = at + int(lease_seconds * 1_000_000)
        await self._backend.write(partial(open_turns.renew, hold=self._hold(turn), at=at, lease_until=until))

    async def suspend_turn(self, turn: OpenTurn) -> None:
        """Leave an open turn to the next attempt: durable, invisible, and free at once for who has its key.

        Raises:
            InvalidSetting: It has no key: nobody could ever go on with it.
            ConflictError, ThreadNotFound: As `stage`.
        """
        if turn.key is None:
            raise InvalidSetting("A turn without a key cannot be suspended.", hint="Discard it, or open it with key=.")
        suspend = partial(
            open_turns.renew, hold=self._hold(turn), at=now_microseconds(), lease_until=0, state="suspended"
        )
        await self._backend.write(suspend)
        turn.state = "suspended"

    async def discard_turn(self, turn: OpenTurn) -> None:
        """Drop an open turn and all that it staged. Its key is free.

        Raises:
            ConflictError, ThreadNotFound: As `stage`.
        """
        hashes = await self._backend.write(open_turns.discard(hold=self._hold(turn)))
        turn.messages = []
        await self._files.discard(self.tenant, hashes, self._is_unused)

    async def commit_turn(
        self, turn: OpenTurn, result: object = None, *, summary: SummaryChange | None = None
    ) -> list[Message]:
        """Make all that an open turn staged a part of the thread, in one transaction, behind what others appended.

        Args:
            turn: The turn. `turn.messages` have their positions afterwards.
            result: A JSON value that is remembered with the turn's key for 7 days.
            summary: Kept with the turn if it still holds, as by `keep_summary`.

        Returns:
            The messages, as they are stored. One that the thread held already is not stored again.

        Raises:
            ConflictError: The turn is in other hands by now, or a message's id stands for other content in the thread.
            ThreadNotFound: The thread was deleted.
            InvalidMessage: The result is no JSON value.

            Nothing was written.
        """
        text = canonical(freeze(result, "The turn's result", InvalidMessage))
        commit = open_turns.commit(
            hold=self._hold(turn), result=text, summary=summary, at=now_microseconds(), source=self._source
        )
        turn.messages = await self._backend.write(commit)
        turn.state, turn.result = "committed", json.loads(text)
        return list(turn.messages)

    def _hold(self, turn: OpenTurn) -> Hold:
        return Hold(self.tenant, turn.thread_id, turn.id, turn.holder)
