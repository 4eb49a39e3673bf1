"""Ways to a PostgreSQL server that work: TLS, a password, a socket, and whichever of several hosts takes writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keepthread.errors import UnavailableError
from keepthread.store import ThreadStore
from keepthread.testing.arrange import stored, talk

from . import postgres_server
from .own_server import PASSWORD, OwnServer


async def works(url: str) -> bool:
    async with ThreadStore(url) as store:
        await talk(store, "a")
        return await stored(store) == ["a"]


async def test_a_certificate_that_is_trusted_opens_a_connection_with_tls(
    own_server: OwnServer, own_database: str, tls_certificate: Path
) -> None:
    async with ThreadStore(own_server.url(options=f"sslmode=verify-full&sslrootcert={tls_certificate}")):
        ours = "JOIN pg_stat_activity USING (pid) WHERE application_name = 'keepthread'"
        used = await postgres_server.fetch(own_database, f"SELECT ssl FROM pg_stat_ssl {ours}")  # noqa: S608 - ours

    assert {ssl for (ssl,) in used} == {True}


async def test_a_password_opens_a_connection(own_server: OwnServer, own_database: str) -> None:
    async with ThreadStore(own_database):
        pass  # the tables
    await postgres_server.execute(own_database, "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest")

    assert await works(own_server.url(user=f"guest:{PASSWORD}"))


async def test_a_socket_needs_no_host(own_server: OwnServer, own_database: str) -> None:
    assert await works(f"postgresql:///talk?host={own_server.folder}&port={own_server.port}&user=postgres")


@pytest.fixture(scope="module")
def standby(own_server: OwnServer) -> Iterator[OwnServer]:
    server = own_server.standby()
    yield server
    server.end()


async def test_of_several_hosts_the_one_that_takes_writes_is_found(
    own_server: OwnServer, own_database: str, standby: OwnServer
) -> None:
    nobody = postgres_server.free_port()
    hosts = ",".join(f"127.0.0.1:{port}" for port in (nobody, standby.port, own_server.port))

    assert await works(f"postgresql://postgres@{hosts}/talk?target_session_attrs=read-write&sslmode=disable")


async def test_a_standby_alone_is_named_with_the_remedy(own_database: str, standby: OwnServer) -> None:
    with pytest.raises(UnavailableError, match="target_session_attrs=read-write"):
        await works(standby.url())
