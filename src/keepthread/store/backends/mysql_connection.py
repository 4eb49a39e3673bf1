"""A connection to a MySQL or MariaDB server, as the pool and the transactions see it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence

from asyncmy import connection as driver
from asyncmy import errors as my
from asyncmy.constants.CLIENT import SSL
from asyncmy.constants.FIELD_TYPE import VAR_STRING
from asyncmy.converters import conversions

from keepthread.errors import TooLargeError

from .base import DuplicateKey
from .mysql_errors import DUPLICATE_KEY, code, no_tls
from .mysql_settings import MysqlSettings
from .mysql_tx import Bound, Row

_BEYOND_LOCKS_SECONDS = 5.0
"""The server's own limit on waiting for a lock comes first: it says what happened."""
_OVERHEAD_BYTES = 1024
"""What the protocol adds to a packet, and to each text beside a statement, with a wide margin."""


def _text(value: str | bytes) -> str:
    """Ids are text that is compared byte by byte: the driver takes them for bytes."""
    return value if isinstance(value, str) else value.decode()


_CONVERSIONS = {**conversions, VAR_STRING: _text}


class MysqlConnection:
    """See mysql_tx.Connection. It knows how large a packet may be, and how long one may take."""

    def __init__(self, settings: MysqlSettings, tls: ssl.SSLContext | None, host: str, port: int) -> None:
        """Connect to nothing yet."""
        self._wire = _Wire(settings, tls, host, port)
        self._most_seconds = settings.timeout_seconds + _BEYOND_LOCKS_SECONDS
        self.most_bytes = 1024 * 1024
        """The largest packet that the server takes. It says so itself, in a packet that is smaller than any limit."""

    async def open(self) -> None:
        """Connect, and log in."""
        await self._wire.connect()

    async def run(self, *bound: Bound, seconds: float | None = None) -> list[Sequence[Row]]:
        """See mysql_tx.Connection.run."""
        found: list[Sequence[Row]] = []
        try:
            for packet in _packets(bound, self.most_bytes - _OVERHEAD_BYTES):
                async with asyncio.timeout(seconds or self._most_seconds):
                    found += await self._wire.fetch(packet)
        except my.IntegrityError as error:
            if code(error) != DUPLICATE_KEY:
                raise
            raise DuplicateKey from error
        return found

    def is_closed(self) -> bool:
        """See Poolable."""
        return self._wire.is_broken

    def terminate(self) -> None:
        """See Poolable."""
        self._wire.abort()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - Poolable's
        """See Poolable."""
        async with asyncio.timeout(timeout):
            await self._wire.ensure_closed()


class _Wire(driver.Connection):
    """The driver's connection, with what it does not offer itself."""

    def __init__(self, settings: MysqlSettings, tls: ssl.SSLContext | None, host: str, port: int) -> None:
        super().__init__(
            host=host,
            port=port,
            unix_socket=settings.unix_socket,
            user=settings.user,
            # As bytes: the driver takes text for Latin-1.
            password=settings.password.encode(),
            database=settings.database,
            conv=_CONVERSIONS,
            autocommit=True,
            program_name="keepthread",
            ssl=tls,
            # Who opens it has a limit for all of it, which comes first: a server may accept and then never speak.
            connect_timeout=settings.connect_seconds + 1,
        )
        self._settings = settings

    async def _get_server_information(self) -> None:
        """Hear what the server can do. The driver would begin TLS with one that has none, and wait for it."""
        await super()._get_server_information()
        if self._ssl_context is not None and not self.server_capabilities & SSL:
            if self._settings.tls.mode != "preferred":
                raise no_tls(self._settings.location)
            self._ssl_context = None
            self._client_flag &= ~SSL

    async def fetch(self, packet: Bound) -> list[Sequence[Row]]:
        """Run the statements of a packet, and return the rows of those that have any."""
        if packet.beside:
            return await self._fetch_prepared(packet)
        # No cursor: for a warning it would ask the server once more, and log what that says, which may quote a message.
        found: list[Sequence[Row]] = []
        await self.query(packet.sql)
        while self._result is not None:
            if self._result.rows is not None:
                found.append(self._result.rows)
            if not self._result.has_next:
                break
            await self.next_result()
        return found

    async def _fetch_prepared(self, packet: Bound) -> list[Sequence[Row]]:
        prepared = await self.prepare(packet.sql)
        try:
            result = await prepared.execute(packet.beside)
        finally:
            if not self.is_broken:
                await prepared.close()
        return [] if result.rows is None else [result.rows]

    @property
    def is_broken(self) -> bool:
        """Whether either side has closed it."""
        return self._stream_broken

    def abort(self) -> None:
        """Close it at once, whatever it does."""
        if self._transport is not None:
            self._transport.abort()


def _packets(bound: Sequence[Bound], most: int) -> Iterator[Bound]:
    """Put statements that follow each other into packets of at most *most* bytes.

    Raises:
        TooLargeError: One does not fit. What comes before it was handed out.
    """
    together: list[bytes] = []
    size = 0
    for one in bound:
        if one.size > most:
            raise too_large(one.size, most)
        if together and (one.beside or size + one.size > most):
            yield Bound(b"; ".join(together))
            together, size = [], 0
        if one.beside:
            yield one
        else:
            together.append(one.sql)
            size += one.size + 2
    if together:
        yield Bound(b"; ".join(together))


def too_large(size: int, most: int) -> TooLargeError:
    """Return the error for what no packet of the server holds."""
    return TooLargeError(
        f"A statement of {size} bytes is more than the server's packets hold, which is {most}. Nothing was written.",
        limit=most,
        size=size,
        hint="Raise the server's max_allowed_packet, or attach what is large as a file.",
    )
