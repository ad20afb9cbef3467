"""`/v1/auth/second-factor…`, `/v1/auth/sessions`, and what managers do about those of others."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.errors import Conflict, NotFound
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit, restricted
from tenants.context import require_tenant
from tenants.factors.proving import (
    begin,
    confirm,
    prove,
    remove,
    renew_codes,
    require_of_all,
    reset,
)
from tenants.factors.schemas import (
    BrowserSessionSchema,
    CodeBody,
    DeviceKeySchema,
    FactorRule,
    FactorRuleSchema,
    RecoveryCodesSchema,
)
from tenants.models import Right, User
from tenants.sessions.keeping import end_all_of, end_own, sessions_of
from tenants.sessions.models import BrowserSession

_WRONG = {401: "The code is wrong, or was used already.", 429: "Too many codes were tried."}
_EXAMPLE = {"otp": "123456"}


class OwnView(ApiView):
    """About oneself: somebody who is logged in, not a program with an API token."""

    permission_classes = (HasTenant, permit("users", members=True))

    def me(self, request: Request) -> User:
        identity = require_identity(request._request)
        if identity.token is not None:
            raise restricted("Log in for this: an API token cannot do it.")
        return identity.user


class OwnFactor(OwnView):
    @describe(
        "Begin a second factor", answers={200: DeviceKeySchema},
        description="A key for an app that shows codes. It counts once a code of it is confirmed.",
        errors={409: "There is one already."},
    )  # fmt: skip
    def post(self, request: Request) -> dict[str, str]:
        user = self.me(request)
        factor = begin(user)
        key = base64.b32encode(factor.key).decode()
        return {"key": key, "address": factor.address_for_apps(str(require_tenant()))}


class OwnFactorConfirmed(OwnView):
    @describe(
        "Confirm a second factor", body=CodeBody, answers={200: RecoveryCodesSchema}, example=_EXAMPLE,
        description="From now on `otp` is needed to log in. The recovery codes are shown once.",
        errors={**_WRONG, 409: "There is one already, or none was begun."},
    )  # fmt: skip
    def post(self, request: Request, body: CodeBody) -> dict[str, Any]:
        return {"recovery_codes": confirm(self.me(request), body.otp)}


class OwnRecoveryCodes(OwnView):
    @describe(
        "Renew recovery codes", body=CodeBody, answers={200: RecoveryCodesSchema}, example=_EXAMPLE,
        description="The ones before work no longer.",
        errors={**_WRONG, 409: "There is no second factor."},
    )  # fmt: skip
    def post(self, request: Request, body: CodeBody) -> dict[str, Any]:
        user = self.me(request)
        prove(user, body.otp)
        return {"recovery_codes": renew_codes(user)}


class OwnFactorRemoved(OwnView):
    @describe(
        "Remove a second factor", body=CodeBody, answers={204: None}, example=_EXAMPLE,
        errors={**_WRONG, 409: "Everybody here has to have one."},
    )  # fmt: skip
    def post(self, request: Request, body: CodeBody) -> None:
        user = self.me(request)
        prove(user, body.otp)
        remove(user)


class FactorOfUser(ApiView):
    permission_classes = (HasTenant, permit("users"))

    @describe(
        "Reset somebody's second factor", answers={204: None},
        description="For who has lost the device and the recovery codes.",
        errors={409: "You yourself: remove your own with a code."},
    )  # fmt: skip
    def delete(self, request: Request, user_id: UUID) -> None:
        actor = require_identity(request._request).user
        if user_id == actor.pk:
            raise Conflict(
                gettext("Remove your own second factor with a code."), code="own_account"
            )
        reset(actor, require_tenant(), user_id)


class FactorRules(ApiView):
    permission_classes = (HasTenant, permit("users"))

    @describe("Show whether all need a second factor", answers={200: FactorRuleSchema})
    def get(self, request: Request) -> dict[str, bool]:
        return {"required": require_tenant().second_factor_required}

    @describe(
        "Require a second factor of all", body=FactorRule, answers={200: FactorRuleSchema},
        description="Who has none cannot log in by API until they have set one up in the admin.",
        example={"required": True},
    )  # fmt: skip
    def put(self, request: Request, body: FactorRule) -> dict[str, bool]:
        require_of_all(require_tenant(), required=body.required)
        return {"required": body.required}


class OwnSessions(OwnView):
    @describe(
        "List my browser sessions", query=PlainPageQuery, answers={200: list[BrowserSessionSchema]},
        description="Where I am logged in to the admin.",
    )  # fmt: skip
    def get(self, request: Request, query: PlainPageQuery) -> Page[BrowserSession]:
        return paginate(sessions_of(self.me(request)), query, order=("-seen_at", "-id"))


class OwnSession(OwnView):
    @describe("End a session of mine", answers={204: None})
    def delete(self, request: Request, session_id: UUID) -> None:
        end_own(self.me(request), session_id)


class SessionsOfUser(ApiView):
    permission_classes = (HasTenant, permit("users", read=Right.MANAGE))

    @describe(
        "List somebody's browser sessions", query=PlainPageQuery,
        answers={200: list[BrowserSessionSchema]},
    )  # fmt: skip
    def get(self, request: Request, user_id: UUID, query: PlainPageQuery) -> Page[BrowserSession]:
        user = User.objects.filter(tenant=require_tenant(), pk=user_id).first()
        if user is None:
            raise NotFound(gettext("User not found"))
        return paginate(sessions_of(user), query, order=("-seen_at", "-id"))

    @describe("End all of somebody's sessions", answers={204: None})
    def delete(self, request: Request, user_id: UUID) -> None:
        end_all_of(require_identity(request._request).user, require_tenant(), user_id)
