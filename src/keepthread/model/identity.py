"""Whose conversation it is."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from keepthread.errors import InvalidSetting

from .json_values import canonical, check_id

_VERSION = b"keepthread.conv1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells a conversation from every other one of its tenant: separate values, of which none is ever joined.

    The tenant is not among them. It is a store's (`for_tenant`) and stands in every key, so that the same conversation
    of another tenant, or one that moves to another tenant, keeps its identity. None differs from every text.

    Raises:
        InvalidSetting: A value is not 1 to 255 bytes of UTF-8 without control characters.
    """

    agent: str
    """The name of the agent that it is held with."""
    principal: str | None = None
    """Who it is held with; None for nobody in particular."""
    session: str | None = None
    """Which of the principal's conversations; None for the one that there is if nothing else is said."""
    version: str | None = None
    """The agent's version, where versions have conversations of their own; else None."""
    store_name: str = "default"
    """The namespace that it is kept in."""

    def __post_init__(self) -> None:
        check_id(self.agent, "agent", InvalidSetting)
        check_id(self.store_name, "store_name", InvalidSetting)
        for name in ("principal", "session", "version"):
            value = getattr(self, name)
            if value is not None:
                check_id(value, name, InvalidSetting)

    @property
    def thread_id(self) -> str:
        """The id of the thread that it is: 32 hexadecimal digits, the same in every process."""
        # As one JSON list: its quotes and commas are what keeps 't:p' and 'q' from meeting 't' and 'p:q'.
        values = [self.store_name, self.agent, self.version, self.principal, self.session]
        return blake2b(canonical(values).encode(), digest_size=16, person=_VERSION).hexdigest()
