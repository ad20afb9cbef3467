"""A tenant's page of the platform: its file, its copy and its end."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.enums import ActionVariant

from tenants.admin_site.model_admin import ProductAdmin
from tenants.models import TenantStatus
from tenants.moving.pages import ask_clone, ask_erasure, ask_export


class MovedTenants(ProductAdmin):
    def is_offered(self, act: str, row: Any) -> bool:
        is_away = row.status == TenantStatus.ARCHIVED
        return is_away if act == "erase" else super().is_offered(act, row)

    @action(description=gettext_lazy("Export"), icon="download")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ask_export(self, request, self.require_object(request, object_id))

    @action(description=gettext_lazy("Copy"), icon="content_copy")
    def copy(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ask_clone(self, request, self.require_object(request, object_id))

    @action(description=gettext_lazy("Erase…"), icon="delete_forever", variant=ActionVariant.DANGER)
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ask_erasure(self, request, self.require_object(request, object_id))
