import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keepthread import Message, Thread
from tests.openai_server import OpenAIServer, refused, text

from .command_line import Ended, Terminal, in_process, keepthread, store_threads, stored_thread


def newest(database: Path) -> Thread:
    listed = in_process("--db", str(database), "ls", "--json").out.splitlines()
    return stored_thread(database, json.loads(listed[0])["id"])


def chat(database: Path, *words: str, stdin: str = "") -> Ended:
    return in_process("--db", str(database), "chat", *words, stdin=stdin)


def contents(thread: Thread) -> list[str]:
    return [message.text for message in thread.messages]


def test_each_line_of_a_pipe_is_a_turn_and_is_kept(tmp_path: Path, database: Path) -> None:
    script = tmp_path / "replies.txt"
    script.write_text("Hello.\nGoodbye.\n")

    ended = keepthread(
        "--db", "chats.db", "chat", "--model", f"scripted:{script}", cwd=tmp_path, stdin="Hi\n\nBye\n/quit\nunheard\n"
    )

    thread = newest(database)
    assert (ended.code, ended.out) == (0, "Hello.\nGoodbye.\n")
    assert contents(thread) == ["Hi", "Hello.", "Bye", "Goodbye."]
    assert f"keepthread --db chats.db chat {thread.id}" in ended.err
    assert (thread.agent, thread.title) == ("assistant", "Hi")


def test_a_conversation_goes_on_in_another_process(tmp_path: Path, database: Path) -> None:
    keepthread("--db", "chats.db", "chat", cwd=tmp_path, stdin="one\n")

    ended = keepthread("--db", "chats.db", "chat", "@last", cwd=tmp_path, stdin="two\n")

    assert "I was sent 3 messages" in ended.out
    assert "after 2 messages" in ended.err
    assert contents(newest(database))[2] == "two"


def test_without_a_model_it_says_that_echo_is_none(database: Path) -> None:
    ended = chat(database, stdin="hello\n")

    assert "No language model: 'echo'" in ended.err
    assert "hello" in ended.out


def test_the_environment_names_the_model(tmp_path: Path, database: Path) -> None:
    (tmp_path / "replies.txt").write_text("from the script\n")
    Path(".env").write_text("KEEPTHREAD_MODEL=scripted:replies.txt\n")

    ended = chat(database, stdin="hello\n")

    assert ended.out == "from the script\n"
    assert "No language model" not in ended.err


def test_a_failing_model_costs_one_sentence_and_the_talk_goes_on(tmp_path: Path, database: Path) -> None:
    with OpenAIServer() as server:
        server.will_answer(refused(400, "bad"), text("Better now."))
        ended = keepthread(
            "--db",
            "chats.db",
            "chat",
            "--model",
            "gpt-4o",
            cwd=tmp_path,
            stdin="first\nsecond\n",
            OPENAI_API_KEY="sk-test",
            OPENAI_BASE_URL=server.base_url,
        )

    assert ended.out == "Better now.\n"
    assert "Traceback" not in ended.err
    assert "Nothing of this turn was kept." in ended.err
    assert [message["content"] for message in server.requests[1].messages] == ["second"]
    assert contents(newest(database)) == ["second", "Better now."]
    assert ended.code == 4


def test_a_line_that_cannot_be_stored_is_refused_and_the_talk_goes_on(database: Path) -> None:
    ended = chat(database, "--model", "echo", stdin="a\x00b\nfine\n")

    assert "NUL" in ended.err
    assert contents(newest(database))[0] == "fine"


def test_saying_nothing_leaves_nothing(database: Path) -> None:
    ended = chat(database, stdin="/quit\n")

    assert (ended.code, ended.out) == (0, "")
    assert in_process("--db", str(database), "ls").out == ""


def test_an_unknown_thread_is_not_begun(database: Path) -> None:
    store_threads(database)

    ended = chat(database, "typo", stdin="hello\n")

    assert (ended.code, ended.out) == (1, "")
    assert in_process("--db", str(database), "ls", "--all").out == ""


