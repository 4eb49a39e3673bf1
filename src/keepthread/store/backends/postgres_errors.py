"""PostgreSQL's errors and asyncpg's, as ours. What a server says may quote what is stored: it is never passed on."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from asyncpg import exceptions as pg

from keepthread.errors import (
    BusyError,
    CorruptError,
    FullError,
    InvalidSetting,
    KeepthreadError,
    SchemaError,
    UnavailableError,
)

from .postgres_settings import LOCAL

_CLASHES = ("40001", "40P01")
"""Serialization failure and deadlock: the same work is done again."""
_GOING_AWAY = ("57P01", "57P02", "57P03", "57P05")
"""A server that shuts down, has crashed, or is starting."""
_FULL_CONNECTIONS = "53300"

_CHECK_TIME = "Try again; repeating a write is safe, it is stored once."


def sqlstate(error: BaseException) -> str:
    """Return the server's five characters for *error*, or none."""
    return (error.sqlstate or "") if isinstance(error, pg.PostgresError) else ""


def is_clash(error: BaseException) -> bool:
    """Whether two writers met, and the work is done again at once."""
    return sqlstate(error) in _CLASHES


def is_lost(error: BaseException) -> bool:
    """Whether the connection, or the server, went away: the work is done again once it is back."""
    if isinstance(error, KeepthreadError | socket.gaierror | ssl.SSLError):
        return False  # ours are of OSError's kind as well
    state = sqlstate(error)
    if state.startswith("08") or state in _GOING_AWAY:
        return True
    # An InternalClientError is what the driver makes of a connection that ends in the middle of an answer.
    lost = isinstance(error, OSError | pg.InterfaceError | pg.InternalClientError)
    return lost and not isinstance(error, TimeoutError)


def translate(error: BaseException, location: str) -> BaseException:
    """Return the error of ours that says what *error* means for the caller; one that is none of a driver's as it is."""
    if isinstance(error, KeepthreadError):
        return error
    if isinstance(error, pg.PostgresError):
        return _of_server(error, location)
    if isinstance(error, TimeoutError):
        return UnavailableError(f"The PostgreSQL server at {location} did not answer in time.", hint=_CHECK_TIME)
    if isinstance(error, OSError | pg.InterfaceError | pg.InternalClientError):
        return UnavailableError(
            f"The connection to the PostgreSQL server at {location} was lost ({type(error).__name__}).",
            hint=_CHECK_TIME,
        )
    return error


def translate_connecting(error: Exception, location: str, seconds: float) -> BaseException:
    """Return what an error means that came while a connection was opened."""
    if "unsupported startup parameter" in str(error):  # PgBouncer has no code of its own for it
        return pooled(location)
    for kind, ours in _WHILE_CONNECTING:
        if isinstance(error, kind):
            return ours(error, location)
    if isinstance(error, TimeoutError):
        return UnavailableError(
            f"The PostgreSQL server at {location} accepted no connection within {seconds:g} s.",
            hint="Check host, port and firewall, or allow more time with ?connect_timeout=SECONDS.",
        )
    if isinstance(error, OSError):
        return _unreachable(error, location)
    if isinstance(error, ValueError):
        return InvalidSetting(
            f"The database URL for {location} cannot be understood by the PostgreSQL driver.",
            hint="Check the port and the options behind the question mark.",
        )
    return translate(error, location)


def pooled(location: str) -> InvalidSetting:
    """Return the error of a URL that does not say what is between here and the server."""
    return InvalidSetting(
        f"Between here and {location} is a connection pooler in transaction mode, such as PgBouncer.",
        hint="Add ?pgbouncer=true to the database URL, without options and search_path.",
    )


def _of_server(error: pg.PostgresError, location: str) -> KeepthreadError:
    state = sqlstate(error)
    if state == "42501" and error.server_source_function == "ExecWithCheckOptions":
        return _secured_meanwhile(location)
    for prefix, ours in _BY_STATE.items():
        if state.startswith(prefix):
            return ours(location)
    return UnavailableError(
        f"The PostgreSQL server at {location} refused a statement ({type(error).__name__}, SQLSTATE {state}).",
        hint="Its log says more.",
    )


def _lasting(error: KeepthreadError) -> KeepthreadError:
    """Say of *error* that trying again does not help until somebody changes something."""
    error.retryable = False
    return error


def _busy(location: str) -> KeepthreadError:
    return BusyError(
        f"Another writer held what was to be changed at {location} for longer than the timeout.",
        hint="Try again: nothing was written.",
    )


def _forbidden(location: str) -> KeepthreadError:
    return _lasting(
        UnavailableError(
            f"The database user has too few rights at {location}: it may not make or use keepthread's tables.",
            hint="As an administrator: GRANT CREATE, USAGE ON SCHEMA public TO the user; "
            "or have one who may create tables run `keepthread migrate`, or what `keepthread migrate --plan` prints, "
            "and GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO the user.",
        )
    )


