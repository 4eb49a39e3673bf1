from hypothesis import given
from hypothesis import strategies as st

from keepthread.conversation.wording import joined
from keepthread.model import Message
from keepthread.retention import Summary, fold

TEXTS = st.text(max_size=3_000)
LINES = st.lists(st.text(max_size=300), max_size=40)


def lines_of(texts: list[str], characters: int = 1_000) -> Summary:
    return fold(Summary(characters=characters), [Message(role="user", content=text) for text in texts])


@given(TEXTS, st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300), max_size=40))
def test_both_together_keep_to_the_limit_and_the_last_line_stays(text: str, texts: list[str]) -> None:
    lines = lines_of(texts)

    shown = joined(text, lines)

    assert len(shown) <= lines.characters
    assert shown.endswith(lines.text.split("\n")[-1])


def test_what_fits_is_shown_as_it_is() -> None:
    lines = lines_of(["a", "b"])

    assert joined("So far.", lines) == "So far.\nuser: a\nuser: b"
    assert joined("So far.", Summary()) == "So far."


def test_lines_that_do_not_fit_are_counted() -> None:
    lines = lines_of([f"{number} and on" * 10 for number in range(30)])

    text, gap, *rest = joined("x" * 800, lines).split("\n")

    assert text.endswith("…")
    assert gap == f"[{30 - len(rest)} messages are left out here]"
    assert rest == lines.text.split("\n")[-len(rest) :]
