"""The guide's chart.png, sent to a model by an agent that has a file store and no thread store."""

from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from keepthread import FileStore, Thread, ThreadStore
from tests.openai_server import OpenAIServer

from .running import Names, run_block

PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture
async def ran(tmp_path: Path, server: OpenAIServer) -> Names:
    """The names that the block leaves behind."""
    (tmp_path / "chart.png").write_bytes(PIXEL)
    return await run_block("file_attachments", thread=Thread(id="t1"))


@pytest.mark.usefixtures("ran")
def test_the_image_reaches_the_model(server: OpenAIServer) -> None:
    assert server.requests[0].messages[1:] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Please analyze this image"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(PIXEL).decode()}"}},
            ],
        }
    ]


async def test_the_file_is_saved_in_the_file_store(ran: Names) -> None:
    (attachment,) = ran["thread"].messages[0].attachments

    assert attachment.is_stored
    assert await (await FileStore.create("./uploads")).get("default", attachment.sha256) == PIXEL


async def test_the_file_is_there_after_a_reload(ran: Names, store: ThreadStore, restarted: ThreadStore) -> None:
    files: FileStore = ran["file_store"]

    await store.with_files(files).save_thread(ran["thread"])

    thread = await restarted.with_files(files).get_thread("t1")
    (attachment,) = thread.messages[0].attachments
    assert (attachment.filename, attachment.mime_type) == ("chart.png", "image/png")
    assert await attachment.read() == PIXEL
