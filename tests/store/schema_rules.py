"""The rules that let one schema run on one server and, unchanged, on a cluster, as checks of SQL text.

They are as strict as our own SQL is: what they cannot make out counts as broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FORBIDDEN = {
    "counts a position": r"\bmax\s*\([^)]*\)\s*\+",
    "pages by OFFSET": r"\boffset\s+(?!:walk\b)\S",
    "uses a sequence": r"\b(?:nextval|currval|setval|lastval|(?:small|big)?serial\d?|auto_?increment|create\s+sequence"
    r"|last_insert_rowid)\b|\bgenerated\s+(?:always|by\s+default)\b",
    "keeps code in the database": r"\bcreate\s+(?:or\s+replace\s+)?(?:constraint\s+)?"
    r"(?:trigger|function|procedure|rule)\b",
    "takes an advisory lock": r"\bpg_(?:try_)?advisory_|\b(?:get|release)_lock\s*\(|\block\s+tables?\b",
    "notifies or listens": r"(?:^|;)\s*(?:un)?listen\b|(?:^|;)\s*notify\b|\bpg_notify\s*\(",
    "makes a temporary table": r"\btemp(?:orary)?\s+table\b|\binto\s+temp\b|\bpg_temp\b",
    "leaves something in the session": r"(?:^|;)\s*set\s+(?!local\b)|\bset_config\s*\([^;]*,\s*false\s*\)|(?<!\w)@+\w"
    r"|(?:^|;)\s*(?:prepare\s+\w+\s+(?:as|from)|discard\s+(?:all|plans))\b|\bwith\s+hold\b",
}
"""What no SQL of ours does, in statements, in migrations and in code."""

OF_THE_SERVER = (
    r"\b(?:now|clock_timestamp|statement_timestamp|sysdate|random|rand|gen_random_uuid|uuid)\s*\(|\bcurrent_timestamp\b"
)
"""Moments and ids are the client's. Citus takes no volatile function in a change."""

_QUERY = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|VALUES)\b")
_TABLE = re.compile(r"(?:\bFROM|\bJOIN|\bUPDATE|\bINTO|,)\s+(kt_\w+)(?:\s+AS\s+(\w+))?")
_SHARED = {"kt_meta", "kt_migrations", "kt_lease"}
"""Of no tenant: a few rows on the database itself."""


def forbidden(text: str) -> list[str]:
    """What is forbidden everywhere, and is in *text*."""
    return [rule for rule, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]


def broken_by_statement(text: str, *, many_tenants: bool = False) -> list[str]:
    """The rules that a statement breaks.

    Args:
        text: One statement, with `:name` parameters.
        many_tenants: Whether its input names a tenant in every row, in place of one `:tenant`.
    """
    found = forbidden(text)
    if re.search(OF_THE_SERVER, text, re.IGNORECASE):
        found.append("asks the server for a moment or an id")
    if any(re.search(r"(?<![\w.])(?:\w+\.)?tenant_id\s*=", changes) for changes in _changes(text)):
        found.append("moves a row to another tenant")
    for block in _blocks(text):
        found += _broken_in_block(block, many_tenants=many_tenants)
    return found


def _changes(text: str) -> list[str]:
    return re.findall(r"\bSET\b(.*?)(?=\bWHERE\b|\bFROM\b|\bRETURNING\b|$)", text, re.DOTALL)


def _blocks(text: str) -> Iterator[str]:
    """Each query of a statement by itself. What stands in parentheses is "()", and a subquery a block of its own."""
    depth_texts = [""]
    for character in text:
        if character == "(":
            depth_texts.append("")
        elif character == ")" and len(depth_texts) > 1:
            inner = depth_texts.pop()
            if _QUERY.search(inner) and not inner.lstrip().startswith("VALUES"):
                yield from re.split(r"\bUNION ALL\b", inner)
                depth_texts[-1] += "()"
            else:
                # A list of columns or of values is looked at, a condition that is only a part of one is not.
                is_list = re.search(r"\bINTO\s+\w+\s*$|\bVALUES\s*$", depth_texts[-1])
                depth_texts[-1] += f"({inner})" if is_list else "()"
        else:
            depth_texts[-1] += character
    yield from re.split(r"\bUNION ALL\b", depth_texts[0])


def _broken_in_block(block: str, *, many_tenants: bool) -> Iterator[str]:
    tables = [(table, alias) for table, alias in _TABLE.findall(block) if table not in _SHARED]
    inserted = re.search(r"\bINTO\s+(kt_\w+)\s*(\([^)]*\))?", block)
    if inserted and inserted[1] not in _SHARED:
        tables.remove((inserted[1], ""))
        yield from _broken_by_insert(block, inserted[2] or "", many_tenants=many_tenants)
    if tables and re.search(r"\bOR\b", block):
        yield "has a condition beside the tenant's: put the OR into parentheses"
    for table, alias in tables:
        if not _is_tied(block, alias, alone=len(tables) == 1, many_tenants=many_tenants):
            yield f"reads {table} {alias}".rstrip() + " without its tenant"


