"""Waiting until a PostgreSQL server takes connections, without a driver: the first words of its protocol tell."""

from __future__ import annotations

import socket
import struct
import time

_PROTOCOL = 3 << 16
_AUTHENTICATION = b"R"
_ERROR = b"E"
_STARTING = b"C57P03\x00"
"""The field of an error that says: the server is starting, or stopping."""
_PAUSE_SECONDS = 0.2


def wait_until_ready(host: str, port: int, *, user: str, database: str, seconds: float) -> bool:
    """Return whether the server took a connection within so many *seconds*.

    Whether the user may log in is another question, which the connection that follows asks.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if _answers(host, port, user, database, left):
            return True
        time.sleep(min(_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
    return False


def _answers(host: str, port: int, user: str, database: str, seconds: float) -> bool:
    fields = b"\x00".join(field.encode() for field in ("user", user, "database", database)) + b"\x00\x00"
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(struct.pack("!ii", len(fields) + 8, _PROTOCOL) + fields)
            answer = connection.recv(1)
            # An error of the login itself comes from a server that is up.
            return answer == _AUTHENTICATION or (answer == _ERROR and _STARTING not in connection.recv(4096))
    except OSError:
        # Refused, or taken by Docker's proxy and dropped because nothing listens behind it yet.
        return False
