"""Database URLs, in every form that people have written down somewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from keepthread.errors import InvalidSetting

KNOWN = (
    "memory://, sqlite:///relative.db, sqlite:////absolute.db, a file's path, "
    "postgresql://user:password@host:5432/database, or mysql://user:password@host:3306/database"
)

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
# To the last @: a password may hold one that should have been percent-encoded.
_PASSWORD = re.compile(r"(://[^:/]*:).*(@)|([?&][^=&]*password=)[^&]*", re.IGNORECASE | re.DOTALL)
# What begins like a URL and is none would be a strange file's name, and hides the mistake.
_HALF_A_URL = re.compile(r"^(sqlite|postgres|postgresql|mysql|mariadb|memory|file)(\+\w+)?:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrl:
    """Which engine, where, and with which options."""

    dialect: str
    path: Path | None = None
    options: dict[str, str] = field(default_factory=dict[str, str])
    dsn: str = field(default="", repr=False)
    """For an engine with a server: the URL without a driver's name, with the password and all options."""


def masked(url: str) -> str:
    """Return *url* with its password, if any, as ***."""
    return _PASSWORD.sub(r"\1\3***\2", url)


def parse(url: str | Path | None) -> DatabaseUrl:
    """Return what *url* names. None is a database in memory; a driver after the scheme is a hint that is ignored.

    Raises:
        InvalidSetting: The scheme is none of the known ones, which the message lists. The password is masked.
    """
    if url is None or url == ":memory:":
        return DatabaseUrl(dialect="memory")
    if isinstance(url, Path):
        return DatabaseUrl(dialect="sqlite", path=url)
    if not url.strip() or "\x00" in url:
        raise InvalidSetting("The database URL is empty, or holds a NUL character.", hint=f"Known forms: {KNOWN}.")
    match = _SCHEME.match(url)
    if match is None:
        if _HALF_A_URL.match(url):
            raise InvalidSetting(f"The database URL {masked(url)!r} lacks its slashes.", hint=f"Known forms: {KNOWN}.")
        return DatabaseUrl(dialect="sqlite", path=Path(url))
    found = _of_scheme(match[1].lower().partition("+")[0], url[match.end() :])
    if found is None:
        raise InvalidSetting(f"keepthread knows no database {masked(url)!r}.", hint=f"Known forms: {KNOWN}.")
    return found


def _of_scheme(scheme: str, rest: str) -> DatabaseUrl | None:
    if scheme == "memory":
        return DatabaseUrl(dialect="memory")
    if scheme == "sqlite":
        return _sqlite(rest)
    if scheme in ("postgresql", "postgres"):
        return DatabaseUrl(dialect="postgres", dsn=f"postgresql://{rest}")
    if scheme in ("mysql", "mariadb"):
        return DatabaseUrl(dialect="mysql", dsn=f"mysql://{rest}")
    return None


def _sqlite(rest: str) -> DatabaseUrl:
    """Return what stands behind `sqlite://`: `/relative`, `//absolute`, `./relative`, or nothing for memory."""
    place, _, query = rest.partition("?")
    place = unquote(place)
    if place in ("", "/", "/:memory:", ":memory:"):
        return DatabaseUrl(dialect="memory")
    # sqlite:///x is relative and sqlite:////x absolute; sqlite://./x and sqlite://x are what Astreus users wrote.
    return DatabaseUrl(dialect="sqlite", path=Path(place.removeprefix("/")), options=dict(parse_qsl(query)))
