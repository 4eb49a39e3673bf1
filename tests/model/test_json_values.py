"""Which JSON is stored, and in which form."""

# ruff: noqa: ANN401 - any value is input here.

import copy
import enum
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.errors import InvalidError, InvalidMessage, InvalidThread
from keepthread.model.json_values import (
    MAX_DEPTH,
    FrozenDict,
    FrozenList,
    canonical,
    check_id,
    check_text,
    freeze,
    frozen_object,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner),
)


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def frozen(value: object) -> Any:
    return freeze(value, "It", InvalidMessage)


@given(JSON)
def test_json_is_frozen_to_an_equal_value(value: Any) -> None:
    assert frozen(value) == value
    assert json.dumps(frozen(value)) == json.dumps(value)


@given(JSON)
def test_the_canonical_text_stands_for_exactly_one_value(value: Any) -> None:
    text = canonical(value)

    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    text.encode()


@given(ANYTHING)
def test_anything_is_either_stored_or_refused(value: Any) -> None:
    try:
        kept = frozen(value)
    except InvalidMessage:
        return
    canonical(kept).encode()
    assert "\\u0000" not in canonical(kept)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (0, False), (1, "1"), (None, "null"), ([], {}), (0.0, -0.0)]
)
def test_values_of_different_types_have_different_canonical_texts(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


def test_the_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        canonical({"b": 1, "a": {"d": 1, "c": 2}})
        == canonical({"a": {"c": 2, "d": 1}, "b": 1})
        == '{"a":{"c":2,"d":1},"b":1}'
    )


def test_tuples_mappings_and_enums_become_plain() -> None:
    value = frozen(
        {"t": (1, 2), "m": MappingProxyType({"x": OrderedDict[str, int](y=1)}), "e": Colour.RED, "i": Level.HIGH}
    )

    assert value == {"t": [1, 2], "m": {"x": {"y": 1}}, "e": "red", "i": 3}
    assert (type(value["e"]), type(value["i"])) == (str, int)


def test_a_frozen_value_is_a_copy() -> None:
    value: dict[str, Any] = {"list": [1]}
    kept = frozen(value)

    value["list"].append(2)

    assert kept == {"list": [1]}


OBJECT_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "update": lambda d: d.update(x=1),
    "pop": lambda d: d.pop("k"),
    "popitem": lambda d: d.popitem(),
    "clear": lambda d: d.clear(),
    "setdefault": lambda d: d.setdefault("x", 1),
    "set": lambda d: d.__setitem__("k", 2),
    "delete": lambda d: d.__delitem__("k"),
    "merge": lambda d: d.__ior__({"x": 1}),
}

ARRAY_CHANGES: dict[str, Callable[[list[Any]], object]] = {
    "append": lambda v: v.append(1),
    "extend": lambda v: v.extend([1]),
    "insert": lambda v: v.insert(0, 1),
    "pop": lambda v: v.pop(),
    "clear": lambda v: v.clear(),
    "remove": lambda v: v.remove(1),
    "sort": lambda v: v.sort(),
    "reverse": lambda v: v.reverse(),
    "set": lambda v: v.__setitem__(0, 2),
    "delete": lambda v: v.__delitem__(0),
    "add": lambda v: v.__iadd__([1]),
    "multiply": lambda v: v.__imul__(2),
}

COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 - our own
}


@pytest.mark.parametrize("change", OBJECT_CHANGES)
def test_a_frozen_object_says_how_to_change_a_message(change: str) -> None:
    with pytest.raises(TypeError, match="edit_message"):
        OBJECT_CHANGES[change](frozen({"k": 1}))


@pytest.mark.parametrize("change", ARRAY_CHANGES)
def test_a_frozen_array_says_how_to_change_a_message(change: str) -> None:
    with pytest.raises(TypeError, match="edit_message"):
        ARRAY_CHANGES[change](frozen([1]))


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_plain_and_equal(kind: str) -> None:
    plain: dict[str, Any] = {"list": [1, {"x": []}]}
    value = frozen(plain)

    mine = COPIES[kind](value)

    assert (mine, type(mine)) == (value, dict)


def test_a_frozen_value_is_still_a_dict_and_a_list() -> None:
    assert isinstance(FrozenDict(), dict)
    assert isinstance(FrozenList(), list)
    assert FrozenDict(a=1) | {"b": 2} == {"a": 1, "b": 2}


def test_the_deepest_allowed_value_is_stored_and_a_deeper_one_is_not() -> None:
    assert frozen(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    with pytest.raises(InvalidMessage, match="30 levels"):
        frozen(nested(MAX_DEPTH + 1))


def test_a_value_that_holds_itself_is_too_deep() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(InvalidMessage, match="deeper"):
        frozen(endless)


def test_a_large_integer_is_kept_to_its_last_digit() -> None:
    large = 10**4000 + 7

    assert json.loads(canonical(frozen({"k": large}))) == {"k": large}
    with pytest.raises(InvalidMessage, match="digits"):
        frozen({"k": 10**4300})


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {"b": {1}}]}, r"It\['a'\]\[1\]\['b'\] is of type set"),
        ({"a": [float("nan")]}, r"It\['a'\]\[0\] is nan"),
        ({"a": "\x00"}, r"It\['a'\] holds a NUL"),
        ({"a": {1: 2}}, r"It\['a'\] has a key of type int"),
    ],
)
def test_a_refusal_names_the_place(value: Any, where: str) -> None:
    with pytest.raises(InvalidMessage, match=where):
        frozen(value)


def test_no_value_is_an_empty_object() -> None:
    validate = frozen_object("It", InvalidThread)

    assert validate(None) == validate({}) == {}
    for wrong in ([], "", 0, [("a", 1)], "a"):
        with pytest.raises(InvalidThread, match="must be a dict"):
            validate(wrong)


@pytest.mark.parametrize("text", ["a\x00", "\ud800", "\udfff x", "ok \ud83d"])
def test_text_that_no_database_holds_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="It holds"):
        check_text(text, "It", InvalidMessage)


@given(st.text(max_size=300) | st.integers() | st.none())
def test_an_id_is_text_of_1_to_255_bytes_without_control_characters(value: object) -> None:
    is_id = isinstance(value, str) and 0 < len(value.encode(errors="surrogatepass")) <= 255
    is_id = is_id and not any(
        ord(letter) < 32 or 127 <= ord(letter) < 160 or 0xD800 <= ord(letter) < 0xE000 for letter in str(value)
    )
    try:
        assert check_id(value, "It", InvalidMessage) == value
        assert is_id
    except InvalidError:
        assert not is_id
