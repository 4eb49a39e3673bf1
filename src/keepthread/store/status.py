"""What a store says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from .backends.base import EngineFacts
from .backends.pool import PoolSettings
from .migrate import Schema
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
    """Of the tables; 0 where there are none yet."""
    pending: list[str]
    """Number and name of every migration that it still needs; [] for a database that is up to date."""
    durability: str
    """"full", "relaxed" or "none"; else the server's settings that give it up."""
    pool: PoolSettings | None
    """How many connections there may be; None for an engine without a server."""
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
    *, url: str, source: str, facts: EngineFacts, schema: Schema, tenant: str, totals: Totals, open_turns: int
) -> StoreStatus:
    """Put it together."""
    return StoreStatus(
        url=url,
        source=source,
        dialect=facts.dialect,
        location=facts.location,
        engine_version=facts.engine_version,
        schema_version=schema.version,
        pending=[step.label for step in schema.pending],
        durability=facts.durability,
        pool=facts.pool,
        tenant=tenant,
        threads=totals.threads,
        messages=totals.messages,
        open_turns=open_turns,
        size_bytes=facts.size_bytes,
    )
