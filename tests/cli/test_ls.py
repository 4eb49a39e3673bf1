import json
import sys
from pathlib import Path

import pytest

from keepthread import Message, Thread

from .command_line import Ended, Terminal, in_process, keepthread, store_threads

LONG_AGO = "0198a0b0-0000-7000-8000-"


def ids(ended: Ended) -> list[str]:
    assert ended.code == 0, ended.err
    return [line.split("\t")[0] for line in ended.out.splitlines()]


def ls(database: Path, *words: str) -> Ended:
    return in_process("--db", str(database), "ls", *words)


@pytest.fixture
def three(database: Path) -> Path:
    store_threads(
        database,
        Thread(id="oldest", title="First", metadata={"plan": "pro", "seats": 5}),
        Thread(id="hidden", archived=True, metadata={"plan": "pro"}),
        Thread(id="newest", metadata={"plan": "free", "seats": "5"}, messages=[Message(role="user", content="hi")]),
    )
    return database


def test_a_pipe_gets_tabs_and_whole_ids_newest_first(tmp_path: Path, three: Path) -> None:
    ended = keepthread("--db", str(three), "ls", cwd=tmp_path)

    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [(row[0], row[1], row[4]) for row in rows] == [("newest", "1", ""), ("oldest", "0", "First")]
    assert (ended.code, ended.err) == (0, "")


def test_archived_threads_are_listed_alone_or_with_all(three: Path) -> None:
    assert ids(ls(three, "--archived")) == ["hidden"]
    assert ids(ls(three, "--all")) == ["newest", "hidden", "oldest"]
    assert ls(three, "--all", "--archived").code == 2


def test_metadata_is_text_unless_it_reads_as_json(three: Path) -> None:
    assert ids(ls(three, "--metadata", "plan=pro")) == ["oldest"]
    assert ids(ls(three, "--metadata", "seats=5")) == ["oldest"]
    assert ids(ls(three, "--metadata", 'seats="5"')) == ["newest"]


def test_several_metadata_filters_must_all_hold(three: Path) -> None:
    assert ids(ls(three, "--metadata", "plan=pro", "--metadata", "seats=5")) == ["oldest"]
    assert ids(ls(three, "--metadata", "plan=free", "--metadata", "seats=5")) == []


def test_what_json_does_not_know_is_text(database: Path) -> None:
    store_threads(database, Thread(id="t", metadata={"value": "NaN"}))

    assert ids(ls(database, "--metadata", "value=NaN")) == ["t"]


def test_a_filter_without_a_value_is_a_usage_error(three: Path) -> None:
    assert ls(three, "--metadata", "plan").code == 2


def test_the_agent_that_answered_last_is_a_filter(database: Path) -> None:
    store_threads(database, Thread(id="a", agent="support"), Thread(id="b"))

    assert ids(ls(database, "--agent", "support")) == ["a"]


def test_a_pipe_gets_all_unless_a_limit_is_named(database: Path) -> None:
    store_threads(database, *[Thread(id=f"t{number:03}") for number in range(60)])

    assert len(ids(ls(database))) == 60
    assert ids(ls(database, "--limit", "2")) == ["t059", "t058"]
    assert len(ids(ls(database, "--limit", "0"))) == 60


def test_a_list_of_several_pages_is_whole_and_in_order(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepthread.cli.threads._PAGE", 7)
    store_threads(database, *[Thread(id=f"t{number:02}") for number in range(20)])

    assert ids(ls(database)) == [f"t{number:02}" for number in reversed(range(20))]
    assert len(ids(ls(database, "--limit", "15"))) == 15


def test_json_is_one_object_a_line_with_stable_keys(three: Path) -> None:
    lines = [json.loads(line) for line in ls(three, "--json").out.splitlines()]

    assert [line["id"] for line in lines] == ["newest", "oldest"]
    assert lines[1]["metadata"] == {"plan": "pro", "seats": 5}
    assert list(lines[0]) == [
        "id",
        "title",
        "agent",
        "archived",
        "metadata",
        "message_count",
        "version",
        "created_at",
        "updated_at",
    ]


def test_a_title_cannot_break_a_line_or_command_a_terminal(database: Path) -> None:
    store_threads(database, Thread(id="t", title="a\nb\tc\x1b[31m"))

    assert ls(database).out.splitlines()[0].endswith("\ta\\nb\\tc\\x1b[31m")
    assert "\x1b" not in ls(database, "--json").out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
class TestAtATerminal:
    def test_it_is_a_table_with_ids_as_short_as_they_can_be_typed(self, tmp_path: Path, database: Path) -> None:
        store_threads(
            database,
            Thread(id=f"{LONG_AGO}000000000001", title="One"),
            Thread(id=f"{LONG_AGO[:8]}-1111-7000-8000-" + "0" * 12),
        )

        with Terminal("--db", str(database), "ls", cwd=tmp_path, NO_COLOR="1") as terminal:
            code = terminal.end()

        assert code == 0
        assert "0198a0b0-0000 " in terminal.seen
        assert LONG_AGO not in terminal.seen
        assert "messages" in terminal.seen

    def test_a_short_id_can_be_shown(self, database: Path) -> None:
        store_threads(database, Thread(id=f"{LONG_AGO}000000000001", title="One"))

        assert in_process("--db", str(database), "show", "0198a0b0").code == 0

    def test_fifty_are_listed_and_the_rest_is_mentioned(self, tmp_path: Path, database: Path) -> None:
        store_threads(database, *[Thread(id=f"t{number:03}") for number in range(60)])

        with Terminal("--db", str(database), "ls", cwd=tmp_path) as terminal:
            terminal.end()

        assert terminal.seen.count("t0") == 50
        assert "--limit 0" in terminal.seen

    def test_markup_in_a_title_is_text(self, tmp_path: Path, database: Path) -> None:
        store_threads(database, Thread(id="t", title="[red]:smile: \x1b]0;owned\x07"))

        with Terminal("--db", str(database), "ls", cwd=tmp_path) as terminal:
            terminal.end()

        assert "[red]:smile: \\x1b]0;owned\\x07" in terminal.seen

    def test_an_empty_store_says_how_to_begin(self, tmp_path: Path, database: Path) -> None:
        store_threads(database)

        with Terminal("--db", str(database), "ls", cwd=tmp_path) as terminal:
            code = terminal.end()

        assert code == 0
        assert "keepthread chat" in terminal.seen
