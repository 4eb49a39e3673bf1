"""A conversation as a chat-completions request, and an answer as a message. What is stored is not changed by either."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from keepthread.errors import InvalidMessage, ModelFailedError
from keepthread.model import Message, Usage, from_openai, to_openai

from .openai_attachments import attachment_part
from .storable import storable_json


async def chat_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return *messages* as the dicts of a request, their attachments as parts of their content.

    Raises:
        FileContentNotFound: The bytes of an attachment are not there.
    """
    return [await _chat_message(message) for message in messages]


async def _chat_message(message: Message) -> dict[str, Any]:
    chat = to_openai(message)
    content = chat.get("content")
    if message.attachments:
        # The protocol takes images from users only.
        files = [await attachment_part(file, as_image=message.role == "user") for file in message.attachments]
        chat["content"] = [*_parts(content), *files]
    elif content is None and not chat.keys() & {"tool_calls", "function_call", "refusal", "audio"}:
        # An answer may be empty; sent back as null it would make the provider refuse every later turn.
        chat["content"] = ""
    return chat


def _parts(content: str | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content or []


def answer_in(body: str, model: str) -> Message:
    """Return the message in the JSON of a chat completion.

    Raises:
        ModelFailedError: There is none in it.
    """
    try:
        completion = cast("dict[str, Any]", storable_json(json.loads(body)))
        form = completion["choices"][0]["message"]
        # Every completion lists what it does not have (refusal: null, annotations: []): that is not worth a second
        # copy of each answer, as provider["openai"].
        said = {key: value for key, value in form.items() if value not in (None, [])}
        return from_openai(
            {"role": "assistant", "content": None, **said},
            usage=_usage(completion.get("usage"), _name(completion, model)),
        )
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError, InvalidMessage) as failure:
        error = ModelFailedError(
            f"The server of {model!r} answered with something else than a chat completion.",
            hint="Check base_url=: it mostly ends in /v1.",
        )
        error.retryable = False
        raise error from failure


def _name(completion: Mapping[str, Any], asked: str) -> str:
    answered = completion.get("model")
    return answered if isinstance(answered, str) and answered else asked


def _usage(counted: object, model: str) -> Usage | None:
    if not isinstance(counted, dict):
        return None
    counts = cast("dict[str, Any]", counted)
    return Usage(
        input_tokens=_count(counts, "prompt_tokens"),
        output_tokens=_count(counts, "completion_tokens"),
        cached_tokens=_count(counts.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=_count(counts.get("completion_tokens_details"), "reasoning_tokens"),
        model=model,
    )


def _count(counts: object, name: str) -> int:
    """Return a count of tokens; 0 where a server does not say, or says what is no count."""
    value = cast("dict[str, Any]", counts).get(name) if isinstance(counts, dict) else None
    return value if isinstance(value, int) and value > 0 else 0
