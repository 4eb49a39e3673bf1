"""Runs a block of the guide as its reader would: below the quick start's imports, with `await` outside of functions."""

import ast
import inspect
from typing import Any

from .table import FOLDER, GUIDE, IMPORT_LINE, SUFFIX

Names = dict[str, Any]
_BLOCKS = {block.name: block for block in GUIDE}


def source(name: str, *, as_written: bool = False) -> str:
    """The code of a block that can be run: its import line changed, and what the table says.

    With *as_written*, the lines that no system could run are left in.
    """
    block = _BLOCKS[name]
    code = block.code.replace(*IMPORT_LINE)
    for change in (*block.later, *(() if as_written else block.corrected)):
        if change.runs_as is not None:
            code = code.replace(change.says, change.runs_as)
    return code


async def run_block(name: str, *, as_written: bool = False, **supplied: Any) -> Names:
    """Run a block and return the names that are defined afterwards.

    What is *supplied* must be what the table says that a reader supplies.
    """
    assert set(supplied) == set(_BLOCKS[name].supplies)
    names: Names = {"__name__": "guide", **supplied}
    exec(_imports(), names)  # noqa: S102 - two import lines of a file in this folder
    code = compile(
        source(name, as_written=as_written), FOLDER / f"{name}{SUFFIX}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    outcome: object = eval(code, names)  # noqa: S307 - a file in this folder; exec would drop the coroutine.
    if inspect.iscoroutine(outcome):
        await outcome
    return names


def _imports() -> str:
    lines = source("quick_start").splitlines()
    return "\n".join(line for line in lines if line.startswith(("import ", "from ")))
