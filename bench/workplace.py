"""Where a run works, and how much it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_IN_MEMORY = {"tmpfs", "ramfs"}


class Skipped(Exception):  # no error: the row needs what is not here
    """A row cannot run on this machine. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A folder for databases, and whether the run is a quick one, whose figures only show that it works."""

    folder: Path
    quick: bool

    def database(self, name: str) -> Path:
        """Return the path of a new database."""
        path = self.folder / f"{name}.db"
        assert not path.exists(), f"two rows use {path.name}"
        return path

    def rounds(self, count: int) -> int:
        """Return how many rounds of *count* to make."""
        return 2 if self.quick else count

    def size(self, count: int) -> int:
        """Return how many of *count* messages, threads or operations to take: a tenth in a quick run."""
        return max(1, count // 10) if self.quick else count


def file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the type of the file system that holds *folder*, or "unknown" where the system does not tell."""
    if not mounts.exists():
        return "unknown"
    entries = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    holding = [(len(entry[1]), entry[2]) for entry in entries if folder.resolve().is_relative_to(entry[1])]
    return max(holding)[1] if holding else "unknown"


def is_in_memory(kind: str) -> bool:
    """Return whether a file system of this type never reaches a disk, so that a durable write costs nothing on it."""
    return kind in _IN_MEMORY
