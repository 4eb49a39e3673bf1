"""What starting costs: `import keepthread` and `keepthread --help`, each in processes of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

from bench.measuring import Side, counted, take_turns
from bench.report import Claim, Report, at_most
from bench.workplace import Workplace

# Drivers, web frameworks and LLM packages: ours, those of the peers, and what they bring.
FORBIDDEN = [
    "agents",
    "aiohttp",
    "aiosqlite",
    "anthropic",
    "asyncmy",
    "asyncpg",
    "fastapi",
    "flask",
    "httpx",
    "jinja2",
    "langchain_core",
    "langchain_community",
    "litellm",
    "MySQLdb",
    "openai",
    "psycopg",
    "psycopg2",
    "pymysql",
    "requests",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "tiktoken",
    "uvicorn",
]

_NOTHING = "pass"
_IMPORT = "import keepthread"
_HELP = "import sys; sys.argv = ['keepthread', '--help']; from keepthread.cli import main; main()"
_BARE_HELP = """
import click

@click.group()
@click.version_option('1')
def main():
    'A program.'

@main.command()
def one():
    'One command.'

main(['--help'], prog_name='program')
"""


async def run_import(workplace: Workplace) -> Report:
    rounds, per_round = workplace.rounds(7), workplace.size(10)
    timings = await take_turns(
        {"python": _process(_NOTHING), _IMPORT: _process(_IMPORT)}, rounds=rounds, per_round=per_round
    )
    loaded = _loaded_by(f"{_IMPORT}; import sys, json; print(json.dumps(sorted(sys.modules)))")
    wrong = [name for name in FORBIDDEN if name in loaded]
    return Report(
        row="import",
        measures="a Python process that does nothing, and one that imports keepthread",
        timings=timings,
        claims=[
            Claim(
                what="drivers, web and LLM packages imported",
                figure=counted(len(wrong), "packages"),
                target=at_most(0),
            ),
            Claim(what="import keepthread", figure=timings.difference(_IMPORT, "python")),
        ],
        notes=[f"imported: {', '.join(wrong)}"] if wrong else [],
    )


async def run_help(workplace: Workplace) -> Report:
    rounds, per_round = workplace.rounds(7), workplace.size(10)
    sides: dict[str, Side] = {"keepthread --help": _process(_HELP), "a bare click program --help": _process(_BARE_HELP)}
    ours, bare = sides
    timings = await take_turns(sides, rounds=rounds, per_round=per_round)
    return Report(
        row="help",
        measures="the whole process, from its start to its end",
        timings=timings,
        claims=[Claim(what="against a bare click program", figure=timings.ratio(ours, bare), target=at_most(2.5))],
    )


def _process(code: str) -> Side:
    async def measure() -> float:
        start = time.perf_counter()
        await asyncio.to_thread(_run, code)
        return time.perf_counter() - start

    return measure


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8").stdout


def _loaded_by(code: str) -> set[str]:
    return {name.partition(".")[0] for name in json.loads(_run(code))}
