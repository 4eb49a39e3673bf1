"""Metadata filters as tags: one digest for each key with its value, so that every engine compares JSON type and value.

Keys and values only ever meet the database inside a digest: `a.b`, `a"b` and `'); drop` are keys like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from keepthread.model.json_values import canonical


def tag(kind: str, key: str, value: object) -> bytes:
    """Return the tag of one value, 16 bytes. 1, 1.0, true and "1" have different ones."""
    return blake2b(canonical([kind, key, value]).encode(), digest_size=16, person=b"keepthread.tag.1").digest()


def tags_of(metadata: Mapping[str, Any], agent: str | None) -> set[bytes]:
    """Return the tags that a thread carries: one for each top-level value of its metadata, and one for its agent."""
    tags = {tag("metadata", key, value) for key, value in metadata.items()}
    if agent is not None:
        tags.add(tag("agent", "", agent))
    return tags


def principal_tag(principal: str) -> bytes:
    """Return the tag that every conversation with *principal* carries. A thread's own row does not tell it."""
    return tag("principal", "", principal)


def tags_wanted(metadata: Iterable[tuple[str, Any]], agent: str | None) -> list[bytes]:
    """Return the tags that a filter asks for."""
    return sorted(tags_of(dict(metadata), agent))
