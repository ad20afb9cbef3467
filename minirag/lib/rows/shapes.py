"""The lists of the API, whose SQL is written once for all query sets of one shape."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from copy import copy
from enum import Enum
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
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
from django.db.models.sql.where import WhereNode

from minirag.lib.rows.written import MARKS, WrittenQuery, is_readable

Row = TypeVar("Row")
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


class FixedColumn(RawSQL):
    """A column by hand, without values in it, that a query set of one shape may be annotated with."""

    def __init__(self, sql: str, output_field: Any) -> None:
        super().__init__(sql, (), output_field)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FixedColumn) and self.sql == other.sql

    def __hash__(self) -> int:
        return hash(self.sql)


class _Shapeless(Exception):
    """A query has more to it than a shape."""


def fetch_shaped(queryset: QuerySet[Any, Row]) -> list[Row]:
    """`list(queryset)`, in the tenant in force, with the SQL of the query set of its shape that was asked first."""
    values: list[Any] = []
    if not is_readable(queryset):
        return list(queryset)
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
    told = query.model, joins, columns, flags, query.order_by, annotations
    return told, _outline(query.where, values)


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
        if type(value) in MARKS:
            values.append(value)
            value = type(value)
        elif not isinstance(value, bool | Enum):
            raise _Shapeless
        parts.append((type(each), each.lhs.alias, each.lhs.target, value))
    return tuple(parts)


def _write(queryset: QuerySet[Any, Any], values: list[Any]) -> WrittenQuery | None:
    """Write a query set with marks in place of its values; None where one of them would not be sent as it is."""
    marks = [MARKS[type(value)](at) for at, value in enumerate(values)]
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
        elif type(each.rhs) in MARKS:
            children[at] = copy(each)
            children[at].rhs = next(marks)
    marked.children = children
    return marked
