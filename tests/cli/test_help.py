import subprocess
import sys
from pathlib import Path

import click
import pytest

from keepthread.cli import main

from .command_line import in_process, keepthread

COMMANDS = sorted(main.commands)


def test_help_imports_no_model_no_driver_and_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from keepthread.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stderr.split())

    assert "demo" in done.stdout
    assert imported.isdisjoint({"pydantic", "rich", "sqlite3", "openai", "asyncio", "httpx"})
    assert not any(name.startswith(("keepthread.store", "keepthread.agent", "keepthread.model")) for name in imported)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_json(name: str) -> None:
    ended = in_process(name, "--help")

    assert ended.code == 0
    assert f"  keepthread {name}" in ended.out or f"db {name}" in ended.out
    assert "--json" in ended.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    options = [parameter for parameter in main.commands[name].params if isinstance(parameter, click.Option)]

    assert [option.name for option in options if not option.help] == []


def test_no_command_prints_the_help() -> None:
    ended = in_process()

    assert ended.code == 0
    assert "Exit codes:" in ended.out


def test_the_module_runs_as_the_program(tmp_path: Path) -> None:
    ended = keepthread("--version", cwd=tmp_path)

    assert ended.code == 0
    assert ended.out.startswith("keepthread 0.")


def test_a_misspelt_command_is_a_usage_error_on_stderr(tmp_path: Path) -> None:
    ended = keepthread("statsu", cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert "statsu" in ended.err
