"""What a site may do and what must not come of it: knowledge wiped, workers hung, texts left."""

from __future__ import annotations

import pytest

from knowledge import tasks
from knowledge.documents.changing import delete_document
from knowledge.models import Document, SitePage, SiteSync, Source
from knowledge.sites.pages.links import read_listing
from knowledge.sources.changing import delete_source
from knowledge.tests.sites import (  # noqa: F401 - fixtures
    Site,
    answering,
    counts,
    look,
    pages,
    says,
    site,
    source,
)
from minirag.lib.tests.conftest import outside  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")


def _say_the_same(site: Site) -> None:
    for path in ("/", *site.paths):
        site.page(path, "We are working on our house and are back soon.", title="Maintenance")


def _say_nearly_the_same(site: Site) -> None:
    for path in ("/", *site.paths):
        site.page(path, f"Something went wrong. Reference {path}.", title="Oops")


def _lead_to_a_login(site: Site) -> None:
    site.page("/login", "Enter your name and your password to go on.", title="Login")
    for path in [path for path in site.paths if path not in ("/", "/login")]:
        site.outside.serve(path, status=302, location="/login")


def _lead_to_a_login_each(site: Site) -> None:
    for path in [path for path in site.paths if path != "/"]:
        site.page(f"/login?next={path}", "Enter your name and your password.", title="Login")
        site.outside.serve(path, status=302, location=f"/login?next={path}")


def _lead_home(site: Site) -> None:
    for path in [path for path in site.paths if path != "/"]:
        site.outside.serve(path, status=302, location="/")


def _name_one_canonical(site: Site) -> None:
    for number in range(10):
        text = f"Page {number} says something of its own, and no other page does."
        site.page(f"/p{number}", text, head="<link rel=canonical href=/p0>")


@pytest.mark.parametrize(
    "fail",
    [_say_the_same, _say_nearly_the_same, _lead_to_a_login, _lead_to_a_login_each, _lead_home, _name_one_canonical],
)  # fmt: skip
def test_a_site_that_answers_200_with_nothing_of_its_own_waits_for_a_person(site, source, fail):
    fail(site)
    sync = look(source)
    assert sync.state == "waiting" and len(answering(source)) == 11
    assert says(source, "returns take thirty days")


def test_pages_that_moved_one_by_one_are_not_lost(site, source):
    for number in range(10):
        text = f"Page {number} says that it was written anew at its new place."
        site.page(f"/new/{number}", text, title=f"New {number}")
        site.outside.serve(f"/p{number}", status=301, location=f"/new/{number}")
    assert look(source).state == "done"
    assert answering(source) == {"/", *(f"/new/{n}" for n in range(10))}


def test_a_page_that_leads_to_a_notice_that_there_is_none_is_missing_and_not_gone_at_once(
    site, source
):
    site.page("/error", "Sorry, we looked everywhere.", title="Page not found")
    site.outside.serve("/p3", status=302, location="/error")
    assert counts(look(source))["missing"] == 1 and "/p3" in answering(source)
    assert counts(look(source))["gone"] == 1 and "/p3" not in answering(source)


@pytest.mark.parametrize("status", [404, 500])
def test_a_document_that_a_person_deleted_and_whose_page_is_not_there_stops_no_look(
    site, source, status
):
    delete_document(Document.objects.get(url=site.url("/p4")).pk)
    site.outside.serve("/p4", status=status)
    site.page("/p5", "Page 5 says something else now.")
    sync = look(source)
    assert sync.state == "done", sync.error_message
    assert says(source, "something else") and "/p4" not in answering(source)


def test_an_approval_holds_though_a_page_was_restricted_meanwhile(site, source):
    text = "---\nvisibility: private\n---\n# Page\n\nPage 8 is a secret now."
    site.outside.serve("/p8", text.encode(), content_type="text/markdown")
    site.gone("/p0", "/p1", "/p2", "/p3")
    sync = look(source)
    assert sync.state == "waiting" and Document.objects.get(url=site.url("/p8")).own_groups == []
    sync.approve()
    tasks.queue_ingestion(source)
    assert look(source).state == "done" and SiteSync.objects.count() == 2
    assert answering(source) == {"/", "/p4", "/p5", "/p6", "/p7", "/p8", "/p9"}


