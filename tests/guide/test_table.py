"""The table is complete: every block has its place, and every test, name and line that it speaks of is there."""

import ast
from pathlib import Path

import pytest

from .table import COMMANDS, FOLDER, GUIDE, IMPORT_LINE, SUFFIX, Block

HERE = Path(__file__).parent


def named_tests(folder: Path) -> set[str]:
    """Every test of a folder but this module's, as `module::test`."""
    return {
        f"{path.stem}::{node.name}"
        for path in folder.glob("test_*.py")
        if path.name != Path(__file__).name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_block_stands_in_the_table_once() -> None:
    assert sorted(block.name for block in GUIDE) == sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.iterdir())


def test_every_block_is_run_by_tests_that_exist() -> None:
    assert all(block.tests for block in GUIDE)
    assert {test for line in (*GUIDE, *COMMANDS) for test in line.tests} == named_tests(HERE)


def test_every_command_is_run_or_has_a_reason() -> None:
    assert [command.says for command in COMMANDS if bool(command.tests) == bool(command.why)] == []


@pytest.mark.parametrize("block", GUIDE, ids=lambda block: block.name)
def test_the_lines_that_change_stand_in_the_block_once(block: Block) -> None:
    changes = [*block.corrected, *block.later]

    assert [block.code.count(change.says) for change in changes] == [1] * len(changes)


@pytest.mark.parametrize("block", GUIDE, ids=lambda block: block.name)
def test_what_a_reader_supplies_is_used_by_the_block(block: Block) -> None:
    used = {node.id for node in ast.walk(ast.parse(block.code)) if isinstance(node, ast.Name)}

    assert set(block.supplies) <= used


def test_every_import_of_the_guide_is_of_its_own_package_or_of_tools() -> None:
    lines = {
        line
        for block in GUIDE
        for line in block.code.splitlines()
        if line.startswith("from ") and not line.startswith(IMPORT_LINE[0])
    }

    assert lines == {"from datetime import datetime", "from functools import lru_cache", "from lye import WEB_TOOLS"}
