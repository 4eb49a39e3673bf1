"""What a PostgreSQL server can refuse, and what a URL can get wrong: one sentence with the remedy, and no password."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from keepthread.errors import (
    InvalidSetting,
    KeepthreadError,
    UnavailableError,
)
from keepthread.store import ThreadStore

from . import postgres_server
from .own_server import OwnServer
from .postgres_server import postgres, postgres_database

__all__ = ["postgres", "postgres_database"]

SSL_REQUEST = b"\x04\xd2\x16\x2f"


@asynccontextmanager
async def server_that_says(answer: bytes) -> AsyncGenerator[str]:
    """The URL of something that accepts connections, has no TLS, and answers every login with *answer*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(4096):
                writer.write(b"N" if chunk.endswith(SSL_REQUEST) else answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"postgresql://user:secret@127.0.0.1:{listening.sockets[0].getsockname()[1]}/talk"


async def failure(url: str, error: type[KeepthreadError]) -> str:
    """What a person reads when *url* cannot be opened. Neither that nor the traceback holds the password."""
    with pytest.raises(error) as caught:
        await ThreadStore.create(url, timeout_seconds=2)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.fixture(autouse=True)
def no_password_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert "secret" not in "\n".join(map(logging.Formatter().format, caplog.get_records("call")))


async def test_a_wrong_password_is_named(own_server: OwnServer) -> None:
    said = await failure(own_server.url(user="guest:secret"), UnavailableError)

    assert "refused the user or the password" in said


async def test_an_unknown_host_is_named() -> None:
    said = await failure("postgresql://user:secret@no-such-host.invalid/talk", UnavailableError)

    assert "no-such-host.invalid/talk is unknown" in said


async def test_an_unknown_database_is_named(postgres: str) -> None:
    url = postgres_server.beside(postgres, "no_such_database")

    assert "no such database" in await failure(url, UnavailableError)


async def test_a_server_that_is_not_there_is_named() -> None:
    assert "No PostgreSQL server answers" in await failure(
        "postgresql://user:secret@127.0.0.1:1/talk", UnavailableError
    )


async def test_a_server_that_never_answers_is_given_up() -> None:
    async with server_that_says(b"") as url:
        said = await failure(f"{url}?connect_timeout=0.2", UnavailableError)

    assert "accepted no connection within 0.2 s" in said


async def test_a_server_without_tls_is_refused_where_tls_is_asked_for(own_server: OwnServer) -> None:
    url = own_server.url(user="guest:secret", options="sslmode=require")

    assert "does not accept TLS" in await failure(url, UnavailableError)


async def test_a_certificate_that_somebody_else_signed_is_refused(own_server: OwnServer, tls_certificate: Path) -> None:
    other = own_server.certificate("other")
    url = own_server.url(user="guest:secret", options=f"sslmode=verify-full&sslrootcert={other}")

    assert "Check its certificate and host name, and ?sslrootcert=FILE" in await failure(url, UnavailableError)


async def test_a_certificate_of_another_host_is_refused(own_server: OwnServer, tls_certificate: Path) -> None:
    url = own_server.url(user="guest:secret", options=f"sslmode=verify-full&sslrootcert={tls_certificate}")

    said = await failure(url.replace("127.0.0.1", "localhost"), UnavailableError)

    assert "Check its certificate and host name" in said


async def test_certificates_that_are_not_there_are_named(own_server: OwnServer) -> None:
    url = own_server.url(user="guest:secret", options="sslmode=verify-full&sslrootcert=/no/such/file.crt")

    assert "?sslrootcert=FILE" in await failure(url, InvalidSetting)


@pytest.mark.parametrize("option", ["sslmode=perhaps", "target_session_attrs=any-old"])
async def test_an_options_value_that_is_unknown_is_no_setting(option: str) -> None:
    async with server_that_says(b"") as url:
        assert "has a value that PostgreSQL does not know" in await failure(f"{url}?{option}", InvalidSetting)


async def test_a_user_who_may_not_make_tables_is_told_what_to_grant() -> None:
    with postgres_server.new_database() as url, postgres_server.guest(url) as (_, theirs):
        said = await failure(theirs, UnavailableError)

    assert "GRANT CREATE" in said


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InvalidSetting, match="unknown option 'sslmod'"):
        ThreadStore("postgresql://user:secret@host/talk?sslmod=require")


@pytest.mark.parametrize("password", ["se@cret", "se/cret", "se#cret", "se?cret"])
def test_a_password_that_takes_the_url_apart_is_not_repeated(password: str) -> None:
    with pytest.raises(InvalidSetting, match="%40") as caught:
        ThreadStore(f"postgresql://user:{password}@host/talk")

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://user:secret@host/talk",
        "postgresql+asyncpg://user:secret@host:5432/talk",
        "postgresql+psycopg://user:secret@one:5432,two:5433/talk?target_session_attrs=read-write",
        "postgresql:///talk?host=/var/run/postgresql&user=me&password=secret",
        "postgresql://user:s%40cret@host/talk?sslmode=verify-full&sslrootcert=/ca.pem&pgbouncer=true",
    ],
)
def test_every_form_of_url_is_understood_and_masked(url: str) -> None:
    store = ThreadStore(url)

    assert not re.search("s(e|%40)cret", repr(store))
    assert "***" in repr(store)
