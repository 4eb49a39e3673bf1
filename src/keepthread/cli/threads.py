"""`ls` and `show`: the conversations that are there, and what was said in one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from .database import Options, opened, run
from .finding import find_thread, short_ids
from .render import is_terminal, print_json, print_json_line, say
from .table import print_table, print_tabs
from .transcript import print_transcript, thread_json, whole_json

if TYPE_CHECKING:
    from keepthread.model import Thread
    from keepthread.store import ThreadStore

_ON_A_TERMINAL = 50
_PAGE = 500

_LS_EXAMPLES = """\b
Examples:
  keepthread ls
  keepthread ls --metadata plan=pro --metadata seats=5 --limit 10
  keepthread ls | cut -f1
  keepthread ls --json | jq -r .title

\b
Columns in a pipe, with tabs between them: id, messages, updated, agent, title
--json: JSON Lines, one thread a line: id, title, agent, archived, metadata, message_count, version, created_at,
        updated_at
"""

_SHOW_EXAMPLES = """\b
Examples:
  keepthread show @last
  keepthread show user-123-main --last 20
  keepthread show 0198a --json | jq -r '.messages[].content'

\b
--json: one object: what `ls --json` gives, and messages
"""


def _pairs(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    import json

    def never(_constant: str) -> None:
        raise ValueError("NaN and Infinity are no JSON")

    found: dict[str, Any] = {}
    for pair in values:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{pair!r} is not of the form key=value.")
        try:
            found[key] = json.loads(value, parse_constant=never)
        except (ValueError, RecursionError):
            found[key] = value
    return found


@click.command(epilog=_LS_EXAMPLES)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"At most so many; 0 is all.  [default: {_ON_A_TERMINAL} in a table, else all]",
)
@click.option(
    "--metadata",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="Only threads that hold this. VALUE is JSON if it reads as JSON (5, true, '\"5\"'), else text. Repeatable.",
)
@click.option("--agent", metavar="NAME", help="Only threads in which this agent answered last.")
@click.option("--archived", is_flag=True, help="Archived threads instead of the others.")
@click.option("--all", "everything", is_flag=True, help="Archived threads as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@click.pass_obj
def ls(
    options: Options,
    *,
    limit: int | None,
    metadata: dict[str, Any],
    agent: str | None,
    archived: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """List conversations, the ones last changed first."""
    if archived and everything:
        raise click.UsageError("--archived and --all exclude each other.")
    if limit is None and is_terminal() and not as_json:
        limit = _ON_A_TERMINAL
    wish = {"metadata": metadata, "agent": agent, "archived": None if everything else archived}
    run(_list(options, wish, limit or None, as_json=as_json))


async def _list(options: Options, wish: dict[str, Any], limit: int | None, *, as_json: bool) -> None:
    async with opened(options) as store:
        if not as_json and is_terminal():
            await _print_page(store, wish, limit)
            return
        async for thread in _pages(store, wish, limit):
            if as_json:
                print_json_line(thread_json(thread))
            else:
                print_tabs(thread)


async def _print_page(store: ThreadStore, wish: dict[str, Any], limit: int | None) -> None:
    threads = await store.list_threads(**wish, limit=limit)
    if not threads:
        say("No thread fits." if any(wish.values()) else "No thread yet: `keepthread chat` begins one.")
        return
    print_table(threads, await short_ids(store, threads))
    if threads.cursor is not None:
        say("There are more: --limit 0 lists all.")


async def _pages(store: ThreadStore, wish: dict[str, Any], limit: int | None) -> AsyncIterator[Thread]:
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        page = await store.list_threads(**wish, limit=_PAGE if left is None else min(left, _PAGE), cursor=cursor)
        for thread in page:
            yield thread
        cursor = page.cursor
        left = None if left is None else left - len(page)
        if cursor is None:
            return


@click.command(epilog=_SHOW_EXAMPLES)
@click.argument("thread", metavar="ID")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N messages.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(options: Options, *, thread: str, last: int | None, as_json: bool) -> None:
    """Show what was said in the thread ID: its id, the beginning of it, or @last for the newest."""
    found = run(_load(options, thread, last))
    if as_json:
        print_json(whole_json(found))
    else:
        print_transcript(found)


async def _load(options: Options, typed: str, last: int | None) -> Thread:
    async with opened(options) as store:
        header = await find_thread(store, typed)
        return await store.get_thread(header.id, last=last)
