import subprocess
from pathlib import Path

import pytest

from keepthread import Thread, ThreadNotFound
from keepthread.cli.outcome import Code, code_of
from keepthread.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    ForeignDatabaseError,
    InvalidSetting,
    KeepthreadError,
    ModelSetupError,
    UnavailableError,
)

from .command_line import PROGRAM, keepthread, plain_environment, store_threads


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ThreadNotFound("t1"), Code.NOT_FOUND),
        (InvalidSetting("no"), Code.USAGE),
        (UnavailableError("no"), Code.UNREACHABLE),
        (BusyError("no"), Code.UNREACHABLE),
        (ForeignDatabaseError("no"), Code.FAILED),
        (ConflictError("no"), Code.FAILED),
        (CorruptError("no"), Code.FAILED),
        (ModelSetupError("no"), Code.FAILED),
    ],
)
def test_each_kind_of_error_has_its_code(error: KeepthreadError, code: Code) -> None:
    assert code_of(error) == code


def test_an_error_is_a_sentence_and_its_remedy_on_stderr(tmp_path: Path) -> None:
    ended = keepthread("ls", cwd=tmp_path)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.splitlines()[0].startswith("Error: There is no database at 'keepthread.db'")
    assert ended.err.splitlines()[1].startswith("Hint: Make it with `")
    assert "Traceback" not in ended.err


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("no database at all, only text" * 100)

    ended = keepthread("--db", "other.txt", "ls", cwd=tmp_path)

    assert ended.code == 4
    assert "Traceback" not in ended.err
    assert other.read_text() == "no database at all, only text" * 100


def test_a_reader_that_goes_early_ends_the_command_quietly(tmp_path: Path, database: Path) -> None:
    store_threads(database, *[Thread(id=f"t{number}", title="x" * 1000) for number in range(300)])
    with (tmp_path / "err").open("w+") as errors:
        listing = subprocess.Popen(
            [*PROGRAM, "--db", str(database), "ls"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=plain_environment(),
        )
        assert listing.stdout is not None
        listing.stdout.read(10)
        listing.stdout.close()
        code = listing.wait(60)
        errors.seek(0)

        assert (code, errors.read()) == (0, "")
