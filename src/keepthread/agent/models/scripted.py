"""A model that reads its answers from a script, for tests and demonstrations without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

from keepthread.errors import ModelFailedError, ModelSetupError
from keepthread.model import Message, Usage, from_openai

from .storable import storable, storable_json

NAME = "scripted"

ScriptedReply = str | Message | Mapping[str, Any] | Exception


class ScriptedModel:
    """Gives the replies of a script one after the other, across all conversations that it is asked in.

    A reply is a text, a Message, an assistant's message as an OpenAI chat dict, or an exception, which is raised. Usage
    names the model "scripted" where the script names no other.
    """

    def __init__(self, replies: Iterable[ScriptedReply]) -> None:
        self._replies: list[ScriptedReply] | None = list(replies)
        self._path: Path | None = None
        self._next = 0

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Return the model of a file: one chat dict a line if its name ends in `.jsonl`, else one text a line.

        Empty lines are skipped. The file is read when the model is first called; ModelSetupError if it cannot be.
        """
        model = cls([])
        model._replies = None
        model._path = Path(path)
        return model

    async def __call__(self, _messages: Sequence[Message], _tools: Sequence[Mapping[str, Any]], /) -> Message:
        """Return the next reply of the script; ModelFailedError when there is none left."""
        if self._replies is None:
            self._replies = _replies_in(self._path or Path())
        if self._next >= len(self._replies):
            failure = ModelFailedError(f"The script is over: it holds {len(self._replies)} replies, all given.")
            failure.retryable = False
            raise failure
        reply = self._replies[self._next]
        self._next += 1
        if isinstance(reply, Exception):
            raise reply
        return _marked(reply)


def _marked(reply: str | Message | Mapping[str, Any]) -> Message:
    if isinstance(reply, str):
        message = Message(role="assistant", content=storable(reply))
    elif isinstance(reply, Message):
        message = reply
    else:
        message = from_openai({"role": "assistant", **cast("dict[str, Any]", storable_json(dict(reply)))})
    if message.usage is None:
        # model_copy keeps the provider's form, which an edit would drop.
        message = message.model_copy(update={"usage": Usage(model=NAME, estimated=True)})
    return message


def _replies_in(path: Path) -> list[ScriptedReply]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        reason = getattr(failure, "strerror", None) or "it is not UTF-8"
        raise ModelSetupError(f"The script {str(path)!r} cannot be read: {reason}.") from failure
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if path.suffix != ".jsonl":
        return [line for _number, line in numbered]
    return [_chat_dict(path, number, line) for number, line in numbered]


def _chat_dict(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        reply = json.loads(line)
        if isinstance(reply, dict):
            _marked(cast("dict[str, Any]", reply))
            return cast("dict[str, Any]", reply)
    except (ValueError, RecursionError) as failure:
        raise _no_message(path, number) from failure
    raise _no_message(path, number)


def _no_message(path: Path, number: int) -> ModelSetupError:
    said = f"Line {number} of the script {str(path)!r} is no chat message."
    return ModelSetupError(said, hint='Write {"content": "…"} on each line.')
