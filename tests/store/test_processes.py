"""Stores in processes of their own: forgotten, forked, and many at once."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from keepthread.store import ThreadStore
from keepthread.testing.arrange import stored

from . import invariants

PRELUDE = """
import asyncio, os, sys, time
from keepthread.errors import StoreClosedError
from keepthread.model import Message
from keepthread.store import ThreadStore

def say(text):
    return Message(id=text, role="user", content=text)

def leave():
    print(time.time(), flush=True)
"""


def started(program: str, *arguments: object) -> subprocess.Popen[str]:
    source = PRELUDE + textwrap.dedent(program)
    # From 3.12 on Python warns of every fork beside threads: these programs do it on purpose.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", source, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(program: str, *arguments: object) -> str:
    """Run *program* to its end and return what it printed."""
    with started(program, *arguments) as process:
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    return out


FORGETFUL = {
    "a store that was never closed": """
        async def main():
            store = await ThreadStore.create(sys.argv[1])
            await store.append("t", say("a"), create=True)
            await store.get_thread("t")
            leave()
        asyncio.run(main())
    """,
    "a store that is still referred to": """
        store = asyncio.run(ThreadStore.create(sys.argv[1]))
        asyncio.run(store.append("t", say("a"), create=True))
        asyncio.run(store.get_thread("t"))
        leave()
    """,
    "an exit in the middle": """
        async def main():
            store = await ThreadStore.create(sys.argv[1])
            await store.append("t", say("a"), create=True)
            asyncio.ensure_future(store.append("t", say("b")))
            await asyncio.sleep(0)
            leave()
            sys.exit(0)
        asyncio.run(main())
    """,
    "an error nobody caught": """
        async def main():
            store = await ThreadStore.create(sys.argv[1])
            await store.append("t", say("a"), create=True)
            leave()
            raise KeyboardInterrupt
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            pass
    """,
}


@pytest.mark.parametrize("kind", FORGETFUL)
async def test_python_exits_at_once_and_everything_is_on_disk(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.db"

    left = float(said(FORGETFUL[kind], path))

    assert time.time() - left < 4
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]
    async with ThreadStore(path) as store:
        assert (await stored(store))[:1] == ["a"]
    invariants.check(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
async def test_a_store_on_a_file_works_on_both_sides_of_a_fork(tmp_path: Path) -> None:
    printed = said(
        """
        async def speak(name):
            await asyncio.gather(*(store.append("t", say(f"{name}{n}")) for n in range(50)))

        store = asyncio.run(ThreadStore.create(sys.argv[1]))
        asyncio.run(store.append("t", say("a"), create=True))
        asyncio.run(store.get_thread("t"))
        children = []
        for number in range(3):
            child = os.fork()
            if not child:
                asyncio.run(speak(f"child {number} "))
                asyncio.run(store.close())
                sys.exit(3)
            children.append(child)
        asyncio.run(speak("parent "))
        print({os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children})
        """,
        tmp_path / "x.db",
    )

    assert printed == "{3}\n"
    async with ThreadStore(tmp_path / "x.db") as store:
        assert len(set(await stored(store))) == 1 + 4 * 50
    invariants.check(tmp_path / "x.db")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
async def test_a_database_in_memory_stays_with_the_parent_of_a_fork(tmp_path: Path) -> None:
    printed = said(
        """
        store = asyncio.run(ThreadStore.create())
        asyncio.run(store.append("t", say("a"), create=True))
        child = os.fork()
        if not child:
            for call in (store.get_thread("t"), store.append("t", say("child"))):
                try:
                    asyncio.run(call)
                except StoreClosedError as error:
                    print("child:", "fork" in str(error), flush=True)
            asyncio.run(store.close())
            sys.exit(3)
        print("status:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        asyncio.run(store.append("t", say("b")))
        print("parent:", asyncio.run(store.count_messages("t")))
        """,
        tmp_path / "x.db",
    )

    assert printed.splitlines() == ["child: True", "child: True", "status: 3", "parent: 2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
async def test_a_forked_child_can_open_a_store_of_its_own(tmp_path: Path) -> None:
    printed = said(
        """
        async def speak(text):
            async with ThreadStore(sys.argv[1]) as store:
                await store.append("t", say(text), create=True)

        store = asyncio.run(ThreadStore.create(sys.argv[1]))
        child = os.fork()
        if not child:
            asyncio.run(speak("child"))
            sys.exit(0)
        os.waitpid(child, 0)
        print(len(asyncio.run(store.get_thread("t")).messages))
        """,
        tmp_path / "x.db",
    )

    assert printed == "1\n"


async def test_processes_that_create_one_database_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    program = """
        async def main():
            sys.stdin.readline()
            async with ThreadStore(sys.argv[1]) as store:
                await asyncio.gather(*(store.append("t", say(f"{sys.argv[2]} {n}"), create=True) for n in range(20)))
        asyncio.run(main())
    """
    source = PRELUDE + textwrap.dedent(program)
    processes = [
        subprocess.Popen([sys.executable, "-c", source, str(path), name], stdin=subprocess.PIPE, text=True)
        for name in "abcd"
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()

    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    async with ThreadStore(path) as store:
        assert sorted(await stored(store)) == sorted(f"{name} {n}" for name in "abcd" for n in range(20))
    invariants.check(path)
