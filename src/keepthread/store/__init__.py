"""Where conversations are kept."""

from .backends.pool import PoolSettings
from .cache import ThreadCache
from .limits import Limits
from .migrate import Migration, MigrationPlan
from .states import State
from .status import StoreStatus
from .thread_store import ThreadStore
from .turning import OpenTurn

__all__ = [
    "Limits",
    "Migration",
    "MigrationPlan",
    "OpenTurn",
    "PoolSettings",
    "State",
    "StoreStatus",
    "ThreadCache",
    "ThreadStore",
]
