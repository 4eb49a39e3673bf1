"""Which migrations a database needs."""

from pathlib import Path

import pytest

from keepthread import store
from keepthread.errors import SchemaError, SchemaTooNewError
from keepthread.store.migrate import Applied, Migration, migrations, missing

DIALECTS = sorted(path.name for path in (Path(store.__file__).parent / "migrations").iterdir() if path.is_dir())


def step(version: int, *, text: str = "", min_writer: int = 1) -> Migration:
    return Migration(
        version=version, name=f"step {version}", sql=f"{version} {text}", min_reader=1, min_writer=min_writer
    )


def had(migration: Migration) -> Applied:
    return Applied(migration.version, migration.name, migration.checksum, migration.min_writer)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_steps_of_an_engine_are_numbered_without_a_gap(dialect: str) -> None:
    steps = migrations(dialect)

    assert [migration.version for migration in steps] == list(range(1, len(steps) + 1))
    assert all(1 <= migration.min_reader <= migration.min_writer <= migration.version for migration in steps)


def test_every_engine_has_the_same_steps() -> None:
    assert len({tuple((m.version, m.name) for m in migrations(dialect)) for dialect in DIALECTS}) == 1


def test_a_new_database_needs_every_step() -> None:
    assert missing([step(1), step(2)], [], "x.db") == [step(1), step(2)]


def test_a_database_that_has_had_them_needs_none() -> None:
    assert missing([step(1), step(2)], [had(step(1)), had(step(2))], "x.db") == []


def test_a_gap_is_filled() -> None:
    assert missing([step(1), step(2), step(3)], [had(step(1)), had(step(3))], "x.db") == [step(2)]


def test_a_newer_step_that_we_may_write_beside_is_let_be() -> None:
    assert missing([step(1)], [had(step(1)), had(step(2, min_writer=1))], "x.db") == []


def test_a_newer_step_that_we_must_not_write_beside_is_refused() -> None:
    with pytest.raises(SchemaTooNewError, match=r"x\.db.*schema 2.*knows 1") as failure:
        missing([step(1)], [had(step(1)), had(step(2, min_writer=2))], "x.db")

    assert "pip install" in failure.value.hint


def test_a_step_that_was_changed_is_refused() -> None:
    with pytest.raises(SchemaError, match="migration 1"):
        missing([step(1)], [had(step(1, text="changed"))], "x.db")
