"""Attachments where there is no place for them, or where it is somebody else's."""

from pathlib import Path

import pytest

from keepthread.errors import FileContentNotFound, ForeignDatabaseError, InvalidAttachment
from keepthread.files import FileStore
from keepthread.model import Attachment, blobs
from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk
from keepthread.testing.attachment_contract import CONTENT, read, with_file


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No room offers a place for files."""
    monkeypatch.setattr(blobs, "_openers", [])


@pytest.mark.usefixtures("nowhere")
async def test_without_a_place_for_files_an_attachment_is_refused_before_any_write(url: str | None) -> None:
    async with ThreadStore(url) as store:
        thread = await talk(store, "a")
        with pytest.raises(InvalidAttachment, match="files="):
            await store.append("t", [say("b"), with_file("c")])
        thread.add_message(with_file("d"))
        with pytest.raises(InvalidAttachment, match="files="):
            await store.save_thread(thread)

        assert await stored(store) == ["a"]


@pytest.mark.usefixtures("nowhere")
async def test_without_a_place_for_files_everything_else_works(url: str | None) -> None:
    async with ThreadStore(url) as store:
        await talk(store, "a")
        await store.edit_message("t", "a", content="A")
        await store.delete_thread("t")

        assert await store.count_threads() == 0


async def test_a_store_without_the_place_shows_the_file_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ThreadStore(tmp_path / "x.db", files=FileStore(tmp_path / "files")) as store:
        await store.append("t", with_file("a"), create=True)
    monkeypatch.setattr(blobs, "_openers", [])

    async with ThreadStore(tmp_path / "x.db") as store:
        (attachment,) = (await store.get_thread("t")).messages[0].attachments
        assert attachment.filename == "a.txt"
        with pytest.raises(FileContentNotFound, match="files="):
            await attachment.read()


async def test_files_are_kept_beside_the_database_by_default(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "x.db") as store:
        await store.append("t", with_file("a"), create=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.db", "x.db.files"]

    async with ThreadStore(tmp_path / "x.db") as again:
        assert await read(again, "t", "a") == [CONTENT]


async def test_without_attachments_no_folder_is_made(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "x.db") as store:
        await talk(store, "a")
        await store.delete_thread("t")

    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]


async def test_a_folder_belongs_to_one_database(tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    async with (
        ThreadStore(tmp_path / "one.db", files=files) as one,
        ThreadStore(tmp_path / "two.db", files=files) as two,
    ):
        await one.append("t", with_file("a"), create=True)

        with pytest.raises(ForeignDatabaseError):
            await two.append("t", with_file("a"), create=True)

        assert await two.count_threads() == 0
        assert await read(one, "t", "a") == [CONTENT]


async def test_files_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPTHREAD_DATABASE_URL", str(tmp_path / "x.db"))
    monkeypatch.setenv("KEEPTHREAD_FILES", str(tmp_path / "files"))

    async with await ThreadStore.from_env() as store:
        await store.append("t", with_file("a"), create=True)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["files", "x.db"]


async def test_a_hash_that_is_none_is_refused() -> None:
    async with ThreadStore() as store:
        for sha256 in ("", "x", "../../x", "a" * 63, "A" * 64, "0" * 63 + "\x00"):
            with pytest.raises(InvalidAttachment):
                await store.append("t", say("a", attachments=(Attachment(filename="a", sha256=sha256),)), create=True)

        assert await store.count_threads() == 0
