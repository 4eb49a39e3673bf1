"""The Redis driver: a client for every thread, and its errors as ours. Nothing else imports it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from redis import ConnectionPool, Redis, RedisCluster
from redis import exceptions as driver
from redis.backoff import NoBackoff
from redis.retry import Retry

from keepthread.errors import FullError, InvalidSetting, KeepthreadError, StoreClosedError, UnavailableError
from keepthread.store.url import masked

T = TypeVar("T")

_CODE = re.compile(r"[A-Z]+\b")
_REFUSALS = (driver.AuthenticationError, driver.AuthorizationError, driver.NoPermissionError)


class Client(Protocol):
    """What is used of the driver's, for one server as for a cluster."""

    def hget(self, name: str, key: str) -> bytes | None:
        """Return a field of a hash."""
        ...

    def eval(self, script: str, numkeys: int, *keys_and_args: str) -> int:
        """Run a script, which nothing else interrupts."""
        ...

    def delete(self, *names: str) -> int:
        """Take keys away."""
        ...

    def close(self) -> None:
        """Give up every connection."""
        ...


# The driver's options are untyped.
_POOL_OF = cast("Callable[[str], ConnectionPool]", ConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType] - as above
_SERVER_AT = cast("Callable[..., Client]", Redis.from_url)  # pyright: ignore[reportUnknownMemberType] - as above
_CLUSTER_AT = cast("Callable[..., Client]", RedisCluster.from_url)


class RedisConnection:
    """One server, or one cluster, for any number of event loops and threads.

    It is the driver's blocking client, in threads: a connection of its other one belongs to the event loop that opened
    it. The client of one server sends a command once. A connection that its pool kept is looked at before it is used
    again, so that a server's restart between two calls costs no error.
    """

    def __init__(self, url: str, *, cluster: bool, timeout_seconds: float) -> None:
        self._url = url
        self._is_cluster = cluster
        self._timeout_seconds = timeout_seconds
        self._client: Client | None = None
        self._is_closed = False
        self.location = masked(url)
        """The URL, its password masked."""
        try:
            _POOL_OF(url).make_connection()  # reaches nobody, and refuses an option that it does not know
        except (ValueError, TypeError) as error:
            raise InvalidSetting(
                f"The Redis URL {self.location!r} cannot be understood.",
                hint="Write redis://user:password@host:6379/0, rediss://… for TLS, or unix:///path.sock.",
            ) from error

    async def ask(self, work: Callable[[Client], T]) -> T:
        """Return what *work* returns, done in a thread.

        Raises:
            UnavailableError: The server cannot be reached, or refuses. Whether something was written is unknown.
            FullError: It has no memory left. Nothing was written.
        """
        return await asyncio.to_thread(self._ask, work)

    async def close(self) -> None:
        """Give up every connection."""
        self._is_closed = True
        if self._client is not None:
            await asyncio.to_thread(self._client.close)

    def _ask(self, work: Callable[[Client], T]) -> T:
        if self._is_closed:
            raise StoreClosedError("These Redis sessions are closed.", hint="Make new ones.")
        try:
            # Two threads that come first at the same time make two clients, of which one is forgotten.
            client = self._client = self._client or self._open()
            return work(client)
        except (driver.RedisError, driver.RedisClusterException, OSError) as error:
            raise self._translated(error) from error

    def _open(self) -> Client:
        timeouts = {"socket_timeout": self._timeout_seconds, "socket_connect_timeout": self._timeout_seconds}
        if self._is_cluster:
            return _CLUSTER_AT(self._url, **timeouts)
        return _SERVER_AT(self._url, **timeouts, retry=Retry(NoBackoff(), 0))

    def _translated(self, error: Exception) -> KeepthreadError:
        if isinstance(error, _REFUSALS):
            refused = UnavailableError(
                f"The Redis server at {self.location} refused the user, the password or a command.",
                hint="Check the URL; the user may need +hget, +hset, +hdel, +del, +expire, +persist and +eval.",
            )
            refused.retryable = False
            return refused
        if isinstance(error, driver.OutOfMemoryError):
            return FullError(f"The Redis server at {self.location} has no memory left. Nothing was written.")
        if isinstance(error, driver.ConnectionError | driver.TimeoutError | OSError):
            return UnavailableError(
                f"The Redis server at {self.location} does not answer ({type(error).__name__}).",
                hint="Check that it runs there. Then load the value: a change may have arrived.",
            )
        # The client of one server has the class for it since version 6.
        is_elsewhere = isinstance(error, driver.MovedError) or str(error).startswith("MOVED")
        return UnavailableError(
            f"The Redis server at {self.location} refused a command ({_reason(error)}).",
            hint="Pass cluster=True." if is_elsewhere else "Its log says more.",
        )


def _reason(error: Exception) -> str:
    """Return the kind of *error*. What the server says behind its code may quote what is stored."""
    code = _CODE.match(str(error))
    return f"{type(error).__name__}, {code[0]}" if code else type(error).__name__
