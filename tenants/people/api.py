"""`/v1/auth` and `/v1/users`: logging in, and the people of a tenant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.database import PASSWORDS
from minirag.lib.errors import NotFound
from minirag.lib.http_in.doors import Door, Proof
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView, OpenView, client_address
from tenants.authentication import Identity, count_log_in, issue_jwt, log_in, require_identity
from tenants.calls.permissions import HasTenant, permit
from tenants.context import require_tenant
from tenants.models import User
from tenants.people.changing import change_user, create_user
from tenants.people.schemas import (
    LoggedInSchema,
    LogIn,
    MyselfSchema,
    NewUser,
    UserChanges,
    UserSchema,
)


class LogInView(OpenView):
    door = Door(Proof.BEARER)
    thread_pool = PASSWORDS

    @describe(
        "Log in", body=LogIn, answers={200: LoggedInSchema},
        description="`tenant_slug` chooses where several tenants know the e-mail. Limited per address and e-mail.",
        errors={
            401: "The e-mail or the password is wrong, or the code of the second factor (`otp_required`, `otp_wrong`).",
            403: "The account or its tenant is disabled, or a second factor has to be set up first.",
            429: "Too many tries, or too many wrong passwords of this e-mail.",
        },
        example={"email": "alice@acme.example.com", "password": "correct horse battery"},
    )  # fmt: skip
    def post(self, request: Request, body: LogIn) -> dict[str, Any]:
        address = client_address(request)
        count_log_in(address, body.email)
        user = log_in(
            body.email,
            body.password,
            _slug_of(request) or body.tenant_slug,
            address=address,
            otp=body.otp,
        )
        assert user.tenant is not None  # noqa: S101 - log_in only takes users of tenants
        return {
            "access_token": issue_jwt(user), "token_type": "bearer", "user": user, "tenant": user.tenant,
        }  # fmt: skip


class Myself(ApiView):
    @describe("Show who I am", answers={200: MyselfSchema})
    def get(self, request: Request) -> Identity:
        return require_identity(request._request)


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
        return create_user(actor, require_tenant(), **body.model_dump())


class UserDetail(ApiView):
    thread_pool = PASSWORDS
    permission_classes = (HasTenant, permit("users"))

    @describe("Show a user", answers={200: UserSchema})
    def get(self, request: Request, user_id: UUID) -> User:
        user = User.objects.filter(tenant=require_tenant(), pk=user_id).first()
        if user is None:
            raise NotFound(gettext("User not found"))
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
        )


def _slug_of(request: Request) -> str | None:
    """Return the slug of the tenant whose own path or host was called: only its users log in there."""
    if getattr(request._request, "tenant_by", None) not in ("path", "host"):
        return None
    return require_tenant().slug
