"""Session state in Redis, for what may be forgotten when its time is over. Conversations are never kept there."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from keepthread.errors import CorruptError, InvalidSetting, InvalidThread, MissingExtraError
from keepthread.model.json_values import check_id
from keepthread.store import Limits, State
from keepthread.store.limits import check_number
from keepthread.store.states import (
    NOTHING,
    Expected,
    check_name,
    expected_version,
    new_version,
    stale,
    state_of,
    text_of,
)

if TYPE_CHECKING:
    from .redis_connection import RedisConnection

_ANY = "any"
_FOR_EVER = "0"

# A field is its version, a space, and canonical JSON. The second attempt of a save whose answer was lost finds its own
# version there, and is no conflict.
SAVE = """
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local version = stored and string.match(stored, '^%d+') or '0'
if version ~= ARGV[3] then
    if ARGV[2] ~= 'any' and version ~= ARGV[2] then
        return 0
    end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[4])
end
if ARGV[5] == '0' then
    redis.call('PERSIST', KEYS[1])
else
    redis.call('EXPIRE', KEYS[1], ARGV[5])
end
return 1
"""

_DELETE = """
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored and ARGV[2] ~= 'any' and string.match(stored, '^%d+') ~= ARGV[2] then
    return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
"""


class RedisSessions:
    """The session state of any number of conversations, in one Redis server or cluster.

    It is as durable as that server is set up to be. One object may be used from several event loops and threads, and
    on both sides of a fork.

    Every method of a session raises `UnavailableError` when the server cannot be reached or refuses, after which it is
    unknown whether something was written, and `FullError` when it has no memory left.
    """

    def __init__(
        self,
        url: str,
        *,
        ttl_seconds: int | None = None,
        cluster: bool = False,
        timeout_seconds: float = 5.0,
        limits: Limits | None = None,
    ) -> None:
        """Name a server. It is reached at the first use.

        Args:
            url: `redis://user:password@host:6379/0`, `rediss://…` with TLS, or `unix:///path.sock`.
            ttl_seconds: After how long without a save everything that is kept beside a conversation is forgotten; None
                for never.
            cluster: Whether the server is a node of a Redis Cluster.
            timeout_seconds: How long a server may take to answer.
            limits: How large a value may be: `state_bytes`.

        Raises:
            InvalidSetting: The URL or an option cannot be understood.
            MissingExtraError: The driver is not installed.
        """
        check_number("ttl_seconds", ttl_seconds, least=1)
        self._connection = _connection_type()(url, cluster=cluster, timeout_seconds=timeout_seconds)
        self._ttl = _FOR_EVER if ttl_seconds is None else str(ttl_seconds)
        self._limits = limits or Limits()

    def session(self, tenant: str, scope: str) -> RedisSession:
        """Return the state that is kept for a tenant beside the conversation with a thread's id."""
        return RedisSession(self._connection, _key(tenant, scope), self._ttl, self._limits)

    async def delete_scope(self, tenant: str, scope: str) -> None:
        """Take away all that is kept beside a conversation. Deleting its thread does not do it."""
        key = _key(tenant, scope)
        await self._connection.ask(lambda client: client.delete(key))

    async def close(self) -> None:
        """Give up every connection. Forgetting to close loses nothing."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"RedisSessions({self._connection.location!r})"


class RedisSession:
    """The state beside one conversation, as `RedisSessions.session` returns it."""

    def __init__(self, connection: RedisConnection, key: str, ttl: str, limits: Limits) -> None:
        self._connection = connection
        self._key = key
        self._ttl = ttl
        self._limits = limits

    async def load(self, name: str) -> State:
        """Return a value, the caller's own, and its version: `State(None, 0)` where nothing is kept."""
        check_name(name)
        stored = await self._connection.ask(lambda client: client.hget(self._key, name))
        if stored is None:
            return State(None, NOTHING)
        version, _, text = stored.partition(b" ")
        if not version.isdigit():
            raise CorruptError(f"State {name!r} is damaged: it has no version.", hint="Delete it, and save it anew.")
        return state_of(text, int(version), name)

    async def save(self, name: str, value: object, *, version: Expected) -> int:
        """Keep a value if *version* is the stored one still, or "any", and return its new version.

        Raises:
            ConflictError: The stored version is another one. Nothing was written.
            InvalidState, TooLargeError: Nothing was written.
        """
        check_name(name)
        kept_as = new_version()
        rest = (_argument(version), str(kept_as), text_of(value, name, self._limits), self._ttl)
        if not await self._connection.ask(lambda client: client.eval(SAVE, 1, self._key, name, *rest)):
            raise stale(name)
        return kept_as

    async def delete(self, name: str, *, version: Expected) -> None:
        """Take a value away if *version* is the stored one still, or "any". What is not there is no error.

        Raises:
            ConflictError: The stored version is another one. Nothing was written.
        """
        check_name(name)
        expected = _argument(version)
        if not await self._connection.ask(lambda client: client.eval(_DELETE, 1, self._key, name, expected)):
            raise stale(name)


def _argument(version: object) -> str:
    expected = expected_version(version)
    return _ANY if expected is None else str(expected)


def _key(tenant: str, scope: str) -> str:
    """Return the one key of a scope, so that a script touches one slot of a cluster.

    The tenant's length says where it ends: no other tenant and scope have the same key, whatever is in them.
    """
    check_id(tenant, "The tenant", InvalidSetting)
    check_id(scope, "The thread's id", InvalidThread)
    return f"keepthread:state:{len(tenant.encode())}:{tenant}:{scope}"


def _connection_type() -> type[RedisConnection]:
    try:
        from .redis_connection import RedisConnection  # noqa: PLC0415 - the driver is optional
    except ImportError as missing:
        raise MissingExtraError("Session state in Redis", "redis") from missing
    return RedisConnection
