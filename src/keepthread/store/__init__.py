"""Where conversations are kept."""

from .backends.pool import PoolSettings
from .cache import ThreadCache
from .limits import Limits
from .migrate import Migration, MigrationPlan
from .status import StoreStatus
from .thread_store import ThreadStore
from .turning import OpenTurn

__all__ = [
    "Limits",
    "Migration",
    "MigrationPlan",
    "OpenTurn",
    "PoolSettings",
    "StoreStatus",
    "ThreadCache",
    "ThreadStore",
]
