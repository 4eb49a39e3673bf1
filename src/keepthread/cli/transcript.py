"""What was said in a thread, for a person or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from .render import compact_json, count, is_terminal, local_time, size, visible, visible_line

if TYPE_CHECKING:
    from datetime import datetime

    from keepthread.model import Attachment, Message, Thread, ToolCall

_COLOURS = {"system": "magenta", "developer": "magenta", "user": "green", "assistant": "cyan", "tool": "yellow"}
_LONGEST_ADDRESS = 100


def print_transcript(thread: Thread) -> None:
    """Write a thread to stdout: coloured for a terminal, plain in a pipe. What is stored cannot command a terminal."""
    for line in _head(thread):
        click.echo(click.style(line, dim=True))
    for message in thread.messages:
        click.echo()
        click.echo(_heading(message))
        for line in _body(message):
            click.echo(line)


def thread_json(thread: Thread) -> dict[str, Any]:
    """Return a thread without its messages as JSON's values."""
    return {
        "id": thread.id,
        "title": thread.title,
        "agent": thread.agent,
        "archived": thread.archived,
        "metadata": dict(thread.metadata),
        "message_count": thread.message_count,
        "version": thread.version,
        "created_at": thread.created_at.isoformat(),
        "updated_at": thread.updated_at.isoformat(),
    }


def whole_json(thread: Thread) -> dict[str, Any]:
    """Return a thread with those of its messages that were loaded. The bytes of attachments are left out."""
    return {**thread_json(thread), "messages": [message_json(message) for message in thread.messages]}


def message_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON's values, its parts as they came."""
    fields = message.model_dump(mode="json")
    if isinstance(message.content, tuple):
        fields["content"] = [part.to_json() for part in message.content]
    return fields


def _head(thread: Thread) -> Iterator[str]:
    yield visible_line(f"thread {thread.id}" + (f": {thread.title}" if thread.title else ""))
    shown = len(thread.messages)
    messages = count(thread.message_count, "message")
    told = [messages if shown == thread.message_count else f"the last {shown} of {messages}"]
    told += [f"agent {thread.agent}"] if thread.agent else []
    told += [f"updated {_time(thread.updated_at)}"] + ["archived"] * thread.archived
    yield visible_line(", ".join(told))
    if thread.metadata:
        yield f"metadata {compact_json(dict(thread.metadata))}"


def _heading(message: Message) -> str:
    name = f" {message.name}" if message.name else ""
    answered = f", result of {message.tool_call_id}" if message.tool_call_id else ""
    who = click.style(visible_line(f"{message.role}{name}"), fg=_COLOURS.get(message.role), bold=True)
    return who + click.style(visible_line(f"  {_time(message.created_at)}{answered}"), dim=True)


def _body(message: Message) -> Iterator[str]:
    if message.text:
        yield visible(message.text)
    if isinstance(message.content, tuple):
        yield from (_part_line(part.to_json()) for part in message.content if part.type != "text")
    yield from map(_call_line, message.tool_calls)
    yield from map(_file_line, message.attachments)


def _part_line(part: dict[str, Any]) -> str:
    address = str(part.get("image_url", {}).get("url", "")) if part["type"] == "image_url" else ""
    if len(address) > _LONGEST_ADDRESS:
        address = f"{address[: _LONGEST_ADDRESS // 2]}… ({count(len(address), 'character')})"
    return visible_line(f"[{part['type']}] {address}".rstrip())


def _call_line(call: ToolCall) -> str:
    return visible_line(f"[calls {call.name} {call.arguments}, as {call.id}]")


def _file_line(attachment: Attachment) -> str:
    kind = attachment.mime_type or attachment.detected_type or "unknown type"
    weight = f", {size(attachment.size)}" if attachment.size is not None else ""
    return visible_line(f"[file {attachment.filename}, {kind}{weight}]")


def _time(moment: datetime) -> str:
    return local_time(moment) if is_terminal() else moment.isoformat(timespec="seconds")
