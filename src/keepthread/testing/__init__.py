"""Shipped tests: what every backend, place for files and session state, also one of your own, must do.

Needs pytest and pytest-asyncio.

class TestMyStore(ThreadStoreContract):
    @pytest_asyncio.fixture
    async def store(self) -> AsyncIterator[ThreadStore]:
        async with ThreadStore("…") as store:
            yield store

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: ThreadStore.create("…")
"""

from pkgutil import iter_modules

import pytest

# Without it a failure in somebody else's tests would show no values.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))

from .arrange import OpenStore  # noqa: E402 - after the line above, which must come before the first import
from .file_contract import FileStoreContract  # noqa: E402 - as above
from .session_contract import SessionContract  # noqa: E402 - as above
from .thread_store_contract import ThreadStoreContract  # noqa: E402 - as above

__all__ = ["FileStoreContract", "OpenStore", "SessionContract", "ThreadStoreContract"]
