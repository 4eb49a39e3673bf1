"""Where conversations are kept."""

from .backends.pool import PoolSettings
from .cache import ThreadCache
from .conversation_queries import KeptSummary
from .limits import Limits
from .migrate import Migration, MigrationPlan
from .states import State
from .status import StoreStatus
from .summaries import BEFORE_ALL, Ends, Remembered, SummaryChange
from .thread_store import ThreadStore
from .turning import OpenTurn

__all__ = [
    "BEFORE_ALL",
    "Ends",
    "KeptSummary",
    "Limits",
    "Migration",
    "MigrationPlan",
    "OpenTurn",
    "PoolSettings",
    "Remembered",
    "State",
    "StoreStatus",
    "SummaryChange",
    "ThreadCache",
    "ThreadStore",
]
