from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from keepthread.errors import FileContentNotFound, InvalidAttachment
from keepthread.files import FileStore
from keepthread.model import Attachment


def test_it_has_a_name_bytes_and_what_follows_from_them() -> None:
    attachment = Attachment(filename="chart.png", content=b"12345")

    assert (attachment.size, attachment.mime_type, attachment.detected_type) == (5, "image/png", None)
    assert not attachment.is_stored


def test_text_is_taken_as_utf_8() -> None:
    values: dict[str, Any] = {"filename": "a.txt", "content": "é"}

    assert Attachment(**values).content == "é".encode()


def test_the_users_type_wins() -> None:
    assert Attachment(filename="a.txt", content=b"", mime_type="text/x-odd").mime_type == "text/x-odd"
    assert Attachment(filename="a", content=b"").mime_type is None


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"hello")

    attachment = Attachment.from_path(tmp_path / "notes.txt")

    assert (attachment.filename, attachment.content, attachment.mime_type) == ("notes.txt", b"hello", "text/plain")
    assert Attachment.from_path(str(tmp_path / "notes.txt"), mime_type="text/x").mime_type == "text/x"


@pytest.mark.parametrize(
    "fields",
    [
        {"filename": "a"},
        {"content": b"a"},
        {"filename": "a\x00", "content": b"a"},
        {"filename": "\ud800", "content": b"a"},
        {"filename": "a", "content": 1},
        {"filename": "a", "content": b"a", "mime_type": "\x00"},
        {"filename": "a", "content": b"a", "metadata": {"k": {1, 2}}},
        {"filename": "a", "content": b"a", "unknown": 1},
        {"filename": "a", "sha256": 1},
    ],
    ids=str,
)
def test_what_is_no_attachment_is_refused_with_our_error(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidAttachment):
        Attachment(**fields)


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "C:\\x", "", ".", "n" * 300, "CON", "naïve 文件.txt", "a\nb"]
)
def test_a_name_is_only_a_name(name: str) -> None:
    assert Attachment(filename=name, content=b"").filename == name


def test_the_bytes_are_neither_dumped_nor_shown() -> None:
    attachment = Attachment(filename="a.txt", content=b"secret")

    assert "content" not in attachment.model_dump()
    assert "secret" not in f"{attachment!r} {attachment} {attachment.model_dump_json()}"


async def test_bytes_in_memory_are_read_at_once() -> None:
    assert await Attachment(filename="a.txt", content=b"hello").read() == b"hello"


async def test_a_reference_without_a_place_says_what_is_missing() -> None:
    with pytest.raises(FileContentNotFound, match="files="):
        await Attachment(filename="a.txt", sha256="0" * 64).read()


async def test_a_stored_one_is_read_from_its_place_and_keeps_its_name() -> None:
    files = FileStore()
    attachment = Attachment(filename="a.txt", content=b"hello")
    blob = await files.put("t", b"hello", filename="a.txt")

    stored = attachment.stored_as(blob, (files, "t"))
    loaded = Attachment.from_json(stored.to_json(), (files, "t"))

    assert (stored.sha256, stored.is_stored, stored.filename) == (sha256(b"hello").hexdigest(), True, "a.txt")
    assert loaded.content is None
    assert await loaded.read() == b"hello"
    assert loaded == stored
