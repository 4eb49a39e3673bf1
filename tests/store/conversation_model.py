"""A store as plain Python has it: what a thread must hold after every call, and which saves conflict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Said = dict[str, str]
"""Message ids and texts, in order."""


def spelled(metadata: dict[str, Any]) -> dict[str, str]:
    """Metadata in a form in which 1, 1.0 and True differ."""
    return {key: repr(value) for key, value in metadata.items()}


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a handle held when it was loaded."""

    born: int
    said: Said
    metadata: dict[str, Any]
    is_whole: bool


@dataclass(kw_only=True)
class Stored:
    """One stored thread."""

    born: int
    view: list[str] = field(default_factory=list[str])
    """Message ids, in order."""
    says: Said = field(default_factory=Said)
    """What each message says now, also those that were taken out of the view."""
    said_first: Said = field(default_factory=Said)
    versions: int = 0
    """Of all messages."""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    def append(self, turn: Said) -> None:
        """Add what is not there, at the end."""
        for name, text in turn.items():
            if name not in self.says:
                self.take(name, text)
                self.view.append(name)

    def take(self, name: str, text: str) -> None:
        """Store a new message."""
        self.says[name] = self.said_first[name] = text
        self.versions += 1

    def edit(self, name: str, text: str) -> None:
        """Store a new version of a message, if it is one."""
        self.versions += self.says[name] != text
        self.says[name] = text

    def repeats(self, turn: Said) -> bool:
        """Whether what is there of *turn* is what was first stored under its ids."""
        return all(self.said_first.get(name, text) == text for name, text in turn.items())

    def conflicts(self, base: Loaded, mine: Said, metadata: dict[str, Any]) -> bool:
        """Whether a save must be refused."""
        if any(self._edit_conflicts(base, name, text) for name, text in mine.items()):
            return True
        gone = [name for name in base.said if name not in mine and name in self.view]
        if any(self.says[name] != base.said[name] for name in gone):
            return True
        was, ours, theirs = spelled(base.metadata), spelled(metadata), spelled(self.metadata)
        return any(
            ours.get(key) not in (was.get(key), theirs.get(key)) and theirs.get(key) != was.get(key)
            for key in {*was, *ours, *theirs}
        )

    def _edit_conflicts(self, base: Loaded, name: str, text: str) -> bool:
        if name not in base.said:
            return text != self.said_first.get(name, text)
        if text in (base.said[name], self.says[name]):
            return False
        return name not in self.view or self.says[name] != base.said[name]

    def is_doubtful(self, base: Loaded, mine: Said) -> bool:
        """Whether a message that is new to the handle repeats what an edit of somebody else's made of its id.

        Refusing it and finding it stored are both right.
        """
        new = [(name, text) for name, text in mine.items() if name not in base.said and name in self.says]
        return any(self.says[name] == text != self.said_first[name] for name, text in new)

    def kept(self, base: Loaded, mine: Said) -> list[str]:
        """The messages of the handle that are shown after its save: all that others did not take out."""
        return [
            name for name, text in mine.items() if name in self.view or name not in base.said or text != base.said[name]
        ]

    def merged_views(self, base: Loaded, mine: Said, found: list[str]) -> bool:
        """Whether *found* is a right view after a save."""
        kept = self.kept(base, mine)
        left = [name for name in self.view if name not in base.said or name in mine]
        if list(mine)[: len(base.said)] == list(base.said):
            return found == left + [name for name in kept if name not in left]
        others = [name for name in left if name not in mine]
        loaded = [place for place, name in enumerate(self.view) if name in base.said]
        all_appended = all(self.view.index(name) > max(loaded, default=-1) for name in others)
        if base.is_whole and all_appended and all(name in base.said or name not in self.view for name in mine):
            return found == kept + others
        return (
            sorted(found) == sorted({*kept, *others})
            and [name for name in found if name in mine] == kept
            and [name for name in found if name not in mine] == others
        )

    def save(self, base: Loaded, mine: Said, metadata: dict[str, Any], view: list[str]) -> None:
        """Take over what a save wrote; *view* has been found right."""
        for name, text in mine.items():
            if name not in self.says:
                self.take(name, text)
            elif name in base.said and text != base.said[name]:
                self.edit(name, text)
        self.view = view
        was, ours = spelled(base.metadata), spelled(metadata)
        for key in {*was, *ours}:
            if ours.get(key) != was.get(key):
                self.metadata.pop(key, None)
                self.metadata.update({key: metadata[key]} if key in metadata else {})

    def upsert(self, mine: Said, metadata: dict[str, Any]) -> None:
        """Take over a thread that was never loaded."""
        for name, text in mine.items():
            if name not in self.says:
                self.take(name, text)
            elif text != self.said_first[name]:
                self.edit(name, text)
            if name not in self.view:
                self.view.append(name)
        self.metadata.update(metadata)
