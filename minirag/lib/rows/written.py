"""The SQL of a query set, written once, and how its rows are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import JSONField, QuerySet, prefetch_related_objects
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesListIterable,
    get_related_populators,
)
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

    @cached_property
    def named(self) -> str:
        """The SQL with `$1` where the first value goes, and all else in it."""
        return write_named(self._sql, self._places)

    def read(self, queryset: QuerySet[Any, Row], found: list[tuple[Any, ...]]) -> list[Row]:
        """What a query set of this SQL makes of what was found: as Django does, which looks up for each how to.

        Its kind is one that `is_readable`.
        """
        kind: Any = queryset._iterable_class
        if kind is not ModelIterable:
            rows: list[Any] = [self._convert(row) for row in found]
            return [row[0] for row in rows] if kind is FlatValuesListIterable else rows
        made = [self._make(self._convert(row)) for row in found]
        for field, known in queryset._known_related_objects.items():  # type: ignore[attr-defined]
            for each in made:
                if not field.is_cached(each) and (pk := getattr(each, field.attname)) in known:
                    field.set_cached_value(each, known[pk])
        if queryset._prefetch_related_lookups:  # type: ignore[attr-defined]
            prefetch_related_objects(made, *queryset._prefetch_related_lookups)  # type: ignore[attr-defined]
        return made

    def _convert(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._converters:
            return row
        values, database = list(row), connections[DEFAULT_DB_ALIAS]
        for at, steps, column in self._converters:
            for step in steps:
                values[at] = step(values[at], column, database)
        return tuple(values)

    def _make(self, row: tuple[Any, ...]) -> Any:
        model, start, end, names, related, annotations = self._making
        made = model.from_db(DEFAULT_DB_ALIAS, names, row[start:end])
        for each in related:
            each.populate(row, made)
        for name, at in annotations:
            setattr(made, name, row[at])
        return made

    @cached_property
    def _making(self) -> tuple[Any, ...]:
        """Of what a row of a model is made: its class, its columns, the rows beside it and what is annotated."""
        told: Any = self._compiler.klass_info
        start, end = told["select_fields"][0], told["select_fields"][-1] + 1
        names = [column.target.attname for column, *_ in self._compiler.select[start:end]]
        select: Any = self._compiler.select
        related = get_related_populators(told, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        return (
            told["model"],
            start,
            end,
            names,
            related,
            [*self._compiler.annotation_col_map.items()],
        )

    @cached_property
    def _converters(self) -> list[tuple[int, list[Any], Any]]:
        """What turns columns into values, by their places: looked up for each query, it took half of reading a row."""
        selected = [column for column, *_ in self._compiler.select[: self._compiler.col_count]]
        found = self._compiler.get_converters(selected).items()
        return [(at, [_quicken(each) for each in steps], column) for at, (steps, column) in found]


def write_named(sql: str, places: Sequence[tuple[Any, int | None]]) -> str:
    """SQL with `$1` instead of marks for the first value; what is no value of its places is written into it."""
    mogrify = connections[DEFAULT_DB_ALIAS].connection.writer.mogrify
    return sql % tuple(
        mogrify("%s", (place,)) if at is None else f"${at + 1}" for place, at in places
    )


def is_readable(queryset: QuerySet[Any, Any]) -> bool:
    """Whether it is of rows, tuples or single values, as all that is asked here."""
    kinds = ModelIterable, ValuesListIterable, FlatValuesListIterable
    return queryset._iterable_class in kinds


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
