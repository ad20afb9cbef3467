"""Whether models answer: their keys are there, and the last calls were not refused for what an operator can mend."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from conversations.turns.troubles import Refusal, list_refusals
from minirag.lib.telling.kept_sentences import kept
from minirag.operations.findings import OK, WARN, Finding
from tenants.context import tenant_context
from tenants.models import Tenant, TenantDay, TenantStatus

_MOST_VISITED: Final = 20
_MOST_TOLD: Final = 3
_OURS: Final = kept("Pay the provider's bill or replace the platform's key in the environment.")
_THEIRS: Final = kept("The tenant's own key: its overview says so and leads to it.")


def check_provider() -> Finding:
    """Whether the default answering model has its key, and whether providers have refused what was asked with keys.

    Names of variables only, never a value.
    """
    model = settings.DEFAULT_LLM_MODEL
    named = sorted(
        name for name, value in os.environ.items() if name.endswith("_API_KEY") and value
    )
    keys = ", ".join(named) or "none"
    shown = kept(f"{model}; keys set: {keys}")
    if (refused := _tell_refusals()) is not None:
        return Finding("provider", WARN, f"{shown}; refused: {refused[0]}", refused[1])
    if model.startswith("minirag/"):
        return Finding("provider", OK, f"{shown} (none needed)")
    expected = f"{model.partition('/')[0] if '/' in model else 'openai'}_API_KEY".upper()
    if expected not in named:
        return Finding("provider", WARN, shown, f"Set {expected}, or a key on each bot.")
    return Finding("provider", OK, shown)


def _tell_refusals() -> tuple[str, str] | None:
    """Who is refused still, and what to do; the platform's own account first. None where nobody is."""
    try:
        found = [(tenant, each) for tenant in _list_suspects() for each in _list_refusals(tenant)]
    except DatabaseError:
        return None  # another part says so
    found.sort(key=lambda each: (not each[1].is_platforms, -each[1].last_at.timestamp()))
    if not found:
        return None
    told = [_describe(tenant, refusal) for tenant, refusal in found[:_MOST_TOLD]]
    more = " …" if len(found) > _MOST_TOLD else ""
    return "; ".join(told) + more, _OURS if found[0][1].is_platforms else _THEIRS


def _describe(tenant: Tenant, refusal: Refusal) -> str:
    slug, model, code = tenant.slug, refusal.bot.model, refusal.code
    when = f"{refusal.last_at:%Y-%m-%d %H:%M} UTC"
    if refusal.is_platforms:
        return kept(f"{slug} by {model} with the platform's key ({code}, last at {when})")
    return kept(f"{slug} by {model} with its own key ({code}, last at {when})")


def _list_suspects() -> list[Tenant]:
    """Tenants whose turns have failed, by the figures that are kept of them; so that nobody is visited without cause.

    They are ten minutes behind at most.
    """
    since = timezone.now().date() - timedelta(days=1)
    failed = TenantDay.objects.filter(day__gte=since, failed__gt=0).order_by("-day", "-failed")
    ids = list(dict.fromkeys(failed.values_list("tenant_id", flat=True)[: 2 * _MOST_VISITED]))
    tenants = Tenant.objects.filter(status=TenantStatus.ACTIVE).in_bulk(ids[:_MOST_VISITED])
    return list(tenants.values())


def _list_refusals(tenant: Tenant) -> list[Refusal]:
    with tenant_context(tenant):
        return list_refusals()
