"""A session state that somebody else wrote: the one of the documentation keeps the contract."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from keepthread.conversation.session import OpenSession, SessionState
from keepthread.testing import SessionContract
from tests.docs.code_blocks import read_blocks

PAGE = Path(__file__).parents[2] / "docs" / "session-state.md"


class TestStandIn(SessionContract):
    @pytest.fixture
    def open_session(self) -> OpenSession:
        (block,) = [block for block in read_blocks(PAGE) if "class MemorySession" in block.code]
        names: dict[str, Any] = {}
        exec(block.code, names)  # noqa: S102 - our own documentation
        sessions: defaultdict[tuple[str, str], SessionState] = defaultdict(names["MemorySession"])
        return lambda tenant, scope: sessions[tenant, scope]
