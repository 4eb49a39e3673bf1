from dataclasses import replace

import pytest

from keepthread.cli.demo_checks import Evidence, checks

GOOD = Evidence(
    told=["a1", "a2"],
    exit_code=-9,
    interrupted="a3",
    found=["a1", "a2"],
    last_found_role="assistant",
    file_sent="f" * 64,
    files_read=["f" * 64],
    continued=["b1", "b2"],
    trip=["a1", "a2", "b1", "b2"],
    trip_history=["a1", "a2", "b1", "b2"],
    written={"alice": ["x1", "x2"], "bob": ["y1", "y2"]},
    shared=["x1", "y1", "y2", "x2"],
    seconds_writing=0.5,
)


def test_everything_holds_where_nothing_was_lost() -> None:
    assert [check.ok for check in checks(GOOD)] == [True] * 6


def test_the_figures_are_measured() -> None:
    both = checks(GOOD)[4].measured

    assert both == "4 of 4 in 0.50 s, alternating 2 times"


@pytest.mark.parametrize(
    ("number", "evidence"),
    [
        (0, replace(GOOD, found=["a1"])),
        (0, replace(GOOD, trip=["a1", "a2", "a2", "b1", "b2"])),
        (0, replace(GOOD, told=[], found=[], trip=["b1", "b2"])),
        (1, replace(GOOD, trip_history=["a1", "a2", "a3", "b1", "b2"])),
        (1, replace(GOOD, last_found_role="user")),
        (2, replace(GOOD, files_read=[])),
        (2, replace(GOOD, files_read=["0" * 64])),
        (3, replace(GOOD, trip=["a1", "b1", "a2", "b2"])),
        (4, replace(GOOD, shared=["x1", "y1", "y2"])),
        (4, replace(GOOD, shared=["x1", "y1", "y2", "x2", "x2"])),
        (5, replace(GOOD, shared=["x2", "y1", "y2", "x1"])),
    ],
)
def test_each_check_fails_on_what_it_claims_to_see(number: int, evidence: Evidence) -> None:
    assert not checks(evidence)[number].ok
