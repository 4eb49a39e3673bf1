"""How tokens are counted: the estimate, tiktoken, and a callable."""

import sys
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given

from keepthread import Attachment, Message, RetentionPolicy, ToolCall
from keepthread.errors import InvalidSetting, MissingExtraError, UnavailableError
from keepthread.model import ImagePart, ImageUrl, OtherPart, TextPart
from keepthread.retention import estimate_tokens, select_window, tiktoken_counter

from .conversations import FRAME

WHITESPACE = r"\p{L}+|[^\s\p{L}]+|\s+(?!\S)|\s+"


@pytest.fixture
def encoding() -> tiktoken.Encoding:
    """Bytes, and the word "the"; built here, because the real ones would be downloaded."""
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"th": 256, b"the": 257}
    return tiktoken.Encoding(
        name="here", pat_str=WHITESPACE, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 258}
    )


@pytest.fixture
def without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cached encodings, and a proxy that nobody listens as."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")


def said(text: str) -> Message:
    return Message(role="user", content=text)


@pytest.mark.parametrize(("text", "tokens"), [("", 4), ("a", 5), ("abcd", 5), ("abcde", 6), ("東京", 6), ("😀", 5)])
def test_the_estimate_is_a_token_for_4_bytes_and_4_for_the_message(text: str, tokens: int) -> None:
    assert estimate_tokens(said(text)) == tokens


def test_calls_are_estimated_with_their_names_ids_and_arguments() -> None:
    call = ToolCall(id="c1", name="weather", arguments='{"a":1}')

    assert estimate_tokens(Message(role="assistant", tool_calls=(call,))) == 4 + 4 + 16 // 4


def test_an_image_is_estimated_as_an_image_and_not_by_the_length_of_its_address() -> None:
    image = ImagePart(image_url=ImageUrl(url="data:image/png;base64," + "A" * 1_000_000))

    assert estimate_tokens(Message(role="user", content=(TextPart.of("look"), image))) == 4 + 1 + 1_000


def test_a_part_of_another_type_is_estimated_by_its_json() -> None:
    thought = OtherPart.model_validate({"type": "thinking", "thinking": "x" * 400})

    assert estimate_tokens(Message(role="assistant", content=(thought,))) == 4 + 109


@pytest.mark.parametrize(
    ("filename", "mime_type", "tokens"),
    [
        ("photo.png", "image/png", 1_000),
        ("notes.txt", "text/plain", 40 + 1_000),
        ("a.json", "application/json", 40 + 1_000),
        ("a.json", "application/problem+json", 40 + 1_000),
        ("drawing.svg", "image/svg+xml", 40 + 1_000),
        ("report.pdf", "application/pdf", 40),
        ("unknown", None, 40),
    ],
)
def test_an_attached_file_is_estimated_by_what_the_model_sees_of_it(
    filename: str, mime_type: str | None, tokens: int
) -> None:
    file = Attachment(filename=filename, content=bytes(4_000), mime_type=mime_type)

    assert estimate_tokens(Message(role="user", attachments=(file,))) == 4 + -(-len(filename) // 4) + tokens


@given(FRAME)
def test_every_message_has_an_estimate(frame: Message) -> None:
    assert estimate_tokens(frame) >= 4


def test_tiktoken_counts_by_the_given_encoding(encoding: tiktoken.Encoding) -> None:
    count = tiktoken_counter(encoding)

    assert count(said("the")) == 4 + 1
    assert count(said("xyz the")) == 4 + 3 + 1 + 1


def test_tiktoken_s_counts_are_no_estimate(encoding: tiktoken.Encoding) -> None:
    window = select_window([said("the")], RetentionPolicy(count_tokens=tiktoken_counter(encoding)))

    assert (window.tokens, window.is_estimate) == (5, False)


def test_words_that_look_like_a_special_token_are_words(encoding: tiktoken.Encoding) -> None:
    assert tiktoken_counter(encoding)(said("<|endoftext|>")) == 4 + len("<|endoftext|>")


def test_a_million_spaces_are_counted(encoding: tiktoken.Encoding) -> None:
    assert tiktoken_counter(encoding)(said(" " * 1_000_000 + "x")) == 4 + 1_000_001


def test_without_tiktoken_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)

    with pytest.raises(MissingExtraError, match=r'pip install "keepthread\[tokens\]"'):
        tiktoken_counter()


def test_an_unknown_encoding_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(InvalidSetting, match=r"tiktoken has no encoding 'gpt-4o'. It has .*o200k_base"):
        tiktoken_counter("gpt-4o")


@pytest.mark.usefixtures("without_network")
def test_an_encoding_that_cannot_be_downloaded_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=r"'o200k_base' could not be downloaded. Set TIKTOKEN_CACHE_DIR"):
        tiktoken_counter()
