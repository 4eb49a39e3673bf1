"""Processes of their own for the tests that kill, stop and race them.

They are forked from a server that has imported the store and opened none, so that one costs 10 ms instead of 300.
What a child says after a call returned is in the pipe whatever becomes of the child.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

PATIENCE_SECONDS = 60.0
"""After so long without a word a child counts as hanging."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["asyncio", "keepthread.store", "tests.faults.programs", "tests.faults.conversing"])

# Starting a process also looks after all the others, in whatever thread: of two that ask at once how a child ended, one
# is told, and the other one, who finds nothing left to read, makes 255 of it for both.
_asking = threading.Lock()


class Line:
    """One end of a pipe between a test and its child."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection

    def say(self, word: object) -> None:
        """Put *word* into the pipe. It stays there if this process dies."""
        self._connection.send(word)

    def hear(self, patience_seconds: float = PATIENCE_SECONDS) -> Any:  # noqa: ANN401 - whatever the other end said
        """Return the next word. EOFError: the other end is gone, and all that it said was heard."""
        if not self._connection.poll(patience_seconds):
            raise TimeoutError(f"Not a word in {patience_seconds} s.")
        try:
            return self._connection.recv()
        except ConnectionResetError:
            raise EOFError from None

    def hear_for(self, seconds: float) -> Iterator[Any]:
        """Yield what is said in the next *seconds*."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0 and self._connection.poll(left):
            try:
                yield self.hear()
            except EOFError:
                return

    def hear_all(self) -> Iterator[Any]:
        """Yield all that is said until the other end is gone."""
        while True:
            try:
                yield self.hear()
            except EOFError:
                return

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


Program = Callable[..., Coroutine[Any, Any, None] | None]
"""Takes its end of the line, and what the test gives it."""


class Child(Line):
    """A running program. Leaving its `with` block kills what is left of it."""

    def __init__(self, program: Program, *arguments: object) -> None:
        mine, theirs = _FORKS.Pipe()
        super().__init__(mine)
        self._process = _FORKS.Process(target=_run, args=(program, theirs, arguments))
        with _asking:
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it is gone."""
        with _asking:
            self._process.kill()
        self._exit_code()

    def is_killed(self) -> bool:
        """Wait for its end, and return whether SIGKILL was it."""
        return self._exit_code() == -signal.SIGKILL

    def pause(self) -> None:
        """Stop it where it is, and wait until all its threads have stopped."""
        os.kill(self.pid, signal.SIGSTOP)
        _wait_until_stopped(self.pid)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def finish(self) -> list[Any]:
        """Wait for its end, which must be a clean one, and return all that it said and nobody heard."""
        words = list(self.hear_all())
        assert self._exit_code() == 0
        return words

    def _exit_code(self) -> int | None:
        """Wait for its end, and return how that was; None: it hangs."""
        wait([self._process.sentinel], PATIENCE_SECONDS)
        with _asking:
            return self._process.exitcode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _asking:
            has_ended = self._process.exitcode is not None
        if not has_ended:
            self.kill()
        with _asking:
            self._process.close()
        self.close()


@contextmanager
def several(program: Program, arguments: Sequence[tuple[object, ...]]) -> Generator[list[Child]]:
    """Start one child for each of *arguments*, and kill what is left of them in the end."""
    children = [Child(program, *each) for each in arguments]
    try:
        yield children
    finally:
        for child in children:
            child.__exit__(None, None, None)


def at_once(program: Program, arguments: Sequence[tuple[object, ...]]) -> list[list[Any]]:
    """Run one child for each of *arguments*, which begin together once all are ready; return what each said then."""
    with several(program, arguments) as children:
        for child in children:
            assert child.hear() == "ready"
        for child in children:
            child.say("go")
        return [child.finish() for child in children]


def _run(program: Program, connection: Connection[Any, Any], arguments: tuple[object, ...]) -> None:
    running = program(Line(connection), *arguments)
    if running is not None:
        asyncio.run(running)


def _wait_until_stopped(pid: int) -> None:
    # The kernel tells the parent, which is the server that forked it; others look at the state of each thread.
    while any(state not in "Tt" for state in map(_state, Path(f"/proc/{pid}/task").iterdir())):
        os.sched_yield()


def _state(task: Path) -> str:
    return (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
