"""Attachments: their bytes are there before what names them, and what is missing is named."""

from pathlib import Path

import pytest

from keepthread import Attachment, FileStore, ThreadStore
from keepthread.errors import ForeignDatabaseError, FullError, InvalidSetting
from keepthread.testing.arrange import say, stored, talk
from keepthread.transfer import copy_store
from tests.files.contents import blobs

from .conversations import assert_equal


async def attach(store: ThreadStore, *contents: bytes, thread_id: str = "t") -> None:
    """Append one message with a file for each of *contents*, named after it."""
    for content in contents:
        name = content.decode()
        await store.append(
            thread_id,
            say(f"{thread_id} {name}", attachments=[Attachment(filename=f"{name}.txt", content=content)]),
            create=True,
        )


def lose(folder: Path, content: bytes) -> Path:
    """Take a file out of a file store's folder, and return where it was."""
    (path,) = [path for path in folder.glob("*/*/*") if path.is_file() and path.read_bytes() == content]
    path.unlink()
    return path


async def test_a_missing_file_is_named_and_all_else_is_copied(
    source: ThreadStore, target: ThreadStore, tmp_path: Path
) -> None:
    await attach(source, b"one", b"two")
    lose(tmp_path / "source_files", b"one")

    report = await copy_store(source, target)

    assert [(problem.kind, "'one.txt'" in problem.detail) for problem in report.problems] == [("file", True)]
    assert report.files == 1
    await assert_equal(source, target)
    assert set(blobs(tmp_path / "target_files").values()) == {b"two"}


async def test_a_missing_file_is_named_again_until_it_is_put_back(
    source: ThreadStore, target: ThreadStore, tmp_path: Path
) -> None:
    await attach(source, b"one", b"two")
    path = lose(tmp_path / "source_files", b"one")
    await copy_store(source, target)

    again = await copy_store(source, target)
    path.write_bytes(b"one")
    report = await copy_store(source, target)

    assert (again.counts["file"], again.unchanged) == (1, 1)
    assert (report.is_complete, report.files, report.messages) == (True, 1, 0)
    assert (await copy_store(source, target)).files == 0
    assert set(blobs(tmp_path / "target_files").values()) == {b"one", b"two"}


async def test_a_damaged_file_is_not_passed_on(source: ThreadStore, target: ThreadStore, tmp_path: Path) -> None:
    await attach(source, b"one")
    lose(tmp_path / "source_files", b"one").write_bytes(b"eno")

    report = await copy_store(source, target)

    assert [problem.kind for problem in report.problems] == ["file"]
    assert blobs(tmp_path / "target_files") == {}


async def test_a_file_that_the_target_does_not_accept_is_named(source: ThreadStore, target: ThreadStore) -> None:
    await attach(source, b"one")

    report = await copy_store(source, target.with_files(FileStore(accept="image/*")))

    assert [(problem.kind, "does not accept" in problem.detail) for problem in report.problems] == [("file", True)]
    assert await stored(target) == ["t one"]


async def test_a_full_file_store_ends_the_copy_before_anything_names_the_file(
    source: ThreadStore, target: ThreadStore, tmp_path: Path
) -> None:
    await attach(source, b"one")

    with pytest.raises(FullError):
        await copy_store(source, target.with_files(FileStore(tmp_path / "full", max_total_bytes=2)))

    assert await target.count_threads() == 0


async def test_a_file_of_two_tenants_is_kept_for_each(source: ThreadStore, target: ThreadStore, tmp_path: Path) -> None:
    for tenant in ("acme", "other"):
        await attach(source.for_tenant(tenant), b"one")

    await copy_store(source, target, all_tenants=True)
    await target.for_tenant("acme").delete_thread("t")

    message = (await target.for_tenant("other").get_thread("t")).messages[0]
    assert await message.attachments[0].read() == b"one"


async def test_without_a_place_for_files_nothing_is_copied(postgres: str, tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "source.db") as source, ThreadStore(postgres) as target:
        await attach(source, b"one")

        with pytest.raises(InvalidSetting, match="target has no place"):
            await copy_store(source, target)

        assert await target.count_threads() == 0


async def test_files_of_a_server_have_to_be_found_first(postgres: str, tmp_path: Path) -> None:
    async with (
        ThreadStore(postgres, files=FileStore(tmp_path / "files")) as writer,
        ThreadStore(postgres) as source,
        ThreadStore(tmp_path / "target.db") as target,
    ):
        await attach(writer, b"one")

        with pytest.raises(InvalidSetting, match="source names no place"):
            await copy_store(source, target)


async def test_no_place_is_asked_for_where_there_are_no_files(postgres: str, tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "source.db") as source, ThreadStore(postgres) as target:
        await talk(source, "a")

        assert (await copy_store(source, target)).is_complete


async def test_the_folder_of_the_source_is_not_taken_for_the_target(tmp_path: Path) -> None:
    async with (
        ThreadStore(tmp_path / "source.db", files=FileStore(tmp_path / "files")) as source,
        ThreadStore(tmp_path / "target.db", files=FileStore(tmp_path / "files")) as target,
    ):
        await attach(source, b"one")

        with pytest.raises(ForeignDatabaseError):
            await copy_store(source, target)

        assert await target.count_threads() == 0
