"""What `distribute` asks of Citus, and where it refuses: of a stand-in on a real server. Citus itself is not here."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keepthread.errors import InvalidSetting, KeepthreadError
from keepthread.store import ThreadStore
from keepthread.store.backends.base import DistributedBy
from keepthread.testing.arrange import say, stored, talk

from . import postgres_server

STAND_IN = Path(__file__).with_name("citus_stand_in.sql").read_text(encoding="utf-8")

ASKED: dict[DistributedBy, list[str]] = {
    "tenant": [
        "kt_threads by tenant_id beside none",
        "kt_conversations by tenant_id beside kt_threads",
        "kt_copies by tenant_id beside kt_threads",
        "kt_files by tenant_id beside kt_threads",
        "kt_frames by tenant_id beside kt_threads",
        "kt_messages by tenant_id beside kt_threads",
        "kt_revisions by tenant_id beside kt_threads",
        "kt_states by tenant_id beside kt_threads",
        "kt_summaries by tenant_id beside kt_threads",
        "kt_thread_tags by tenant_id beside kt_threads",
        "kt_turns by tenant_id beside kt_threads",
        "kt_meta everywhere",
        "kt_migrations everywhere",
    ],
    "thread": [
        "kt_threads by id beside none",
        "kt_conversations by thread_id beside kt_threads",
        "kt_copies by thread_id beside kt_threads",
        "kt_files by thread_id beside kt_threads",
        "kt_frames by thread_id beside kt_threads",
        "kt_messages by thread_id beside kt_threads",
        "kt_revisions by thread_id beside kt_threads",
        "kt_states by scope beside kt_threads",
        "kt_summaries by thread_id beside kt_threads",
        "kt_thread_tags by thread_id beside kt_threads",
        "kt_turns by thread_id beside kt_threads",
        "kt_meta everywhere",
        "kt_migrations everywhere",
    ],
}


@contextmanager
def cluster() -> Generator[str]:
    """The URL of a new database on something that answers as a Citus coordinator does."""
    with postgres_server.new_database() as url:
        postgres_server.run(postgres_server.execute(url, STAND_IN))
        yield url


async def asked(url: str) -> list[str]:
    return [row[0] for row in await postgres_server.fetch(url, "SELECT said FROM asked ORDER BY number")]


async def refusal(url: str, by: DistributedBy = "tenant") -> str:
    """What is said, and that nothing was done."""
    async with ThreadStore(url) as store:
        with pytest.raises(InvalidSetting, match="Nothing was distributed") as refused:
            await store.distribute(by)
    meta = await postgres_server.fetch(
        url, "SELECT value FROM kt_meta WHERE name = 'distributed_by' AND value = $1", by
    )
    assert meta == []
    return str(refused.value)


@pytest.mark.parametrize("by", ASKED)
async def test_every_table_is_distributed_once_beside_the_threads(by: DistributedBy) -> None:
    with cluster() as url:
        async with ThreadStore(url) as store:
            await store.distribute(by)
            once = await asked(url)
            await talk(store, "a")
            await store.distribute(by)

        assert once == await asked(url) == ASKED[by]


async def test_every_table_has_its_place() -> None:
    with cluster() as url:
        async with ThreadStore(url) as store:
            await store.distribute("tenant")
        left = await postgres_server.fetch(
            url,
            "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relname LIKE 'kt\\_%' AND relkind = 'r' "
            "AND oid NOT IN (SELECT logicalrelid FROM pg_dist_partition)",
        )

    assert [row[0] for row in left] == ["kt_lease"]


async def test_one_that_was_interrupted_is_gone_on_with() -> None:
    with cluster() as url:
        async with ThreadStore(url) as store:
            await postgres_server.execute(url, "UPDATE stand_in SET fails_at = 'kt_revisions'")
            with pytest.raises(KeepthreadError):
                await store.distribute("tenant")
            done = await asked(url)
            assert done == ASKED["tenant"][: len(done)]
            assert 0 < len(done) < len(ASKED["tenant"])
            await postgres_server.execute(url, "UPDATE stand_in SET fails_at = NULL")
            await store.distribute("tenant")

        assert await asked(url) == ASKED["tenant"]


NOTING_TURNS = """
CREATE FUNCTION note_turns() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO asked (said) SELECT format('%s turns', COUNT(DISTINCT turn_id)) FROM stored;
    RETURN NULL;
END $$;
CREATE TRIGGER note_turns AFTER INSERT ON kt_messages REFERENCING NEW TABLE AS stored
FOR EACH STATEMENT EXECUTE FUNCTION note_turns();
TRUNCATE asked
"""


@pytest.mark.parametrize("by", ASKED)
async def test_a_statement_stores_one_turn_from_then_on(by: DistributedBy) -> None:
    with cluster() as url:
        async with ThreadStore(url) as administered:
            await administered.distribute(by)
        await postgres_server.execute(url, NOTING_TURNS)
        async with ThreadStore(url) as store:
            await talk(store, "a")
            await asyncio.gather(*(store.append("t", [say(f"{n}"), say(f"and {n}")]) for n in range(10)))

            assert len(await stored(store)) == 21
        assert await asked(url) == ["1 turns"] * 11


async def test_policies_come_with_the_tables() -> None:
    with cluster() as url:
        async with ThreadStore(url) as store:
            await store.distribute("tenant")
            await store.enable_row_level_security()
            await store.distribute("tenant")
            await talk(store.for_tenant("mine"), "a")

            assert await stored(store.for_tenant("mine")) == ["a"]


async def test_a_server_without_citus_is_refused() -> None:
    with postgres_server.new_database() as url:
        assert "CREATE EXTENSION citus" in await refusal(url)


async def test_a_worker_is_refused() -> None:
    with cluster() as url:
        await postgres_server.execute(url, "UPDATE stand_in SET is_coordinator = FALSE")

        assert "coordinator" in await refusal(url)
        assert await asked(url) == []


async def test_a_database_with_rows_is_refused_also_where_policies_hide_them() -> None:
    with cluster() as url:
        async with ThreadStore(url) as store:
            await talk(store, "a")
            await store.enable_row_level_security()

        assert "kt_threads" in await refusal(url)
        assert await asked(url) == []


async def test_another_way_of_distributing_is_refused() -> None:
    with cluster() as url:
        async with ThreadStore(url) as store:
            await store.distribute("tenant")

        assert "distributed by tenant_id already" in await refusal(url, "thread")
        assert await asked(url) == ASKED["tenant"]


@pytest.mark.parametrize("name", [None, "sqlite:///x.db"])
async def test_another_engine_is_refused(name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async with ThreadStore(name) as store:
        with pytest.raises(InvalidSetting, match="Citus"):
            await store.distribute("tenant")
