"""The rules of the house that no linter knows: sizes, names, and nothing of anyone's machine in the tree."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for room in ("src", "tests", "bench") for path in (ROOT / room).rglob("*.py"))

MAX_FILE_LINES = 400
LONG_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

LONG_FILES: dict[str, str] = {}
"""Modules over the soft limit, each with the reason why it is better whole."""

EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers"}
"""Words that say nothing about what a module holds."""

PRIVATE = {
    "a home directory": re.compile(r"(?<![\w.])/(?:home|Users)/\w|(?<![\w.])/root[/]|\b[A-Z]:\\+Users\\"),
    "a private address": re.compile(r"(?<![\w.])(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+\b"),
    "a private host": re.compile(r"(?:://|@)[\w.-]+\.(?:corp|internal|intranet|lan|local)\b"),
}


def name(path: Path) -> str:
    """The path as people write it, from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def function_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    first = function.body[0]
    described = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if described else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def tracked_files() -> list[Path]:
    """What is in the repository or would be added to it: not what .gitignore leaves to each desk."""
    if not (ROOT / ".git").exists():
        pytest.skip("only a git checkout knows which files belong to it")
    # safe.directory: a fresh clone may belong to another user than the one who tests it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout
    return [path for line in listing.split("\0") if line and (path := ROOT / line).is_file()]


def test_files_are_short() -> None:
    lengths = {name(path): line_count(path) for path in MODULES}

    too_long = {path: lines for path, lines in lengths.items() if lines > MAX_FILE_LINES}
    long_without_reason = {
        path: lines for path, lines in lengths.items() if lines > LONG_FILE_LINES and path not in LONG_FILES
    }

    assert not too_long, f"over {MAX_FILE_LINES} lines, split them"
    assert not long_without_reason, f"over {LONG_FILE_LINES} lines, split them or give a reason in LONG_FILES"


def test_the_list_of_long_files_is_current() -> None:
    lengths = {name(path): line_count(path) for path in MODULES}

    assert [path for path in LONG_FILES if lengths.get(path, 0) <= LONG_FILE_LINES] == []


def test_functions_are_short() -> None:
    too_long = [
        f"{name(path)}:{function.lineno} {function.name} has {lines} lines"
        for path in MODULES
        for function in functions(ast.parse(path.read_text(encoding="utf-8")))
        if (lines := function_lines(function)) > MAX_FUNCTION_LINES
    ]

    assert too_long == [], f"over {MAX_FUNCTION_LINES} lines without the docstring"


def test_modules_are_named_after_what_they_hold() -> None:
    nameless = [
        name(path)
        for path in MODULES
        if any(EMPTY_NAMES & set(part.lower().split("_")) for part in path.relative_to(ROOT).with_suffix("").parts)
    ]

    assert nameless == []


def test_nothing_of_a_private_machine_is_in_the_repository() -> None:
    found: list[str] = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for what, pattern in PRIVATE.items():
            found += [f"{name(path)}: {what}: {match.group()}" for match in pattern.finditer(text)]

    assert found == []


def test_the_lock_knows_one_index_and_no_local_files() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    elsewhere = [package["name"] for package in packages if package["source"].keys() != {"registry"}]
    registries = {package["source"].get("registry") for package in packages} - {None}
    files = [file["url"] for package in packages for file in [package.get("sdist"), *package.get("wheels", [])] if file]

    assert elsewhere == ["keepthread"]
    assert len(registries) == 1
    assert all(address.startswith("https://") for address in [*registries, *files])
    assert len({file.split("/")[2] for file in files}) == 1
