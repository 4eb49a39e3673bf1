"""File systems of their own, for the tests that fill them, break them and pull their plug. They need root on Linux."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from struct import pack

from .needs import need

_EXT4_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2


def _need_mounts() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        need("root on Linux, to mount a file system")


@contextmanager
def memory_disk(place: Path, size: str) -> Generator[Path]:
    """A file system in memory of *size*."""
    _need_mounts()
    place.mkdir()
    with _mounted(place, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield place


def resize(place: Path, size: str) -> None:
    """Give a file system in memory another size."""
    _run("mount", "-o", f"remount,size={size}", str(place))


class Disk:
    """An ext4 file system in a file, which can be unplugged."""

    def __init__(self, folder: Path) -> None:
        _need_mounts()
        if shutil.which("mkfs.ext4") is None:
            need("mkfs.ext4")
        self._image = folder / "image"
        self.place = folder / "disk"
        self.place.mkdir()
        with self._image.open("wb") as image:
            image.truncate(24 << 20)
        _run("mkfs.ext4", "-q", "-F", str(self._image))

    @contextmanager
    def plugged_in(self) -> Generator[Path]:
        """Mount it, and let it go in the end."""
        with _mounted(self.place, "-o", "loop,errors=remount-ro", str(self._image)):
            yield self.place

    def pull_the_plug(self) -> None:
        """Lose at once all that was not told to be safe. What is open fails from now on."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            # Never the file system of the machine itself, whatever became of the mount.
            assert os.fstat(descriptor).st_dev != self._image.stat().st_dev
            fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def fail(self) -> None:
        """Let the kernel find an error in it, upon which it becomes read-only."""
        device = self.place.stat().st_dev
        block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
        Path(f"/sys/fs/ext4/{block}/trigger_fs_error").write_text("a test", encoding="ascii")


@contextmanager
def _mounted(place: Path, *arguments: str) -> Generator[None]:
    try:
        _run("mount", *arguments, str(place))
    except subprocess.CalledProcessError as refusal:
        # Root in a container may lack the right, or the loop device.
        need(f"the right to mount ({refusal.stderr.decode().partition(chr(10))[0]})")
    try:
        yield
    finally:
        # Lazily, so that what a failed test still holds open does not keep it in the tree.
        _run("umount", "--lazy", str(place))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
