import json
import sys
from pathlib import Path

import pytest

from keepthread import Attachment, Message, Thread, ToolCall

from .command_line import Ended, Terminal, in_process, keepthread, store_threads


def show(database: Path, *words: str) -> Ended:
    return in_process("--db", str(database), "show", *words)


@pytest.fixture
def weather(database: Path) -> Path:
    question = Message(role="user", content="Is it raining?")
    question.add_attachment(Attachment(filename="sky.txt", content=b"grey"))
    call = Message(role="assistant", tool_calls=(ToolCall(id="c1", name="weather", arguments='{"city":"Paris"}'),))
    result = Message(role="tool", content="rain", tool_call_id="c1")
    answer = Message(role="assistant", content="Yes,\nit is.")
    store_threads(
        database,
        Thread(id="weather-1", title="Rain", metadata={"n": 1}, messages=[question, call, result, answer]),
    )
    return database


def test_a_pipe_gets_plain_text_with_calls_and_files_named(tmp_path: Path, weather: Path) -> None:
    ended = keepthread("--db", str(weather), "show", "weather-1", cwd=tmp_path)

    assert (ended.code, ended.err) == (0, "")
    assert "\x1b" not in ended.out
    assert ended.out.startswith("thread weather-1: Rain\n4 messages, ")
    assert "Is it raining?\n[file sky.txt, text/plain, 4 bytes]\n" in ended.out
    assert '[calls weather {"city":"Paris"}, as c1]\n' in ended.out
    assert "result of c1\nrain\n" in ended.out
    assert ended.out.endswith("Yes,\nit is.\n")


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(weather: Path) -> None:
    assert show(weather, "wea").code == 0


def test_an_ambiguous_beginning_lists_the_candidates(weather: Path) -> None:
    store_threads(weather, Thread(id="weather-2"))

    ended = show(weather, "wea")

    assert (ended.code, ended.out) == (2, "")
    assert "weather-1" in ended.err
    assert "weather-2" in ended.err


def test_a_whole_id_wins_over_those_it_begins(weather: Path) -> None:
    store_threads(weather, Thread(id="weather-12", title="Another"))

    assert show(weather, "weather-1").out.startswith("thread weather-1: Rain")


def test_many_candidates_are_cut_off(database: Path) -> None:
    store_threads(database, *[Thread(id=f"t{number:02}") for number in range(30)])

    ended = show(database, "t")

    assert "t09" in ended.err
    assert "t10" not in ended.err
    assert "…" in ended.err


def test_a_beginning_of_rare_characters_finds_only_what_begins_so(database: Path) -> None:
    store_threads(database, Thread(id="😀 one"), Thread(id="😁 two"))

    assert show(database, "😀").out.startswith("thread 😀 one")


def test_at_last_is_the_newest(weather: Path) -> None:
    store_threads(weather, Thread(id="another", title="Later"))

    assert show(weather, "@last").out.startswith("thread another: Later")


@pytest.mark.parametrize("typed", ["nobody", "@last"])
def test_what_is_not_there_is_not_found(database: Path, typed: str) -> None:
    store_threads(database)

    ended = show(database, typed)

    assert (ended.code, ended.out) == (1, "")
    assert "Hint: " in ended.err


@pytest.mark.parametrize("typed", ["", "a\x1b", "\udcff"])
def test_what_can_be_no_id_is_a_usage_error(weather: Path, typed: str) -> None:
    assert show(weather, typed).code == 2


def test_the_last_messages_are_shown_alone(weather: Path) -> None:
    ended = show(weather, "weather-1", "--last", "1")

    assert "the last 1 of 4 messages" in ended.out
    assert "Yes," in ended.out
    assert "raining" not in ended.out


def test_json_is_one_object_with_every_message(weather: Path) -> None:
    found = json.loads(show(weather, "weather-1", "--json").out)

    assert (found["id"], found["metadata"], found["message_count"]) == ("weather-1", {"n": 1}, 4)
    assert [message["role"] for message in found["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert found["messages"][0]["attachments"][0]["filename"] == "sky.txt"
    assert found["messages"][1]["tool_calls"] == [{"id": "c1", "name": "weather", "arguments": '{"city":"Paris"}'}]


def test_parts_are_named_in_text_and_whole_in_json(database: Path) -> None:
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}},
        {"type": "refusal", "refusal": "no"},
    ]
    store_threads(database, Thread(id="t", messages=[Message(role="user", content=parts)]))  # pyright: ignore[reportArgumentType] - dicts become parts

    text = show(database, "t").out

    assert "Look:\n[image_url] data:image/png;base64,AAAA" in text
    assert len(text) < 500
    assert "[refusal]" in text
    assert json.loads(show(database, "t", "--json").out)["messages"][0]["content"] == parts


HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\rback\x08"


def test_stored_controls_are_shown_and_never_sent(database: Path) -> None:
    call = ToolCall(id="c\x1b[1m", name="n", arguments="\x1b[2J\n")
    store_threads(
        database,
        Thread(
            id="t",
            title=HOSTILE,
            agent=HOSTILE,
            metadata={HOSTILE: HOSTILE},
            messages=[Message(role="assistant", content=HOSTILE, name=HOSTILE, tool_calls=(call,))],
        ),
    )

    text = show(database, "t").out
    as_json = show(database, "t", "--json").out

    for output in (text, as_json):
        assert not any(sign in output for sign in "\x1b\x07\x9b\u202e\r\x08")
    assert "a\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202eevil\\rback\\x08" in text
    assert json.loads(as_json)["messages"][0]["content"] == HOSTILE


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_roles_are_coloured_at_a_terminal_unless_colour_is_unwanted(tmp_path: Path, weather: Path) -> None:
    with Terminal("--db", str(weather), "show", "weather-1", cwd=tmp_path) as coloured:
        coloured.end()
    with Terminal("--db", str(weather), "show", "weather-1", cwd=tmp_path, NO_COLOR="1") as plain:
        plain.end()

    assert "\x1b[32m" in coloured.seen
    assert "\x1b" not in plain.seen


def test_a_stream_that_cannot_show_a_character_gets_its_code(tmp_path: Path, database: Path) -> None:
    store_threads(database, Thread(id="t", messages=[Message(role="user", content="snow \U0001f600")]))

    text = keepthread("--db", str(database), "show", "t", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    as_json = keepthread("--db", str(database), "show", "t", "--json", cwd=tmp_path, PYTHONIOENCODING="latin-1")

    assert "snow \\U0001f600" in text.out
    assert json.loads(as_json.out)["messages"][0]["content"] == "snow 😀"
