"""Database servers that a desk may not have."""

import os

import pytest


def server(variable: str) -> str:
    """The URL of a server. Without it its tests are skipped at a desk, and fail where ALL_BACKENDS is set, as in CI."""
    if url := os.environ.get(variable):
        return url
    give_up = pytest.fail if os.environ.get("ALL_BACKENDS") else pytest.skip
    return give_up(f"set {variable} to the URL of an empty database to run these tests")
