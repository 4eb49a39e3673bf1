"""What a file store accepts, how much of it, and how it says no."""

from pathlib import Path

import pytest

from keepthread.errors import FullError, InvalidAttachment, InvalidError, InvalidSetting, TooLargeError
from keepthread.files import FileStore
from keepthread.model.blobs import BlobStore, open_default

PROGRAM = b"\x7fELF\2\1\1\0"
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def test_is_a_blob_store() -> None:
    store: BlobStore = FileStore()

    assert repr(store) == "FileStore()"


async def test_without_a_path_nothing_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = await FileStore.create()

    await store.put("t", b"hello", filename="a.txt")

    assert list(tmp_path.iterdir()) == []


async def test_create_takes_the_path_with_and_without_its_name(tmp_path: Path) -> None:
    first = await FileStore.create(str(tmp_path / "one"))
    second = await FileStore.create(base_path=tmp_path / "two")

    assert (first.base_path, second.base_path) == (tmp_path / "one", tmp_path / "two")


async def test_can_be_closed_at_any_time_and_used_again() -> None:
    async with FileStore() as store:
        blob = await store.put("t", b"hello", filename="a.txt")
    await store.close()

    assert await store.get("t", blob.sha256) == b"hello"


async def test_is_the_default_place_for_files(tmp_path: Path) -> None:
    on_disk, in_memory = open_default(str(tmp_path / "files")), open_default("")

    assert isinstance(on_disk, FileStore)
    assert isinstance(in_memory, FileStore)
    assert (on_disk.base_path, in_memory.base_path) == (tmp_path / "files", None)


@pytest.mark.parametrize(
    ("filename", "mime_type", "content"),
    [
        ("a.txt", None, b"hello"),
        ("README.md", None, b"# hello"),
        ("page.html", "text/html; charset=utf-8", b"<!doctype html>"),
        ("table.csv", "application/vnd.ms-excel", b"a,b"),
        ("script.py", None, b"print(1)"),
        ("module.ts", None, b"export const x: number = 1"),
        ("run.sh", "application/x-sh", b"#!/bin/sh"),
        ("Makefile", None, b"all:"),
        ("values.json", "application/json", b"{}"),
        ("a.pdf", None, b"%PDF-1.7"),
        ("upload", "application/octet-stream", b"%PDF-1.7"),
        ("photo.png", "image/png", PNG),
        ("drawing.svg", None, b"<svg/>"),
        ("voice.mp3", None, b"ID3\4"),
        ("voice.webm", "audio/webm", b"\x1a\x45\xdf\xa3webm" + bytes(60) + b"A_OPUS"),
        ("a.tar.gz", None, b"\x1f\x8b\x08"),
        ("umlaut.csv", None, "Größe;Maß".encode("latin-1")),
        ("empty", None, b""),
    ],
)
async def test_takes_what_people_attach(filename: str, mime_type: str | None, content: bytes) -> None:
    blob = await FileStore().put("t", content, filename=filename, mime_type=mime_type)

    assert blob.size == len(content)


REFUSED = [
    ("notes.txt", "text/plain", PROGRAM, "application/x-executable"),
    ("photo.png", "image/png", b"MZ\x90\0" + bytes(60), "application/vnd.microsoft.portable-executable"),
    ("clip.mp4", None, VIDEO, "video/mp4"),
    ("clip.txt", "text/plain", VIDEO, "video/mp4"),
    ("clip.mpg", None, b"\0\0\1\xba", "video/mpeg"),
    ("unknown", None, b"\0\1\2", "application/octet-stream"),
    ("tool.jar", None, b"PK\3\4" + bytes(22) + b"\x14\0\0\0META-INF/MANIFEST.MF", "application/java-archive"),
]


@pytest.mark.parametrize("file", REFUSED)
@pytest.mark.parametrize("where", ["disk", "memory"])
async def test_refuses_other_files_and_writes_nothing(
    tmp_path: Path, where: str, file: tuple[str, str | None, bytes, str]
) -> None:
    store = FileStore(tmp_path / "files" if where == "disk" else None)
    filename, mime_type, content, kind = file

    with pytest.raises(InvalidAttachment) as caught:
        await store.put("t", content, filename=filename, mime_type=mime_type)

    assert repr(filename) in str(caught.value)
    assert f"type {kind}" in str(caught.value)
    assert f"accept=[*FileStore.DEFAULT_ACCEPT, {kind!r}]" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


