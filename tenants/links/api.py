"""`/v1/invitations`, and `/v1/auth/…` for who has forgotten a password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.database import PASSWORDS
from minirag.lib.errors import BadInput, NotFound
from minirag.lib.http_in.doors import Door, Proof
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView, OpenView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit
from tenants.context import current_tenant, require_tenant
from tenants.links.asking import ask_for_link
from tenants.links.base import base_of
from tenants.links.models import EmailLink, LinkPurpose, hash_link
from tenants.links.schemas import (
    ForgottenPassword,
    InvitationSchema,
    NewInvitation,
    PasswordByLink,
)
from tenants.links.sending import Sent, invite, revoke_invitation, send_again
from tenants.links.using import LinkSpent, set_password
from tenants.models import Tenant, User

_GONE = {410: "The link was used, revoked or has expired."}


class InvitationView(ApiView):
    thread_pool = PASSWORDS
    permission_classes = (HasTenant, permit("users"))

    def find(self, invitation_id: UUID) -> EmailLink:
        link = _invitations().filter(pk=invitation_id).first()
        if link is None:
            raise NotFound(gettext("Invitation not found"))
        return link


class InvitationList(InvitationView):
    @describe(
        "List invitations", query=PlainPageQuery, answers={200: list[InvitationSchema]},
        description="Newest first, also those that were used, revoked or have expired.",
    )  # fmt: skip
    def get(self, request: Request, query: PlainPageQuery) -> Page[EmailLink]:
        return paginate(_invitations(), query, order=("-created_at", "-id"))

    @describe(
        "Invite somebody", body=NewInvitation, answers={201: InvitationSchema},
        description="Makes a user without a password and mails a link with which they set one.",
        errors={409: "This tenant has a user with this e-mail."},
        example={"email": "erin@acme.example.com", "display_name": "Erin", "role": "editor"},
    )  # fmt: skip
    def post(self, request: Request, body: NewInvitation) -> dict[str, Any]:
        tenant, actor = require_tenant(), require_identity(request._request).user
        user = User(tenant=tenant, **body.model_dump())
        return _show(invite(actor, user, base=base_of(request._request, tenant)))


class InvitationDetail(InvitationView):
    @describe("Show an invitation", answers={200: InvitationSchema})
    def get(self, request: Request, invitation_id: UUID) -> EmailLink:
        return self.find(invitation_id)

    @describe(
        "Revoke an invitation", answers={204: None},
        description="Who was invited is disabled.", errors={409: "It was used."},
    )  # fmt: skip
    def delete(self, request: Request, invitation_id: UUID) -> None:
        link = self.find(invitation_id)
        revoke_invitation(require_identity(request._request).user, link.user.tenant, link.user_id)


class InvitationAgain(InvitationView):
    @describe(
        "Send an invitation again", answers={201: InvitationSchema}, errors={409: "It was used."},
        description="A new one; the link before works no longer.",
    )  # fmt: skip
    def post(self, request: Request, invitation_id: UUID) -> dict[str, Any]:
        link, tenant = self.find(invitation_id), require_tenant()
        actor = require_identity(request._request).user
        base = base_of(request._request, tenant)
        return _show(send_again(actor, tenant, link.user_id, base=base))


class ForgottenPasswords(OpenView):
    door = Door(Proof.BEARER)

    @describe(
        "Ask for a new password", body=ForgottenPassword, answers={202: None},
        description="Mails a link to the account with this e-mail. The answer is the same where there is none. "
        "`tenant_slug` is needed unless the tenant's own path or host is called.",
        errors={429: "Too many links for this e-mail or from this address."},
        example={"email": "alice@acme.example.com", "tenant_slug": "acme"},
    )  # fmt: skip
    def post(self, request: Request, body: ForgottenPassword) -> None:
        tenant = _tenant_called(request)
        if tenant is None and body.tenant_slug is None:
            raise BadInput(gettext("Say which tenant: tenant_slug."), code="tenant_unnamed")
        if tenant is None:
            tenant = Tenant.objects.filter(slug=body.tenant_slug).first()
        ask_for_link(request._request, body.email, tenant, exists=tenant is not None)


class PasswordsByLink(OpenView):
    door = Door(Proof.BEARER)
    thread_pool = PASSWORDS

    @describe(
        "Set a password by link", body=PasswordByLink, answers={204: None},
        description="With the link of an invitation or of a forgotten password; it works once.",
        errors=_GONE, example={"link": "made-up-link", "password": "correct horse battery"},
    )  # fmt: skip
    def post(self, request: Request, body: PasswordByLink) -> None:
        hashed, called = hash_link(body.link), _tenant_called(request)
        link = EmailLink.objects.filter(token_hash=hashed).select_related("user__tenant").first()
        tenant = link.user.tenant if link is not None else None
        if tenant is None or (called is not None and called.pk != tenant.pk):
            raise LinkSpent
        set_password(hashed, body.password, tenant)


def _invitations() -> Any:
    return EmailLink.objects.filter(
        user__tenant=require_tenant(), purpose=LinkPurpose.INVITATION
    ).select_related("user__tenant")


def _tenant_called(request: Request) -> Tenant | None:
    by = getattr(request._request, "tenant_by", None)
    return current_tenant() if by in ("path", "host") else None


def _show(sent: Sent) -> dict[str, Any]:
    names = ("id", "user", "state", "made_by", "created_at", "expires_at", "mailed_at")
    shown = {name: getattr(sent.link, name) for name in names}
    return shown | ({"url": sent.url} if sent.url else {})
