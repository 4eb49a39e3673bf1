"""Who talks: agents and their models. Nothing here knows how a thread is stored."""

from .agent import Agent
from .models import EchoModel, Model, OpenAIChat, ScriptedModel
from .result import AgentResult

__all__ = ["Agent", "AgentResult", "EchoModel", "Model", "OpenAIChat", "ScriptedModel"]
