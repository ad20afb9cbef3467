"""The command palette (Ctrl or Cmd + K): pages, things to add, and rows by their name, of what the reader may see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

FOUND: Final = {  # whose rows are found, and by which column; an index or a short table bounds each query
    "bots.botprofile": "name", "knowledge.source": "name", "knowledge.dataset": "name",
    "tenants.tenant": "name", "tenants.user": "email", "webhooks.webhook": "url",
}  # fmt: skip
MOST_ROWS: Final = 5
_LONGEST: Final = 100


def show_found(site: Any, request: HttpRequest) -> HttpResponse:
    """Answer what is typed; nothing is cached, since rights and rows change."""
    started = time.monotonic()
    term = request.GET.get("s", "").strip()[:_LONGEST]
    if not term:
        return HttpResponse()
    found = [
        *_find_pages(site, request, term),
        *_find_acts(site, request, term),
        *_find_rows(site, request, term),
    ]
    is_palette = "extended" in request.GET
    context = {
        "page_obj": Paginator(found, 100), "results": Paginator(found, 100).page(1), "page_counter": 0,
        "execution_time": time.monotonic() - started, "command_show_history": False,
    }  # fmt: skip
    template = f"unfold/helpers/{'command' if is_palette else 'search'}_results.html"
    return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})


def _find_pages(site: Any, request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for group in site.get_sidebar_list(request):
        for item in group["items"]:
            if _fits(term, item["title"]):
                yield _result(
                    item["title"],
                    str(group.get("title") or _("Page")),
                    str(item["link"]),
                    item["icon"],
                )


def _find_acts(site: Any, request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for model, page in site._registry.items():
        title = _("Add: %(thing)s") % {"thing": capfirst(str(model._meta.verbose_name))}
        if _fits(term, title) and page.has_add_permission(request):
            link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
            yield _result(title, _("Action"), link, "add")


def _find_rows(site: Any, request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for model, page in site._registry.items():
        column = FOUND.get(model._meta.label_lower)
        if column is None or not page.has_view_permission(request):
            continue
        rows = page.get_queryset(request).filter(**{f"{column}__icontains": term})
        for row in rows.order_by(column)[:MOST_ROWS]:
            noun = capfirst(str(model._meta.verbose_name))
            yield _result(getattr(row, column), noun, page.change_url(row), "data_object")


def _fits(term: str, text: Any) -> bool:
    return all(word in str(text).lower() for word in term.lower().split())


def _result(title: Any, description: str, link: str, icon: str) -> SearchResult:
    return SearchResult(title=str(title), description=description, link=link, icon=icon)
