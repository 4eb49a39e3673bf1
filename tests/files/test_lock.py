"""Being alone in the quarantine, and being stopped while one is."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from keepthread.errors import BusyError
from keepthread.files import FileStore, lock

HELLO = sha256(b"hello").hexdigest()

HOLDS_THE_LOCK = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
async def base(tmp_path: Path) -> Path:
    """A folder in which something was once discarded."""
    store = FileStore(tmp_path)
    for content in (b"hello", b"other"):
        await store.put("t", content, filename="a.txt")
    await store.discard("t", sha256(b"other").hexdigest(), unused)
    return tmp_path


@pytest.fixture
def holder(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """Another process that is stopped in the middle of a discard."""
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.05)
    command = [sys.executable, "-c", HOLDS_THE_LOCK, str(base / "quarantine")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.communicate()


async def unused() -> bool:
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no directories")
@pytest.mark.usefixtures("holder")
async def test_files_can_be_put_and_read_beside_a_stopped_process(base: Path) -> None:
    store = FileStore(base)

    blob = await store.put("t", b"more", filename="a.txt")

    assert await store.get("t", blob.sha256) == b"more"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no directories")
@pytest.mark.usefixtures("holder")
async def test_a_discard_does_not_wait_for_a_stopped_process_forever(base: Path) -> None:
    with pytest.raises(BusyError, match="If it was stopped") as caught:
        await FileStore(base).discard("t", HELLO, unused)

    assert caught.value.retryable
    assert await FileStore(base).exists("t", HELLO)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no directories")
async def test_a_lock_dies_with_its_process(base: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()

    assert await FileStore(base).discard("t", HELLO, unused)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no directories")
async def test_a_file_system_without_locks_will_do(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", no_locks)

    assert await FileStore(base).discard("t", HELLO, unused)
