"""The errors of MySQL, MariaDB and asyncmy, as ours. What a server says may quote a message: it is never passed on."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable

from asyncmy import errors as my

from keepthread.errors import (
    BusyError,
    CorruptError,
    FullError,
    KeepthreadError,
    SchemaError,
    TooLargeError,
    UnavailableError,
)

DRIVERS_ERRORS = (OSError, my.MySQLError)
"""And ours of a server that cannot be reached, or is busy: they are of OSError's kind."""

DUPLICATE_KEY = 1062
NO_SUCH_TABLE = 1146
NO_SUCH_COLUMN = 1054

# https://mariadb.com/kb/en/mariadb-error-codes/ and https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
_CLASHES = {1213, 1020}
"""A deadlock, or a row that changed since a snapshot; on a Galera cluster also a commit that was not certified."""
_LOCK_WAIT = 1205
_LOST = {1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2014, 2055, 3169, 4031}
"""A server that shuts down, a connection that was killed, that was idle for too long, or that the network took away."""
_NO_SPACE = re.compile(r"\berr(?:or|no|code)\W+(?:28|122)\b", re.IGNORECASE)
"""ENOSPC, EDQUOT: an error of the storage engine has its number in its text only."""

_TRY_AGAIN = "Try again; repeating a write is safe, it is stored once."


def code(error: BaseException) -> int:
    """Return the server's or the driver's number for *error*, or 0."""
    number: object = error.args[0] if isinstance(error, my.MySQLError) and error.args else 0
    return number if isinstance(number, int) else 0


def is_clash(error: BaseException) -> bool:
    """Whether two writers met, and the work is done again at once. A wait for a lock took all the time there was."""
    return code(error) in _CLASHES


def is_lost(error: BaseException) -> bool:
    """Whether the connection, or the server, went away: the work is done again once it is back."""
    if isinstance(error, my.MySQLError):
        # An InterfaceError is what the driver says of a connection that is closed, an InternalError without a number
        # of an answer that is none.
        return code(error) in _LOST or (isinstance(error, my.InterfaceError | my.InternalError) and code(error) == 0)
    return isinstance(error, OSError) and not isinstance(error, KeepthreadError | TimeoutError)


def translate(error: BaseException, location: str) -> BaseException:
    """Return the error of ours that says what *error* means for the caller; one that is none of a driver's as it is."""
    if isinstance(error, KeepthreadError):
        return error
    if isinstance(error, TimeoutError):
        return UnavailableError(f"The database server at {location} did not answer in time.", hint=_TRY_AGAIN)
    if is_lost(error):
        return UnavailableError(
            f"The connection to the database server at {location} was lost ({type(error).__name__}).", hint=_TRY_AGAIN
        )
    return _of_server(error, location) if isinstance(error, my.MySQLError) else error


def translate_connecting(error: Exception, location: str, seconds: float) -> BaseException:
    """Return what an error means that came while a connection was opened."""
    if isinstance(error, TimeoutError) and not isinstance(error, KeepthreadError):
        return UnavailableError(
            f"The database server at {location} accepted no connection within {seconds:g} s.",
            hint="Check host, port and firewall, or allow more time with ?connect_timeout=SECONDS.",
        )
    # The driver wraps what is of OSError's kind, as ours are.
    cause = error.__cause__ if isinstance(error, my.MySQLError) else error
    if isinstance(cause, KeepthreadError):
        return cause
    if isinstance(cause, socket.gaierror):
        return UnavailableError(
            f"The host of {location} is unknown.", hint="Check its name in the URL, and the network's name service."
        )
    if isinstance(cause, ssl.SSLError):
        return lasting(
            UnavailableError(
                f"A TLS connection to the database server at {location} could not be made.",
                hint="Check its certificate and host name, and ?ssl_ca=FILE and ?ssl_mode=.",
            )
        )
    if isinstance(cause, OSError):
        return UnavailableError(
            f"No MySQL or MariaDB server answers at {location}.",
            hint="Check that it runs and listens there, and the host and port in the URL.",
        )
    return translate(error, location)


def no_tls(location: str) -> KeepthreadError:
    """Return the error for a server that does not do what the URL asks for."""
    return lasting(
        UnavailableError(
            f"The database server at {location} does not accept TLS, which the URL asks for.",
            hint="Turn it on in the server, or use ?ssl_mode=PREFERRED in a network that you trust.",
        )
    )


def lasting(error: KeepthreadError) -> KeepthreadError:
    """Say of *error* that trying again does not help until somebody changes something."""
    error.retryable = False
    return error


def _of_server(error: my.MySQLError, location: str) -> KeepthreadError:
    number = code(error)
    if number in _BY_CODE:
        return _BY_CODE[number](location)
    if _NO_SPACE.search(str(error.args[-1] if error.args else "")):
        return _full(location)
    return UnavailableError(
        f"The database server at {location} refused a statement ({type(error).__name__}, error {number}).",
        hint="Its log says more.",
    )


