"""Every Python block of the README and of docs/ runs."""

import os
from pathlib import Path
from textwrap import dedent

import pytest

from .code_blocks import UnrunnableBlockError, read_blocks, run_blocks

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(autouse=True)
def reader_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and none of the desk's databases and keys."""
    monkeypatch.chdir(tmp_path)
    for variable in os.environ:
        if variable.startswith(("KEEPTHREAD_", "NARRATOR_", "DB_URL")) or variable.endswith("_API_KEY"):
            monkeypatch.delenv(variable)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_of_the_page_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert path.is_file(), f"{path.name} is missing"

    run_blocks(read_blocks(path), monkeypatch)


def test_the_readme_has_blocks_that_run() -> None:
    assert README.is_file(), "README.md is missing"
    assert any(block.runs for block in read_blocks(README))


def test_blocks_share_a_namespace_and_may_await(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.write_text(
        dedent("""\
            ```python
            import asyncio
            async def double(number): return 2 * number
            first = await double(2)
            ```
            1. in a list:

               ```python
               if __name__ == "__main__":
                   second = asyncio.run(double(first))
               ```

            ~~~python
            import pathlib
            pathlib.Path("answer").write_text(str(await double(second)))
            ~~~
            """)
    )

    run_blocks(read_blocks(page), monkeypatch)

    assert page.with_name("answer").read_text() == "16"


def test_a_failure_names_the_line_of_the_page(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.write_text("# Title\n\n```python\nfine = 1\n1 / 0\n```\n")

    with pytest.raises(ZeroDivisionError) as failure:
        run_blocks(read_blocks(page), monkeypatch)

    last = failure.traceback[-1]
    assert (Path(last.path).name, last.lineno + 1) == ("page.md", 5)


def test_a_block_with_a_reason_is_not_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.write_text("```python no-run\n# not run: needs a server\n1 / 0\n```\n```sh\nexit 1\n```\n")

    run_blocks(read_blocks(page), monkeypatch)


@pytest.mark.parametrize("opening", ["```python no-run", "```py", "```Python", "```python skip", "```pycon"])
def test_a_block_cannot_be_skipped_by_accident(opening: str, page: Path) -> None:
    page.write_text(f"{opening}\n1 / 0\n```\n")

    with pytest.raises(UnrunnableBlockError, match=r"page.md:2"):
        read_blocks(page)
