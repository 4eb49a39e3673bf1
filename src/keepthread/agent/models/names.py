"""Which model a name stands for. Nothing is contacted or imported to find out."""

from __future__ import annotations

import re
from difflib import get_close_matches

from keepthread.errors import ModelSetupError

from .echo import NAME as ECHO
from .echo import EchoModel
from .openai_chat import OpenAIChat
from .protocol import Model
from .scripted import ScriptedModel

_SCRIPTED = "scripted:"
_OPENAI = re.compile(r"openai[:/](?P<name>\S+)|(?P<bare>(?:gpt-|chatgpt-|o\d)\S*)")

# What a misspelt name was probably meant to be; every other OpenAI model works as well.
_WELL_KNOWN = (
    ECHO,
    "chatgpt-4o-latest",
    "gpt-3.5-turbo",
    "gpt-4",
    "gpt-4-turbo",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "o1",
    "o3",
    "o3-mini",
    "o4-mini",
)

FORMS = "echo, scripted:FILE, gpt-…, o1, o3, o4-…, chatgpt-…, openai:NAME or openai/NAME"


def named_model(name: str) -> Model:
    """Return the model that *name* stands for.

    Raises:
        ModelSetupError: It stands for none. Names the nearest ones and the forms that are understood.
    """
    if name == ECHO:
        return EchoModel()
    if name.startswith(_SCRIPTED) and name != _SCRIPTED:
        return ScriptedModel.from_file(name.removeprefix(_SCRIPTED))
    if match := _OPENAI.fullmatch(name):
        return OpenAIChat(match["name"] or match["bare"])
    near = get_close_matches(name.strip().lower(), _WELL_KNOWN, n=3)
    guess = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise ModelSetupError(
        f"No model goes by the name {name!r}.",
        hint=f"{guess}Understood are {FORMS}; any async callable (messages, tools) is a model as well.",
    )
