"""Programs that a reader saves as a file and runs."""

import subprocess
import sys
from pathlib import Path

PATIENCE_SECONDS = 60


def run_program(path: Path, *, typed: str = "") -> str:
    """Run a program in its own folder and return what it printed; it must end by itself and complain about nothing."""
    command = [sys.executable, "-W", "error", path.name]
    ended = subprocess.run(
        command,
        check=False,
        cwd=path.parent,
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout
