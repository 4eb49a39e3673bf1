"""Text that is safe to print: for a person, a pipe, or a program that reads JSON."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

# C0 without tab and line feed, DEL, C1 (one byte of which starts a terminal's command as ESC does), and the marks that
# reverse what follows them.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNSAFE_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NAMES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_KILO = 1000


def visible(text: str) -> str:
    """Return *text* with what would command a terminal shown by its code. Tabs and line ends stay."""
    return _UNSAFE.sub(_shown, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """Return *text* as one line, with line ends and tabs shown as well: it cannot break a table or a column."""
    return _UNSAFE_IN_LINE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _NAMES.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")  # noqa: PLR2004 - two digits


def compact_json(value: object) -> str:
    """Return *value* as JSON in one line, its characters readable where a terminal takes no harm from them."""
    return _safe_json(value, indent=None)


def print_json(value: object) -> None:
    """Write one JSON object to stdout: indented on a terminal, one line in a pipe."""
    click.echo(_safe_json(value, indent=2 if is_terminal() else None))


def print_json_line(value: object) -> None:
    """Write one line of JSON Lines to stdout."""
    click.echo(compact_json(value))


def _safe_json(value: object, indent: int | None) -> str:
    import json

    # An escape is JSON in every encoding, also where stdout is no UTF-8.
    text = json.dumps(value, ensure_ascii=not encodable("\U0001f9f5"), indent=indent)
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def say(text: str = "") -> None:
    """Tell the person at the terminal something that is no data: on stderr."""
    click.echo(visible(text), err=True)


def is_terminal() -> bool:
    """Return whether stdout is read by a person."""
    return sys.stdout.isatty()


def encodable(text: str) -> bool:
    """Return whether stdout can show *text*."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def mark(*, ok: bool) -> str:
    """Return a check mark, or a cross."""
    sign, word = ("✓", "ok") if ok else ("✗", "FAILED")
    return click.style(sign if encodable(sign) else word, fg="green" if ok else "red", bold=True)


def count(number: int, noun: str) -> str:
    """Return "1 message", "2 messages"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: float) -> str:
    """Return a size in bytes as a person reads it."""
    if number < _KILO:
        return count(int(number), "byte")
    units = iter(("kB", "MB", "GB"))
    unit = "B"
    while number >= _KILO and (larger := next(units, None)):
        number, unit = number / _KILO, larger
    return f"{number:.1f} {unit}"


def local_time(moment: datetime) -> str:
    """Return a moment in the time of the person at the terminal."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def quoted(text: str) -> str:
    """Return *text* as one word of the shell that people use on this system."""
    import shlex
    import subprocess

    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def program() -> str:
    """Return how this program was started, for commands that a person can paste."""
    import shutil

    started = Path(sys.argv[0])
    if started.parts[-2:] == ("keepthread", "__main__.py"):
        return f"{quoted(sys.executable)} -m keepthread"
    found = shutil.which("keepthread")
    is_elsewhere = started.stem == "keepthread" and (
        found is None or not started.exists() or not started.samefile(found)
    )
    return quoted(str(started)) if is_elsewhere else "keepthread"
