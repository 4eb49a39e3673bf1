"""`init`, `migrate` and `status` on a PostgreSQL server."""

import json
import subprocess
from urllib.parse import urlsplit

import pytest

from keepthread.store.migrate import migrations
from tests.store import postgres_server
from tests.store.postgres_server import execute, fetch, guest, holding, psql, run, wait_for_waiting

from .command_line import DEADLINE_SECONDS, PROGRAM, Ended, in_process, plain_environment, say_and_answer

STEPS = [migration.label for migration in migrations("postgres")]
NEWEST = migrations("postgres")[-1].version

LIKE_AN_EARLIER_VERSIONS = (
    "DELETE FROM kt_migrations WHERE version > 1",
    "UPDATE kt_migrations SET version = 0, checksum = ''",
)
"""The tables of this version stay, with the record of one step that came before."""


def on(url: str, *words: str) -> Ended:
    return in_process(*words, env={"KEEPTHREAD_DATABASE_URL": url})


def tables(url: str) -> set[str]:
    return {row[0] for row in run(fetch(url, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"))}


def status_of(url: str) -> dict[str, object]:
    ended = on(url, "status", "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_init_says_whether_it_made_the_tables_and_who_named_the_database(server: str) -> None:
    first, again = (json.loads(on(server, "init", "--json").out) for _ in range(2))

    assert (first["created"], again["created"]) == (True, False)
    assert first["source"] == "KEEPTHREAD_DATABASE_URL"
    assert first["location"].endswith(urlsplit(server).path)
    assert on(server, "init").err == "It was there already: named by KEEPTHREAD_DATABASE_URL.\n"


def test_migrate_makes_the_tables_of_an_empty_database_and_again_does_nothing(server: str) -> None:
    first, again = on(server, "migrate"), on(server, "migrate")

    assert (first.code, first.out.splitlines()) == (0, STEPS)
    assert first.err.startswith(f"Applied {len(STEPS)} migration")
    assert (again.code, again.out) == (0, "")
    assert again.err.startswith("Nothing to do for ")


def test_of_two_that_migrate_at_once_one_does_and_the_other_waits(server: str) -> None:
    command = [*PROGRAM, "--db", server, "migrate", "--json"]
    before_the_first_step = on(server, "migrate", "--plan").out.partition("-- Step")[0]
    psql(server, before_the_first_step)

    with holding(server, "kt_lease"):
        both = [
            subprocess.Popen(command, env=plain_environment(), stdout=subprocess.PIPE, encoding="utf-8")
            for _ in range(2)
        ]
        wait_for_waiting(server, "kt_lease", 2)
    said = [json.loads(process.communicate(timeout=DEADLINE_SECONDS)[0]) for process in both]

    assert sorted(len(found["applied"]) for found in said) == [0, len(STEPS)]
    assert {found["schema_version"] for found in said} == {NEWEST}


def test_a_plan_that_psql_ran_is_up_to_date(server: str) -> None:
    plan = on(server, "migrate", "--plan")
    assert (plan.code, tables(server)) == (0, set())

    psql(server, plan.out)

    assert status_of(server)["up_to_date"] is True
    say_and_answer(server)
    assert status_of(server)["messages"] == 2


def test_a_plan_and_keepthread_make_the_same_tables(server: str) -> None:
    described = """SELECT table_name::text, column_name::text, data_type::text, collation_name::text, is_nullable::text
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"""
    recorded = "SELECT version, name, checksum, min_reader, min_writer FROM kt_migrations"
    psql(server, on(server, "migrate", "--plan").out)

    with postgres_server.new_database() as other:
        on(other, "init")

        assert len(run(fetch(other, described))) > 30
        assert run(fetch(server, described)) == run(fetch(other, described))
        assert run(fetch(server, recorded)) == run(fetch(other, recorded))


def test_a_user_without_rights_is_told_what_to_grant_and_that_grant_helps(server: str) -> None:
    with guest(server) as (name, theirs):
        refused = [on(theirs, *words) for words in (["init"], ["migrate"], ["migrate", "--json"])]
        assert [(ended.code, ended.out) for ended in refused] == [(3, "")] * 3
        for ended in refused:
            sentence, hint = ended.err.splitlines()
            assert sentence.startswith("Error: The database user has too few rights")
            assert "GRANT CREATE, USAGE ON SCHEMA public TO " in hint

        run(execute(server, f"GRANT CREATE, USAGE ON SCHEMA public TO {name}"))

        assert on(theirs, "migrate").out.splitlines() == STEPS
        say_and_answer(theirs)


def test_a_user_without_rights_gets_a_plan_that_an_administrator_runs(server: str) -> None:
    with guest(server) as (name, theirs):
        plan = on(theirs, "migrate", "--plan")
        assert plan.code == 0

        psql(server, plan.out)
        psql(server, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")

        say_and_answer(theirs)
        assert on(theirs, "migrate").err.startswith("Nothing to do")


@pytest.mark.parametrize("words", [["init"], ["ls"]])
def test_an_earlier_versions_database_is_left_to_migrate(server: str, words: list[str]) -> None:
    on(server, "init")
    run(execute(server, *LIKE_AN_EARLIER_VERSIONS))

    ended = on(server, *words)

    assert (ended.code, ended.out) == (4, "")
    assert "`keepthread migrate`" in ended.err
    assert "migrate=True" in ended.err


def test_status_of_an_earlier_versions_database_says_what_is_pending_and_changes_nothing(server: str) -> None:
    on(server, "init")
    say_and_answer(server)
    run(execute(server, *LIKE_AN_EARLIER_VERSIONS))

    found, text = status_of(server), on(server, "status").out

    assert (found["schema_version"], found["up_to_date"], found["pending"]) == (0, False, STEPS)
    assert (found["threads"], found["messages"]) == (1, 2)
    assert f"schema      version 0, {len(STEPS)} migration" in text
    assert f" pending ({', '.join(STEPS)}): run `keepthread migrate`\n" in text
    assert [row[0] for row in run(fetch(server, "SELECT version FROM kt_migrations"))] == [0]


@pytest.mark.parametrize(
    ("words", "code"), [(["status"], 0), (["status", "--json"], 0), (["ls"], 3), (["show", "t"], 3), (["chat", "t"], 3)]
)
def test_a_command_that_reads_makes_no_tables(server: str, words: list[str], code: int) -> None:
    ended = on(server, *words)

    assert ended.code == code
    assert tables(server) == set()


def test_status_of_an_empty_database_is_one_without_a_schema(server: str) -> None:
    found = status_of(server)

    assert (found["reachable"], found["schema_version"], found["up_to_date"], found["threads"]) == (True, 0, False, 0)


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["ls"], ["migrate"], ["init"], ["chat"]])
def test_a_command_that_is_suggested_shows_no_password(server: str, words: list[str]) -> None:
    parts = urlsplit(server)
    url = parts._replace(netloc=f"{parts.username}:geheim@{parts.netloc.rpartition('@')[2]}").geturl()

    ended = in_process("--db", url, *words)

    assert "geheim" not in ended.out + ended.err


@pytest.mark.parametrize("words", [["migrate"], ["migrate", "--plan"], ["status"]])
def test_a_newer_schema_is_refused(server: str, words: list[str]) -> None:
    on(server, "init")
    run(execute(server, "INSERT INTO kt_migrations VALUES (999, 'later', '', 999, 999, 0)"))

    ended = on(server, *words)

    assert (ended.code, ended.out) == (4, "")
    assert "newer keepthread" in ended.err


@pytest.mark.parametrize("words", [["migrate"], ["migrate", "--plan"]])
def test_a_table_of_migrations_that_is_not_ours_is_refused(server: str, words: list[str]) -> None:
    run(execute(server, "CREATE TABLE kt_migrations (a INTEGER)"))

    ended = on(server, *words)

    assert (ended.code, ended.out) == (4, "")
    assert "not keepthread's" in ended.err
    assert tables(server) == {"kt_migrations"}


def test_a_server_that_gives_up_durability_is_named(server: str) -> None:
    on(server, "init")
    name = urlsplit(server).path.removeprefix("/")
    run(execute(server, f"ALTER DATABASE {name} SET synchronous_commit = off"))

    assert status_of(server)["durability"] == "synchronous_commit=off"
    assert "durability  given up by the server (synchronous_commit=off)\n" in on(server, "status").out


def test_status_names_the_variable_that_set_the_pool(server: str) -> None:
    variables = {"DB_URL": server, "KEEPTHREAD_DB_POOL_SIZE": "7", "NARRATOR_DB_POOL_TIMEOUT": "2.5"}

    found = json.loads(in_process("status", "--json", env=variables).out)
    text = in_process("status", env=variables).out

    assert found["source"] == "DB_URL"
    assert found["pool"] == {
        "size": {"value": 7, "source": "KEEPTHREAD_DB_POOL_SIZE"},
        "max_overflow": {"value": 10, "source": "default"},
        "timeout_seconds": {"value": 2.5, "source": "NARRATOR_DB_POOL_TIMEOUT"},
        "recycle_seconds": {"value": 300.0, "source": "default"},
    }
    assert "size 7 (KEEPTHREAD_DB_POOL_SIZE), max_overflow 10 (default)" in text


def test_the_environments_pool_is_not_that_of_another_database(server: str) -> None:
    ended = in_process("--db", server, "status", "--json", env={"KEEPTHREAD_DB_POOL_SIZE": "7"})

    assert json.loads(ended.out)["pool"]["size"] == {"value": 5, "source": "default"}


def test_a_server_that_cannot_be_reached_is_told_in_a_sentence_and_to_a_program() -> None:
    url = "postgresql://user:secret@127.0.0.1:1/talk"

    text, found = on(url, "status"), on(url, "status", "--json")

    assert (text.code, text.out, found.code) == (3, "", 3)
    assert text.err.splitlines()[0] == "Error: No PostgreSQL server answers at 127.0.0.1:1/talk."
    assert found.err == text.err
    assert json.loads(found.out) == {
        "reachable": False,
        "url": "postgresql://user:***@127.0.0.1:1/talk",
        "source": "KEEPTHREAD_DATABASE_URL",
        "reason": "No PostgreSQL server answers at 127.0.0.1:1/talk.",
        "hint": "Check that it runs and listens there, and the host and port in the URL.",
    }
