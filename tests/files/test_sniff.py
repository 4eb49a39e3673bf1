"""What bytes look like. The samples are the first bytes of real formats, or made by the standard library."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tarfile
import wave
import zipfile
from pathlib import Path

import pytest

from keepthread.files.sniff import UNKNOWN, detect


def zipped(*names: str, stored: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, stored)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())
    return buffer.getvalue()


def sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16))
    return buffer.getvalue()


def boxes(brand: bytes, *tracks: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(12) + b"".join(b"....hdlr" + bytes(8) + track for track in tracks)


OFFICE = "application/vnd.openxmlformats-officedocument."

SAMPLES: dict[str, list[bytes]] = {
    "image/png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    "image/jpeg": [b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"\xff\xd8\xff\xe1"],
    "image/gif": [b"GIF89a\1\0\1\0", b"GIF87a\1\0"],
    "image/webp": [b"RIFF\x24\0\0\0WEBPVP8 "],
    "image/bmp": [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"],
    "image/tiff": [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"],
    "image/vnd.microsoft.icon": [b"\0\0\1\0\1\0\x10\x10"],
    "image/avif": [boxes(b"avif")],
    "image/heic": [boxes(b"heic")],
    "image/svg+xml": [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg/>',
        b"\xef\xbb\xbf  <SVG>",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"><svg/>',
    ],
    "application/pdf": [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"],
    "application/rtf": [b"{\\rtf1\\ansi hello}"],
    "application/zip": [zipped("a.txt"), zipped(), zipped("a.docx", stored=zipped("word/document.xml")), b"PK\3\4"],
    f"{OFFICE}wordprocessingml.document": [zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")],
    f"{OFFICE}spreadsheetml.sheet": [zipped("[Content_Types].xml", "xl/workbook.xml"), zipped("xl/workbook.xml")],
    f"{OFFICE}presentationml.presentation": [zipped("_rels/.rels", "ppt/presentation.xml")],
    "application/vnd.oasis.opendocument.text": [zipped("mimetype", stored=b"application/vnd.oasis.opendocument.text")],
    "application/epub+zip": [zipped("mimetype", "META-INF/container.xml", stored=b"application/epub+zip")],
    "application/java-archive": [zipped("META-INF/MANIFEST.MF", "A.class")],
    "application/msword": [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "WordDocument".encode("utf-16-le")],
    "application/x-ole-storage": [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)],
    "application/gzip": [gzip.compress(b"hello", mtime=0)],
    "application/x-tar": [tarred()],
    "application/x-7z-compressed": [b"7z\xbc\xaf\x27\x1c\0\4"],
    "application/x-bzip2": [bz2.compress(b"hello")],
    "application/x-xz": [lzma.compress(b"hello")],
    "application/zstd": [b"\x28\xb5\x2f\xfd\x04\0"],
    "application/vnd.rar": [b"Rar!\x1a\x07\x01\0"],
    "audio/mpeg": [b"ID3\4\0\0", b"\xff\xfb\x90\x64", b"\xff\xf3\x40\xc4"],
    "audio/aac": [b"\xff\xf1\x50\x80"],
    "audio/wav": [sound()],
    "audio/ogg": [b"OggS\0\2" + bytes(22) + b"OpusHead", b"OggS\0\2" + bytes(22) + b"\x01vorbis"],
    "video/ogg": [b"OggS\0\2" + bytes(22) + b"\x80theora"],
    "audio/flac": [b"fLaC\0\0\0\x22"],
    "audio/midi": [b"MThd\0\0\0\6"],
    "audio/mp4": [boxes(b"M4A "), boxes(b"isom", b"soun")],
    "video/mp4": [boxes(b"isom", b"soun", b"vide"), boxes(b"mp42")],
    "video/quicktime": [boxes(b"qt  ")],
    "audio/webm": [b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(40) + b"\x86\x86A_OPUS"],
    "video/webm": [b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(40) + b"A_OPUS" + bytes(9) + b"V_VP9"],
    "video/x-matroska": [b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska"],
    "video/x-msvideo": [b"RIFF\x24\0\0\0AVI LIST"],
    "application/x-executable": [b"\x7fELF\2\1\1\0"],
    "application/vnd.microsoft.portable-executable": [b"MZ\x90\0\3\0\0\0" + bytes(52) + b"\x80\0\0\0"],
    "application/x-mach-binary": [b"\xcf\xfa\xed\xfe\7\0\0\1", b"\xca\xfe\xba\xbe\0\0\0\2"],
    "application/java-vm": [b"\xca\xfe\xba\xbe\0\0\0\x3d"],
    "application/wasm": [b"\0asm\1\0\0\0"],
    "application/vnd.sqlite3": [b"SQLite format 3\0\x10\0"],
    "text/html": [b"<!DOCTYPE html><p>", b"\n <html>", b"<!-- x --><html lang='en'>", b"<script>alert(1)</script>"],
    "application/xml": [b'<?xml version="1.0"?><feed/>'],
    "application/json": [
        b'{"a": 1}',
        b" [1, 2]\n",
        b"\xef\xbb\xbf{}",
        json.dumps(["x" * 50] * 5_000).encode(),
        json.dumps({"x": "y" * 100_000}).encode(),
    ],
    "text/plain": [
        b"",
        b"hello",
        "naïve 文件 🎉".encode(),
        b"BMW builds cars",
        b"MZ is a postal code",
        b"PK and so on",
        b"# title\n\n<p>markdown</p>",
        b"{not json}",
        b"[1] a footnote",
        b"[1, 2",
        b"[" * 100_000,
        b"{" + b"x" * 100_000,
        b"<!-- a comment -->",
        b"RIFF RAFF is no sound",
        b"a,b\n1,2\n",
    ],
    UNKNOWN: [
        b"\x00\x01\x02",
        "Grüße".encode("latin-1"),
        "Grüße".encode("utf-16"),
        b"\xff\xfb",
        b"RIFF\x24\0\0\0????",
        b"x" * 2_000_000 + b"\xff",
        b"x" * ((1 << 20) - 1) + "é".encode()[:1],
    ],
}


@pytest.mark.parametrize(
    ("kind", "content"),
    [pytest.param(kind, content, id=f"{kind}-{n}") for kind, all_ in SAMPLES.items() for n, content in enumerate(all_)],
)
def test_detects(kind: str, content: bytes) -> None:
    assert detect(content) == kind


def test_text_that_is_cut_between_two_pieces_is_text() -> None:
    assert detect(b"x" * ((1 << 20) - 1) + "é".encode() + b"y") == "text/plain"


def test_the_running_interpreter_is_a_program() -> None:
    kinds = {"application/x-executable", "application/x-mach-binary", "application/vnd.microsoft.portable-executable"}

    assert detect(Path(sys.executable).read_bytes()) in kinds


@pytest.mark.parametrize(
    "content", [sample for samples in SAMPLES.values() for sample in samples if len(sample) < 1_000]
)
def test_every_beginning_of_a_file_is_something(content: bytes) -> None:
    for end in range(len(content)):
        assert "/" in detect(content[:end])


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", bytes(50_000_000))

    assert detect(bomb.getvalue()) == "application/zip"
