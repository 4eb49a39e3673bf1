"""A frame as one line of a summary: shortened, and escaped so that nothing in it can look like another frame."""

from __future__ import annotations

import re
from collections.abc import Iterable

from keepthread.model import Attachment, ImagePart, Message, TextPart

# Controls, the line and paragraph separators, and what turns the direction of writing: each could break a line, or show
# a reader of it another order than the one it has.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_SPECIAL = re.compile(rf"[\\|{CONTROLS}]")
_SPECIAL_IN_NAME = re.compile(rf"[\\|:(){CONTROLS}]")
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "|": r"\|", ":": r"\:", "(": r"\(", ")": r"\)"}
_UNIT = re.compile(r"\\u[0-9a-f]{4}|\\.|[^\\]")

_CUT = "…"


def line_of(message: Message, limit: int) -> str:
    """Return *message* as one line of at most *limit* characters, 200 or more.

    `role (name): text | calls tool {arguments} | file name (type, bytes)`: what comes after the text takes up half of
    the line at the most, and what does not fit is counted.
    """
    name = f" ({escaped_name(message.name, limit // 8)})" if message.name else ""
    fields = _fitting(_fields(message, limit // 4), limit // 2)
    around = f"{message.role}{name}:"
    room = limit - len(around) - len(" ") - len(fields)
    text = f" {_escaped(message.text, room, _SPECIAL)}" if message.text else ""
    return f"{around}{text}{fields}"


def escaped_name(name: str, limit: int) -> str:
    """Return a name in at most *limit* characters, without any that a line's own form is made of."""
    return _escaped(name, limit, _SPECIAL_IN_NAME)


def described(attachment: Attachment, limit: int) -> str:
    """Return an attachment's type and size in parentheses, the type in at most *limit* characters."""
    kind = attachment.detected_type or attachment.mime_type or "a file"
    size = "" if attachment.size is None else f", {attachment.size} bytes"
    return f"({escaped_name(kind, limit)}{size})"


def _fields(message: Message, limit: int) -> Iterable[str]:
    for call in message.tool_calls:
        called = f" | calls {escaped_name(call.name, limit // 3)}"
        yield f"{called} {_escaped(call.arguments, limit - len(called) - 1, _SPECIAL)}"
    for part in message.content if isinstance(message.content, tuple) else ():
        if not isinstance(part, TextPart):
            yield " | image" if isinstance(part, ImagePart) else f" | {escaped_name(part.type, limit - 3)}"
    for attachment in message.attachments:
        about = described(attachment, limit // 4)
        yield f" | file {escaped_name(attachment.filename, limit - len(' | file  ') - len(about))} {about}"


def _fitting(fields: Iterable[str], limit: int) -> str:
    """Return as many of *fields* as fit, and how many more there are."""
    chosen = ""
    more = 0
    for field in fields:
        if more or len(chosen) + len(field) > limit:
            more += 1
        else:
            chosen += field
    return f"{chosen} | and {more} more" if more else chosen


def _escaped(text: str, limit: int, special: re.Pattern[str]) -> str:
    # Escaping only makes it longer: of a text of megabytes no more than this is looked at.
    line = special.sub(_escape, text[: limit + 1])
    if len(line) <= limit:
        return line
    end = 0
    for unit in _UNIT.finditer(line):
        if unit.end() > limit - len(_CUT):
            break
        end = unit.end()
    return line[:end] + _CUT


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"
