"""A thread seen through a retention policy, with a turn being staged. Nothing here knows a model or an agent."""

from .conversation import Conversation
from .sight import Sight
from .turn import ConversationTurn

__all__ = ["Conversation", "ConversationTurn", "Sight"]
