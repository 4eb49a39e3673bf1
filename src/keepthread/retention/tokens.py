"""How many tokens a message takes: estimated by default, by tiktoken's encodings, or as a callable of yours says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from keepthread.errors import InvalidSetting, MissingExtraError, UnavailableError
from keepthread.model import Attachment, ImagePart, Message, OtherPart, TextPart
from keepthread.model.json_values import canonical

if TYPE_CHECKING:
    import tiktoken

TokenCounter = Callable[[Message], int]
"""Returns the tokens of one message, 0 or more: the same number for an equal message, each time."""

BYTES_PER_TOKEN = 4
FRAME_TOKENS = 4
"""What a provider's own form puts around each message and each tool call."""
MEDIA_TOKENS = 1_000
"""An image, sound or document that the model looks at; providers bill an image of ordinary size at 300 to 1,500."""
NAMED_FILE_TOKENS = 40
"""An attached file that is only named to the model."""

_PIECE = 20_000
"""Characters that tiktoken is given at once."""

_MEDIA = re.compile("image|audio|video|file|document")
_READ_AS_TEXT = re.compile(r"text/|application/(?:[\w.-]+\+)?(?:json|xml)$|image/svg")


def estimate_tokens(message: Message) -> int:
    """Return an estimate: a token for every 4 bytes of UTF-8, rounded up, and fixed figures for the rest.

    4 for the message and for each tool call, 1,000 for each image or other medium, a quarter of its bytes for an
    attached text file and 40 for any other. Text in English comes out about right, one in Chinese or Japanese as well;
    code and numbers take up to half as many tokens again.
    """
    size = sum(len(text.encode()) for text in _texts(message))
    return -(-size // BYTES_PER_TOKEN) + _fixed_tokens(message)


def tiktoken_counter(encoding: str | tiktoken.Encoding = "o200k_base") -> TokenCounter:
    """Return a counter by one of tiktoken's encodings, given by its name or itself.

    What is no text counts as in the estimate. At the first use of a name tiktoken downloads the encoding and keeps it
    in the folder that `TIKTOKEN_CACHE_DIR` names; an encoding that is given itself needs no network.

    Raises:
        MissingExtraError: tiktoken is not installed.
        InvalidSetting: It knows no encoding of this name.
        UnavailableError: The encoding could not be downloaded.
    """
    encode_ordinary = (_encoding(encoding) if isinstance(encoding, str) else encoding).encode_ordinary

    def count(message: Message) -> int:
        pieces = (piece for text in _texts(message) for piece in _pieces(text))
        return sum(len(encode_ordinary(piece)) for piece in pieces) + _fixed_tokens(message)

    return count


def _pieces(text: str) -> Iterable[str]:
    # A million spaces overflow the stack of tiktoken's patterns, and kill what no `except Exception` catches. Cutting
    # costs a token for each cut at the most.
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _encoding(name: str) -> tiktoken.Encoding:
    try:
        import tiktoken  # noqa: PLC0415 - optional, and it brings an HTTP client
    except ImportError as missing:
        raise MissingExtraError("Counting tokens with tiktoken", "tokens") from missing
    if name not in (known := tiktoken.list_encoding_names()):
        raise InvalidSetting(f"tiktoken has no encoding {name!r}.", hint=f"It has {', '.join(known)}.")
    try:
        return tiktoken.get_encoding(name)
    # Whatever its HTTP client raises is an OSError; a download that is not what it should be is a ValueError.
    except (OSError, ValueError) as failure:
        raise UnavailableError(
            f"The encoding {name!r} could not be downloaded.",
            hint="Set TIKTOKEN_CACHE_DIR to a folder that has it, or count without tiktoken.",
        ) from failure


def _texts(message: Message) -> list[str]:
    texts = [message.text, message.name or "", message.tool_call_id or ""]
    for call in message.tool_calls:
        texts += (call.id, call.name, call.arguments)
    texts += [canonical(part.to_json()) for part in _parts(message) if not _is_media(part.type)]
    texts += [attachment.filename for attachment in message.attachments]
    return texts


def _parts(message: Message) -> list[ImagePart | OtherPart]:
    content = message.content if isinstance(message.content, tuple) else ()
    return [part for part in content if not isinstance(part, TextPart)]


def _is_media(kind: str) -> bool:
    return _MEDIA.search(kind) is not None


def _fixed_tokens(message: Message) -> int:
    media = sum(_is_media(part.type) for part in _parts(message))
    files = sum(map(_file_tokens, message.attachments))
    return FRAME_TOKENS * (1 + len(message.tool_calls)) + MEDIA_TOKENS * media + files


def _file_tokens(attachment: Attachment) -> int:
    kind = attachment.detected_type or attachment.mime_type or ""
    if _READ_AS_TEXT.match(kind):
        return NAMED_FILE_TOKENS + (attachment.size or 0) // BYTES_PER_TOKEN
    return MEDIA_TOKENS if kind.startswith("image/") else NAMED_FILE_TOKENS
