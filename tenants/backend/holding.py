"""Rows that are inserted with the statement after them, in its message: going to the server costs more than an INSERT.

    message = insert_soon(Message(chat=chat, …))

They are inserted by whatever is asked or written next in the transaction, or by its commit, so no reader misses them;
what is wrong with them is raised there. So it is for rows that nothing is wrong with. Their values are no expressions,
so that the statement is written once for a model: Django took half a millisecond for each.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, Model

R = TypeVar("R", bound=Model)


def insert_soon(row: R, *others: R) -> R:
    """Insert new rows of one model before the transaction's next statement; a key of the database's stays None."""
    # Not `django.db.connection`, which looks for the thread's own at each of its attributes.
    database: Any = connections[DEFAULT_DB_ALIAS]
    rows = (row, *others)
    fields, head, marks = _write(type(row), has_key=row.pk is not None)
    values = [
        field.get_db_prep_save(field.pre_save(each, add=True), connection=database)
        for each in rows
        for field in fields
    ]
    database.hold(head + ", ".join([marks] * len(rows)), values)
    for each in rows:
        each._state.adding, each._state.db = False, DEFAULT_DB_ALIAS
    return row


@cache
def _write(model: type[Model], *, has_key: bool) -> tuple[list[Field[Any, Any]], str, str]:
    """What of a model is inserted, the statement up to its rows, and one of these."""
    database = connections[DEFAULT_DB_ALIAS]
    quote = database.ops.quote_name
    fields = [
        field for field in model._meta.local_concrete_fields if has_key or not field.primary_key
    ]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(
        field.get_placeholder(None, None, database) if hasattr(field, "get_placeholder") else "%s"
        for field in fields
    )
    head = " ".join(("INSERT INTO", quote(model._meta.db_table), f"({columns})", "VALUES "))
    return fields, head, f"({marks})"
