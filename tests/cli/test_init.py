"""`init` on a PostgreSQL server: what it can ask for beside the tables, and where it refuses to."""

import json
from pathlib import Path

import pytest

from tests.store import postgres_server
from tests.store.secured_database import TABLES
from tests.store.test_citus import ASKED, asked, cluster

from .command_line import in_process

OPTIONS = [["--row-level-security"], ["--distribute-by", "tenant"]]


def test_row_level_security_is_turned_on_and_twice_is_no_error() -> None:
    with postgres_server.new_database() as url:
        first = in_process("--db", url, "init", "--row-level-security")
        again = in_process("--db", url, "init", "--row-level-security", "--json")
        secured = postgres_server.run(
            postgres_server.fetch(url, "SELECT COUNT(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        )

    assert (first.code, again.code) == (0, 0)
    assert "Open every running store again" in first.err
    assert json.loads(again.out)["row_level_security"] is True
    assert secured[0][0] == len(TABLES)


def test_without_the_option_nothing_is_secured() -> None:
    with postgres_server.new_database() as url:
        ended = in_process("--db", url, "init", "--json")
        secured = postgres_server.run(
            postgres_server.fetch(url, "SELECT COUNT(*) FROM pg_class WHERE relname LIKE 'kt\\_%' AND relrowsecurity")
        )

    assert (ended.code, secured[0][0]) == (0, 0)
    assert list(json.loads(ended.out)) == ["url", "source", "location", "created"]


def test_tables_are_distributed_and_what_that_costs_is_said() -> None:
    with cluster() as url:
        ended = in_process("--db", url, "init", "--distribute-by", "thread", "--row-level-security")
        again = in_process("--db", url, "init", "--distribute-by", "thread", "--json")
        done = postgres_server.run(asked(url))

    assert (ended.code, again.code) == (0, 0)
    assert "lists, counts" in ended.err
    assert json.loads(again.out)["distribute_by"] == "thread"
    assert done == ASKED["thread"]


def test_a_server_without_citus_ends_as_a_usage_error() -> None:
    with postgres_server.new_database() as url:
        ended = in_process("--db", url, "init", "--distribute-by", "tenant")

    assert (ended.code, ended.out) == (2, "")
    assert "CREATE EXTENSION citus" in ended.err


@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_is_refused_before_it_is_made(database: Path, option: list[str]) -> None:
    ended = in_process("--db", str(database), "init", *option)

    assert (ended.code, ended.out) == (2, "")
    assert f"{option[0]} is for a PostgreSQL server" in ended.err
    assert not database.exists()
