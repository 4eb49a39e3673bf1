"""keepthread: conversations that outlive the process.

Threads, messages and files in a database, and agents that never forget, never duplicate and never lose a turn. Every
name here is imported when it is first used, so that `import keepthread` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keepthread.agent import Agent, AgentResult
    from keepthread.conversation import Conversation
    from keepthread.errors import (
        ConflictError,
        InvalidMessage,
        KeepthreadError,
        MessageNotFound,
        ModelFailedError,
        ThreadNotFound,
    )
    from keepthread.files import FileStore
    from keepthread.model import Attachment, Message, Page, Thread, ToolCall, Usage
    from keepthread.retention import RetentionPolicy, persist_conversation
    from keepthread.store import Limits, ThreadStore

_ROOMS = {
    "keepthread.agent": ("Agent", "AgentResult"),
    "keepthread.conversation": ("Conversation",),
    "keepthread.errors": (
        "ConflictError",
        "InvalidMessage",
        "KeepthreadError",
        "MessageNotFound",
        "ModelFailedError",
        "ThreadNotFound",
    ),
    "keepthread.files": ("FileStore",),
    "keepthread.model": ("Attachment", "Message", "Page", "Thread", "ToolCall", "Usage"),
    "keepthread.retention": ("RetentionPolicy", "persist_conversation"),
    "keepthread.store": ("Limits", "ThreadStore"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Agent",
    "AgentResult",
    "Attachment",
    "ConflictError",
    "Conversation",
    "FileStore",
    "InvalidMessage",
    "KeepthreadError",
    "Limits",
    "Message",
    "MessageNotFound",
    "ModelFailedError",
    "Page",
    "RetentionPolicy",
    "Thread",
    "ThreadNotFound",
    "ThreadStore",
    "ToolCall",
    "Usage",
    "persist_conversation",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name == "__version__":
        return import_module("importlib.metadata").version("keepthread")
    if name not in _HOME:
        raise AttributeError(f"module 'keepthread' has no attribute {name!r}")
    if name == "ThreadStore":
        import_module("keepthread.files")  # offers the default place for attachments; the rooms do not know each other
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
