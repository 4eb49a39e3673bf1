"""What can be done with a thread that is somebody's conversation, and with the summaries that are kept with one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from keepthread.model import Identity
from keepthread.model.ids import now_microseconds

from . import conversations, summaries
from .backends.base import DuplicateKey
from .limits import check_number
from .summaries import Ends, Remembered, SummaryChange
from .turning import Turning


class Conversing(Turning):
    """The part of ThreadStore that conversations are built on."""

    async def get_identity(self, thread_id: str) -> Identity | None:
        """Return whose conversation a thread is; None if it was made by its id.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        return await self._backend.read(partial(conversations.identity_of, **self._place(thread_id)))

    async def move_conversation(self, identity: Identity, store_name: str) -> Identity:
        """Take a conversation to another namespace, with all that belongs to it, in one transaction.

        Its thread has another id afterwards; the messages keep theirs. It costs as much as the conversation is long.

        Returns:
            Its new identity.

        Raises:
            ThreadNotFound: There is no such conversation.
            ConflictError: There is one in the other place already.
            BusyError: A turn is under way in it.
            InvalidSetting: The name could not be one.

            Nothing was moved.
        """
        moved = replace(identity, store_name=store_name)
        if moved == identity:
            raise conversations.occupied(moved)
        move = conversations.moving(tenant=self.tenant, identity=identity, moved=moved, at=now_microseconds())
        try:
            await self._backend.write(move)
        except DuplicateKey:
            raise conversations.occupied(moved) from None  # another process made it at this moment
        return moved

    async def get_remembered(self, thread_id: str, kind: str, *, limit: int) -> Remembered:
        """Return the summary of a kind, the messages before it, and at most *limit* of those behind it, of one moment.

        Without a summary these are the first messages of the thread. One that is not there is empty.
        """
        check_number("limit", limit, least=1)
        read = partial(summaries.remembered, **self._place(thread_id), kind=kind, limit=limit, source=self._source)
        return await self._backend.read(read)

    async def get_ends(self, thread_id: str, *, first: int, last: int) -> Ends:
        """Return the *first* and the *last* messages that a thread shows, of one moment. They may overlap.

        A thread that is not there is empty.
        """
        check_number("first", first, least=0)
        check_number("last", last, least=0)
        read = partial(summaries.ends, **self._place(thread_id), first=first, last=last, source=self._source)
        return await self._backend.read(read)

    async def keep_summary(self, thread_id: str, change: SummaryChange) -> bool:
        """Keep a summary with a thread; `commit_turn(summary=)` does it with a turn.

        It is not kept where it no longer holds: a message that it stands for is another one by now, somebody else
        continued the same summary, or the thread is gone.

        Returns:
            Whether it was kept.
        """
        return await self._backend.write(partial(summaries.keep, **self._place(thread_id), change=change))
