import json
from pathlib import Path

import pytest

from keepthread import Thread
from keepthread.cli.database import Options

from .command_line import in_process, keepthread, store_threads


def source_and_location(*words: str, **variables: str) -> tuple[str, str]:
    ended = in_process(*words, "status", "--json", env=variables)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    return found["source"], Path(found["location"]).name


@pytest.fixture
def _all_databases() -> None:
    for name in ("one.db", "two.db", "three.db", "four.db", "keepthread.db"):
        assert in_process("--db", name, "init").code == 0


ENVIRONMENT = {"KEEPTHREAD_DATABASE_URL": "one.db", "NARRATOR_DATABASE_URL": "two.db", "DB_URL": "three.db"}


@pytest.mark.usefixtures("_all_databases")
def test_the_option_wins_over_the_environment() -> None:
    assert source_and_location("--db", "four.db", **ENVIRONMENT) == ("--db", "four.db")


@pytest.mark.usefixtures("_all_databases")
def test_our_variable_wins_over_the_others() -> None:
    assert source_and_location(**ENVIRONMENT) == ("KEEPTHREAD_DATABASE_URL", "one.db")


@pytest.mark.usefixtures("_all_databases")
def test_narrators_variable_wins_over_db_url() -> None:
    two = {name: ENVIRONMENT[name] for name in ("NARRATOR_DATABASE_URL", "DB_URL")}

    assert source_and_location(**two) == ("NARRATOR_DATABASE_URL", "two.db")


@pytest.mark.usefixtures("_all_databases")
def test_a_dotenv_file_counts_and_is_named() -> None:
    Path(".env").write_text("DB_URL=three.db\n")

    assert source_and_location() == ("DB_URL in .env", "three.db")


@pytest.mark.usefixtures("_all_databases")
def test_without_a_setting_it_is_a_file_in_the_working_directory() -> None:
    assert source_and_location() == ("default", "keepthread.db")


@pytest.mark.parametrize("words", [["ls"], ["show", "x"], ["status"], ["chat", "x"], ["ls", "--json"]])
def test_a_command_that_reads_makes_no_database(words: list[str], tmp_path: Path) -> None:
    ended = in_process(*words)

    assert ended.code == 3
    assert "init`" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_database_and_stays_empty(database: Path) -> None:
    database.touch()

    ended = in_process("--db", str(database), "ls")

    assert ended.code == 3
    assert database.read_bytes() == b""


def test_the_remedy_names_the_database_that_was_asked_for() -> None:
    ended = in_process("--db", "a b.db", "--tenant", "acme", "status")

    assert "--db 'a b.db' --tenant acme init`" in ended.err


def test_an_unknown_scheme_is_a_usage_error_that_masks_the_password_and_says_who_named_it(tmp_path: Path) -> None:
    ended = keepthread("status", cwd=tmp_path, DB_URL="oracle://scott:tiger@host/orcl")

    assert ended.code == 2
    assert "tiger" not in ended.err
    assert "named by DB_URL" in ended.err


def test_a_missing_folder_is_unreachable() -> None:
    ended = in_process("--db", "nowhere/chats.db", "init")

    assert ended.code == 3
    assert "nowhere" in ended.err


def test_a_tenant_sees_its_own_threads_only(database: Path) -> None:
    store_threads(database, Thread(id="ours"), tenant="acme")
    store_threads(database, Thread(id="theirs"))

    ours = in_process("--db", str(database), "--tenant", "acme", "ls")
    theirs = in_process("--db", str(database), "--tenant", "acme", "show", "theirs")

    assert [line.split("\t")[0] for line in ours.out.splitlines()] == ["ours"]
    assert theirs.code == 1


def test_a_tenants_name_with_control_characters_is_a_usage_error(database: Path) -> None:
    store_threads(database, Thread(id="t"))

    assert in_process("--db", str(database), "--tenant", "a\x1b", "ls").code == 2


def test_a_command_to_paste_keeps_the_options_and_quotes_them() -> None:
    command = Options(db="my chats.db", tenant="acme").command("show", "it's")

    assert command == """keepthread --db 'my chats.db' --tenant acme show 'it'"'"'s'"""
