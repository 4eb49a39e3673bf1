"""Which database a command works on, and how it is opened: never made by a command that only reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from keepthread.errors import InvalidSetting, UnavailableError

from .render import program, quoted, say

if TYPE_CHECKING:
    from keepthread.store import ThreadStore

T = TypeVar("T")

_FROM_OPTION = "--db"
_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stood before the command."""

    db: str | None = None
    tenant: str | None = None

    def command(self, *words: str) -> str:
        """Return a command that a person can paste, for the same database and tenant, once a password is filled in."""
        from keepthread.store.url import masked

        chosen = [("--db", self.db and masked(self.db)), ("--tenant", self.tenant)]
        options = [f"{name} {quoted(value)}" for name, value in chosen if value is not None]
        return " ".join([program(), *options, *map(quoted, words)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database, before it is opened."""

    url: str
    source: str
    """What named it: "--db", a variable, or "default"."""
    path: Path | None
    """Its file; None where it is none."""
    dialect: str

    @property
    def is_memory(self) -> bool:
        """Whether it is gone when the command ends."""
        return self.dialect == "memory"

    @property
    def is_server(self) -> bool:
        """Whether it is a server's."""
        return self.path is None and not self.is_memory

    @property
    def masked_url(self) -> str:
        """Its URL with the password, if any, as ***."""
        from keepthread.store.url import masked

        return masked(self.url)

    @property
    def named_by(self) -> str:
        """Which setting named it, for a person."""
        return _named_by(self.source)

    @property
    def exists(self) -> bool:
        """Whether there is something to open. An empty file is none: opening it would make tables in it."""
        return self.path is None or (self.path.exists() and (self.path.is_dir() or self.path.stat().st_size > 0))


def _named_by(source: str) -> str:
    return "the default, as no setting names another" if source == _DEFAULT else f"named by {source}"


def place_of(options: Options) -> Place:
    """Return the database that the command line or the environment names.

    Raises:
        InvalidSetting: It cannot be understood. The message says which setting named it.
    """
    from keepthread.store.environment import Setting, database_setting, environment

    setting = Setting(options.db, _FROM_OPTION) if options.db is not None else database_setting(environment())
    return place_at(setting.value, setting.source)


def place_at(url: str, source: str) -> Place:
    """Return the database at *url*, which *source* named.

    Raises:
        InvalidSetting: It cannot be understood.
    """
    from keepthread.store.url import parse

    try:
        parsed = parse(url)
    except InvalidSetting as error:
        raise InvalidSetting(f"{error.message} It is {_named_by(source)}.", hint=error.hint) from error
    return Place(url=url, source=source, path=parsed.path, dialect=parsed.dialect)


def store_of(options: Options, *, migrate: bool = False) -> ThreadStore:
    """Return the store of the database and the tenant, not open yet, for a command that reads no files."""
    from keepthread import ThreadStore
    from keepthread.store.environment import environment, pool_settings

    # As for files: what the environment says of a pool belongs to the database of the environment.
    pool = pool_settings(environment()) if options.db is None else None
    store = ThreadStore(place_of(options).url, pool=pool, migrate=migrate)
    return store if options.tenant is None else store.for_tenant(options.tenant)


async def open_store(options: Options, *, create: bool = False) -> ThreadStore:
    """Open the database, or with *create* make it, and return the store of the tenant.

    Files are where KEEPTHREAD_FILES says, unless `--db` names the database: then they are beside it, for the variable
    belongs to the database of the environment.

    Raises:
        UnavailableError: There is none, and nothing was made; or it cannot be opened.
    """
    from keepthread import ThreadStore

    place = place_of(options)
    if not create:
        check_exists(options, place)
        # Opening a server's database makes its tables if it has none. A command that only reads looks first.
        if place.is_server and (plan := await store_of(options).plan_migration()).is_new:
            raise UnavailableError(
                f"There are no tables of keepthread in {plan.location}, {place.named_by}.",
                hint=f"Make them with `{options.command('init')}`, or name another one with --db.",
            )
    if place.is_memory:
        say("A database in memory is empty, and is gone when this command ends.")
    store = await (ThreadStore.from_env() if options.db is None else ThreadStore.create(options.db))
    return store if options.tenant is None else store.for_tenant(options.tenant)


def check_exists(options: Options, place: Place) -> None:
    """See that there is something to open.

    Raises:
        UnavailableError: There is no file, or it is empty.
    """
    if not place.exists:
        raise UnavailableError(
            f"There is no database at {str(place.path)!r}, {place.named_by}.",
            hint=f"Make it with `{options.command('init')}`, or name another one with --db.",
        )


@asynccontextmanager
async def opened(options: Options, *, create: bool = False) -> AsyncGenerator[ThreadStore]:
    """Open the database for one command. See open_store."""
    store = await open_store(options, create=create)
    try:
        yield store
    finally:
        await store.close()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run the asynchronous part of a command. asyncio is imported here: --help would pay for it."""
    import asyncio

    return asyncio.run(coroutine)
