"""Notes and tags on chats, the reading view, and exports of the filtered list."""

from __future__ import annotations

import csv
import io
import json
from uuid import UUID

import pytest
from django.test import Client

from conversations.annotating.changing import MOST_TAGS, clean_tags
from conversations.exports.jobs import claim_job, run_job
from conversations.exports.models import ExportJob
from conversations.models import Chat, ChatNote, ChatTag, Trait
from conversations.tests.test_api_chat import ask
from conversations.tests.test_chat_list import listed, make_chat, shown
from conversations.tests.test_export_jobs import sent
from minirag.lib.errors import BadInput
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent
from tests.test_admin import browser

__all__ = ["sent"]

JSON = {"content_type": "application/json"}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def chat(in_acme) -> Chat:
    return make_chat("A question")


def test_notes_and_tags_over_the_api_say_who_wrote_them_and_when(acme, as_acme, chat):
    path = f"/v1/chat/{chat.pk}"
    note = as_acme.post(f"{path}/notes", {"text": f" Call back {SCRIPT} "}, **JSON).json()
    assert (note["text"], note["author_email"]) == (f"Call back {SCRIPT}", acme.owner.email)
    assert as_acme.get(f"{path}/notes").json() == [note]
    tags = as_acme.put(f"{path}/tags", {"tags": ["Refund", "refund", " two  words"]}, **JSON).json()
    assert [(each["name"], each["added_by"]) for each in tags] == [
        ("refund", acme.owner.email), ("two words", acme.owner.email),
    ]  # fmt: skip
    other = make_chat("Another")
    as_acme.put(f"/v1/chat/{other.pk}/tags", {"tags": ["refund"]}, **JSON)
    assert as_acme.get("/v1/chat-tags?q=RE").json() == [{"name": "refund", "chats": 2}]
    assert sorted(listed(as_acme, tag="Refund")) == ["A question", "Another"]
    assert as_acme.put(f"{path}/tags", {"tags": []}, **JSON).json() == []
    assert listed(as_acme, tag="refund") == ["Another"] and listed(as_acme, tag="two words") == []
    assert as_acme.delete(f"{path}/notes/{note['id']}").status_code == 204
    assert as_acme.delete(f"{path}/notes/{note['id']}").status_code == 404
    logged = AuditEvent.objects.filter(tenant_slug="acme", action__startswith="chat")
    acts = set(logged.values_list("action", flat=True))
    assert {"chat_note.created", "chat_note.deleted", "chat.tagged"} <= acts
    assert "Call back" not in str(list(logged.values_list("detail", flat=True)))
    Chat.objects.filter(pk=other.pk).delete()
    assert not ChatTag.objects.exists()


def test_bad_tags_and_notes_are_refused(as_acme, chat):
    for tags in (["a,b"], ["x" * 51], [" "], ["\u202e"], [f"t{n}" for n in range(MOST_TAGS + 1)]):
        with pytest.raises(BadInput):
            clean_tags(tags)
        answer = as_acme.put(f"/v1/chat/{chat.pk}/tags", {"tags": tags}, **JSON)
        assert answer.status_code in (400, 422), tags
    for text in ("", "   ", "x" * 4_001):
        answer = as_acme.post(f"/v1/chat/{chat.pk}/notes", {"text": text}, **JSON)
        assert answer.status_code in (400, 422), text
    assert not ChatTag.objects.exists() and not ChatNote.objects.exists()


def test_a_widgets_token_and_the_other_tenant_read_no_notes(acme, as_globex, chat):
    ChatNote.objects.create(chat=chat, text="internal")
    _, secret = ApiToken.objects.mint(
        user=acme.owner, name="widget", bot_profile_id=chat.bot_profile_id
    )
    bound = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert bound.get("/v1/chat", {"tag": "a"}).json()["code"] == "token_restricted"
    for client, code in ((bound, 403), (as_globex, 404)):
        for path in ("notes", "tags"):
            assert client.get(f"/v1/chat/{chat.pk}/{path}").status_code == code
    exported = Client(**acme.bearer).get(f"/v1/chat/{chat.pk}/export")
    assert "internal" not in b"".join(exported).decode()


def test_the_page_of_a_chat_takes_notes_and_tags_and_tells_times(acme, acme_bot, model):
    model.enqueue("**36** months [1].")
    answered = ask(acme, acme_bot)[1]
    path = f"/admin/conversations/chat/{answered['chat_id']}/"
    alice = browser("alice@acme.example.com", "acme")
    assert alice.post(f"{path}note/", {"note": SCRIPT}).status_code == 302
    assert alice.post(f"{path}tags/", {"tags": "refund, Urgent,"}).status_code == 302
    page = alice.get(f"{path}change/").content.decode()
    assert SCRIPT not in page and "&lt;script&gt;" in page and "refund, urgent" in page
    assert all(
        label in page for label in ("Understanding", "Search", "First token", "Whole answer")
    )
    assert 'data-citation="1"' in page and "minirag/thread.js" in page
    note = ChatNote.objects.get()
    assert alice.post(f"{path}note/{note.pk}/delete/").status_code == 302
    assert not ChatNote.objects.exists() and alice.get(f"{path}note/").status_code == 405
    assert "Test" not in shown(alice, tag="refund") and len(shown(alice, tag="refund")) == 1


def test_the_filtered_list_is_exported_with_what_stands_beside_it(acme, in_acme, as_acme):
    needle = make_chat('=HYPERLINK("x")', said="=1+1", language="de", traits=[Trait.DISLIKED])
    ChatTag.objects.create(chat=needle, name="refund")
    make_chat("hay", language="de")
    alice = browser("alice@acme.example.com", "acme")
    page = alice.get("/admin/conversations/chat/?feedback=negative").content.decode()
    assert "/chat/export/?feedback=negative" in page
    address = "/admin/conversations/chat/export/?feedback=negative&language=de&tag=refund"
    assert "1 chat fits" in alice.get(address).content.decode()
    files = {}
    for kind, form in (("chats", "csv"), ("messages", "csv"), ("chats", "jsonl")):
        answer = alice.post(address, {"export_type": kind, "format": form})
        job = ExportJob.objects.get(pk=UUID(answer["Location"].rstrip("/").split("/")[-2]))
        run_job(claim_job(job.pk))
        files[kind, form] = b"".join(as_acme.get(f"/v1/exports/{job.pk}/download")).decode()
    [row] = csv.DictReader(io.StringIO(files["chats", "csv"]))
    assert (row["chat_id"], row["title"]) == (str(needle.pk), '\'=HYPERLINK("x")')
    assert (json.loads(row["traits"]), json.loads(row["tags"])) == (["disliked"], ["refund"])
    [said] = csv.DictReader(io.StringIO(files["messages", "csv"]))
    assert said["content"] == "'=1+1"
    assert json.loads(files["chats", "jsonl"])["tags"] == ["refund"]
    assert AuditEvent.objects.filter(action="export.created").count() == 3
    wrong = alice.get("/admin/conversations/chat/export/?feedback=loud")
    assert wrong.status_code == 302
    body = {"export_type": "chats", "filters": {"chats": {"feedback": "loud"}}}
    assert as_acme.post("/v1/exports", body, **JSON).status_code == 422
    body["filters"]["chats"] = {"nonsense": 1}
    assert as_acme.post("/v1/exports", body, **JSON).status_code == 422
    usage = {"export_type": "usage", "filters": {"chats": {"language": "de"}}}
    assert as_acme.post("/v1/exports", usage, **JSON).json()["code"] == "filter_unknown"
    with tenant_context(acme.tenant):
        assert ExportJob.objects.count() == 3
