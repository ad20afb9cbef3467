"""A site or a connector, previewed before it is a source: what would be taken, and nothing is kept."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from bots.models import PriceOverride
from knowledge.models import SitePage, Source
from knowledge.previewing import found as previewing
from knowledge.sources.configs import prepare_config
from knowledge.tests.conftest import make_source
from knowledge.tests.sites import site  # noqa: F401 - a fixture
from minirag.lib.jobs.leases import Lease
from minirag.lib.tests.conftest import inside, outside  # noqa: F401 - fixtures
from tests.test_admin import browser

pytestmark = pytest.mark.usefixtures("open_hosts")


@pytest.fixture(autouse=True)
def _nobody_previews() -> Iterator[None]:
    """Redis outlives a test."""
    yield
    client = cache._cache.get_client()
    for key in client.scan_iter("minirag:lease:*"):
        client.delete(key)


@pytest.fixture
def preview(as_acme, bot, site):
    """Ask for a preview; `site.url()` where nothing else is said."""

    def ask(client=as_acme, source_type="site", **config):
        start = {"url": site.url()} if source_type == "site" else {}
        body = {"bot_profile_id": str(bot.pk), "source_type": source_type, "config": start | config}
        return client.post("/v1/sources/preview", body, content_type="application/json")

    return ask


def test_it_says_of_each_page_what_would_become_of_it_and_keeps_nothing(site, preview):
    site.page("/p1", "Keep me out.", head="<meta name=robots content='noindex'>")
    site.page(
        "/p2", "Page 3 says that batteries last two hours, and no other page does.", title="/p3"
    )
    site.gone("/p4")
    found = preview().json()
    pages = {page["url"].removeprefix(site.url("")): page for page in found["pages"]}
    assert next(iter(pages)) == "/" and len(pages) == 11
    assert (pages["/p0"]["state"], pages["/p0"]["title"]) == ("read", "/p0")
    assert pages["/p0"]["tokens"] > 0 and pages["/p0"]["chunks"] == 1
    assert (pages["/p1"]["state"], pages["/p1"]["code"]) == ("left_out", "noindex")
    assert pages["/p3"]["code"] == "same_text" and "/p2" in pages["/p3"]["reason"]
    assert pages["/p4"]["state"] == "gone" and pages["/p1"]["tokens"] == 0
    assert found["can_be_ingested"] and found["is_whole"] and found["pages_taken"] == 8
    assert found["estimated_tokens"] == found["tokens"] == sum(p["tokens"] for p in found["pages"])
    assert not Source.objects.exists() and not SitePage.objects.exists()


def test_it_looks_at_twenty_pages_and_estimates_the_others_by_the_tenants_prices(
    site, preview, bot, monkeypatch
):
    site.fill(50)
    PriceOverride.objects.create(
        model="minirag/hash", prompt_cost_per_1m=1000, completion_cost_per_1m=0
    )
    found = preview().json()
    assert len(found["pages"]) == 20 and not found["is_whole"]
    assert found["addresses_found"] == 51 and found["estimated_pages"] == 51
    assert found["estimated_tokens"] == pytest.approx(found["tokens"] * 51 / 20, abs=1)
    assert found["estimated_cost_usd"] == pytest.approx(found["estimated_tokens"] / 1000)
    assert preview(max_pages=30).json()["addresses_found"] == 30
    monkeypatch.setattr(previewing, "SECONDS", 0.0)
    late = preview().json()
    assert late["pages"] == [] and not late["can_be_ingested"]


def test_a_sitemap_and_an_index_are_previewed_too(site, preview):
    site.sitemap("/p1", "/p2", at="/a.xml")
    rows = f"<sitemap><loc>{site.url('/a.xml')}</loc></sitemap>"
    site.outside.serve("/index.xml", f"<sitemapindex>{rows}</sitemapindex>".encode())
    found = preview(url=site.url("/index.xml")).json()
    assert [page["title"] for page in found["pages"]] == ["/p1", "/p2"] and found["is_whole"]


def test_what_stands_against_a_site_is_said(site, preview, inside):
    assert preview(url="ftp://x").status_code == 422
    assert preview(max_pages=0).json()["code"] == "config_invalid"
    assert preview(url=inside.url()).status_code == 422
    site.gone("/")
    assert "start page could not be read" in preview().json()["problem"]
    site.outside.serve("/robots.txt", b"", status=503)
    found = preview().json()
    assert "robots.txt" in found["problem"] and not found["can_be_ingested"]
    site.outside.serve("/robots.txt", b"User-agent: *\nDisallow: /\n")
    assert "does not allow" in preview().json()["problem"]
    assert inside.seen == []


def test_a_tenant_has_one_at_a_time_whatever_others_do(preview, acme, as_globex, globex):
    theirs, ours = (Lease(f"preview:{party.tenant.schema_name}") for party in (globex, acme))
    assert theirs.take(60) and preview().status_code == 200
    assert ours.take(60)
    refused = preview()
    assert (refused.status_code, refused.json()["code"]) == (409, "preview_running")
    ours.give_back()
    theirs.give_back()
    assert preview().status_code == 200
    assert preview(as_globex).json()["code"] == "bot_not_found"


def test_the_form_of_the_admin_previews_what_is_filled_in(site, acme, bot):
    alice = browser("alice@acme.example.com", "acme")
    fields = {
        "source_type": "site", "bot_profile": str(bot.pk), "url": site.url(), "exclude": "/p1", "name": "",
        "weight": "1", "tags": "",
    }  # fmt: skip
    page = alice.post("/admin/knowledge/source/preview/", fields)
    said = page.content.decode()
    assert page.status_code == 200 and "/p0" in said and site.url("/p1") not in said
    assert "Would be taken" in said and not Source.objects.exists()
    bad = alice.post("/admin/knowledge/source/preview/", {**fields, "url": ""})
    assert "Enter the address." in bad.content.decode()


@pytest.fixture
def folder(tmp_path, settings) -> Path:
    settings.SOURCE_FOLDERS = str(tmp_path)
    files = {
        "acme/a.md": "# Hours\n\nThe office opens at eight.",
        "acme/b/c.md": "---\ngroups: [staff]\n---\nThe safe is blue.",
        "acme/b/photo.jpg": "JFIF", "acme/b/broken.pdf": "%PDF-1.4", "globex/d.md": "Globex buys the moon.",
    }  # fmt: skip
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_the_files_of_a_connector_are_previewed_as_the_pages_of_a_site(
    folder, preview, monkeypatch
):
    found = preview(source_type="folder").json()
    pages = {page["url"]: page for page in found["pages"]}
    assert list(pages) == ["a.md", "b/broken.pdf", "b/c.md"], "what is never read is not looked at"
    assert (pages["a.md"]["state"], pages["a.md"]["title"], pages["a.md"]["groups"]) == (
        "read",
        "Hours",
        None,
    )
    assert pages["b/c.md"]["groups"] == ["staff"] and pages["b/broken.pdf"]["code"] == "broken"
    assert (found["pages_taken"], found["addresses_found"], found["is_whole"]) == (2, 3, True)
    assert found["estimated_tokens"] == found["tokens"] > 0 and not Source.objects.exists()
    for number in range(40):
        (folder / f"acme/b/{number}.md").write_text(f"File {number} says something.")
    many = preview(source_type="folder", max_files=30).json()
    assert (len(many["pages"]), many["estimated_pages"], many["is_whole"]) == (20, 30, False)
    monkeypatch.setattr(previewing, "SECONDS", 0.0)
    late = preview(source_type="folder").json()
    assert late["pages"] == [] and "in time" in late["problem"]


def test_what_stands_against_a_connector_is_said(folder, preview, outside, settings):
    missing = preview(source_type="folder", folder="nowhere").json()
    assert "could not be listed" in missing["problem"] and not missing["can_be_ingested"]
    refused = preview(
        source_type="s3",
        bucket="files",
        url=outside.url("/"),
        access_key="key",
        secret_key="moon-secret",
    )
    assert "could not be listed" in refused.json()["problem"] and b"moon" not in refused.content
    bad = preview(source_type="git", url="https://nowhere.example/x")
    assert bad.json()["code"] == "config_invalid"
    settings.SOURCE_FOLDERS = ""
    assert preview(source_type="folder").status_code == 422


def test_the_form_of_a_connector_is_previewed_with_its_stored_secret(acme, bot, site):
    config = {"url": site.url("/acme/docs"), "server": "gitea", "token": "moon-secret"}
    source = make_source(bot, None, source_type="git", name="Docs")
    source.config = prepare_config("git", config, source_id=source.pk)
    source.save()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("docs/hours.md", "# Hours\n\nThe office opens at eight.")
    site.outside.serve("/api/v1/repos/acme/docs/archive/main.zip", packed.getvalue())
    alice = browser("alice@acme.example.com", "acme")
    fields = {
        "name": "Docs",
        "url": config["url"],
        "server": "gitea",
        "weight": "1",
        "visibility": "public",
    }
    page = alice.post(f"/admin/knowledge/source/preview/?source={source.pk}", fields)
    assert b"hours.md" in page.content and b"moon" not in page.content
    assert site.outside.seen[-1][2]["authorization"] == "token moon-secret"
    fields["url"] = site.url("/acme/docs").replace("127.0.0.1", "localhost")
    page = alice.post(f"/admin/knowledge/source/preview/?source={source.pk}", fields)
    assert "authorization" not in site.outside.seen[-1][2], "another server never gets it"
