"""What killed processes, pulled plugs and second writers leave in a folder of files. Real processes, real disks."""

import errno
import fcntl
import os
import random
import signal
import struct
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from keepthread.files import FileStore

from .contents import blobs, leftovers

DIES_AT_A_CALL = """
import asyncio, os, signal, sys
from keepthread.files import FileStore

folder, call, countdown = sys.argv[1], sys.argv[2], int(sys.argv[3])
real = getattr(os, call)

def dying(*args, **kwargs):
    global countdown
    countdown -= 1
    if countdown == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)

setattr(os, call, dying)
asyncio.run(FileStore(folder).put("t", sys.stdin.buffer.read(), filename="a.txt"))
"""

PUTS_FOREVER = """
import asyncio, os, sys
from keepthread.files import FileStore

async def main():
    store = FileStore(sys.argv[1], accept="*")
    while True:
        blob = await store.put("t", os.urandom(20_000), filename="a.bin")
        print(blob.sha256, flush=True)

asyncio.run(main())
"""

PUTS_THE_SAME = """
import asyncio, sys
from keepthread.files import FileStore

async def main():
    store = FileStore(sys.argv[1])
    sys.stdin.readline()
    for number in range(200):
        await store.put("t", b"file %d" % number, filename="a.txt")

asyncio.run(main())
"""

DIES_WHILE_DISCARDING = """
import asyncio, os, signal, sys
from keepthread.files import FileStore

async def unused():
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(FileStore(sys.argv[1]).discard("t", sys.argv[2], unused))
"""

PRECIOUS = b"precious " * 1000
NAME = sha256(PRECIOUS).hexdigest()


def run(script: str, *arguments: object, content: bytes = PRECIOUS) -> int:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, check=False, input=content).returncode


@pytest.mark.parametrize(("call", "nth"), [("fsync", n) for n in range(1, 6)] + [("link", 1)])
async def test_a_process_killed_before_publishing_leaves_nothing_visible(tmp_path: Path, call: str, nth: int) -> None:
    killed = run(DIES_AT_A_CALL, tmp_path / "files", call, nth)
    store = FileStore(tmp_path / "files")
    visible = await store.exists("t", NAME)
    blob = await store.put("t", PRECIOUS, filename="a.txt")

    assert killed == -signal.SIGKILL
    assert not visible
    assert await store.get("t", blob.sha256) == PRECIOUS


@pytest.mark.parametrize(("call", "nth"), [("unlink", 1), ("fsync", 6)])
async def test_a_process_killed_after_publishing_leaves_the_whole_file(tmp_path: Path, call: str, nth: int) -> None:
    killed = run(DIES_AT_A_CALL, tmp_path / "files", call, nth)

    assert killed == -signal.SIGKILL
    assert await FileStore(tmp_path / "files").get("t", NAME) == PRECIOUS


async def test_a_process_killed_while_discarding_loses_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    blob = await store.put("t", PRECIOUS, filename="a.txt")

    killed = run(DIES_WHILE_DISCARDING, tmp_path / "files", blob.sha256)

    assert killed == -signal.SIGKILL
    assert blobs(tmp_path / "files") == {}
    assert await store.get("t", blob.sha256) == PRECIOUS
    assert leftovers(tmp_path / "files") == []


@pytest.mark.slow
def test_what_was_acknowledged_survives_kills_at_random(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", PUTS_FOREVER, str(tmp_path)], stdout=subprocess.PIPE, encoding="ascii"
        )
        assert child.stdout is not None
        acknowledged += [child.stdout.readline().strip() for _ in range(random.randint(1, 40))]
        child.kill()
        # A line that was cut off by the kill acknowledges nothing.
        acknowledged += [
            line.strip() for line in child.communicate()[0].splitlines(keepends=True) if line.endswith("\n")
        ]

    stored = blobs(tmp_path)

    assert set(acknowledged) <= stored.keys()
    assert [name for name, content in stored.items() if sha256(content).hexdigest() != name] == []


def test_two_processes_store_the_same_bytes_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PUTS_THE_SAME, str(tmp_path)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    outcomes: list[tuple[int, bytes]] = []

    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
    for child in children:
        errors = child.communicate()[1]
        outcomes.append((child.returncode, errors))

    assert outcomes == [(0, b""), (0, b"")]
    assert sorted(blobs(tmp_path).values()) == sorted(b"file %d" % number for number in range(200))
    assert leftovers(tmp_path) == []


def test_what_was_acknowledged_survives_a_power_failure(journaled_disk: Path) -> None:
    folder = journaled_disk / "files"
    child = subprocess.Popen(
        [sys.executable, "-c", PUTS_FOREVER, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(50)]

    pull_the_plug(journaled_disk)
    child.kill()
    child.communicate()
    start_again(journaled_disk)
    stored = blobs(folder)

    assert set(acknowledged) <= stored.keys()
    assert [name for name, content in stored.items() if sha256(content).hexdigest() != name] == []


async def test_bytes_found_stored_survive_a_power_failure_as_well(journaled_disk: Path) -> None:
    contents = [b"content %d" % number for number in range(2_000)]
    mine, found = [content for content in contents if sha256(content).digest()[0] == 0][:2]
    store = FileStore(journaled_disk / "files")
    await store.put("t", mine, filename="a.txt")

    # Another process writes to the same folder and dies before the new name is on the disk.
    killed = run(DIES_AT_A_CALL, journaled_disk / "files", "unlink", 1, content=found)
    await store.put("t", found, filename="a.txt")
    pull_the_plug(journaled_disk)
    start_again(journaled_disk)

    assert killed == -signal.SIGKILL
    assert found in blobs(journaled_disk / "files").values()


def start_again(disk: Path) -> None:
    subprocess.run(["umount", str(disk)], check=True)
    subprocess.run(["mount", "-o", "loop", f"{disk}.img", str(disk)], check=True)


def pull_the_plug(disk: Path) -> None:
    """Stop an ext4 where it is: from now on nothing of what is only in memory reaches the disk."""
    shut_down, without_flushing_the_log = 0x8004587D, struct.pack("I", 2)
    descriptor = os.open(disk, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, shut_down, without_flushing_the_log)
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EPERM):
            raise
        pytest.skip("this kernel cannot shut an ext4 down")
    finally:
        os.close(descriptor)
