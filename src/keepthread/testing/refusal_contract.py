"""What not every backend can hold is refused on each, typed, before anything is written (P12, P13)."""

# ruff: noqa: ANN401, D102, S101, S105 - A test's name states its fact, it is made of asserts, and bad input has no type.

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from keepthread.errors import InvalidError, InvalidMessage, InvalidThread, MessageNotFound, TooLargeError
from keepthread.model import Message, Thread, Usage
from keepthread.store import ThreadStore

from .arrange import say, talk, texts

MIB = 1024 * 1024


def nested(levels: int) -> Any:
    """Return JSON that is so many levels deep."""
    value: Any = 1
    for _ in range(levels):
        value = {"k": value}
    return value


NO_JSON: dict[str, Any] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "NUL": "a\x00b",
    "a lone surrogate": "\ud800",
    "a reversed pair": "\udc00\ud800",
    "a key of another type": {1: 1},
    "a key of None": {None: 1},
    "a NUL in a key": {"a\x00": 1},
    "a surrogate in a key": {"\udfff": 1},
    "bytes": b"a",
    "a set": {1},
    "an object": object(),
    "a function": len,
    "a complex number": 1j,
    "100 levels": nested(100),
    "31 levels": nested(30),
    "100,000 levels": nested(100_000),
    "an integer of 5,000 digits": 10**5000,
}

NO_IDS: list[Any] = [
    "",
    "x" * 256,
    "é" * 128,
    "x" * 10_000,
    "a\nb",
    "\t",
    "\x00",
    "\x1f",
    "\x7f",
    "\x85",
    "\ud800",
    1,
    None,
    b"a",
]

NO_TEXT = ["a\x00b", "\ud800", "ok \udfff"]


def _unchecked(**fields: Any) -> Message:
    """Return a message as somebody makes one who goes around its checks."""
    return Message.model_construct(**{**vars(say("bad")), **fields})


UNCHECKED: dict[str, Message] = {
    "an object in metadata": _unchecked(metadata={"k": object()}),
    "NaN in metadata": _unchecked(metadata={"k": float("nan")}),
    "a surrogate in content": _unchecked(content="\ud800"),
    "a key of another type": _unchecked(metadata={1: 1, "k": 2}),
    "content of another type": _unchecked(content=1),
    "an id of another type": _unchecked(id=1),
    "a surrogate in the model's name": _unchecked(usage=Usage.model_construct(model="\ud800")),
}

BY_THREAD: dict[str, Callable[[ThreadStore, Any], Awaitable[object]]] = {
    "get_thread": lambda s, t: s.get_thread(t),
    "get_message": lambda s, t: s.get_message(t, "a"),
    "count_messages": lambda s, t: s.count_messages(t),
    "history": lambda s, t: s.history(t),
    "append": lambda s, t: s.append(t, say("b"), create=True),
    "update_thread": lambda s, t: s.update_thread(t, title="New"),
    "edit_message": lambda s, t: s.edit_message(t, "a", content="A"),
    "delete_thread": lambda s, t: s.delete_thread(t),
    "get_or_create_thread": lambda s, t: s.get_or_create_thread(t),
    "cached": lambda s, t: s.cached().get_thread(t),
    "iter_messages": lambda s, t: anext(s.iter_messages(t)),
}


