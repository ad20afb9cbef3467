"""What Citus refuses in a distributed schema, read from a migration's SQL without a Citus.

Collected from its documentation, its source (`ErrorIfUnsupportedAlterTableStmt`, `EnsureFKeysForTenantTable`) and its
issue 6808 on identity columns. It knows the shapes in which Django and we write SQL, not all of SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlparse

_NAME = r'(?:"[^"]+"|[\w.]+)'
_ALTER = re.compile(
    rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?({_NAME})\s+(.*)", re.I | re.S
)
_CREATE = re.compile(rf"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?({_NAME})", re.I)
_REFERENCES = re.compile(rf"REFERENCES\s+({_NAME})", re.I)
_CONSTRAINT = re.compile(r"\b(CONSTRAINT|CHECK|UNIQUE|PRIMARY\s+KEY|REFERENCES)\b", re.I)
_TYPED = re.compile(r'"[^"]+"\s+(\w+)', re.I)
_VOLATILE = re.compile(
    r"\b(random|gen_random_uuid|clock_timestamp|nextval|setval|timeofday)\s*\(", re.I
)
_SUPPORTED = re.compile(
    r"ADD\s+(COLUMN|CONSTRAINT)\b|DROP\s+(COLUMN|CONSTRAINT)\b|VALIDATE\s+CONSTRAINT\b|REPLICA\s+IDENTITY\b|"
    r"(SET|RESET)\s*\(|RENAME\s+(COLUMN\b|TO\b)|OWNER\s+TO\b|(ENABLE|DISABLE|FORCE|NO\s+FORCE)\s+ROW\s+LEVEL\b|"
    rf"ALTER\s+(?:COLUMN\s+)?{_NAME}\s+"
    r"((SET\s+DATA\s+)?TYPE\b|(SET|DROP)\s+(DEFAULT|NOT\s+NULL)\b|SET\s+COMPRESSION\b)",
    re.I,
)
_NEVER = {
    "a trigger": r"CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?TRIGGER\b",
    "a rule": r"CREATE\s+(OR\s+REPLACE\s+)?RULE\b",
    "a foreign table": r"CREATE\s+FOREIGN\s+TABLE\b",
    "a table that inherits": r"CREATE\s+TABLE\b.*\bINHERITS\s*\(",
    "a temporary table": r"CREATE\s+(LOCAL\s+)?TEMP(ORARY)?\b",
}


def find_tables(statements: str) -> set[str]:
    """The tables that are made there."""
    return {_bare(name) for name in _CREATE.findall(statements)}


def find_refused(statements: str, own: set[str]) -> list[str]:
    """Say what of these statements Citus would refuse; `own` are the tables of a tenant."""
    cut = sqlparse.split(sqlparse.format(statements, strip_comments=True))
    return [f"{why}: {' '.join(each.split())[:160]}" for each in cut for why in _judge(each, own)]


def _judge(statement: str, own: set[str]) -> Iterator[str]:
    for what, shape in _NEVER.items():
        if re.match(shape, statement, re.I | re.S):
            yield what
    for name in _REFERENCES.findall(statement):
        if _bare(name) not in own:
            yield f"a reference out of the schema, to {_bare(name)}"
    if _CREATE.match(statement):
        for column in _split(statement[statement.index("(") + 1 :]):
            if re.search(r"AS\s+IDENTITY", column, re.I) and _type_of(column) != "bigint":
                yield "an identity that is no bigint"
    if altered := _ALTER.match(statement):
        yield from _judge_actions([each.strip() for each in _split(altered[2].rstrip("; \n"))])
    if re.match(r"UPDATE|DELETE|INSERT|WITH", statement, re.I) and (
        found := _VOLATILE.search(statement)
    ):
        yield f"rows changed with the volatile {found[1]}()"


def _judge_actions(actions: list[str]) -> Iterator[str]:
    for action in actions:
        if re.match(r"ADD\s+(CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b", action, re.I):
            yield "a constraint without a name"
        elif not _SUPPORTED.match(action):
            yield "a kind of ALTER TABLE that it does not know"
        elif re.match(r"ADD\s+COLUMN\b", action, re.I):
            if _CONSTRAINT.search(re.sub(r"'[^']*'", "", action)):
                yield "a column added together with a constraint"
            if re.search(r"\b(small|big)?serial\b|AS\s+IDENTITY|nextval", action, re.I):
                yield "a counted column added to a table that may have rows"
        elif re.match(r"ADD\s+CONSTRAINT\b", action, re.I) and len(actions) > 1:
            yield "a constraint added together with something else"


def _split(text: str) -> list[str]:
    """At the commas that stand in no brackets and no quotes, up to the bracket that closes the whole."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "," and depth == 0:
            parts.append("")
            continue
        depth += 0 if quote else (sign == "(") - (sign == ")")
        if depth < 0:
            break
        parts[-1] += sign
    return parts


def _type_of(column: str) -> str:
    found = _TYPED.search(column.strip())
    return found[1].lower() if found else ""


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"')
