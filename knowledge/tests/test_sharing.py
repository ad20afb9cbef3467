"""Workers are shared: what one tenant has queued or running leaves a process to the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.models import BotProfile
from bots.quotas import sharing
from bots.quotas.sharing import find_share, note_processes
from knowledge import tasks
from knowledge.models import Source
from knowledge.tests.conftest import make_source
from tenants.context import tenant_context
from tenants.models import Tenant


@pytest.fixture(autouse=True)
def two_processes(monkeypatch):
    monkeypatch.setattr(sharing, "_processes", [2])


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(
        tasks.ingest_source, "apply_async", lambda arguments, **options: sent.append(arguments[0])
    )
    return sent


@pytest.fixture
def queued(bot, sent) -> list[Source]:
    """Three sources of acme that wait for a worker."""
    sources = [make_source(bot, "# A\n\nText.", name=f"S{n}") for n in range(3)]
    for source in sources:
        tasks.queue_ingestion(source)
    sent.clear()
    return sources


def status_of(source: Source) -> str:
    source.refresh_from_db()
    return source.status


def test_a_tenant_does_not_take_the_last_process(queued, sent):
    first, second, third = queued
    held = Source.objects.claim(first.pk)
    tasks.ingest_source.run(str(second.pk))
    assert status_of(second) == "pending" and second.queued_at is not None
    held.finish()
    tasks.ingest_source.run(str(second.pk))
    assert status_of(second) == "ready"
    assert status_of(third) == "ready" and not sent, "the same turn goes on with what waits"


def test_another_tenants_source_finds_the_process_that_is_left(queued, sent, globex):
    Source.objects.claim(queued[0].pk)
    with tenant_context(globex.tenant):
        bot = BotProfile.objects.create(name="Gardener", embedding_model="minirag/hash")
        source = make_source(bot, "# Roses\n\nPrune them.")
        tasks.queue_ingestion(source)
        tasks.ingest_source.run(str(source.pk))
        assert status_of(source) == "ready"


def test_a_worker_that_died_takes_nothing_of_the_share(queued):
    Source.objects.claim(queued[0].pk, now=timezone.now() - timedelta(minutes=2))
    tasks.ingest_source.run(str(queued[1].pk))
    assert status_of(queued[1]) == "ready"


def test_the_only_active_tenant_has_all_processes(queued, globex):
    Tenant.objects.filter(pk=globex.tenant.pk).update(status="suspended")
    Source.objects.claim(queued[0].pk)
    tasks.ingest_source.run(str(queued[1].pk))
    assert status_of(queued[1]) == "ready"


def test_the_share_is_what_is_set_or_what_leaves_one_process(acme, in_acme, settings, monkeypatch):
    assert Tenant.objects.filter(status="active").count() >= 2
    shares = {}
    for processes in (1, 2, 4):
        note_processes(processes)
        shares[processes] = find_share()
    assert shares == {1: 1, 2: 1, 4: 3}
    settings.LONG_JOBS_PER_TENANT = 6
    assert find_share() == 6
    monkeypatch.setattr(sharing, "_processes", [])
    assert find_share() == 6
    settings.LONG_JOBS_PER_TENANT = 0
    assert find_share() is None, "outside of a worker nobody waits for anybody"
