"""Who a widget's visitor is, as the site's own server has signed it: a JWT by the bot's identity secret.

It is short-lived, good for one bot by its secret, and for the browser that showed it first: a copy of it in another
browser is refused. What is not right is refused; nobody is taken for anybody instead.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from django.conf import settings
from django.utils import timezone
from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

from bots.models import BotProfile
from conversations.models.chats import LONGEST_SUBJECT
from minirag.lib.errors import NotAuthenticated
from minirag.lib.redis_client import OPTIONS, connect
from minirag.lib.security.groups import Groups
from minirag.lib.security.limits import LimiterUnavailable
from tenants.context import scoped_name

LONGEST_LIFE: Final = timedelta(hours=1)
_SKEW: Final = timedelta(minutes=1)
_GROUPS: Final = TypeAdapter(Groups)


@dataclass(frozen=True)
class VisitorIdentity:
    """`subject` is the site's own word for the visitor; `signed_by` names the secret, without telling it."""

    subject: str
    groups: tuple[str, ...]
    expires_at: datetime
    signed_by: str


def read_identity(bot: BotProfile, token: str, visitor_id: str) -> VisitorIdentity:
    """Check a signed identity, in the bot's tenant.

    Raises NotAuthenticated (`identity_invalid`, `identity_expired`, `identity_used`), LimiterUnavailable.
    """
    for secret in bot.reveal_identity_secrets():
        try:
            claims = jwt.decode(
                token, secret, algorithms=["HS256"],
                options={"require": ["exp", "sub"], "verify_aud": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise NotAuthenticated(
                "The identity that the page gave has expired.", code="identity_expired"
            ) from None
        except jwt.InvalidTokenError:
            raise _invalid() from None
        found = _read_claims(bot, claims, name_secret(secret))
        _keep_to_one_visitor(token, visitor_id, found.expires_at)
        return found
    raise _invalid()


def name_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def _read_claims(bot: BotProfile, claims: dict[str, Any], signed_by: str) -> VisitorIdentity:
    subject, bot_id = claims["sub"], claims.get("aud", str(bot.pk))
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or "\0" in subject:
        raise _invalid()
    if bot_id != str(bot.pk):
        raise _invalid()
    try:
        groups = _GROUPS.validate_python(claims.get("groups", []))
        expires_at = datetime.fromtimestamp(claims["exp"], tz=timezone.get_default_timezone())
    except (ValidationError, ValueError, OverflowError, TypeError, OSError):
        raise _invalid() from None
    if expires_at > timezone.now() + LONGEST_LIFE + _SKEW:
        raise NotAuthenticated(
            "The identity that the page gave is good for more than an hour.",
            code="identity_invalid",
        )
    return VisitorIdentity(subject, tuple(groups), expires_at, signed_by)


def _keep_to_one_visitor(token: str, visitor_id: str, expires_at: datetime) -> None:
    """The first visitor who shows it is the one it is good for.

    It is known by what is signed: its signature can be written in several ways that are all read the same.
    """
    signed = token.rpartition(".")[0]
    name = scoped_name("identity", hashlib.sha256(signed.encode()).hexdigest())
    seconds = max(1, int((expires_at - timezone.now()).total_seconds()) + 1)
    try:
        with connect(settings.REDIS_URL, **OPTIONS) as redis:
            is_first = redis.set(name, visitor_id, ex=seconds, nx=True)
            known = visitor_id.encode() if is_first else redis.get(name)
    except RedisError:
        raise LimiterUnavailable("Who has used this identity cannot be told.") from None
    if known != visitor_id.encode():
        raise NotAuthenticated("Another browser has used this identity.", code="identity_used")


def _invalid() -> NotAuthenticated:
    return NotAuthenticated(
        "The identity that the page gave is not valid.", code="identity_invalid"
    )
