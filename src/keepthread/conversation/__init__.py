"""A thread seen through a retention policy, with a turn being staged, and the state that is kept beside it.

Nothing here knows a model or an agent.
"""

from .conversation import Conversation
from .redis_sessions import RedisSessions
from .session import OpenSession, SessionState, StoredSession
from .sight import Sight
from .turn import ConversationTurn

__all__ = [
    "Conversation",
    "ConversationTurn",
    "OpenSession",
    "RedisSessions",
    "SessionState",
    "Sight",
    "StoredSession",
]
