"""`demo`: what persistence means, shown in half a minute without a network."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .database import Options, run
from .outcome import Code
from .render import mark, print_json, say

if TYPE_CHECKING:
    from .demo_checks import Check
    from .demo_story import Tell

_TRUTH = "No language model is called: replies come from a script. Everything else is real."

_EXAMPLES = """\b
Examples:
  keepthread demo
  keepthread demo ./try-it --json
  keepthread demo --clean

\b
--json: ok, directory, database, seconds, checks (name, ok, measured), next (commands)
"""


@click.command(epilog=_EXAMPLES)
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default=Path("keepthread-demo"), required=False
)
@click.option("--clean", "is_cleaning", is_flag=True, help="Only remove what an earlier demo left in DIRECTORY.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end; the story goes to stderr.")
@click.pass_obj
def demo(options: Options, *, directory: Path, is_cleaning: bool, as_json: bool) -> None:
    """Kill a process in the middle of a turn, go on in another one, and check what is there.

    It works offline in DIRECTORY (./keepthread-demo), which it makes, and replaces if an earlier demo made it.
    """
    if options.db is not None or options.tenant is not None:
        raise click.UsageError("The demo makes a database of its own: it takes neither --db nor --tenant.")
    if is_cleaning:
        _clean(directory, as_json=as_json)
        return
    tell = say if as_json else click.echo
    tell(f"{_TRUTH}\n")
    outcome, verdicts = _performed(directory, tell)
    for check in verdicts:
        tell(f"{mark(ok=check.ok)} {check.name}\n    {check.measured}")
    ending = f"\nThat took {outcome['seconds']:.1f} s. The data is in {directory}; look at it:"
    tell("\n  ".join([ending, *outcome["next"]]))
    if as_json:
        print_json(outcome)
    if not outcome["ok"]:
        raise click.exceptions.Exit(Code.FAILED)


def _performed(directory: Path, tell: Tell) -> tuple[dict[str, Any], list[Check]]:
    from .demo_checks import checks
    from .demo_folder import prepare
    from .demo_process import TRIP
    from .demo_story import perform

    started = time.perf_counter()
    database = prepare(directory)
    verdicts = checks(run(perform(database, tell)))
    made = Options(db=str(database))
    outcome = {
        "ok": all(check.ok for check in verdicts),
        "directory": str(directory),
        "database": str(database),
        "seconds": round(time.perf_counter() - started, 3),
        "checks": [asdict(check) for check in verdicts],
        "next": [
            made.command("status"),
            made.command("ls"),
            made.command("show", TRIP),
            made.command("chat", TRIP),
            Options().command("demo", str(directory), "--clean"),
        ],
    }
    return outcome, verdicts


def _clean(directory: Path, *, as_json: bool) -> None:
    from .demo_folder import clean

    was_there = clean(directory)
    if as_json:
        print_json({"directory": str(directory), "removed": was_there})
    else:
        say(f"Removed what the demo made in {directory}." if was_there else f"There is no {directory}.")
