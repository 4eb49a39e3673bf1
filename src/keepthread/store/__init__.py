"""Where conversations are kept."""

from .backends.pool import PoolSettings
from .cache import ThreadCache
from .limits import Limits
from .status import StoreStatus
from .thread_store import ThreadStore
from .turning import OpenTurn

__all__ = ["Limits", "OpenTurn", "PoolSettings", "StoreStatus", "ThreadCache", "ThreadStore"]
