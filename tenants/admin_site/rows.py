"""What rows show: `GuardedRows` that are changed on the page of another one, and `told` of what a worker kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.decorators import display

from minirag.lib.telling.kept_sentences import retell
from tenants.admin_site.meanwhile import SEEN, GuardedRowForm


class GuardedRows(TabularInline):
    """The base of inline rows, whose form is a GuardedRowForm."""

    form: type[GuardedRowForm]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Those that only look are shown no fingerprints."""
        shown = [name for name in super().get_fields(request, obj) if name != SEEN]
        return [*shown, SEEN] if self.has_change_permission(request, obj) else shown


def told(column: str, label: Any) -> Callable[[Any, Any], str]:
    """A read-only field for a sentence that a worker kept in a column, in the reader's language."""

    @display(description=label, ordering=column)
    def tell(_admin: Any, row: Any) -> str:
        return retell(getattr(row, column)) or "–"

    return tell
