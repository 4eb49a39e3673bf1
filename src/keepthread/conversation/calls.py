"""What depends on what among the frames of a turn: results on their calls, and everything on what stands before it."""

from __future__ import annotations

from collections.abc import Sequence

from keepthread.errors import InvalidMessage
from keepthread.model import Message, Role


def unanswered(frames: Sequence[Message]) -> list[str]:
    """Return the ids of the calls that have no result, in order."""
    answered = {frame.tool_call_id for frame in frames if frame.role == "tool"}
    return [call.id for frame in frames for call in frame.tool_calls if call.id not in answered]


def check_next(frames: Sequence[Message], message: Message) -> None:
    """Raise InvalidMessage if *message* cannot stand behind *frames*: a result that no call waits for, a call twice."""
    if message.role == "tool" and message.tool_call_id not in unanswered(frames):
        is_known = any(call.id == message.tool_call_id for frame in frames for call in frame.tool_calls)
        what = "has its result already" if is_known else "is not in this turn"
        raise InvalidMessage(
            f"The tool call {message.tool_call_id!r} {what}. Nothing was written.",
            hint="Add the call first: add_tool(name, call_id=…, arguments=…).",
        )
    known = [call.id for frame in frames for call in frame.tool_calls]
    for call in message.tool_calls:
        if call.id in known:
            raise InvalidMessage(
                f"The tool call {call.id!r} stands in this turn already. Nothing was written.",
                hint="Each call needs its own id.",
            )
        known.append(call.id)


def check_whole(frames: Sequence[Message]) -> None:
    """Raise InvalidMessage if a call of *frames* has no result: no provider takes such a conversation."""
    if open_calls := unanswered(frames):
        raise InvalidMessage(
            f"The tool call {open_calls[0]!r} has no result. The turn was rolled back.",
            hint="Add what it came to, or that it failed: add_tool_result(call_id=…, content=…).",
        )


def awaiting(frames: Sequence[Message]) -> Message | None:
    """Return the frame whose calls a further call can be added to, because none of them has a result yet."""
    return frames[-1] if frames and frames[-1].tool_calls else None


def tail_from_last(frames: Sequence[Message], role: Role | None) -> list[Message]:
    """Return the last frame of *role*, of any if that is None, with all that stands on it: its call, and what follows.

    Raises:
        InvalidMessage: There is none.
    """
    places = [place for place, frame in enumerate(frames) if role in (None, frame.role)]
    if not places:
        what = "Nothing" if role is None else f"No frame of role {role!r}"
        raise InvalidMessage(
            f"{what} is staged in this turn. Nothing was reverted.",
            hint="What is committed stays; store.save_thread takes messages out of a thread's view.",
        )
    start = places[-1]
    called_at = {call.id: place for place, frame in enumerate(frames) for call in frame.tool_calls}
    # From the end: a result among what is taken back takes its call along, and with that what lies between them.
    for place in range(len(frames) - 1, -1, -1):
        if place >= start and frames[place].role == "tool":
            start = min(start, called_at.get(frames[place].tool_call_id or "", start))
    return list(frames[start:])
