"""Messages as one text in full, of which nobody's words can become a line of somebody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from keepthread.model import ImagePart, Message, TextPart

from .lines import described, escaped_name

INDENT = "  "

# Everything that Python, a terminal or a model may take for the end of a line.
_LINE_END = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_LONGEST_NAME = 255


def transcript_of(messages: Iterable[Message]) -> str:
    """Return *messages* as text: `role (name): text`, and a line each for calls, parts that are no text, and files.

    Only what begins at the margin is a line of ours; whatever follows in a message's text is indented.
    """
    return "\n".join(line for message in messages for line in _lines(message))


def indented(text: str) -> str:
    """Return *text* with every line but the first indented, and every kind of line end turned into a newline."""
    return f"\n{INDENT}".join(_LINE_END.split(text))


def _lines(message: Message) -> Iterable[str]:
    who = f"{message.role} ({_name(message.name)})" if message.name else message.role
    answered = f" {_name(message.tool_call_id)}" if message.tool_call_id else ""
    rest = [*_calls(message), *_parts(message), *_files(message)]
    if message.text or not rest:
        yield f"{who}{answered}: {indented(message.text)}"
    yield from (f"{who} {line}" for line in rest)


def _calls(message: Message) -> Iterable[str]:
    for call in message.tool_calls:
        yield f"calls {_name(call.name)} {_name(call.id)}: {indented(call.arguments)}"


def _parts(message: Message) -> Iterable[str]:
    for part in message.content if isinstance(message.content, tuple) else ():
        if not isinstance(part, TextPart):
            yield "shows an image" if isinstance(part, ImagePart) else f"adds {_name(part.type)}"


def _files(message: Message) -> Iterable[str]:
    for attachment in message.attachments:
        yield f"attaches {_name(attachment.filename)} {described(attachment, _LONGEST_NAME)}"


def _name(name: str) -> str:
    return escaped_name(name, _LONGEST_NAME)
