"""`/v1/tenants`: sign up a tenant, and show one's own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.database import PASSWORDS
from minirag.lib.errors import Forbidden
from minirag.lib.http_in.doors import Door, Proof
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.reading import network_of
from minirag.lib.http_in.rest import ApiView, OpenView, client_address, read_body
from minirag.lib.security.limits import Bound, check
from tenants.context import PUBLIC_SCHEMA, require_tenant
from tenants.models import Tenant
from tenants.people.schemas import (
    SignedUpSchema,
    SignUp,
    TenantSchema,
)
from tenants.platform.maintenance import pause_of_all
from tenants.provisioning import provision_tenant


class TenantList(OpenView):
    door = Door(Proof.BEARER, is_sign_up=True)
    thread_pool = PASSWORDS

    @describe(
        "Sign up a tenant", body=SignUp, answers={201: SignedUpSchema},
        description="A tenant, its owner, and the owner's token `default`. Limited per address.",
        errors={
            403: "This installation makes no tenants on request.",
            409: "The slug is taken.",
            429: "Too many tenants were made from this address.",
            503: "`maintenance`: that of all tenants goes on.",
        },
        example={
            "tenant_name": "Initech", "tenant_slug": "initech", "owner_email": "iris@initech.example.com",
            "owner_password": "correct horse battery",
        },
    )  # fmt: skip
    def post(self, request: Request) -> dict[str, Any]:
        if not settings.ALLOW_TENANT_SIGNUP:
            raise Forbidden(
                gettext("New tenants are made by the operator of this installation."),
                code="signup_closed",
            )
        if (pause := pause_of_all()) is not None:
            raise pause.error()
        body = read_body(SignUp, request)
        bound = Bound(
            f"signup:{network_of(client_address(request))}", settings.SIGNUP_RATE, "new tenants"
        )
        check([bound], scope=PUBLIC_SCHEMA, redis_url=settings.REDIS_URL, fail_closed=True)
        made = provision_tenant(
            name=body.tenant_name, slug=body.tenant_slug, owner_email=body.owner_email,
            owner_password=body.owner_password, owner_display_name=body.owner_display_name,
        )  # fmt: skip
        return {
            "tenant": made.tenant, "api_token": made.raw_token, "token_prefix": made.token.token_prefix,
        }  # fmt: skip


class OwnTenant(ApiView):
    @describe("Show my tenant", answers={200: TenantSchema})
    def get(self, request: Request) -> Tenant:
        return require_tenant()
