"""The same measurements as on a disk whose syncs take longer. Linux, and a C compiler, are needed for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_SOURCE = Path(__file__).with_name("slow_sync.c")
_VARIABLE = "BENCH_SYNC_MICROSECONDS"


def pretended() -> str:
    """Return what to say of it among the conditions; nothing where syncs take what they take."""
    microseconds = int(os.environ.get(_VARIABLE, "0"))
    return f"every sync is made to take {microseconds / 1000:g} ms longer than it does" if microseconds else ""


def run_again(arguments: Sequence[str], milliseconds: float) -> int:
    """Run the benchmarks in a process of their own whose syncs take so much longer, and return its exit code."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        print("--sync-ms needs Linux and a C compiler (cc).", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix=".bench-") as folder:
        library = f"{folder}/slow_sync.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, str(_SOURCE), "-ldl"], check=True)
        changed = {"LD_PRELOAD": library, _VARIABLE: str(int(milliseconds * 1000))}
        command = [sys.executable, "-m", "bench", *arguments]
        return subprocess.run(command, env={**os.environ, **changed}, check=False).returncode
