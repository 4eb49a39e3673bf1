"""What is MySQL's and MariaDB's alone: packets that end somewhere, literals, and steps that commit halfway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from asyncmy.errors import MySQLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keepthread.errors import BusyError, SchemaError, TooLargeError, UnavailableError
from keepthread.model import Thread
from keepthread.store import PoolSettings, ThreadStore
from keepthread.store.backends.mysql_engine import MysqlEngine
from keepthread.store.backends.mysql_schema import script, upgrade
from keepthread.store.backends.mysql_settings import mysql_settings
from keepthread.store.backends.mysql_tx import Bound, Connection, Row, Statement
from keepthread.store.migrate import migrations
from keepthread.testing.arrange import say, stored, talk

from . import mysql_server

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody knows, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    written = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + written)
    return path


@pytest.fixture(scope="module")
def own_server(certificate: Path) -> str:
    """A server with settings of its own: small packets, less than full durability, and TLS."""
    given_up = ["--innodb-flush-log-at-trx-commit=2", "--log-bin", "--sync-binlog=0"]
    return mysql_server.started(
        *given_up, "--max-allowed-packet=2M", f"--ssl-cert={certificate}", f"--ssl-key={certificate}"
    )


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Connection]:
    """A connection such as a store has."""
    engine = MysqlEngine(mysql_settings(url, timeout_seconds=5, pool=PoolSettings(), migrate=False))
    async with engine.pool.lend() as connection:
        yield connection
    await engine.pool.close()


@pytest.fixture
async def connection(mysql: str) -> AsyncIterator[Connection]:
    """One to a database that has its tables."""
    async with ThreadStore(mysql), connected(mysql) as connection:
        yield connection


async def test_a_server_that_gives_up_durability_is_named(own_server: str, caplog: pytest.LogCaptureFixture) -> None:
    async with ThreadStore(own_server) as store:
        status = await store.status()

    assert status.durability == "innodb_flush_log_at_trx_commit=2, sync_binlog=0"
    assert "sync_binlog=0" in caplog.text


async def test_what_no_packet_of_the_server_holds_is_too_large_and_fails_nobody_else(own_server: str) -> None:
    async with ThreadStore(own_server) as store:
        for name in ("small", "large"):
            await store.save_thread(Thread(id=name))

        outcomes = await asyncio.gather(
            *(store.append("small", say(f"{n}")) for n in range(10)),
            *(store.append("large", say("x" * 3 * MIB, id=f"{n}")) for n in range(2)),
            store.update_thread("large", title="'" * 3 * MIB),
            return_exceptions=True,
        )

        assert [isinstance(outcome, TooLargeError) for outcome in outcomes] == [False] * 10 + [True] * 3
        assert "max_allowed_packet" in str(outcomes[-1])
        assert await stored(store, "small") == [f"{n}" for n in range(10)]
        assert await stored(store, "large") == []


async def test_turns_that_one_packet_does_not_hold_go_in_several(own_server: str) -> None:
    async with ThreadStore(own_server) as store:
        await talk(store, thread_id="whole")
        texts = [letter * (MIB // 3) for letter in "'a\\bcdef"]

        await asyncio.gather(*(store.append("whole", say(text, id=text[0])) for text in texts))
        await store.append("at once", [say(text, id=text[0]) for text in texts[:4]], create=True)

        assert await stored(store, "whole") == texts
        assert await stored(store, "at once") == texts[:4]


@pytest.mark.parametrize("character", ["'", "\\", "\N{BLACK HEART SUIT}"])
async def test_ten_mebibytes_of_anything_fit_into_the_packets_of_a_server_as_it_comes(
    mysql: str, character: str
) -> None:
    text = character * ((10 * MIB - 16) // len(character.encode()))
    async with ThreadStore(mysql) as store:
        await store.append("t", say(text, id="a"), create=True)
        await store.edit_message("t", "a", content=text[1:])

        assert await stored(store) == [text[1:]]


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "PIPES_AS_CONCAT"])
async def test_a_literal_is_what_it_was_in_every_mode_of_the_server(connection: Connection, mode: str) -> None:
    texts = ["", "plain", "it's", "\\", "\\'", "' OR 1 = 1 -- ", '"', "`", "%s ? :a", "\n\r\t\x1a", "é 漢 😀", "x'41'"]
    values = {f"v{number}": text for number, text in enumerate(texts)}

    await connection.run(Statement("SET SESSION sql_mode = :mode").bind({"mode": mode}))
    found = await connection.run(Statement(f"SELECT {', '.join(f':{name}' for name in values)}").bind(values))

    assert list(found[0][0]) == texts


@pytest.mark.parametrize("options", ["", "ssl=true", "ssl_mode=VERIFY_CA", "ssl_mode=VERIFY_IDENTITY"])
async def test_a_server_with_tls_is_spoken_to_in_secret(own_server: str, certificate: Path, options: str) -> None:
    place = own_server.replace("127.0.0.1", "localhost")
    trusted = f"ssl_ca={certificate}" if "VERIFY" in options else ""

    async with connected(f"{place}?{options}&{trusted}") as connection:
        found = await connection.run(Bound(b"SHOW SESSION STATUS LIKE 'Ssl_version'"))

    assert found[0][0][1].startswith("TLS")


@pytest.mark.parametrize("options", ["ssl_mode=VERIFY_CA", "ssl_ca={certificate}"])
async def test_a_certificate_of_somebody_else_is_refused(own_server: str, certificate: Path, options: str) -> None:
    with pytest.raises(UnavailableError, match=r"A TLS connection .* could not be made"):
        async with connected(f"{own_server}?{options.format(certificate=certificate)}"):
            pass


async def test_tls_is_left_out_where_it_is_not_wanted(own_server: str) -> None:
    async with connected(f"{own_server}?ssl_mode=DISABLED") as connection:
        assert await connection.run(Bound(b"SHOW SESSION STATUS LIKE 'Ssl_version'")) == [(("Ssl_version", ""),)]


async def test_a_socket_in_the_file_system_is_as_good_as_a_port(own_server: str) -> None:
    ((socket,),) = await mysql_server.fetch(own_server, "SELECT @@socket")

    async with connected(f"mysql:///test?user=root&unix_socket={socket}") as connection:
        assert await connection.run(Bound(b"SELECT @@socket")) == [((socket,),)]


async def test_the_first_of_several_hosts_that_takes_writes_is_taken(own_server: str, mysql: str) -> None:
    name = urlsplit(mysql).path.removeprefix("/")
    await mysql_server.execute(own_server, f"CREATE DATABASE {name}", "SET GLOBAL read_only = 1")
    try:
        places = ",".join(["127.0.0.1:1", *(urlsplit(url).netloc.rpartition("@")[2] for url in (own_server, mysql))])
        async with ThreadStore(urlsplit(mysql)._replace(netloc=f"root@{places}").geturl()) as store:
            await talk(store, "a")
    finally:
        await mysql_server.execute(own_server, "SET GLOBAL read_only = 0")

    assert await mysql_server.fetch(mysql, "SELECT id FROM kt_threads") == ((b"t",),)


class Interrupted(Exception):
    """Somebody pulled the plug."""


class Plug:
    """A connection that does so many things, and then no more."""

    def __init__(self, connection: Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        self.terminate = connection.terminate
        self.close = connection.close

    def is_closed(self) -> bool:
        return self._most < 0

    async def run(self, *bound: Bound, seconds: float | None = None) -> list[Sequence[Row]]:
        self._most -= 1
        if self._most < 0:
            raise Interrupted
        return await self._connection.run(*bound, seconds=seconds)


LEASE_ENDS = Bound(b"UPDATE kt_lease SET until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")


async def test_a_migration_that_is_interrupted_anywhere_is_completed_by_the_next(connection: Connection) -> None:
    await connection.run(Bound(b"DROP TABLE kt_meta, kt_migrations, kt_lease"))
    interruptions = 0
    while True:
        try:
            # Before the first thing, after it, after the second: until it gets to its end.
            await upgrade(Plug(connection, interruptions), "here", holder=f"{interruptions}", allowed=True, seconds=0)
        except Interrupted:
            interruptions += 1
            with suppress(MySQLError):  # in the beginning there is no lease
                await connection.run(LEASE_ENDS)
        else:
            break

    assert interruptions > 15
    records = await connection.run(Bound(b"SELECT version FROM kt_migrations; SELECT name FROM kt_meta"))
    assert records == [tuple((step.version,) for step in migrations("mysql")), (("store_id",),)]


async def test_a_migrator_whose_lease_another_one_took_stops(connection: Connection) -> None:
    await connection.run(Bound(b"DELETE FROM kt_migrations"), LEASE_ENDS)
    taken = Bound(b"UPDATE kt_lease SET holder = 'other', until = UTC_TIMESTAMP(6) + INTERVAL 60 SECOND")

    class Overtaken(Plug):
        async def run(self, *bound: Bound, seconds: float | None = None) -> list[Sequence[Row]]:
            if b"kt_revisions" in bound[0].sql:
                await connection.run(taken)
            return await super().run(*bound, seconds=seconds)

    with pytest.raises(BusyError, match="took over"):
        await upgrade(Overtaken(connection, 100), "here", holder="first", allowed=True, seconds=0)
    with pytest.raises(BusyError, match="longer than the timeout"):
        await upgrade(connection, "here", holder="second", allowed=True, seconds=0)

    assert await connection.run(Bound(b"SELECT version FROM kt_migrations")) == [()]
    await connection.run(LEASE_ENDS)
    await upgrade(connection, "here", holder="second", allowed=True, seconds=0)


async def test_a_plan_that_was_run_by_hand_is_all_there_is_to_do() -> None:
    with mysql_server.new_database() as url:
        async with connected(url) as connection:
            await connection.run(Bound(script(migrations("mysql")).encode()))

        async with ThreadStore(url) as store:
            await talk(store, "a")
            assert (await store.status()).pending == []


async def test_a_table_of_somebody_else_is_not_touched() -> None:
    with mysql_server.new_database() as url:
        await mysql_server.execute(url, "CREATE TABLE kt_migrations (id INTEGER)")

        with pytest.raises(SchemaError, match="not keepthread's"):
            await ThreadStore.create(url)

        assert await mysql_server.fetch(url, "SHOW TABLES") == (("kt_migrations",),)
