"""How large things may be. Everything over a limit is refused before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepthread.errors import InvalidSetting, TooLargeError
from keepthread.model.record import Record

MIB = 1024 * 1024


LARGEST = 2**62
"""More than any position, moment or count, and less than what a database's integers end at."""


def check_number(name: str, value: int | None, *, least: int = -LARGEST) -> None:
    """Raise InvalidSetting if an argument is below *least*, or no number that a database holds."""
    if value is not None and not least <= value <= LARGEST:
        raise InvalidSetting(f"{name}= must be at least {least}." if value < least else f"{name}= is too large.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """In bytes of UTF-8, or in messages. One call of `append` or `save_thread` is one turn."""

    message_bytes: int = 10 * MIB
    turn_bytes: int = 12 * MIB
    turn_messages: int = 1_000
    metadata_bytes: int = 64 * 1024
    state_bytes: int = 256 * 1024

    def check_turn(self, records: Sequence[Record]) -> None:
        """Raise TooLargeError if a message, or all of them together, are over a limit."""
        if len(records) > self.turn_messages:
            raise TooLargeError(
                f"{len(records)} messages at once are more than the limit of {self.turn_messages}.",
                limit=self.turn_messages,
                size=len(records),
                hint="Append them in several calls, or raise Limits(turn_messages=…).",
            )
        total = 0
        for record in records:
            size = record.size
            total += size
            if size > self.message_bytes:
                raise TooLargeError(
                    f"Message {record.id!r} has {size} bytes; the limit is {self.message_bytes}.",
                    limit=self.message_bytes,
                    size=size,
                    hint="Attach it as a file, or raise Limits(message_bytes=…).",
                )
        if total > self.turn_bytes:
            raise TooLargeError(
                f"The messages have {total} bytes together; the limit is {self.turn_bytes}.",
                limit=self.turn_bytes,
                size=total,
                hint="Append them in several calls, or raise Limits(turn_bytes=…).",
            )

    def check_metadata(self, text: str) -> None:
        """Raise TooLargeError if a thread's metadata are over the limit."""
        size = len(text.encode())
        if size > self.metadata_bytes:
            raise TooLargeError(
                f"The thread's metadata have {size} bytes; the limit is {self.metadata_bytes}.",
                limit=self.metadata_bytes,
                size=size,
                hint="Keep it in a message or an attachment, or raise Limits(metadata_bytes=…).",
            )

    def check_state(self, name: str, text: str) -> None:
        """Raise TooLargeError if a value of a session's state is over the limit."""
        size = len(text.encode())
        if size > self.state_bytes:
            raise TooLargeError(
                f"State {name!r} has {size} bytes; the limit is {self.state_bytes}.",
                limit=self.state_bytes,
                size=size,
                hint="Keep it in a message or an attachment, or raise Limits(state_bytes=…).",
            )
