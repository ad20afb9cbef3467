"""Rows that are inserted with the statement after them, in its message: going to the server costs more than an INSERT.

    message = insert_soon(Message(chat=chat, …))

They are inserted by whatever is asked or written next in the transaction, or by its commit, so no reader misses them;
what is wrong with them is raised there. So it is for rows that nothing is wrong with.
"""

from __future__ import annotations

from typing import TypeVar

from django.db import connection
from django.db.models import Model
from django.db.models.sql import InsertQuery

R = TypeVar("R", bound=Model)


def insert_soon(row: R, *others: R) -> R:
    """Insert new rows of one model before the transaction's next statement; a key of the database's stays None."""
    fields = [
        field
        for field in row._meta.local_concrete_fields
        if not field.primary_key or field.get_pk_value_on_save(row) is not None
    ]
    query = InsertQuery(row)
    query.insert_values(fields, [row, *others])
    for statement, parameters in query.get_compiler(connection=connection).as_sql():
        connection.hold(statement, parameters)  # type: ignore[attr-defined]
    for each in (row, *others):
        each._state.adding, each._state.db = False, connection.alias
    return row
