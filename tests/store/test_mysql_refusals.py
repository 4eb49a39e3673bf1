"""What a MySQL or MariaDB server can refuse, and a URL can get wrong: one sentence with the remedy, and no password."""

from __future__ import annotations

import asyncio
import os
import re
import traceback
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from asyncmy.errors import InternalError, OperationalError

from keepthread.errors import (
    BusyError,
    CorruptError,
    FullError,
    InvalidSetting,
    KeepthreadError,
    SchemaError,
    TooLargeError,
    UnavailableError,
)
from keepthread.store import PoolSettings, ThreadStore
from keepthread.store.backends.mysql_engine import check_version
from keepthread.store.backends.mysql_errors import is_clash, is_lost, translate
from keepthread.store.backends.mysql_settings import MysqlSettings, mysql_settings

from . import mysql_server

GREETING = (
    b"\x0a11.4.2-MariaDB\0\x01\0\0\0saltsalt\0\xff\xf7\x2d\x02\0\xff\x81\x15"
    + bytes(10)
    + b"saltsaltsalt\0mysql_native_password\0"
)
"""Of a server without TLS."""


def packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def refusal(code: int) -> bytes:
    return b"\xff" + code.to_bytes(2, "little") + b"#HY000secret"


@asynccontextmanager
async def server_that_says(greeting: bytes, answer: bytes = b"") -> AsyncGenerator[str]:
    """The URL of something that accepts connections, greets, and answers every login with *answer*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting:
            writer.write(packet(0, greeting))
        with suppress(ConnectionError):
            while await reader.read(4096):
                if answer:
                    writer.write(packet(2, answer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"mysql://user:secret@127.0.0.1:{listening.sockets[0].getsockname()[1]}/talk"


async def failure(url: str, error: type[KeepthreadError]) -> str:
    """What a person reads when *url* cannot be opened. Neither that nor the traceback holds the password."""
    with pytest.raises(error) as caught:
        await ThreadStore.create(url, timeout_seconds=2)
    assert "secret" not in str(caught.value)
    assert "user:secret" not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1045, "refused the user or the password"),
        (1049, "no such database"),
        (1044, "GRANT ALL PRIVILEGES"),
        (3159, "ssl_mode=REQUIRED"),
        (1251, "mysql_native_password"),
    ],
)
async def test_a_login_that_is_refused_says_why(code: int, said: str) -> None:
    async with server_that_says(GREETING, refusal(code)) as url:
        assert said in await failure(url, UnavailableError)


@pytest.mark.parametrize(("code", "said"), [(1040, "KEEPTHREAD_DB_POOL_SIZE"), (1129, "FLUSH HOSTS")])
async def test_a_server_that_does_not_let_anybody_in_says_why(code: int, said: str) -> None:
    async with server_that_says(refusal(code)) as url:
        assert said in await failure(url, UnavailableError)


async def test_a_wrong_password_is_named() -> None:
    with user("") as (name, place):
        said = await failure(f"mysql://{name}:secret@{place}/test", UnavailableError)

    assert "refused the user or the password" in said


async def test_an_unknown_host_is_named() -> None:
    said = await failure("mysql://user:secret@no-such-host.invalid/talk", UnavailableError)

    assert "no-such-host.invalid/talk is unknown" in said


async def test_an_unknown_database_is_named(mysql: str) -> None:
    assert "no such database" in await failure(mysql_server.beside(mysql, "no_such_database"), UnavailableError)


async def test_a_server_that_is_not_there_is_named() -> None:
    assert "No MySQL or MariaDB server answers" in await failure("mysql://u:secret@127.0.0.1:1/talk", UnavailableError)
    assert "No MySQL or MariaDB server answers" in await failure("mysql:///talk?unix_socket=/no/such", UnavailableError)


@pytest.mark.parametrize("greeting", [b"", GREETING])
async def test_a_server_that_never_answers_is_given_up(greeting: bytes) -> None:
    async with server_that_says(greeting) as url:
        said = await failure(f"{url}?connect_timeout=0.2", UnavailableError)

    assert "accepted no connection within 0.2 s" in said


async def test_a_server_without_tls_is_refused_where_tls_is_asked_for() -> None:
    async with server_that_says(GREETING) as url:
        assert "does not accept TLS" in await failure(f"{url}?ssl_mode=REQUIRED", UnavailableError)


@contextmanager
def user(rights: str) -> Generator[tuple[str, str]]:
    """A user who may log in from here with a password, and where; gone afterwards."""
    name = f"keepthread_guest_{os.getpid()}"
    place = urlsplit(mysql_server.server()).netloc.rpartition("@")[2]
    statements = [f"CREATE USER {name}@'%' IDENTIFIED BY 'p@ss'", *filter(None, [rights.format(user=f"{name}@'%'")])]
    mysql_server.run(mysql_server.execute(mysql_server.server(), *statements))
    try:
        yield name, place
    finally:
        mysql_server.run(mysql_server.execute(mysql_server.server(), f"DROP USER {name}@'%'"))


async def test_a_user_who_may_not_make_tables_is_told_what_to_grant() -> None:
    with mysql_server.new_database() as url:
        database = urlsplit(url).path.removeprefix("/")
        with user(f"GRANT SELECT ON {database}.* TO {{user}}") as (name, place):
            said = await failure(f"mysql://{name}:p%40ss@{place}/{database}", UnavailableError)

    assert "GRANT ALL PRIVILEGES" in said


async def test_a_user_with_the_rights_of_every_day_can_do_everything() -> None:
    with mysql_server.new_database() as url:
        database = urlsplit(url).path.removeprefix("/")
        async with ThreadStore(url):
            pass
        rights = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {{user}}"
        with user(rights) as (name, place):
            async with ThreadStore(f"mariadb+asyncmy://{name}:p%40ss@{place}/{database}?charset=utf8mb4") as store:
                await store.get_or_create_thread("t")
                await store.delete_thread("t")


BY_CODE: dict[type[KeepthreadError], list[tuple[int, str]]] = {
    BusyError: [(1205, "Lock wait timeout exceeded"), (1213, "Deadlock found")],
    FullError: [
        (1021, "Disk full (secret); waiting for someone to free some space"),
        (1114, "The table 'secret' is full"),
        (1030, 'Got error 28 "No space left on device" from storage engine InnoDB'),
        (3, "Error writing file 'secret' (Errcode: 28 \"No space left on device\")"),
    ],
    CorruptError: [(1194, "Table 'secret' is marked as crashed"), (1712, "Index secret is corrupted")],
    TooLargeError: [(1153, "Got a packet bigger than 'max_allowed_packet' bytes"), (1118, "Row size too large")],
    SchemaError: [(1146, "Table 'secret' doesn't exist")],
    UnavailableError: [
        (1290, "The MariaDB server is running with the --read-only option"),
        (1047, "WSREP has not yet prepared node for application use"),
        (1030, 'Got error 5 "Input/output error" from storage engine InnoDB'),
        (1665, "Cannot execute statement: impossible to write to binary log"),
        (2013, "Lost connection to MySQL server during query"),
        (9999, "secret"),
    ],
}


@pytest.mark.parametrize(("error", "code", "said"), [(error, *case) for error in BY_CODE for case in BY_CODE[error]])
def test_an_error_of_the_server_is_ours_and_quotes_nothing(error: type[KeepthreadError], code: int, said: str) -> None:
    ours = translate(OperationalError(code, said), "host/talk")

    assert type(ours) is error
    assert "host/talk" in str(ours)
    assert "secret" not in str(ours)


def test_what_is_done_again_is_a_clash_or_a_connection_that_was_lost() -> None:
    assert [code for code in (1213, 1205, 1062) if is_clash(OperationalError(code, ""))] == [1213]
    lost = [1053, 1927, 2006, 2013, 4031, 1146]
    assert [code for code in lost if is_lost(OperationalError(code, ""))] == lost[:-1]
    assert is_lost(InternalError("Packet sequence number wrong - got 1 expected 2"))
    assert is_lost(ConnectionResetError())
    assert not is_lost(TimeoutError())


@pytest.mark.parametrize("version", ["5.7.44-log", "8.0.4-rc", "10.5.26-MariaDB", "5.5.5-10.5.26-MariaDB-log"])
def test_a_server_that_is_too_old_is_refused(version: str) -> None:
    with pytest.raises(UnavailableError, match=r"needs (MySQL 8\.0\.11|MariaDB 10\.6) or newer"):
        check_version(version, "host/talk")


@pytest.mark.parametrize(
    "version",
    ["8.0.11", "8.4.3-commercial", "9.1.0", "10.6.1-MariaDB", "5.5.5-10.11.8-MariaDB-0+deb12u1", "12.0.2-MariaDB"],
)
def test_a_server_that_is_new_enough_is_not(version: str) -> None:
    check_version(version, "host/talk")


def settings(url: str) -> MysqlSettings:
    return mysql_settings(url, timeout_seconds=1, pool=PoolSettings(), migrate=False)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InvalidSetting, match=r"unknown option 'ssl_mod'.*ssl_mode"):
        ThreadStore("mysql://user:secret@host/talk?ssl_mod=REQUIRED")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://user:secret@host", "names no database"),
        ("mysql://user:secret@host:x/talk", "port"),
        ("mysql://user:secret@host/talk?ssl_mode=perhaps", "VERIFY_IDENTITY"),
        ("mysql://user:secret@host/talk?ssl=perhaps", "neither true nor false"),
        ("mysql://user:secret@host/talk?connect_timeout=soon", "no number of seconds"),
        ("mysql://user:se@cret@host/talk", "%40"),
    ],
)
def test_a_url_that_is_wrong_says_where(url: str, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said) as caught:
        ThreadStore(url)

    assert "cret" not in str(caught.value)


async def test_a_certificate_that_cannot_be_read_is_no_setting() -> None:
    assert "ssl_ca" in await failure("mysql://u:secret@127.0.0.1:1/talk?ssl_ca=/no/such.pem", InvalidSetting)


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ("", "preferred"),
        ("ssl=true", "required"),
        ("ssl=false", "disabled"),
        ("ssl_ca=/ca.pem", "verify_identity"),
        ("ssl_ca=/ca.pem&ssl_check_hostname=false", "verify_ca"),
        ("ssl_cert=/cert.pem&ssl_key=/key.pem", "required"),
        ("ssl-mode=VERIFY_CA", "verify_ca"),
        ("unix_socket=/run/mysqld.sock", "disabled"),
    ],
)
def test_what_a_url_says_of_tls_is_understood(options: str, mode: str) -> None:
    assert settings(f"mysql://user@host/talk?{options}").tls.mode == mode


def test_every_part_of_a_url_is_understood() -> None:
    found = settings("mysql://m%C3%A9:p%40ss@one,two:3307,[::1]:3308/ta%20lk?connect_timeout=3&charset=latin1")

    assert (found.user, found.password, found.database) == ("mé", "p@ss", "ta lk")
    assert found.hosts == (("one", 3306), ("two", 3307), ("::1", 3308))
    assert (found.location, found.connect_seconds) == ("one,two:3307,[::1]:3308/ta lk", 3)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:secret@host/talk",
        "mysql+asyncmy://user:secret@host:3306/talk?charset=utf8mb4",
        "mariadb+pymysql://user:secret@host/talk?unix_socket=/run/mysqld.sock",
        "mysql:///talk?user=user&password=secret&unix_socket=/run/mysqld.sock",
    ],
)
def test_every_form_of_url_is_understood_and_masked(url: str) -> None:
    store = ThreadStore(url)

    assert not re.search("secret", repr(store))
    assert "***" in repr(store)
