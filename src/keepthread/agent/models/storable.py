"""What a model wrote, made fit to be stored: nothing that a model says may lose its answer."""

from __future__ import annotations

from typing import Any, cast

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """Return *text* with the replacement character for each NUL and each half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # By way of UTF-16, where two halves that belong together become the character that was meant.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", REPLACEMENT)


def storable_json(value: object) -> object:
    """Return a JSON value with every text and every key in it made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_json(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {storable(key): storable_json(item) for key, item in cast("dict[str, Any]", value).items()}
    return value
