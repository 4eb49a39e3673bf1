"""What goes in comes out equal: text, numbers, parts, ids, times (P12)."""

# ruff: noqa: D102, PLR2004, RUF001, S101 - A test's name states its fact, its numbers and odd characters are input, asserts are it.

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from keepthread.model import Message, TextPart, Thread, ToolCall, Usage
from keepthread.store import ThreadStore

from .arrange import OpenStore, say, talk

TEXTS = [
    *(
        "",
        " ",
        "\n",
        "\t tab",
        "line\r\nline\rline\n",
        "trailing ",
        "a\x01\x1b[31mred\x7f",
        "\ufeffbom",
        "\u2028\u2029",
    ),
    *(
        "naïve café",
        "e\u0301 is not \u00e9",
        "日本語 한국어 ไทย",
        "עברית العربية \u202eRTL\u202c",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0010ffff",
    ),
    *("😀", "👩‍👩‍👧‍👦 family", "🏳️‍🌈🇩🇪", "i̇İıI ßẞ", "\ufdd0\uffff\ue000", "x" * 1_000_000, "😀" * 100_000),
    *(
        "'; DROP TABLE kt_messages; --",
        "%s %(x)s :tenant ? $1 {x}",
        'quote " \\ backslash',
        "\\u0000 \\x00",
        "NULL",
        "null",
    ),
]

JSON: list[Any] = [
    *(
        0,
        1,
        -1,
        2**53 + 1,
        -(2**63),
        2**64,
        10**100,
        0.0,
        -0.0,
        1.0,
        0.1,
        1e308,
        5e-324,
        -1.5,
        1e16,
        123456789.123456789,
    ),
    *(True, False, None, "", "text", "1", "true", "e\u0301", "\u2028", "😀", 'quote " \\ \n', "a\x01b"),
    *(
        [],
        {},
        [[]],
        [{}],
        {"": {}},
        [1, "1", True, None, 1.0],
        {"a.b": 1, 'a"b': 2, "$": 3, "😀": 4, "A": 5, "a": 6, "a ": 7},
    ),
    {"deep": [{"er": [{"and": [{"deeper": [1, [2, [3, [4, {"x": None}]]]]}]}]}]},
]

