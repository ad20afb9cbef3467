"""Rows that cost little: of query sets whose SQL is written once, and made without their `__init__`.

For the few that every turn and every read asks. Django writes a statement with some joins in one to three milliseconds,
each time; sending it and reading its rows takes a fifth of that. So it is written once, with marks where the values go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


class QuickRow:
    """Mixin, before `models.Model`: what is read from the database is not sent through `__init__`.

    Which looks up how each column is set, and sends two signals: six sevenths of what it took to make a row. So such a
    model has no `__init__` of its own, and nobody listens to `pre_init` and `post_init` of it (a test looks).
    """

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **_: Any
    ) -> Self:
        """Django's own, of these columns; the others are fetched when they are asked for, as ever."""
        row = cls.__new__(cls)
        state = ModelState()
        state.db, state.adding = db, False
        columns: dict[str, Any] = dict(zip(field_names, values, strict=True))
        columns["_state"] = state
        row.__dict__ = columns
        return row


class FixedQuery(Generic[Row]):
    """`write` makes the query set, given one value of each of `kinds`; its SQL may not depend on the values.

    So None finds nothing, also where Django would look for NULL, and no value may decide which filters there are.
    """

    def __init__(
        self, write: Callable[..., QuerySet[Any, Row]], *kinds: type[UUID] | type[str]
    ) -> None:
        self._write = write
        self._marks = [
            UUID(int=at, version=4) if kind is UUID else f"mark {at}"
            for at, kind in enumerate(kinds)
        ]

    def fetch(self, *values: UUID | str | None) -> list[Row]:
        """Ask with these values, in the tenant in force."""
        [rows] = fetch_together((self, *values))
        return rows

    def first(self, *values: UUID | str | None) -> Row | None:
        """The first row, of a query that finds one or none."""
        return next(iter(self.fetch(*values)), None)

    def put(self, values: Sequence[UUID | str | None]) -> tuple[str, tuple[Any, ...]]:
        """The SQL, and its parameters for these values."""
        _, _, sql, places = self._written
        return sql, tuple(place if at is None else values[at] for place, at in places)

    def read(self, found: list[tuple[Any, ...]]) -> list[Row]:
        """What the query set makes of what was found."""
        queryset, compiler, _, _ = self._written
        # Copies, since other threads ask as well, and a compiler has its thread's connection.
        ready, query = copy(compiler), copy(queryset.query)
        ready.connection = connections[DEFAULT_DB_ALIAS]
        ready.execute_sql = lambda *_, **__: [found]  # type: ignore[method-assign, assignment]
        ready.get_converters = lambda _: self._converters  # type: ignore[method-assign, assignment]
        query.get_compiler = lambda *_, **__: ready  # type: ignore[method-assign]
        asked = type(queryset)(queryset.model, query)
        asked._iterable_class = queryset._iterable_class
        return list(asked)

    @cached_property
    def _converters(self) -> dict[int, Any]:
        """What turns columns into values, by their places: looked up for each query, it took half of reading a row."""
        _, compiler, _, _ = self._written
        selected = [column for column, *_ in compiler.select[: compiler.col_count]]
        converters: dict[int, Any] = compiler.get_converters(selected)
        return converters

    @cached_property
    def _written(
        self,
    ) -> tuple[QuerySet[Any, Row], SQLCompiler, str, Sequence[tuple[Any, int | None]]]:
        """The query set, its compiler once it has written, the SQL, and each parameter: itself, or which value."""
        queryset = self._write(*self._marks)
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        places = [
            (each, self._marks.index(each) if each in self._marks else None) for each in parameters
        ]
        if {at for _, at in places} - {None} != set(range(len(self._marks))):
            raise ValueError("A value of a fixed query does not come back among its parameters.")
        return queryset, compiler, sql, places


def fetch_together(*asked: tuple[Any, ...]) -> list[list[Any]]:
    """The rows of several fixed queries, each with its values, in one message: going there costs more than asking."""
    put = [query.put(values) for query, *values in asked]
    found = []
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("; ".join(sql for sql, _ in put), sum((each for _, each in put), ()))
        for query, *_ in asked:
            found.append(query.read(cursor.fetchall()))
            cursor.nextset()
    return found
