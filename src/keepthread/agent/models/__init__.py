"""The models that an Agent can be given, and what makes a model."""

from .echo import EchoModel
from .names import named_model
from .openai_chat import OpenAIChat
from .protocol import ClosableModel, Model
from .scripted import ScriptedModel, ScriptedReply

__all__ = ["ClosableModel", "EchoModel", "Model", "OpenAIChat", "ScriptedModel", "ScriptedReply", "named_model"]
