"""What a fault needs of the machine. Without it a test is skipped at a desk, and fails where ALL_BACKENDS is set."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def need(what: str) -> NoReturn:
    """Give up a test that needs *what*."""
    if os.environ.get("ALL_BACKENDS"):
        pytest.fail(f"this test needs {what}")
    pytest.skip(f"needs {what}")
