"""What pg_dump writes of a schema, in fewer statements: a table is made with all that belongs to it.

pg_dump makes bare tables and alters them afterwards, each by more than two statements, so that rows can be loaded in
between. A new tenant has no rows: each table comes with its identities, keys and references, after those that it
refers to. It saves PostgreSQL looking for rows that break a reference, too.

References out of the schema come last of all: they keep others from writing to the table that they lead to, until the
transaction ends.

What is not understood is kept as it is, behind the tables. Nothing here has to be right for every dump that there could
be: whoever uses it compares the schemas (`tenants.backend.comparing`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_STATEMENT_END = re.compile(r";\n")
_MADE = re.compile(r"CREATE TABLE (?P<table>\S+) \(\n(?P<what>.*)\n\)(?P<rest>[^\n]*)", re.S)
_ADDED = re.compile(r"ALTER TABLE ONLY (?P<table>\S+)\s+ADD (?P<what>CONSTRAINT .*)", re.S)
_COUNTED = re.compile(
    r"ALTER TABLE (?P<table>\S+) ALTER COLUMN (?P<column>\S+) ADD (?P<what>GENERATED .*)", re.S
)
_ALTERED = re.compile(r"ALTER TABLE ONLY (?P<table>\S+) (?P<what>ALTER COLUMN .*)", re.S)
_REFERENCE = re.compile(r"CONSTRAINT \S+ FOREIGN KEY .* REFERENCES (?P<table>[^\s(]+)", re.S)


@dataclass
class _Table:
    """One that is made, with what else is said of it."""

    name: str
    lines: list[str]
    rest: str
    alterations: list[str] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    """Each with the table that it leads to."""

    def write(self, made: set[str]) -> tuple[list[str], list[str]]:
        """The statements that make it where these tables are there already, and those that come last of all."""
        known = {*made, self.name}
        lines = [*self.lines, *(what for what, to in self.references if to in known)]
        first = ["CREATE TABLE {} (\n{}\n){}".format(self.name, ",\n".join(lines), self.rest)]
        later = [f"ADD {what}" for what, to in self.references if to not in known]
        return first + self._alter(self.alterations), self._alter(later)

    def lacks(self, made: set[str]) -> int:
        return sum(to not in made and to != self.name for _, to in self.references)

    def _alter(self, how: list[str]) -> list[str]:
        return [f"ALTER TABLE ONLY {self.name} {', '.join(how)}"] if how else []


def condense(ddl: str) -> str:
    """Write the DDL of a schema that has no rows in fewer statements."""
    tables, others = dict[str, _Table](), list[str]()
    for statement in _STATEMENT_END.split(f"{ddl}\n"):
        if statement.strip() and not _put_to_its_table(statement.strip(), tables):
            others.append(statement.strip())
    first, last, made, waiting = list[str](), list[str](), set[str](), list(tables.values())
    while waiting:
        table = min(waiting, key=lambda each: each.lacks(made))
        waiting.remove(table)
        now, later = table.write(made)
        first, last = first + now, last + later
        made.add(table.name)
    return ";\n".join([*first, *others, *last, ""])


def _put_to_its_table(statement: str, tables: dict[str, _Table]) -> bool:
    if said := _MADE.fullmatch(statement):
        tables[said["table"]] = _Table(said["table"], said["what"].split(",\n"), said["rest"])
        return True
    said = next(
        (found for each in (_ADDED, _COUNTED, _ALTERED) if (found := each.fullmatch(statement))),
        None,
    )
    table = tables.get(said["table"]) if said else None
    if said is None or table is None:
        return False
    if said.re is _ALTERED:
        table.alterations.append(said["what"])
    elif said.re is _ADDED:
        if reference := _REFERENCE.match(said["what"]):
            table.references.append((said["what"], reference["table"]))
        else:
            table.lines.append(said["what"])
    else:
        columns = [line.split()[0] for line in table.lines]
        if said["column"] not in columns:
            return False
        table.lines[columns.index(said["column"])] += f" {said['what']}"
    return True
