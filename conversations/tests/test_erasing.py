"""A chat, or all of a visitor, is deleted for good; what was spent stays counted, and other tenants' stay."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from bots.models import Quota, UsageEvent
from bots.quotas.counting import find_standings
from conversations.exports.jobs import claim_job, run_job
from conversations.exports.models import ExportJob, ExportPart, ExportStatus, ExportType
from conversations.following.journal import add_end, read_kept
from conversations.models import Chat, Message
from conversations.tests.test_api_chat import post_chat
from conversations.turns import recording
from minirag.lib.jobs.job import ClaimLost
from tenants.context import tenant_context
from tenants.models import AuditEvent
from tests.test_admin import browser


def forget(client: Client, **whom: str):
    return client.post("/v1/visitors/forget", whom, content_type="application/json")


@pytest.fixture
def asked(acme, acme_bot, model) -> Chat:
    model.enqueue("It lasts 36 months [1].")
    post_chat(acme, {"bot_profile_id": str(acme_bot.pk), "message": "How long is the warranty?"})
    return Chat.objects.get()


def test_a_chat_is_deleted_and_what_it_cost_is_not(acme, globex, asked, as_acme, as_globex, as_bob):
    path = f"/v1/chat/{asked.pk}"
    assert as_globex.delete(path).status_code == 404
    assert as_bob.delete(path).json()["code"] == "role_forbidden"
    assert as_acme.delete(path).status_code == 204 and as_acme.delete(path).status_code == 404
    assert not Chat.objects.exists() and not Message.objects.exists()
    assert UsageEvent.objects.filter(chat_id=asked.pk).exists()
    written = json.dumps(list(AuditEvent.objects.filter(action="chat.deleted").values("detail")))
    assert str(asked.pk) in written and "warranty" not in written


def test_all_chats_of_a_visitor_are_deleted(acme, globex, acme_bot, globex_bot, as_acme, as_bob):
    made = [("one-visitor", ""), ("one-visitor", "kim"), ("other-one", "kim"), ("other-one", "")]
    for visitor, subject in made:
        Chat.objects.create(bot_profile=acme_bot, visitor_id=visitor, subject=subject)
    Chat.objects.create(bot_profile=acme_bot, title="a server's")
    with tenant_context(globex.tenant):
        Chat.objects.create(bot_profile=globex_bot, visitor_id="one-visitor", subject="kim")
    assert forget(as_bob, visitor_id="one-visitor").status_code == 403
    for nobody in ({}, {"visitor_id": "", "subject": ""}, {"visitor_id": "x" * 65}):
        assert forget(as_acme, **nobody).status_code == 422
    assert forget(as_acme, subject="kim").json()["deleted"] == 2
    assert forget(as_acme, visitor_id="one-visitor").json()["deleted"] == 1
    assert forget(as_acme, visitor_id="one-visitor").status_code == 404
    assert sorted(Chat.objects.values_list("visitor_id", flat=True)) == ["", "other-one"]
    with tenant_context(globex.tenant):
        assert Chat.objects.count() == 1


def test_a_manager_deletes_on_the_page_and_a_member_cannot(acme, bob, acme_bot):
    chats = [Chat.objects.create(bot_profile=acme_bot, visitor_id="one-visitor") for _ in range(3)]
    path = f"/admin/conversations/chat/{chats[0].pk}/"
    assert browser(bob.email, "acme").post(f"{path}delete_chat/").status_code == 403
    owner = browser(acme.owner.email, "acme")
    assert "Delete this chat?" in owner.get(f"{path}delete_chat/").content.decode()
    assert Chat.objects.count() == 3
    owner.post(f"{path}delete_chat/")
    assert Chat.objects.count() == 2
    owner.post(f"/admin/conversations/chat/{chats[1].pk}/delete_visitor/")
    assert not Chat.objects.exists()


def test_exports_that_may_hold_what_was_said_go_with_it(acme, asked, as_acme):
    """A file that is there is kept no longer; one that is being written begins again."""
    written, running, spent = (
        ExportJob.objects.order(export_type=kind)
        for kind in (ExportType.MESSAGES, ExportType.CHATS, ExportType.USAGE)
    )
    for job in (written, running, spent):
        run_job(claim_job(job.pk))
    ExportJob.objects.filter(pk=running.pk).update(status=ExportStatus.RUNNING)
    before = ExportJob.objects.get(pk=running.pk)
    as_acme.delete(f"/v1/chat/{asked.pk}")
    assert set(ExportPart.objects.values_list("job_id", flat=True)) == {spent.pk}
    assert as_acme.get(f"/v1/exports/{written.pk}/download").status_code == 410
    again = ExportJob.objects.get(pk=running.pk)
    assert (again.status, again.part_count, again.position) == (ExportStatus.PENDING, 0, None)
    with pytest.raises(ClaimLost):
        before.beat()
    run_job(claim_job(running.pk))
    assert ExportJob.objects.get(pk=running.pk).status == ExportStatus.SUCCEEDED
    assert as_acme.get(f"/v1/exports/{spent.pk}/download").status_code == 200


def test_nothing_is_kept_of_the_turns_of_a_chat_that_is_deleted(
    acme, asked, as_acme, django_capture_on_commit_callbacks
):
    turn = asked.messages.first()
    told = [(1, "delta", {"content": "It lasts 36 months"})]
    add_end(acme.tenant.schema_name, turn.pk, told, ("done", {"content": "It lasts 36 months"}))
    assert read_kept(acme.tenant.schema_name, turn.pk)
    with django_capture_on_commit_callbacks(execute=True):
        as_acme.delete(f"/v1/chat/{asked.pk}")
    assert not read_kept(acme.tenant.schema_name, turn.pk)


def test_what_a_turn_had_spent_when_its_chat_was_deleted_is_counted(
    acme, acme_bot, model, monkeypatch
):
    quota = Quota.objects.create(resource="tokens", period="month", limit=10_000)

    def delete_first(turn, answer):
        Chat.objects.filter(pk=turn.chat.pk).delete()
        return recording.close_turn(turn, answer)

    monkeypatch.setattr("conversations.turns.taking.close_turn", delete_first)
    model.enqueue("It lasts 36 months [1].")
    body = {"bot_profile_id": str(acme_bot.pk), "message": "How long is the warranty?"}
    _, content = post_chat(acme, body)
    assert "turn_closed" in content
    assert find_standings([quota])[quota.pk].used > 0 and UsageEvent.objects.exists()
