"""`/v1/audit-events`, and the platform's: what was done, listed and as a file."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.audit import record
from tenants.calls.permissions import HasTenant, permit
from tenants.context import require_tenant, tenant_context
from tenants.log.schemas import AuditEventPageSchema, AuditExportQuery, AuditQuery
from tenants.log.sending import send_file
from tenants.models import AuditEvent, Right
from tenants.platform.api import NO_PLATFORM, PlatformView

_FILES = (Media("text/csv", "One line each."), Media("application/x-ndjson", "JSON Lines."))
_REVERSED = {422: "created_to is before created_from (`dates_reversed`)."}
_EXPORTED = "All that match, the newest first, as CSV or JSON Lines (`format=jsonl`)."


class PlatformAuditEvents(PlatformView):
    @describe(
        "List what was done", query=AuditQuery, answers={200: AuditEventPageSchema}, errors=NO_PLATFORM | _REVERSED,
    )  # fmt: skip
    def get(self, request: Request, query: AuditQuery) -> Page[AuditEvent]:
        return paginate(query.wanted.narrow(_of(query.tenant)), query)


class PlatformAuditExport(PlatformView):
    @describe(
        "Export what was done", query=AuditExportQuery, answers={200: _FILES}, errors=NO_PLATFORM | _REVERSED,
        description=_EXPORTED,
    )  # fmt: skip
    def get(self, request: Request, query: AuditExportQuery) -> StreamingHttpResponse:
        events = query.wanted.narrow(_of(query.tenant))
        record("audit_log.exported", actor=self.actor(request), detail={"format": query.format})
        return send_file(events, query.format)


class _OwnLog(ApiView):
    permission_classes = (HasTenant, permit("the audit log", read=Right.MANAGE))


class AuditEvents(_OwnLog):
    """A tenant's own log: what was done to it and in it, for its owners and admins."""

    @describe(
        "List what was done in the tenant", query=AuditQuery, answers={200: AuditEventPageSchema}, errors=_REVERSED,
    )  # fmt: skip
    def get(self, request: Request, query: AuditQuery) -> Page[AuditEvent]:
        own = query.wanted.narrow(AuditEvent.objects.of_tenant(require_tenant()))
        with tenant_context(None):
            return paginate(own, query)


class AuditExport(_OwnLog):
    @describe(
        "Export what was done in the tenant", query=AuditExportQuery, answers={200: _FILES}, errors=_REVERSED,
        description=_EXPORTED,
    )  # fmt: skip
    def get(self, request: Request, query: AuditExportQuery) -> StreamingHttpResponse:
        own = query.wanted.narrow(AuditEvent.objects.of_tenant(require_tenant()))
        record("audit_log.exported", detail={"format": query.format})
        return send_file(own, query.format)


def _of(tenant_slug: str) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.all()
    return events.filter(tenant_slug=tenant_slug) if tenant_slug else events
