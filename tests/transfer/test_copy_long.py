"""Long threads go in pieces, and what happens to them at the source in between is not half in the copy."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from keepthread import Attachment, FileStore, Thread, ThreadNotFound, ThreadStore
from keepthread.store import kept
from keepthread.testing.arrange import say, stored
from keepthread.transfer import CopyReport, copy_store

from .conversations import assert_equal

LENGTH = 25
Happening = Callable[[], Awaitable[None]]


class InterruptedFiles(FileStore):
    """A file store to which something happens whenever it is asked for a file."""

    happening: Happening | None = None

    async def exists(self, tenant: str, sha256: str) -> bool:
        if self.happening is not None:
            await self.happening()
        return await super().exists(tenant, sha256)


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST_MESSAGES", 4)


@pytest.fixture
def files(tmp_path: Path) -> InterruptedFiles:
    return InterruptedFiles(tmp_path / "interrupted_files")


@pytest.fixture
async def source(source: ThreadStore) -> ThreadStore:
    """A source with a thread of seven pieces; the file is in the fourth of them."""
    thread = Thread(id="t", messages=[say(f"m{number:02}") for number in range(LENGTH + 3)])
    await source.save_thread(thread)
    thread.messages = thread.messages[3:]
    thread.edit_message("m05", content="edited")
    await source.save_thread(thread)
    file = Attachment(filename="a.txt", content=b"a")
    await source.edit_message("t", "m14", attachments=[file])
    return source


def once(happening: Happening, files: InterruptedFiles) -> Happening:
    async def run() -> None:
        files.happening = None
        await happening()

    return run


async def copy_while(
    happening: Happening, source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> CopyReport:
    """Copy, and let something happen once, when a part of the thread is copied and a part is not."""
    files.happening = once(happening, files)
    report = await copy_store(source, target.with_files(files))
    assert files.happening is None
    return report


async def test_a_long_thread_is_kept_whole(source: ThreadStore, target: ThreadStore) -> None:
    report = await copy_store(source, target)

    assert (report.is_complete, report.messages) == (True, LENGTH + 3)
    await assert_equal(source, target)


async def test_what_is_appended_meanwhile_is_left_for_the_next_copy(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    before = await stored(source)

    async def append() -> None:
        await source.append("t", [say(f"later {number}") for number in range(9)])

    report = await copy_while(append, source, target, files)

    assert (report.is_complete, await stored(target)) == (True, before)
    report = await copy_store(source, target.with_files(files))
    assert (report.updated, report.messages) == (1, 9)
    await assert_equal(source, target)


async def test_what_is_edited_meanwhile_is_copied_as_it_is_then(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    async def edit() -> None:
        await source.edit_message("t", "m03", content="edited late")

    report = await copy_while(edit, source, target, files)

    assert report.is_complete
    await assert_equal(source, target)


async def test_what_is_taken_out_meanwhile_is_taken_out_in_the_copy(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    async def trim() -> None:
        thread = await source.get_thread("t")
        thread.messages = thread.messages[-2:]
        await source.save_thread(thread)

    report = await copy_while(trim, source, target, files)

    assert report.is_complete
    await assert_equal(source, target)


async def test_a_thread_that_is_deleted_meanwhile_leaves_nothing_in_the_target(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    async def delete() -> None:
        await source.delete_thread("t")

    # Its bytes go with it: they are put before that, as if they had been read in time.
    await files.put("default", b"a", filename="a.txt")
    report = await copy_while(delete, source, target, files)

    assert (report.deleted, report.copied, report.is_complete) == (1, 0, True)
    with pytest.raises(ThreadNotFound):
        await target.get_thread("t")


async def test_a_thread_that_begins_anew_meanwhile_is_copied_by_the_next_copy(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    async def begin_anew() -> None:
        await source.delete_thread("t")
        await source.save_thread(Thread(id="t", messages=[say("m03")]))

    await files.put("default", b"a", filename="a.txt")
    await copy_while(begin_anew, source, target, files)
    report = await copy_store(source, target)

    assert report.is_complete
    await assert_equal(source, target)


async def test_a_thread_that_is_edited_all_the_time_is_named_and_completed_by_the_next_copy(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    edits = 0

    async def edit() -> None:
        nonlocal edits
        edits += 1
        await source.edit_message("t", "m03", content=f"edit {edits}")

    files.happening = edit
    report = await copy_store(source, target.with_files(files))
    files.happening = None

    assert [problem.kind for problem in report.problems] == ["unfinished"]
    assert (await copy_store(source, target.with_files(files))).is_complete
    await assert_equal(source, target)


async def test_what_somebody_appends_to_a_half_copied_thread_stays(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    async def append() -> None:
        await target.append("t", say("theirs"))

    report = await copy_while(append, source, target, files)

    assert [problem.kind for problem in report.problems] == ["conflict"]
    assert (await stored(target))[-1] == "theirs"


async def test_a_reader_of_the_target_sees_a_thread_from_its_beginning(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    seen: list[str] = []

    async def look() -> None:
        seen.extend(await stored(target))

    await copy_while(look, source, target, files)

    assert seen
    assert seen == (await stored(source))[: len(seen)]
    assert len(seen) < LENGTH


async def test_what_is_not_in_the_target_what_was_copied_is_named(
    source: ThreadStore, target: ThreadStore, files: InterruptedFiles
) -> None:
    file = Attachment(filename="b.txt", content=b"b")
    await source.save_thread(Thread(id="short", messages=[say("with a file", attachments=[file]), say("m1")]))
    await copy_store(source, target)
    await source.append("short", say("m2", attachments=[file]))

    async def edit() -> None:
        if await target.count_messages("short") == 3:  # stored by now, and not yet compared
            files.happening = None
            await target.edit_message("short", "m2", content="edited")

    files.happening = edit
    report = await copy_store(source, target.with_files(files))

    assert [(problem.kind, problem.thread_id) for problem in report.problems] == [("different", "short")]


async def test_two_copies_at_once_lose_nothing(source: ThreadStore, target: ThreadStore) -> None:
    other = target.for_tenant(target.tenant)

    async with asyncio.TaskGroup() as both:
        for store in (target, other):
            both.create_task(copy_store(source, store))

    assert (await copy_store(source, target)).is_complete
    await assert_equal(source, target)
