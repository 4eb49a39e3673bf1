from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.errors import InvalidSetting
from keepthread.store.url import DatabaseUrl, masked, parse

IN_MEMORY = [
    *(None, ":memory:", "memory://", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://:memory:"),
    *("sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "MEMORY://", "SQLite://"),
]

IN_A_FILE = {
    "sqlite:///conversations.db": "conversations.db",
    "sqlite+aiosqlite:///conversations.db": "conversations.db",
    "sqlite+pysqlite:///a/b.db": "a/b.db",
    "SQLITE:///conversations.db": "conversations.db",
    "sqlite:////var/lib/conversations.db": "/var/lib/conversations.db",
    "sqlite+aiosqlite:////var/lib/conversations.db": "/var/lib/conversations.db",
    "sqlite://./astreus.db": "astreus.db",
    "sqlite://astreus.db": "astreus.db",
    "sqlite:///./x.db": "x.db",
    "sqlite:///../x.db": "../x.db",
    "sqlite:///with%20space%3F.db": "with space?.db",
    "sqlite:///C:/x.db": "C:/x.db",
    "conversations.db": "conversations.db",
    "./a/b.sqlite3": "a/b.sqlite3",
    "/var/lib/conversations.db": "/var/lib/conversations.db",
    "a b?c#d%20.db": "a b?c#d%20.db",
    "C:\\x.db": "C:\\x.db",
    "über 日本.db": "über 日本.db",
}

UNKNOWN = [
    *(
        "oracle://host/d",
        "mongodb+srv://host/d",
        "redis://x",
        "x://",
    ),
    *("http://host/x.db", "sqlit:///x.db", "libsql://host"),
]
"""A scheme that is understood later has its own tests then."""

NOT_A_PATH = ["sqlite:x.db", "sqlite:/x.db", "postgresql:d", "postgres:d", "mysql:d", "memory:", "file:x.db?mode=ro"]
"""Somebody meant a URL: a file of that name would hide the mistake."""

SECRETS = [
    *("postgres://u:hunter2@host/d", "postgres://:hunter2@host", "mysql+asyncmy://u:hunter2@host:3306/d?x=1"),
    *("postgres://u:hunter2@hunter2@host/d", "postgres://u@server:hunter2@host/d", "postgres://u:hunter2 hunter2@host"),
    *("postgres://u:hunter2/hunter2@host/d", "postgres://u:hunter2:hunter2@host", "postgres://u:hunter2#hunter2?@host"),
    *("postgres://host/d?password=hunter2", "postgres://host/d?user=u&password=hunter2&sslmode=require"),
    *("x://host/d?sslpassword=hunter2", "x://host?PASSWORD=hunter2"),
]


@pytest.mark.parametrize("url", IN_MEMORY)
def test_these_are_in_memory(url: str | None) -> None:
    assert parse(url).dialect == "memory"


@pytest.mark.parametrize("url", IN_A_FILE)
def test_these_are_in_a_file(url: str) -> None:
    assert parse(url) == DatabaseUrl(dialect="sqlite", path=Path(IN_A_FILE[url]))


def test_a_path_is_taken_as_it_is() -> None:
    assert parse(Path("sqlite:///odd?.db")) == DatabaseUrl(dialect="sqlite", path=Path("sqlite:///odd?.db"))


def test_options_stand_behind_a_question_mark() -> None:
    parsed = parse("sqlite:///x.db?durability=relaxed&a=b%20c")

    assert (parsed.path, parsed.options) == (Path("x.db"), {"durability": "relaxed", "a": "b c"})


@pytest.mark.parametrize("url", UNKNOWN)
def test_an_unknown_scheme_lists_the_known_ones(url: str) -> None:
    with pytest.raises(InvalidSetting, match="sqlite:///"):
        parse(url)


@pytest.mark.parametrize("url", NOT_A_PATH)
def test_half_a_url_is_no_path(url: str) -> None:
    with pytest.raises(InvalidSetting, match="sqlite:///"):
        parse(url)


@pytest.mark.parametrize("url", ["", " ", "\t", "a\x00b", "sqlite:///a\x00b"])
def test_nothing_is_no_url(url: str) -> None:
    with pytest.raises(InvalidSetting):
        parse(url)


@pytest.mark.parametrize("url", SECRETS)
def test_a_password_is_never_shown(url: str) -> None:
    assert "hunter2" not in masked(url)
    assert "***" in masked(url)
    with pytest.raises(InvalidSetting) as failure:
        parse(url.replace("postgres://", "unknown://").replace("mysql+asyncmy://", "unknown://"))
    assert "hunter2" not in f"{failure.value!r} {failure.value}"


@pytest.mark.parametrize("url", [*IN_A_FILE, "postgres://host/d", "postgres://u@host:5432/d", "memory://"])
def test_without_a_password_nothing_is_masked(url: str) -> None:
    assert masked(url) == url


@given(st.text(max_size=30))
def test_any_text_is_a_database_or_refused(text: str) -> None:
    try:
        assert parse(text).dialect in ("sqlite", "memory")
    except InvalidSetting:
        return
