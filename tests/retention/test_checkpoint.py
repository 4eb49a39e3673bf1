"""When a kept summary may still be used."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread import Message, RetentionPolicy, Thread, ThreadStore, persist_conversation
from keepthread.errors import InvalidMessage
from keepthread.model.thread import snapshot_of
from keepthread.retention import Checkpoint, Summary, advance, custom_summary, digests_of, fold, select_window

from .conversations import said

POLICY = persist_conversation("agent")


def stored(frames: Sequence[Message]) -> list[Message]:
    return [frame.at(place << 20, frame.attachments) for place, frame in enumerate(frames, 1)]


def checkpoint_of(frames: Sequence[Message], policy: RetentionPolicy = POLICY) -> Checkpoint:
    return advance(None, frames, fold(Summary(characters=policy.summary_characters), frames))


@pytest.fixture
def frames() -> list[Message]:
    return stored(said("u a u A:1 1 a"))


def test_a_checkpoint_holds_for_what_it_was_made_of(frames: list[Message]) -> None:
    checkpoint = checkpoint_of(frames)

    assert checkpoint.holds(digests_of(frames), POLICY)
    assert checkpoint.through == frames[-1].position
    assert checkpoint.summary.frames == 6


@pytest.mark.parametrize("place", range(6))
def test_an_edit_under_it_ends_it(frames: list[Message], place: int) -> None:
    checkpoint = checkpoint_of(frames)

    frames[place] = frames[place].edited(content="changed")

    assert not checkpoint.holds(digests_of(frames), POLICY)


@pytest.mark.parametrize("place", range(6))
def test_a_removal_under_it_ends_it(frames: list[Message], place: int) -> None:
    checkpoint = checkpoint_of(frames)

    del frames[place]

    assert not checkpoint.holds(digests_of(frames), POLICY)


def test_an_insertion_under_it_ends_it(frames: list[Message]) -> None:
    checkpoint = checkpoint_of(frames)

    frames.insert(2, Message(role="user", content="One more thing."))

    assert not checkpoint.holds(digests_of(frames), POLICY)


def test_another_order_under_it_ends_it(frames: list[Message]) -> None:
    checkpoint = checkpoint_of(frames)

    frames[0], frames[1] = frames[1], frames[0]

    assert not checkpoint.holds(digests_of(frames), POLICY)


@pytest.mark.parametrize(
    "policy",
    [
        persist_conversation("agent", summary_characters=2_000),
        persist_conversation("agent", summarizer=lambda previous, messages: None),  # pyright: ignore # noqa: PGH003 - never called
    ],
)
def test_a_policy_that_would_write_another_summary_ends_it(frames: list[Message], policy: RetentionPolicy) -> None:
    assert not checkpoint_of(frames).holds(digests_of(frames), policy)


def test_a_policy_with_another_window_does_not_end_it(frames: list[Message]) -> None:
    assert checkpoint_of(frames).holds(digests_of(frames), persist_conversation("agent", max_frames=5))


def test_a_summary_by_an_older_algorithm_is_not_used(frames: list[Message]) -> None:
    old = advance(None, frames, Summary(text="user: 0", frames=6, algorithm="lines/0"))

    assert not old.holds(digests_of(frames), POLICY)


async def shorten(previous: str | None, messages: Sequence[Message]) -> str:
    return f"{previous or ''}{len(messages)} messages. "


async def test_a_summarizer_s_text_is_kept_like_any_other(frames: list[Message]) -> None:
    policy = persist_conversation("agent", summarizer=shorten)
    text = await shorten(None, frames)

    checkpoint = advance(None, frames, custom_summary(text, frames=len(frames), characters=4_000))

    assert checkpoint.holds(digests_of(frames), policy)
    assert not checkpoint.holds(digests_of(frames), POLICY)


@given(st.integers(0, 12))
def test_it_does_not_matter_in_how_many_steps_a_checkpoint_went_on(cut: int) -> None:
    frames = stored(said("u a u A:1 1 a u a u a u a"))
    first, second = frames[: cut or 1], frames[cut or 1 :]

    checkpoint = checkpoint_of(first)
    if second:
        checkpoint = advance(checkpoint, second, fold(checkpoint.summary, second))

    assert checkpoint == checkpoint_of(frames)


def test_messages_that_are_not_stored_have_no_checkpoint() -> None:
    with pytest.raises(InvalidMessage, match="goes through a message that is stored"):
        advance(None, said("u a"), Summary())
    with pytest.raises(InvalidMessage, match="goes through a message that is stored"):
        advance(None, [], Summary())


async def test_the_digests_are_those_of_the_store() -> None:
    store = await ThreadStore.create()
    await store.save_thread(Thread(id="t1", messages=said("s u A:1 1 a u a")))
    thread = await store.get_thread("t1")
    snapshot = snapshot_of(thread)
    window = select_window(thread.messages, persist_conversation("agent", max_frames=2))

    checkpoint = advance(None, window.folded, fold(Summary(), window.folded))

    assert snapshot is not None
    assert checkpoint.holds(snapshot.digests[1:5], POLICY)
    assert checkpoint.through == thread.messages[4].position
