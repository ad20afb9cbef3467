"""The admin's pages of datasets, and sources that are made there for a shared one."""

from __future__ import annotations

import pytest
from django.test import Client

from knowledge.models import BotDataset, Dataset, Source
from knowledge.tests.conftest import make_bot, teach
from tenants.context import tenant_context

URL = "/admin/knowledge/dataset/"


@pytest.fixture
def alice(acme, bot, settings) -> Client:
    client = Client(SCRIPT_NAME="/t/acme")
    response = client.post(
        "/admin/login/", {"username": acme.owner.email, "password": "correct horse battery"}
    )
    assert response.status_code == 302
    return client


def links(*rows, initial=0):
    data = {"bot_links-TOTAL_FORMS": len(rows), "bot_links-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        data |= {f"bot_links-{number}-{name}": value for name, value in row.items()}
    return data


def save(client, pk, *rows, initial=0, **fields):
    path = f"{URL}{pk}/change/" if pk else f"{URL}add/"
    data = {"name": "Handbooks", "description": "", "tags": "a, b", "is_active": "on", **fields}
    return client.post(path, {**data, **links(*rows, initial=initial)}, follow=True)


def test_a_dataset_is_made_changed_linked_and_deleted(alice, acme, bot):
    with tenant_context(acme.tenant):
        other = make_bot(name="Paid", embedding_model="openai/text-embedding-3-small")
    assert save(alice, None, embedding_model="minirag/hash").status_code == 200
    with tenant_context(acme.tenant):
        dataset = Dataset.objects.shared().get()
        assert (dataset.tags, dataset.embedding_model) == (["a", "b"], "minirag/hash")
    assert 'value="a, b"' in alice.get(f"{URL}{dataset.pk}/change/").content.decode()
    save(
        alice, dataset.pk, {"bot_profile": bot.pk, "priority": 2, "is_active": "on"}, name="Manuals"
    )
    assert "Helper" in alice.get(f"{URL}{dataset.pk}/change/").content.decode()
    with tenant_context(acme.tenant):
        link = BotDataset.objects.get()
        assert (link.bot_profile_id, link.priority, Dataset.objects.shared().get().name) == (
            bot.pk,
            2,
            "Manuals",
        )
    row = {"id": link.pk, "priority": 3, "bot_profile": other.pk}
    refused = {"bot_profile": other.pk, "priority": 1}
    html = save(alice, dataset.pk, row, refused, initial=1, name="Manuals").content.decode()
    assert "embeds with openai/text-embedding-3-small" in html
    with tenant_context(acme.tenant):
        changed = BotDataset.objects.get()
        assert (changed.bot_profile_id, changed.priority, changed.is_active) == (bot.pk, 3, False)
    save(alice, dataset.pk, {**row, "DELETE": "on"}, initial=1, name="Manuals")
    assert alice.post(f"{URL}{dataset.pk}/delete/", {"post": "yes"}).status_code == 302
    with tenant_context(acme.tenant):
        assert not BotDataset.objects.exists() and not Dataset.objects.shared().exists()


def test_a_name_that_is_taken_and_too_many_tags_are_said_in_the_form(alice, acme):
    save(alice, None)
    html = save(alice, None, name="HANDBOOKS", tags="x" * 51).content.decode()
    assert (
        "There is a shared dataset of this name" in html
        and "At most 50 of at most 50 characters" in html
    )


def test_a_bots_own_dataset_is_only_looked_at(alice, acme, bot):
    with tenant_context(acme.tenant):
        teach(bot)
        own = Dataset.objects.get()
    page = alice.get(f"{URL}{own.pk}/change/").content.decode()
    assert "1 source (1 ready), 1 document, 3 chunks" in page and "Own of Helper" in page
    assert alice.post(f"{URL}{own.pk}/change/", {"name": "x"}).status_code == 403
    assert alice.post(f"{URL}{own.pk}/delete/", {"post": "yes"}).status_code == 403
    alice.post(URL, {"action": "delete_selected", "_selected_action": [str(own.pk)], "post": "yes"})
    with tenant_context(acme.tenant):
        assert (
            Dataset.objects.get(deleted_at__isnull=True) == own and Source.objects.get().is_active
        )


def test_a_source_is_made_for_a_shared_dataset_and_found_by_it(alice, acme):
    save(alice, None, embedding_model="minirag/hash")
    with tenant_context(acme.tenant):
        dataset = Dataset.objects.shared().get()
    fields = {
        "_save": "1",
        "source_type": "text",
        "name": "Hours",
        "content": "Open from 9 to 17.",
        "description": "",
    }
    missing = alice.post("/admin/knowledge/source/add/", fields).content.decode()
    assert "Choose a bot, or a shared dataset." in missing
    made = alice.post("/admin/knowledge/source/add/", {**fields, "shared_dataset": dataset.pk})
    assert made.status_code == 302
    with tenant_context(acme.tenant):
        source = Source.objects.get()
        assert (source.dataset_id, source.bot_profile_id) == (dataset.pk, None)
    listed = alice.get(f"/admin/knowledge/source/?dataset__id__exact={dataset.pk}").content.decode()
    assert "Shared: Handbooks" in listed and "Hours" in listed
    assert (
        alice.get(f"/admin/knowledge/document/?source__dataset__id__exact={dataset.pk}").status_code
        == 200
    )
    assert alice.get(f"/admin/knowledge/source/{source.pk}/change/").status_code == 200
