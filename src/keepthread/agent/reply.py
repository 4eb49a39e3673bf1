"""Asking a model, and taking nothing but a message for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isawaitable

from keepthread.errors import KeepthreadError, ModelFailedError
from keepthread.model import Message
from keepthread.model.ids import new_id, now

from .models import Model
from .models.storable import storable


async def reply_to(messages: Sequence[Message], model: Model, *, agent: str) -> Message:
    """Return the model's answer to *messages*, as a message of its own that stands in no thread yet.

    Raises:
        ModelFailedError: The model failed, or gave something that is no answer.
        KeepthreadError: What the model itself raised of keepthread's errors.
    """
    try:
        reply = await _called(model, messages, agent)
    except KeepthreadError:
        raise
    # A model is anybody's code: whatever it raises, its caller gets one kind of error, with the original as the cause.
    except Exception as failure:
        raise ModelFailedError(f"The model of agent {agent!r} failed with {type(failure).__name__}.") from failure
    if isinstance(reply, str):
        return Message(role="assistant", content=storable(reply))
    if not isinstance(reply, Message):
        raise _no_answer(agent, type(reply).__name__, hint="A model returns a text, or a Message of role 'assistant'.")
    if reply.role != "assistant":
        raise _no_answer(agent, f"a message of role {reply.role!r}", hint="A model's answer has the role 'assistant'.")
    return _own(reply, {message.id for message in messages})


async def _called(model: Model, messages: Sequence[Message], agent: str) -> object:
    asked = model(messages, ())
    if isawaitable(asked):
        return await asked
    raise _no_answer(
        agent, type(asked).__name__, hint="A model is an async callable: async def model(messages, tools)."
    )


def _own(reply: Message, taken: set[str]) -> Message:
    """Return a copy: a model may give the same object twice, and storing sets its place in it."""
    fields = {**reply.__dict__, "position": None}
    if reply.id in taken:
        fields.update(id=new_id(), created_at=now())
    return Message.trusted(fields)


def _no_answer(agent: str, what: str, *, hint: str) -> ModelFailedError:
    failure = ModelFailedError(f"The model of agent {agent!r} returned {what}, which is no answer.", hint=hint)
    failure.retryable = False
    return failure
