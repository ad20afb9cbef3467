"""What must hold before we serve: secrets that are set, long enough and not an example's; rates that are rates; and a
way to PostgreSQL on which no tenant's rows can be mixed up with another's."""

from __future__ import annotations

from typing import Any

import psycopg
import structlog
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from bots.models import RefusalMode
from minirag.lib.security.rates import parse_rate
from minirag.lib.telling.kept_sentences import kept
from tenants.backend.proof import TenantsMayCross, require_proof

logger = structlog.get_logger(__name__)

_EXAMPLES = ("change-me", "changeme", "secret", "insecure", "example", "default")
_RATES = (
    "API_RATE", "CHAT_RATE", "TENANT_RATE", "ADDRESS_RATE", "VISITOR_RATE", "WIDGET_RATE", "LOGIN_RATE", "SIGNUP_RATE",
    "PASSWORD_RESET_RATE", "LOGIN_LOCKOUT",
)  # fmt: skip
_MIN_LENGTH = 32  # RFC 7518 section 3.2: an HS256 key has at least 256 bits


def find_secret_faults(*, always: bool = False) -> list[str]:
    """Return a sentence for each secret that is missing, too short or a known example; empty under DEBUG, unless
    `always`.
    """
    if settings.DEBUG and not always:
        return []
    faults = []
    for name in ("SECRET_KEY", "JWT_SECRET_KEY"):
        value = _read_secret(name)
        if not value:
            faults.append(kept(f"{name} is not set."))
        elif len(value) < _MIN_LENGTH or any(word in value.lower() for word in _EXAMPLES):
            faults.append(kept(f"{name} is an example or shorter than {_MIN_LENGTH} characters."))
    if not settings.ENCRYPTION_KEYS:
        faults.append(kept("ENCRYPTION_KEY is not set."))
    for key in settings.ENCRYPTION_KEYS:
        try:
            Fernet(key)
        except ValueError:
            faults.append(
                "ENCRYPTION_KEY holds a value that is no Fernet key (32 bytes in URL-safe base64)."
            )
    return faults


def _read_secret(name: str) -> str:
    try:
        return getattr(settings, name) or ""
    except (
        ImproperlyConfigured
    ):  # Django's own words for an empty SECRET_KEY, said before we can name the others
        return ""


def require_secrets() -> None:
    """Refuse to start a server or a worker; raises ImproperlyConfigured that names each variable."""
    faults = find_secret_faults()
    if faults:
        raise ImproperlyConfigured(
            " ".join(faults) + " See .env.example, or let `manage.py up` make them."
        )


def require_tenants_apart() -> None:
    """Refuse to start where a pooler would mix tenants; raises ImproperlyConfigured.

    A server that does not answer yet is not a reason to refuse: nothing is read before the proof is made.
    """
    try:
        require_proof(connection.get_connection_params())
    except TenantsMayCross as error:
        raise ImproperlyConfigured(str(error)) from error
    except psycopg.OperationalError as error:
        said = (str(error).strip().splitlines() or [""])[0][:300]
        logger.warning("PostgreSQL does not answer yet", error=type(error).__name__, said=said)


@register(Tags.security)
def check_secrets(app_configs: Any, **kwargs: Any) -> list[Error]:
    return [
        Error(fault, hint="See .env.example.", id="minirag.E001") for fault in find_secret_faults()
    ]


@register()
def check_rates(app_configs: Any, **kwargs: Any) -> list[Error]:
    faults = []
    for name in _RATES:
        try:
            parse_rate(getattr(settings, name))
        except ValueError as error:
            faults.append(
                Error(
                    f"{name}: {error}",
                    hint="For example 60/minute, or 0 for none.",
                    id="minirag.E002",
                )
            )
    return faults


@register()
def check_refusal_mode(app_configs: Any, **kwargs: Any) -> list[Error]:
    if settings.DEFAULT_REFUSAL_MODE in RefusalMode.values:
        return []
    hint = f"One of {', '.join(RefusalMode.values)}."
    return [Error("DEFAULT_REFUSAL_MODE is none of them.", hint=hint, id="minirag.E003")]
