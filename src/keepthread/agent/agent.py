"""Agent: a name, a model and instructions, and what it does with a thread."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from keepthread.errors import InvalidSetting, InvalidThread, ModelSetupError
from keepthread.model import Message, Thread
from keepthread.model.blobs import BlobStore
from keepthread.model.json_values import check_id, check_text

from .attached_files import readable, store_attachments
from .commit import commit
from .models import ClosableModel, Model, named_model
from .reply import reply_to
from .result import AgentResult

if TYPE_CHECKING:
    from keepthread.store import ThreadStore

T = TypeVar("T")

# Whose files they are where no store says whose.
_TENANT = "default"


class Agent:
    """Answers in threads: any number of them at once, from several event loops if need be. Runs share no state."""

    def __init__(
        self,
        *,
        name: str,
        model_name: str | Model | None = None,
        model: str | Model | None = None,
        purpose: str = "",
        system_prompt: str = "",
        thread_store: ThreadStore | None = None,
        file_store: BlobStore | None = None,
    ) -> None:
        """Describe the agent. Nothing is contacted, read or written before its first run.

        Args:
            name: Stored as `thread.agent` of the threads that it answers in.
            model_name: A name such as "gpt-4o", "openai:NAME", "echo" or "scripted:FILE", or any async callable
                `(messages, tools) -> str | Message`.
            model: The same as `model_name`.
            purpose: The instructions, sent before each conversation as its first system message and never stored: a new
                purpose applies to old conversations.
            system_prompt: The same as `purpose`.
            thread_store: Where runs are saved, and where threads are found by their id; None keeps them in memory.
            file_store: Where attachments are stored and read, instead of the place of `thread_store`.

        Raises:
            ModelSetupError: There is no model, or its name is unknown.
            InvalidSetting: A name or text cannot be stored, or two words for one thing differ.
        """
        self.name = check_id(name, "Agent.name", InvalidSetting)
        self.purpose = _either("purpose", purpose or None, "system_prompt", system_prompt or None) or ""
        check_text(self.purpose, "Agent.purpose", InvalidSetting)
        chosen = _either("model_name", model_name, "model", model)
        self.model = _model_of(name, chosen)
        self.file_store = file_store
        self.thread_store = thread_store
        if thread_store is not None and file_store is not None:
            thread_store.adopt_files(file_store)
            self.thread_store = thread_store.with_files(file_store)
        self._instructions = (Message(role="system", content=self.purpose),) if self.purpose else ()
        self._is_model_mine = isinstance(chosen, str)
        self._asked: list[Message] = []

    @property
    def system_prompt(self) -> str:
        """The same as `purpose`."""
        return self.purpose

    def __repr__(self) -> str:
        return f"Agent(name={self.name!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections of a model that was given by its name; one that was given as an object is its owner's.

        An agent that is never closed does no harm, and a closed one still runs: it opens new connections.
        """
        if self._is_model_mine and isinstance(self.model, ClosableModel):
            await self.model.close()

    async def run(self, thread: Thread | str) -> AgentResult:
        """Answer in *thread*, which is given itself or by its id, and save it.

        The model sees the agent's instructions, then all messages of the thread. With a store, the messages that were
        not saved yet and the answer are stored in one transaction, and the thread is brought up to date in place. Two
        runs at once in one thread are both kept whole.

        Raises:
            ThreadNotFound: The store has no thread with this id.
            InvalidSetting: An id was given to an agent without a store.
            ModelSetupError: The model cannot be used as it is set up.
            ModelFailedError: The model failed; `retryable` says whether running again may help.
            KeepthreadError: The thread could not be saved.

            Whatever is raised, a cancellation as well, the thread is as before and nothing was written, so that running
            it again repeats nothing. One exception: a cancellation that arrives during the commit is raised after it,
            and then the answer is in the thread if it is in the store.
        """
        thread = await self._found(thread)
        seen = tuple(thread.messages)
        answer = await self._reply(seen)
        await commit(thread, answer, seen=seen, agent=self.name, save=self._save)
        return AgentResult(thread=thread, new_messages=[answer], content=answer.text, usage=answer.usage)

    async def ask(self, text: str) -> str:
        """Return the answer to *text* in a conversation that this object remembers and nobody else ever sees.

        Several questions at once do not wait for each other: each is remembered with its answer, in the order of the
        answers.

        Raises:
            InvalidMessage: The text cannot be stored.
            ModelSetupError, ModelFailedError: As `run`. The question is forgotten.
        """
        question = Message(role="user", content=text)
        answer = await self._reply((*self._asked, question))
        self._asked += (question, answer)
        return answer.text

    async def _found(self, thread: Thread | str) -> Thread:
        if isinstance(thread, Thread):
            return thread
        if not isinstance(thread, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise InvalidThread("run takes a Thread, or the id of one.")
        if self.thread_store is None:
            raise InvalidSetting(
                f"Agent {self.name!r} has no store to find a thread by its id in.",
                hint="Create it with Agent(…, thread_store=…), or run a Thread.",
            )
        return await self.thread_store.get_thread(thread)

    async def _reply(self, messages: tuple[Message, ...]) -> Message:
        view = (*self._instructions, *messages)
        if self.file_store is not None:
            view = tuple(await readable(view, self.file_store, self._tenant))
        return await reply_to(view, self.model, agent=self.name)

    async def _save(self, thread: Thread) -> None:
        if self.thread_store is not None:
            await self.thread_store.save_thread(thread)
        elif self.file_store is not None:
            await store_attachments(thread.messages, self.file_store, self._tenant)

    @property
    def _tenant(self) -> str:
        return _TENANT if self.thread_store is None else self.thread_store.tenant


def _model_of(agent: str, chosen: str | Model | None) -> Model:
    if isinstance(chosen, str):
        return named_model(chosen)
    if chosen is None:
        raise ModelSetupError(
            f"Agent {agent!r} has no model.", hint='Name one: model_name="gpt-4o", or "echo" to try it out.'
        )
    if isinstance(chosen, type) or not callable(chosen):
        raise ModelSetupError(
            f"The model of agent {agent!r} is no model.", hint="Pass a name, or an async callable (messages, tools)."
        )
    return chosen


def _either(name: str, value: T | None, alias: str, other: T | None) -> T | None:
    """Return what one of two words for the same thing says."""
    if value is not None and other is not None and value != other:
        raise InvalidSetting(f"{name}= and {alias}= are two words for one thing, and say different things.")
    return other if value is None else value
