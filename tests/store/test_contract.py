"""The shipped contract, on each of our own backends."""

from collections import Counter

import pytest

from keepthread.testing import ThreadStoreContract
from keepthread.testing.append_contract import AppendContract
from keepthread.testing.merge_contract import MergeContract
from keepthread.testing.save_contract import SaveContract
from keepthread.testing.window_contract import WindowContract


class TestStore(ThreadStoreContract):
    pass


class TestStoreBehindPgBouncer(AppendContract, SaveContract, MergeContract, WindowContract):
    """What the pooler lies between: every way to write and to read. How values look is no concern of its."""

    @pytest.fixture
    def url(self, pooled: str) -> str:
        return pooled


def test_no_test_of_the_contract_hides_another() -> None:
    names = Counter(
        name for promise in ThreadStoreContract.__mro__ for name in vars(promise) if name.startswith("test_")
    )

    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) > 200
