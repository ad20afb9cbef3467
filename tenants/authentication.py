"""Who is calling: API tokens and JWTs of the wire contract, and e-mail log-in of the two admin sites.

Whatever the credential, the live user and tenant are looked up, so a revoked token, a disabled user and a suspended
tenant stop at the next request.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.db.models import Case, Q, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from minirag.lib.errors import Forbidden, NotAuthenticated, ProductError
from minirag.lib.http_in.reading import client_address, network_of
from minirag.lib.rows import FixedQuery
from minirag.lib.security.limits import Bound, check
from minirag.lib.security.rates import parse_rate
from tenants.context import PUBLIC_SCHEMA
from tenants.factors.proving import needs_factor, prove
from tenants.models import (
    ApiToken,
    Role,
    SsoProvider,
    Tenant,
    TenantStatus,
    User,
    hash_token,
    normalise_email,
)
from tenants.people.lockout import begin_attempt

JWT_ALGORITHM = "HS256"
_LOGIN_CANDIDATES = 5  # tenants in which one e-mail is tried; each try costs an argon2 hash
# Then those that are archived; the suspended ones last, which nobody enters.
_ACTIVE_FIRST = Case(
    When(tenant__status=TenantStatus.ACTIVE, then=0),
    When(tenant__status=TenantStatus.ARCHIVED, then=1),
    default=2,
)
_TOKEN = FixedQuery(
    lambda hashed: ApiToken.objects.select_related("tenant", "user").filter(token_hash=hashed), str
)
_USER = FixedQuery(
    lambda user_id, tenant_id: User.objects.select_related("tenant").filter(
        pk=user_id, tenant_id=tenant_id, is_active=True
    ),
    uuid.UUID,
    uuid.UUID,
)
_BY_ID = FixedQuery(
    lambda user_id: User.objects.select_related("tenant").filter(pk=user_id, is_active=True),
    uuid.UUID,
)
_ACCOUNTS_PER_ADDRESS = 5  # LOGIN_RATE is for one account; many people may share an address


@dataclass(frozen=True)
class Identity:
    """A caller that proved who it is. `token` is None for a JWT."""

    tenant: Tenant
    user: User
    token: ApiToken | None = None


def issue_jwt(user: User) -> str:
    """Sign a JWT for `user` with the contract's claims `sub`, `tid`, `role`, `exp`, and `pwh`, our own.

    `pwh` is a keyed digest of the stored password and the user's epoch: a changed password, a new second factor and
    “Log out everywhere” end every JWT made before.
    """
    expires_at = timezone.now() + timedelta(minutes=settings.JWT_EXPIRE_MINUTES)
    claims = {"sub": str(user.pk), "tid": str(user.tenant_id), "role": user.role, "exp": expires_at}
    claims["pwh"] = _digest_password(user)
    return jwt.encode(claims, settings.JWT_SECRET_KEY, algorithm=JWT_ALGORITHM)


def authenticate_bearer(authorization: str | None) -> Identity:
    """Turn an `Authorization` header into an Identity; a token with a dot is a JWT.

    Raises NotAuthenticated with the contract's sentence, or Forbidden when the tenant is suspended. That an
    archived tenant changes nothing is left to the middleware.
    """
    scheme, _, credential = (authorization or "").partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise NotAuthenticated("Not authenticated")
    identity = (
        _authenticate_jwt(credential) if "." in credential else _authenticate_token(credential)
    )
    if not identity.tenant.is_readable:
        raise Forbidden("Tenant is disabled", code="tenant_disabled")
    return identity


def _authenticate_token(secret: str) -> Identity:
    token = _TOKEN.first(hash_token(secret))
    if token is None or not token.is_active:
        raise NotAuthenticated("Invalid or revoked API token", code="token_invalid")
    if token.is_expired:
        raise NotAuthenticated("API token has expired", code="token_expired")
    if not token.user.is_active:
        raise NotAuthenticated("Token owner account is disabled", code="account_disabled")
    ApiToken.objects.touch(token)
    return Identity(token.tenant, token.user, token)


def _authenticate_jwt(credential: str) -> Identity:
    try:
        claims = jwt.decode(
            credential,
            settings.JWT_SECRET_KEY,
            algorithms=[JWT_ALGORITHM],
            options={"require": ["exp"]},
        )
    except jwt.InvalidTokenError:
        raise NotAuthenticated("Invalid or expired JWT", code="token_invalid") from None
    try:
        user_id, tenant_id, digest = (
            uuid.UUID(claims["sub"]),
            uuid.UUID(claims["tid"]),
            str(claims["pwh"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise NotAuthenticated("Malformed JWT payload", code="token_invalid") from None
    user = _USER.first(user_id, tenant_id)
    if (
        user is None
        or user.tenant is None
        or not constant_time_compare(digest, _digest_password(user))
    ):
        raise NotAuthenticated("Invalid or expired JWT", code="token_invalid")
    return Identity(user.tenant, user)


def _digest_password(user: User) -> str:
    key = settings.JWT_SECRET_KEY
    # The salt keeps its name wherever this module goes, and the first epoch adds nothing: JWTs hold such digests.
    told = f"{user.password}:{user.jwt_epoch}" if user.jwt_epoch else user.password
    return salted_hmac(
        "tenants.authentication.jwt", told, secret=key, algorithm="sha256"
    ).hexdigest()[:16]


def count_log_in(address: str, email: str) -> None:
    """Count one try to log in, anywhere, before it costs a hash: per address, and per address and e-mail.

    The tenant is in neither key, or the password of somebody who may enter several could be tried in each of them.
    Raises TooManyRequests, or LimiterUnavailable when it cannot be counted.
    """
    digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
    address = network_of(address)
    rate = parse_rate(settings.LOGIN_RATE)
    bounds = [
        Bound(f"logins:{address}", rate * _ACCOUNTS_PER_ADDRESS if rate else ""),
        Bound(f"login:{address}:{digest}", rate or ""),
    ]
    check(bounds, scope=PUBLIC_SCHEMA, redis_url=settings.REDIS_URL, fail_closed=True)


def log_in(
    email: str,
    password: str,
    tenant_slug: str | None = None,
    *,
    address: str,
    otp: str | None = None,
) -> User:
    """Check an e-mail and password over the tenants that know the e-mail (bounded), or in one tenant.

    An archived tenant is entered to read, where no active one takes the password. Raises NotAuthenticated without
    telling which part was wrong, or Forbidden once the password was right but the account or the tenant is disabled, or
    LockedOut. An unknown e-mail costs the time of a hash too.

    Who has a second factor gives a code of it, `otp`: without it NotAuthenticated (`otp_required`), with a wrong one
    CodeWrong. Who has to have one and has none is Forbidden (`second_factor_missing`).
    """
    candidates = User.objects.select_related("tenant").filter(
        email=normalise_email(email), tenant__isnull=False
    )
    if tenant_slug:
        candidates = candidates.filter(tenant__slug=tenant_slug)
    refusal: ProductError = NotAuthenticated("Invalid email or password", code="login_failed")
    in_order = candidates.order_by(_ACTIVE_FIRST, "created_at")[:_LOGIN_CANDIDATES]
    attempt = begin_attempt(email, address, in_order)
    if not attempt.accounts:
        make_password(password)
    for user in attempt.accounts:
        if not user.check_password(password):
            continue
        if user.is_active and user.tenant is not None and user.tenant.is_readable:
            attempt.succeed(user)
            require_password_log_in(user)
            _require_factor(user, otp)
            return user
        refusal = Forbidden(
            "Tenant is disabled" if user.is_active else "Account is disabled", code="disabled"
        )
    raise refusal


def require_password_log_in(user: User) -> None:
    """Raise Forbidden (`sso_required`) where a tenant has its people come in by its provider alone, but for owners."""
    if user.tenant is None or user.role == Role.OWNER:
        return
    if SsoProvider.objects.filter(tenant=user.tenant, is_active=True, is_required=True).exists():
        raise Forbidden("Log in with your company account here.", code="sso_required")


def _require_factor(user: User, otp: str | None) -> None:
    if user.has_second_factor:
        if not otp:
            raise NotAuthenticated(
                "The code of your second factor is needed: otp.", code="otp_required"
            )
        prove(user, otp)
    elif needs_factor(user):
        detail = "Everybody here has to have a second factor. Log in to the admin and set one up."
        raise Forbidden(detail, code="second_factor_missing")


def require_identity(request: HttpRequest) -> Identity:
    """Return who is calling, as the tenant middleware found out; raises what it raised."""
    outcome = getattr(request, "identity", None)
    if isinstance(outcome, Identity):
        return outcome
    raise outcome if isinstance(outcome, ProductError) else NotAuthenticated("Not authenticated")


def name_caller(request: Request) -> str:
    """The e-mail of who is calling, for what a row keeps of who made or decided it. Raises as `require_identity`."""
    return require_identity(request._request).user.email


class BearerAuthentication(BaseAuthentication):
    """DRF authentication over what the tenant middleware found out already."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken | None]:
        identity = require_identity(request._request)
        return identity.user, identity.token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class EmailBackend(BaseBackend):
    """Log-in of the admin sites: a tenant's admin takes its own users and platform operators, no others.

    Raises LockedOut, which the log-in form shows.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        email = username or kwargs.get("email")
        if request is None or not email or password is None:
            return None
        tenant = getattr(request, "tenant", None)
        home = (
            Q(tenant__isnull=True) if tenant is None else Q(tenant__isnull=True) | Q(tenant=tenant)
        )
        accounts = User.objects.filter(
            home, email=normalise_email(email), is_active=True
        ).select_related("tenant")
        attempt = begin_attempt(email, client_address(request), accounts.order_by("tenant"))
        if not attempt.accounts:
            make_password(password)
        found = next((user for user in attempt.accounts if user.check_password(password)), None)
        if found is not None:
            attempt.succeed(found)
            require_password_log_in(found)
        return found

    def get_user(self, user_id: uuid.UUID) -> User | None:
        return _BY_ID.first(user_id)