@pytest.mark.asyncio
class RefusalContract:
    """What must not get in, and that nothing is written when it is refused."""

    @pytest_asyncio.fixture
    async def untouched(self, store: ThreadStore) -> AsyncIterator[Thread]:
        """A stored thread; after the test it must be as before, and alone."""
        loaded = await talk(store, "a", title="Old", metadata={"k": 1})
        before = loaded.model_dump()
        yield loaded
        assert (await store.get_thread("t")).model_dump() == before
        assert await store.count_threads() == 1

    @pytest.mark.usefixtures("untouched")
    @pytest.mark.parametrize("kind", NO_JSON)
    async def test_what_is_no_json_is_refused_in_a_message(self, store: ThreadStore, kind: str) -> None:
        for field in ("metadata", "provider"):
            with pytest.raises(InvalidMessage):
                await store.append("t", [say("b"), say("c", **{field: {"k": NO_JSON[kind]}}), say("d")])
        with pytest.raises(InvalidMessage):
            await store.edit_message("t", "a", metadata={"k": NO_JSON[kind]})

    @pytest.mark.usefixtures("untouched")
    @pytest.mark.parametrize("kind", NO_JSON)
    async def test_what_is_no_json_is_refused_in_a_part(self, store: ThreadStore, kind: str) -> None:
        with pytest.raises(InvalidMessage):
            await store.append("t", say("b", content=[{"type": "text", "text": "x", "k": NO_JSON[kind]}]))

    @pytest.mark.parametrize("kind", NO_JSON)
    async def test_what_is_no_json_is_refused_in_a_threads_metadata(
        self, store: ThreadStore, untouched: Thread, kind: str
    ) -> None:
        value = {"k": NO_JSON[kind]}
        with pytest.raises(InvalidThread):
            await store.save_thread(Thread(id="new", metadata=value))
        with pytest.raises(InvalidThread):
            await store.update_thread("t", title="New", metadata=value)
        with pytest.raises(InvalidThread):
            await store.get_or_create_thread("new", metadata=value)
        untouched.title = "New"
        untouched.metadata.update(value)
        with pytest.raises(InvalidThread):
            await store.save_thread(untouched)

    @pytest.mark.usefixtures("untouched")
    @pytest.mark.parametrize("text", NO_TEXT, ids=ascii)
    async def test_text_that_no_database_holds_is_refused(self, store: ThreadStore, text: str) -> None:
        bad_messages: list[dict[str, Any]] = [
            {"content": text},
            {"name": text},
            {"content": [{"type": "text", "text": text}]},
        ]
        bad_values: list[dict[str, Any]] = [{"title": text}, {"agent": text}]
        for fields in bad_messages:
            with pytest.raises(InvalidMessage):
                await store.append("t", [say("b"), say("c", **fields)])
        for fields in bad_values:
            with pytest.raises(InvalidThread):
                await store.save_thread(Thread(id="new", **fields))
            with pytest.raises(InvalidThread):
                await store.update_thread("t", **fields)
            with pytest.raises(InvalidThread):
                await store.get_or_create_thread("new", **fields)
        with pytest.raises(InvalidMessage):
            await store.append("t", say("b", usage=Usage(model=text)))

    @pytest.mark.parametrize("kind", UNCHECKED)
    async def test_one_bad_message_among_good_ones_refuses_the_turn(
        self, store: ThreadStore, untouched: Thread, kind: str
    ) -> None:
        with pytest.raises(InvalidError):
            await store.append("t", [say("b"), UNCHECKED[kind], say("c")])

        untouched.add_messages([say("b"), UNCHECKED[kind], say("c")])
        with pytest.raises(InvalidError):
            await store.save_thread(untouched)
        untouched.messages.insert(0, say("d"))
        with pytest.raises(InvalidError):
            await store.save_thread(untouched)

    @pytest.mark.usefixtures("untouched")
    @pytest.mark.parametrize("method", BY_THREAD)
    async def test_what_is_no_thread_id_is_refused(self, store: ThreadStore, method: str) -> None:
        for name in NO_IDS:
            with pytest.raises(InvalidThread):
                await BY_THREAD[method](store, name)

    async def test_what_is_no_id_makes_no_message_and_no_thread(self) -> None:
        for name in NO_IDS:
            with pytest.raises(InvalidMessage):
                say("b", id=name)
            with pytest.raises(InvalidThread):
                Thread(id=name)

    @pytest.mark.usefixtures("untouched")
    async def test_what_is_no_message_id_names_no_message(self, store: ThreadStore) -> None:
        for name in NO_IDS:
            with pytest.raises((InvalidMessage, MessageNotFound)):
                await store.get_message("t", name)
            with pytest.raises((InvalidMessage, MessageNotFound)):
                await store.edit_message("t", name, content="A")

    @pytest.mark.usefixtures("untouched")
    @pytest.mark.parametrize(
        "fields", [{"title": 1}, {"title": b"a"}, {"agent": ["x"]}, {"archived": "perhaps"}], ids=str
    )
    async def test_values_of_another_type_are_refused(self, store: ThreadStore, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidThread):
            await store.update_thread("t", **fields)
        with pytest.raises(InvalidThread):
            Thread(**fields)

    async def test_a_message_over_the_limit_is_refused(self, store: ThreadStore, untouched: Thread) -> None:
        with pytest.raises(TooLargeError) as failure:
            await store.append("t", [say("b"), say("x" * (10 * MIB + 1), id="large")])
        assert failure.value.size > failure.value.limit == 10 * MIB

        untouched.add_messages([say("b"), say("é" * (5 * MIB + 1), id="large")])
        with pytest.raises(TooLargeError):
            await store.save_thread(untouched)

    @pytest.mark.usefixtures("untouched")
    async def test_a_turn_over_the_limit_is_refused(self, store: ThreadStore) -> None:
        with pytest.raises(TooLargeError):
            await store.append("t", [say("x" * 5 * MIB, id=f"{n}") for n in range(3)])

    @pytest.mark.usefixtures("untouched")
    async def test_a_turn_of_too_many_messages_is_refused(self, store: ThreadStore) -> None:
        with pytest.raises(TooLargeError):
            await store.append("t", [say(f"{n}") for n in range(1001)])

    async def test_metadata_over_the_limit_are_refused(self, store: ThreadStore, untouched: Thread) -> None:
        large = {"x": "y" * 64 * 1024}
        with pytest.raises(TooLargeError):
            await store.save_thread(Thread(id="new", metadata=large))
        with pytest.raises(TooLargeError):
            await store.update_thread("t", metadata=large)
        with pytest.raises(TooLargeError):
            await store.get_or_create_thread("new", metadata=large)
        untouched.metadata = large
        with pytest.raises(TooLargeError):
            await store.save_thread(untouched)

    @pytest.mark.usefixtures("untouched")
    async def test_an_error_says_nothing_of_what_was_said(self, store: ThreadStore) -> None:
        secret = "the secret\x00"
        for make in (
            lambda: say(secret, id="b"),
            lambda: say("b", metadata={"k": secret}),
            lambda: say("b", role=secret),
        ):
            with pytest.raises(InvalidMessage) as failure:
                await store.append("t", make())
            assert "secret" not in f"{failure.value!r} {failure.value}"


@pytest.mark.asyncio
class LimitContract:
    """What is just small enough is stored."""

    async def test_what_is_under_the_limits_is_stored(self, store: ThreadStore) -> None:
        metadata = {"x": "y" * (64 * 1024 - 100)}
        deep = nested(30)

        await talk(store, metadata=metadata)
        await store.append("t", say("x" * (10 * MIB - 100), id="large"))
        await store.append("t", say("m", metadata=deep, provider=deep))
        await store.append("t", [say(f"{n}") for n in range(1000)])

        thread = await store.get_thread("t")
        assert thread.metadata == metadata
        assert len(thread.messages[0].text) == 10 * MIB - 100
        assert thread.messages[1].metadata == thread.messages[1].provider == deep
        assert texts(thread)[2:] == [f"{n}" for n in range(1000)]
