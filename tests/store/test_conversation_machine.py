"""A store against its model in plain Python: random callers, several handles, one truth."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, ClassVar, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from keepthread.errors import ConflictError, MessageNotFound, ThreadNotFound
from keepthread.model import Thread
from keepthread.store import ThreadStore
from keepthread.testing.arrange import say

from . import invariants
from .conversation_model import Loaded, Said, Stored, spelled

T = TypeVar("T")

THREADS = st.sampled_from(["t", "u"])
NAMES = st.sampled_from([f"m{n}" for n in range(6)])
WORDS = st.sampled_from(["one", "two"])
VALUES = st.sampled_from([1, 1.0, True, "1", None, [1], {"x": 1}])
NO_HANDLE: MultipleResults[Any] = multiple()

TURNS = st.dictionaries(NAMES, WORDS, min_size=1, max_size=3)


@dataclass(kw_only=True)
class Handle:
    """A loaded thread, and what it was when it was loaded."""

    thread: Thread
    base: Loaded

    @property
    def said(self) -> Said:
        return {message.id: message.text for message in self.thread.messages}


class Conversations(RuleBasedStateMachine):
    handles: Bundle[Handle] = Bundle("handles")
    lasting: ClassVar[bool] = False

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.path = Path(self.folder.name) / "conversations.db"
        self.store = self.run(ThreadStore.create(self.path if self.lasting else None))
        self.threads: dict[str, Stored] = {}
        self.births = 0

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        if self.lasting:
            invariants.check(self.path)
        self.folder.cleanup()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def made(self, thread_id: str) -> Stored:
        if thread_id not in self.threads:
            self.births += 1
            self.threads[thread_id] = Stored(born=self.births)
        return self.threads[thread_id]

    def handle(self, thread: Thread, *, is_whole: bool) -> Handle:
        said = {message.id: message.text for message in thread.messages}
        born = self.threads[thread.id].born
        return Handle(
            thread=thread, base=Loaded(born=born, said=said, metadata=dict(thread.metadata), is_whole=is_whole)
        )

    @rule(thread_id=THREADS, turn=TURNS)
    def append(self, thread_id: str, turn: Said) -> None:
        is_right = thread_id not in self.threads or self.threads[thread_id].repeats(turn)
        messages = [say(name, content=text) for name, text in turn.items()]
        try:
            returned = self.run(self.store.append(thread_id, messages, create=True))
        except ConflictError:
            assert not is_right
            return
        assert is_right
        self.made(thread_id).append(turn)
        assert [message.text for message in returned] == [self.threads[thread_id].says[name] for name in turn]

    @rule(thread_id=THREADS, turn=TURNS, metadata=st.dictionaries(WORDS, VALUES, max_size=2))
    def upsert(self, thread_id: str, turn: Said, metadata: dict[str, Any]) -> None:
        thread = Thread(id=thread_id, metadata=metadata)
        thread.add_messages(say(name, content=text) for name, text in turn.items())

        self.run(self.store.save_thread(thread))

        self.made(thread_id).upsert(turn, metadata)
        assert [message.id for message in thread.messages] == self.threads[thread_id].view

    @rule(target=handles, thread_id=THREADS, last=st.none() | st.integers(0, 5))
    def load(self, thread_id: str, last: int | None) -> Handle | MultipleResults[Handle]:
        try:
            thread = self.run(self.store.get_thread(thread_id, last=last))
        except ThreadNotFound:
            assert thread_id not in self.threads
            return NO_HANDLE
        view = self.threads[thread_id].view
        assert [message.id for message in thread.messages] == (view if last is None else view[-last:] if last else [])
        return self.handle(thread, is_whole=last is None)

    @rule(handle=handles, name=NAMES, word=WORDS, place=st.integers(0, 6) | st.just(1000))
    def insert(self, handle: Handle, name: str, word: str, place: int) -> None:
        if name not in handle.said:
            handle.thread.messages.insert(place, say(name, content=word))

    @rule(handle=handles, start=st.integers(-4, 3), end=st.none() | st.integers(-3, 4))
    def trim(self, handle: Handle, start: int, end: int | None) -> None:
        handle.thread.messages = handle.thread.messages[start:end]

    @rule(handle=handles, random=st.randoms(use_true_random=False))
    def shuffle(self, handle: Handle, random: Random) -> None:
        random.shuffle(handle.thread.messages)

    @rule(handle=handles, place=st.integers(0, 6), word=WORDS)
    def edit(self, handle: Handle, place: int, word: str) -> None:
        if place < len(handle.thread.messages):
            handle.thread.edit_message(handle.thread.messages[place].id, content=word)

    @rule(handle=handles, key=WORDS, value=VALUES)
    def set_value(self, handle: Handle, key: str, value: object) -> None:
        handle.thread.metadata[key] = value

    @rule(handle=handles, key=WORDS)
    def remove_value(self, handle: Handle, key: str) -> None:
        handle.thread.metadata.pop(key, None)

    @rule(target=handles, handle=consumes(handles))
    def save(self, handle: Handle) -> Handle | MultipleResults[Handle]:
        base, mine, metadata = handle.base, handle.said, dict(handle.thread.metadata)
        if (list(mine.items()), spelled(metadata)) == (list(base.said.items()), spelled(base.metadata)):
            return self.save_unchanged(handle)
        stored = self.threads.get(handle.thread.id)
        try:
            self.run(self.store.save_thread(handle.thread))
        except ThreadNotFound:
            assert stored is None or stored.born != base.born
            return NO_HANDLE
        except ConflictError:
            assert stored is not None
            assert stored.conflicts(base, mine, metadata)
            return NO_HANDLE
        assert stored is not None
        assert not stored.conflicts(base, mine, metadata) or stored.is_doubtful(base, mine)
        view = [message.id for message in self.run(self.store.get_thread(handle.thread.id)).messages]
        assert stored.merged_views(base, mine, view)
        shown = list(handle.said)
        assert shown == view[len(view) - len(shown) :]
        assert set(stored.kept(base, mine)) <= set(shown)
        stored.save(base, mine, metadata, view)
        return self.handle(handle.thread, is_whole=base.is_whole)

    def save_unchanged(self, handle: Handle) -> Handle | MultipleResults[Handle]:
        """Save a thread that says what it said. Where it has been edited to the same, others' changes arrive."""
        stored = self.threads.get(handle.thread.id)
        try:
            self.run(self.store.save_thread(handle.thread))
        except ThreadNotFound:
            assert stored is None or stored.born != handle.base.born
            return NO_HANDLE
        metadata = dict(handle.thread.metadata)
        base = replace(handle.base, said=handle.said, metadata=metadata)
        return Handle(thread=handle.thread, base=base)

    @rule(thread_id=THREADS, name=NAMES, word=WORDS)
    def edit_stored(self, thread_id: str, name: str, word: str) -> None:
        stored = self.threads.get(thread_id)
        try:
            self.run(self.store.edit_message(thread_id, name, content=word))
        except ThreadNotFound:
            assert stored is None
            return
        except MessageNotFound:
            assert stored is not None
            assert name not in stored.view
            return
        assert stored is not None
        stored.edit(name, word)

    @rule(thread_id=THREADS, metadata=st.dictionaries(WORDS, VALUES, max_size=2))
    def update(self, thread_id: str, metadata: dict[str, Any]) -> None:
        if thread_id in self.threads:
            header = self.run(self.store.update_thread(thread_id, metadata=metadata))
            merged = {**self.threads[thread_id].metadata, **metadata}
            unset = {key for key, value in metadata.items() if value is None}
            self.threads[thread_id].metadata = {key: value for key, value in merged.items() if key not in unset}
            assert spelled(header.metadata) == spelled(self.threads[thread_id].metadata)

    @rule(thread_id=THREADS)
    def delete(self, thread_id: str) -> None:
        assert self.run(self.store.delete(thread_id)) == (self.threads.pop(thread_id, None) is not None)

    @rule(key=WORDS, value=VALUES)
    def list(self, key: str, value: object) -> None:
        found = self.run(self.store.list_threads(metadata={key: value}))
        wanted = {name for name, t in self.threads.items() if spelled(t.metadata).get(key) == repr(value)}
        assert {thread.id for thread in found} == wanted

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        for name, stored in self.threads.items():
            thread = self.run(self.store.get_thread(name))
            assert {message.id: message.text for message in thread.messages} == {m: stored.says[m] for m in stored.view}
            assert [message.id for message in thread.messages] == stored.view
            assert thread.message_count == len(stored.view)
            assert spelled(thread.metadata) == spelled(stored.metadata)
            assert len(self.run(self.store.history(name))) == stored.versions


class LastingConversations(Conversations):
    lasting = True


# A failure is told at once, as a trace of at most 30 calls. Shrinking it takes minutes: leave `phases` out for that.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

TestInMemory = Conversations.TestCase
TestInMemory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, phases=PHASES)

TestOnDisk = LastingConversations.TestCase
TestOnDisk.settings = settings(max_examples=15, stateful_step_count=30, deadline=None, phases=PHASES)
