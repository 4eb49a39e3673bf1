"""Session state in Redis: the contract, and what only a server of its own can show."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from keepthread.conversation.redis_sessions import SAVE, RedisSessions
from keepthread.conversation.session import OpenSession
from keepthread.errors import (
    ConflictError,
    InvalidSetting,
    InvalidThread,
    StoreClosedError,
)
from keepthread.store import Limits
from keepthread.testing import SessionContract
from keepthread.testing.session_contract import SCOPES, count_up
from keepthread.testing.session_refusal_contract import SessionRefusalContract

from .redis_server import Driver, SocketServer, unique

KEY = "keepthread:state:4:acme:t"


class TestRedisSession(SessionContract, SessionRefusalContract):
    pass


async def test_a_scope_is_one_key_that_says_where_its_tenant_ends(own: SocketServer, client: Driver) -> None:
    sessions = RedisSessions(own.url)
    for pair in SCOPES:
        await sessions.session(*pair).save("a", 1, version=0)
        await sessions.session(*pair).save("b", 1, version=0)

    keys = client.keys("*")

    assert sorted(keys) == sorted(f"keepthread:state:{len(t.encode())}:{t}:{s}".encode() for t, s in SCOPES)


async def test_a_value_is_kept_for_ever_unless_it_is_said_for_how_long(own: SocketServer, client: Driver) -> None:
    await RedisSessions(own.url).session("acme", "t").save("a", 1, version=0)

    assert client.ttl(KEY) == -1


async def test_every_save_gives_a_scope_its_time_anew(own: SocketServer, client: Driver) -> None:
    session = RedisSessions(own.url, ttl_seconds=10_000).session("acme", "t")
    version = await session.save("a", 1, version=0)
    first = client.ttl(KEY)
    client.expire(KEY, 100)

    with pytest.raises(ConflictError):
        await session.save("a", 2, version=0)
    refused = client.ttl(KEY)
    await session.load("a")
    loaded = client.ttl(KEY)
    await session.save("a", 2, version=version)
    second = client.ttl(KEY)

    assert refused <= 100
    assert loaded <= 100
    assert 5_000 < first <= 10_000
    assert 5_000 < second <= 10_000


async def test_sessions_that_keep_for_ever_take_a_limit_away(own: SocketServer, client: Driver) -> None:
    await RedisSessions(own.url, ttl_seconds=10_000).session("acme", "t").save("a", 1, version=0)

    await RedisSessions(own.url).session("acme", "t").save("b", 1, version=0)

    assert client.ttl(KEY) == -1


async def test_what_was_forgotten_is_not_there_and_its_version_stale(own: SocketServer, client: Driver) -> None:
    session = RedisSessions(own.url, ttl_seconds=10_000).session("acme", "t")
    version = await session.save("a", 1, version=0)

    client.pexpire(KEY, -1)

    with pytest.raises(ConflictError):
        await session.save("a", 2, version=version)
    assert tuple(await session.load("a")) == (None, 0)


async def test_a_command_that_arrives_twice_is_one_save(own: SocketServer, client: Driver) -> None:
    session = RedisSessions(own.url).session("acme", "t")
    version = await session.save("a", 1, version=0)

    outcomes = [client.eval(SAVE, 1, KEY, "a", str(version), "7", "2", "0") for _ in range(2)]

    assert outcomes == [1, 1]
    assert tuple(await session.load("a")) == (2, 7)


async def test_a_scope_is_deleted_whole_and_alone(own: SocketServer, client: Driver) -> None:
    sessions = RedisSessions(own.url)
    for tenant, scope in (("acme", "t"), ("acme", "t2"), ("other", "t")):
        await sessions.session(tenant, scope).save("a", 1, version=0)

    await sessions.delete_scope("acme", "t")
    await sessions.delete_scope("acme", "never")

    assert tuple(await sessions.session("acme", "t").load("a")) == (None, 0)
    assert sorted(client.keys("*")) == [b"keepthread:state:4:acme:t2", b"keepthread:state:5:other:t"]


async def test_one_object_serves_several_event_loops_and_threads(own: SocketServer, client: Driver) -> None:
    sessions = RedisSessions(own.url)

    def count_ten() -> None:
        for _ in range(10):
            asyncio.run(count_up(sessions.session("acme", "t")))

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(count_ten) for _ in range(4)]:
            done.result()

    assert (await sessions.session("acme", "t").load("number"))[0] == 40


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://me:hush@localhost",
        "redis://me:hush@localhost:port",
        "redis://me:hush@localhost?socket_timeout=soon",
        "redis://me:hush@localhost?no_option=1",
    ],
)
@pytest.mark.parametrize("cluster", [False, True], ids=["server", "cluster"])
def test_a_url_that_means_nothing_is_refused_and_its_password_masked(url: str, *, cluster: bool) -> None:
    with pytest.raises(InvalidSetting) as failure:
        RedisSessions(url, cluster=cluster)

    assert "hush" not in f"{failure.value!r} {failure.value}"


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_time_that_is_over_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidSetting):
        RedisSessions("redis://localhost", ttl_seconds=seconds)


def test_what_is_no_tenant_and_no_thread_id_has_no_session() -> None:
    sessions = RedisSessions("redis://localhost")

    with pytest.raises(InvalidSetting):
        sessions.session("", "t")
    with pytest.raises(InvalidThread):
        sessions.session("acme", "a\nb")


async def test_a_value_may_be_as_large_as_the_limits_say(own: SocketServer, client: Driver) -> None:
    session = RedisSessions(own.url, limits=Limits(state_bytes=1_000_000)).session("acme", "t")

    await session.save("a", "x" * 999_998, version=0)

    assert len((await session.load("a"))[0]) == 999_998


async def test_sessions_that_are_closed_say_so(own: SocketServer) -> None:
    async with RedisSessions(own.url) as sessions:
        session = sessions.session("acme", "t")
        await session.load("a")

    with pytest.raises(StoreClosedError):
        await session.load("a")
    await sessions.close()


class TestCluster(SessionContract):
    @pytest.fixture
    def open_session(self, cluster: str) -> OpenSession:
        sessions = RedisSessions(cluster, cluster=True)
        prefix = unique()
        return lambda tenant, scope: sessions.session(prefix + tenant, scope)
