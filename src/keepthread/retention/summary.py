"""The deterministic summary: one line for each frame that left the window, within a fixed number of characters.

Of a conversation that is too long for it the beginning stays, for that is where the task stands, and the end; what is
between them is counted. Folding is associative: it does not matter in how many steps a conversation was folded, or on
which machine, the text is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from keepthread.errors import InvalidSetting
from keepthread.model import Message
from keepthread.model.json_values import check_text

from .lines import line_of

LINES = "lines/1"
"""The algorithm of this module. Its number changes whenever the same frames would give another text."""
CUSTOM = "custom"
"""The algorithm of a text that a summarizer wrote."""

LEAST_CHARACTERS = 1_000
"""With fewer, a line would have no room for what was said beside what was called."""
LONGEST_LINE = 400


def _gap(frames: int) -> str:
    # A frame's line begins with its role: none can be mistaken for this one.
    return f"[{frames} messages are left out here]"


# As wide as it can get, whatever it will say: which lines fit must not depend on how many do not.
_GAP_WIDTH = len(_gap(10**18)) + len("\n")


def check_summary_characters(value: object) -> None:
    """Raise InvalidSetting if *value* is no length for a summary."""
    if not isinstance(value, int) or isinstance(value, bool) or value < LEAST_CHARACTERS:
        raise InvalidSetting(f"summary_characters= must be a whole number of at least {LEAST_CHARACTERS}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What stands for the frames that left the window. `Summary()` stands for none."""

    text: str = ""
    frames: int = 0
    """How many it stands for, those that the text leaves out included."""
    characters: int = 4_000
    """How long the text may be."""
    algorithm: str = LINES
    """What made the text, with its version: only summaries of one algorithm and length can be merged."""

    def __post_init__(self) -> None:
        check_summary_characters(self.characters)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines that a summary's text is made of. Where none are left out, `head` and `tail` are both all of them."""

    head: Sequence[str]
    tail: Sequence[str]
    is_whole: bool


def fold(summary: Summary, messages: Sequence[Message]) -> Summary:
    """Return *summary* continued by *messages*, in order. The work is proportional to *messages*.

    Raises:
        InvalidSetting: The summary was not made by this version's algorithm.
    """
    limit = min(LONGEST_LINE, summary.characters // 5)
    lines = [line_of(message, limit) for message in messages]
    added = _fitted(lines, lines, replace(summary, text="", frames=len(lines), algorithm=LINES), is_whole=True)
    return merge(summary, added)


def merge(earlier: Summary, later: Summary) -> Summary:
    """Return the summary of both, the same as if their frames had been folded at once.

    Raises:
        InvalidSetting: They are of different lengths, or one was not made by this version's algorithm.
    """
    for summary in (earlier, later):
        if summary.algorithm != LINES:
            raise InvalidSetting(
                f"A summary by the algorithm {summary.algorithm!r} cannot be continued by {LINES!r}.",
                hint="Fold the messages anew.",
            )
    if earlier.characters != later.characters:
        raise InvalidSetting("Summaries of different lengths cannot be merged.", hint="Fold the messages anew.")
    first, second = _lines_of(earlier), _lines_of(later)
    return _fitted(
        [*first.head, *second.head] if first.is_whole else first.head,
        [*first.tail, *second.tail] if second.is_whole else second.tail,
        replace(earlier, frames=earlier.frames + later.frames),
        is_whole=first.is_whole and second.is_whole,
    )


def custom_summary(text: str, *, frames: int, characters: int) -> Summary:
    """Return what a summarizer wrote, cut to *characters*; *frames* is how many it stands for in all.

    Raises:
        InvalidSetting: It returned no text, or one that cannot be stored.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a callable of the user
        raise InvalidSetting(f"summarizer= must return text, not {type(text).__name__}.")
    check_text(text, "What summarizer= returned", InvalidSetting)
    return Summary(text=text[:characters], frames=frames, characters=characters, algorithm=CUSTOM)


def _lines_of(summary: Summary) -> _Lines:
    lines = summary.text.split("\n") if summary.text else []
    gap = next((index for index, line in enumerate(lines) if line.startswith("[")), None)
    if gap is None:
        return _Lines(lines, lines, is_whole=True)
    return _Lines(lines[:gap], lines[gap + 1 :], is_whole=False)


def _fitted(head: Sequence[str], tail: Sequence[str], summary: Summary, *, is_whole: bool) -> Summary:
    """Return *summary* with the text of its lines, which begin with *head* and end with *tail*.

    What is looked at is decided by lengths from one end only. That is what makes merging associative: a line that did
    not fit into the beginning or the end of a part does not fit into that of the whole.
    """
    if is_whole and _length(head) <= summary.characters + len("\n"):
        return replace(summary, text="\n".join(head))
    head_length = summary.characters // 4
    first = _prefix(head, head_length)
    last = _prefix(reversed(tail), summary.characters - head_length - _GAP_WIDTH)[::-1]
    gap = _gap(summary.frames - len(first) - len(last))
    return replace(summary, text="\n".join([*first, gap, *last]))


def _prefix(lines: Iterable[str], limit: int) -> list[str]:
    """Return the longest beginning of *lines* that fits, each with the end of its line."""
    chosen: list[str] = []
    for line in lines:
        limit -= len(line) + len("\n")
        if limit < 0:
            break
        chosen.append(line)
    return chosen


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + len("\n") for line in lines)
