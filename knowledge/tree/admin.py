"""The admin's page of all knowledge as a tree, level by level, with what can be done to a source in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import get_script_prefix, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from knowledge.progress.watching import write_ticket_for_all
from knowledge.sites.deciding import approve_sync, reject_sync
from knowledge.sources.changing import (
    cancel_ingestion,
    start_children,
    start_ingestion,
    update_source,
)
from knowledge.tree.levels import LONGEST_FOLDER, Level, Node, find_node, open_level
from minirag.lib.errors import NotFound, ProductError
from minirag.lib.telling.kept_sentences import retell
from tenants.admin_site.model_admin import ProductAdmin, may_manage
from tenants.calls.permissions import acting_user

PAGE: Final = 50


class LevelForm(forms.Form):
    """Which level is asked for, as its address says."""

    dataset = forms.UUIDField(required=False)
    source = forms.UUIDField(required=False)
    folder = forms.CharField(required=False, max_length=LONGEST_FOLDER, strip=False)
    offset = forms.IntegerField(required=False, min_value=0, max_value=1_000_000)

    def open(self) -> Level:
        """Read it. Raises Http404 for what is not there."""
        if not self.is_valid():
            raise Http404
        said = self.cleaned_data
        try:
            return open_level(
                dataset_id=said["dataset"], source_id=said["source"], folder=said["folder"],
                offset=said["offset"] or 0, limit=PAGE,
            )  # fmt: skip
        except ProductError:
            raise Http404 from None


class ActForm(forms.Form):
    """What is to be done to a source: `sync` is the look that is decided upon."""

    act = forms.ChoiceField(choices=lambda: [(name, name) for name in _ACTS])
    source = forms.UUIDField()
    sync = forms.UUIDField(required=False)


class TreePages(ProductAdmin):
    """The pages of the tree, below those of sources."""

    def get_urls(self) -> list[Any]:
        site = self.admin_site
        shown, acted = require_safe(self.show_tree), require_POST(self.act_in_tree)
        return [
            path("tree/", site.admin_view(shown), name="knowledge_source_tree"),
            path("tree/act/", site.admin_view(acted), name="knowledge_source_tree_act"),
            *super().get_urls(),
        ]

    def show_tree(self, request: HttpRequest) -> HttpResponse:
        """A level as a page of its own, or with `part` as what a page that is open puts into itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if "node" in request.GET:
            return self._show_node(request, _read_id(request.GET["node"]))
        form = LevelForm(request.GET)
        level = form.open()
        context = {
            "level": level, "nodes": [_with_links(each) for each in level.nodes], "steps": _steps_of(level),
            "may_manage": may_manage(request, "sources"), "more": _more_of(form, level),
            "here": request.get_full_path(),
        }  # fmt: skip
        if "part" in request.GET:
            return render(request, "admin/knowledge_level.html", context)
        context |= {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Knowledge"),
            "ticket": write_ticket_for_all(acting_user(request)), "socket": f"{get_script_prefix()}ws/sources/",
            "tree_url": reverse("admin:knowledge_source_tree"),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/knowledge_tree.html", context)

    def act_in_tree(self, request: HttpRequest) -> HttpResponse:
        """Do what a line's button says; a script is answered with the line as it is then."""
        if not may_manage(request, "sources"):
            raise PermissionDenied
        form = ActForm(request.POST)
        if not form.is_valid():
            raise Http404
        told, level = self._act(form.cleaned_data)
        if "part" in request.GET:
            return self._show_node(request, form.cleaned_data["source"], told, level)
        self.message_user(request, told, level)
        return HttpResponseRedirect(_way_back(request))

    def _act(self, said: dict[str, Any]) -> tuple[str, int]:
        act, done = _ACTS[said["act"]]
        try:
            act(said["source"], said["sync"])
        except NotFound:
            raise Http404 from None
        except ProductError as error:
            return retell(error.detail), messages.WARNING
        return str(done), messages.SUCCESS

    def _show_node(
        self, request: HttpRequest, source_id: UUID, told: str = "", level: int = messages.INFO
    ) -> HttpResponse:
        try:
            node = find_node(source_id)
        except NotFound:
            raise Http404 from None
        context = {
            "node": _with_links(node), "may_manage": may_manage(request, "sources"), "said": told,
            "is_refused": level == messages.WARNING, "here": reverse("admin:knowledge_source_tree"),
        }  # fmt: skip
        return render(request, "admin/knowledge_node.html", context)


def _retry(source_id: UUID, sync_id: UUID | None) -> None:
    """Read it again; of one that others are below those instead."""
    if find_node(source_id).sources:
        start_children(source_id)
    else:
        start_ingestion(source_id)


def _decide(decide: Callable[[UUID, UUID], Any]) -> Callable[[UUID, UUID | None], None]:
    def decided(source_id: UUID, sync_id: UUID | None) -> None:
        if sync_id is None:
            raise NotFound(_("Sync not found"))
        decide(source_id, sync_id)

    return decided


def _switch(is_active: bool) -> Callable[[UUID, UUID | None], None]:
    def switched(source_id: UUID, sync_id: UUID | None) -> None:
        find_node(source_id)  # a deleted one is not brought back from here
        update_source(source_id, {"is_active": is_active})

    return switched


_ACTS: Final[dict[str, tuple[Callable[[UUID, UUID | None], object], Any]]] = {
    "retry": (_retry, gettext_lazy("It is queued.")),
    "cancel": (
        lambda source_id, sync_id: cancel_ingestion(source_id),
        gettext_lazy("It is cancelled; what it said before goes on answering."),
    ),
    "on": (_switch(True), gettext_lazy("It answers again, from the next question on.")),
    "off": (_switch(False), gettext_lazy("It answers no more, from the next question on.")),
    "approve": (_decide(approve_sync), gettext_lazy("It is approved, and queued.")),
    "reject": (_decide(reject_sync), gettext_lazy("It is rejected: all stays as it is.")),
}


def _with_links(node: Node) -> dict[str, Any]:
    """A node, with where its name and its level lead."""
    tree = reverse("admin:knowledge_source_tree")
    below: dict[str, Any] = {}
    if node.kind == "dataset":
        below = {"dataset": node.id}
    elif node.is_open:
        below = {"source": node.source_id, **({"folder": node.folder} if node.folder else {})}
    url = (
        ""
        if node.kind == "folder"
        else reverse(
            f"admin:knowledge_{node.kind}_{'read' if node.kind == 'document' else 'change'}",
            args=[node.id],
        )
    )
    return {"it": node, "url": url, "below": f"{tree}?{urlencode(below)}" if below else ""}


def _steps_of(level: Level) -> list[dict[str, Any]]:
    return [_with_links(each) for each in level.path]


def _more_of(form: LevelForm, level: Level) -> str:
    """The address of the level's next page; empty on its last."""
    if level.next_offset is None:
        return ""
    said = {name: value for name, value in form.cleaned_data.items() if value and name != "offset"}
    tree = reverse("admin:knowledge_source_tree")
    return f"{tree}?{urlencode({**said, 'offset': level.next_offset})}"


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _way_back(request: HttpRequest) -> str:
    """The level that the button stood on, if it is one of ours."""
    tree, here = reverse("admin:knowledge_source_tree"), request.POST.get("here", "")
    return here if here == tree or here.startswith(f"{tree}?") else tree
