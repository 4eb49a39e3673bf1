"""The shipped contract, on each of our own backends."""

from collections import Counter

from keepthread.testing import ThreadStoreContract


class TestStore(ThreadStoreContract):
    pass


def test_no_test_of_the_contract_hides_another() -> None:
    names = Counter(
        name for promise in ThreadStoreContract.__mro__ for name in vars(promise) if name.startswith("test_")
    )

    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) > 200
