"""Which text and JSON can be stored on every backend, and its one canonical form.

PostgreSQL's text holds no NUL, UTF-8 no lone surrogate, JSON no NaN; MariaDB's JSON stops at 32 levels. What one engine
cannot hold is refused for all of them, so that a conversation can always move.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Never, cast

from keepthread.errors import InvalidError

MAX_DEPTH = 30
MAX_ID_BYTES = 255

# About 4,200 digits: Python itself refuses to print integers of more than 4,300 (sys.set_int_max_str_digits).
_MOST_BITS = 14_000

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def check_text(text: str, where: str, error: type[InvalidError]) -> None:
    """Raise *error* if *text* cannot be stored: it holds a NUL or half of a surrogate pair."""
    if "\x00" in text:
        raise error(f"{where} holds a NUL character, which PostgreSQL cannot store.", hint="Remove or replace it.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise error(
                f"{where} holds half of a surrogate pair, which is not valid Unicode.",
                hint="Decode the text with errors='replace', or cut it between characters.",
            ) from None


def check_id(value: object, what: str, error: type[InvalidError]) -> str:
    """Return *value* if it is an id: 1 to 255 bytes of UTF-8 without control characters."""
    if not isinstance(value, str):
        raise error(f"{what} must be text, not {type(value).__name__}.")
    if not value:
        raise error(f"{what} is empty.")
    if _CONTROL.search(value):
        raise error(f"{what} holds a control character.")
    check_text(value, what, error)
    if len(value) * 4 > MAX_ID_BYTES and len(value.encode()) > MAX_ID_BYTES:
        raise error(f"{what} is longer than {MAX_ID_BYTES} bytes.")
    return value


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class FrozenDict(dict[str, Any]):
    """A JSON object that cannot be changed in place, so that what was stored is known without looking again."""

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        raise TypeError("A message's fields are frozen. Change them with thread.edit_message(message_id, …).")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse  # type: ignore[assignment] - refusing is the point

    # Copies are the caller's own and are plain: copy.deepcopy and pickle would otherwise fill the copy item by item.
    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[list[tuple[str, Any]]]]:
        return dict, (list(self.items()),)


class FrozenList(list[Any]):
    """A JSON array that cannot be changed in place; see FrozenDict."""

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        raise TypeError("A message's fields are frozen. Change them with thread.edit_message(message_id, …).")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse  # type: ignore[assignment] - refusing is the point

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


EMPTY = FrozenDict()


def freeze(value: object, where: str, error: type[InvalidError], depth: int = 0) -> Any:  # noqa: ANN401 - JSON has no one type
    """Return *value* as frozen JSON, equal to it, or raise *error* naming the place inside it that is no JSON.

    Tuples become arrays. Subclasses of str, int and float (enums, say) become plain ones.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        check_text(value, where, error)
        return str.__str__(value)
    if isinstance(value, int | float):
        return _number(value, where, error)
    if depth >= MAX_DEPTH:
        raise error(f"{where} is nested deeper than {MAX_DEPTH} levels.", hint="Store it flatter, or as a string.")
    if isinstance(value, Mapping):
        return FrozenDict(_items(cast("Mapping[object, object]", value), where, error, depth))
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return FrozenList([freeze(item, f"{where}[{i}]", error, depth + 1) for i, item in enumerate(items)])
    raise error(
        f"{where} is of type {type(value).__name__}, which JSON cannot hold.",
        hint="Convert it first, for instance with .isoformat(), str() or .model_dump(mode='json').",
    )


def _number(value: float, where: str, error: type[InvalidError]) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise error(f"{where} is {float(value)}, which JSON cannot hold.", hint="Use None or a string.")
        return float(value)
    if value.bit_length() > _MOST_BITS:
        raise error(f"{where} is an integer of more than 4,000 digits.", hint="Store it as a string.")
    return int(value)


def _items(
    mapping: Mapping[object, object], where: str, error: type[InvalidError], depth: int
) -> Iterable[tuple[str, Any]]:
    for key, item in mapping.items():
        if not isinstance(key, str):
            raise error(
                f"{where} has a key of type {type(key).__name__}; JSON's keys are strings.", hint="Use str(key)."
            )
        check_text(key, f"A key of {where}", error)
        yield str.__str__(key), freeze(item, f"{where}[{key!r}]", error, depth + 1)


def frozen_object(where: str, error: type[InvalidError]) -> Callable[[object], dict[str, Any]]:
    """Return a validator that freezes a JSON object, takes None for an empty one, and refuses anything else."""

    def validate(value: object) -> dict[str, Any]:
        if not value and (value is None or isinstance(value, Mapping)):
            return EMPTY
        if not isinstance(value, Mapping):
            raise error(f"{where} must be a dict, not {type(value).__name__}.")
        return freeze(cast("Mapping[object, object]", value), where, error)

    return validate


def canonical(value: object) -> str:
    """Return the one text of a JSON value: keys sorted, no spaces, no escapes that are not needed."""
    return _ENCODER.encode(value)
