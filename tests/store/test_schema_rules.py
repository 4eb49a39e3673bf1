"""Every statement, migration and piece of SQL in code keeps the rules of the schema; each rule is seen to be broken."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepthread import store
from keepthread.store.migrate import migrations
from keepthread.store.queries import statements

from .schema_rules import broken_by_migrations, broken_by_statement, forbidden, tables

FOLDER = Path(store.__file__).parent
DIALECTS = sorted(path.name for path in (FOLDER / "migrations").iterdir() if path.is_dir())
CASES = [(dialect, name) for dialect in DIALECTS for name in statements(dialect)]

OF_MANY_TENANTS = {"append_batch"}
"""Statements whose input names a tenant in every row."""


OF_EVERY_TENANT = {
    "next_tenant": "SELECT tenant_id FROM kt_threads WHERE tenant_id > :after ORDER BY tenant_id LIMIT 1"
}
"""What whoever runs the whole database may ask, to the letter: who the tenants are. Each is then read for itself."""


def schema(dialect: str) -> str:
    return "\n".join(migration.sql for migration in migrations(dialect))


def texts_in_code(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings, formatted ones as one with gaps."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inside.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_every_statement_keeps_the_rules(dialect: str, name: str) -> None:
    text = statements(dialect)[name]

    assert text == OF_EVERY_TENANT.get(name) or broken_by_statement(text, many_tenants=name in OF_MANY_TENANTS) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_table_keeps_the_rules(dialect: str) -> None:
    assert broken_by_migrations(schema(dialect)) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_rules_see_every_table_and_key(dialect: str) -> None:
    sql = schema(dialect)

    found = tables(sql)

    words = {"PRIMARY", "UNIQUE", "KEY", "INDEX", "FOREIGN", "CONSTRAINT", "CHECK"}
    assert [table.name for table in found if len(table.columns) < 2 or words & table.columns.keys()] == []
    assert len(found) == sql.count("CREATE TABLE") >= 6
    assert sum(len(table.keys) for table in found) >= sql.count("PRIMARY KEY") + sql.count(" INDEX ")


def test_sql_in_code_keeps_the_rules_too() -> None:
    found = {
        f"{path.name}: {text}": rules
        for path in sorted(FOLDER.rglob("*.py"))
        for text in texts_in_code(path)
        if (rules := forbidden(text))
    }

    assert found == {}


def test_sql_in_code_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""SET a."""\nsql = f"SELECT pg_advisory_lock({1})"\nother = "SET x = 1"\n', encoding="utf-8")

    assert list(map(forbidden, texts_in_code(module))) == [
        ["takes an advisory lock"],
        ["leaves something in the session"],
    ]


BROKEN_BY_STATEMENT = {
    "counts a position": [
        "INSERT INTO kt_x (tenant_id, p) SELECT :tenant, MAX(p) + 1 FROM kt_x WHERE tenant_id = :tenant",
    ],
    "pages by OFFSET": [
        "SELECT 1 FROM kt_x WHERE tenant_id = :tenant LIMIT 5 OFFSET :offset",
    ],
    "uses a sequence": [
        "SELECT nextval('kt_ids')",
        "CREATE TABLE kt_x (tenant_id TEXT, n BIGSERIAL)",
        "CREATE TABLE kt_x (n INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE kt_x (n BIGINT AUTO_INCREMENT)",
        "CREATE TABLE kt_x (n BIGINT GENERATED ALWAYS AS IDENTITY)",
    ],
    "keeps code in the database": [
        "CREATE TRIGGER a AFTER INSERT ON kt_x EXECUTE FUNCTION b()",
        "CREATE OR REPLACE FUNCTION a() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
    ],
    "takes an advisory lock": [
        "SELECT pg_try_advisory_xact_lock(1)",
        "SELECT GET_LOCK('kt', 10)",
        "LOCK TABLE kt_x",
    ],
    "notifies or listens": [
        "LISTEN kt_appended",
        "SELECT pg_notify('kt', '')",
    ],
    "makes a temporary table": [
        "CREATE TEMP TABLE kt_x (a INT)",
    ],
    "leaves something in the session": [
        "SET lock_timeout = 1",
        "SELECT 1; SET SESSION keepthread.tenant = 'a'",
        "SELECT set_config('keepthread.tenant', :tenant, false)",
        "SELECT @n := 1",
        "PREPARE a AS SELECT 1",
    ],
    "asks the server for a moment or an id": [
        "UPDATE kt_x SET at = now() WHERE tenant_id = :tenant",
        "SELECT CURRENT_TIMESTAMP",
    ],
    "moves a row to another tenant": [
        "UPDATE kt_x SET a = 1, tenant_id = :new WHERE tenant_id = :tenant",
    ],
    "reads kt_x without its tenant": [
        "SELECT a FROM kt_x",
        "SELECT a FROM kt_x WHERE id = :id",
        "SELECT a FROM kt_x WHERE tenant_id = :thread",
        "SELECT a FROM kt_x WHERE NOT tenant_id = :tenant",
        "SELECT a FROM kt_x WHERE (tenant_id = :tenant OR id = :id)",
        "SELECT tenant_id = :tenant FROM kt_x",
        "UPDATE kt_x SET a = 1 WHERE id = :id RETURNING tenant_id",
        "DELETE FROM kt_x",
        "SELECT a FROM (SELECT a FROM kt_x LIMIT :limit) AS p WHERE tenant_id = :tenant",
        "SELECT a FROM kt_y WHERE tenant_id = :tenant UNION ALL SELECT a FROM kt_x",
        "WITH w AS (DELETE FROM kt_x RETURNING a) SELECT a FROM w",
    ],
    "reads kt_x g without its tenant": [
        "SELECT 1 FROM kt_y AS k, kt_x AS g WHERE k.tenant_id = :tenant AND g.a = k.a",
        "SELECT 1 FROM kt_y AS k JOIN kt_x AS g ON g.a = k.a WHERE k.tenant_id = :tenant",
        "SELECT 1 FROM kt_x AS g JOIN kt_y AS k ON g.tenant_id = k.tenant_id",
        "SELECT 1 FROM w JOIN kt_x AS g ON g.tenant_id = w.tenant_id",
        "SELECT 1 FROM kt_y WHERE tenant_id = :tenant AND EXISTS (SELECT 1 FROM kt_x AS g)",
    ],
    "has a condition beside the tenant's: put the OR into parentheses": [
        "SELECT 1 FROM kt_x WHERE tenant_id = :tenant OR a = 1",
    ],
    "inserts without tenant_id as the first column": [
        "INSERT INTO kt_x (id, tenant_id) VALUES (:id, :tenant)",
        "INSERT INTO kt_x VALUES (:tenant, :id)",
    ],
    "inserts a row that is not the tenant's": [
        "INSERT INTO kt_x (tenant_id, id) VALUES (:id, :tenant)",
        "INSERT INTO kt_x (tenant_id, id) SELECT w.tenant_id, w.id FROM w",
    ],
}


