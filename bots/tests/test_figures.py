"""Figures of tenants are kept for the platform's list, which opens no tenant's schema."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from bots.models import BotProfile, UsageEvent
from bots.usage.figures import keep_figures
from bots.usage.rollup import roll_up_usage
from tenants.admin_site.sites import platform_site
from tenants.context import tenant_context
from tenants.models import Plan, Tenant, TenantDay, TenantFigures
from tests.test_admin import browser


def use(outcome: str, *, days: int = 0) -> None:
    bot = BotProfile.objects.first() or BotProfile.objects.create(
        name="B", model="minirag/extractive"
    )
    event = UsageEvent.objects.create(
        bot_profile=bot, model="m", outcome=outcome, cost_usd=Decimal("0.5"), total_tokens=1,
        prompt_tokens=1, completion_tokens=0,
    )  # fmt: skip
    UsageEvent.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=days))


def test_what_a_tenant_does_is_kept_by_day_and_shown_in_the_list(
    acme, globex, olga, django_assert_max_num_queries
):
    with tenant_context(acme.tenant):
        for outcome, days in (("answered", 0), ("failed", 0), ("answered", 3), ("answered", 45)):
            use(outcome, days=days)
        roll_up_usage()
        assert keep_figures() and not keep_figures(), "at most every ten minutes"
    kept = TenantFigures.objects.get()
    assert (kept.tenant_id, kept.turns, kept.failed, kept.cost_usd) == (
        acme.tenant.pk,
        3,
        1,
        Decimal("1.5"),
    )
    assert kept.bytes > 100_000 and kept.last_activity > timezone.now() - timedelta(minutes=5)
    assert TenantDay.objects.count() == 2
    with tenant_context(acme.tenant):
        keep_figures(at_once=True)
    assert TenantFigures.objects.get().turns == 3, "and added up once"
    operator = browser(olga.email)
    listed = operator.url(platform_site, Tenant, "changelist")
    with django_assert_max_num_queries(15):
        page = operator.get(f"{listed}?o=-4").content.decode()
    assert "$1.50" in page
    figures = operator.get(f"{listed}figures/").content.decode()
    assert "Who did most" in figures and "$1.50" in figures


def test_many_tenants_get_another_plan_after_a_look(acme, globex, olga):
    Plan.objects.create(key="gold", name="Gold")
    operator = browser(olga.email)
    listed = operator.url(platform_site, Tenant, "changelist")
    chosen = {
        "action": "plan_chosen",
        "_selected_action": [str(acme.tenant.pk), str(globex.tenant.pk)],
    }
    look = operator.post(listed, chosen).content.decode()
    assert "acme" in look and "globex" in look and not Tenant.objects.filter(plan="gold").exists()
    assert operator.post(listed, {**chosen, "post": "yes", "plan": "gold"}).status_code == 302
    assert Tenant.objects.filter(plan="gold").count() == 2
