"""The few queries that every turn and every read asks, one by one or several at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from minirag.lib.rows.kept import Keepable, send
from minirag.lib.rows.written import MARKS, WrittenQuery, write_named

Row = TypeVar("Row")
_TYPES: dict[type, str] = {UUID: "uuid", str: "text"}
_NAME = re.compile(r"%\((\w+)\)s")
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
        types = ", ".join(_TYPES[kind] for kind in kinds)
        self._types = f" ({types})" if types else ""

    def fetch(self, *values: UUID | str | None) -> list[Row]:
        """Ask with these values, in the tenant in force; where that was `fetched_ahead`, once without going there."""
        return _fetch(self, *values)

    def first(self, *values: UUID | str | None) -> Row | None:
        """The first row, of a query that finds one or none."""
        return next(iter(self.fetch(*values)), None)

    def put(self, values: Sequence[UUID | str | None]) -> tuple[str, tuple[Any, ...]]:
        """The SQL, and its parameters for these values."""
        return self._written.put(values)

    def keep(self, values: Sequence[UUID | str | None]) -> Keepable:
        """How it is sent with these values, whole or by a name."""
        return Keepable(*self.put(values), self._types, self._written.named, tuple(values))

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
    """SQL by hand whose rows are taken as they come, to be asked together with fixed queries.

    With `names` a value may stand in it several times, as `%(name)s`; they are given in the order of the names, each
    of its type.
    """

    def __init__(
        self, sql: str, names: Mapping[str, str] | None = None, *, is_kept: bool = True
    ) -> None:
        self._is_kept, order = is_kept, list(names or ())
        self._types = f" ({', '.join(names.values())})" if names else ""
        if names is None:
            self._sql = sql
            self._places = list(range(sql.count("%s")))
        else:
            self._sql = _NAME.sub("%s", sql)
            self._places = [order.index(each) for each in _NAME.findall(sql)]

    def fetch(self, *values: Hashable) -> list[tuple[Any, ...]]:
        """`FixedQuery.fetch`; a list of values goes by `fetch_together`."""
        return _fetch(self, *values)

    def put(self, values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        return self._sql, tuple([values[at] for at in self._places])

    def keep(self, values: Sequence[Any]) -> Keepable:
        named = self._named if self._is_kept else ""
        return Keepable(*self.put(values), self._types, named, tuple(values))

    def read(self, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return found

    @cached_property
    def _named(self) -> str:
        return write_named(self._sql, [(None, at) for at in self._places])


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
    database, found = connections[DEFAULT_DB_ALIAS], []
    with database.cursor() as cursor:
        send(database, cursor, [query.keep(values) for query, *values in asked])
        for query, *_ in asked:
            found.append(query.read(cursor.fetchall()))
            cursor.nextset()
    return found