def test_a_misspelt_model_ends_it_before_the_first_turn(database: Path) -> None:
    ended = chat(database, "--model", "gtp-4o", stdin="hello\n")

    assert (ended.code, ended.out) == (4, "")
    assert "gpt-4o" in ended.err


def test_who_answered_in_a_thread_goes_on_answering(database: Path) -> None:
    store_threads(database, Thread(id="t", agent="guide", messages=[Message(role="user", content="hi")]))

    chat(database, "t", stdin="hello\n")

    assert stored_thread(database, "t").agent == "guide"


def test_a_name_and_a_purpose_are_the_agents(database: Path) -> None:
    ended = chat(database, "--agent-name", "poet", "--purpose", "Rhyme.", stdin="hello\n")

    assert "I was sent 2 messages" in ended.out
    thread = newest(database)
    assert (thread.agent, len(thread.messages)) == ("poet", 2)


def test_a_long_first_line_is_a_short_title(database: Path) -> None:
    chat(database, stdin=f"{'word ' * 100}\n")

    title = newest(database).title or ""
    assert len(title) <= 60
    assert title.endswith("…")


def test_json_is_one_object_a_turn(database: Path) -> None:
    ended = chat(database, "--json", stdin="one\ntwo\n")

    turns = [json.loads(line) for line in ended.out.splitlines()]
    assert [turn["user_message"]["content"] for turn in turns] == ["one", "two"]
    assert [[message["role"] for message in turn["messages"]] for turn in turns] == [["assistant"]] * 2
    assert {turn["thread"] for turn in turns} == {newest(database).id}


def test_an_answer_cannot_command_the_terminal(tmp_path: Path, database: Path) -> None:
    (tmp_path / "replies.jsonl").write_text(json.dumps({"content": "\x1b[2Jgone"}) + "\n")

    ended = chat(database, "--model", "scripted:replies.jsonl", stdin="hello\n")

    assert ended.out == "\\x1b[2Jgone\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
class TestAtATerminal:
    def test_a_turn_is_stored_before_the_prompt_comes_back(self, tmp_path: Path, database: Path) -> None:
        with Terminal("--db", str(database), "chat", cwd=tmp_path) as terminal:
            terminal.wait_for("> ")
            terminal.send(b"hello\n")
            terminal.wait_for("> ")
            terminal.process.kill()

        assert len(newest(database).messages) == 2

    def test_ctrl_c_at_the_prompt_ends_it_and_says_how_to_go_on(self, tmp_path: Path, database: Path) -> None:
        with Terminal("--db", str(database), "chat", cwd=tmp_path) as terminal:
            terminal.wait_for("> ")
            terminal.send(b"hello\n")
            terminal.wait_for("> ")
            terminal.interrupt()
            code = terminal.end()

        assert code == 0
        assert f"chat {newest(database).id}" in terminal.seen
        assert "Traceback" not in terminal.seen

    def test_ctrl_d_ends_it(self, tmp_path: Path, database: Path) -> None:
        with Terminal("--db", str(database), "chat", cwd=tmp_path) as terminal:
            terminal.wait_for("> ")
            terminal.send(b"\x04")
            code = terminal.end()

        assert code == 0
        assert "nothing was kept" in terminal.seen

    def test_ctrl_c_while_the_model_thinks_leaves_only_whole_turns(self, tmp_path: Path, database: Path) -> None:
        with OpenAIServer() as server:
            server.will_answer(text("One."), replace(text("Too late."), after=server.gate()))
            settings = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url}
            with Terminal("--db", str(database), "chat", "--model", "gpt-4o", cwd=tmp_path, **settings) as terminal:
                terminal.wait_for("> ")
                terminal.send(b"first\n")
                terminal.wait_for("> ")
                terminal.send(b"second\n")
                server.wait_for_requests(2)
                terminal.interrupt()
                code = terminal.end()

        assert code == 0
        assert "Go on with" in terminal.seen
        assert contents(newest(database)) == ["first", "One."]
