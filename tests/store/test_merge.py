"""The merge as a pure function, on made-up threads."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.errors import ConflictError
from keepthread.model import Message
from keepthread.model.record import Record, encode
from keepthread.store.append import STEP
from keepthread.store.merge import Base, GapUsedUp, Mine, Plan, plan
from keepthread.store.queries import Mark


def say(name: str, text: str = "") -> Record:
    return encode(Message(id=name, role="user", content=text or name))


@dataclass(kw_only=True)
class Table:
    """The stored messages of one thread, under the same unique keys as in a database."""

    rows: dict[str, Mark] = field(default_factory=dict[str, Mark])
    next_position: int = 0

    def put(self, mark: Mark) -> None:
        taken = {(row.removed, row.position): row.id for row in self.rows.values()}
        assert taken.get((mark.removed, mark.position), mark.id) == mark.id, "two messages at one place"
        self.rows[mark.id] = mark

    def marks(self) -> list[Mark]:
        return sorted(self.rows.values(), key=lambda mark: mark.position)

    def view(self) -> list[str]:
        return [mark.id for mark in self.marks() if not mark.removed]

    def number_anew(self) -> None:
        for mark in self.marks():
            self.put(mark._replace(position=self.next_position))
            self.next_position += STEP

    def apply(self, changes: Plan, version: int) -> None:
        """Carry out a plan, one statement after the other as the store does."""
        for mark in changes.removes:
            self.put(mark._replace(removed=version))
        for name, position in changes.moves:
            self.put(self.rows[name]._replace(removed=0, position=position))
        for record in changes.edits:
            self.put(self.rows[record.id]._replace(digest=record.digest))
        for record, position in changes.inserts:
            assert record.id not in self.rows
            self.put(Mark(record.id, position, 0, record.digest, record.digest))
        self.next_position = changes.next_position


@dataclass(frozen=True, kw_only=True)
class Case:
    """A thread, the part of it that was loaded, what others did then, and the list that its owner left."""

    table: Table
    loaded: list[str]
    before: list[str]
    after: list[str]
    theirs: list[str]
    """What others added, at the end or in between."""
    only_at_end: bool
    removed: set[str]
    """What others took out."""
    mine: list[str]
    edited: set[str]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    table = Table()
    position = draw(st.integers(-50, 50))
    names = [f"m{n}" for n in range(draw(st.integers(0, 8)))]
    for name in names:
        table.put(Mark(name, position, 0, say(name).digest, say(name).digest))
        position += draw(st.sampled_from([1, 2, 3, STEP]))
    table.next_position = position + STEP
    first = draw(st.integers(0, len(names)))
    last = draw(st.integers(first, len(names)))
    loaded = names[first:last]
    only_at_end = draw(st.booleans())
    theirs = [f"theirs{n}" for n in range(draw(st.integers(0, 3)))]
    for name in theirs:
        _add_theirs(draw, table, name, only_at_end=only_at_end)
    removed = set(draw(st.lists(st.sampled_from(loaded), unique=True, max_size=2))) if loaded else set[str]()
    for name in removed:
        table.put(table.rows[name]._replace(removed=7))
    new = [f"mine{n}" for n in range(draw(st.integers(0, 4)))]
    kept = draw(st.permutations(loaded)) if draw(st.booleans()) else loaded
    kept = [name for name in kept if draw(st.integers(0, 3))]
    mine = draw(st.permutations([*kept, *new])) if draw(st.booleans()) else [*kept, *new]
    edited = {name for name in kept if name not in removed and not draw(st.integers(0, 3))}
    return Case(
        table=table,
        loaded=loaded,
        before=names[:first],
        after=names[last:],
        theirs=theirs,
        only_at_end=only_at_end,
        removed=removed,
        mine=list(mine),
        edited=edited,
    )


def _add_theirs(draw: st.DrawFn, table: Table, name: str, *, only_at_end: bool) -> None:
    gaps = [one + 1 for one, other in pairwise(mark.position for mark in table.marks()) if other - one > 1]
    if only_at_end or not gaps or draw(st.booleans()):
        place, table.next_position = table.next_position, table.next_position + STEP
    else:
        place = draw(st.sampled_from(gaps))
    table.put(Mark(name, place, 0, say(name).digest, say(name).digest))


def merged(case: Case) -> Plan:
    """Plan and apply, as the store does."""
    base = Base(digests={name: say(name).digest for name in case.loaded}, known=True)
    untouched = set(case.loaded) - case.edited
    mine = [
        Mine(id=name, record=None if name in untouched else say(name, "edited" if name in case.edited else ""))
        for name in case.mine
    ]
    try:
        changes = plan("t", base, mine, case.table.marks(), case.table.next_position)
    except GapUsedUp:
        case.table.number_anew()
        changes = plan("t", base, mine, case.table.marks(), case.table.next_position)
    case.table.apply(changes, version=9)
    return changes


def expected_mine(case: Case) -> list[str]:
    return [name for name in case.mine if name not in case.removed]


@given(cases())
def test_the_owners_messages_are_shown_in_the_owners_order(case: Case) -> None:
    merged(case)

    assert [name for name in case.table.view() if name in case.mine] == expected_mine(case)


@given(cases())
def test_nothing_but_the_owners_messages_is_touched(case: Case) -> None:
    before = dict(case.table.rows)

    changes = merged(case)

    touched = {mark.id for mark in changes.removes} | {name for name, _ in changes.moves}
    touched |= {record.id for record in changes.edits} | {record.id for record, _ in changes.inserts}
    assert touched <= {*case.loaded, *case.mine}
    others = [name for name in case.table.view() if name not in touched]
    assert others == [mark.id for mark in sorted(before.values(), key=lambda mark: mark.position) if mark.id in others]


@given(cases())
def test_the_result_is_the_owners_list_and_everything_of_others(case: Case) -> None:
    merged(case)

    assert sorted(case.table.view()) == sorted([*case.before, *expected_mine(case), *case.after, *case.theirs])


@given(cases())
def test_what_others_appended_follows_the_owners_list(case: Case) -> None:
    if not case.only_at_end or case.mine[: len(case.loaded)] == case.loaded:
        return

    merged(case)

    assert case.table.view() == [*case.before, *expected_mine(case), *case.after, *case.theirs]


@given(cases())
def test_only_what_the_owner_added_is_appended_to_an_untouched_list(case: Case) -> None:
    if case.mine[: len(case.loaded)] != case.loaded:
        return
    before = case.table.view()

    changes = merged(case)

    assert (changes.removes, changes.moves) == ([], [])
    assert case.table.view() == [*before, *case.mine[len(case.loaded) :]]


@given(cases())
def test_what_the_owner_took_out_and_edited_is_noted_once(case: Case) -> None:
    changes = merged(case)

    gone = set(case.loaded) - set(case.mine) - case.removed
    assert {mark.id for mark in changes.removes} == gone
    assert [record.id for record in changes.edits] == [name for name in case.mine if name in case.edited]
    assert len(changes.moves) == len(dict(changes.moves))


@given(cases())
def test_no_position_is_ever_given_again(case: Case) -> None:
    merged(case)

    assert all(mark.position < case.table.next_position for mark in case.table.rows.values())


@given(cases())
def test_merging_the_result_again_changes_nothing(case: Case) -> None:
    merged(case)
    view = case.table.view()

    again = plan(
        "t",
        Base(digests={name: case.table.rows[name].digest for name in view}, known=True),
        [Mine(id=name, record=None) for name in view],
        case.table.marks(),
        case.table.next_position,
    )

    assert again.is_empty


def _stored(*names: str, removed: tuple[str, ...] = ()) -> Table:
    table = Table()
    for n, name in enumerate(names):
        table.put(Mark(name, n * STEP, 7 if name in removed else 0, say(name).digest, say(name).digest))
    table.next_position = len(names) * STEP
    return table


def test_a_reorder_moves_as_few_messages_as_possible() -> None:
    table = _stored(*"abcdefgh")
    base = Base(digests={name: say(name).digest for name in "abcdefgh"}, known=True)

    changes = plan("t", base, [Mine(id=name, record=None) for name in "habcdefg"], table.marks(), table.next_position)

    assert [name for name, _ in changes.moves] == ["h"]


def test_a_thread_that_was_never_loaded_takes_nothing_away() -> None:
    table = _stored("a", "b", "c", removed=("c",))
    base = Base(digests={}, known=False)

    mine = [Mine(id=name, record=say(name, text)) for name, text in (("b", "B"), ("new", ""), ("a", ""))]
    changes = plan("t", base, mine, table.marks(), table.next_position)
    table.apply(changes, version=9)

    assert table.view() == ["a", "b", "new"]
    assert [record.id for record in changes.edits] == ["b"]


def test_a_new_message_whose_id_says_something_else_conflicts() -> None:
    table = _stored("a")
    base = Base(digests={}, known=True)

    with pytest.raises(ConflictError):
        plan("t", base, [Mine(id="a", record=say("a", "other"))], table.marks(), table.next_position)


def test_without_room_between_two_positions_the_thread_is_to_be_numbered_anew() -> None:
    table = Table(next_position=STEP)
    for position, name in enumerate("ab"):
        table.put(Mark(name, position, 0, say(name).digest, say(name).digest))
    base = Base(digests={name: say(name).digest for name in "ab"}, known=True)
    mine = [Mine(id="a", record=None), Mine(id="new", record=say("new")), Mine(id="b", record=None)]

    with pytest.raises(GapUsedUp):
        plan("t", base, mine, table.marks(), table.next_position)
