"""Every statement by its name: the text is in `sql/*.sql`, the shape of its rows is here.

An engine that needs another text for a statement has it, under the same name and with the same parameters, in
`sql/<dialect>/*.sql`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Generic, NamedTuple, TypeVar

R = TypeVar("R", bound=tuple[Any, ...])

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """One statement, and what its rows are."""

    name: str
    make: Callable[[Iterable[Any]], R]
    """A row from its columns."""


@cache
def statements(dialect: str) -> dict[str, str]:
    """Return the text of every statement by its name, with `:name` parameters."""
    folder = files(__spec__.parent).joinpath("sql")
    own = folder.joinpath(dialect)
    return {**_read(folder), **(_read(own) if own.is_dir() else {})}


def _read(folder: Traversable) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted((entry for entry in folder.iterdir() if entry.is_file()), key=lambda entry: entry.name):
        _, *pieces = _NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(pieces[::2], pieces[1::2], strict=True):
            if name in found:
                raise ValueError(f"the statement {name!r} is defined twice")
            found[name] = _COMMENT.sub("", text).strip().rstrip(";")
    return found


class ThreadRow(NamedTuple):
    """A thread, as its row has it. Moments are microseconds since 1970."""

    id: str
    title: str | None
    metadata: str
    agent: str | None
    archived: int
    next_position: int
    version: int
    message_count: int
    created_at: int
    updated_at: int


class MessageRow(NamedTuple):
    """A message, as its row has it."""

    position: int
    removed: int
    id: str
    role: str
    content: str | None
    extra: str
    digest: bytes
    created_at: int


class RevisionRow(NamedTuple):
    """What a message said before an edit."""

    message_id: str
    revision: int
    role: str
    content: str | None
    extra: str
    digest: bytes
    replaced_at: int


class Mark(NamedTuple):
    """A message without what it says."""

    id: str
    position: int
    removed: int
    digest: bytes
    first_digest: bytes
    """Of what was first stored under the id: a repeat is compared with it."""


class KeptRow(NamedTuple):
    """A message with everything that its row has, and what a page of them says of it."""

    position: int
    removed: int
    id: str
    turn_id: str
    role: str
    content: str | None
    extra: str
    digest: bytes
    created_at: int
    revisions: int
    """How many earlier versions it has."""
    is_full: int
    """Whether the page ends with it because it weighs enough."""


class KeptState(NamedTuple):
    """One value of session state, as it is kept."""

    scope: str
    name: str
    value: str
    version: int
    updated_at: int


class CopyMark(NamedTuple):
    """How a copy left a thread."""

    thread_id: str
    source_id: str
    """The store that it came from."""
    version: int
    """The thread's, as the copy left it."""
    is_whole: int


class Taken(NamedTuple):
    """What the thread's row gave to an append."""

    next_position: int
    version: int


class TurnRow(NamedTuple):
    """A turn that is not committed, or a key that is remembered. Moments are microseconds since 1970."""

    id: str
    turn_key: str | None
    state: str
    holder: str
    lease_until: int
    next_frame: int
    result: str | None
    opened_at: int
    changed_at: int


class FrameRow(NamedTuple):
    """A message of a turn that is not committed."""

    id: str
    role: str
    content: str | None
    extra: str
    digest: bytes
    created_at: int


class FrameMark(NamedTuple):
    """The same without what it says."""

    id: str
    digest: bytes


class StateRow(NamedTuple):
    """A value of a session's state, as its row has it."""

    value: str
    version: int


class Count(NamedTuple):
    """One number."""

    value: int


class Totals(NamedTuple):
    """Of one tenant."""

    threads: int
    messages: int


class Text(NamedTuple):
    """One text."""

    value: str


class Nothing(NamedTuple):
    """No rows come back."""


def _query(name: str, row: type[R]) -> Query[R]:
    return Query(name, row._make)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType] - every row here is a NamedTuple


