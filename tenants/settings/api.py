"""`/v1/tenants/me/settings` and `/v1/tenants/me/logo`: what a tenant's managers set of it."""

from __future__ import annotations

import base64
import binascii

from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.branding.logos import LogoRefused
from tenants.calls.permissions import HasTenant, permit
from tenants.context import require_tenant
from tenants.links.base import base_of
from tenants.settings.changing import change_settings, remove_logo, set_logo
from tenants.settings.schemas import NewLogo, TenantSettingsChanges, TenantSettingsSchema

_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class SettingsView(ApiView):
    permission_classes = (HasTenant, permit("the tenant's settings"))


class OwnSettings(SettingsView):
    @describe("Show the tenant's settings", answers={200: TenantSettingsSchema})
    def get(self, request: Request) -> Joined:
        return _show(request)

    @describe(
        "Change the tenant's settings", body=TenantSettingsChanges, answers={200: TenantSettingsSchema},
        description="A colour that cannot be read is refused, with the nearest one that can.",
        example={"shown_name": "Acme Help", "accent": "#8a1c4a", "languages": ["de", "en"]},
    )  # fmt: skip
    def patch(self, request: Request, body: TenantSettingsChanges) -> Joined:
        change_settings(require_tenant(), body.model_dump(exclude_unset=True))
        return _show(request)


class OwnLogo(SettingsView):
    @describe(
        "Set the tenant's logo", body=NewLogo, answers={200: TenantSettingsSchema}, example={"content": _DOT},
        description="At most 256 KiB and 2,000 pixels to a side. It is written anew of what draws it; an SVG with a "
        "script, a style or a foreign address in it is refused.",
        errors={422: "It is no picture that is shown here (`logo_refused`)."},
    )  # fmt: skip
    def put(self, request: Request, body: NewLogo) -> Joined:
        try:
            data = base64.b64decode("".join(body.content.split()), validate=True)
        except (binascii.Error, ValueError):
            raise LogoRefused(gettext("content is not base64.")) from None
        set_logo(require_tenant(), data)
        return _show(request)

    @describe("Remove the tenant's logo", answers={204: None})
    def delete(self, request: Request) -> None:
        remove_logo(require_tenant())


def _show(request: Request) -> Joined:
    tenant = require_tenant()
    base = base_of(request._request, tenant)
    url = f"{base}/branding/logo?v={tenant.logo_hash}" if tenant.logo_hash else None
    return Joined(tenant, logo_url=url)
