"""The folder: what is where, who may read it, and what is done about damage and about things that are not ours."""

import asyncio
import os
import stat
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from keepthread.errors import CorruptError, FileContentNotFound, ForeignDatabaseError, FullError, UnavailableError
from keepthread.files import FileStore

HELLO = sha256(b"hello").hexdigest()


@pytest.fixture
def as_a_plain_user(base: Path) -> Iterator[None]:
    """One who may not write to the folder: root may write to any."""
    base.mkdir(mode=0o500, parents=True)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


async def unused() -> bool:
    return True


async def used() -> bool:
    return False


def test_nothing_is_touched_before_the_first_write(base: Path) -> None:
    FileStore(base)

    assert not base.parent.exists()


async def test_reading_creates_nothing(base: Path) -> None:
    store = FileStore(base)

    assert not await store.exists("t", HELLO)
    assert await store.discard("t", HELLO, unused)
    assert await store.total_bytes() == 0
    assert not base.parent.exists()


async def test_create_makes_the_folder(base: Path) -> None:
    await FileStore.create(base)

    assert base.is_dir()


async def test_a_blob_lies_under_digests_only(blob: Path, base: Path) -> None:
    tenant, first, rest = blob.relative_to(base).parts

    assert (len(tenant), first + rest) == (32, HELLO)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_files_and_folders_are_for_this_user_alone(blob: Path, base: Path) -> None:
    await FileStore(base).claim("store")
    inside = [base.parent, base, *base.rglob("*")]

    modes = {stat.filemode(path.stat().st_mode) for path in inside}

    assert modes == {"drwx------", "-rw-------"}


async def test_a_relative_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = FileStore("files")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")

    await store.put("t", b"hello", filename="a.txt")

    assert (tmp_path / "files").is_dir()


async def test_another_store_on_the_folder_finds_the_bytes(blob: Path, base: Path) -> None:
    assert await FileStore(base).get("t", HELLO) == b"hello"


async def test_a_flipped_byte_is_found_and_named(blob: Path, base: Path) -> None:
    blob.write_bytes(b"hellO")

    with pytest.raises(CorruptError, match=HELLO):
        await FileStore(base).get("t", HELLO)


async def test_a_file_that_was_cut_off_is_found_and_written_anew(blob: Path, base: Path) -> None:
    blob.write_bytes(b"hel")
    store = FileStore(base)

    with pytest.raises(CorruptError):
        await store.get("t", HELLO)
    await store.put("t", b"hello", filename="a.txt")

    assert await store.get("t", HELLO) == b"hello"
    assert await store.total_bytes() == 5


async def test_a_file_in_the_place_of_the_folder_is_said(base: Path) -> None:
    base.parent.mkdir()
    base.write_text("I was here first")

    with pytest.raises(UnavailableError, match="move that away") as caught:
        await FileStore.create(base)

    assert str(base) in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.usefixtures("as_a_plain_user")
async def test_a_folder_without_rights_is_said(base: Path) -> None:
    with pytest.raises(UnavailableError, match="the right to"):
        await FileStore(base).put("t", b"hello", filename="a.txt")


async def test_a_folder_that_was_removed_is_made_again(blob: Path, base: Path) -> None:
    store = FileStore(base)
    await store.put("t", b"first", filename="a.txt")
    base.rename(base.with_name("gone"))

    await store.put("t", b"hello", filename="a.txt")

    assert await store.get("t", HELLO) == b"hello"
    with pytest.raises(FileContentNotFound):
        await store.get("t", sha256(b"first").hexdigest())


async def test_drafts_of_dead_processes_are_removed_after_an_hour(base: Path) -> None:
    (base / "tmp").mkdir(parents=True)
    for name, age in (("old", 3_700), ("young", 3_000)):
        (base / "tmp" / name).write_bytes(b"draft")
        os.utime(base / "tmp" / name, (time.time() - age, time.time() - age))

    await FileStore(base).put("t", b"hello", filename="a.txt")

    assert [path.name for path in base.glob("tmp/*")] == ["young"]


async def test_what_a_file_manager_left_does_no_harm(blob: Path, base: Path) -> None:
    for place in (base, blob.parents[1]):
        (place / ".DS_Store").write_bytes(b"x" * 100)
    store = FileStore(base, max_total_bytes=1_000)

    await store.put("t", b"more", filename="a.txt")

    assert await store.total_bytes() == 9


async def test_drafts_do_not_count(base: Path) -> None:
    store = FileStore(base)
    await store.put("t", b"hello", filename="a.txt")
    (base / "tmp" / "draft").write_bytes(b"x" * 100)

    assert await store.total_bytes() == 5


async def test_a_folder_over_its_limit_takes_nothing_more(base: Path) -> None:
    store = FileStore(base, max_total_bytes=9)
    await store.put("t", b"hello", filename="a.txt")

    with pytest.raises(FullError, match="max_total_bytes"):
        await store.put("t", b"world", filename="b.txt")

    assert len(list(base.glob("*/*/*"))) == 1
    assert list(base.glob("tmp/*")) == []


async def test_a_full_folder_still_finds_what_it_has(base: Path) -> None:
    store = FileStore(base, max_total_bytes=5)
    first = await store.put("t", b"hello", filename="a.txt")

    assert await store.put("t", b"hello", filename="b.txt") == first


async def test_what_others_stored_before_counts(blob: Path, base: Path) -> None:
    with pytest.raises(FullError):
        await FileStore(base, max_total_bytes=9).put("t", b"world", filename="b.txt")


async def test_a_discard_makes_room(base: Path) -> None:
    store = FileStore(base, max_total_bytes=9)
    await store.put("t", b"hello", filename="a.txt")
    await store.discard("t", HELLO, unused)

    blob = await store.put("t", b"world", filename="b.txt")

    assert await store.get("t", blob.sha256) == b"world"


async def test_many_puts_of_the_same_bytes_count_once(base: Path) -> None:
    store = FileStore(base, max_total_bytes=100)
    await asyncio.gather(*(store.put("t", b"x" * 12, filename="a.txt") for _ in range(8)))
    await store.put("t", b"y" * 88, filename="b.txt")

    assert await store.total_bytes() == 100


async def test_a_folder_belongs_to_the_database_that_claimed_it(base: Path) -> None:
    await FileStore(base).claim("database-one")

    with pytest.raises(ForeignDatabaseError, match="database-one") as caught:
        await FileStore(base).claim("database-two")

    assert str(base) in str(caught.value)
    assert await FileStore(base).claim("database-one")


async def test_one_of_many_databases_gets_the_folder(base: Path) -> None:
    outcomes = await asyncio.gather(*(FileStore(base).claim(f"{n}") for n in range(8)), return_exceptions=True)

    assert outcomes.count(True) == 1
    assert sum(isinstance(outcome, ForeignDatabaseError) for outcome in outcomes) == 7


async def test_a_file_system_without_hard_links_will_do(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    store = FileStore(base)
    await store.claim("store")
    await store.put("t", b"hello", filename="a.txt")
    await store.discard("t", HELLO, used)

    assert await store.get("t", HELLO) == b"hello"
    assert list(base.glob("tmp/*")) == []