def _secured_meanwhile(location: str) -> KeepthreadError:
    # A store names the tenant of each transaction from the time on when it finds that it has to.
    return _lasting(
        UnavailableError(
            f"Row-level security was turned on at {location} after this store was opened. Nothing was written.",
            hint="Open the store again: until then it finds no rows either.",
        )
    )


_BY_STATE: dict[str, Callable[[str], KeepthreadError]] = {
    "40": _busy,
    "55P03": _busy,
    "42501": _forbidden,
    "42P01": lambda location: SchemaError(
        f"A table of keepthread is missing at {location}.", hint="Check the search_path, or restore a backup."
    ),
    "3F000": lambda location: SchemaError(
        f"There is no schema at {location} in which tables could be made.", hint="Check the search_path of the user."
    ),
    "25006": lambda location: UnavailableError(
        f"The server at {location} is a read-only standby.",
        hint="Name every host and add ?target_session_attrs=read-write.",
    ),
    "26000": pooled,  # a prepared statement that another of the pooler's connections has
    "42P05": pooled,  # or that another of its clients has made
    _FULL_CONNECTIONS: lambda location: UnavailableError(
        f"The PostgreSQL server at {location} has no connection left.",
        hint="Lower KEEPTHREAD_DB_POOL_SIZE and KEEPTHREAD_DB_MAX_OVERFLOW, or raise the server's max_connections.",
    ),
    "53": lambda location: FullError(
        f"The PostgreSQL server at {location} has no disk or memory left. Nothing was written.",
        hint="Free some and try again.",
    ),
    "58030": lambda location: UnavailableError(
        f"The PostgreSQL server at {location} cannot use its disk.", hint="Its log says more."
    ),
    "XX00": lambda location: CorruptError(
        f"The database at {location} is damaged.", hint="The server's log says where. Restore it from a backup."
    ),
    "57": lambda location: UnavailableError(
        f"The PostgreSQL server at {location} is shutting down or starting.", hint=_CHECK_TIME
    ),
    "08": lambda location: UnavailableError(
        f"The connection to the PostgreSQL server at {location} was lost.", hint=_CHECK_TIME
    ),
}
"""By the beginning of SQLSTATE, the longer ones first: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def _unreachable(error: Exception, location: str) -> KeepthreadError:
    if "SSL upgrade" in str(error):  # asyncpg has no class for it
        return _no_tls(error, location)
    return UnavailableError(
        f"No PostgreSQL server answers at {location}.",
        hint="Check that it runs and listens there, and the host and port in the URL.",
    )


def _no_tls(_error: Exception, location: str) -> KeepthreadError:
    return _lasting(
        UnavailableError(
            f"The PostgreSQL server at {location} does not accept TLS, which the URL asks for.",
            hint="Turn on ssl in the server, or use ?sslmode=prefer in a network that you trust.",
        )
    )


def _bad_certificate(_error: Exception, location: str) -> KeepthreadError:
    return _lasting(
        UnavailableError(
            f"A TLS connection to the PostgreSQL server at {location} could not be made.",
            hint="Check its certificate and host name, and ?sslrootcert=FILE.",
        )
    )


def _unknown_host(_error: Exception, location: str) -> KeepthreadError:
    return UnavailableError(
        f"The host of {location} is unknown.", hint="Check its name in the URL, and the network's name service."
    )


def _refused_login(_error: Exception, location: str) -> KeepthreadError:
    return _lasting(
        UnavailableError(
            f"The PostgreSQL server at {location} refused the user or the password.",
            hint="Check both in the URL, percent-encoded, and the server's pg_hba.conf.",
        )
    )


def _unknown_database(_error: Exception, location: str) -> KeepthreadError:
    return _lasting(
        UnavailableError(f"There is no such database: {location}.", hint="Create it with createdb, or correct the URL.")
    )


def _no_writable_host(_error: Exception, location: str) -> KeepthreadError:
    return UnavailableError(
        f"None of the hosts of {location} is what target_session_attrs asks for.",
        hint="Check which of them is the primary.",
    )


def _bad_option(_error: Exception, location: str) -> KeepthreadError:
    return InvalidSetting(
        f"An option of the database URL for {location} has a value that PostgreSQL does not know.",
        hint="Check sslmode, target_session_attrs and the paths of certificates.",
    )


def _no_file(error: Exception, location: str) -> KeepthreadError:
    if location.startswith(("/", LOCAL)):  # a server's socket
        return _unreachable(error, location)
    return InvalidSetting(
        f"A file that the database URL for {location} names is not there.",
        hint="Check ?sslrootcert=FILE, and sslcert, sslkey and sslcrl.",
    )


_WHILE_CONNECTING: tuple[tuple[type[Exception], Callable[[Exception, str], KeepthreadError]], ...] = (
    (pg.InvalidAuthorizationSpecificationError, _refused_login),
    (pg.InvalidCatalogNameError, _unknown_database),
    (pg.TargetServerAttributeNotMatched, _no_writable_host),
    (pg.ClientConfigurationError, _bad_option),
    (socket.gaierror, _unknown_host),
    (ssl.SSLError, _bad_certificate),
    (FileNotFoundError, _no_file),
)
