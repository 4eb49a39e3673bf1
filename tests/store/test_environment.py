import os
from pathlib import Path

import pytest

from keepthread.errors import InvalidSetting
from keepthread.store import PoolSettings, ThreadStore
from keepthread.store.environment import Setting, database_setting, environment, pool_settings
from keepthread.testing.arrange import say, stored

VARIABLES = ("KEEPTHREAD_DATABASE_URL", "NARRATOR_DATABASE_URL", "DB_URL")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no settings of the desk."""
    for variable in os.environ:
        if variable.startswith(("KEEPTHREAD_", "NARRATOR_", "DB_URL")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_settings_it_is_a_file_in_the_working_directory() -> None:
    assert database_setting(environment()) == Setting("./keepthread.db", "default")


@pytest.mark.parametrize("place", range(3))
def test_the_first_variable_wins(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES[place:]:
        monkeypatch.setenv(variable, f"{variable}.db")

    assert database_setting(environment()) == Setting(f"{VARIABLES[place]}.db", VARIABLES[place])


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_none(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[0], empty)
    monkeypatch.setenv(VARIABLES[2], "x.db")

    assert database_setting(environment()).value == "x.db"


def test_an_env_file_is_read_and_named(folder: Path) -> None:
    (folder / ".env").write_text("DB_URL=sqlite://./astreus.db\n")

    assert database_setting(environment()) == Setting("sqlite://./astreus.db", "DB_URL in .env")


def test_the_environment_goes_before_the_env_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("DB_URL=file.db\n")
    monkeypatch.setenv("DB_URL", "environment.db")

    assert database_setting(environment()) == Setting("environment.db", "DB_URL")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("DB_URL=x.db", "x.db"),
        ("  DB_URL = x.db  ", "x.db"),
        ("export DB_URL=x.db", "x.db"),
        ("export   DB_URL=x.db", "x.db"),
        ('DB_URL="x y.db"', "x y.db"),
        ("DB_URL='x#y.db'", "x#y.db"),
        ("DB_URL='x.db' # mine", "x.db"),
        ("DB_URL=x.db # mine", "x.db"),
        ("DB_URL=x#y.db", "x#y.db"),
        ("DB_URL=sqlite:///x.db?a=b=c", "sqlite:///x.db?a=b=c"),
        ("DB_URL=$HOME/x.db", "$HOME/x.db"),
        ("DB_URL=one.db\nDB_URL=two.db", "two.db"),
        ("# comment\n\nnonsense\nDB_URL=x.db", "x.db"),
        ("DB_URL=x.db\r\nOTHER=1\r\n", "x.db"),
        ("\ufeffDB_URL=x.db", "x.db"),
        ("DB_URL=über.db", "über.db"),
    ],
)
def test_lines_of_an_env_file(folder: Path, line: str, value: str) -> None:
    (folder / ".env").write_bytes(line.encode())

    assert environment()["DB_URL"].value == value


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"=\n=x\n", b"#DB_URL=x.db"])
def test_an_env_file_that_says_nothing_is_ignored(folder: Path, content: bytes) -> None:
    (folder / ".env").write_bytes(content)

    assert "DB_URL" not in environment()


def test_the_pool_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPTHREAD_DB_POOL_SIZE", "2")
    monkeypatch.setenv("NARRATOR_DB_POOL_SIZE", "3")
    monkeypatch.setenv("NARRATOR_DB_MAX_OVERFLOW", "0")
    monkeypatch.setenv("KEEPTHREAD_DB_POOL_TIMEOUT", "1.5")
    monkeypatch.setenv("KEEPTHREAD_DB_POOL_RECYCLE", " ")

    assert pool_settings(environment()) == PoolSettings(size=2, max_overflow=0, timeout_seconds=1.5)


@pytest.mark.parametrize("value", ["many", "1.5", "0"])
def test_a_pool_size_that_makes_no_sense_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPTHREAD_DB_POOL_SIZE", value)

    with pytest.raises(InvalidSetting):
        pool_settings(environment())


async def test_a_store_opens_what_the_environment_names_and_says_which(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NARRATOR_DATABASE_URL", "sqlite+aiosqlite:///narrated.db")

    async with await ThreadStore.from_env() as store:
        status = await store.status()

    assert (status.source, status.url) == ("NARRATOR_DATABASE_URL", "sqlite+aiosqlite:///narrated.db")
    assert (folder / "narrated.db").is_file()


async def test_without_a_url_create_is_in_memory_whatever_the_environment_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPTHREAD_DATABASE_URL", "named.db")

    async with await ThreadStore.create() as store:
        assert (await store.status()).dialect == "memory"

    assert list(folder.iterdir()) == []


async def test_the_working_directory_counts_when_the_store_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "elsewhere").mkdir()
    store = ThreadStore("x.db")

    monkeypatch.chdir(folder / "elsewhere")
    async with store:
        await store.append("t", say("a"), create=True)

    async with ThreadStore(folder / "x.db") as again:
        assert await stored(again) == ["a"]
