"""What is seen of a conversation: read, folded and cut to a policy, in no transaction and under no lock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from keepthread.model import Message
from keepthread.retention import (
    Prompt,
    RetentionPolicy,
    Summary,
    Window,
    build_prompt,
    custom_summary,
    fold,
    merge,
)
from keepthread.retention.summary import CUSTOM
from keepthread.store import ThreadStore

from .memory import Memory
from .reading import Tail, recent_window
from .wording import joined

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a policy lets a model see of a conversation."""

    policy: RetentionPolicy
    window: Window
    summary: Summary | None
    """Of what left the window; None where the policy keeps none."""
    memory: Memory | None
    """What of the summary may be kept: it stands for committed messages only, and says what was meant to be said."""

    def prompt(self, instructions: Sequence[Message] = ()) -> Prompt:
        """Return it as a model is sent it."""
        return build_prompt(self.window, self.policy, summary=self.summary, instructions=instructions)


async def look(
    store: ThreadStore,
    thread_id: str,
    policy: RetentionPolicy,
    *,
    staged: Sequence[Message] = (),
    memory: Memory | None = None,
) -> Sight:
    """Return what is seen of a thread with *staged* behind its messages. Nothing is written.

    Args:
        store: Where the thread is; one that is not there is empty.
        thread_id: The thread.
        policy: What may be seen.
        staged: The messages of a turn that is open.
        memory: How far the summary was brought in this turn; None to begin with what the store keeps.

    Raises:
        CorruptError: What the store keeps cannot be read.
    """
    if policy.strategy == "full":
        window = await recent_window(store, thread_id, policy, staged)
        return Sight(policy=policy, window=window, summary=None, memory=None)
    tail = await Tail.begin(store, thread_id, policy, memory)
    folding = _Folding(policy, tail.memory, thread_id)
    while tail.may_have_more:
        window = tail.window(policy)
        if window.folded:
            await folding.take(window)
            tail.drop(window)
        await tail.read_page()
    window = tail.window(policy, staged)
    await folding.take(window)
    return Sight(policy=policy, window=window, summary=folding.shown(), memory=folding.memory)


class _Folding:
    """A summary being continued: what can be kept in `memory`, and beside it what is only shown this time."""

    def __init__(self, policy: RetentionPolicy, memory: Memory, thread_id: str) -> None:
        self._policy = policy
        self._thread_id = thread_id
        self.memory = memory
        self._passing = Summary(characters=policy.summary_characters)
        self._has_failed = False

    async def take(self, window: Window) -> None:
        """Fold what left *window*. Messages that are staged have no position yet: they are shown, and not kept."""
        stored = [message for message in window.folded if message.position is not None]
        if stored:
            summary = None if self._has_failed else await self._continued(stored)
            if summary is None:
                self._passing = fold(self._passing, stored)
            else:
                self.memory = self.memory.advanced(stored, summary, window.leading)
        if len(stored) < len(window.folded):
            self._passing = fold(self._passing, window.folded[len(stored) :])

    async def _continued(self, messages: Sequence[Message]) -> Summary | None:
        """Return the summary continued by *messages*; None if the summarizer failed."""
        earlier = self.memory.checkpoint.summary
        if self._policy.summarizer is None:
            return fold(earlier, messages)
        try:
            text = await self._policy.summarizer(earlier.text or None, messages)
            return custom_summary(
                text, frames=earlier.frames + len(messages), characters=self._policy.summary_characters
            )
        except Exception as failure:  # noqa: BLE001 - a callable of the user, and the conversation goes on without it
            _log.warning("thread=%s: the summarizer failed (%s)", self._thread_id, type(failure).__name__)
            self._has_failed = True
            return None

    def shown(self) -> Summary:
        """Return what a model is told: what was given or written, and the lines of what came after it."""
        kept, passing = self.memory.checkpoint.summary, self._passing
        if kept.algorithm == passing.algorithm:
            head, lines = self.memory.given, merge(kept, passing)
        else:
            head, lines = kept.text, passing
        if not head:
            return lines
        text = joined(head, lines)
        return replace(lines, text=text, frames=self.memory.frames + passing.frames, algorithm=CUSTOM)
