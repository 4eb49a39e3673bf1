"""Which files are opened: ours. Anybody else's is refused, and not a byte of it changes."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from keepthread.errors import ForeignDatabaseError, InvalidSetting, UnavailableError
from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk

NARRATOR = [
    "CREATE TABLE threads (id VARCHAR PRIMARY KEY, title VARCHAR, attributes JSON, platforms JSON)",
    "CREATE TABLE messages (id VARCHAR PRIMARY KEY, thread_id VARCHAR, sequence INTEGER, role VARCHAR, content TEXT)",
    "INSERT INTO threads VALUES ('t', 'Title', '{}', '{}')",
]
ASTREUS = [
    "CREATE TABLE agents (id TEXT PRIMARY KEY, name TEXT UNIQUE, systemPrompt TEXT)",
    "CREATE TABLE memories (id INTEGER PRIMARY KEY, agentId TEXT, content TEXT)",
    "CREATE TABLE contexts (agentId TEXT PRIMARY KEY, contextData TEXT)",
    "CREATE TABLE tasks (id INTEGER PRIMARY KEY)",
]
FOREIGN = {
    "Narrator": NARRATOR,
    "Astreus": ASTREUS,
    "another program": ["CREATE TABLE notes (a)", "INSERT INTO notes VALUES (1)"],
}

NO_DATABASES = {
    "a text": b"Dear diary,\n",
    "a long text": b"Dear diary,\n" * 2000,
    "a torn database": b"SQLite format 3\x00" + b"\x10\x00",
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(5000),
}


def contents(path: Path) -> dict[str, bytes]:
    return {
        file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*") if not file.name.endswith("-shm")
    }


@pytest.mark.parametrize("owner", FOREIGN)
async def test_a_database_of_somebody_elses_is_refused_and_untouched(tmp_path: Path, owner: str) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        for statement in FOREIGN[owner]:
            database.execute(statement)
        database.commit()
    before = contents(path)

    with pytest.raises(ForeignDatabaseError, match=owner):
        await ThreadStore.create(path)

    assert contents(path) == before


async def test_a_log_that_its_owner_left_behind_is_untouched(tmp_path: Path) -> None:
    original, path = tmp_path / "original.db", tmp_path / "x.db"
    with closing(sqlite3.connect(original)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        for statement in NARRATOR:
            database.execute(statement)
        database.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{original}{suffix}", f"{path}{suffix}")
    before = contents(path)

    with pytest.raises(ForeignDatabaseError):
        await ThreadStore.create(path)

    assert contents(path) == before


@pytest.mark.parametrize("kind", NO_DATABASES)
async def test_what_is_no_database_is_refused_and_untouched(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(NO_DATABASES[kind])

    with pytest.raises(ForeignDatabaseError) as failure:
        await ThreadStore.create(path)

    assert str(path) in str(failure.value)
    assert contents(path) == {"x.db": NO_DATABASES[kind]}


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.touch()

    async with ThreadStore(path) as store:
        await talk(store, "a")
        assert await stored(store) == ["a"]


@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite+aiosqlite:///{}", "{}"])
async def test_a_database_is_the_same_under_every_form_of_its_name(tmp_path: Path, url: str) -> None:
    path = tmp_path / "x.db"
    async with ThreadStore(path) as store:
        await talk(store, "a")

    async with ThreadStore(url.format(path)) as store:
        assert await stored(store) == ["a"]


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="missing"):
        await ThreadStore.create(tmp_path / "missing" / "x.db")


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="directory"):
        await ThreadStore.create(tmp_path)


async def test_a_name_that_looks_like_a_url_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a?b=c#d%20e&f.db"

    async with ThreadStore(path) as store:
        await talk(store, "a")

    assert path.is_file()
    async with ThreadStore(path) as store:
        assert await stored(store) == ["a"]


async def test_durability_is_full_unless_relaxed_by_name(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "x.db") as store:
        assert (await store.status()).durability == "full"
    async with ThreadStore(tmp_path / "x.db", durability="relaxed") as store:
        assert (await store.status()).durability == "relaxed"
    async with ThreadStore(f"sqlite:///{tmp_path}/x.db?durability=relaxed") as store:
        assert (await store.status()).durability == "relaxed"


@pytest.mark.parametrize("url", ["sqlite:///x.db?durability=none", "sqlite:///x.db?mode=ro"])
async def test_an_unknown_option_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting):
        ThreadStore(url)


async def test_status_names_the_file(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "x.db") as store:
        await store.append("t", say("a"), create=True)
        status = await store.status()

    assert (status.dialect, status.location, status.source) == ("sqlite", str(tmp_path / "x.db"), "argument")
    assert status.engine_version.startswith("SQLite 3.")
    assert status.size_bytes > 4096
