"""Rows that cost little: of query sets whose SQL is written once, and made without their `__init__`.

Django writes a statement with some joins in one to three milliseconds, each time; sending it and reading its rows takes
a fifth of that. So it is written once, with marks where the values go: for the few that every turn and every read asks
as a FixedQuery, and for the lists of the API by their shape. Two query sets have one shape where all is equal but their
limits and the values that columns are compared with; what holds more than that (an annotation, a subquery, a search for
words) has none, and is written each time. The SQL names no schema, and nothing of it stays with the server: it is sent
as any other, with its tenant's path before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import JSONField, QuerySet
from django.db.models.base import ModelState
from django.db.models.expressions import Col, RawSQL
from django.db.models.fields.related_lookups import RelatedExact, RelatedIsNull
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IsNull,
    LessThan,
    LessThanOrEqual,
)
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import WhereNode
from pydantic_core import from_json

Row = TypeVar("Row")
_MARKS: dict[type, Callable[[int], Any]] = {
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


_AHEAD: ContextVar[dict[tuple[Any, ...], list[Any]] | None] = ContextVar("ahead", default=None)


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


class FixedColumn(RawSQL):
    """A column by hand, without values in it, that a query set of one shape may be annotated with."""

    def __init__(self, sql: str, output_field: Any) -> None:
        super().__init__(sql, (), output_field)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FixedColumn) and self.sql == other.sql

    def __hash__(self) -> int:
        return hash(self.sql)


class FixedQuery(Generic[Row]):
    """`write` makes the query set, given one value of each of `kinds`; its SQL may not depend on the values.

    So None finds nothing, also where Django would look for NULL, and no value may decide which filters there are.
    """

    def __init__(
        self, write: Callable[..., QuerySet[Any, Row]], *kinds: type[UUID] | type[str]
    ) -> None:
        self._write = write
        self._marks = [_MARKS[kind](at) for at, kind in enumerate(kinds)]

    def fetch(self, *values: UUID | str | None) -> list[Row]:
        """Ask with these values, in the tenant in force; where that was `fetched_ahead`, once without going there."""
        return _fetch(self, *values)

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
        # Of its own: to write SQL changes a query set, and from Python 3.12 on another thread may do so meanwhile.
        return WrittenQuery(self._write(*self._marks), self._marks)


class FixedStatement:
    """SQL by hand whose rows are taken as they come, to be asked together with fixed queries."""

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def fetch(self, *values: Hashable) -> list[tuple[Any, ...]]:
        """`FixedQuery.fetch`; a list of values goes by `fetch_together`."""
        return _fetch(self, *values)

    def put(self, values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        return self._sql, tuple(values)

    def read(self, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return found


def _fetch(query: Any, *values: Any) -> list[Any]:
    if ahead := _AHEAD.get():
        rows: list[Any] | None = ahead.pop(_ahead_key(query, *values), None)
        if rows is not None:
            return rows
    [rows] = fetch_together((query, *values))
    return rows


def _ahead_key(*asked: Any) -> tuple[Any, ...]:
    """The same query of two tenants is two."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    return (database.schema_name, *asked)


@contextmanager
def fetched_ahead(*asked: tuple[Any, ...]) -> Iterator[None]:
    """Within the block the first `fetch` of each of these has its rows already: all were asked in one message.

    For what code further down asks one by one, in the same tenant.
    """
    found = zip(asked, fetch_together(*asked), strict=True)
    token = _AHEAD.set({_ahead_key(*each): rows for each, rows in found})
    try:
        yield
    finally:
        _AHEAD.reset(token)


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


# --- Query sets of one shape -------------------------------------------------------------------------------------
# They send a value as it is, whatever it is.
_COMPARISONS = (
    Exact, RelatedExact, IsNull, RelatedIsNull, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual,
)  # fmt: skip
# What `_shape_of` looks at, or what says nothing of the SQL. A query that has any other thing has no shape.
_KNOWN = frozenset({
    "model", "where", "order_by", "deferred_loading", "select_related", "alias_map", "alias_refcount", "table_map",
    "low_mark", "high_mark", "default_cols", "default_ordering", "standard_ordering", "alias_cols",
    "filter_is_sticky", "used_aliases", "_lookup_joins", "base_table", "annotations",
})  # fmt: skip

