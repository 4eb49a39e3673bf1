"""What the environment says about the database, and which variable said it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from keepthread.errors import InvalidSetting

from .backends.pool import PoolSettings

DATABASE_VARIABLES = ("KEEPTHREAD_DATABASE_URL", "NARRATOR_DATABASE_URL", "DB_URL")
FILES_VARIABLE = "KEEPTHREAD_FILES"
DEFAULT_DATABASE = "./keepthread.db"

_OWNERS = ("KEEPTHREAD", "NARRATOR")
_POOL = {
    "DB_POOL_SIZE": ("size", int),
    "DB_MAX_OVERFLOW": ("max_overflow", int),
    "DB_POOL_TIMEOUT": ("timeout_seconds", float),
    "DB_POOL_RECYCLE": ("recycle_seconds", float),
}


class Setting(NamedTuple):
    """A value, and where it came from."""

    value: str
    source: str
    """A variable's name, with " in .env" if it stood there, or "default"."""


def environment(folder: Path | None = None) -> dict[str, Setting]:
    """Return every variable of the environment and of `.env` in *folder*, by default here; the environment wins."""
    settings = {name: Setting(value, f"{name} in .env") for name, value in _dotenv(folder or Path()).items()}
    settings.update({name: Setting(value, name) for name, value in os.environ.items()})
    return settings


def database_setting(settings: Mapping[str, Setting]) -> Setting:
    """Return the URL of the database: the first variable that is set and not empty, or `./keepthread.db`."""
    for name in DATABASE_VARIABLES:
        if (found := settings.get(name)) and found.value.strip():
            return found
    return Setting(DEFAULT_DATABASE, "default")


def pool_settings(settings: Mapping[str, Setting]) -> PoolSettings:
    """Return how many connections there may be: KEEPTHREAD_DB_POOL_SIZE and the like, or NARRATOR_….

    Raises:
        InvalidSetting: One of them is no number, which the message names, or makes no sense.
    """
    chosen: dict[str, Any] = {}
    for name, (field, number) in _POOL.items():
        if given := _owned(settings, name):
            try:
                chosen[field] = number(given.value)
            except ValueError:
                raise InvalidSetting(f"{given.source}={given.value!r} is no number.") from None
    return PoolSettings(**chosen)


def pool_sources(settings: Mapping[str, Setting]) -> dict[str, str]:
    """Return which variable says each setting of the pool, or "default"."""
    return {
        field: given.source if (given := _owned(settings, name)) else "default" for name, (field, _) in _POOL.items()
    }


def _owned(settings: Mapping[str, Setting], name: str) -> Setting | None:
    """Return the first that is set of KEEPTHREAD_… and NARRATOR_…, and not empty."""
    for owner in _OWNERS:
        if (found := settings.get(f"{owner}_{name}")) and found.value.strip():
            return found
    return None


def _dotenv(folder: Path) -> dict[str, str]:
    """Return the variables of a `.env` file: NAME=value lines, quotes, `export` and # comments; nothing is expanded."""
    try:
        text = (folder / ".env").read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value
    return value.partition(" #")[0].rstrip()
