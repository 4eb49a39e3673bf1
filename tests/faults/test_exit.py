"""A script that never closes its store: Python exits at once, in silence, with everything on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from .turns import kept_turns

QUICK_SECONDS = 2.0
ROOT = Path(__file__).parents[2]

PREAMBLE = """
import asyncio, os, sys, threading
from keepthread.store import ThreadStore
from tests.faults.turns import turn

async def opened():
    asyncio.get_running_loop().slow_callback_duration = 60  # or asyncio's debug mode complains of a busy machine
    return await ThreadStore.create(sys.argv[1])

async def append(number):
    await store.append("t", turn(f"{number}"), create=True)

def say(word):
    os.write(1, f"{word}\\n".encode())
"""

FORGOTTEN = """
async def main():
    store = await opened()
    await store.append("t", turn("0"), create=True)
    await store.get_thread("t")
    say("0")
asyncio.run(main())
"""

KEPT_IN_A_GLOBAL_AFTER_ITS_LOOP = """
loop = asyncio.new_event_loop()
store = loop.run_until_complete(opened())
loop.run_until_complete(append(0))
say("0")
loop.close()
"""

WITH_WRITES_UNDER_WAY = """
async def main():
    global store, tasks
    store = await opened()
    await append(0)
    say("0")
    tasks = [asyncio.create_task(append(number)) for number in range(1, 300)]
    await asyncio.sleep(0)
asyncio.run(main())
"""

FROM_WITHIN = """
async def main():
    global store
    store = await opened()
    await append(0)
    say("0")
    asyncio.get_running_loop().call_soon(sys.exit)
    await asyncio.gather(*(append(number) for number in range(1, 300)))
asyncio.run(main())
"""

WHILE_A_DAEMON_THREAD_WRITES = """
store = asyncio.run(opened())
begun = threading.Event()

async def write_on():
    for number in range(1_000_000):
        await append(number)
        say(number)
        begun.set()

threading.Thread(target=asyncio.run, args=(write_on(),), daemon=True).start()
begun.wait()
"""

BY_AN_EXCEPTION = """
async def main():
    store = await opened()
    await store.append("t", turn("0"), create=True)
    say("0")
    sys.exit("as planned")
asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "last_words"),
    [
        (FORGOTTEN, ""),
        (KEPT_IN_A_GLOBAL_AFTER_ITS_LOOP, ""),
        (WITH_WRITES_UNDER_WAY, ""),
        (FROM_WITHIN, ""),
        (WHILE_A_DAEMON_THREAD_WRITES, ""),
        (BY_AN_EXCEPTION, "as planned\n"),
    ],
    ids=["forgotten", "its loop closed", "writes under way", "exit from within", "a daemon writes", "an exception"],
)
async def test_python_exits_at_once_and_in_silence_with_everything_on_disk(
    tmp_path: Path, script: str, last_words: str
) -> None:
    path = tmp_path / "t.db"
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", PREAMBLE + script, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        begin = monotonic()
        out, err = process.communicate()
        seconds = monotonic() - begin

    assert err == last_words
    assert process.returncode == (1 if last_words else 0)
    assert seconds < QUICK_SECONDS
    kept = (await kept_turns(path))["t"]
    acknowledged = (first + out).split()
    assert "0" in acknowledged
    # Of the writes that nobody waited for any more each may be there, or not.
    assert set(acknowledged) <= set(kept)
    assert kept == sorted(set(kept), key=int)
