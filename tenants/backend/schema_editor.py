"""Django's DDL, in words that a distributed schema understands as well.

Citus refuses `ADD COLUMN` together with a constraint, since there every constraint has to bear a name. So a new column
comes first, and what bounds it in statements of their own, under the names that PostgreSQL would have given by itself:
a schema that was migrated in one piece looks the same.
"""

from __future__ import annotations

import copy
from typing import Any

from django.db.backends.postgresql.schema import DatabaseSchemaEditor

_LONGEST_NAME = 63


class SchemaEditor(DatabaseSchemaEditor):
    """Adds a column, its reference, its check and its uniqueness one by one."""

    sql_create_column_inline_fk = ""

    def add_field(self, model: Any, field: Any) -> None:
        parameters = field.db_parameters(connection=self.connection)
        if parameters["type"] is None or field.primary_key:
            super().add_field(model, field)
            return
        known = len(self.deferred_sql)
        super().add_field(model, _without_constraints(field))
        deferred, self.deferred_sql[known:] = self.deferred_sql[known:], []
        for reference in (
            deferred
        ):  # checked at once, or the table could not be altered before the transaction's end
            self.execute(f"{reference}; SET CONSTRAINTS {reference.parts['name']} IMMEDIATE")
        if parameters["check"]:
            self._constrain(model, field, "check", f"CHECK ({parameters['check']})")
        if field.unique:
            self._constrain(model, field, "key", f"UNIQUE ({self.quote_name(field.column)})")
        self.deferred_sql.extend(self._field_indexes_sql(model, field))  # type: ignore[attr-defined]

    def _constrain(self, model: Any, field: Any, kind: str, what: str) -> None:
        table = model._meta.db_table
        name = f"{table}_{field.column}_{kind}"
        if len(name) > _LONGEST_NAME:
            raise ValueError(
                f"PostgreSQL would cut {name}: name the constraint in Meta.constraints."
            )
        quote = self.quote_name
        self.execute(f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(name)} {what}")


def _without_constraints(field: Any) -> Any:
    bare = copy.copy(field)
    bare.db_check = lambda connection: None
    bare._unique = bare.db_index = False
    bare.__dict__.pop("unique", None)  # Django keeps what it has once read
    return bare
