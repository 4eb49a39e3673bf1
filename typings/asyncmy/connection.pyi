import asyncio
import ssl as tls
from collections.abc import Callable, Mapping, Sequence
from typing import Any

class MySQLResult:
    rows: tuple[tuple[Any, ...], ...] | None
    has_next: int

class PreparedStatement:
    async def execute(self, args: Sequence[Any] = ()) -> MySQLResult: ...
    async def close(self) -> None: ...

class Cursor:
    async def execute(self, query: str) -> int: ...
    async def fetchall(self) -> Sequence[tuple[Any, ...]]: ...

class Connection:
    server_capabilities: int
    _client_flag: int
    _ssl_context: tls.SSLContext | None
    _result: MySQLResult | None
    _transport: asyncio.Transport | None
    def __init__(
        self,
        *,
        host: str | None = None,
        port: int = 0,
        unix_socket: str | None = None,
        user: str | None = None,
        password: str | bytes = "",
        database: str | None = None,
        conv: Mapping[Any, Callable[..., Any]] | None = None,
        connect_timeout: float = 10,
        autocommit: bool | None = False,
        program_name: str | None = None,
        ssl: tls.SSLContext | None = None,
    ) -> None: ...
    @property
    def _stream_broken(self) -> bool: ...
    async def _get_server_information(self) -> None: ...
    async def connect(self) -> Any: ...
    async def ensure_closed(self) -> None: ...
    async def query(self, sql: str | bytes) -> int: ...
    async def next_result(self) -> int: ...
    def cursor(self) -> Cursor: ...
    async def prepare(self, query: str | bytes) -> PreparedStatement: ...
