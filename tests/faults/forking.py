"""Programs that fork while they have a store open. Each runs in a process of its own: pytest itself must not fork."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from keepthread.errors import KeepthreadError
from keepthread.model.ids import new_id
from keepthread.store import ThreadStore

from .processes import Line
from .turns import turn

PATIENCE_SECONDS = 20


def fork(body: Callable[[], None]) -> int:
    """Run *body* in a forked child, which ends with it, or is ended if it hangs. Return its process id."""
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(PATIENCE_SECONDS)
    code = 1
    try:
        body()
        code = 0
    finally:
        os._exit(code)


def went_well(pid: int) -> bool:
    """Wait for the end of a forked child, and return whether it was a good one."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


async def append_many(store: ThreadStore, name: str, times: int) -> None:
    """Append so many turns, one after the other, to thread `t`."""
    for number in range(times):
        await store.append("t", turn(f"{name}-{number}"), create=True)


def open_files() -> int:
    """Return how many files this process has open; 0 where nobody knows."""
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.exists() else 0


def use_the_same_store(line: Line, path: Path | None) -> None:
    """Append in both processes at once, to the store that was opened before the fork. Say what the child met."""
    with asyncio.Runner() as parent:
        store = parent.run(ThreadStore.create(path))
        parent.run(append_many(store, "before", 1))

        def child() -> None:
            try:
                asyncio.run(append_many(store, "child", 30))
            except KeepthreadError as error:
                line.say(type(error).__name__)

        pid = fork(child)
        parent.run(append_many(store, "parent", 30))
        line.say(went_well(pid))
        parent.run(append_many(store, "after", 1))
        line.say(parent.run(store.count_messages("t")))
        parent.run(store.close())


def read_first(line: Line, path: Path) -> None:
    """Read in both processes after the fork, before either writes. Say how many messages each found."""
    with asyncio.Runner() as parent:
        store = parent.run(ThreadStore.create(path))
        parent.run(append_many(store, "before", 1))
        pid = fork(lambda: line.say(asyncio.run(store.count_messages("t"))))
        went_well(pid)
        line.say(parent.run(store.count_messages("t")))
        parent.run(store.close())


def open_another_store(line: Line, path: Path) -> None:
    """Open a second store on the same file in the child; close the parent's; append in the child, and kill it."""
    with asyncio.Runner() as parent:
        store = parent.run(ThreadStore.create(path))
        parent.run(append_many(store, "before", 1))
        pid, opened, closed = _fork_a_store_of_its_own(line, path)
        opened.wait()
        parent.run(append_many(store, "parent", 1))
        parent.run(store.close())
        closed.set()
        os.waitpid(pid, 0)


def fork_during_a_close(line: Line, path: Path, times: int) -> None:
    """The same while the parent's store is just being closed, again and again."""

    async def fork_and_close() -> None:
        store = await ThreadStore.create(path)
        await append_many(store, "before", 1)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        pid, opened, closed = _fork_a_store_of_its_own(line, path)
        await closing
        await asyncio.to_thread(opened.wait)
        closed.set()
        os.waitpid(pid, 0)

    for _ in range(times):
        asyncio.run(fork_and_close())


class _Signal:
    """An event across a fork."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        os.write(self._writer, b"!")

    def wait(self) -> None:
        """Wait for the other side, or for its end."""
        os.close(self._writer)
        assert os.read(self._reader, 1)


def _fork_a_store_of_its_own(line: Line, path: Path) -> tuple[int, _Signal, _Signal]:
    """Fork a child that opens a store, appends, waits for the second signal, appends more, says so, and is killed."""
    opened, closed = _Signal(), _Signal()

    def child() -> None:
        with asyncio.Runner() as runner:
            store = runner.run(ThreadStore.create(path))
            runner.run(append_many(store, f"child-{os.getpid()}", 1))
            opened.set()
            closed.wait()
            runner.run(append_many(store, f"alone-{os.getpid()}", 5))
            line.say([f"child-{os.getpid()}-0", *(f"alone-{os.getpid()}-{number}" for number in range(5))])
            os.kill(os.getpid(), signal.SIGKILL)

    return fork(child), opened, closed


def fork_again_and_again(line: Line, path: Path, times: int) -> None:
    """Fork while eight threads append; each child appends as well.

    Say of each child whether it went well; then how many turns each thread stored, and how many files were left open.
    """
    with asyncio.Runner() as parent:
        store = parent.run(ThreadStore.create(path))
        parent.run(store.count_threads())
        files = open_files()
        stop = threading.Event()
        stored = [0] * 8

        async def append_until_stopped(me: int) -> None:
            while not stop.is_set():
                await store.append(f"thread-{me}", turn(f"{me}-{stored[me]}"), create=True)
                stored[me] += 1

        threads = [threading.Thread(target=asyncio.run, args=(append_until_stopped(me),)) for me in range(8)]
        for thread in threads:
            thread.start()
        for number in range(times):
            line.say(went_well(fork(lambda number=number: asyncio.run(append_many(store, f"child-{number}", 1)))))
        stop.set()
        for thread in threads:
            thread.join()
        line.say(stored)
        parent.run(store.count_threads())
        line.say(open_files() - files)
        parent.run(store.close())


def make_ids_in_children(line: Line, times: int) -> None:
    """Make ids in forked children while other threads make some, too. Say whether each child could."""
    stop = threading.Event()

    def make_ids() -> None:
        while not stop.is_set():
            new_id()

    def make_ten_ids() -> None:
        for _ in range(10):
            new_id()

    threads = [threading.Thread(target=make_ids) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(times):
        line.say(went_well(fork(make_ten_ids)))
    stop.set()
    for thread in threads:
        thread.join()


def fork_while_a_write_waits(line: Line, path: Path) -> None:
    """Fork while somebody else holds the write lock, and a write of ours waits for it. Say what the child met."""
    with asyncio.Runner() as parent:
        store = parent.run(ThreadStore.create(path))

        async def begin() -> asyncio.Task[None]:
            return asyncio.create_task(append_many(store, "parent", 1))

        waiting = parent.run(begin())
        parent.run(asyncio.sleep(0))

        def child() -> None:
            try:
                asyncio.run(append_many(store, "child", 1))
            except KeepthreadError as error:
                line.say(type(error).__name__)

        pid = fork(child)
        line.say(went_well(pid))
        parent.run(_finished(waiting))
        parent.run(store.close())


async def _finished(task: asyncio.Task[None]) -> None:
    await task


def leave_through_the_front_door(line: Line, path: Path) -> None:
    """Let a child of `multiprocessing` with the inherited store end as Python processes end, its exit handlers run."""
    with asyncio.Runner() as parent:
        store = parent.run(ThreadStore.create(path))
        parent.run(append_many(store, "before", 1))
        child = multiprocessing.get_context("fork").Process(target=_append_one, args=(store,))
        child.start()
        child.join(PATIENCE_SECONDS)
        line.say(child.exitcode)
        parent.run(append_many(store, "after", 1))
        parent.run(store.close())


def _append_one(store: ThreadStore) -> None:
    asyncio.run(append_many(store, "child", 1))
