"""What the model sees of a conversation: pure functions over messages. Nothing here knows a store or an agent.

`select_window` says which frames are kept and which have left, `fold` makes the summary of those, `build_prompt` puts
both together. A Checkpoint is a summary that was kept, and knows whether it still holds.
"""

from .checkpoint import Checkpoint, advance, digests_of
from .policy import RetentionPolicy, Strategy, Summarizer
from .presets import persist_conversation
from .prompt import Prompt, build_prompt
from .summary import Summary, custom_summary, fold, merge
from .tokens import TokenCounter, estimate_tokens, tiktoken_counter
from .window import Window, select_window

__all__ = [
    "Checkpoint",
    "Prompt",
    "RetentionPolicy",
    "Strategy",
    "Summarizer",
    "Summary",
    "TokenCounter",
    "Window",
    "advance",
    "build_prompt",
    "custom_summary",
    "digests_of",
    "estimate_tokens",
    "fold",
    "merge",
    "persist_conversation",
    "select_window",
    "tiktoken_counter",
]
