"""The tree of errors: readable, picklable, and exactly as its docstring draws it."""

import copy
import inspect
import pickle
import re
import traceback
from collections.abc import Callable

import pytest

from keepthread import errors
from keepthread.errors import (
    BusyError,
    FullError,
    KeepthreadError,
    MessageNotFound,
    MessagesNotLoaded,
    MissingExtraError,
    ModelFailedError,
    ThreadNotFound,
    TooLargeError,
    UnavailableError,
)

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, KeepthreadError)]
RETRYABLE = {BusyError, UnavailableError, FullError, ModelFailedError}

SPECIAL: list[KeepthreadError] = [
    ThreadNotFound("t", hint="Create it."),
    MessageNotFound("t", "m"),
    MessagesNotLoaded("t"),
    MissingExtraError("PostgreSQL", "postgres"),
    TooLargeError("Too large.", limit=1, size=2, hint="Make it smaller."),
]
MADE = [
    *SPECIAL,
    *(kind("Something happened.", hint="Do this.") for kind in CLASSES if kind not in set(map(type, SPECIAL))),
]


def test_the_tree_is_the_one_that_the_docstring_draws() -> None:
    drawn: dict[str, tuple[str, bool]] = {}
    parents = ["KeepthreadError"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([│ ]*)[├└]── (\w+)(?: \((\w+)\))?( +retryable)?", line):
            depth = len(match[1]) // 4 + 1
            parents[depth:] = [match[2]]
            drawn[match[2]] = (parents[depth - 1], bool(match[4]))
            if match[3]:
                assert match[3] in {base.__name__ for base in getattr(errors, match[2]).__mro__}

    bases = {kind.__name__: kind.__mro__[1].__name__ for kind in CLASSES if kind is not KeepthreadError}
    assert {name: parent for name, (parent, _) in drawn.items()} == bases
    assert {name for name, (_, retryable) in drawn.items() if retryable} == {kind.__name__ for kind in RETRYABLE}


def _name(error: KeepthreadError) -> str:
    return type(error).__name__


@pytest.mark.parametrize("kind", CLASSES)
def test_each_says_whether_a_retry_helps(kind: type[KeepthreadError]) -> None:
    assert kind.retryable is any(kind is one for one in RETRYABLE)


@pytest.mark.parametrize("error", MADE, ids=_name)
def test_each_reads_as_sentences(error: KeepthreadError) -> None:
    text = str(error)

    assert text == f"{error.message} {error.hint}".strip()
    assert text[0].isupper()
    assert text in "".join(traceback.format_exception_only(error))
    assert type(error).__name__ in repr(error)


COPIES: dict[str, Callable[[KeepthreadError], KeepthreadError]] = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - our own
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("error", MADE, ids=_name)
@pytest.mark.parametrize("copied", COPIES)
def test_each_survives_the_way_to_another_process(error: KeepthreadError, copied: str) -> None:
    other = COPIES[copied](error)

    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))
    assert other.retryable == error.retryable


def test_each_can_be_caught_as_what_python_calls_it() -> None:
    for error, kind in [
        (ThreadNotFound("t"), KeyError),
        (BusyError("x"), TimeoutError),
        (UnavailableError("x"), OSError),
    ]:
        with pytest.raises(kind):
            raise error


def test_programs_find_what_is_missing() -> None:
    error = MessageNotFound("t", "m")

    assert (error.thread_id, error.message_id) == ("t", "m")
    assert MissingExtraError("PostgreSQL", "postgres").hint.endswith('"keepthread[postgres]"')
