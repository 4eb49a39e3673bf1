"""The command line, driven as a user drives it: a process of its own, with pipes or at a terminal."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from click.testing import CliRunner

from keepthread import Message, Thread, ThreadStore
from keepthread.cli import main

PROGRAM = [sys.executable, "-m", "keepthread"]
OURS = ("KEEPTHREAD_", "NARRATOR_", "DB_URL", "OPENAI_", "NO_COLOR")
DEADLINE_SECONDS = 60.0


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def plain_environment(**variables: str) -> dict[str, str]:
    """This process's environment without anything that the command line reads, and with *variables*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {"PYTHONIOENCODING": "utf-8", "TERM": "xterm", "COLUMNS": "120"} | variables


def keepthread(*words: str, cwd: Path, stdin: str = "", **variables: str) -> Ended:
    """Run a command as a process, with pipes."""
    done = subprocess.run(
        [*PROGRAM, *words],
        cwd=cwd,
        env=plain_environment(**variables),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def in_process(*words: str, stdin: str | bytes = "", env: Mapping[str, str | None] | None = None) -> Ended:
    """Run a command without a process, for what does not depend on one: much quicker."""
    result = CliRunner().invoke(main, list(words), input=stdin, env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def store_threads(database: Path, *threads: Thread, tenant: str = "default") -> None:
    """Save *threads*, in this order."""

    async def save() -> None:
        async with ThreadStore(database) as store:
            for thread in threads:
                await store.for_tenant(tenant).save_thread(thread)

    asyncio.run(save())


def say_and_answer(url: str) -> None:
    """Store a turn in the thread "t", whatever the schema is: opening must not need to change it."""

    async def store_turn() -> None:
        async with ThreadStore(url) as store:
            assert store.applied_migrations == []
            await store.append(
                "t", [Message(role="user", content="a"), Message(role="assistant", content="b")], create=True
            )

    asyncio.run(store_turn())


def stored_thread(database: Path, thread_id: str) -> Thread:
    """What the database holds."""

    async def load() -> Thread:
        async with ThreadStore(database) as store:
            return await store.get_thread(thread_id)

    return asyncio.run(load())


class Terminal:
    """A command at a terminal of its own. Only where Python has `pty`."""

    def __init__(self, *words: str, cwd: Path, **variables: str) -> None:
        self._master, terminal = os.openpty()
        self._seen = b""
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=cwd,
            env=plain_environment(**variables),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)

    @property
    def seen(self) -> str:
        """All that the terminal was sent so far."""
        return self._seen.decode(errors="replace")

    def wait_for(self, text: str) -> None:
        """Read until *text* was sent after what was waited for before."""
        begin = len(self._seen)
        while text.encode() not in self._seen[begin:]:
            assert self._read(), f"ended without {text!r}: {self.seen}"

    def send(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def interrupt(self) -> None:
        """Do what the system does at Ctrl-C, again if nothing comes of it, as a person would.

        Python misses one that arrives in the moment between its prompt and its waiting.
        """
        for _ in range(10):
            self.process.send_signal(signal.SIGINT)
            if select.select([self._master], [], [], 3)[0]:
                return

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def _read(self) -> bytes:
        ready, _, _ = select.select([self._master], [], [], DEADLINE_SECONDS)
        assert ready, f"stuck: {self.seen}"
        try:
            found = os.read(self._master, 65536)
        except OSError:  # Linux says so at the end of a terminal
            found = b""
        self._seen += found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
