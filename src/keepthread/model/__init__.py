"""What a conversation is: values, their checks and their stored form. No I/O, and no clock but the one of ids."""

from .attachment import Attachment
from .history import HistoryEntry
from .identity import Identity
from .message import Message, Role
from .openai_chat import from_openai, to_openai
from .page import Page
from .parts import ImagePart, ImageUrl, OtherPart, TextPart, ToolCall
from .thread import Thread
from .usage import Usage

__all__ = [
    "Attachment",
    "HistoryEntry",
    "Identity",
    "ImagePart",
    "ImageUrl",
    "Message",
    "OtherPart",
    "Page",
    "Role",
    "TextPart",
    "Thread",
    "ToolCall",
    "Usage",
    "from_openai",
    "to_openai",
]