@pytest.mark.parametrize(
    ("rule", "text"), [(rule, text) for rule, texts in BROKEN_BY_STATEMENT.items() for text in texts]
)
def test_a_statement_that_breaks_a_rule_is_found(rule: str, text: str) -> None:
    assert rule in broken_by_statement(text)


def test_a_statement_of_many_tenants_has_to_tie_its_tables_too() -> None:
    text = "SELECT 1 FROM w JOIN kt_x AS g ON g.a = w.a"

    assert broken_by_statement(text, many_tenants=True) == ["reads kt_x g without its tenant"]


KEYED = "tenant_id TEXT NOT NULL,\n    thread_id TEXT NOT NULL,\n    PRIMARY KEY (tenant_id, thread_id)"


APART = "by columns that differ, so that rows of two tables are not on one node"

BROKEN_BY_MIGRATION = {
    "no tenant": ("kt_x does not begin with tenant_id NOT NULL", "id TEXT NOT NULL,\n    PRIMARY KEY (id)", ""),
    "maybe a tenant": (
        "kt_x does not begin with tenant_id NOT NULL",
        "tenant_id TEXT,\n    PRIMARY KEY (tenant_id)",
        "",
    ),
    "no key": ("kt_x has no primary key", "tenant_id TEXT NOT NULL,\n    id TEXT", ""),
    "a key of a column": (
        "kt_x has a key that does not begin with tenant_id: id",
        "tenant_id TEXT NOT NULL,\n    id TEXT PRIMARY KEY",
        "",
    ),
    "a constraint": (
        "kt_x has a key that does not begin with tenant_id: id, tenant_id",
        f"{KEYED},\n    UNIQUE (id, tenant_id)",
        "",
    ),
    "an index": (
        "kt_x has a key that does not begin with tenant_id: thread_id",
        KEYED,
        "CREATE INDEX a ON kt_x (thread_id);",
    ),
    "a foreign key": (
        "kt_x has a key that does not begin with tenant_id: id",
        f"{KEYED},\n    FOREIGN KEY (id) REFERENCES kt_y",
        "",
    ),
    "a key without its thread": (
        "kt_x has a unique key without its thread: tenant_id, id",
        KEYED,
        "CREATE UNIQUE INDEX a ON kt_x (tenant_id, id);",
    ),
    "another kind of tenant": (f"names a tenant {APART}", KEYED.replace("tenant_id TEXT", "tenant_id UUID"), ""),
    "another kind of thread": (f"names a thread {APART}", KEYED.replace("thread_id TEXT", "thread_id UUID"), ""),
    "a trigger": (
        "keeps code in the database",
        KEYED,
        "CREATE TRIGGER a AFTER INSERT ON kt_x EXECUTE FUNCTION b();",
    ),
}


@pytest.mark.parametrize("case", BROKEN_BY_MIGRATION)
def test_a_migration_that_breaks_a_rule_is_found(case: str) -> None:
    rule, body, more = BROKEN_BY_MIGRATION[case]
    sound = f"CREATE TABLE kt_sound (\n    {KEYED}\n);\n"

    assert broken_by_migrations(sound) == []
    assert rule in broken_by_migrations(f"{sound}CREATE TABLE kt_x (\n    {body}\n);\n{more}")
