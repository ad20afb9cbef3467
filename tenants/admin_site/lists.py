"""The list of a kind of row: named for what it lists, and counted only where that tells something."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.views import ChangeList


class ProductChangeList(ChangeList):
    def __init__(self, request: HttpRequest, *args: object) -> None:
        super().__init__(request, *args)
        if not self.is_popup:  # there one does choose a row, as Django's title says
            self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count  # the theme offers what is left out, if any


class ListedAdmin(ModelAdmin):
    nothing_yet: Any = ""  # what an empty list says of how it fills
    list_filter_submit = False
    show_full_result_count = False
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ProductChangeList]:
        return ProductChangeList
