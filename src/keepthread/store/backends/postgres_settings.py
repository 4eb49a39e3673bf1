"""What a PostgreSQL URL says. asyncpg reads most of it; here is what is ours, and what must be caught before."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from keepthread.errors import InvalidSetting

from .pool import PoolSettings

_DRIVERS_OPTIONS = frozenset(
    {
        "host",
        "port",
        "dbname",
        "database",
        "user",
        "password",
        "passfile",
        "service",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslpassword",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        # The server's own, passed on at the start of a connection.
        "application_name",
        "options",
        "search_path",
    }
)
_OUR_OPTIONS = frozenset({"connect_timeout", "pgbouncer"})
LOCAL = "the local server"
"""A location without a host: the driver looks where sockets usually are."""
_ALIASES = {"ssl": "sslmode"}
"""SQLAlchemy's word for it, when it drives asyncpg."""
_FLAGS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """Where a database is, and how it is reached."""

    dsn: str = field(repr=False)
    """As asyncpg takes it, with the password."""
    location: str
    """Server and database, with no user and no password."""
    behind_pgbouncer: bool
    """Whether a pooler in transaction mode is between: then nothing may outlive a transaction."""
    connect_seconds: float
    """How long a server may take to accept a connection."""
    timeout_seconds: float
    """How long a statement waits for another writer, and a write for a server that is gone."""
    pool: PoolSettings
    migrate: bool
    """Whether a database that an earlier version prepared is brought up to date."""
    as_it_is: bool = False
    """Whether it is opened whatever its tables are, to be looked at only."""


def postgres_settings(dsn: str, *, timeout_seconds: float, pool: PoolSettings, migrate: bool) -> PostgresSettings:
    """Return what *dsn* says, which begins with `postgresql://`.

    Raises:
        InvalidSetting: An option is unknown, which the message names, or the URL is none.
    """
    parts = urlsplit(dsn)
    if parts.fragment or parts.netloc.count("@") > 1 or "@" in f"{parts.path}{parts.query}":
        raise InvalidSetting(
            "The database URL cannot be taken apart.",
            hint="In a user's name and a password, write @ as %40, / as %2F, # as %23, ? as %3F and : as %3A.",
        )
    options = {_ALIASES.get(name, name): value for name, value in parse_qsl(parts.query)}
    unknown = sorted(options.keys() - _DRIVERS_OPTIONS - _OUR_OPTIONS)
    if unknown:
        known = ", ".join(sorted(_DRIVERS_OPTIONS | _OUR_OPTIONS))
        raise InvalidSetting(f"The database URL has an unknown option {unknown[0]!r}.", hint=f"Known: {known}.")
    drivers = {name: value for name, value in options.items() if name in _DRIVERS_OPTIONS}
    return PostgresSettings(
        dsn=parts._replace(query=urlencode(drivers)).geturl(),
        location=_location(parts.netloc, parts.path, drivers),
        behind_pgbouncer=_flag("pgbouncer", options.get("pgbouncer", "false")),
        connect_seconds=_seconds("connect_timeout", options.get("connect_timeout", "10")),
        timeout_seconds=timeout_seconds,
        pool=pool,
        migrate=migrate,
    )


def _location(netloc: str, path: str, options: dict[str, str]) -> str:
    """Return where it is, as people write it. Nothing of the user and the password is in it."""
    server = options.get("host") or unquote(netloc.rpartition("@")[2]) or LOCAL
    database = options.get("dbname") or options.get("database") or unquote(path.removeprefix("/"))
    return f"{server}/{database}" if database else server


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise InvalidSetting(f"The option {name}={value} of the database URL is neither true nor false.")
    return _FLAGS[value.lower()]


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0
    if not seconds > 0:
        raise InvalidSetting(f"The option {name}={value} of the database URL is no number of seconds.")
    return seconds
