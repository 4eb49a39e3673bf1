import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keepthread.cli.demo_process import TRIP, WRITERS

from .command_line import PROGRAM, Ended, in_process, keepthread, plain_environment, stored_thread

DATABASE = Path("keepthread-demo/conversations.db")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The demo, run once for real, in a folder whose name needs quotes."""
    folder = tmp_path_factory.mktemp("a demo")
    return folder, keepthread("demo", cwd=folder)


def test_it_passes_and_says_first_that_there_is_no_model(story: tuple[Path, Ended]) -> None:
    _, ended = story

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("No language model is called: replies come from a script. Everything else is real.\n")
    assert ended.out.count("✓") == 6
    assert "✗" not in ended.out


def test_the_killed_conversation_is_whole_in_the_database(story: tuple[Path, Ended]) -> None:
    folder, _ = story

    thread = stored_thread(folder / DATABASE, TRIP)

    assert [message.role for message in thread.messages] == ["user", "assistant"] * 4
    assert len({message.id for message in thread.messages}) == 8
    assert [message.text for message in thread.messages].count("What shall I do on the first day?") == 1
    assert [file.filename for message in thread.messages for file in message.attachments] == ["packing-list.txt"]
    assert {message.usage.model for message in thread.messages if message.usage} == {"scripted"}


def test_both_writers_are_whole_and_in_order_in_the_database(story: tuple[Path, Ended]) -> None:
    folder, _ = story

    said = [message.text for message in stored_thread(folder / DATABASE, WRITERS).messages]

    assert len(said) == 100
    for writer in ("alice", "bob"):
        assert [text for text in said if text.startswith(writer)] == [f"{writer} {n}" for n in range(1, 51)]


@pytest.mark.skipif(sys.platform == "win32", reason="another shell")
def test_every_command_that_it_suggests_works(story: tuple[Path, Ended]) -> None:
    folder, ended = story
    commands = [line.strip() for line in ended.out.partition("look at it:\n")[2].splitlines()]

    codes = {
        command: subprocess.run(
            ["sh", "-c", command], cwd=folder, env=plain_environment(), stdin=subprocess.DEVNULL, check=False
        ).returncode
        for command in commands
        if "--clean" not in command
    }

    assert [command.split()[-1] for command in commands[:2]] == ["status", "ls"]
    assert len(codes) == 4
    assert set(codes.values()) == {0}


def test_it_runs_again_in_its_own_folder_and_is_cleaned_away(tmp_path: Path) -> None:
    first = json.loads(keepthread("demo", "--json", cwd=tmp_path).out)
    (tmp_path / "keepthread-demo" / "mine.txt").write_text("keep me")

    again = keepthread("demo", "--json", cwd=tmp_path)
    cleaned = keepthread("demo", "--clean", cwd=tmp_path)

    found = json.loads(again.out)
    assert first["ok"]
    assert found["ok"]
    assert [check["ok"] for check in found["checks"]] == [True] * 6
    assert again.err.startswith("No language model is called")
    assert cleaned.code == 0
    assert [path.name for path in (tmp_path / "keepthread-demo").iterdir()] == ["mine.txt"]


def test_a_folder_that_it_did_not_make_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keepthread-demo").mkdir()
    (tmp_path / DATABASE).write_text("precious")

    ran = in_process("demo")
    cleaned = in_process("demo", "--clean")

    assert (ran.code, cleaned.code) == (2, 2)
    assert (tmp_path / DATABASE).read_text() == "precious"


def test_cleaning_where_nothing_is_does_nothing() -> None:
    ended = in_process("demo", "--clean", "--json")

    assert (ended.code, json.loads(ended.out)["removed"]) == (0, False)


def test_it_takes_no_database() -> None:
    assert in_process("--db", "x.db", "demo").code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_in_the_middle_ends_it_cleanly_with_its_children(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*PROGRAM, "demo"],
        cwd=tmp_path,
        env=plain_environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert demo.stdout is not None
    child = next(int(line.split()[2]) for line in demo.stdout if line.startswith("1. Process"))

    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=60)

    assert demo.returncode == 130
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
