"""`/v1/api-tokens`: the secrets with which a tenant's programs call."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.errors import NotFound
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit
from tenants.context import require_tenant
from tenants.models import ApiToken, May
from tenants.tokens.changing import mint_token, revoke_token, rotate_token
from tenants.tokens.schemas import ApiTokenSchema, MintedApiTokenSchema, NewApiToken, Rotation


class ApiTokenList(ApiView):
    permission_classes = (HasTenant, permit("API tokens", members=True))

    @describe("List API tokens", query=PlainPageQuery, answers={200: list[ApiTokenSchema]})
    def get(self, request: Request, query: PlainPageQuery) -> Page[ApiToken]:
        return paginate(visible_tokens(request), query)

    @describe(
        "Create an API token", body=NewApiToken, answers={201: MintedApiTokenSchema},
        description="What is left out is as in the token that is called with. It cannot make one that may do more.",
        examples={"plain": {"name": "shop"}, "for asking": {"name": "site", "scopes": ["chat"]}},
    )  # fmt: skip
    def post(self, request: Request, body: NewApiToken) -> Joined:
        who = require_identity(request._request)
        token, raw_token = mint_token(who.user, body.name, body.grant, maker=who.token)
        return Joined(token, raw_token=raw_token)


class ApiTokenDetail(ApiView):
    permission_classes = (HasTenant, permit("API tokens", members=True))

    @describe("Show an API token", answers={200: ApiTokenSchema})
    def get(self, request: Request, token_id: UUID) -> ApiToken:
        return find_token(request, token_id)

    @describe("Revoke an API token", answers={204: None})
    def delete(self, request: Request, token_id: UUID) -> None:
        revoke_token(find_token(request, token_id))


class ApiTokenRotation(ApiView):
    permission_classes = (HasTenant, permit("API tokens", members=True))

    @describe(
        "Rotate an API token", body=Rotation, answers={201: MintedApiTokenSchema}, example={"overlap_seconds": 3600},
        description="A new token with the same user and rights. The old one goes on working for the overlap.",
        errors={409: "The token does not work any more, or was rotated already; or as every POST."},
    )  # fmt: skip
    def post(self, request: Request, token_id: UUID, body: Rotation) -> Joined:
        old = find_token(request, token_id)
        who = require_identity(request._request)
        token, raw_token = rotate_token(
            old.pk, body.overlap_seconds, actor=who.user, maker=who.token
        )
        return Joined(token, raw_token=raw_token)


def visible_tokens(request: Request) -> QuerySet[ApiToken]:
    """Return the tenant's tokens to owners and admins, and to members their own."""
    user = require_identity(request._request).user
    tokens = ApiToken.objects.filter(tenant=require_tenant())
    return tokens if user.may(May.MANAGE_SETTINGS) else tokens.filter(user=user)


def find_token(request: Request, token_id: UUID) -> ApiToken:
    """Return a token that the caller may see. Raises NotFound."""
    token = visible_tokens(request).filter(pk=token_id).first()
    if token is None:
        raise NotFound(gettext("Token not found"))
    return token