def _is_tied(block: str, alias: str, *, alone: bool, many_tenants: bool) -> bool:
    """Whether a table's rows are of the one tenant, by itself or through another table of the block that is."""
    conditions = re.split(r"\b(?:WHERE|ON)\b", block, maxsplit=1)[-1] if re.search(r"\b(?:WHERE|ON)\b", block) else ""
    if not alias:
        return alone and bool(re.search(r"(?<![\w.])(?<!NOT )tenant_id = :tenant\b", conditions))
    own = rf"(?<![\w.])(?<!NOT ){alias}\.tenant_id"
    if re.search(rf"{own} = :tenant\b", conditions):
        return True
    for other in re.findall(rf"{own} = (\w+)\.tenant_id", conditions):
        is_table = re.search(rf"\bkt_\w+\s+AS\s+{other}\b", block)
        if many_tenants if not is_table else _is_tied(block, other, alone=False, many_tenants=many_tenants):
            return True
    return False


def _broken_by_insert(block: str, columns: str, *, many_tenants: bool) -> Iterator[str]:
    if not re.match(r"\(\s*tenant_id\b", columns):
        yield "inserts without tenant_id as the first column"
    values = re.search(r"\bVALUES\s*\(\s*(\S+?)\s*[,)]|\)\s*SELECT\s+(\S+?),", block)
    first = (values[1] or values[2]) if values else ""
    source = re.fullmatch(r"(\w+)\.tenant_id", first)
    is_tied = source and (many_tenants or _is_tied(block, source[1], alone=False, many_tenants=False))
    if first != ":tenant" and not is_tied:
        yield "inserts a row that is not the tenant's"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as a migration makes it."""

    name: str
    columns: dict[str, str]
    """By name, in order: type and constraints."""
    keys: list[list[str]]
    """The columns of its primary key, unique constraints and other indexes."""
    unique_keys: list[list[str]]
    foreign_keys: list[list[str]]
    has_primary_key: bool


_CREATE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(kt_\w+) \((.*?)\n\)", re.DOTALL)
_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX (?:IF NOT EXISTS )?\w+ ON (kt_\w+) \(([^)]*)\)")
_KEY = re.compile(r"^(?:CONSTRAINT \w+ )?(PRIMARY KEY|UNIQUE(?: KEY)?|FOREIGN KEY|KEY|INDEX)(?: \w+)? ?\(([^)]*)\)")


def tables(sql: str) -> list[Table]:
    """The tables of all migrations together, one after the other in *sql*."""
    sql = re.sub(r"--.*", "", sql)
    found: dict[str, Table] = {}
    for name, body in _CREATE.findall(sql):
        table = found[name] = Table(name, {}, [], [], [], has_primary_key="PRIMARY KEY" in body)
        for line in filter(None, (line.strip().rstrip(",") for line in body.split("\n"))):
            if key := _KEY.match(line):
                _add_key(table, key[1], key[2])
            else:
                column, _, kind = line.partition(" ")
                table.columns[column] = kind
                if "PRIMARY KEY" in kind or "UNIQUE" in kind:
                    _add_key(table, "UNIQUE", column)
                if "REFERENCES" in kind:
                    _add_key(table, "FOREIGN KEY", column)
    for unique, name, columns in _INDEX.findall(sql):
        _add_key(found[name], unique or "INDEX", columns)
    return list(found.values())


def _add_key(table: Table, kind: str, columns: str) -> None:
    names = [column.split()[0].partition("(")[0] for column in columns.split(",")]
    if kind == "FOREIGN KEY":
        table.foreign_keys.append(names)
        return
    table.keys.append(names)
    if kind.startswith(("PRIMARY", "UNIQUE")):
        table.unique_keys.append(names)


def thread_column(table: Table) -> str:
    """The column that names the thread of a row."""
    return "id" if table.name == "kt_threads" else "thread_id"


def broken_by_migrations(sql: str) -> list[str]:
    """The rules that the tables of all migrations of an engine break."""
    found = forbidden(re.sub(r"--.*", "", sql))
    own = [table for table in tables(sql) if table.name not in _SHARED]
    for table in own:
        found += [f"{table.name} {rule}" for rule in _broken_by_table(table)]
    for what, columns in (
        ("tenant", {table.columns.get("tenant_id") for table in own}),
        ("thread", {table.columns.get(thread_column(table)) for table in own} - {None}),
    ):
        if len(columns) > 1:
            found.append(f"names a {what} by columns that differ, so that rows of two tables are not on one node")
    return found


def _broken_by_table(table: Table) -> Iterator[str]:
    if next(iter(table.columns), "") != "tenant_id" or "NOT NULL" not in table.columns["tenant_id"]:
        yield "does not begin with tenant_id NOT NULL"
    if not table.has_primary_key:
        yield "has no primary key"
    for key in [*table.keys, *table.foreign_keys]:
        if key[0] != "tenant_id":
            yield f"has a key that does not begin with tenant_id: {', '.join(key)}"
    for key in table.unique_keys:
        if thread_column(table) in table.columns and thread_column(table) not in key:
            yield f"has a unique key without its thread: {', '.join(key)}"
