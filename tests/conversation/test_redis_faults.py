"""Redis servers that fail, refuse, or are not what they are taken for: what a caller learns of it."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from keepthread.conversation.redis_sessions import RedisSessions
from keepthread.errors import (
    CorruptError,
    FullError,
    MissingExtraError,
    UnavailableError,
)

from .losing_proxy import LosingProxy
from .redis_server import Driver, SocketServer, own_server, raw

KEY = "keepthread:state:4:acme:t"


@pytest.mark.parametrize("stored", [b"7 {", b"x 1", b"", b"7", b"7 \xff"], ids=repr)
async def test_what_somebody_else_wrote_there_is_damage(own: SocketServer, client: Driver, stored: bytes) -> None:
    client.hset(KEY, "a", stored)
    session = RedisSessions(own.url).session("acme", "t")

    with pytest.raises(CorruptError):
        await session.load("a")

    await session.save("a", 1, version="any")
    assert (await session.load("a"))[0] == 1


async def test_a_restart_between_two_calls_costs_no_error() -> None:
    with own_server() as server:
        session = RedisSessions(server.url).session("acme", "t")
        await session.save("a", 1, version=0)
        server.kill()

        with pytest.raises(UnavailableError) as failure:
            await session.load("a")
        server.run()

        assert failure.value.retryable
        assert tuple(await session.load("a")) == (None, 0)
        await session.save("a", 2, version=0)
        server.kill()
        server.run()
        await session.save("a", 3, version=0)


async def test_a_save_whose_answer_is_lost_is_sent_once_and_can_be_looked_for(
    own: SocketServer, client: Driver
) -> None:
    session = RedisSessions(own.url).session("acme", "t")
    version = await session.save("a", 1, version=0)
    proxy = LosingProxy()

    async with proxy.before(own.url) as url:
        with pytest.raises(UnavailableError, match="Then load the value"):
            await RedisSessions(url).session("acme", "t").save("a", 2, version=version)

    value, now = await session.load("a")
    assert (proxy.scripts, value) == (1, 2)
    assert now != version


async def test_a_server_that_hangs_costs_the_timeout() -> None:
    with own_server() as server:
        session = RedisSessions(server.url, timeout_seconds=0.2).session("acme", "t")
        server.process.send_signal(signal.SIGSTOP)

        with pytest.raises(UnavailableError, match="does not answer"):
            await session.save("a", 1, version=0)


async def test_a_server_without_memory_is_full_and_can_be_read() -> None:
    with own_server("--maxmemory-policy", "noeviction") as server:
        session = RedisSessions(server.url).session("acme", "t")
        version = await session.save("a", 1, version=0)
        raw(server.url).config_set("maxmemory", "1")

        with pytest.raises(FullError):
            await session.save("a", 2, version=version)

        assert tuple(await session.load("a")) == (1, version)
        await session.delete("a", version=version)


async def test_a_wrong_password_is_refused_for_good_and_never_repeated() -> None:
    with own_server("--requirepass", "open sesame") as server:
        socket = server.url.removeprefix("unix://")
        await RedisSessions(f"unix://:open%20sesame@{socket}").session("acme", "t").save("a", 1, version=0)

        for url in (f"unix://:hush@{socket}", f"unix://{socket}?password=hush", f"unix://me:hush@{socket}"):
            with pytest.raises(UnavailableError) as failure:
                await RedisSessions(url).session("acme", "t").load("a")
            assert not failure.value.retryable
            assert "hush" not in f"{failure.value!r} {failure.value} {RedisSessions(url)!r}"
            assert socket in str(failure.value)


async def test_a_key_of_another_kind_is_refused_without_a_word_of_it(own: SocketServer, client: Driver) -> None:
    client.set(KEY, "the secret")
    session = RedisSessions(own.url).session("acme", "t")

    for refused in (session.load("a"), session.save("a", 1, version="any"), session.delete("a", version="any")):
        with pytest.raises(UnavailableError, match="refused a command") as failure:
            await refused
        assert "secret" not in str(failure.value)


async def test_where_nobody_listens_the_server_is_unavailable_and_the_password_masked() -> None:
    sessions = RedisSessions("redis://me:hush@127.0.0.1:1/0")

    with pytest.raises(UnavailableError) as failure:
        await sessions.session("acme", "t").load("a")

    assert failure.value.retryable
    assert "redis://me:***@127.0.0.1:1/0" in str(failure.value)
    assert "hush" not in f"{failure.value} {sessions!r}"


def test_without_the_driver_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "keepthread.conversation.redis_connection", raising=False)

    with pytest.raises(MissingExtraError, match=r'pip install "keepthread\[redis\]"'):
        RedisSessions("redis://localhost")


async def test_a_cluster_that_is_taken_for_one_server_is_named(cluster: str) -> None:
    sessions = RedisSessions(cluster)
    loads = [sessions.session("acme", f"{number}").load("a") for number in range(20)]

    outcomes = await asyncio.gather(*loads, return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, UnavailableError)]
    assert {error.hint for error in refused} == {"Pass cluster=True."}
    assert len([outcome for outcome in outcomes if outcome == (None, 0)]) == 20 - len(refused)


async def test_a_server_that_is_taken_for_a_cluster_is_unavailable(redis_url: str) -> None:
    with pytest.raises(UnavailableError):
        await RedisSessions(redis_url, cluster=True).session("acme", "t").load("a")


async def test_a_user_needs_the_commands_that_are_documented_and_no_others() -> None:
    with own_server() as server:
        commands = ["+hget", "+hset", "+hdel", "+del", "+expire", "+persist", "+eval"]
        admin = raw(server.url)
        admin.execute_command("ACL", "SETUSER", "app", "on", ">hush", "~keepthread:state:*", *commands)
        sessions = RedisSessions(server.url.replace("unix://", "unix://app:hush@"), ttl_seconds=100)
        session = sessions.session("acme", "t")

        version = await session.save("a", 1, version=0)
        await session.load("a")
        await session.delete("a", version=version)
        await sessions.delete_scope("acme", "t")
        admin.execute_command("ACL", "SETUSER", "app", "-eval")

        with pytest.raises(UnavailableError, match=r"\+eval") as failure:
            await session.save("a", 1, version=0)
        assert not failure.value.retryable
