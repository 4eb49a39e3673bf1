"""Where conversations are kept."""

from .cache import ThreadCache
from .limits import Limits
from .status import StoreStatus
from .thread_store import ThreadStore

__all__ = ["Limits", "StoreStatus", "ThreadCache", "ThreadStore"]
