"""Rows that are changed on the page of another one, guarded as that is: `GuardedRows`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import TabularInline

from tenants.admin_site.meanwhile import SEEN, GuardedRowForm


class GuardedRows(TabularInline):
    """The base of inline rows, whose form is a GuardedRowForm."""

    form: type[GuardedRowForm]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Those that only look are shown no fingerprints."""
        shown = [name for name in super().get_fields(request, obj) if name != SEEN]
        return [*shown, SEEN] if self.has_change_permission(request, obj) else shown
