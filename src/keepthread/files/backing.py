"""What a FileStore needs of the place that its bytes are in. Blocking: the store calls it off the event loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Backing(ABC):
    """Bytes by tenant and SHA-256, which the store has checked to be 64 hexadecimal digits. Safe for any thread."""

    @abstractmethod
    def open(self) -> None:
        """Make the place ready. It is done by the first `put` as well."""

    @abstractmethod
    def put(self, tenant: str, sha256: str, content: bytes) -> None:
        """Store *content* durably, or find it stored.

        Raises:
            FullError, UnavailableError: Nothing was written.
        """

    @abstractmethod
    def get(self, tenant: str, sha256: str) -> bytes | None:
        """Return the bytes as they are now, or None. Hidden ones are shown again first.

        Raises:
            CorruptError: What has the name is no file.
            UnavailableError, BusyError: The place cannot be read.
        """

    @abstractmethod
    def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether the bytes are there. Hidden ones are shown again first, and whoever hid them has lost them."""

    @abstractmethod
    def hide(self, tenant: str, sha256: str) -> Sequence[str]:
        """Hide the bytes; return the names of all their hidden copies, among them those of a process that died.

        No name is ever used twice, so that a copy which was shown and hidden again meanwhile is not taken for this one.
        """

    @abstractmethod
    def show(self, tenant: str, sha256: str, hidden: Sequence[str]) -> None:
        """Make the bytes visible again, if any of the *hidden* copies is still there."""

    @abstractmethod
    def drop(self, tenant: str, sha256: str, hidden: Sequence[str]) -> bool:
        """Remove the *hidden* copies; return whether the bytes are gone, and not shown or stored again meanwhile."""

    @abstractmethod
    def claim(self, store_id: str) -> None:
        """Note that the place belongs to a database.

        Raises:
            ForeignDatabaseError: It belongs to another one.
        """

    @abstractmethod
    def total_bytes(self) -> int:
        """Count what is stored for all tenants, in bytes."""
