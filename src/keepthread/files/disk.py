"""Bytes in a folder, written so that neither a crash nor a second writer leaves less than whole files.

    <base>/<digest of the tenant>/<2 digits of the hash>/<the other 62>
    <base>/tmp/                 what is being written
    <base>/quarantine/          what is being discarded
    <base>/.keepthread-store    the id of the database that it belongs to

No name in it comes from a user. Links inside it are not followed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

from keepthread.errors import CorruptError, ForeignDatabaseError

from .backing import Backing
from .disk_errors import as_ours
from .folder import Folder, UnexpectedEntryError, make_path
from .tally import Tally

_TEMPORARY = "tmp"
_QUARANTINE = "quarantine"
_STAMP = ".keepthread-store"
_TENANT = re.compile("[0-9a-f]{32}")

_ABANDONED_SECONDS = 3600
"""Nobody takes as long to write a file, so one that was not touched since belongs to a process that died."""

_MAX_KNOWN_FOLDERS = 10_000


def _tenant_folder(tenant: str) -> str:
    return blake2b(tenant.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _hidden_prefix(tenant: str, sha256: str) -> str:
    return f"{_tenant_folder(tenant)}-{sha256}-"


def _hidden_in(quarantine: Folder, tenant: str, sha256: str) -> list[str]:
    prefix = _hidden_prefix(tenant, sha256)
    return [name for name in quarantine.names() if name.startswith(prefix)]


class Disk(Backing):
    """A folder. Several processes and threads may use it at once."""

    def __init__(self, base: Path, max_total_bytes: int | None) -> None:
        self.base = base
        self._tally = Tally(max_total_bytes, self._count)
        self._known: set[tuple[str, ...]] = set()
        """Folders whose own name is known to be on the disk, whoever created them."""
        self._next_sweep = 0.0

    def open(self) -> None:
        """Create the folder, and see that it is one."""
        with as_ours(self.base), self._folder(make=True):
            pass

    def put(self, tenant: str, sha256: str, content: bytes) -> None:
        """Write a file, or find one of the same size; another size is damage, and is written anew."""
        self._sweep()
        with as_ours(self.base), self._leaf(tenant, sha256, make=True) as leaf:
            stored = leaf.size(sha256[2:])
            if stored == len(content):
                # Its writer may be in another process, and not have come to this line yet.
                leaf.sync()
                return
            added = 0
            self._tally.take(len(content))
            try:
                if self._store(content, leaf, sha256[2:], over=stored is not None):
                    added = len(content) - max(stored or 0, 0)
            finally:
                self._tally.settle(len(content), added)

    def get(self, tenant: str, sha256: str) -> bytes | None:
        """Read the file."""
        with as_ours(self.base):
            content = self._read(tenant, sha256)
            # It may be hidden once more before it is read: then somebody else's discard went on meanwhile.
            while content is None and self._reveal(tenant, sha256) is not None:
                content = self._read(tenant, sha256)
            return content

    def exists(self, tenant: str, sha256: str) -> bool:
        """Look for a regular file of the name."""
        with as_ours(self.base):
            size = self._size(tenant, sha256)
            if size is None:
                size = self._reveal(tenant, sha256)
            return size is not None and size >= 0

    def hide(self, tenant: str, sha256: str) -> Sequence[str]:
        """Move the file into quarantine."""
        # Folders are never removed: without one for the tenant and the hash, nothing was ever stored there.
        with as_ours(self.base), suppress(FileNotFoundError), self._leaf(tenant, sha256) as leaf:
            with self._folder(_QUARANTINE, make=True) as quarantine, quarantine.alone():
                with suppress(FileNotFoundError):
                    leaf.move(sha256[2:], quarantine, f"{_hidden_prefix(tenant, sha256)}{uuid4().hex}")
                hidden = _hidden_in(quarantine, tenant, sha256)
            # What is removed must not be back under its name after a power failure.
            leaf.sync()
            return hidden
        return []

    def show(self, tenant: str, sha256: str, hidden: Sequence[str]) -> None:
        """Move it back."""
        with (
            as_ours(self.base),
            self._folder(_QUARANTINE) as quarantine,
            self._leaf(tenant, sha256) as leaf,
            quarantine.alone(),
        ):
            self._restore(quarantine, hidden, leaf, sha256)

    def drop(self, tenant: str, sha256: str, hidden: Sequence[str]) -> bool:
        """Unlink it."""
        with as_ours(self.base), self._folder(_QUARANTINE) as quarantine:
            with quarantine.alone():
                for name in hidden:
                    size = quarantine.size(name)
                    if quarantine.remove(name):
                        self._tally.lose(max(size or 0, 0))
                gone = self._size(tenant, sha256) is None and not _hidden_in(quarantine, tenant, sha256)
            quarantine.sync()
            return gone

    def claim(self, store_id: str) -> None:
        """Write the stamp, or compare it."""
        with as_ours(self.base), self._folder(make=True) as base:
            if base.size(_STAMP) is None:
                self._store(f"{store_id}\n".encode(), base, _STAMP)
            owner = base.read(_STAMP).decode(errors="replace").strip()
        if owner != store_id:
            raise ForeignDatabaseError(
                f"The folder {str(self.base)!r} keeps the files of another database, {owner[:64]!r}.",
                hint=f"Use a folder of its own for this one. If the other is gone for good, delete {_STAMP} in it.",
            )

    def total_bytes(self) -> int:
        """Walk the whole folder."""
        with as_ours(self.base):
            return self._tally.recount()

    @contextmanager
    def _folder(self, *names: str, make: bool = False) -> Generator[Folder]:
        """Open a folder below the base, step by step; *make* creates what is missing, durably."""
        if make:
            make_path(self.base)
        folder = Folder.open(self.base)
        try:
            for depth, name in enumerate(names, 1):
                if make:
                    self._make(folder, names[:depth])
                inner = folder.enter(name)
                folder.close()
                folder = inner
            yield folder
        finally:
            folder.close()

    def _make(self, outer: Folder, path: tuple[str, ...]) -> None:
        # Who finds a folder cannot know whether its creator has come to syncing it, so each process does it once.
        if outer.make(path[-1]) or path not in self._known:
            outer.sync()
            if len(self._known) >= _MAX_KNOWN_FOLDERS:
                self._known.clear()
            self._known.add(path)

    @contextmanager
    def _leaf(self, tenant: str, sha256: str, *, make: bool = False) -> Generator[Folder]:
        with self._folder(_tenant_folder(tenant), sha256[:2], make=make) as leaf:
            yield leaf

    def _store(self, content: bytes, to: Folder, name: str, *, over: bool = False) -> bool:
        """Write a file under a temporary name and publish it; return whether it is ours that stands there now."""
        with self._folder(_TEMPORARY, make=True) as temporary:
            draft = uuid4().hex
            published = True
            try:
                temporary.write(draft, content)
                if over:
                    temporary.move(draft, to, name)
                else:
                    published = temporary.publish(draft, to, name)
            except BaseException:
                with suppress(OSError):
                    temporary.remove(draft)
                raise
        to.sync()
        return published

    def _read(self, tenant: str, sha256: str) -> bytes | None:
        try:
            with self._leaf(tenant, sha256) as leaf:
                if leaf.size(sha256[2:]) is None:
                    return None
                try:
                    return leaf.read(sha256[2:])
                except UnexpectedEntryError as error:
                    raise CorruptError(
                        f"In the place of the file with SHA-256 {sha256} stands {error.filename!r}, which is no file.",
                        hint="A link is not followed. Remove it and put the file back from a backup.",
                    ) from error
        except FileNotFoundError:
            return None

    def _size(self, tenant: str, sha256: str) -> int | None:
        with suppress(FileNotFoundError), self._leaf(tenant, sha256) as leaf:
            return leaf.size(sha256[2:])
        return None

    def _reveal(self, tenant: str, sha256: str) -> int | None:
        """Show hidden bytes again; return the size of what is there then, None if nothing is.

        Only this can tell that nothing is there: without keeping others out, bytes may be shown while one looks into
        the quarantine, and hidden while one looks outside of it.
        """
        with (
            suppress(FileNotFoundError),
            self._folder(_QUARANTINE) as quarantine,
            self._leaf(tenant, sha256) as leaf,
            quarantine.alone(),
        ):
            if leaf.size(sha256[2:]) is None:
                self._restore(quarantine, _hidden_in(quarantine, tenant, sha256), leaf, sha256)
            return leaf.size(sha256[2:])
        return None

    def _restore(self, quarantine: Folder, hidden: Sequence[str], leaf: Folder, sha256: str) -> None:
        for name in hidden:
            size = quarantine.size(name)
            with suppress(FileNotFoundError):
                if not quarantine.publish(name, leaf, sha256[2:]):
                    self._tally.lose(max(size or 0, 0))

    def _sweep(self) -> None:
        """Remove what a killed process was writing, at most once an hour."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + _ABANDONED_SECONDS
        # Tidying up is not what the caller waits for, so it fails in silence and is tried again later.
        with suppress(OSError), self._folder(_TEMPORARY) as temporary:
            for name in temporary.names():
                with suppress(FileNotFoundError):
                    if time.time() - temporary.modified_at(name) > _ABANDONED_SECONDS:
                        temporary.remove(name)

    def _count(self) -> int:
        """Add up the sizes of all blobs, hidden ones as well. What vanishes meanwhile does not count."""
        total = 0
        with suppress(FileNotFoundError), self._folder() as base:
            for outer in base.names():
                if outer == _QUARANTINE:
                    total += self._count_files(outer)
                elif _TENANT.fullmatch(outer):
                    with suppress(FileNotFoundError, UnexpectedEntryError), self._folder(outer) as tenant:
                        total += sum(self._count_files(outer, inner) for inner in tenant.names())
        return total

    def _count_files(self, *names: str) -> int:
        # A file manager may have left a file of its own among the folders.
        with suppress(FileNotFoundError, UnexpectedEntryError), self._folder(*names) as folder:
            return sum(max(folder.size(name) or 0, 0) for name in folder.names())
        return 0
