from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.errors import InvalidSetting
from keepthread.model import Identity

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
WHO = st.builds(
    Identity,
    agent=NAMES,
    principal=st.none() | NAMES,
    session=st.none() | NAMES,
    version=st.none() | NAMES,
    store_name=NAMES,
)


@given(WHO, WHO)
def test_two_that_differ_have_two_ids(one: Identity, other: Identity) -> None:
    assert (one.thread_id == other.thread_id) == (one == other)


def test_the_same_values_in_other_places_are_another_one() -> None:
    fields = ("agent", "principal", "session", "version", "store_name")
    ids = {Identity(**dict(zip(fields, values, strict=True))).thread_id for values in permutations("abcde")}

    assert len(ids) == 120


def test_an_id_is_the_same_in_every_process_and_version() -> None:
    who = Identity(agent="support", principal="alice", session="s", version="1", store_name="n")

    assert who.thread_id == "d3be70bff580e82512f1dac579804e6a"


@pytest.mark.parametrize("field", ["agent", "principal", "session", "version", "store_name"])
def test_a_value_that_no_backend_could_hold_is_refused(field: str) -> None:
    values: dict[str, str] = {"agent": "a", field: ""}

    with pytest.raises(InvalidSetting, match=field):
        Identity(**values)
