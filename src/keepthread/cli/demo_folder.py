"""The folder of the demo: made by us, replaced and removed only if it was."""

from __future__ import annotations

import shutil
from pathlib import Path

from keepthread.errors import InvalidSetting, UnavailableError

_MARKER = "about-this-folder.txt"
_FIRST_LINE = "This folder was made by `keepthread demo`, which replaces it, and by no other program."
_DATABASE = "conversations.db"


def prepare(folder: Path) -> Path:
    """Make the folder, or empty the one of an earlier demo, and return the path of the database to be.

    Raises:
        InvalidSetting: There is something that no demo made. It was not touched.
        UnavailableError: The folder cannot be written to.
    """
    _check_ours(folder)
    try:
        _empty(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = f"{_FIRST_LINE}\n`keepthread demo {folder} --clean` removes it.\n"
        (folder / _MARKER).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unusable(folder, error) from error
    return folder / _DATABASE


def clean(folder: Path) -> bool:
    """Remove what a demo left, and the folder unless something else is in it; return whether there was a folder.

    Raises:
        InvalidSetting: No demo made it. It was not touched.
        UnavailableError: It cannot be removed.
    """
    _check_ours(folder)
    if not folder.exists():
        return False
    try:
        _empty(folder)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise _unusable(folder, error) from error
    return True


def _check_ours(folder: Path) -> None:
    try:
        is_empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        is_ours = is_empty or (folder / _MARKER).read_text(encoding="utf-8").startswith(_FIRST_LINE)
    except (OSError, UnicodeDecodeError):
        is_ours = False
    if not is_ours:
        raise InvalidSetting(
            f"{str(folder)!r} exists, and no demo made it. It was not touched.",
            hint="Name another folder: keepthread demo FOLDER",
        )


def _empty(folder: Path) -> None:
    """Remove a demo's own files only: somebody may have put others beside them."""
    for entry in [*folder.glob(f"{_DATABASE}*"), folder / _MARKER]:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)


def _unusable(folder: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"The folder {str(folder)!r} cannot be used: {error.strerror or error}.",
        hint="Close what uses it, or name another one: keepthread demo FOLDER",
    )
