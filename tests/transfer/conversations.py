"""Threads in which everything has happened that can happen to a thread, and what of it must be equal after a copy."""

from typing import Any

from keepthread import Attachment, Message, Thread, ThreadStore, ToolCall
from keepthread.model import HistoryEntry
from keepthread.testing.arrange import say

Kept = tuple[dict[str, Any], list[HistoryEntry]]


async def fill(store: ThreadStore) -> None:
    """Store three threads: one with a past, one that is archived, and one without a message."""
    thread = Thread(
        id="ticket 42 🧵", title="Rechnung – 請求書", metadata={"plan": "pro", "seats": 2**70}, agent="support"
    )
    thread.add_messages([say(f"m{number}") for number in range(6)])
    call = ToolCall(id="c1", name="look", arguments='{"at": [1, 1.5, null]}')
    thread.add_message(Message(id="call", role="assistant", tool_calls=(call,), provider={"x": {"y": "z"}}))
    thread.add_message(Message(id="answer", role="tool", tool_call_id="c1", content="a\tb"))
    await store.save_thread(thread)
    thread.edit_message("m1", content="edited")
    await store.save_thread(thread)
    thread.edit_message("m1", content="edited again")
    thread.messages = [say("summary"), thread.messages[5], *thread.messages[1:4]]
    await store.save_thread(thread)
    file = Attachment(filename="../notes.txt", content=b"Buy milk.")
    await store.append(thread.id, say("with a file", attachments=[file]))
    other = Attachment(filename="clip.mp4", content=b"\x00\x00\x00\x18ftypmp42", mime_type="video/mp4")
    await store.edit_message(thread.id, "with a file", attachments=[other])
    await store.save_thread(Thread(id="archived", archived=True, messages=[say("m0")]))
    await store.save_thread(Thread(id="empty"))


async def kept(store: ThreadStore) -> dict[str, Kept]:
    """Everything that a store tells of its tenant's threads, in the order of their list."""
    headers = await store.list_threads(archived=None)
    return {header.id: (header.model_dump(exclude={"messages"}), await store.history(header.id)) for header in headers}


async def views(store: ThreadStore) -> dict[str, list[Message]]:
    """What each thread shows."""
    return {header.id: (await store.get_thread(header.id)).messages async for header in store.iter_threads()}


async def assert_equal(source: ThreadStore, target: ThreadStore) -> None:
    """Fail if the two tell different things, or in another order."""
    ours, theirs = await kept(source), await kept(target)

    assert list(ours.items()) == list(theirs.items())
    assert await views(source) == await views(target)
