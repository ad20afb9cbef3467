"""Rows that are inserted with the statement after them, in its message: going to the server costs more than an INSERT.

    message = insert_soon(Message(chat=chat, …))

They are inserted by whatever is asked or written next in the transaction, or by its commit, so no reader misses them;
what is wrong with them is raised there. So it is for rows that nothing is wrong with. Their values are no expressions,
so that the statement is written once for a model: Django took half a millisecond for each.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Model

R = TypeVar("R", bound=Model)

_TAKEN: dict[type, type] = {
    models.CharField: str, models.TextField: str, models.UUIDField: UUID, models.BooleanField: bool,
    models.FloatField: float, models.IntegerField: int, models.PositiveIntegerField: int,
    models.PositiveSmallIntegerField: int, models.BigIntegerField: int,
}  # fmt: skip
"""What a field gives the driver as it is; of these kinds alone, for others make something of it."""
_LITERALS: dict[type | None, dict[Any, str]] = {
    str: {"": "''"}, int: {0: "0"}, bool: {False: "false", True: "true"},
}  # fmt: skip


def insert_soon(row: R, *others: R) -> R:
    """Insert new rows of one model before the transaction's next statement; a key of the database's stays None."""
    # Not `django.db.connection`, which looks for the thread's own at each of its attributes.
    database: Any = connections[DEFAULT_DB_ALIAS]
    rows = (row, *others)
    columns, head = _write(type(row), has_key=row.pk is not None)
    values: list[Any] = []
    marks = [", ".join([each.put(one, values, database) for each in columns]) for one in rows]
    database.hold(head + ", ".join([f"({each})" for each in marks]), values)
    for each in rows:
        each._state.adding, each._state.db = False, DEFAULT_DB_ALIAS
    return row


class _Column:
    """A field that is inserted. Most values are what the driver takes already, and many are written as they stand."""

    def __init__(self, field: Any, database: Any) -> None:
        self._field = field
        kind = field.target_field if field.is_relation else field
        self._taken = _TAKEN.get(type(kind))
        self._literals = _LITERALS.get(self._taken, {})
        has_own = hasattr(field, "get_placeholder")
        self._mark = field.get_placeholder(None, None, database) if has_own else "%s"

    def put(self, row: Model, values: list[Any], database: Any) -> str:
        """What stands for the row's value in the statement; where that is a mark, add its value."""
        value = self._field.pre_save(row, add=True)
        if value is None:
            return "NULL"
        if type(value) is not self._taken:
            value = self._field.get_db_prep_save(value, connection=database)
        elif value in self._literals:
            return self._literals[value]
        values.append(value)
        return self._mark


@cache
def _write(model: type[Model], *, has_key: bool) -> tuple[list[_Column], str]:
    """What of a model is inserted, and the statement up to its rows."""
    database = connections[DEFAULT_DB_ALIAS]
    quote = database.ops.quote_name
    fields = [
        field for field in model._meta.local_concrete_fields if has_key or not field.primary_key
    ]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    head = " ".join(("INSERT INTO", quote(model._meta.db_table), f"({columns})", "VALUES "))
    return [_Column(field, database) for field in fields], head