# As many as there are ways in which the code asks: of values only yes, no and a row's states are part of a shape.
_shapes: dict[Hashable, WrittenQuery | None] = {}


class _Shapeless(Exception):
    """A query has more to it than a shape."""


def fetch_shaped(queryset: QuerySet[Any, Row]) -> list[Row]:
    """`list(queryset)`, in the tenant in force, with the SQL of the query set of its shape that was asked first."""
    values: list[Any] = []
    try:
        shape = _shape_of(queryset.query, values)
    except _Shapeless:
        return list(queryset)
    if shape not in _shapes:
        _shapes[shape] = _write(queryset, values)
    written = _shapes[shape]
    if written is None:
        return list(queryset)
    connection, query = connections[DEFAULT_DB_ALIAS], queryset.query
    sql, parameters = written.put(values)
    limits = connection.ops.limit_offset_sql(query.low_mark, query.high_mark)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} {limits}", parameters)
        found = cursor.fetchall()
    return written.read(queryset, found)


def _shape_of(query: Query, values: list[Any]) -> Hashable:
    """Return all that decides what SQL is written, and add the values that go into it. Raises _Shapeless."""
    if any(value and name not in _KNOWN for name, value in vars(query).items()):
        raise _Shapeless
    if not all(isinstance(each, str) for each in query.order_by):
        raise _Shapeless
    annotations = tuple(query.annotations.items())
    if not all(type(each) is FixedColumn for _, each in annotations):
        raise _Shapeless
    names, is_deferred = query.deferred_loading
    joins = tuple(
        (alias, join, join.join_type, query.alias_refcount[alias] > 0)
        for alias, join in query.alias_map.items()
    )
    flags = query.default_cols, query.default_ordering, query.standard_ordering
    columns = frozenset(names), is_deferred, repr(query.select_related)
    return (
        query.model,
        joins,
        columns,
        flags,
        query.order_by,
        annotations,
        _outline(query.where, values),
    )


def _outline(node: WhereNode, values: list[Any]) -> Hashable:
    """What is compared with what, and how it is joined. Raises _Shapeless."""
    parts: list[Hashable] = [node.connector, node.negated]
    children: list[Any] = node.children
    for each in children:
        if isinstance(each, WhereNode):
            parts.append(_outline(each, values))
            continue
        if type(each) not in _COMPARISONS or type(each.lhs) is not Col:
            raise _Shapeless
        value = each.rhs
        if type(value) in _MARKS:
            values.append(value)
            value = type(value)
        elif not isinstance(value, bool | Enum):
            raise _Shapeless
        parts.append((type(each), each.lhs.alias, each.lhs.target, value))
    return tuple(parts)


def _write(queryset: QuerySet[Any, Any], values: list[Any]) -> WrittenQuery | None:
    """Write a query set with marks in place of its values; None where one of them would not be sent as it is."""
    marks = [_MARKS[type(value)](at) for at, value in enumerate(values)]
    query = queryset.query.clone()
    query.clear_limits()
    query.where = _mark(query.where, iter(marks))
    try:
        return WrittenQuery(type(queryset)(queryset.model, query), marks)
    except ValueError:
        return None


def _mark(node: WhereNode, marks: Iterator[Any]) -> WhereNode:
    """The same conditions, of marks in place of values."""
    marked, children = node.copy(), list[Any](node.children)
    for at, each in enumerate(children):
        if isinstance(each, WhereNode):
            children[at] = _mark(each, marks)
        elif type(each.rhs) in _MARKS:
            children[at] = copy(each)
            children[at].rhs = next(marks)
    marked.children = children
    return marked
