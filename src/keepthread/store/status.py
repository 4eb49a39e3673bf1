"""What a store says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from .backends.base import EngineFacts
from .queries import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """Which database this is, whether it is well, and how much is in it."""

    url: str
    """With the password masked."""
    source: str
    """The setting that named it: a variable, "argument" or "default"."""
    dialect: str
    location: str
    engine_version: str
    schema_version: int
    durability: str
    tenant: str
    threads: int
    """Of this tenant, exactly."""
    messages: int
    """Of this tenant, exactly; as their threads show them."""
    open_turns: int
    """Of this tenant: under way, or suspended, or left by a process that died."""
    size_bytes: int
    """The whole database, without attachments."""


def status_of(
    url: str, source: str, facts: EngineFacts, *, tenant: str, totals: Totals, open_turns: int
) -> StoreStatus:
    """Put it together."""
    return StoreStatus(
        url=url,
        source=source,
        dialect=facts.dialect,
        location=facts.location,
        engine_version=facts.engine_version,
        schema_version=facts.schema_version,
        durability=facts.durability,
        tenant=tenant,
        threads=totals.threads,
        messages=totals.messages,
        open_turns=open_turns,
        size_bytes=facts.size_bytes,
    )
