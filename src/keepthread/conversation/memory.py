"""What stands for the frames that left a conversation's window, and how far it goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from keepthread.errors import CorruptError, InvalidSetting, TooLargeError
from keepthread.model import Message
from keepthread.model.json_values import canonical, check_text
from keepthread.retention import Checkpoint, RetentionPolicy, Summary, advance, custom_summary
from keepthread.retention.summary import CUSTOM, LINES
from keepthread.store import BEFORE_ALL, KeptSummary, SummaryChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A summary on its way: what the store keeps, continued by what has left the window since."""

    kind: str
    kept: KeptSummary | None
    """What the store keeps."""
    leading: tuple[Message, ...] = ()
    """The messages before what it stands for; () where it stands for none yet."""
    behind: int = BEFORE_ALL
    checkpoint: Checkpoint
    given: str = ""
    """A text that was set in the place of the summary of the first `given_frames`; `checkpoint` has what came after."""
    given_frames: int = 0

    @classmethod
    def of(cls, kept: KeptSummary | None, leading: Sequence[Message], policy: RetentionPolicy) -> Self:
        """Return what the store keeps for *policy*, if it keeps something.

        Raises:
            CorruptError: It cannot be read.
        """
        kind = kind_of(policy)
        if kept is None:
            nothing = Checkpoint(through=BEFORE_ALL, digest=b"", summary=empty_summary(policy))
            return cls(kind=kind, kept=None, checkpoint=nothing)
        try:
            said = json.loads(kept.text)
            summary = replace(empty_summary(policy), text=said["text"], frames=said["frames"])
            given, given_frames = said["given"], said["given_frames"]
        except (ValueError, KeyError, TypeError) as damage:
            raise CorruptError(
                f"A summary cannot be read: its row is damaged ({type(damage).__name__}).",
                hint="Restore it from a backup, or edit the first message of the thread: the summary is made anew.",
            ) from damage
        checkpoint = Checkpoint(through=kept.through, digest=kept.digest, summary=summary)
        return cls(
            kind=kind,
            kept=kept,
            leading=tuple(leading),
            behind=kept.behind,
            checkpoint=checkpoint,
            given=given,
            given_frames=given_frames,
        )

    @property
    def is_begun(self) -> bool:
        """Whether it stands for a message."""
        return self.checkpoint.through > BEFORE_ALL

    @property
    def frames(self) -> int:
        """How many messages it stands for."""
        return self.given_frames + self.checkpoint.summary.frames

    def advanced(self, folded: Sequence[Message], summary: Summary, leading: Sequence[Message]) -> Self:
        """Return it through the last of *folded*; *summary* covers them and what `checkpoint` covered."""
        if self.is_begun:
            return replace(self, checkpoint=advance(self.checkpoint, folded, summary))
        behind = leading[-1].position if leading else None
        return replace(
            self,
            leading=tuple(leading),
            behind=BEFORE_ALL if behind is None else behind,
            checkpoint=advance(self.checkpoint, folded, summary),
        )

    def replaced(self, text: str, policy: RetentionPolicy) -> Self:
        """Return it with *text* in the place of what it says."""
        if policy.summarizer is None:
            fresh = replace(self.checkpoint, summary=empty_summary(policy))
            return replace(self, given=text, given_frames=self.frames, checkpoint=fresh)
        said = custom_summary(text, frames=self.frames, characters=policy.summary_characters)
        return replace(self, checkpoint=replace(self.checkpoint, summary=said))

    def change(self) -> SummaryChange | None:
        """Return what the store should keep in the place of what it keeps; None if that is the same."""
        summary = self.checkpoint.summary
        said = {
            "text": summary.text,
            "frames": summary.frames,
            "given": self.given,
            "given_frames": self.given_frames,
        }
        kept = KeptSummary(
            kind=self.kind,
            behind=self.behind,
            through=self.checkpoint.through,
            digest=self.checkpoint.digest,
            text=canonical(said),
        )
        is_nothing = not self.is_begun and not self.given and not summary.text
        return None if is_nothing or kept == self.kept else SummaryChange(kept=kept, continues=self.kept)


def kind_of(policy: RetentionPolicy) -> str:
    """Return what tells the summaries of *policy* from others of the same thread: how they are made, and how long."""
    return f"{LINES if policy.summarizer is None else CUSTOM}/{policy.summary_characters}"


def empty_summary(policy: RetentionPolicy) -> Summary:
    """Return the summary of no messages."""
    algorithm = LINES if policy.summarizer is None else CUSTOM
    return Summary(characters=policy.summary_characters, algorithm=algorithm)


def check_summary(text: str, policy: RetentionPolicy) -> None:
    """Raise an InvalidError if *text* cannot be the summary of a conversation of *policy*."""
    if policy.strategy != "summary":
        raise InvalidSetting(
            f"A conversation with strategy={policy.strategy!r} keeps no summary.", hint='Choose strategy="summary".'
        )
    check_text(text, "The summary", InvalidSetting)
    if len(text) > policy.summary_characters:
        raise TooLargeError(
            f"The summary has {len(text)} characters; summary_characters= allows {policy.summary_characters}.",
            limit=policy.summary_characters,
            size=len(text),
        )
