"""Two people at one thing: the later is told, keeps what they wrote, and decides; over the API with `If-Match`.

Alice has a page open; meanwhile Ann, an admin of acme too, changes the same row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.urls import set_urlconf
from selectolax.lexbor import LexborHTMLParser

from bots.models import BotProfile
from conftest import PASSWORD, Party
from conversations.models import Gap
from knowledge import tasks
from knowledge.corrections.changing import change_chunk
from knowledge.datasets.changing import create_dataset
from knowledge.edits.changing import change_document
from knowledge.models import BotDataset, Correction, CuratedAnswer, Dataset, Source
from knowledge.tests.conftest import make_bot, teach
from minirag.pages.reference import api_document
from tenants.admin_site.meanwhile import GuardedModelForm, GuardedRowForm
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.audit import acting
from tenants.models import Role, User
from tests.test_admin import Browser, alice, browser, rows
from webhooks.models import Webhook

__all__ = ["alice", "rows"]
JSON = "application/json"
UNTAGGED = (  # a list, or said in the body which row is meant
    "/v1/chat/{chat_id}/tags",
)


@contextmanager
def tenant_pages() -> Iterator[None]:
    """As inside a request to a tenant's host or path: a form may lead to its pages."""
    set_urlconf(settings.TENANT_URLCONF)
    try:
        yield
    finally:
        set_urlconf(None)


@pytest.fixture
def ann(acme: Party) -> Browser:
    User.objects.create_user(
        "ann@acme.example.com", PASSWORD, tenant=acme.tenant, role=Role.ADMIN, display_name="Ann"
    )
    return browser("ann@acme.example.com", "acme")


@pytest.fixture
def taught(in_acme: Party, monkeypatch) -> Source:
    for task in (tasks.ingest_source, tasks.apply_edit):
        monkeypatch.setattr(task, "apply_async", lambda *_, **__: None)
    return teach(make_bot())


def read_form(response: Any) -> dict[str, Any]:
    """What a browser would send if nothing were changed."""
    assert response.status_code == 200
    found: dict[str, Any] = {}
    for field in LexborHTMLParser(response.content.decode()).css(
        "#content-main form input, #content-main form textarea, #content-main form select"
    ):
        name, kind = field.attributes.get("name"), field.attributes.get("type")
        if not name or kind in ("submit", "file") or name == "csrfmiddlewaretoken":
            continue
        if kind in ("checkbox", "radio"):
            if "checked" in field.attributes:
                found[name] = field.attributes.get("value") or "on"
        elif field.tag == "select":
            chosen = [o for o in field.css("option") if "selected" in o.attributes]
            found[name] = [o.attributes.get("value") or "" for o in chosen]
        else:
            found[name] = (
                field.text() if field.tag == "textarea" else field.attributes.get("value") or ""
            )
    return found


PAGES = [
    (BotProfile, "system_prompt", "greeting"),
    (Source, "description", "name"),
    (CuratedAnswer, "answer", "title"),
    (Webhook, "description", "url"),
]


