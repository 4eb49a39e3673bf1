"""What a refused system call means to a person."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from keepthread.errors import FullError, KeepthreadError, UnavailableError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_HINTS = {
    errno.EACCES: "Give this process the right to read and write it, or choose another folder.",
    errno.EPERM: "Give this process the right to read and write it, or choose another folder.",
    errno.EROFS: "Its file system is mounted read-only: choose another folder, or mount it for writing.",
    errno.ENOTDIR: "Something other than a folder, or a link to one, is in its path: move that away.",
    errno.EEXIST: "Something other than a folder is in its place: move that away.",
    errno.ELOOP: "A symbolic link is in its path, and links are not followed: move it away.",
    errno.ENOENT: "Something removed it while it was used.",
    errno.EMFILE: "This process has too many files open: raise its limit (ulimit -n).",
    errno.ENFILE: "The machine has too many files open.",
    errno.EIO: "The drive, or the connection to it, is failing: look into the system's log.",
    errno.EXDEV: "A part of it is on another file system: keep it on one.",
    errno.ENAMETOOLONG: "Its path is too long: choose a shorter one.",
}


@contextmanager
def as_ours(base: Path) -> Generator[None]:
    """Translate the operating system's errors about the folder *base*.

    Raises:
        FullError: There is no space left, or the user's quota is used up.
        UnavailableError: Anything else.
    """
    try:
        yield
    except OSError as error:
        # UnavailableError is an OSError itself, by way of ConnectionError.
        if isinstance(error, KeepthreadError):
            raise
        code = error.errno or 0
        if code in _FULL:
            raise FullError(
                f"There is no space left for files in {str(base)!r}.",
                hint="Free some, or raise the quota; then the same call works.",
            ) from error
        reason = error.strerror or type(error).__name__
        raise UnavailableError(
            f"The folder {str(base)!r} of the file store cannot be used: {_place(error, base)}{reason}.",
            hint=_HINTS.get(code, ""),
        ) from error


def _place(error: OSError, base: Path) -> str:
    """Which part of the folder is meant, where that says more than the folder itself."""
    name = error.filename if isinstance(error.filename, str) else ""
    return f"{name!r}: " if name and name != str(base) else ""
