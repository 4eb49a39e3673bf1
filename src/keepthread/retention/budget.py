"""What a policy's limits leave room for."""

from __future__ import annotations

from collections.abc import Sequence

from keepthread.errors import InvalidSetting
from keepthread.model import Message

from .policy import RetentionPolicy
from .tokens import estimate_tokens


class Budget:
    """The limits of a policy, for one conversation. Each message is counted once, however often it is asked for."""

    def __init__(self, policy: RetentionPolicy, leading: Sequence[Message]) -> None:
        """Take the policy's limits; *leading* frames are kept whatever they are, and use up tokens only."""
        self._policy = policy
        self._count = policy.count_tokens or estimate_tokens
        self._counted: dict[int, int] = {}
        self.is_estimate = policy.count_tokens is None
        self.leading_tokens = self.tokens(leading)

    def holds(self, frames: int, tokens: int) -> bool:
        """Return whether this many frames with this many tokens fit behind the leading ones."""
        max_frames, max_tokens = self._policy.max_frames, self._policy.max_tokens
        fits_frames = max_frames is None or frames <= max_frames
        return fits_frames and (max_tokens is None or self.leading_tokens + tokens <= max_tokens)

    def tokens(self, messages: Sequence[Message]) -> int:
        """Return the tokens of *messages* together.

        Raises:
            InvalidSetting: The policy's counter returned something else than a count.
        """
        return sum(map(self._tokens_of, messages))

    def _tokens_of(self, message: Message) -> int:
        # By identity, for the caller holds the messages longer than this object lives; equality would compare contents.
        count = self._counted.get(id(message))
        if count is None:
            count = self._counted[id(message)] = self._count(message)
            if not isinstance(count, int) or count < 0:  # pyright: ignore[reportUnnecessaryIsInstance] - a callable of the user
                raise InvalidSetting("count_tokens= must return a whole number, 0 or more, for every message.")
        return count
