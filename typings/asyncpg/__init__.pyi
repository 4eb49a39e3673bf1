# What keepthread and its tests use of asyncpg, which brings no types for pyright.
import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from . import exceptions as exceptions
from .exceptions import InterfaceError as InterfaceError
from .exceptions import PostgresError as PostgresError

Row: TypeAlias = Sequence[Any]

class Connection:
    def __init__(
        self, protocol: Any, transport: Any, loop: asyncio.AbstractEventLoop, addr: Any, config: Any, params: Any
    ) -> None: ...
    def __del__(self) -> None: ...
    async def fetch(self, query: str, *arguments: Any) -> list[Row]: ...
    async def fetchval(self, query: str, *arguments: Any) -> Any: ...
    async def execute(self, query: str, *, timeout: float | None = None) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None: ...
    async def close(self, *, timeout: float | None = None) -> None: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...

async def connect(
    dsn: str,
    *,
    timeout: float = 60,
    command_timeout: float | None = None,
    statement_cache_size: int = 100,
    max_cached_statement_lifetime: int = 300,
    server_settings: dict[str, str] | None = None,
    connection_class: type[Connection] = ...,
) -> Connection: ...
