"""Attached files as the parts of a chat-completions request: images to look at, text to read, the rest by name."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from keepthread.files.sniff import TEXTS, UNKNOWN, detect
from keepthread.model import Attachment


async def attachment_part(attachment: Attachment, *, as_image: bool) -> dict[str, Any]:
    """Return the content part of a file, the same before and after the file is stored.

    The bytes decide what it is; only where they say nothing, what was declared. With *as_image* off an image is named,
    not shown.

    Raises:
        FileContentNotFound: It is an image or a text, and its bytes are not there.
        CorruptError: They are not what was stored.
    """
    kind = _kind(attachment)
    if as_image and kind.startswith("image/") and kind not in TEXTS:
        encoded = b64encode(await attachment.read()).decode("ascii")
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{encoded}"}}
    # JSON's quotes, because a name may hold a line break and more.
    name = json.dumps(attachment.filename, ensure_ascii=False)
    if kind in TEXTS or kind.startswith("text/"):
        text = (await attachment.read()).decode("utf-8-sig", "replace")
        return _text(f"The attached file {name} ({attachment.mime_type or kind}):\n\n{text}")
    return _text(f"[The file {name} ({kind}, {attachment.size} bytes) is attached; what it holds is not shown here.]")


def _kind(attachment: Attachment) -> str:
    detected = attachment.detected_type
    if detected is None and attachment.content is not None:
        detected = detect(attachment.content)
    declared = attachment.mime_type or UNKNOWN
    # Bytes that are no UTF-8 cannot be read as text, whatever was declared.
    return declared if detected in (None, UNKNOWN) and not declared.startswith("text/") else detected or UNKNOWN


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
