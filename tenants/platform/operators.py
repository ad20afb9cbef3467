"""Operators' programs: the tokens that open `/v1/platform`, and who may use them.

They have a table of their own, so that a token of the platform opens nothing in a tenant, and a tenant's is
none here.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from minirag.lib.errors import Forbidden, NotAuthenticated
from minirag.lib.http_in.arrivals import Arrival
from tenants.models import OperatorToken, User, hash_token

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def mint_operator_token(
    user: User, name: str, *, is_read_only: bool = False, expires_at: datetime | None = None
) -> tuple[OperatorToken, str]:
    """Make a token for a platform operator; returns the row and the secret, which cannot be read again."""
    secret = secrets.token_urlsafe(32)
    token = OperatorToken.objects.create(
        user=user, name=name, token_hash=hash_token(secret), token_prefix=secret[:8], is_read_only=is_read_only,
        expires_at=expires_at,
    )  # fmt: skip
    return token, secret


def authenticate_operator(authorization: str | None) -> OperatorToken:
    """Turn an `Authorization` header into an operator's token. Raises NotAuthenticated."""
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotAuthenticated(gettext("Not authenticated"))
    token = (
        OperatorToken.objects.select_related("user")
        .filter(token_hash=hash_token(secret.strip()))
        .first()
    )
    is_good = (
        token is not None and token.is_active and token.user.is_active and token.user.is_superuser
    )
    if token is None or not is_good:
        raise NotAuthenticated(gettext("Invalid or revoked operator token"), code="token_invalid")
    if token.expires_at is not None and token.expires_at <= timezone.now():
        raise NotAuthenticated(gettext("Operator token has expired"), code="token_expired")
    _touch(token)
    return token


def _touch(token: OperatorToken) -> None:
    """Note the use, at most once a minute."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        OperatorToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


class OperatorAuthentication(BaseAuthentication):
    """DRF authentication of `/v1/platform`."""

    def authenticate(self, request: Request) -> tuple[User, OperatorToken]:
        token = authenticate_operator(Arrival.of_request(request).authorization)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MayOperate(BasePermission):
    """An operator's token; for a change, one that may change things."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, OperatorToken):
            return False
        if token.is_read_only and request.method not in _SAFE_METHODS:
            raise Forbidden(gettext("This token may only read."), code="token_restricted")
        return True
