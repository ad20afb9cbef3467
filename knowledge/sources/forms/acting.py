"""What the page and the list of sources can do with them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from knowledge.models import Source, SourceStatus, SourceType
from knowledge.sources.changing import cancel_ingestion, start_ingestion, update_source
from knowledge.sources.forms.newer_file import NewerFileForm
from knowledge.sources.putting_files import replace_file
from knowledge.sources.upserts import Upserted
from tenants.admin_site.model_admin import ProductAdmin


class SourceActs(ProductAdmin):
    def is_offered(self, act: str, row: Source) -> bool:
        if act == "replace":
            return row.source_type == SourceType.UPLOAD
        return act != "cancel" or row.status in (SourceStatus.PENDING, SourceStatus.PROCESSING)

    @action(description=_("Ingest again"), permissions=["change"], icon="refresh")
    def ingest(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = self.require_object(request, object_id)
        intro = gettext(
            "It is read anew; until that is done the bot answers from what it knows now."
        )
        return self.ask(
            request,
            lambda data: self._ingest(request, source),
            title=gettext("Ingest %(source)s again?") % {"source": source},
            intro=intro,
            submit=gettext("Ingest again"),
            obj=source,
        )

    def _ingest(self, request: HttpRequest, source: Source) -> None:
        start_ingestion(source.pk)
        self.log_change(request, source, "Queued for ingestion.")
        self.message_user(
            request, gettext("%(source)s is queued.") % {"source": source}, messages.SUCCESS
        )

    @action(description=_("Upload a newer file"), permissions=["change"], icon="upload")
    def replace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = self.require_object(request, object_id)
        files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        intro = gettext(
            "Its documents keep their corrections and edits; what the newer file has no more answers no more."
        )
        return self.ask(
            request,
            lambda data: self._replace(request, source, data),
            title=gettext("A newer file for %(source)s") % {"source": source},
            intro=intro,
            submit=gettext("Upload the file"),
            obj=source,
            form=NewerFileForm(*files),
        )

    def _replace(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> None:
        outcome = replace_file(source.pk, data["file"].name, data["data"])
        is_same = outcome is Upserted.UNCHANGED
        self.message_user(
            request,
            gettext("It is the same file: nothing changes.")
            if is_same
            else gettext("%(source)s is queued.") % {"source": source},
            messages.SUCCESS,
        )

    @action(description=_("Ingest again"), permissions=["change"])
    def ingest_chosen(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda source: start_ingestion(source.pk),
            gettext("%(count)s queued for ingestion."),
        )

    @action(description=_("Cancel ingestion"), permissions=["change"])
    def cancel_chosen(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda source: cancel_ingestion(source.pk),
            gettext("%(count)s ingestions cancelled."),
        )

    @action(description=_("Cancel ingestion"), permissions=["change"], icon="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = self.require_object(request, object_id)
        intro = gettext("What it said before goes on answering.")
        return self.ask(
            request,
            lambda data: self._cancel(request, source),
            title=gettext("Cancel the ingestion of %(source)s?") % {"source": source},
            intro=intro,
            submit=gettext("Cancel ingestion"),
            obj=source,
        )

    def _cancel(self, request: HttpRequest, source: Source) -> None:
        cancel_ingestion(source.pk)
        self.log_change(request, source, "Cancelled its ingestion.")
        self.message_user(
            request,
            gettext("The ingestion of %(source)s is cancelled.") % {"source": source},
            messages.SUCCESS,
        )

    @action(description=_("Deactivate"), permissions=["change"])
    def deactivate_chosen(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda source: self._switch(request, source, False),
            gettext("%(count)s deactivated."),
        )

    @action(description=_("Activate"), permissions=["change"])
    def activate_chosen(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda source: self._switch(request, source, True),
            gettext("%(count)s activated."),
        )

    def _switch(self, request: HttpRequest, source: Source, is_active: bool) -> None:
        update_source(source.pk, {"is_active": is_active})
        self.log_change(request, source, "Activated." if is_active else "Deactivated.")
