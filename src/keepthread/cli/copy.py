"""`copy`: everything of one database into another one, of any engine, and again until nothing is missing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

import click

from keepthread.errors import InvalidSetting, UnavailableError

from .database import Options, Place, place_at, run
from .outcome import Code
from .render import count, print_json, say, visible_line

if TYPE_CHECKING:
    from keepthread.files import FileStore
    from keepthread.store import ThreadStore
    from keepthread.transfer import CopyReport
    from keepthread.transfer.route import Watcher

_EXAMPLES = """\b
Examples:
  keepthread copy chats.db postgresql://app@localhost/chats --files-to ./files
  keepthread copy chats.db other.db --dry-run
  keepthread --tenant acme copy chats.db acme.db
  keepthread copy --all-tenants postgresql://app@old/chats postgresql://app@new/chats --json

\b
Run it again at any time: what is there is not copied again, and what came since follows. Stop what writes to FROM, run
it once more, and let the writers begin on TO.

\b
--json: from, to, dry_run, complete, tenants, copied, updated, unchanged, deleted, messages, revisions, files, states,
        left_behind, has_other_tenants, source_threads, source_messages, target_threads, target_messages,
        counts (of problems, by kind), problems (kind, tenant, thread_id, detail)
Exit code 4 if anything was not copied as it should be; the rest was.
"""


class _Wish(NamedTuple):
    """What stood behind `copy`."""

    source: Place
    target: Place
    tenant: str | None
    all_tenants: bool
    files_from: str | None
    files_to: str | None
    dry_run: bool
    verify: bool


@click.command(epilog=_EXAMPLES)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--all-tenants", is_flag=True, help="Copy every tenant's threads, not one tenant's.")
@click.option(
    "--files-from",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="Where the attachments of FROM are.  [default: beside a SQLite file]",
)
@click.option(
    "--files-to",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Where the attachments of TO go.  [default: beside a SQLite file]",
)
@click.option("--dry-run", is_flag=True, help="Write nothing, and count what would be copied.")
@click.option("--verify", is_flag=True, help="Also read and compare what an earlier copy brought.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def copy(
    options: Options,
    *,
    source: str,
    target: str,
    all_tenants: bool,
    files_from: str | None,
    files_to: str | None,
    dry_run: bool,
    verify: bool,
    as_json: bool,
) -> None:
    """Copy conversations from one database to another one, of any engine.

    Everything is kept: ids, order, times, history, attachments, session state. Each is a path or a URL; TO is made if
    it is not there. What TO holds and did not come from FROM is left alone.
    """
    if options.db is not None:
        raise click.UsageError("copy takes FROM and TO, and no --db.")
    if all_tenants and options.tenant is not None:
        raise click.UsageError("Choose one: --tenant, or --all-tenants.")
    ends = place_at(source, "FROM"), place_at(target, "TO")
    wish = _Wish(*ends, options.tenant, all_tenants, files_from, files_to, dry_run, verify)
    _check(wish)
    with _progress() as watch:
        report = run(_copy(wish, watch))
    if as_json:
        print_json(_as_json(wish, report))
    else:
        for name, text in _lines(wish, report).items():
            click.echo(f"{name:<10}{text}")
    _say_what_is_left(report)
    if not report.is_complete:
        raise click.exceptions.Exit(Code.FAILED)


def _check(wish: _Wish) -> None:
    if wish.source.is_memory or wish.target.is_memory:
        raise InvalidSetting(
            "A database in memory holds nothing before this command, and nothing after it.",
            hint="Name a file or a server as FROM and as TO.",
        )
    if not wish.source.exists:
        raise UnavailableError(f"There is no database at {str(wish.source.path)!r}, named by FROM.")


async def _copy(wish: _Wish, watch: Watcher) -> CopyReport:
    from keepthread import FileStore, ThreadStore
    from keepthread.transfer import copy_store

    async with AsyncExitStack() as opened:

        async def open_store(place: Place, files: FileStore | None) -> ThreadStore:
            store = await opened.enter_async_context(ThreadStore(place.url, files=files))
            return store if wish.tenant is None else store.for_tenant(wish.tenant)

        # Opening a server's database makes its tables if it has none, in the source never, and in no rehearsal.
        if await _has_no_tables(wish.source):
            raise UnavailableError("There are no tables of keepthread in the database that FROM names.")
        source = await open_store(wish.source, FileStore(wish.files_from) if wish.files_from else None)
        is_there = not wish.dry_run or (wish.target.exists and not await _has_no_tables(wish.target))
        return await copy_store(
            source,
            await open_store(wish.target, _every_file(wish)) if is_there else None,
            all_tenants=wish.all_tenants,
            reads_all=wish.verify,
            rehearses=wish.dry_run,
            watch=watch,
        )


async def _has_no_tables(place: Place) -> bool:
    from keepthread import ThreadStore

    return place.is_server and (await ThreadStore(place.url).plan_migration()).is_new


def _every_file(wish: _Wish) -> FileStore | None:
    """Return the place for the target's files, which takes whatever the source took."""
    from keepthread import FileStore

    folder = wish.files_to or (f"{wish.target.path.absolute()}.files" if wish.target.path else None)
    return FileStore(folder, accept="*", max_file_bytes=None, max_total_bytes=None) if folder else None


@contextmanager
def _progress() -> Generator[Watcher]:
    """Show how far it is, to a person at a terminal."""
    import sys

    if not sys.stderr.isatty():
        yield lambda _report: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("messages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda report: bar.update(task, total=report.source_messages, completed=report.passed_messages)


def _as_json(wish: _Wish, report: CopyReport) -> dict[str, object]:
    from keepthread.store.url import masked

    found = asdict(report) | {"counts": dict(report.counts)}
    del found["passed_messages"]
    ends = {"from": masked(wish.source.url), "to": masked(wish.target.url)}
    return {**ends, "dry_run": wish.dry_run, "complete": report.is_complete, **found}


def _lines(wish: _Wish, report: CopyReport) -> dict[str, str]:
    from keepthread.store.url import masked

    verb = "to copy" if wish.dry_run else "copied"
    lines = {
        "from": visible_line(masked(wish.source.url)),
        "to": visible_line(masked(wish.target.url)),
        "threads": f"{report.copied:,} {verb}, {report.updated:,} updated, {report.unchanged:,} there already",
        "messages": f"{report.messages:,} {verb}",
    }
    if wish.dry_run:
        return lines
    lines["messages"] += f", with {count(report.revisions, 'earlier version')}"
    lines["files"] = f"{report.files:,} {verb}"
    lines["state"] = f"{count(report.states, 'value')} {verb}"
    lines["source"] = _size(report.source_threads, report.source_messages)
    lines["target"] = _size(report.target_threads, report.target_messages)
    lines["compared"] = "equal" if report.is_complete else count(report.counts.total(), "problem")
    return lines


def _size(threads: int, messages: int) -> str:
    return f"{count(threads, 'thread')}, {count(messages, 'message')}"


def _say_what_is_left(report: CopyReport) -> None:
    for problem in report.problems:
        say(visible_line(f"{problem.kind}: thread {problem.thread_id!r} of {problem.tenant!r}: {problem.detail}"))
    unnamed = report.counts.total() - len(report.problems)
    if unnamed:
        say(f"… and {count(unnamed, 'problem')} more.")
    if report.counts["file"]:
        say("If the files of FROM are not beside it, say where with --files-from, and copy again.")
    if report.left_behind:
        say(f"TO keeps {count(report.left_behind, 'thread')} of an earlier copy that FROM no longer has.")
    if report.has_other_tenants:
        say("FROM has other tenants as well. --all-tenants copies them.")
