"""`/v1/tenants`, `/v1/auth`, `/v1/users` and `/v1/api-tokens`: sign up, log in, manage people, mint tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request

from minirag.lib.database import PASSWORDS
from minirag.lib.errors import Forbidden, NotFound
from minirag.lib.http_in.doors import Door, Proof
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.reading import network_of
from minirag.lib.http_in.rest import ApiView, client_address, read_body
from minirag.lib.security.limits import Bound, check
from tenants.authentication import Identity, count_log_in, issue_jwt, log_in, require_identity
from tenants.context import PUBLIC_SCHEMA, require_tenant
from tenants.models import ApiToken, Tenant, User
from tenants.people.changing import change_user, create_user
from tenants.people.schemas import (
    LoggedInSchema,
    LogIn,
    MyselfSchema,
    NewUser,
    SignedUpSchema,
    SignUp,
    TenantSchema,
    UserChanges,
    UserSchema,
)
from tenants.permissions import HasTenant, permit
from tenants.provisioning import provision_tenant
from tenants.tokens.changing import mint_token, revoke_token, rotate_token
from tenants.tokens.schemas import ApiTokenSchema, MintedApiTokenSchema, NewApiToken, Rotation


class TenantList(ApiView):
    door = Door(Proof.BEARER, is_sign_up=True)
    thread_pool = PASSWORDS
    authentication_classes = ()
    permission_classes = ()

    @describe(
        "Sign up a tenant", body=SignUp, answers={201: SignedUpSchema},
        description="A tenant, its owner, and the owner's token `default`. Limited per address.",
        errors={
            403: "This installation makes no tenants on request.",
            409: "The slug is taken.",
            429: "Too many tenants were made from this address.",
        },
        example={
            "tenant_name": "Initech", "tenant_slug": "initech", "owner_email": "iris@initech.example.com",
            "owner_password": "correct horse battery",
        },
    )  # fmt: skip
    def post(self, request: Request) -> dict[str, Any]:
        if not settings.ALLOW_TENANT_SIGNUP:
            raise Forbidden(
                "New tenants are made by the operator of this installation.", code="signup_closed"
            )
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


class LogInView(ApiView):
    door = Door(Proof.BEARER)
    thread_pool = PASSWORDS
    authentication_classes = ()
    permission_classes = ()

    @describe(
        "Log in", body=LogIn, answers={200: LoggedInSchema},
        description="`tenant_slug` chooses where several tenants know the e-mail. Limited per address and e-mail.",
        errors={
            401: "The e-mail or the password is wrong.",
            403: "The account or its tenant is disabled.",
            429: "Too many tries, or too many wrong passwords of this e-mail.",
        },
        example={"email": "alice@acme.example.com", "password": "correct horse battery"},
    )  # fmt: skip
    def post(self, request: Request, body: LogIn) -> dict[str, Any]:
        address = client_address(request)
        count_log_in(address, body.email)
        user = log_in(
            body.email, body.password, _slug_of(request) or body.tenant_slug, address=address
        )
        assert user.tenant is not None  # noqa: S101 - log_in only takes users of tenants
        return {
            "access_token": issue_jwt(user), "token_type": "bearer", "user": user, "tenant": user.tenant,
        }  # fmt: skip


class Myself(ApiView):
    @describe("Show who I am", answers={200: MyselfSchema})
    def get(self, request: Request) -> Identity:
        return require_identity(request._request)


class ApiTokenList(ApiView):
    permission_classes = (HasTenant, permit("API tokens", members=True))

    @describe("List API tokens", query=PlainPageQuery, answers={200: list[ApiTokenSchema]})
    def get(self, request: Request, query: PlainPageQuery) -> Page[ApiToken]:
        return paginate(visible_tokens(request), query)

    @describe(
        "Create an API token", body=NewApiToken, answers={201: MintedApiTokenSchema},
        description="What is left out is as in the token that is called with. It makes none that may more than itself.",
        examples={"plain": {"name": "shop"}, "for asking": {"name": "site", "scopes": ["chat"]}},
    )  # fmt: skip
    def post(self, request: Request, body: NewApiToken) -> Joined:
        who = require_identity(request._request)
        token, raw_token = mint_token(
            who.user, body.name, body.grant, maker=who.token, request=request
        )
        return Joined(token, raw_token=raw_token)


class ApiTokenDetail(ApiView):
    permission_classes = (HasTenant, permit("API tokens", members=True))

    @describe("Show an API token", answers={200: ApiTokenSchema})
    def get(self, request: Request, token_id: UUID) -> ApiToken:
        return find_token(request, token_id)

    @describe("Revoke an API token", answers={204: None})
    def delete(self, request: Request, token_id: UUID) -> None:
        revoke_token(find_token(request, token_id), request=request)


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
            old.pk, body.overlap_seconds, actor=who.user, maker=who.token, request=request
        )
        return Joined(token, raw_token=raw_token)


class UserList(ApiView):
    thread_pool = PASSWORDS
    permission_classes = (HasTenant, permit("users"))

    @describe(
        "List users",
        query=PlainPageQuery,
        answers={200: list[UserSchema]},
        description="By e-mail, disabled ones too.",
    )
    def get(self, request: Request, query: PlainPageQuery) -> Page[User]:
        users = User.objects.filter(tenant=require_tenant())
        return paginate(users, query, order=("email", "id"))

    @describe(
        "Create a user", body=NewUser, answers={201: UserSchema},
        errors={409: "This tenant has a user with this e-mail, or the `Idempotency-Key` was used for something else."},
        example={"email": "carol@acme.example.com", "password": "correct horse battery", "display_name": "Carol"},
    )  # fmt: skip
    def post(self, request: Request, body: NewUser) -> User:
        actor = require_identity(request._request).user
        return create_user(actor, require_tenant(), **body.model_dump(), request=request)


class UserDetail(ApiView):
    thread_pool = PASSWORDS
    permission_classes = (HasTenant, permit("users"))

    @describe("Show a user", answers={200: UserSchema})
    def get(self, request: Request, user_id: UUID) -> User:
        user = User.objects.filter(tenant=require_tenant(), pk=user_id).first()
        if user is None:
            raise NotFound("User not found")
        return user

    @describe(
        "Change a user", body=UserChanges, answers={200: UserSchema}, example={"display_name": "Carol"},
        errors={409: "The e-mail is taken, or this is the last owner, or you yourself."},
    )  # fmt: skip
    def patch(self, request: Request, user_id: UUID, body: UserChanges) -> User:
        return self._change(request, user_id, body.model_dump(exclude_unset=True))

    @describe(
        "Disable a user",
        answers={204: None},
        errors={409: "This is the last owner, or you yourself."},
    )
    def delete(self, request: Request, user_id: UUID) -> None:
        self._change(request, user_id, {"is_active": False})

    def _change(self, request: Request, pk: UUID, changes: dict[str, Any]) -> User:
        revoke_tokens = changes.pop("revoke_tokens", False)
        actor = require_identity(request._request).user
        return change_user(
            actor,
            pk,
            changes,
            tenant=require_tenant(),
            revoke_tokens=revoke_tokens,
            request=request,
        )


def visible_tokens(request: Request) -> QuerySet[ApiToken]:
    """Return the tenant's tokens to owners and admins, and to members their own."""
    user = require_identity(request._request).user
    tokens = ApiToken.objects.filter(tenant=require_tenant())
    return tokens if user.is_manager else tokens.filter(user=user)


def find_token(request: Request, token_id: UUID) -> ApiToken:
    """Return a token that the caller may see. Raises NotFound."""
    token = visible_tokens(request).filter(pk=token_id).first()
    if token is None:
        raise NotFound("Token not found")
    return token


def _slug_of(request: Request) -> str | None:
    """Return the slug of the tenant whose own path or host was called: only its users log in there."""
    if getattr(request._request, "tenant_by", None) not in ("path", "host"):
        return None
    return require_tenant().slug
