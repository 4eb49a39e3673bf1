"""One directory on disk, held open so that no link below it leads elsewhere. Nothing here knows what a blob is."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .lock import locked

NO_FILE = -1
"""The size of what has a name and is no regular file."""

_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)
# A named pipe in the place of a file must not keep its reader waiting.
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
_MOUNT_POINT = 0xA0000003
"""IO_REPARSE_TAG_MOUNT_POINT: Windows' junction, a link that Python does not take for one."""

BY_DESCRIPTOR = bool(_NO_FOLLOW and _DIRECTORY) and {os.open, os.stat, os.mkdir, os.unlink, os.rename, os.link} <= (
    os.supports_dir_fd
)
"""Whether names are looked up in the open directory itself. Windows looks up whole paths, each step checked before."""


class UnexpectedEntryError(OSError):
    """A link, or something else that is none of ours, stands where a file or a folder of ours should be."""


class Folder:
    """An open directory. Names are single path components that the caller made; close it, or use it with `with`."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the directory at *path*, through links if there are any: it is the user's choice.

        Raises:
            FileNotFoundError, NotADirectoryError: There is none.
        """
        if BY_DESCRIPTOR:
            return cls(path, os.open(path, os.O_RDONLY | _DIRECTORY))
        if not stat.S_ISDIR(path.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(path))
        return cls(path, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory. More than once does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def enter(self, name: str) -> Folder:
        """Open the directory *name* inside this one.

        Raises:
            FileNotFoundError: There is none.
            UnexpectedEntryError: It is a link or a file.
        """
        path = self.path / name
        if self._descriptor is None:
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _MOUNT_POINT:
                raise UnexpectedEntryError(errno.ENOTDIR, "Not a directory, or a link to one", str(path))
            return Folder(path, None)
        try:
            return Folder(path, os.open(name, os.O_RDONLY | _DIRECTORY | _NO_FOLLOW, dir_fd=self._descriptor))
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise UnexpectedEntryError(errno.ENOTDIR, "Not a directory, or a link to one", str(path)) from error
            raise

    def make(self, name: str) -> bool:
        """Create the directory *name* for this user alone; return False if the name is taken."""
        try:
            os.mkdir(self._at(name), 0o700, dir_fd=self._descriptor)
        except FileExistsError:
            return False
        return True

    def names(self) -> list[str]:
        """Return what is in the directory, in no order."""
        place = self.path if self._descriptor is None else self._descriptor
        return os.listdir(place)  # noqa: PTH208 - pathlib lists no open directory

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None if there is nothing, NO_FILE for a link, a directory and the like."""
        with suppress(FileNotFoundError):
            found = self._look(name)
            return found.st_size if stat.S_ISREG(found.st_mode) else NO_FILE
        return None

    def modified_at(self, name: str) -> float:
        """Return when a file was last written to, in seconds since 1970."""
        return self._look(name).st_mtime

    def read(self, name: str) -> bytes:
        """Return the content of a regular file.

        Raises:
            FileNotFoundError: There is nothing of this name.
            UnexpectedEntryError: It is a link, a directory, a device or the like.
        """
        # Looking first is all that Windows can do; elsewhere the open file itself is looked at as well.
        if not stat.S_ISREG(self._look(name).st_mode):
            raise UnexpectedEntryError(errno.EINVAL, "Not a regular file", str(self.path / name))
        flags = os.O_RDONLY | _NO_FOLLOW | _NO_WAIT | _BINARY
        with os.fdopen(os.open(self._at(name), flags, dir_fd=self._descriptor), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnexpectedEntryError(errno.EINVAL, "Not a regular file", str(self.path / name))
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Write a new file for this user alone. It is on the disk when this returns; its name is once `sync` returned.

        Raises:
            FileExistsError: The name is taken.
            OSError: The disk is full, for instance. A part of the file may be there.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
        with os.fdopen(os.open(self._at(name), flags, 0o600, dir_fd=self._descriptor), "wb") as file:
            file.write(content)
            file.flush()
            _flush(file.fileno())

    def publish(self, name: str, to: Folder, new_name: str) -> bool:
        """Move a file without overwriting; return False if the name was taken; the file is gone from here then too.

        A file system without hard links (FAT, some network drives) overwrites what came between the look and the move.

        Raises:
            FileNotFoundError: There is no such file here.
        """
        try:
            os.link(self._at(name), to._at(new_name), src_dir_fd=self._descriptor, dst_dir_fd=to._descriptor)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise
            if to.size(new_name) is None:
                self.move(name, to, new_name)
                return True
        else:
            self.remove(name)
            return True
        self.remove(name)
        return False

    def move(self, name: str, to: Folder, new_name: str) -> None:
        """Move a file over what has the name there, in one step.

        Raises:
            FileNotFoundError: There is no such file here.
        """
        os.replace(self._at(name), to._at(new_name), src_dir_fd=self._descriptor, dst_dir_fd=to._descriptor)

    def remove(self, name: str) -> bool:
        """Remove a file; return whether it was there."""
        try:
            os.unlink(self._at(name), dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        return True

    def sync(self) -> None:
        """Wait until the names in the directory are on the disk. Windows offers no call for it."""
        if self._descriptor is None:
            return
        try:
            _flush(self._descriptor)
        except OSError as error:
            # Some network and user-space file systems cannot do it for a directory, and say so.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise

    def alone(self) -> AbstractContextManager[None]:
        """Keep out, for a moment, all other threads and processes that want to be alone here; see `locked`."""
        return locked(self.path, self._descriptor)

    def _look(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def _at(self, name: str) -> Path | str:
        return self.path / name if self._descriptor is None else name


def make_path(path: Path) -> None:
    """Create the directory *path* and those above it that are missing, for this user alone and on the disk."""
    if path.is_dir():
        return
    make_path(path.parent)
    with suppress(FileExistsError):
        path.mkdir(0o700)
    # One may create a directory in a place that one may not read.
    with suppress(PermissionError), Folder.open(path.parent) as above:
        above.sync()


def _flush(descriptor: int) -> None:
    """Wait until a file is on the disk."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - other platforms do without it

        # macOS' fsync leaves the bytes in the drive's cache.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
