"""Which media type some bytes look like, from their first few: nothing is unpacked or parsed in depth."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable

from .containers import boxes, compound, fat_binary, matroska, ogg, riff, zipped

UNKNOWN = "application/octet-stream"
"""Bytes of no known signature that are no text either."""

TEXTS = frozenset({"text/plain", "text/html", "application/json", "application/xml", "image/svg+xml"})
"""What UTF-8 text is taken for. All but plain text are guesses: any of them may be source code or markdown as well."""

_BOM = b"\xef\xbb\xbf"
_STEP = 1 << 20
_SMALL = 1 << 16
"""Bytes up to which JSON is parsed; of more only the two ends are looked at."""

_HEAD = 1024
_JSON_START = re.compile(rb'\{\s*["}]|\[\s*[\[{"\d\-tfn\]]')
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")
_NO_BIT_RATES = (0x00, 0xF0)
_NO_SAMPLE_RATE = 0x0C
"""The values of an MPEG frame's third byte that no player can play."""
_MARKUP = (b"<?xml", b"<!--", b"<!doctype svg", b"<svg")


def _windows_program(content: bytes) -> str | None:
    # A letter may begin with "MZ"; a program has NULs in its first header.
    return "application/vnd.microsoft.portable-executable" if b"\0" in content[:64] else None


def _bitmap(content: bytes) -> str | None:
    return "image/bmp" if content[6:10] == bytes(4) else None


def _mpeg_layer_3(content: bytes) -> str | None:
    rates = content[2] if len(content) > 2 else _NO_SAMPLE_RATE  # noqa: PLR2004 - the third byte
    valid = rates & 0xF0 not in _NO_BIT_RATES and rates & _NO_SAMPLE_RATE != _NO_SAMPLE_RATE
    return "audio/mpeg" if valid else None


_Kind = str | Callable[[bytes], str | None]

_SIGNATURES: tuple[tuple[int, bytes | tuple[bytes, ...], _Kind], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, (b"GIF87a", b"GIF89a"), "image/gif"),
    (0, (b"II*\0", b"MM\0*"), "image/tiff"),
    (0, b"\0\0\1\0", "image/vnd.microsoft.icon"),
    (0, b"BM", _bitmap),
    (0, b"RIFF", riff),
    (0, b"%PDF-", "application/pdf"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", compound),
    (0, (b"PK\3\4", b"PK\5\6"), zipped),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (4, b"1AY&SY", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, (b"ID3\2", b"ID3\3", b"ID3\4"), "audio/mpeg"),
    (0, (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2"), _mpeg_layer_3),
    (0, (b"\xff\xf1", b"\xff\xf9"), "audio/aac"),
    (0, (b"fLaC\0", b"fLaC\x80"), "audio/flac"),
    (0, b"MThd\0", "audio/midi"),
    (0, b"OggS\0", ogg),
    (0, b"\x1a\x45\xdf\xa3", matroska),
    (4, b"ftyp", boxes),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"MZ", _windows_program),
    (
        0,
        (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
        "application/x-mach-binary",
    ),
    (0, b"\xca\xfe\xba\xbe", fat_binary),
    (0, b"\0asm", "application/wasm"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (257, b"ustar", "application/x-tar"),
)


def detect(content: bytes) -> str:
    """Return the media type of *content*: by a binary signature, or as one of TEXTS, or else UNKNOWN."""
    for offset, signature, kind in _SIGNATURES:
        if content.startswith(signature, offset):
            found = kind if isinstance(kind, str) else kind(content)
            if found:
                return found
    return _text(content) if _is_utf8(content) else UNKNOWN


def _is_utf8(content: bytes) -> bool:
    """Whether it is text without NUL, decoded piece by piece so that 50 MB do not become 200."""
    if b"\0" in content:
        return False
    decode = codecs.getincrementaldecoder("utf-8")().decode
    view = memoryview(content)
    try:
        for start in range(0, len(content), _STEP):
            decode(view[start : start + _STEP])
        decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _text(content: bytes) -> str:
    head = content[:_HEAD].removeprefix(_BOM).lstrip()
    if head.startswith((b"{", b"[")):
        return "application/json" if _is_json(content) else "text/plain"
    markup = head.lower()
    if markup.startswith(_HTML):
        return "text/html"
    if markup.startswith(_MARKUP):
        return _markup(markup)
    return "text/plain"


def _markup(head: bytes) -> str:
    """What begins with an XML declaration or a comment: the first tag that says more decides."""
    first = re.search(rb"<(svg|html|!doctype html)\b", head)
    if first:
        return "image/svg+xml" if first[1] == b"svg" else "text/html"
    return "application/xml" if head.startswith(b"<?xml") else "text/plain"


def _is_json(content: bytes) -> bool:
    if len(content) > _SMALL:
        head = content[:_HEAD].removeprefix(_BOM).lstrip()
        closing = b"}" if head.startswith(b"{") else b"]"
        return _JSON_START.match(head) is not None and content[-_HEAD:].rstrip().endswith(closing)
    try:
        return isinstance(json.loads(content.decode("utf-8-sig")), dict | list)
    except (ValueError, RecursionError):
        return False
