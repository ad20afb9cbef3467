"""Rows that cost little: of query sets whose SQL is written once, and made without their `__init__`.

For the few that every turn and every read asks. Django writes a statement with some joins in one to three milliseconds,
each time; sending it and reading its rows takes a fifth of that. So it is written once, with marks where the values go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import JSONField, QuerySet
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler
from pydantic_core import from_json

Row = TypeVar("Row")
MARKS: dict[type, Callable[[int], Any]] = {
    UUID: lambda at: UUID(int=at, version=4),
    str: lambda at: (
        f" Mark %_\\{at} "
    ),  # all that a column or a comparison might write in another way
    datetime: lambda at: datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=at),
}
"""What stands for the values of these types while SQL is written."""


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


class WrittenQuery:
    """The SQL of a query set, with marks in it where values go. Its limits are the query set's."""

    def __init__(self, queryset: QuerySet[Any, Any], marks: Sequence[Any]) -> None:
        """Write it. Raises ValueError where a mark does not come back among the parameters as it is."""
        self._compiler: SQLCompiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._sql, parameters = self._compiler.as_sql()
        self._places = [(each, marks.index(each) if each in marks else None) for each in parameters]
        if {at for _, at in self._places} - {None} != set(range(len(marks))):
            raise ValueError("A value of a fixed query does not come back among its parameters.")

    def put(self, values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        """The SQL, and its parameters for these values."""
        return self._sql, tuple(place if at is None else values[at] for place, at in self._places)

    def read(self, queryset: QuerySet[Any, Row], found: list[tuple[Any, ...]]) -> list[Row]:
        """What a query set of this SQL, which is nobody else's meanwhile, makes of what was found."""
        # A copy, since a compiler has its thread's connection.
        ready = copy(self._compiler)
        ready.connection = connections[DEFAULT_DB_ALIAS]
        ready.execute_sql = lambda *_, **__: [found]  # type: ignore[method-assign, assignment]
        ready.get_converters = lambda _: self._converters  # type: ignore[method-assign, assignment]
        queryset.query.get_compiler = lambda *_, **__: ready  # type: ignore[method-assign]
        try:
            return list(queryset)
        finally:
            del queryset.query.get_compiler  # or what is derived from it would find the same

    @cached_property
    def _converters(self) -> dict[int, Any]:
        """What turns columns into values, by their places: looked up for each query, it took half of reading a row."""
        selected = [column for column, *_ in self._compiler.select[: self._compiler.col_count]]
        found = self._compiler.get_converters(selected).items()
        return {at: ([_quicken(each) for each in steps], column) for at, (steps, column) in found}


def _quicken(step: Callable[..., Any]) -> Callable[..., Any]:
    """Replace Django's reading of a JSON column, which took a tenth of a list's time: most hold no more than `{}`."""
    column = getattr(step, "__self__", None)
    if type(column) is not JSONField or column.decoder is not None:
        return step

    def read_json(value: Any, column: Any, connection: Any) -> Any:
        try:
            return from_json(value)
        except (ValueError, TypeError):  # None, or deeper than that reader goes
            return step(value, column, connection)

    return read_json


class FixedQuery(Generic[Row]):
    """`write` makes the query set, given one value of each of `kinds`; its SQL may not depend on the values.

    So None finds nothing, also where Django would look for NULL, and no value may decide which filters there are.
    """

    def __init__(
        self, write: Callable[..., QuerySet[Any, Row]], *kinds: type[UUID] | type[str]
    ) -> None:
        self._write = write
        self._marks = [MARKS[kind](at) for at, kind in enumerate(kinds)]

    def fetch(self, *values: UUID | str | None) -> list[Row]:
        """Ask with these values, in the tenant in force."""
        [rows] = fetch_together((self, *values))
        return rows

    def first(self, *values: UUID | str | None) -> Row | None:
        """The first row, of a query that finds one or none."""
        return next(iter(self.fetch(*values)), None)

    def put(self, values: Sequence[UUID | str | None]) -> tuple[str, tuple[Any, ...]]:
        """The SQL, and its parameters for these values."""
        return self._written.put(values)

    def read(self, found: list[tuple[Any, ...]]) -> list[Row]:
        """What the query set makes of what was found."""
        # A copy, since other threads ask as well.
        asked = type(self._queryset)(self._queryset.model, copy(self._queryset.query))
        asked._iterable_class = self._queryset._iterable_class
        return self._written.read(asked, found)

    @cached_property
    def _queryset(self) -> QuerySet[Any, Row]:
        return self._write(*self._marks)

    @cached_property
    def _written(self) -> WrittenQuery:
        return WrittenQuery(self._queryset, self._marks)


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
