"""The few queries that every turn and every read asks, one by one or several at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from minirag.lib.rows.written import MARKS, WrittenQuery

Row = TypeVar("Row")
_AHEAD: ContextVar[dict[tuple[Any, ...], list[Any]] | None] = ContextVar("ahead", default=None)


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
        return self._written.read(self._queryset, found)

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
def fetched_ahead(*asked: tuple[Any, ...]) -> Iterator[list[list[Any]]]:
    """Within the block the first `fetch` of each of these has its rows already: all were asked in one message.

    For what code further down asks one by one, in the same tenant.
    """
    found = fetch_together(*asked)
    with _known(asked, found):
        yield found


@contextmanager
def expected_empty(*asked: tuple[Any, ...]) -> Iterator[None]:
    """`fetched_ahead` of what is taken to find nothing, within a transaction: its next statement raises Missed where
    one of these finds something.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    put = [query.put(values) for query, *values in asked]
    condition = " AND ".join(f"NOT EXISTS ({sql})" for sql, _ in put)
    database.hold_expectation(condition, sum((each for _, each in put), ()))
    with _known(asked, [[] for _ in asked]):
        yield


@contextmanager
def _known(asked: Sequence[tuple[Any, ...]], found: Sequence[list[Any]]) -> Iterator[None]:
    pairs = zip(asked, found, strict=True)
    token = _AHEAD.set({_ahead_key(*each): rows for each, rows in pairs})
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
