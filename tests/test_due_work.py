"""The table of due work: written with what makes it due, read in one query, repaired at night, fair to every tenant."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from minirag import tasks
from minirag.tasks import DUTIES, Duty, do_due_work, repair_due_work, run_due_work
from tenants.context import require_tenant, tenant_context
from tenants.due import LEASE, MARGIN, DueKind, DueWork, claim_due, make_due, settle
from tenants.models import Tenant
from tenants.provisioning import erase_tenant, provision_tenant, restore_tenant, suspend_tenant
from tenants.tasks import TENANT_HEADER

KIND = DueKind.EXPORTS
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _nothing_else_is_due(db):
    DueWork.objects.all().delete()


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, str, list[int]]]:
    """What was published, as (tenant, kind, rows)."""
    messages: list[tuple[str, str, list[int]]] = []

    def publish(arguments, **_):
        messages.append((require_tenant().slug, *arguments))

    monkeypatch.setattr(do_due_work, "apply_async", publish)
    return messages


def remind(party, kind=KIND, **ago) -> None:
    """Make work of a tenant due so long ago."""
    with tenant_context(party.tenant):
        make_due({kind: timezone.now() - timedelta(**ago)})


def tick() -> int:
    with tenant_context(None):
        return run_due_work()


def receive(message, party) -> str:
    _, kind, row_ids = message
    headers = {TENANT_HEADER: str(party.tenant.pk)}
    return do_due_work.apply((kind, row_ids), headers=headers).state


# --- Writing ------------------------------------------------------------------------------------------------------


def test_what_is_rolled_back_was_never_due(in_acme):
    with pytest.raises(RuntimeError), transaction.atomic():
        make_due({KIND: timezone.now()})
        raise RuntimeError
    assert not DueWork.objects.exists()


def test_a_burst_writes_one_row_as_long_as_nobody_can_take_it_before_the_burst_is_committed(
    in_acme,
):
    at = timezone.now() + MARGIN + 30 * SECOND
    for _ in range(10):
        make_due({KIND: at})
    assert DueWork.objects.count() == 1
    make_due({KIND: timezone.now()})
    make_due({KIND: timezone.now()})
    assert DueWork.objects.count() == 3, "what is due at once may be gone before we have committed"


def test_a_row_that_somebody_has_taken_serves_nobody_else(in_acme):
    make_due({KIND: timezone.now() - SECOND})
    claim_due()
    make_due({KIND: timezone.now() + LEASE * 2})
    assert DueWork.objects.filter(claimed_until=None).count() == 1


def test_kinds_and_tenants_are_kept_apart(acme, globex, sent):
    remind(acme, seconds=5)
    remind(acme, DueKind.OLD_EXPORTS, seconds=5)
    remind(globex, seconds=5)
    assert tick() == 3
    assert sorted(message[:2] for message in sent) == [
        ("acme", "exports"), ("acme", "old_exports"), ("globex", "exports"),
    ]  # fmt: skip


def test_a_reminder_that_this_process_has_seen_standing_costs_no_query(
    in_acme, django_assert_num_queries, django_capture_on_commit_callbacks
):
    at = timezone.now() + timedelta(minutes=5)
    with django_capture_on_commit_callbacks(execute=True):
        make_due({KIND: at})
    with django_assert_num_queries(0):
        make_due({KIND: at + SECOND})
    with django_assert_num_queries(1):
        make_due({KIND: at - SECOND})
    with django_assert_num_queries(1):
        make_due({DueKind.OLD_EXPORTS: at})


# --- A tick -------------------------------------------------------------------------------------------------------


def test_a_tick_with_nothing_due_is_one_query_however_many_rows_wait(
    acme, globex, sent, django_assert_num_queries
):
    for party in (acme, globex):
        remind(party, hours=-1)
    tick()  # the connection leaves the tenant
    with django_assert_num_queries(1):
        assert tick() == 0
    assert not sent


def test_what_is_due_is_sent_once_and_again_when_its_worker_has_died(acme, sent):
    remind(acme, seconds=5)
    assert (tick(), tick()) == (1, 0)
    DueWork.objects.update(claimed_until=timezone.now() - SECOND)
    assert tick() == 1


def test_rows_of_one_kind_are_one_message(acme, sent):
    for seconds in (5, 6, 7):
        remind(acme, seconds=seconds)
    assert tick() == 1 and len(sent[0][2]) == 3


def test_a_queue_out_of_reach_leaves_the_rows_for_the_next_lease(acme, monkeypatch):
    def fail(*_, **__):
        raise OSError("no redis")

    monkeypatch.setattr(do_due_work, "apply_async", fail)
    remind(acme, seconds=5)
    assert tick() == 0 and DueWork.objects.count() == 1


def test_a_suspended_tenant_is_left_alone_and_looked_at_when_it_is_back(acme, sent):
    remind(acme, seconds=5)
    suspend_tenant(acme.tenant)
    assert tick() == 0 and not DueWork.objects.exists()
    restore_tenant(acme.tenant)
    assert {row.kind for row in DueWork.objects.all()} == set(DueKind.values)
    tick()
    assert {slug for slug, _, _ in sent} == {"acme"}


def test_an_erased_tenant_leaves_no_row(db):
    made = provision_tenant(
        name="Gone", slug="gone", owner_email="o@gone.example.com", owner_password="a long phrase"
    )
    with tenant_context(made.tenant):
        make_due({KIND: timezone.now()})
    erase_tenant(made.tenant)
    assert not DueWork.objects.exists()


def test_a_row_of_a_tenant_that_is_gone_is_dropped(db, sent):
    DueWork.objects.create(tenant_id=uuid.uuid4(), kind=KIND, due_at=timezone.now())
    assert tick() == 0 and not DueWork.objects.exists()


# --- The work -----------------------------------------------------------------------------------------------------


def test_done_work_removes_its_rows_and_says_when_there_is_more(acme, sent, monkeypatch):
    later = timezone.now() + timedelta(hours=3)
    monkeypatch.setitem(DUTIES, KIND, Duty(lambda: 1, lambda: later))
    remind(acme, seconds=5)
    tick()
    assert receive(sent[0], acme) == "SUCCESS"
    assert [row.due_at for row in DueWork.objects.all()] == [later]


def test_what_comes_due_while_the_work_is_done_is_not_lost(acme, sent, monkeypatch):
    def work() -> int:
        make_due({KIND: timezone.now()})
        return 1

    monkeypatch.setitem(DUTIES, KIND, Duty(work, lambda: None))
    remind(acme, seconds=5)
    tick()
    receive(sent[0], acme)
    assert DueWork.objects.filter(claimed_until=None).count() == 1


def test_work_that_fails_is_due_again_and_nobody_elses_waits_for_it(
    acme, globex, sent, monkeypatch
):
    def work() -> int:
        if require_tenant().slug == "acme":
            raise ProgrammingError("no such column")
        return 1

    monkeypatch.setitem(DUTIES, KIND, Duty(work, lambda: None))
    for party in (acme, globex):
        remind(party, seconds=5)
    tick()
    states = {slug: receive((slug, kind, rows), p) for slug, kind, rows in sent
              for p in (acme, globex) if p.slug == slug}  # fmt: skip
    assert states == {"acme": "FAILURE", "globex": "SUCCESS"}
    assert [row.tenant_id for row in DueWork.objects.all()] == [acme.tenant.pk]


def test_a_tenant_that_is_erased_in_the_middle_of_its_work_is_no_failure(db, sent, monkeypatch):
    made = provision_tenant(
        name="Gone", slug="gone", owner_email="o@gone.example.com", owner_password="a long phrase"
    )

    def work() -> int:
        erase_tenant(made.tenant)
        with tenant_context(None):
            Tenant.objects.get(pk=made.tenant.pk)
        return 1

    monkeypatch.setitem(DUTIES, KIND, Duty(work, lambda: None))
    remind(made, seconds=5)
    tick()
    assert receive(sent[0], made) == "REJECTED"


def test_settling_of_one_tenant_does_not_touch_anothers_rows(acme, globex):
    for party in (acme, globex):
        remind(party, seconds=5)
    claimed = claim_due()
    with tenant_context(acme.tenant):
        settle(claimed[acme.tenant.pk, KIND.value], KIND, None)
    assert [row.tenant_id for row in DueWork.objects.all()] == [globex.tenant.pk]


# --- The repair ---------------------------------------------------------------------------------------------------


def repair() -> int:
    with tenant_context(None):
        return repair_due_work()


def test_the_repair_writes_down_again_what_the_rows_say_and_nothing_twice(
    acme, globex, monkeypatch
):
    at = timezone.now() + timedelta(hours=3)
    monkeypatch.setattr(tasks, "DUTIES", {KIND: Duty(lambda: 0, lambda: at)})
    assert repair() >= 2
    count = DueWork.objects.count()
    assert repair() == 0 and DueWork.objects.count() == count


def test_a_tenant_that_cannot_be_repaired_does_not_keep_the_others_waiting(
    acme, globex, monkeypatch
):
    def look():
        if require_tenant().slug == "acme":
            raise ProgrammingError("no such column")
        return timezone.now()

    monkeypatch.setattr(tasks, "DUTIES", {KIND: Duty(lambda: 0, look)})
    repair()
    assert globex.tenant.pk in {row.tenant_id for row in DueWork.objects.all()}


def test_every_kind_has_a_duty_that_works_in_a_tenant_without_anything(in_acme):
    assert set(DUTIES) == set(DueKind)
    for duty in DUTIES.values():
        assert duty.run() == 0 and duty.next_due() is None
