"""Which engine a URL means, and its settings. A driver is imported when a store of its kind is opened."""

from __future__ import annotations

from keepthread.errors import InvalidSetting, MissingExtraError

from ..url import DatabaseUrl  # noqa: TID252 - backends are a room inside store
from .base import Backend
from .mysql_settings import MysqlSettings, mysql_settings
from .pool import PoolSettings
from .postgres_settings import PostgresSettings, postgres_settings
from .server import ServerBackend
from .sqlite import SqliteBackend
from .sqlite_file import Durability, SqliteSettings

EngineSettings = SqliteSettings | PostgresSettings | MysqlSettings


def engine_settings(
    parsed: DatabaseUrl,
    *,
    durability: Durability | None,
    timeout_seconds: float,
    pool: PoolSettings | None,
    migrate: bool,
) -> EngineSettings:
    """Return what was asked for, for its engine.

    Raises:
        InvalidSetting: An option is unknown, or makes no sense there.
    """
    if timeout_seconds < 0:
        raise InvalidSetting("timeout_seconds must not be negative.")
    if parsed.dialect in ("memory", "sqlite"):
        return _sqlite_settings(parsed, durability, timeout_seconds)
    if durability == "relaxed":
        raise InvalidSetting(
            "A database server decides itself how durable a commit is.",
            hint="Leave durability= out, and set synchronous_commit in PostgreSQL, for the database or its user, or "
            "innodb_flush_log_at_trx_commit in MySQL and MariaDB.",
        )
    read = mysql_settings if parsed.dialect == "mysql" else postgres_settings
    return read(parsed.dsn, timeout_seconds=timeout_seconds, pool=pool or PoolSettings(), migrate=migrate)


async def open_backend(settings: EngineSettings) -> Backend:
    """Open the engine. For the errors see Database.open."""
    if isinstance(settings, SqliteSettings):
        return await SqliteBackend.open(settings)
    if isinstance(settings, PostgresSettings):
        return await _open_postgres(settings)
    return await _open_mysql(settings)


async def _open_postgres(settings: PostgresSettings) -> Backend:
    try:
        from .postgres import PostgresBackend, PostgresEngine  # noqa: PLC0415 - only who names a server needs its driver
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "asyncpg":
            raise
        raise MissingExtraError("A PostgreSQL database", "postgres") from error
    return await PostgresBackend.open(PostgresEngine(settings))


async def _open_mysql(settings: MysqlSettings) -> Backend:
    try:
        from .mysql_engine import MysqlEngine  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "asyncmy":
            raise
        raise MissingExtraError("A MySQL or MariaDB database", "mysql") from error
    return await ServerBackend[MysqlEngine].open(MysqlEngine(settings))


def _sqlite_settings(parsed: DatabaseUrl, durability: Durability | None, timeout_seconds: float) -> SqliteSettings:
    options = dict(parsed.options)
    named = options.pop("durability", None)
    timeout_seconds = _seconds(options.pop("timeout", None), timeout_seconds)
    # What SQLAlchemy's URLs say about threads and caches has no meaning here, and does no harm.
    if unknown := options.keys() - {"check_same_thread", "cache", "uri"}:
        raise InvalidSetting(
            f"The database URL has an unknown option {min(unknown)!r}.", hint="Known: durability, timeout (in seconds)."
        )
    chosen = durability or named or "full"
    if chosen not in ("full", "relaxed"):
        raise InvalidSetting(f"Durability {chosen!r} is unknown.", hint="Choose 'full' or 'relaxed'.")
    if timeout_seconds < 0:
        raise InvalidSetting("timeout_seconds must not be negative.")
    path = parsed.path.absolute() if parsed.path else None
    return SqliteSettings(
        path=path, durability="full" if chosen == "full" else "relaxed", timeout_seconds=timeout_seconds
    )


def _seconds(text: str | None, default: float) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        raise InvalidSetting(f"The database URL's timeout {text!r} is no number of seconds.") from None
