"""Rows that cost little: of query sets whose SQL is written once, and made without their `__init__`.

Django writes a statement with some joins in one to three milliseconds, each time; sending it and reading its rows takes
a fifth of that. So it is written once, with marks where the values go: for the few that every turn and every read asks
as a FixedQuery, and for the lists of the API by their shape. Two query sets have one shape where all is equal but their
limits and the values that columns are compared with; what holds more than that (an annotation, a subquery, a search for
words) has none, and is written each time. The SQL names no schema, and is sent as any other, with its tenant's path
before it. The server may keep its plan: minirag.lib.rows.kept.
"""

from __future__ import annotations

from minirag.lib.rows.fixed import (
    FixedQuery,
    FixedStatement,
    expected_empty,
    fetch_together,
    fetched_ahead,
)
from minirag.lib.rows.quick import QuickRow
from minirag.lib.rows.shapes import FixedColumn, fetch_shaped

__all__ = [
    "FixedColumn",
    "FixedQuery",
    "FixedStatement",
    "QuickRow",
    "expected_empty",
    "fetch_shaped",
    "fetch_together",
    "fetched_ahead",
]
