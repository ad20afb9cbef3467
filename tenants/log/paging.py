"""Pages of the audit log's list, which costs the same however long the log is."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property

MOST_COUNTED: Final = 10_000
"""So many lines can be paged through; filters, or the file of the list, lead to the older ones."""


class BoundedPaginator(Paginator):
    """Counts no further than anybody pages, and sorts ids alone: a line's detail is long, and most are not shown."""

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST_COUNTED + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.counted, MOST_COUNTED)

    @property
    def is_cut(self) -> bool:
        return self.counted > MOST_COUNTED

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        rows: Any = self.object_list
        ids = list(
            rows.values_list("pk", flat=True)[bottom : min(bottom + self.per_page, self.count)]
        )
        found = rows.model.objects.in_bulk(ids)
        return Page([found[each] for each in ids if each in found], number, self)