class TestPages:
    @pytest.mark.parametrize("model, field, other", PAGES)
    def test_the_second_to_save_sees_what_the_first_did_and_keeps_their_own(
        self, alice, ann, rows, model, field, other
    ):
        url = alice.url(tenant_site, model, "change", rows[model].pk)
        mine, hers = read_form(alice.get(url)), read_form(ann.get(url))
        assert ann.post(url, hers | {field: "What Ann wrote"}).status_code == 302

        answer = alice.post(url, mine | {field: "What Alice wrote"})
        assert answer.status_code == 200
        shown = answer.content.decode()
        assert "ann@acme.example.com" in shown and "nothing is saved yet" in shown
        assert "What Ann wrote" in shown and "What Alice wrote" in shown
        assert getattr(model.objects.get(pk=rows[model].pk), field) == "What Ann wrote"

        again = alice.post(url, read_form(answer))
        assert again.status_code == 302, again.context["adminform"].form.errors
        assert getattr(model.objects.get(pk=rows[model].pk), field) == "What Alice wrote"

    def test_what_the_second_did_not_touch_is_not_turned_back(self, alice, ann, rows):
        url = alice.url(tenant_site, BotProfile, "change", rows[BotProfile].pk)
        mine = read_form(alice.get(url))
        assert ann.post(url, mine | {"greeting": "Hello!", "passage_count": "7"}).status_code == 302
        answer = alice.post(url, mine | {"system_prompt": "Be short."})
        shown = read_form(answer)
        assert "Save again to keep both" in answer.content.decode()
        assert (shown["greeting"], shown["passage_count"]) == ("Hello!", "7")
        assert alice.post(url, shown).status_code == 302
        bot = BotProfile.objects.get(pk=rows[BotProfile].pk)
        assert (bot.greeting, bot.passage_count, bot.system_prompt) == ("Hello!", 7, "Be short.")

    def test_saving_what_nobody_else_changed_is_saving(self, alice, rows):
        """Nothing that a page shows differs from itself, whatever kind of field it is."""
        for model, admin in tenant_site._registry.items():
            if model not in rows or not issubclass(admin.form, GuardedModelForm):
                continue
            response = alice.get(alice.url(tenant_site, model, "change", rows[model].pk))
            sent = read_form(response) if response.status_code == 200 else {}
            if "seen_values" in sent:
                form = response.context["adminform"].form
                with tenant_pages():
                    again = type(form)(sent, instance=form.instance)
                again.is_valid()
                assert "nothing is saved" not in str(again.errors), (model, again.errors)

    def test_what_the_product_keeps_on_the_row_is_no_change_of_anybody(self, alice, rows):
        url = alice.url(tenant_site, Source, "change", rows[Source].pk)
        mine = read_form(alice.get(url))
        Source.objects.filter(pk=rows[Source].pk).first().save()
        assert alice.post(url, mine | {"name": "Renamed"}).status_code == 302

    @pytest.mark.parametrize("seen", ["", "[]", "{", '{"name": 5}', "[" * 3000, "x" * 60_000])
    def test_what_is_no_fingerprint_is_taken_for_none(self, alice, rows, seen):
        url = alice.url(tenant_site, Source, "change", rows[Source].pk)
        sent = read_form(alice.get(url)) | {"name": "Renamed", "seen_values": seen}
        assert alice.post(url, sent).status_code == 302

    def test_a_documents_text(self, alice, taught):
        document = taught.documents.get()
        url = f"/admin/knowledge/document/{document.pk}/edit_text/"
        mine = read_form(alice.get(url))
        with acting("ann@acme.example.com"):
            change_document(document.pk, {"content": "Open from 7."})
        answer = alice.post(url, mine | {"content": "Open from 6."})
        shown = answer.content.decode()
        assert "ann@acme.example.com" in shown and "Open from 7." in shown
        assert read_form(answer)["content"].strip() == "Open from 6."
        assert alice.post(url, read_form(answer)).status_code == 302

    def test_a_chunk(self, alice, taught):
        chunk = taught.chunks.first()
        url = f"/admin/knowledge/chunk/{chunk.pk}/correct/"
        mine = read_form(alice.get(url))
        with acting("ann@acme.example.com"):
            change_chunk(chunk.pk, {"content": "What Ann wrote."}, author="ann@acme.example.com")
        correction = Correction.objects.get()
        url = f"/admin/knowledge/correction/{correction.pk}/change_text/"
        answer = alice.post(url, mine | {"content": "What Alice wrote."})
        shown = answer.content.decode()
        assert "ann@acme.example.com" in shown and "What Ann wrote." in shown
        assert alice.post(url, read_form(answer)).status_code == 302
        assert Correction.objects.get().content == "What Alice wrote."

    def test_a_row_on_the_page_of_another(self, alice, ann, rows):
        bot, dataset = rows[BotProfile], create_dataset({"name": "Shared"})
        BotDataset.objects.create(bot_profile=bot, dataset=dataset, priority=1)
        url = alice.url(tenant_site, Dataset, "change", dataset.pk)
        mine, hers = read_form(alice.get(url)), read_form(ann.get(url))
        assert ann.post(url, hers | {"bot_links-0-priority": "7"}).status_code == 302

        answer = alice.post(url, mine | {"bot_links-0-priority": "3", "name": "Ours"})
        shown = answer.content.decode()
        assert answer.status_code == 200 and "ann@acme.example.com" in shown
        assert "nothing is saved yet" in shown and "Priority 7" in shown
        link = BotDataset.objects.get(dataset=dataset)
        assert (link.priority, link.dataset.name) == (7, "Shared")
        assert alice.post(url, read_form(answer)).status_code == 302
        link = BotDataset.objects.get(dataset=dataset)
        assert (link.priority, link.dataset.name) == (3, "Ours")

        untouched = read_form(alice.get(url))
        BotDataset.objects.update(priority=9)
        shown = read_form(alice.post(url, untouched | {"description": "Of all."}))
        assert shown["bot_links-0-priority"] == "9" and shown["description"] == "Of all."
        assert alice.post(url, shown).status_code == 302
        assert BotDataset.objects.get(dataset=dataset).priority == 9

    def test_an_answer_to_a_gap(self, alice, ann, rows):
        gap = rows[Gap]
        url = f"/admin/conversations/gap/{gap.pk}/answer/"
        mine, hers = read_form(alice.get(url)), read_form(ann.get(url))
        said = {"questions": "What is blue?", "answer": "The sky."}
        assert ann.post(url, hers | said).status_code == 302
        other = {"questions": "And what is red?", "answer": "The rose."}
        answer = alice.post(url, mine | other)
        assert answer.status_code == 200 and not CuratedAnswer.objects.filter(answer="The rose.")
        shown = answer.content.decode()
        assert "ann@acme.example.com" in shown and "The rose." in shown
        assert alice.post(url, read_form(answer)).status_code == 302
        assert CuratedAnswer.objects.filter(answer="The rose.").exists()

    @pytest.mark.parametrize("site", [tenant_site, platform_site])
    def test_every_form_of_a_row_is_guarded(self, site):
        assert site._registry
        for admin in site._registry.values():
            assert issubclass(admin.form, GuardedModelForm), admin
            for inline in admin.inlines:
                assert issubclass(inline.form, GuardedRowForm), inline


