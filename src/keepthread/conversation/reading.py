"""Reading as much of a thread as a policy shows, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import dropwhile, takewhile

from keepthread.model import Message
from keepthread.retention import RetentionPolicy, Window, select_window
from keepthread.retention.turns import PREFACE, orphan_results
from keepthread.store import BEFORE_ALL, ThreadStore
from keepthread.store.limits import LARGEST

from .memory import Memory, kind_of

_PAGE = 200
_FIRST = 8
"""So many messages are looked through for the leading ones at first."""
_LEAST = 64


class Tail:
    """What stands behind a summary, page after page: what left the window is dropped before the next one is read."""

    def __init__(self, store: ThreadStore, thread_id: str, memory: Memory) -> None:
        self._store = store
        self._thread_id = thread_id
        self.memory = memory
        self._leading: tuple[Message, ...] | None = memory.leading if memory.is_begun else None
        self._frames: list[Message] = []
        self._rest: AsyncIterator[Message] | None = None
        self.may_have_more = True
        """Whether the last page was a full one."""

    @classmethod
    async def begin(cls, store: ThreadStore, thread_id: str, policy: RetentionPolicy, memory: Memory | None) -> Tail:
        """Return what stands behind *memory*, or behind what the store keeps, with a first page."""
        if memory is not None and memory.is_begun:
            tail = cls(store, thread_id, memory)
            await tail.read_page()
            return tail
        found = await store.get_remembered(thread_id, kind_of(policy), limit=_PAGE)
        if memory is None or memory.kept != found.summary:
            memory = Memory.of(found.summary, found.leading, policy)
        tail = cls(store, thread_id, memory)
        tail._add(found.messages if memory.is_begun else [*found.leading, *found.messages])
        tail.may_have_more = len(found.messages) == _PAGE
        return tail

    async def read_page(self) -> None:
        """Read the next page."""
        if self._rest is None:
            last = self._frames[-1].position if self._frames else self.memory.checkpoint.through
            self._rest = self._store.iter_messages(self._thread_id, after=last)
        page: list[Message] = []
        async for message in self._rest:
            page.append(message)
            if len(page) == _PAGE:
                break
        self._add(page)
        self.may_have_more = len(page) == _PAGE

    def _add(self, messages: Sequence[Message]) -> None:
        self._frames += messages

    def window(self, policy: RetentionPolicy, staged: Sequence[Message] = ()) -> Window:
        """Return the window of what was read and not dropped, with *staged* behind it."""
        return select_window([*self._frames, *staged], policy, leading=self._leading)

    def drop(self, window: Window) -> None:
        """Drop what left *window*: what has left once is never seen again."""
        before = 0 if self._leading is not None else len(window.leading)
        self._leading = window.leading
        self._frames = self._frames[before + len(window.folded) :]


async def recent_window(
    store: ThreadStore, thread_id: str, policy: RetentionPolicy, staged: Sequence[Message]
) -> Window:
    """Return the window of a thread with *staged* behind it, from its two ends: more is read until it is certain."""
    first, last = _FIRST, _guess(policy)
    while True:
        found = await store.get_ends(thread_id, first=first, last=last)
        leading = tuple(takewhile(lambda message: message.role in PREFACE, found.first))
        if len(found.last) < last:
            return select_window([*found.last, *staged], policy)
        if len(leading) == first:
            first *= 2
            continue
        behind = (leading[-1].position if leading else None) or BEFORE_ALL
        window = _settled([*found.last, *staged], policy, leading, behind)
        if window is not None:
            return window
        last *= 4


def _guess(policy: RetentionPolicy) -> int:
    if policy.max_frames is None and policy.max_tokens is None:
        return LARGEST
    return max(_LEAST, 2 * (policy.max_frames or 0))


def _settled(
    frames: Sequence[Message], policy: RetentionPolicy, leading: Sequence[Message], behind: int
) -> Window | None:
    """Return the window of the last frames of a thread, if it is that of the whole thread; None if it may not be.

    It is if something left it, and if no result refers to a call before them. The last frames are looked at from their
    first question on: they may begin in the middle of a turn.
    """
    begun = [frame for frame in frames if frame.position is None or frame.position > behind]
    turns = list(dropwhile(lambda frame: frame.role != "user", begun))
    window = select_window(turns, policy, leading=leading)
    return window if window.folded and not orphan_results(turns) else None