MESSAGES: dict[str, dict[str, Any]] = {
    "no content": {"role": "assistant", "content": None},
    "empty content": {"role": "assistant", "content": ""},
    "a name": {"name": "Ann 😀"},
    "an empty name": {"name": ""},
    "a developer": {"role": "developer"},
    "a system": {"role": "system"},
    "tool calls": {
        "role": "assistant",
        "content": None,
        "tool_calls": (
            ToolCall(id="1", name="f", arguments='{"x": 1}'),
            ToolCall(id="", name="é", arguments="not json"),
        ),
    },
    "a tool result": {"role": "tool", "tool_call_id": "call 1", "name": "f", "content": "[1]"},
    "text parts": {
        "content": ({"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"ttl": 1}})
    },
    "a part made by hand": {"content": (TextPart(text="a"), TextPart.of("b"))},
    "an image part": {"content": ({"type": "image_url", "image_url": {"url": "data:x", "detail": "low", "new": [1]}},)},
    "a part of tomorrow": {"content": ({"type": "hologram", "z": None, "a": [1.0, {"b": -0.0}]},)},
    "no parts": {"content": ()},
    "an empty text part": {"content": ({"type": "text", "text": ""},)},
    "usage": {
        "usage": Usage(
            input_tokens=2**40, output_tokens=1, cached_tokens=3, reasoning_tokens=4, model="m", estimated=True
        )
    },
    "empty usage": {"usage": Usage()},
    "a provider's own form": {
        "provider": {"openai": {"role": "user", "refusal": None, "n": [1.0, 2**70, True]}, "x": 1}
    },
    "metadata": {"metadata": {"k": [1, {"x": None}], "": ""}},
    "everything": {
        "role": "tool",
        "tool_call_id": "c",
        "name": "n",
        "content": ({"type": "text", "text": "a"},),
        "tool_calls": (ToolCall(id="1", name="f"),),
        "metadata": {"m": 1},
        "provider": {"p": 1},
        "usage": Usage(input_tokens=1),
    },
}

IDS = [
    *(
        "a",
        "A",
        "a ",
        " a",
        "é",
        "e\u0301",
        "../x",
        "..",
        "/",
        "a/b",
        "a.b",
        "%",
        "_",
        "'",
        '"',
        "`",
        "\\",
        ":x",
        "?",
        "#",
        "&",
    ),
    *(
        "null",
        "None",
        "0",
        "-1",
        "😀",
        "user-alice@example.com-main",
        "x" * 255,
        "é" * 127,
        "\u202e",
        "\ufeff",
        "Ａ",
        "\uffff",
    ),
]
"""Every one another id."""


def _spelled(value: object) -> str:
    """Return *value* in a form in which 1, 1.0 and True, or 0.0 and -0.0, differ."""
    return json.dumps(value, sort_keys=True, default=str)


@pytest.mark.asyncio
class FaithfulContract:
    """What a message, a thread and their ids look like after a round trip."""

    @pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
    async def test_text_comes_out_equal(self, store: ThreadStore, text: str) -> None:
        await store.append("t", say(text, id="m"), create=True)

        assert (await store.get_message("t", "m")).content == text

    @pytest.mark.parametrize("value", JSON, ids=lambda value: ascii(value)[:20])
    async def test_json_comes_out_equal_in_type_and_value(self, store: ThreadStore, value: object) -> None:
        await talk(store, metadata={"k": value}, title="x")
        await store.append("t", say("m", metadata={"k": value}, provider={"p": {"k": value}}))

        thread = await store.get_thread("t")

        found = (thread.metadata, thread.messages[0].metadata, thread.messages[0].provider["p"])
        assert [_spelled(metadata["k"]) for metadata in found] == [_spelled(value)] * 3

    @pytest.mark.parametrize("kind", MESSAGES)
    async def test_a_message_comes_out_equal(self, store: ThreadStore, kind: str) -> None:
        message = say("m", **MESSAGES[kind])

        await store.append("t", message, create=True)

        loaded = [
            await store.get_message("t", "m"),
            *(await store.get_thread("t")).messages,
            *(await store.get_thread("t", last=1)).messages,
            *[found async for found in store.iter_messages("t")],
            *[entry.message for entry in await store.history("t")],
        ]
        assert loaded == [message] * 5
        assert {_spelled(found.model_dump()) for found in loaded} == {_spelled(loaded[0].model_dump())}
        assert loaded[0].model_dump(exclude_none=True) == message.model_dump(exclude_none=True)

    @pytest.mark.parametrize("kind", MESSAGES)
    async def test_a_loaded_message_is_a_repeat_of_the_stored_one(self, store: ThreadStore, kind: str) -> None:
        await store.append("t", say("m", **MESSAGES[kind]), create=True)
        loaded = await store.get_message("t", "m")

        await store.append("t", loaded)
        await store.append("copy", loaded, create=True)
        await store.append("copy", await store.get_message("copy", "m"))

        assert await store.count_messages("t") == await store.count_messages("copy") == 1

    @pytest.mark.parametrize("kind", MESSAGES)
    async def test_a_message_survives_its_own_json(self, store: ThreadStore, kind: str) -> None:
        await store.append("t", say("m", **MESSAGES[kind]), create=True)

        loaded = await store.get_message("t", "m")

        assert Message.model_validate_json(loaded.model_dump_json()) == loaded

    async def test_a_second_store_reads_the_same(self, store: ThreadStore, open_store: OpenStore) -> None:
        messages = [say(kind, **fields) for kind, fields in MESSAGES.items()]
        await store.append("t", messages, create=True)

        assert (await (await open_store()).get_thread("t")).messages == messages

    async def test_every_thread_id_is_another_thread(self, store: ThreadStore) -> None:
        for name in IDS:
            await store.append(name, say(name), create=True)

        assert await store.count_threads() == len(IDS)
        for name in IDS:
            thread = await store.get_thread(name)
            assert (thread.id, thread.messages[0].text) == (name, name)

    async def test_every_message_id_is_another_message(self, store: ThreadStore) -> None:
        await store.append("t", list(map(say, IDS)), create=True)

        assert [message.id for message in (await store.get_thread("t")).messages] == IDS
        for name in IDS:
            assert (await store.get_message("t", name)).text == name

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC),
            datetime(2024, 3, 31, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
        ],
        ids=str,
    )
    async def test_moments_come_out_to_the_microsecond_and_in_utc(self, store: ThreadStore, moment: datetime) -> None:
        thread = Thread(id="t", created_at=moment, messages=[say("m", created_at=moment)])

        await store.save_thread(thread)

        loaded = await store.get_thread("t")
        assert loaded.created_at == loaded.messages[0].created_at == moment
        assert loaded.created_at.utcoffset() == loaded.messages[0].created_at.utcoffset() == timedelta()

    async def test_a_title_and_an_agent_are_text_like_any_other(self, store: ThreadStore) -> None:
        for n, text in enumerate(text for text in TEXTS if len(text) < 100):
            await store.save_thread(Thread(id=f"{n}", title=text, agent=text))
            loaded = await store.get_thread(f"{n}")
            assert (loaded.title, loaded.agent) == (text, text)
