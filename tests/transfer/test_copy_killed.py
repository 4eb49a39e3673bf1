"""A copy that is killed, or whose connections are, loses nothing, and nothing is twice or half."""

from pathlib import Path
from random import Random

import pytest

from keepthread import Attachment, FileStore, Thread, ThreadStore
from keepthread.store import kept
from keepthread.testing.arrange import say
from keepthread.transfer import copy_store
from tests.faults.processes import Child
from tests.store import invariants
from tests.store.conftest import ENGINES
from tests.store.cutting_proxy import CuttingProxy

from . import programs
from .conftest import url_of
from .conversations import assert_equal, fill

THREADS = 14
KILLS = 5
"""Each after at most four pieces of more than sixty, and the seven others that may be on their way."""

CUTS = 30


@pytest.fixture(params=[kind for kind in ENGINES if kind != "memory"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url = url_of(request, request.param, tmp_path / "target.db")
    assert url is not None
    return url


async def fill_more(store: ThreadStore) -> None:
    """Store short threads and long ones, some of them with a file."""
    await fill(store)
    for number in range(THREADS):
        thread = Thread(id=f"t{number:02}")
        file = Attachment(filename="a.txt", content=f"file {number % 3}".encode())
        thread.add_messages([say(f"{number} {n}") for n in range(4 * number)])
        thread.add_message(say(f"{number} file", attachments=[file]))
        await store.save_thread(thread)
        thread.edit_message(f"{number} file", content="edited")
        thread.messages = thread.messages[number:]
        await store.save_thread(thread)


async def test_a_copy_that_is_killed_again_and_again_is_completed(tmp_path: Path, target_url: str) -> None:
    source_url = f"sqlite:///{tmp_path / 'source.db'}"
    chance = Random(target_url.partition(":")[0])
    async with (
        ThreadStore(source_url, files=FileStore(tmp_path / "source", accept="*")) as source,
        ThreadStore(target_url, files=FileStore(tmp_path / "target", accept="*")) as target,
    ):
        await fill_more(source)
        for _ in range(KILLS):
            with Child(programs.keep_copying, source_url, target_url, tmp_path) as child:
                for _ in range(chance.randint(0, 3)):
                    child.hear()
                    child.say("go")
                child.hear()
                child.kill()
                assert child.is_killed()
            if chance.random() < 0.5:
                await source.append("t11", say(f"after {await source.count_messages('t11')}"))

        first, second = await copy_store(source, target), await copy_store(source, target)

        assert (first.is_complete, second.is_complete) == (True, True)
        assert (second.unchanged, second.messages, second.files) == (THREADS + 3, 0, 0)
        await assert_equal(source, target)
    for database in tmp_path.glob("*.db"):
        invariants.check(database)


async def test_a_copy_whose_commits_are_cut_off_repeats_what_it_does_not_know(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_MOST_MESSAGES", 5)
    proxy = CuttingProxy(b"COMMIT\0", CUTS)
    async with (
        proxy.before(postgres) as url,
        ThreadStore(tmp_path / "source.db", files=FileStore(tmp_path / "source", accept="*")) as source,
        ThreadStore(url, files=FileStore(tmp_path / "target", accept="*")) as target,
    ):
        await fill_more(source)
        proxy.is_armed = True
        report = await copy_store(source, target)

        assert proxy.cuts > 10
        assert (report.is_complete, report.copied) == (True, THREADS + 3)
        await assert_equal(source, target)