def sorry(site: Site, *numbers: int) -> None:
    for number in numbers:
        text = f"We are sorry: /p{number} cannot be shown now. Try later, and quote number 4711{number}."
        site.page(f"/p{number}", text, title=f"House of drones: p{number}")


def test_pages_that_all_say_sorry_in_words_of_their_own_change_nothing(site, source):
    sorry(site, 0, 1, 2, 3, 4)
    sync = look(source)
    assert sync.state == "waiting" and not says(source, "sorry"), "5 of 11 say one thing"
    site.fill()
    assert look(source).state == "done" and not says(source, "sorry")
    sorry(site, 0, 1)
    site.page("/p2", "The drone weighs eleven kilos since May.")
    assert counts(look(source)) == {"changed": 3, "unchanged": 8}, "two are too few to tell"


def test_pages_of_one_pattern_may_all_change_at_once(site, bot):
    def tell(text: str) -> None:
        for name in ("rotor", "battery", "motor", "camera", "frame"):
            site.page(f"/{name}", f"The {name} is in stock: {text}", title=name)

    site.paths.clear()
    tell("it costs 10 euros, leaves at noon and has a warranty.")
    site.front()
    source = site.source(bot)
    look(source)
    tell("it costs 12 euros, leaves at one and has no warranty any more.")
    assert look(source).state == "done" and says(source, "leaves at one")


def test_a_list_of_blanks_is_read_at_once():
    blanks = b" " * 1_000_000
    assert read_listing(b"<urlset><loc>" + blanks + b"]</loc></urlset>").addresses == ()
    feed = b"<rss><item><link>" + blanks[:150_000] + b"]</link></item></rss>"
    assert read_listing(feed).addresses == ()
    written = b"<loc>\n <![CDATA[ http://a.b/c ]]>\n </loc><x:loc> http://a.b/d </x:loc>"
    assert read_listing(b"<urlset>" + written).addresses == ("http://a.b/c", "http://a.b/d")


def test_a_deleted_site_leaves_no_text_of_its_pages(site, source):
    site.gone("/p0", "/p1", "/p2", "/p3")
    site.page("/p5", "Page 5 says something else now.")
    assert look(source).state == "waiting" and SitePage.objects.filter(body__isnull=False).exists()
    delete_source(source.pk)
    tasks.purge_source.run(str(source.pk))
    assert not SitePage.objects.exists()
    assert not SiteSync.objects.filter(state__in=("waiting", "running")).exists()


def test_a_site_that_is_deleted_before_its_first_version_is_purged_though_the_message_is_lost(
    site, bot, monkeypatch
):
    monkeypatch.setattr("knowledge.sites.walking.SLICE_SECONDS", 0.0)
    source = site.source(bot)
    tasks.ingest_claimed(Source.objects.claim(source.pk))
    delete_source(source.pk)
    Source.objects.update(deleted_at="2026-01-01T00:00:00Z")
    assert tasks.purge_deleted() == 1 and tasks.next_purge()


def test_looks_that_wait_one_after_the_other_are_bounded_too(site, source, monkeypatch):
    monkeypatch.setattr("knowledge.models.sites.KEPT_SYNCS", 3)
    site.gone("/p0", "/p1", "/p2", "/p3")
    for _ in range(6):
        look(source)
    assert SiteSync.objects.count() <= 5 and SiteSync.objects.filter(state="done").count() == 1
    site.fill()
    assert counts(look(source)) == {"unchanged": 11} and pages(source)["/p0"][0] == "read"


def test_a_crawl_delay_is_kept_where_workers_are_shared(site, bot, globex, monkeypatch, settings):
    settings.LONG_JOBS_PER_TENANT = 1
    site.outside.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 5\n")
    source = site.source(bot)
    tasks.queue_ingestion(source)
    sent = []
    for name in ("knowledge.tasks.send_now", "bots.quotas.sharing.send_now"):
        monkeypatch.setattr(name, lambda task, pk, seconds=0: sent.append(seconds))
    tasks.ingest_source.run(str(source.pk))
    assert sent == [5.0], "nobody but the clock goes on with it"
