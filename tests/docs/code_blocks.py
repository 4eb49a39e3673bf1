"""Runs the Python blocks of a Markdown page, in order and in one namespace, as a reader would paste them."""

import ast
import asyncio
import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

FENCE = re.compile(
    r"^(?P<indent>[ ]*)(?P<ticks>`{3,}|~{3,})[ ]*(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)(?P=ticks)[ ]*$",
    re.MULTILINE | re.DOTALL,
)


class UnrunnableBlockError(Exception):
    """A block is marked in a way that would let it rot unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """One Python block of a page."""

    path: Path
    line: int
    """1-based line of the block's first line of code."""
    code: str
    runs: bool


def read_blocks(path: Path) -> list[CodeBlock]:
    """Every Python block of a page, in reading order.

    Raises:
        UnrunnableBlockError: A block is fenced as something close to `python`, or is skipped without a reason.
    """
    text = path.read_text(encoding="utf-8")
    blocks: list[CodeBlock] = []
    for fence in FENCE.finditer(text):
        language, _, mark = fence["info"].strip().partition(" ")
        if not language.lower().startswith("py") or language == "pyproject":
            continue
        line = text.count("\n", 0, fence.start("code")) + 1
        code = re.sub(rf"^{fence['indent']}", "", fence["code"], flags=re.MULTILINE)
        _refuse_what_would_rot(f"{path.name}:{line}", language, mark, code)
        blocks.append(CodeBlock(path=path, line=line, code=code, runs=mark != "no-run"))
    return blocks


def run_blocks(blocks: list[CodeBlock], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run blocks one after the other, in the current directory; `await` may stand outside of functions."""
    main = ModuleType("__main__")
    # Pydantic and dataclasses look a class's module up by name when they resolve its annotations.
    monkeypatch.setitem(sys.modules, "__main__", main)
    with asyncio.Runner() as runner:
        for block in blocks:
            if block.runs:
                _run(block, main, runner)


def _run(block: CodeBlock, main: ModuleType, runner: asyncio.Runner) -> None:
    # The empty lines let a traceback name the page and the line in it.
    source = "\n" * (block.line - 1) + block.code
    code = compile(source, block.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome: object = eval(code, main.__dict__)  # noqa: S307 - our own documentation; exec would drop the coroutine.
    # Only a block that awaits runs inside the loop, so that another one may call asyncio.run() itself.
    if inspect.iscoroutine(outcome):
        runner.run(outcome)


def _refuse_what_would_rot(where: str, language: str, mark: str, code: str) -> None:
    if language != "python" or mark not in {"", "no-run"}:
        message = f"{where}: write ```python or ```python no-run, not ```{language} {mark}"
        raise UnrunnableBlockError(message)
    if mark == "no-run" and not re.match(r"# not run: \S", code):
        message = f"{where}: a block that is not run starts with its reason, '# not run: ...'"
        raise UnrunnableBlockError(message)
