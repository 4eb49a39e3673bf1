"""Bytes in this process's memory, gone with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from uuid import uuid4

from .backing import Backing
from .tally import check_room


class Memory(Backing):
    """A dict, with the same rules as the disk."""

    def __init__(self, max_total_bytes: int | None) -> None:
        self._max_total_bytes = max_total_bytes
        self._lock = threading.Lock()
        self._shown: dict[tuple[str, str], bytes] = {}
        self._hidden: dict[tuple[str, str], tuple[str, bytes]] = {}
        """The name of the hidden copy, and the bytes. They are never shown at the same time."""
        self._used = 0

    def open(self) -> None:
        """Nothing is to be made ready."""

    def put(self, tenant: str, sha256: str, content: bytes) -> None:
        """Keep *content*."""
        with self._lock:
            self._restore(tenant, sha256)
            if (tenant, sha256) not in self._shown:
                check_room(self._used, len(content), self._max_total_bytes)
                self._shown[tenant, sha256] = content
                self._used += len(content)

    def get(self, tenant: str, sha256: str) -> bytes | None:
        """Return the very object that was put."""
        with self._lock:
            self._restore(tenant, sha256)
            return self._shown.get((tenant, sha256))

    def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether `get` would find them."""
        with self._lock:
            self._restore(tenant, sha256)
            return (tenant, sha256) in self._shown

    def hide(self, tenant: str, sha256: str) -> Sequence[str]:
        """Move the bytes out of sight."""
        with self._lock:
            content = self._shown.pop((tenant, sha256), None)
            if content is not None:
                self._hidden[tenant, sha256] = (uuid4().hex, content)
            return [self._hidden[tenant, sha256][0]] if (tenant, sha256) in self._hidden else []

    def show(self, tenant: str, sha256: str, hidden: Sequence[str]) -> None:
        """Move them back."""
        with self._lock:
            if self._is_hidden(tenant, sha256, hidden):
                self._restore(tenant, sha256)

    def drop(self, tenant: str, sha256: str, hidden: Sequence[str]) -> bool:
        """Forget them."""
        with self._lock:
            if self._is_hidden(tenant, sha256, hidden):
                self._used -= len(self._hidden.pop((tenant, sha256))[1])
            return (tenant, sha256) not in self._shown and (tenant, sha256) not in self._hidden

    def claim(self, store_id: str) -> None:
        """Belong to whoever asks: no other process can reach this place."""

    def total_bytes(self) -> int:
        """Return the sum, which is always at hand."""
        with self._lock:
            return self._used

    def _is_hidden(self, tenant: str, sha256: str, names: Sequence[str]) -> bool:
        """Whether it is one of the copies that were hidden, and not one that was shown and hidden again."""
        return (tenant, sha256) in self._hidden and self._hidden[tenant, sha256][0] in names

    def _restore(self, tenant: str, sha256: str) -> None:
        if (tenant, sha256) in self._hidden:
            self._shown[tenant, sha256] = self._hidden.pop((tenant, sha256))[1]
