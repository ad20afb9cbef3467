"""All knowledge as a tree: read level by level in few queries, and acted upon where it stands."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.models import Document, SiteSync, Source
from knowledge.progress.watching import write_ticket_for_all
from knowledge.tests.conftest import make_bot, make_source
from knowledge.tests.test_progress import watch
from knowledge.tree.levels import open_level
from tenants.context import tenant_context
from tests.test_admin import browser

URL = "/admin/knowledge/source/tree/"
pytestmark = pytest.mark.usefixtures("no_worker")


def document(source: Source, title: str, **fields) -> Document:
    return Document.objects.create(source=source, title=title, content_hash="0", **fields)


def names(**asked) -> list[str]:
    return [f"{node.kind} {node.name}" for node in open_level(**asked).nodes]


@pytest.fixture
def site(bot) -> Source:
    """A site of folders, a page that could not be read, and one whose address has a path behind its question mark."""
    source = make_source(
        bot, None, name="Docs", source_type="site", status="ready", document_count=9
    )
    for part in ("a", "b"):
        for number in range(3):
            url = f"https://d.example.com/en/{part}/p{number}"
            document(source, f"{part}{number}", url=url, chunk_count=2)
    document(source, "Start", url="https://d.example.com/en/?next=/x/y")
    document(source, "Odd", url="https://d.example.com/en/100%_of/it#/z")
    why = {"error_code": "x", "error_message": "It is a picture."}
    document(source, "Bad", url="https://d.example.com/en/a/bad", **why)
    return source


def test_a_level_has_folders_then_documents_and_passes_over_steps_with_one_folder(bot, site):
    top = open_level(source_id=site.pk)
    assert top.folder == "https://d.example.com/en/"
    assert names(source_id=site.pk) == ["folder 100%_of", "folder a", "folder b", "document Start"]
    figures = [(each.documents, each.chunks, each.failed) for each in top.nodes[1:3]]
    assert figures == [(4, 6, 1), (3, 6, 0)]
    below = open_level(source_id=site.pk, folder=top.nodes[1].folder)
    assert [(each.name, each.told) for each in below.nodes] == [
        ("Bad", "It is a picture."), ("a0", ""), ("a1", ""), ("a2", ""),
    ]  # fmt: skip
    assert [step.name for step in below.path] == [bot.name, "Docs", "https://d.example.com/en/a/"]
    assert names(source_id=site.pk, offset=2, limit=2) == ["folder b", "document Start"]
    assert open_level(source_id=site.pk, limit=3).next_offset == 3
    archive = make_source(bot, None, name="zip", source_type="upload", document_count=3)
    for path in ("x/1.md", "x/2.md", ""):
        document(archive, path or "No path", metadata={"path": path} if path else {})
    assert names(source_id=archive.pk) == ["document No path", "document x/1.md", "document x/2.md"]  # fmt: skip


def test_the_levels_of_datasets_and_sources_say_how_these_stand(bot, site):
    parent = make_source(bot, None, name="Batch", status="ready")
    make_source(bot, name="Child", parent=parent, status="error", error_message="It is broken.")
    make_source(bot, name="Gone", deleted_at="2026-01-01T00:00Z")
    look = SiteSync.objects.create(source=site, state="waiting", setup="x", gone=7)
    [dataset] = open_level().nodes
    assert (dataset.name, dataset.sources, dataset.failed, dataset.waiting) == (bot.name, 3, 1, 1)
    [batch, docs] = open_level(dataset_id=dataset.id).nodes
    assert (batch.status, batch.sources, docs.held.sync_id, docs.held.gone) == ("error", 1, look.pk, 7)  # fmt: skip
    [child] = open_level(source_id=parent.pk).nodes
    assert (child.name, child.told) == ("Child", "It is broken.")


def test_a_level_is_asked_for_over_the_api(api, theirs, bot, site):
    level = api.get(f"sources/tree?source_id={site.pk}&limit=2")
    assert [each["kind"] for each in level["items"]] == ["folder", "folder"]
    assert (level["total"], level["next_offset"]) == (4, 2)
    folder = level["items"][1]["folder"]
    assert api.get(f"sources/tree?source_id={site.pk}&folder={folder}")["total"] == 4
    for asked, status in (
        ("folder=x/", 422), ("source_id=" + str(bot.pk), 404), ("dataset_id=" + str(bot.pk), 404), ("limit=0", 422),
        ("offset=-1", 422), (f"source_id={site.pk}&folder={'x' * 3000}", 422),
    ):  # fmt: skip
        assert api.client.get(f"/v1/sources/tree?{asked}").status_code == status, asked
    assert theirs.client.get(f"/v1/sources/tree?source_id={site.pk}").status_code == 404


def test_a_page_of_a_level_takes_few_queries_however_much_there_is(bot, site):
    for number in range(120):
        make_source(bot, name=f"Text {number}")
        document(site, f"d{number}", url=f"https://d.example.com/en/f{number}/x/{number}")
    alice = browser("alice@acme.example.com", "acme")
    dataset = site.dataset_id
    for query in (
        "", f"?dataset={dataset}", f"?dataset={dataset}&offset=50", f"?source={site.pk}",
        f"?source={site.pk}&offset=50&part=1", f"?node={site.pk}",
    ):  # fmt: skip
        alice.get(URL + query)
        with CaptureQueriesContext(connection) as asked:
            response = alice.get(URL + query)
        assert response.status_code == 200
        assert len(asked) <= 15, (query, len(asked))
    assert "Show more (50 of 121 are shown)" in alice.get(f"{URL}?dataset={dataset}").content.decode()  # fmt: skip


def test_buttons_of_a_line_act_in_place_or_lead_back(acme, bot, site):
    alice = browser("alice@acme.example.com", "acme")
    broken = make_source(bot, name="<b>Broken", status="error", error_message="It is <i>broken</i>.")  # fmt: skip
    html = alice.get(f"{URL}?dataset={site.dataset_id}").content.decode()
    assert "It is &lt;i&gt;broken&lt;/i&gt;." in html and "<b>Broken" not in html

    def act(name, source=broken, part="?part=1", client=alice, **said):
        return client.post(f"{URL}act/{part}", {"act": name, "source": str(source.pk), **said})

    html = act("retry").content.decode()
    assert "It is queued." in html and 'data-moving="1"' in html
    Source.objects.filter(pk=broken.pk).update(status="processing")
    assert "It is cancelled" in act("cancel").content.decode()
    assert "Nothing is being ingested" in act("cancel").content.decode()
    assert "Switch on" in act("off").content.decode()
    broken.refresh_from_db()
    assert not broken.is_active
    here = f"/t/acme{URL}?dataset={site.dataset_id}"
    assert act("on", part="", here=here)["Location"] == here
    assert act("on", part="", here="https://evil.example.com/")["Location"] == f"/t/acme{URL}"
    look = SiteSync.objects.create(source=site, state="waiting", setup="x", gone=7)
    assert act("reject", site, sync=str(look.pk)).status_code == 200
    look.refresh_from_db()
    assert look.state == "rejected"
    assert "does not wait" in act("approve", site, sync=str(look.pk)).content.decode()
    assert act("approve", site).status_code == 404
    assert act("explode").status_code == act("off", source=bot).status_code == 404
    bob = browser("bob@acme.example.com", "acme")
    assert bob.get(URL).status_code == 200 and "Switch off" not in bob.get(URL).content.decode()
    assert act("off", client=bob).status_code == 403
    gina = browser("gina@globex.example.com", "globex")
    assert act("off", client=gina).status_code == 404
    assert gina.get(f"{URL}?source={site.pk}").status_code == 404
    broken.refresh_from_db()
    assert broken.is_active


def test_a_page_of_many_sources_may_watch_each_of_its_tenant_and_no_other(acme, globex, bot, site):
    alice = browser("alice@acme.example.com", "acme")
    with tenant_context(globex.tenant):
        other = make_source(make_bot(), name="Secret of globex")
    ticket = alice.get(URL).content.decode().split('data-ticket="')[1].split('"')[0]
    path = "/t/acme/ws/sources/"
    [told] = watch(site.pk, ticket=ticket, path=path, by=alice)
    assert told["source_id"] == str(site.pk)
    refused = watch(other.pk, ticket=ticket, path=path, by=alice, frames=2)
    assert refused[-1]["type"] == "closed" and "globex" not in json.dumps(refused)
    with tenant_context(globex.tenant):
        stolen = write_ticket_for_all(acme.owner)
    assert watch(other.pk, ticket=stolen, path=path, by=alice, frames=2)[-1]["type"] == "closed"
