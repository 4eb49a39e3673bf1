"""A summary that was kept, and whether it still stands for what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keepthread.errors import InvalidMessage
from keepthread.model import Message
from keepthread.model.record import chained, encode

from .policy import RetentionPolicy
from .summary import CUSTOM, LINES, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A summary of a thread from behind its leading frames through one of its positions."""

    through: int
    """The position of the last message that is folded."""
    digest: bytes
    """A chain over the digests of the folded messages: 16 bytes."""
    summary: Summary

    def holds(self, digests: Iterable[bytes], policy: RetentionPolicy) -> bool:
        """Return whether the summary may still be used: nothing under it changed, and *policy* would make such a one.

        An edit, an insertion, a removal or a new order of the folded messages ends it. What a summarizer wrote holds
        for every summarizer: which function it was cannot be known in another process.

        Args:
            digests: Of the messages behind the leading frames through `through`, in order; `digests_of`, or the
                stored rows'.
        """
        algorithm = LINES if policy.summarizer is None else CUSTOM
        fits = self.summary.algorithm == algorithm and self.summary.characters == policy.summary_characters
        return fits and self.digest == chained(b"", digests)


def advance(checkpoint: Checkpoint | None, folded: Sequence[Message], summary: Summary) -> Checkpoint:
    """Return the checkpoint through the last of *folded*, which follow on *checkpoint*; *summary* covers both.

    Raises:
        InvalidMessage: The last of *folded* has no position yet, or there is none.
    """
    through = folded[-1].position if folded else None
    if through is None:
        raise InvalidMessage("A checkpoint goes through a message that is stored.", hint="Save the thread first.")
    digest = chained(checkpoint.digest if checkpoint else b"", digests_of(folded))
    return Checkpoint(through=through, digest=digest, summary=summary)


def digests_of(messages: Iterable[Message]) -> list[bytes]:
    """Return the digest of each message, as the store keeps it."""
    return [encode(message).digest for message in messages]