async def test_the_error_says_when_the_declared_type_is_another() -> None:
    with pytest.raises(InvalidAttachment, match="Its bytes say so, though it is declared as text/plain"):
        await FileStore().put("t", PROGRAM, filename="notes.txt")


async def test_the_hint_of_the_error_works() -> None:
    store = FileStore(accept=[*FileStore.DEFAULT_ACCEPT, "video/mp4"])

    assert (await store.put("t", VIDEO, filename="clip.mp4")).detected_type == "video/mp4"


@pytest.mark.parametrize("accept", ["*", ["*"], "*/*"])
async def test_a_star_accepts_everything(accept: str | list[str]) -> None:
    store = FileStore(accept=accept)

    assert (await store.put("t", PROGRAM, filename="tool")).size == len(PROGRAM)


async def test_accepts_what_matches_a_pattern_alone() -> None:
    store = FileStore(accept=(pattern for pattern in ["IMAGE/*"]))

    await store.put("t", PNG, filename="a.png")
    for filename, mime_type in (("a.txt", None), ("a.png", "image/png"), ("a.svg", "image/svg+xml")):
        with pytest.raises(InvalidAttachment, match="text/"):
            await store.put("t", b"<!doctype html>", filename=filename, mime_type=mime_type)


@pytest.mark.parametrize("where", ["disk", "memory"])
async def test_a_file_over_the_limit_is_refused_before_anything_is_written(tmp_path: Path, where: str) -> None:
    store = FileStore(tmp_path / "files" if where == "disk" else None, max_file_bytes=5)

    with pytest.raises(TooLargeError, match=r"has 6 bytes; the limit is 5") as caught:
        await store.put("t", b"hello!", filename="b.txt")

    assert (caught.value.limit, caught.value.size) == (5, 6)
    assert list(tmp_path.iterdir()) == []


async def test_memory_over_its_limit_takes_nothing_more() -> None:
    store = FileStore(max_total_bytes=9)
    await store.put("t", b"hello", filename="a.txt")

    with pytest.raises(FullError) as caught:
        await store.put("t", b"world", filename="b.txt")

    assert caught.value.retryable
    assert await store.total_bytes() == 5


async def test_a_discard_makes_room_in_memory() -> None:
    store = FileStore(max_total_bytes=9)
    blob = await store.put("t", b"hello", filename="a.txt")

    async def unused() -> bool:
        # Also where it is stored again meanwhile.
        await store.put("t", b"hello", filename="a.txt")
        return True

    await store.discard("t", blob.sha256, unused)
    await store.discard("t", blob.sha256, _yes)
    await store.put("t", b"world", filename="b.txt")

    assert await store.total_bytes() == 5


async def _yes() -> bool:
    return True


async def test_no_limits_are_limits_too() -> None:
    store = FileStore(max_file_bytes=None, max_total_bytes=None)

    assert (await store.put("t", b"hello", filename="a.txt")).size == 5


async def test_total_bytes_counts_all_tenants(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for tenant in ("one", "two"):
        await store.put(tenant, b"hello", filename="a.txt")

    assert await store.total_bytes() == 10


@pytest.mark.parametrize("base_path", ["", "a\0b"])
def test_refuses_what_is_no_path(base_path: str) -> None:
    with pytest.raises(InvalidSetting, match="no path"):
        FileStore(base_path)


@pytest.mark.parametrize("accept", ["image", [".pdf"], [""]])
def test_refuses_what_is_no_media_type(accept: str | list[str]) -> None:
    with pytest.raises(InvalidSetting, match="media types"):
        FileStore(accept=accept)


def test_refuses_a_negative_limit() -> None:
    with pytest.raises(InvalidError, match="max_file_bytes is -1"):
        FileStore(max_file_bytes=-1)
