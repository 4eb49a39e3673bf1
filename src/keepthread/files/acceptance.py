"""Which files a store takes. The bytes decide where they have a signature, the declared type and the name where not."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from fnmatch import fnmatchcase

from keepthread.errors import InvalidAttachment, InvalidSetting

from .sniff import TEXTS, UNKNOWN

_TEXTUAL = (
    "text/*",
    "application/*+json",
    "application/*+xml",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-csh",
    "application/x-javascript",
    "application/x-latex",
    "application/x-ndjson",
    "application/x-perl",
    "application/x-python-code",
    "application/x-ruby",
    "application/x-sh",
    "application/x-tex",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
)
"""What text may be declared to be. image/svg+xml is not among them: it is an image only if the bytes say so."""

DEFAULT_ACCEPT = (
    *_TEXTUAL,
    "application/epub+zip",
    "application/gzip",
    "application/msword",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.*",
    "application/vnd.openxmlformats-officedocument.*",
    "application/x-tar",
    "application/zip",
    "audio/*",
    "image/*",
)
"""Text and code, PDF, office documents, images, audio, and archives; no video and no programs."""

_SHOWN_NAME = 80


class Acceptance:
    """A list of media types, where `*` stands for anything."""

    def __init__(self, accept: str | Iterable[str]) -> None:
        self._patterns = tuple(p.strip().lower() for p in ((accept,) if isinstance(accept, str) else accept))
        for pattern in self._patterns:
            if pattern != "*" and "/" not in pattern:
                raise InvalidSetting(
                    f"accept takes media types, and {pattern!r} is none.",
                    hint="Say 'application/pdf', 'image/*' or '*'.",
                )

    def check(self, detected: str, filename: str, mime_type: str | None) -> None:
        """Raise InvalidAttachment unless the file is of an accepted type."""
        declared = _declared(filename, mime_type)
        kind = _deciding(detected, declared)
        if any(fnmatchcase(kind, pattern) for pattern in self._patterns):
            return
        but = f" Its bytes say so, though it is declared as {declared}." if declared not in (None, kind) else ""
        raise InvalidAttachment(
            f"The file {filename[:_SHOWN_NAME]!r} is of type {kind}, which this file store does not accept.{but}",
            hint=f"Create the store with FileStore(…, accept=[*FileStore.DEFAULT_ACCEPT, {kind!r}]) to accept it.",
        )


def _declared(filename: str, mime_type: str | None) -> str | None:
    """Return the type that the user named or that the file's name suggests; None if neither says anything."""
    named = (mime_type or "").partition(";")[0].strip().lower()
    if named and named != UNKNOWN:
        return named
    guessed, encoding = mimetypes.guess_type(filename)
    return guessed if encoding is None else None


def _deciding(detected: str, declared: str | None) -> str:
    if declared is None:
        return detected
    if detected == UNKNOWN:
        return declared
    # Text has no signature that tells CSV from Python: who says which it is, is believed.
    if detected in TEXTS and any(fnmatchcase(declared, pattern) for pattern in _TEXTUAL):
        return declared
    return detected
