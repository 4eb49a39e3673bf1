"""The command line: `python -m bench --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

from . import slow_sync
from .report import Report, as_json, lines
from .workplace import Skipped, Workplace, file_system, is_in_memory

Row = Callable[[Workplace], Coroutine[Any, Any, Report]]
Missing = Literal["failed", "skipped"]
"""Why a row has no report."""

# By name and not by import: a row whose peer is not installed does not keep the others from running.
ROWS = {
    "append": "append:run",
    "concurrent": "concurrent:run",
    "tail": "tail:run",
    "load": "load:run",
    "prompt": "prompt:run",
    "list": "listing:run",
    "save": "save:run",
    "import": "start:run_import",
    "help": "start:run_help",
    "postgres-append": "append:run_on_postgres",
    "postgres-concurrent": "concurrent:run_on_postgres",
    "postgres-tail": "tail:run_on_postgres",
    "postgres-list": "listing:run_on_postgres",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that were asked for, print what they found, and return the exit code."""
    options = _options(arguments)
    if options.sync_ms and not slow_sync.pretended():
        return slow_sync.run_again(sys.argv[1:] if arguments is None else arguments, options.sync_ms)
    began = time.perf_counter()
    folder = Path(options.dir)
    conditions = _conditions(folder, quick=options.quick)
    print("\n".join(conditions), flush=True)
    reports: list[Report] = []
    without: dict[Missing, list[str]] = {"failed": [], "skipped": []}
    for name in options.only or ROWS:
        report = _run(name, folder, quick=options.quick)
        if not isinstance(report, Report):
            without[report].append(name)
            continue
        reports.append(report)
        print("\n" + "\n".join(lines(report)), f"\n  (afterwards: {_load()})", sep="", flush=True)
    misses = sum(report.misses for report in reports)
    claims = sum(bool(claim.verdict) for report in reports for claim in report.claims)
    took = time.perf_counter() - began
    counts = ", ".join(f"{len(names)} rows {what}" for what, names in without.items())
    print(f"\n{claims - misses} of {claims} targets reached, {misses} missed, {counts}; {took:.0f} s")
    if options.json:
        found = {
            "conditions": conditions,
            **without,
            "rows": [as_json(report) for report in reports],
        }
        Path(options.json).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(options.strict and bool(misses or without["failed"]))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What keepthread costs.")
    parser.add_argument("--only", action="append", choices=ROWS, metavar="ROW", help=f"one of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="see that it works: small, and no figure to believe")
    parser.add_argument("--json", metavar="FILE", help="write everything that was found to a file as well")
    parser.add_argument("--dir", metavar="FOLDER", default=".", help="where to put the databases: on a real disk")
    parser.add_argument("--sync-ms", type=float, metavar="MS", help="let every sync of the disk take so much longer")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed or a row fails")
    return parser.parse_args(arguments)


def _run(name: str, folder: Path, *, quick: bool) -> Report | Missing:
    try:
        module, _, function = ROWS[name].partition(":")
        row = cast("Row", getattr(import_module(f"bench.rows.{module}"), function))
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=folder, ignore_cleanup_errors=True) as place:
            return asyncio.run(row(Workplace(folder=Path(place), quick=quick)))
    except Skipped as reason:
        print(f"\n{name}: skipped, {reason}", flush=True)
        return "skipped"
    except Exception:  # noqa: BLE001 - a row that fails is told, and the others still run
        print(f"\n{name}: FAILED\n{traceback.format_exc()}", flush=True)
        return "failed"


def _conditions(folder: Path, *, quick: bool) -> list[str]:
    kind = file_system(folder)
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    found = [f"{versions}, {platform.system()} on {platform.machine()}, databases on {kind}; {_load()}"]
    if slower := slow_sync.pretended():
        found.append(f"Another disk: {slower}. A database server's syncs are its own.")
    if is_in_memory(kind):
        found.append("This is no disk: durable writes cost nothing here. Name a folder on a disk with --dir.")
    if quick:
        found.append("A quick run: it shows that the benchmarks work. Its figures mean nothing.")
    return found


def _load() -> str:
    """Return how busy the machine is: with more than one process for each of its cores no figure is to be believed."""
    busy = "unknown" if sys.platform == "win32" else f"{os.getloadavg()[0]:.1f}"
    return f"load {busy} on {os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main())
