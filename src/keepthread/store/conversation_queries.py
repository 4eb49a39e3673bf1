"""The statements about conversations and their summaries; see queries."""

from __future__ import annotations

from typing import NamedTuple

from .queries import MessageRow, Nothing, Query


class ConversationRow(NamedTuple):
    """Whose conversation a thread is."""

    agent: str
    principal: str | None
    session: str | None
    version: str | None
    store_name: str


class KeptSummary(NamedTuple):
    """A summary that is kept with a thread. What it says is its writer's business."""

    kind: str
    """How it was made: a thread keeps one of each kind."""
    behind: int
    """The position of the last message before what it stands for."""
    through: int
    """The position of the last message that it stands for; `behind` where it stands for none."""
    digest: bytes
    """The chain of the digests of those messages."""
    text: str


class Digest(NamedTuple):
    """Of one message."""

    value: bytes


CONVERSATION = Query("conversation", ConversationRow._make)
INSERT_CONVERSATION = Query("insert_conversation", Nothing._make)
DELETE_CONVERSATION = Query("delete_conversation", Nothing._make)
MOVE_CONVERSATION = Query("move_conversation", Nothing._make)
MOVE_THREAD = Query("move_thread", Nothing._make)
MOVE_MESSAGES = Query("move_messages", Nothing._make)
MOVE_REVISIONS = Query("move_revisions", Nothing._make)
MOVE_FILES = Query("move_files", Nothing._make)
MOVE_TURNS = Query("move_turns", Nothing._make)
MOVE_FRAMES = Query("move_frames", Nothing._make)
MOVE_SUMMARIES = Query("move_summaries", Nothing._make)
MOVE_STATES = Query("move_states", Nothing._make)
MOVE_TAG = Query("move_tag", Nothing._make)

SUMMARY = Query("summary", KeptSummary._make)
INSERT_SUMMARY = Query("insert_summary", Nothing._make)
DELETE_SUMMARY = Query("delete_summary", Nothing._make)
DELETE_SUMMARIES = Query("delete_summaries", Nothing._make)
DROP_SUMMARIES = Query("drop_summaries", Nothing._make)
VIEW_HEAD = Query("view_head", MessageRow._make)
VIEW_DIGESTS = Query("view_digests", Digest._make)
