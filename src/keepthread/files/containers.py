"""Formats that hold many kinds of file: what is in this one, as far as plain names in its bytes tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OFFICE = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OFFICE_FIRST = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/", *_OFFICE)
_ZIP_NAMES_READ = 64
_ZIP_BYTES_READ = 1 << 20
_STATED_TYPE = re.compile(rb"application/[a-z0-9.+-]{1,100}")

_OLD_OFFICE = (
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
)

_BRANDS = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"qt  ": "video/quicktime",
}
_JAVA_1_0 = 45
"""The major version of the first Java class files: in its place a fat Mach-O counts its few architectures."""


def zipped(content: bytes) -> str:
    """Return what a ZIP archive is, by the names of its first files; nothing is unpacked."""
    names = _zip_names(content)
    if not names:
        return "application/zip"
    if names[0] == b"mimetype":
        # OpenDocument and EPUB store their type first and uncompressed.
        stated = _STATED_TYPE.match(content, 30 + len(names[0]) + int.from_bytes(content[28:30], "little"))
        # Where the file's own CRC follows, the next signature begins with "PK", in capitals.
        return stated[0].decode() if stated else "application/zip"
    if names[0].startswith(b"META-INF/"):
        return "application/java-archive"
    if names[0].startswith(_OFFICE_FIRST):
        for name in names:
            for folder, kind in _OFFICE.items():
                if name.startswith(folder):
                    return kind
    return "application/zip"


def _zip_names(content: bytes) -> list[bytes]:
    names: list[bytes] = []
    start = 0
    while start >= 0 and len(names) < _ZIP_NAMES_READ:
        length = int.from_bytes(content[start + 26 : start + 28], "little")
        if content.startswith(b"PK\3\4", start):
            names.append(content[start + 30 : start + 30 + length])
        start = content.find(b"PK\3\4", start + 4, _ZIP_BYTES_READ)
    return names


def compound(content: bytes) -> str:
    """Return which program of old Microsoft Office wrote a compound file; installers are compound files as well."""
    for stream, kind in _OLD_OFFICE:
        if stream.encode("utf-16-le") in content:
            return kind
    return "application/x-ole-storage"


def riff(content: bytes) -> str | None:
    """Return what a RIFF file holds, None if it is none."""
    return {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(content[8:12])


def boxes(content: bytes) -> str:
    """Return what an MP4 or one of its relatives holds. One without a picture track is audio, whatever its brand."""
    brand = _BRANDS.get(content[8:12])
    if brand:
        return brand
    tracks = set(_mp4_handlers(content))
    return "audio/mp4" if b"soun" in tracks and b"vide" not in tracks else "video/mp4"


def _mp4_handlers(content: bytes) -> Iterator[bytes]:
    """What each track says it is for. The tracks may be described at either end of the file."""
    start = content.find(b"hdlr")
    while start >= 0:
        yield content[start + 12 : start + 16]
        start = content.find(b"hdlr", start + 16)


def matroska(content: bytes) -> str:
    """Return what a WebM or Matroska file holds. One that names no video codec is audio, as browsers record it."""
    head = content[:4096]
    family = "webm" if b"webm" in head[:64] else "x-matroska"
    return f"video/{family}" if b"V_" in head or b"A_" not in head else f"audio/{family}"


def ogg(content: bytes) -> str:
    """Return whether an Ogg file has a picture: its streams introduce themselves on the first pages."""
    return "video/ogg" if b"theora" in content[:512] else "audio/ogg"


def fat_binary(content: bytes) -> str:
    """Tell a Java class from a program for several processors: both begin with 0xCAFEBABE."""
    second = int.from_bytes(content[4:8], "big")
    return "application/java-vm" if second & 0xFFFF >= _JAVA_1_0 else "application/x-mach-binary"