def _busy(location: str) -> KeepthreadError:
    return BusyError(
        f"Another writer held what was to be changed at {location} for longer than the timeout.",
        hint="Try again: nothing was written.",
    )


def _refused_login(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(
            f"The database server at {location} refused the user or the password.",
            hint="Check both in the URL, percent-encoded, and from which hosts the user may log in.",
        )
    )


def _refused_plugin(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(
            f"The user's way to log in at {location} is one that the driver does not know.",
            hint="Use mysql_native_password, caching_sha2_password or client_ed25519.",
        )
    )


def _only_tls(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(f"The database server at {location} accepts TLS only.", hint="Add ?ssl_mode=REQUIRED.")
    )


def _unknown_database(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(
            f"There is no such database: {location}.", hint="Create it with CREATE DATABASE, or correct the URL."
        )
    )


def _forbidden(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(
            f"The database user has too few rights at {location}: it may not make or use keepthread's tables.",
            hint="As an administrator: GRANT ALL PRIVILEGES ON the database TO the user; or have one who may create "
            "tables run `keepthread migrate`, or what `keepthread migrate --plan` prints, and GRANT SELECT, INSERT, "
            "UPDATE, DELETE ON the database TO the user.",
        )
    )


def _read_only(location: str) -> KeepthreadError:
    return UnavailableError(
        f"The database server at {location} is read-only.",
        hint="It may be a replica: name the primary, or every host with commas between.",
    )


def _no_connection_left(location: str) -> KeepthreadError:
    return UnavailableError(
        f"The database server at {location} has no connection left.",
        hint="Lower KEEPTHREAD_DB_POOL_SIZE and KEEPTHREAD_DB_MAX_OVERFLOW, or raise the server's max_connections.",
    )


def _blocked(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(
            f"The database server at {location} has blocked this machine after too many failed connections.",
            hint="As an administrator: FLUSH HOSTS, and raise max_connect_errors.",
        )
    )


def _full(location: str) -> KeepthreadError:
    return FullError(
        f"The database server at {location} has no disk or memory left. Nothing was written.",
        hint="Free some and try again.",
    )


def _corrupt(location: str) -> KeepthreadError:
    return CorruptError(
        f"The database at {location} is damaged.", hint="The server's log says where. Restore it from a backup."
    )


def _missing_table(location: str) -> KeepthreadError:
    return SchemaError(f"A table of keepthread is missing at {location}.", hint="Restore a backup.")


def _too_large_for_packets(location: str) -> KeepthreadError:
    return TooLargeError(
        f"The database server at {location} does not take a statement of this size. Nothing was written.",
        hint="Raise its max_allowed_packet, or attach what is large as a file.",
    )


def _too_large_for_log(location: str) -> KeepthreadError:
    return TooLargeError(
        f"The redo log of the database server at {location} is too small for a message of this size. "
        "Nothing was written.",
        hint="Raise its innodb_log_file_size, or attach what is large as a file.",
    )


def _statement_binlog(location: str) -> KeepthreadError:
    return lasting(
        UnavailableError(
            f"The binary log of the database server at {location} takes statements only, which no writer beside "
            "others can use safely.",
            hint="Give it binlog_format=ROW or MIXED.",
        )
    )


def _not_ready(location: str) -> KeepthreadError:
    return UnavailableError(
        f"The node of the cluster at {location} is not ready for statements.", hint="Name another one, or try again."
    )


_BY_CODE: dict[int, Callable[[str], KeepthreadError]] = {
    **dict.fromkeys((_LOCK_WAIT, 3572, *_CLASHES), _busy),
    **dict.fromkeys((1045, 1130, 1698, 4151, 3118, 3955), _refused_login),
    **dict.fromkeys((1251, 2059, 1275), _refused_plugin),
    **dict.fromkeys((3159,), _only_tls),
    **dict.fromkeys((1049,), _unknown_database),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370), _forbidden),
    **dict.fromkeys((1290, 1836, 1792), _read_only),
    **dict.fromkeys((1040, 1203, 1226), _no_connection_left),
    **dict.fromkeys((1129,), _blocked),
    **dict.fromkeys((1021, 1114, 1037, 1038, 1041, 1135), _full),
    **dict.fromkeys((126, 127, 145, 1034, 1194, 1195, 1712, 1877), _corrupt),
    **dict.fromkeys((NO_SUCH_TABLE,), _missing_table),
    **dict.fromkeys((1153, 1301, 2020), _too_large_for_packets),
    **dict.fromkeys((1118,), _too_large_for_log),
    **dict.fromkeys((1665,), _statement_binlog),
    **dict.fromkeys((1047,), _not_ready),
}
