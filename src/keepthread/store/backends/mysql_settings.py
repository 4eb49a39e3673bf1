"""What a MySQL or MariaDB URL says."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from keepthread.errors import InvalidSetting

from .pool import PoolSettings
from .url_options import check_known, flag, parts_of, seconds

TlsMode = Literal["disabled", "preferred", "required", "verify_ca", "verify_identity"]

_PORT = 3306
_OPTIONS = frozenset(
    {
        "unix_socket",
        "user",
        "password",
        "connect_timeout",
        "charset",
        "ssl",
        "ssl_mode",
        "ssl_ca",
        "ssl_cert",
        "ssl_key",
        "ssl_check_hostname",
    }
)
"""`charset` is read and means nothing: text is UTF-8 of up to four bytes, whatever a server's tables begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a connection is encrypted, and whose certificate is believed."""

    mode: TlsMode
    ca: str | None = None
    """A file; None for the authorities that this machine trusts."""
    cert: str | None = None
    key: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return what the driver takes; None for no encryption.

        Raises:
            InvalidSetting: A file is not there, or is none of its kind.
        """
        if self.mode == "disabled":
            return None
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = self.mode == "verify_identity"
            if self.mode in ("preferred", "required"):
                context.verify_mode = ssl.CERT_NONE
            else:
                context.load_verify_locations(self.ca) if self.ca else context.load_default_certs()
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except OSError as error:  # a file that is no certificate is an SSLError, which is of its kind
            raise InvalidSetting(
                f"A certificate that the database URL names cannot be read ({type(error).__name__}).",
                hint="Check the files of ssl_ca, ssl_cert and ssl_key.",
            ) from error
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlSettings:
    """Where a database is, and how it is reached."""

    hosts: tuple[tuple[str, int], ...]
    """Tried in their order; of several, the first that takes writes."""
    unix_socket: str | None
    """Instead of a host."""
    user: str | None
    password: str = field(repr=False)
    database: str
    location: str
    """Server and database, with no user and no password."""
    tls: Tls
    connect_seconds: float
    """How long a server may take to accept a connection."""
    timeout_seconds: float
    """How long a statement waits for another writer, and a write for a server that is gone."""
    pool: PoolSettings
    migrate: bool
    """Whether a database that an earlier version prepared is brought up to date."""
    as_it_is: bool = False
    """Whether the database is opened whatever its tables are, to be looked at only."""


def mysql_settings(dsn: str, *, timeout_seconds: float, pool: PoolSettings, migrate: bool) -> MysqlSettings:
    """Return what *dsn* says, which begins with `mysql://`.

    Raises:
        InvalidSetting: An option is unknown, which the message names, or the URL is none.
    """
    parts = parts_of(dsn)
    options = {name.replace("-", "_"): value for name, value in parse_qsl(parts.query)}
    check_known(options, _OPTIONS)
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise InvalidSetting("The database URL names no database.", hint="It is mysql://user:password@host/database.")
    unix_socket = options.get("unix_socket")
    server = unix_socket or unquote(parts.netloc.rpartition("@")[2]) or "localhost"
    return MysqlSettings(
        hosts=_hosts(parts),
        unix_socket=unix_socket,
        user=unquote(parts.username or "") or options.get("user"),
        password=unquote(parts.password or "") or options.get("password", ""),
        database=database,
        location=f"{server}/{database}",
        tls=_tls(options, on_socket=unix_socket is not None),
        connect_seconds=seconds("connect_timeout", options.get("connect_timeout", "10")),
        timeout_seconds=timeout_seconds,
        pool=pool,
        migrate=migrate,
    )


def _hosts(parts: SplitResult) -> tuple[tuple[str, int], ...]:
    named = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    try:
        return tuple((host.hostname or "localhost", host.port or _PORT) for host in named)
    except ValueError:
        raise InvalidSetting("A port of the database URL is no number.", hint=f"Usually it is {_PORT}.") from None


def _tls(options: dict[str, str], *, on_socket: bool) -> Tls:
    cert = options.get("ssl_cert")
    return Tls(
        mode=_mode(options, on_socket=on_socket), ca=options.get("ssl_ca"), cert=cert, key=options.get("ssl_key")
    )


def _mode(options: dict[str, str], *, on_socket: bool) -> TlsMode:
    named = options.get("ssl_mode")
    if named is not None:
        mode = named.lower().replace("-", "_")
        if mode not in get_args(TlsMode):
            known = ", ".join(get_args(TlsMode)).upper()
            raise InvalidSetting(
                f"The option ssl_mode={named} of the database URL is unknown.", hint=f"Known: {known}."
            )
        return cast("TlsMode", mode)
    is_asked_for = flag("ssl", options["ssl"]) if "ssl" in options else None
    if is_asked_for is False:
        return "disabled"
    if "ssl_ca" in options:
        checks_name = flag("ssl_check_hostname", options.get("ssl_check_hostname", "true"))
        return "verify_identity" if checks_name else "verify_ca"
    if is_asked_for or "ssl_cert" in options:
        return "required"
    return "disabled" if on_socket else "preferred"
