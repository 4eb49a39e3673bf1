"""A list of threads: a table on a terminal, columns in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from .render import local_time, visible_line

if TYPE_CHECKING:
    from keepthread.model import Thread


def print_table(threads: Sequence[Thread], ids: Sequence[str]) -> None:
    """Write *threads* as a table as wide as the terminal; *ids* are what a person types for them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id", style="cyan", overflow="fold")
    table.add_column("messages", justify="right", no_wrap=True)
    table.add_column("updated", no_wrap=True)
    table.add_column("agent", overflow="ellipsis", no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True)
    for thread, shown in zip(threads, ids, strict=True):
        title = (thread.title or "") + (" (archived)" if thread.archived else "")
        cells = (shown, f"{thread.message_count:,}", local_time(thread.updated_at), thread.agent or "", title)
        # Text, because a string would be read as rich's markup.
        table.add_row(*[Text(visible_line(cell)) for cell in cells])
    Console(highlight=False).print(table)


def print_tabs(thread: Thread) -> None:
    """Write one thread as a line for a program: its whole id, messages, time of the last change, agent, title."""
    cells = (
        thread.id,
        str(thread.message_count),
        thread.updated_at.isoformat(),
        thread.agent or "",
        thread.title or "",
    )
    click.echo("\t".join(map(visible_line, cells)))
