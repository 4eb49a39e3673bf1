"""What stands behind the question mark of a server's URL, checked."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from keepthread.errors import InvalidSetting

_FLAGS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


def parts_of(dsn: str) -> SplitResult:
    """Return the parts of a server's URL.

    Raises:
        InvalidSetting: A password takes it apart at the wrong place. It is not repeated.
    """
    parts = urlsplit(dsn)
    if parts.fragment or parts.netloc.count("@") > 1 or "@" in f"{parts.path}{parts.query}":
        raise InvalidSetting(
            "The database URL cannot be taken apart.",
            hint="In a user's name and a password, write @ as %40, / as %2F, # as %23, ? as %3F and : as %3A.",
        )
    return parts


def check_known(names: Iterable[str], known: frozenset[str]) -> None:
    """Raise InvalidSetting for a name that is none of the *known* options, and name those."""
    unknown = sorted(set(names) - known)
    if unknown:
        raise InvalidSetting(
            f"The database URL has an unknown option {unknown[0]!r}.", hint=f"Known: {', '.join(sorted(known))}."
        )


def flag(name: str, value: str) -> bool:
    """Return what an option says that is true or false."""
    if value.lower() not in _FLAGS:
        raise InvalidSetting(f"The option {name}={value} of the database URL is neither true nor false.")
    return _FLAGS[value.lower()]


def seconds(name: str, value: str) -> float:
    """Return what an option says that is a time."""
    try:
        number = float(value)
    except ValueError:
        number = 0
    if not number > 0:
        raise InvalidSetting(f"The option {name}={value} of the database URL is no number of seconds.")
    return number
