import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from bench.__main__ import ROWS, main
from bench.databases import VARIABLE, Engine, Sqlite, postgres
from bench.measuring import Figure, Side, Timings, take_turns
from bench.report import Claim, Report, Target, at_least, at_most, below, lines
from bench.threads import build, carriers, same_as_the_store_writes
from bench.workload import conversation, messages, texts, turn
from bench.workplace import Workplace, file_system, is_in_memory
from keepthread.store import ThreadStore
from tests.store import postgres_server

TIMINGS = Timings(rounds={"ours": [[0.002, 0.004, 0.003], [0.006]], "theirs": [[0.001], [0.003]]})


@pytest.fixture(params=["sqlite", "postgres"])
async def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    if request.param == "sqlite":
        yield Sqlite(Workplace(folder=tmp_path, quick=True))
        return
    monkeypatch.setenv(VARIABLE, postgres_server.server())
    async with postgres() as databases:
        yield databases


def figure(value: float) -> Figure:
    return Figure(value=value, low=value, high=value, unit="x")


def test_a_figure_is_the_median_of_everything_and_the_range_of_the_rounds() -> None:
    found = TIMINGS.figure("ours")

    assert (found.value, found.low, found.high, found.unit) == (pytest.approx(3.5), 3, 6, "ms")


def test_a_ratio_compares_within_each_round() -> None:
    found = TIMINGS.ratio("ours", "theirs")

    assert (found.value, found.low, found.high) == (pytest.approx(2.5), pytest.approx(2), pytest.approx(3))


def test_a_difference_is_told_in_milliseconds() -> None:
    found = TIMINGS.difference("ours", "theirs")

    assert (found.value, found.low, found.high) == (pytest.approx(2.5), pytest.approx(2), pytest.approx(3))


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler")
def test_a_sync_can_be_made_to_take_longer(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--only", "append", "--dir", str(tmp_path)]
    found = {name: tmp_path / f"{name}.json" for name in ("as it is", "slower")}

    for options in (["--json", str(found["as it is"])], ["--json", str(found["slower"]), "--sync-ms", "50"]):
        subprocess.run([*command, *options], check=True, capture_output=True)

    took = {name: json.loads(path.read_text())["rows"][0]["figures"] for name, path in found.items()}
    assert all(figure["low"] >= 50 for figure in took["slower"].values())
    assert "50 ms longer" in found["slower"].read_text()


async def test_sides_take_turns_and_change_the_order_each_time() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        async def measure() -> float:
            order.append(name)
            return 1.0

        return measure

    await take_turns({"a": side("a"), "b": side("b")}, rounds=2, per_round=2, warm_up=0)

    assert order == ["a", "b", "b", "a"] * 2


async def test_the_warm_up_is_not_counted() -> None:
    numbers: Iterator[int] = count()

    async def measure() -> float:
        return float(next(numbers))

    timings = await take_turns({"a": measure}, rounds=1, per_round=2, warm_up=3)

    assert timings.rounds == {"a": [[3.0, 4.0]]}


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (at_most(1.3), 1.3, "PASS"),
        (at_most(1.3), 1.31, "MISS"),
        (below(2), 2.0, "MISS"),
        (at_least(7), 7.0, "PASS"),
        (at_least(7), 6.9, "MISS"),
        (None, 99.0, ""),
    ],
)
def test_a_claim_is_held_against_its_target(target: Target | None, value: float, verdict: str) -> None:
    claim = Claim(what="", figure=figure(value), target=target)

    assert claim.verdict == verdict


def test_a_report_shows_each_target_beside_its_figure_and_counts_what_was_missed() -> None:
    claims = [
        Claim(what="fast", figure=figure(1), target=at_most(2)),
        Claim(what="slow", figure=figure(3), target=at_most(2)),
    ]

    report = Report(row="row", measures="something", timings=TIMINGS, claims=claims)

    shown = [line.split() for line in lines(report) if line.startswith("  >")]
    assert shown == [[">", "fast", "1.00", "x", "<=", "2", "PASS"], [">", "slow", "3.00", "x", "<=", "2", "MISS"]]
    assert report.misses == 1


def test_the_file_system_is_the_one_mounted_nearest(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nmemory {tmp_path} tmpfs rw 0 0\n", encoding="utf-8")

    kinds = [file_system(tmp_path, mounts), file_system(tmp_path.parent, mounts)]

    assert kinds == ["tmpfs", "ext4"]
    assert [is_in_memory(kind) for kind in kinds] == [True, False]


def test_the_texts_are_the_same_in_every_run() -> None:
    first = texts()
    texts.cache_clear()

    assert texts() == first
    assert {len(text) for text in first} == {600}


async def test_the_floor_stores_and_reads_what_the_store_does(engine: Engine) -> None:
    url = await engine.database("floor")
    await conversation(url, 4)
    bare = engine.floor(url)
    await bare.open()
    added = messages(turn(9))

    await bare.turn("conversation", added)()
    read = await bare.tail("conversation", 4)
    await bare.close()

    async with ThreadStore(url) as store:
        stored = await store.get_thread("conversation", last=4)
    assert read.messages == stored.messages
    assert [message.content for message in stored.messages[2:]] == [message.content for message in added]
    assert (stored.message_count, stored.version) == (6, read.version)


async def test_threads_made_in_bulk_are_what_the_store_writes(engine: Engine) -> None:
    url = await engine.database("bulk")

    await build(engine, url, 200)

    await same_as_the_store_writes(engine, url)
    async with ThreadStore(url) as store:
        found = await store.list_threads(metadata={"project": "apollo"})
        assert len(found) == carriers({"project": "apollo"}, 200) == 50
        assert await store.count_threads() == 200


def test_one_row_runs_alone_and_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tmp_path / "found.json"

    code = main(["--quick", "--only", "import", "--dir", str(tmp_path), "--json", str(found), "--strict"])

    assert code == 0
    assert "drivers, web and LLM packages imported" in capsys.readouterr().out
    (row,) = json.loads(found.read_text(encoding="utf-8"))["rows"]
    assert row["claims"][0]["verdict"] == "PASS"


def test_a_row_that_fails_is_told_and_only_strict_makes_it_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(ROWS, "import", "no_such_module:run")
    arguments = ["--quick", "--only", "import", "--dir", str(tmp_path)]

    codes = [main(arguments), main([*arguments, "--strict"])]

    assert codes == [0, 1]
    assert "import: FAILED" in capsys.readouterr().out


def test_a_row_whose_server_is_missing_is_skipped_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql://postgres@127.0.0.1:1/postgres")

    code = main(["--quick", "--only", "postgres-tail", "--dir", str(tmp_path), "--strict"])

    assert code == 0
    assert f"postgres-tail: skipped, no PostgreSQL server answers; name one with {VARIABLE}" in capsys.readouterr().out


def test_what_a_run_wrote_is_gone_afterwards(tmp_path: Path) -> None:
    main(["--quick", "--only", "save", "--dir", str(tmp_path)])

    assert list(tmp_path.iterdir()) == []