class TestApi:
    def test_a_change_counts_only_on_what_was_read(self, as_acme, rows):
        url = f"/v1/bot-profiles/{rows[BotProfile].pk}"
        read = as_acme.get(url)
        tag = read["ETag"]
        changed = as_acme.patch(url, {"name": "First"}, JSON, HTTP_IF_MATCH=tag)
        assert changed.status_code == 200 and changed["ETag"] not in ("", tag)
        late = as_acme.patch(url, {"name": "Second"}, JSON, HTTP_IF_MATCH=tag)
        assert (late.status_code, late.json()["code"]) == (409, "changed_meanwhile")
        assert as_acme.get(url).json()["name"] == "First"
        for now in (changed["ETag"], f'W/"x", {changed["ETag"]}', "*"):
            assert as_acme.patch(url, {}, JSON, HTTP_IF_MATCH=now).status_code == 200
        assert as_acme.patch(url, {"name": "Third"}, JSON).status_code == 200
        gone = as_acme.delete(url, HTTP_IF_MATCH=tag)
        assert gone.json()["code"] == "changed_meanwhile"

    def test_documents_and_chunks(self, as_acme, taught):
        document, chunk = taught.documents.get(), taught.chunks.first()
        for url, first, second in (
            (f"/v1/chunks/{chunk.pk}", {"note": "A.", "is_pinned": True}, {"is_off": True}),
            (f"/v1/documents/{document.pk}", {"content": "A."}, {"content": "B."}),
        ):
            tag = as_acme.get(url)["ETag"]
            done = as_acme.patch(url, first, JSON, HTTP_IF_MATCH=tag)
            assert done.status_code == 200, done.content
            assert as_acme.get(url)["ETag"] == done["ETag"] != tag
            late = as_acme.patch(url, second, JSON, HTTP_IF_MATCH=tag)
            assert late.json()["code"] == "changed_meanwhile"

    def test_what_is_put_in_place_of_what_was(self, as_acme, rows):
        url = f"/v1/bot-profiles/{rows[BotProfile].pk}/handoff-rules"
        assert as_acme.put(url, {"is_offered": False}, JSON).status_code == 200
        tag = as_acme.get(url)["ETag"]
        first = as_acme.put(url, {"is_offered": True}, JSON, HTTP_IF_MATCH=tag)
        assert first.status_code == 200 and first["ETag"] != tag
        late = as_acme.put(url, {"is_offered": False}, JSON, HTTP_IF_MATCH=tag)
        assert late.json()["code"] == "changed_meanwhile"
        assert as_acme.get(url).json()["is_offered"]

    def test_a_source_by_its_external_id_and_a_bots_datasets(self, as_acme, rows):
        bot = rows[BotProfile].pk
        url = "/v1/sources/by-external-id/kb-1"
        said = {"bot_profile_id": str(bot), "source_type": "text", "content": "Open.", "name": "A"}
        early = as_acme.put(url, said, JSON, HTTP_IF_MATCH='"x"')
        assert early.json()["code"] == "changed_meanwhile", "nothing to overwrite, and so not made"
        made = as_acme.put(url, said, JSON)
        tag = as_acme.get(url)["ETag"]
        assert made.status_code == 201 and made["ETag"] == tag
        first = as_acme.put(url, said | {"name": "B"}, JSON, HTTP_IF_MATCH=tag)
        assert first.status_code == 200 and first["ETag"] != tag
        late = as_acme.put(url, said | {"name": "C"}, JSON, HTTP_IF_MATCH=tag)
        gone = as_acme.delete(url, HTTP_IF_MATCH=tag)
        assert late.json()["code"] == gone.json()["code"] == "changed_meanwhile"
        assert as_acme.get(url).json()["name"] == "B"

        url = f"/v1/bot-profiles/{bot}/datasets"
        shared = [create_dataset({"name": name}) for name in ("One", "Two")]
        tag = as_acme.get(url)["ETag"]
        bodies = [{"datasets": [{"dataset_id": str(each.pk)}]} for each in shared]
        first = as_acme.put(url, bodies[0], JSON, HTTP_IF_MATCH=tag)
        assert first.status_code == 200 and first["ETag"] == as_acme.get(url)["ETag"] != tag
        late = as_acme.put(url, bodies[1], JSON, HTTP_IF_MATCH=tag)
        assert late.json()["code"] == "changed_meanwhile"
        assert [each["dataset_name"] for each in as_acme.get(url).json()] == ["One"]

    def test_of_another_tenant_nothing_is_told(self, as_globex, rows):
        url = f"/v1/bot-profiles/{rows[BotProfile].pk}"
        assert as_globex.patch(url, {"name": "x"}, JSON, HTTP_IF_MATCH='"x"').status_code == 404

    def test_all_that_is_shown_and_changed_has_a_tag(self):
        found = [
            (path, method.upper())
            for path, methods in api_document()["paths"].items()
            for method, operation in methods.items()
            if "get" in methods and (method == "patch" or (method == "put" and "patch" not in methods))
            and path not in UNTAGGED and {"$ref": "#/components/parameters/IfMatch"} not in operation["parameters"]
        ]  # fmt: skip
        assert found == []
