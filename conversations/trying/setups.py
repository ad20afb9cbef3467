"""What an operator tries: a bot with other values, kept for an hour, for their sessions alone, never a change of it.

It is in the cache, under the tenant's name, with what became of the questions that were tried; the session has only its
name. Who may not enter the tenant any more has no use of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.utils.translation import gettext

from bots.configurations import with_configuration
from bots.models import BotProfile, ProviderCredential
from bots.providers.models import KEY_FACTS
from minirag.lib.errors import NotAuthenticated, NotFound
from tenants.context import require_tenant
from tenants.models import May, OperatorEntry, User

KEPT_SECONDS: Final = 3600


@dataclass(frozen=True)
class Setup:
    """`values` are those that differ from what is saved; `provider_ids` None: the keys that it has chosen."""

    bot_profile_id: str
    user_id: str
    values: dict[str, Any] = field(default_factory=dict)
    provider_ids: list[str] | None = None


def keep_setup(
    bot: BotProfile, user: User, values: Mapping[str, Any], providers: Sequence[ProviderCredential] | None
) -> str:  # fmt: skip
    """Keep what is to be tried; returns the name under which it is found."""
    ids = None if providers is None else [str(each.pk) for each in providers]
    name = secrets.token_urlsafe(24)
    cache.set(_key(name), asdict(Setup(str(bot.pk), str(user.pk), dict(values), ids)), KEPT_SECONDS)
    return name


def find_setup(name: str, bot_profile_id: UUID) -> Setup:
    """Raises NotAuthenticated (`session_expired`) where it is gone, or whose it was may not be here any more."""
    kept = cache.get(_key(name))
    setup = Setup(**kept) if kept else None
    if (
        setup is None
        or setup.bot_profile_id != str(bot_profile_id)
        or not _may_enter(setup.user_id)
    ):
        raise NotAuthenticated(gettext("This trial has ended."), code="session_expired")
    return setup


def _may_enter(user_id: str) -> bool:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None and user.is_superuser:  # for as long as they are in the tenant
        user.enters_as(OperatorEntry.objects.of(user, require_tenant()))
        return user.may(May.ASK)
    is_here = user is not None and user.tenant_id == require_tenant().pk
    return user is not None and is_here and user.may(May.ASK)


def set_up_bot(setup: Setup) -> BotProfile:
    """The bot as it is tried, never to be saved. Raises NotFound, and BadInput for values that it cannot have now."""
    bot = BotProfile.objects.with_scopes().with_keys().filter(pk=setup.bot_profile_id).first()
    if bot is None:
        raise NotFound(gettext("Bot profile not found"))
    trial = with_configuration(bot, setup.values)
    if setup.provider_ids is not None:
        rows = ProviderCredential.objects.filter(pk__in=setup.provider_ids).values(*KEY_FACTS)
        trial.key_rows = list(rows)
    return trial


def keep_result(setup_name: str, request_id: str, told: Mapping[str, Any]) -> None:
    cache.set(_key(setup_name, request_id), dict(told), KEPT_SECONDS)


def find_result(setup_name: str, request_id: str, user: User) -> dict[str, Any]:
    """What became of a question that this user tried. Raises NotFound."""
    setup = cache.get(_key(setup_name))
    told: dict[str, Any] | None = cache.get(_key(setup_name, request_id))
    if told is None or setup is None or setup["user_id"] != str(user.pk):
        raise NotFound(gettext("This trial has ended"))
    return told


def _key(*parts: str) -> str:
    return ":".join(("trial", *parts))
