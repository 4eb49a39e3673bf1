import pytest

from .servers import server


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALL_BACKENDS", raising=False)
    monkeypatch.delenv("TEST_SERVER", raising=False)


def test_a_server_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SERVER", "postgresql://host")

    assert server("TEST_SERVER") == "postgresql://host"


def test_without_its_server_a_test_is_skipped_at_a_desk() -> None:
    with pytest.raises(pytest.skip.Exception, match="TEST_SERVER"):
        server("TEST_SERVER")


def test_without_its_server_a_test_fails_where_all_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_BACKENDS", "1")

    with pytest.raises(pytest.fail.Exception, match="TEST_SERVER"):
        server("TEST_SERVER")
