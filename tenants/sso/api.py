"""`/v1/tenants/me/sso`: a tenant's provider for single sign-on."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.errors import NotFound
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit
from tenants.context import require_tenant
from tenants.links.base import base_of
from tenants.models import SsoProvider
from tenants.sso.changing import remove_provider, set_provider
from tenants.sso.schemas import NewSsoProvider, SsoProviderSchema

_OWNERS = {403: "You are no owner."}
_EXAMPLE = {
    "issuer": "https://login.example.com", "client_id": "minirag", "client_secret": "made-up-secret",
    "allowed_domains": ["acme.example.com"],
}  # fmt: skip


class OwnProvider(ApiView):
    permission_classes = (HasTenant, permit("single sign-on"))

    @describe(
        "Show single sign-on", answers={200: SsoProviderSchema}, errors={404: "No provider is set."}
    )
    def get(self, request: Request) -> dict[str, Any]:
        provider = SsoProvider.objects.filter(tenant=require_tenant()).first()
        if provider is None:
            raise NotFound(gettext("No provider is set"))
        return _show(request, provider)

    @describe(
        "Set single sign-on", body=NewSsoProvider, answers={200: SsoProviderSchema}, example=_EXAMPLE,
        description="The tenant's own OpenID provider. Owners alone: who chooses it can come in as anybody.",
        errors=_OWNERS,
    )  # fmt: skip
    def put(self, request: Request, body: NewSsoProvider) -> dict[str, Any]:
        values = body.model_dump()
        secret, values["issuer"] = values.pop("client_secret"), str(body.issuer).rstrip("/")
        values["allowed_domains"] = [each.lower() for each in values["allowed_domains"]]
        actor = require_identity(request._request).user
        return _show(request, set_provider(actor, require_tenant(), values, secret=secret))

    @describe("Remove single sign-on", answers={204: None}, errors=_OWNERS)
    def delete(self, request: Request) -> None:
        remove_provider(require_identity(request._request).user, require_tenant())


def _show(request: Request, provider: SsoProvider) -> dict[str, Any]:
    names = (
        "issuer", "client_id", "allowed_domains", "makes_users", "default_role", "is_required", "is_active",
        "updated_at",
    )  # fmt: skip
    back = f"{base_of(request._request, require_tenant())}/admin/sso/callback/"
    shown = {name: getattr(provider, name) for name in names}
    return {**shown, "has_secret": bool(provider.encrypted_secret), "back_address": back}
