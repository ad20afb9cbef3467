"""Rows that are made without their `__init__`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db.models.base import ModelState


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
