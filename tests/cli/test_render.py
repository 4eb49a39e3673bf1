import json
import sys

import pytest

from keepthread.cli.render import compact_json, count, program, size, visible, visible_line


def test_text_keeps_its_lines_and_tabs() -> None:
    assert visible("a\tb\r\nc\n") == "a\tb\nc\n"


def test_a_line_shows_its_line_ends() -> None:
    assert visible_line("a\tb\r\nc\u2028d") == "a\\tb\\r\\nc\\u2028d"


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x202E, 0x2066])
def test_no_control_character_survives(code: int) -> None:
    text = f"a{chr(code)}b"

    assert visible_line(text) != text
    assert json.loads(compact_json([text])) == [text]
    assert chr(code) not in compact_json([text])


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e12, "5000.0 GB")],
)
def test_sizes_read_as_people_say_them(number: float, words: str) -> None:
    assert size(number) == words


def test_one_message_is_no_plural() -> None:
    assert (count(1, "message"), count(1200, "message")) == ("1 message", "1,200 messages")


def test_a_module_is_named_by_the_python_that_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["keepthread/__main__.py"])

    assert program().endswith(" -m keepthread")


def test_a_program_that_is_not_on_the_path_is_named_as_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [".venv/bin/keepthread"])

    assert program() == ".venv/bin/keepthread"
