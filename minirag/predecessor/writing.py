"""Write many rows that come along, and find the one that the database refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from django.db import DataError, IntegrityError, connection, models, transaction

from minirag.predecessor.converting import at
from minirag.predecessor.reading import Row
from minirag.predecessor.report import Moved

Of = TypeVar("Of")
AT_ONCE: Final = 500


def in_batches(items: Iterable[Of], size: int = AT_ONCE) -> Iterator[list[Of]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def write_rows(
    model: type[models.Model], table: str, pairs: Sequence[tuple[Row, Any]], moved: Moved
) -> list[Any]:
    """Insert rows with the times that they had; returns those that are in. The others are left out, each by itself."""
    written = _insert(model, [row for _, row in pairs])
    if written is None:
        written = []
        for old, row in pairs:
            if (one := _insert(model, [row])) is None:
                moved.leave_out(
                    table, old["id"], "another row here has its id, or the database refuses it"
                )
            else:
                written += one
    moved.came[table] += len(written)
    are_in = {row.pk for row in written}
    keep_times(model, [old for old, row in pairs if row.pk in are_in])
    return written


def keep_times(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Let rows have been made and changed when they were."""
    names = {field.name for field in model._meta.concrete_fields}
    columns = sorted(names & {"created_at", "updated_at"})
    quote = connection.ops.quote_name
    changes = ", ".join(f"{name} = old.{name}" for name in columns)
    arrays = ", ".join("%s::timestamptz[]" for _ in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(model._meta.db_table)} AS new SET {changes} "  # noqa: S608
            f"FROM unnest(%s::uuid[], {arrays}) AS old (id, {', '.join(columns)}) WHERE new.id = old.id",
            [[row["id"] for row in rows], *([at(row[name]) for row in rows] for name in columns)],
        )


def _insert(model: type[models.Model], rows: list[Any]) -> list[Any] | None:
    try:
        with transaction.atomic():
            model._default_manager.bulk_create(rows)
    except (IntegrityError, DataError):
        return None
    return rows