LOCK_THREAD = _query("lock_thread", ThreadRow)
THREAD = _query("thread", ThreadRow)
INSERT_THREAD = _query("insert_thread", Nothing)
TAKE_POSITIONS = _query("take_positions", Taken)
CHANGE_THREAD = _query("change_thread", Nothing)
NEWEST_THREADS = _query("newest_threads", ThreadRow)
NEWEST_TAGGED_BY_WALK = _query("newest_tagged_by_walk", ThreadRow)
NEWEST_TAGGED_BY_TAG = _query("newest_tagged_by_tag", ThreadRow)
NEWEST_TAGGED_FAR = _query("newest_tagged_far", ThreadRow)
NEXT_THREADS = _query("next_threads", ThreadRow)
THREADS_LIKE = _query("threads_like", ThreadRow)
COUNT_THREADS = _query("count_threads", Totals)
DELETE_THREAD = _query("delete_thread", Nothing)

INSERT_MESSAGE = _query("insert_message", Nothing)
VIEW = _query("view", MessageRow)
VIEW_TAIL = _query("view_tail", MessageRow)
VIEW_PAGE = _query("view_page", MessageRow)
MESSAGE = _query("message", MessageRow)
EVERYTHING = _query("everything", MessageRow)
MARKS = _query("marks", Mark)
MARK = _query("mark", Mark)
KEEP_REVISION = _query("keep_revision", Nothing)
CHANGE_MESSAGE = _query("change_message", Nothing)
PLACE_MESSAGE = _query("place_message", Nothing)
REVISIONS = _query("revisions", RevisionRow)
DELETE_MESSAGES = _query("delete_messages", Nothing)
DELETE_REVISIONS = _query("delete_revisions", Nothing)

INSERT_TAG = _query("insert_tag", Nothing)
DELETE_TAG = _query("delete_tag", Nothing)
COUNT_TAG = _query("count_tag", Count)

INSERT_FILE = _query("insert_file", Nothing)
THREAD_FILES = _query("thread_files", Text)
FILE_USERS = _query("file_users", Count)
DELETE_FILES = _query("delete_files", Nothing)

TURN = _query("turn", TurnRow)
THREAD_TURNS = _query("thread_turns", TurnRow)
INSERT_TURN = _query("insert_turn", Nothing)
CHANGE_TURN = _query("change_turn", Nothing)
DELETE_TURN = _query("delete_turn", Nothing)
COUNT_TURNS = _query("count_turns", Count)
FRAMES = _query("frames", FrameRow)
FRAME_MARKS = _query("frame_marks", FrameMark)
OPEN_FRAMES = _query("open_frames", FrameRow)
INSERT_FRAME = _query("insert_frame", Nothing)
DELETE_FRAME = _query("delete_frame", Nothing)
DELETE_FRAMES = _query("delete_frames", Nothing)
MESSAGE_FILES = _query("message_files", Text)
DELETE_MESSAGE_FILES = _query("delete_message_files", Nothing)
DELETE_THREAD_TURNS = _query("delete_thread_turns", Nothing)
DELETE_THREAD_FRAMES = _query("delete_thread_frames", Nothing)

STATE = _query("state", StateRow)
STATE_VERSION = _query("state_version", Count)
STATE_NAMES = _query("state_names", Text)
INSERT_STATE = _query("insert_state", Nothing)
CHANGE_STATE = _query("change_state", Nothing)
DELETE_STATE = _query("delete_state", Nothing)
DELETE_THREAD_STATES = _query("delete_thread_states", Nothing)

HIDES_TENANTS = _query("hides_tenants", Count)
NEXT_TENANT = _query("next_tenant", Text)
KEPT_PAGE = _query("kept_page", KeptRow)
KEPT_REVISIONS = _query("kept_revisions", RevisionRow)
INSERT_KEPT_MESSAGE = _query("insert_kept_message", Nothing)
INSERT_KEPT_REVISION = _query("insert_kept_revision", Nothing)
KEPT_STATES = _query("kept_states", KeptState)
KEPT_STATE = _query("kept_state", KeptState)
ANY_FILE = _query("any_file", Count)

COPY_MARK = _query("copy_mark", CopyMark)
COPY_MARKS = _query("copy_marks", CopyMark)
INSERT_COPY_MARK = _query("insert_copy_mark", Nothing)
DELETE_COPY_MARK = _query("delete_copy_mark", Nothing)

META = _query("meta", Text)
