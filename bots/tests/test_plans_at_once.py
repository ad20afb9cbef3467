"""Two take the last place of a plan in one moment, with real commits: one gets it, the other is told why not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections

from bots.models import BotProfile
from bots.profiles import create_bot, switch_bot
from knowledge.models import Source
from knowledge.sources.changing import create_source
from tenants.context import tenant_context
from tenants.models import Plan, Tenant
from tenants.plans.holding import NotInPlan

ROUNDS = 4


def at_once(tenant: Tenant, *acts: Callable[[], object]) -> int:
    """How many of these were refused for want of room."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> bool:
        try:
            with tenant_context(tenant):
                barrier.wait(60)
                act()
        except NotInPlan:
            return True
        finally:
            connections.close_all()
        return False

    with ThreadPoolExecutor(len(acts)) as pool:
        return sum(pool.map(run, acts))


def test_of_two_who_take_the_last_place_of_a_plan_one_is_refused(initech):
    initech.plan = "tiny"
    with tenant_context(None):
        Plan.objects.create(key="tiny", name="Tiny", most_bots=2, most_sources=2)
        Tenant.objects.filter(pk=initech.pk).update(plan="tiny")
    try:
        bot, off = create_bot({"name": "First"}), create_bot({"name": "Off"})
        text = {"bot_profile_id": bot.pk, "source_type": "text", "name": "A", "content": "Blue."}
        kept = create_source(text)
        for _ in range(ROUNDS):
            switch_bot(off, False)
            BotProfile.objects.exclude(pk=bot.pk).update(is_active=False)
            refused = at_once(
                initech, lambda: create_bot({"name": "Second"}), lambda: switch_bot(off, True),
                lambda: create_bot({"name": "Third"}),
            )  # fmt: skip
            assert (refused, BotProfile.objects.active().count()) == (2, 2)
            Source.objects.exclude(pk=kept.pk).delete()
            refused = at_once(initech, *[lambda: create_source(text)] * 3)
            assert (refused, Source.objects.count()) == (2, 2)
    finally:
        with tenant_context(None):
            Plan.objects.filter(key="tiny").delete()
