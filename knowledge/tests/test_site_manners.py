"""How a site is asked: never twice at once, not before it wants to be, and each page under one address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import uuid4

import pytest
from django.core.cache import cache

from knowledge import tasks
from knowledge.indexing import loading
from knowledge.indexing.lexicon import recount_statistics
from knowledge.indexing.upkeep.reconciling import reconcile_knowledge
from knowledge.models import Chunk, Document, SitePage, SiteSync, Source
from knowledge.sites import crawling
from knowledge.sites.bounds import read_bounds
from knowledge.sites.drift import find_drifted
from knowledge.sites.hosts import HostLease
from knowledge.sources.configs import prepare_config
from knowledge.tests.conftest import make_bot, make_source
from knowledge.tests.sites import (  # noqa: F401 - fixtures
    Site,
    answering,
    counts,
    look,
    pages,
    says,
    site,
)
from minirag.lib.errors import BadInput
from minirag.lib.http_out.body import read_retry_after
from minirag.lib.tests.conftest import outside  # noqa: F401 - a fixture
from tenants.context import tenant_context

pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")


@pytest.fixture
def sent(monkeypatch) -> list[float]:
    """After how many seconds sources go on."""
    found: list[float] = []
    for name in ("knowledge.tasks.send_now", "bots.quotas.sharing.send_now"):
        monkeypatch.setattr(name, lambda task, pk, seconds=0: found.append(seconds))
    return found


def work(source: Source) -> None:
    """What a worker does with the source's message."""
    tasks.queue_ingestion(source)
    tasks.ingest_source.run(str(source.pk))
    source.refresh_from_db()


# --- When it is asked ---------------------------------------------------------------------------------------------


def test_a_page_that_asks_for_time_gets_it_and_is_read_then(site, bot, sent):
    site.outside.serve("/p1", b"", status=429, retry_after="42")
    source = site.source(bot)
    work(source)
    assert sent == [42.0] and source.status == "pending"
    assert SitePage.objects.get(url=site.url("/p1")).state == "waiting"
    HostLease(site.url("")).end(after_seconds=0)
    site.fill()
    _let_go(site)
    look(source)
    assert len(answering(source)) == 11 and source.error_message is None


def test_a_page_that_asks_for_time_again_and_again_fails_and_the_rest_goes_on(site, bot, sent):
    site.outside.serve("/p1", b"", status=503, retry_after="999999")
    source = site.source(bot)
    for _ in range(5):
        _let_go(site)
        work(source)
    assert set(sent) == {crawling.LONGEST_WAIT}
    assert source.status == "ready" and pages(source)["/p1"] == ("failed", "http_status")
    assert len(answering(source)) == 10


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("9" * 400, 999999999),
        ("١٢", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said, seconds):
    assert read_retry_after(said) == seconds


def test_retry_after_as_a_date():
    at = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3000 < read_retry_after(at) <= 3600
    assert read_retry_after("Mon, 01 Jan 2001 00:00:00 GMT") == 0


def test_one_host_is_asked_by_one_at_a_time_whoever_it_is(site, bot, globex, sent):
    other = HostLease(site.url(""))
    assert other.take()
    source = site.source(bot)
    work(source)
    assert site.hits == [], "somebody else, of whichever tenant, asks it now"
    assert 0 < sent[-1] <= 5 and source.status == "pending"
    other.end(after_seconds=0)
    assert other.wait > 0, "who held it lets the other one go first"
    with tenant_context(globex.tenant):
        theirs = site.source(make_bot())
        work(theirs)
        assert theirs.status == "ready"
    work(source)
    assert source.status == "ready" and len(answering(source)) == 11


def test_a_crawl_delay_holds_for_every_source_of_the_host(site, bot, sent):
    site.outside.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 20\n")
    first, second = site.source(bot), site.source(bot, max_pages=3)
    work(first)
    asked = len(site.hits)
    work(second)
    assert len(site.hits) == asked and sent[0] == 20 and 0 < sent[1] <= 20
    _let_go(site)


def test_waiting_for_a_host_forgives_no_worker_that_died_at_the_site(site, bot, sent):
    other = HostLease(site.url(""))
    assert other.take()
    source = site.source(bot)
    Source.objects.filter(pk=source.pk).update(attempts=2)
    tasks.ingest_source.run(str(source.pk))
    source.refresh_from_db()
    assert (source.status, source.attempts) == ("pending", 2)
    _let_go(site)


def test_an_address_that_leads_to_a_host_cannot_have_it_rest_for_others(site, bot, globex, sent):
    """The start is at one name and leads to another; what the first says of waiting is not said of the second."""
    alias = site.outside.url("/start", host="localhost")
    site.outside.serve("/start", status=302, location=site.url("/"))
    site.page("/", "Welcome.", links=(site.outside.url("/trap", host="localhost"),))
    site.outside.serve("/trap", b"", status=503, retry_after="300")
    source = make_source(bot, None, source_type="site", config={"url": alias})
    work(source)
    assert 300 in sent and source.status == "pending", "who reads it waits"
    with tenant_context(globex.tenant):
        work(theirs := site.source(make_bot(), "/p1"))
        assert theirs.status == "ready", "and nobody else does"
    _let_go(site)


def test_a_host_that_a_start_leads_to_is_asked_by_one_at_a_time_as_well(site, bot, sent):
    other = HostLease(site.url(""))
    assert other.take()
    site.outside.serve("/start", status=302, location=site.url("/"))
    alias = site.outside.url("/start", host="localhost")
    source = make_source(bot, None, source_type="site", config={"url": alias})
    work(source)
    assert source.status == "pending" and "/p1" not in site.hits
    other.end(after_seconds=0)
    assert other.wait > 0, "who asked for it meanwhile is let go first"
    work(source)
    assert source.status == "ready" and len(answering(source)) == 11
    _let_go(site)


# --- What there is ------------------------------------------------------------------------------------------------


def test_the_sitemaps_that_robots_txt_names_are_read_too_and_say_not_what_is_gone(site, bot):
    site.page("/hidden", "Nobody links to this page about rotors.")
    site.sitemap("/hidden", at="/map.xml")
    robots = (
        f"User-agent: *\nDisallow: /p2\nSitemap: {site.url('/map.xml')}\nSitemap: /relative.xml\n"
    )
    site.outside.serve("/robots.txt", robots.encode())
    site.front()
    site.outside.serve("/", site_front(site, but="/hidden"), content_type="text/html")
    source = site.source(bot)
    look(source)
    assert "/hidden" in answering(source) and "/p3" in answering(source)
    site.sitemap("/p1", at="/map.xml")
    assert counts(look(source))["unchanged"] == 11
    assert "/hidden" not in answering_of(bot, site, ignore_sitemaps=True)


def test_an_index_of_many_lists_is_read_whole_and_one_of_too_many_says_so(site, bot, monkeypatch):
    names = [f"/s{n}.xml" for n in range(7)]
    for number, name in enumerate(names):
        site.sitemap(f"/p{number}", at=name)
    rows = "".join(f"<sitemap><loc>{site.url(name)}</loc></sitemap>" for name in names)
    site.outside.serve("/index.xml", f"<sitemapindex>{rows}</sitemapindex>".encode())
    source = site.source(bot, "/index.xml")
    look(source)
    assert len(answering(source)) == 7
    monkeypatch.setattr(crawling, "MOST_LISTS", 5)
    sync = look(source)
    assert sync.state == "done" and len(answering(source)) == 7, "what is not read is not gone"
    index = SitePage.objects.get(url=site.url("/index.xml"), sync=sync)
    assert index.code == "list_too_long" and "5" in index.reason


def test_a_sitemap_that_grows_beyond_the_limit_pushes_nothing_out(site, bot):
    site.sitemap("/p1", "/p2", "/p3")
    source = site.source(bot, "/sitemap.xml", max_pages=4)
    look(source)
    site.fill(10)
    site.sitemap("/p9", "/p8", "/p7", "/p6", "/p1", "/p2", "/p3")
    sync = look(source)
    assert answering(source) >= {"/p1", "/p2", "/p3"} and sync.pages_left_over == 3
    assert counts(sync) == {"added": 1, "unchanged": 3}


def test_room_that_is_made_is_found_though_no_page_has_changed(site, bot):
    source = site.source(bot, max_pages=6)
    look(source)
    assert len(answering(source)) == 6
    lost = sorted(answering(source) - {"/"})[0]
    site.gone(lost, status=410)
    look(source)
    assert len(answering(source)) == 5
    look(source)
    assert len(answering(source)) == 6 and lost not in answering(source)


def test_twins_of_a_page_are_one_and_other_sites_are_not():
    bounds = read_bounds({"url": "http://example.com/"}, "https://www.example.com")
    assert bounds.hosts == {"example.com", "www.example.com"}
    for twin in ("http://example.com", "https://example.com", "http://www.example.com"):
        assert bounds.settle(f"{twin}/a?b=1") == "https://www.example.com/a?b=1"
    for other in (
        "https://shop.example.com/a",
        "https://example.com.evil.org/a",
        "http://example.com:8080/a",
    ):
        assert bounds.settle(other) == other
    alone = read_bounds({"url": "https://example.com/"})
    assert alone.settle("https://www.example.com/a") == "https://www.example.com/a"
    assert alone.settle("http://example.com/a") == "https://example.com/a"
    assert alone.find_fault("https://www.example.com/a")


def test_a_page_that_never_says_how_long_it_is_counts_in_the_megabytes(site, bot, settings):
    settings.MAX_UPLOAD_BYTES = 50_000

    def endless(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(b"x" * 200_000)

    site.outside.routes["/p1"] = endless
    sync = look(site.source(bot))
    assert sync.bytes_fetched > 50_000 and pages(sync.source)["/p1"] == ("failed", "too_large")


def test_rules_of_ones_own_hold_for_each_page(site, bot):
    look(plain := site.source(bot))
    assert says(plain, "no other page does")
    source = site.source(bot, clean={"drop_lines": ["Page 3 says that*"], "drop_selectors": ["h1"]})
    look(source)
    assert not says(source, "batteries last two hours") and says(source, "returns take thirty days")
    Source.objects.filter(pk=source.pk).update(config={"url": site.url()})
    look(source)
    assert says(source, "batteries last two hours"), "another rule reads all anew"


def test_pages_and_documents_that_do_not_belong_together_are_found_and_read_anew(site, bot):
    source = site.source(bot)
    look(source)
    assert not reconcile_knowledge(mend=False)
    Document.objects.filter(url=site.url("/p1")).delete()
    Source.objects.update(document_count=10, chunk_count=Chunk.objects.count())
    recount_statistics()
    [drift] = [each for each in reconcile_knowledge(mend=True) if "pages" in each.what]
    assert (drift.count, drift.is_mended) == (1, True)
    look(source)
    assert len(answering(source)) == 11 and not find_drifted()


# --- What is never lost unasked -----------------------------------------------------------------------------------


def test_a_new_version_of_ours_takes_no_loss_over_unasked(site, bot, monkeypatch):
    source = site.source(bot)
    look(source)
    monkeypatch.setattr(loading, "VERSION", "another")
    monkeypatch.setattr("knowledge.sites.syncing.VERSION", "another")
    site.gone("/p0", "/p1", "/p2", "/p3")
    sync = look(source)
    assert sync.state == "waiting" and len(answering(source)) == 11
    site.fill()
    assert look(source).state == "done" and SiteSync.objects.filter(state="waiting").count() == 0


def _let_go(site: Site) -> None:
    """Have the host as rested as it would be after its delay."""
    client = cache._cache.get_client()
    for key in client.scan_iter("minirag:lease:*"):
        client.delete(key)


def site_front(site: Site, *, but: str) -> bytes:
    links = "".join(f'<a href="{path}">more</a>' for path in site.paths if path != but)
    text = f"<main>Welcome to the house of drones. {links}</main>"
    return f"<html><head><title>Front</title></head><body>{text}</body></html>".encode()


def answering_of(bot, site: Site, **config) -> set[str]:
    source = site.source(bot, **config)
    look(source)
    return answering(source)


HELP = "https://help.example.com"


@pytest.mark.parametrize(
    ("config", "url", "include"),
    [
        ({"url": f"{HELP}/hc/de", "preset": "zendesk"}, "/hc/sitemap.xml",
         ["/hc/de/articles/*", "/hc/de-*/articles/*"]),
        ({"url": f"{HELP}/hc/en-us/", "preset": "zendesk"}, "/hc/sitemap.xml",
         ["/hc/en-us/articles/*", "/hc/en-us-*/articles/*"]),
        ({"url": HELP, "preset": "zendesk", "languages": ["de"]}, "/hc/sitemap.xml",
         ["/hc/de/articles/*", "/hc/de-*/articles/*"]),
        ({"url": f"{HELP}/", "preset": "helpscout"}, "/sitemap.xml", ["/article/*"]),
        ({"url": f"{HELP}/de", "preset": "intercom"}, "/sitemap.xml",
         ["/de/articles/*", "/de-*/articles/*", "*/de/articles/*", "*/de-*/articles/*"]),
        ({"url": f"{HELP}/own/map.xml", "preset": "intercom", "include": ["/x/*"]}, "/own/map.xml", ["/x/*"]),
    ],
)  # fmt: skip
def test_a_preset_fills_in_what_suits_a_help_centre(config, url, include):
    filled = prepare_config("site", config, source_id=uuid4())
    assert (filled["url"], filled["include"]) == (HELP + url, include)
    assert filled["clean"]["keep_selector"] == "article"
    assert prepare_config("site", filled, source_id=uuid4()) == filled
    own = {**config, "clean": {"drop_lines": ["x"]}}
    assert prepare_config("site", own, source_id=uuid4())["clean"] == {"drop_lines": ["x"]}


@pytest.mark.parametrize("preset", ["freshdesk", 1, ["zendesk"], {"a": 1}])
def test_a_preset_that_is_not_known_is_refused(preset):
    with pytest.raises(BadInput):
        prepare_config("site", {"url": HELP, "preset": preset}, source_id=uuid4())


def test_a_help_centre_is_read_by_its_articles_in_one_language(outside, bot, settings):
    site = Site(outside)
    body = "<article><h1>{0}</h1><p>{0} is explained.</p><p class='article-votes'>17 of 20</p></article><p>Menu</p>"
    for path in ("/hc/de/articles/1-Fracht", "/hc/en-us/articles/1-Freight", "/hc/de/sections/5"):
        site.outside.serve(path, body.format(path).encode(), content_type="text/html")
    site.sitemap(
        "/hc/de/articles/1-Fracht",
        "/hc/en-us/articles/1-Freight",
        "/hc/de/sections/5",
        at="/hc/sitemap.xml",
    )
    config = prepare_config(
        "site", {"url": site.url("/hc/de"), "preset": "zendesk"}, source_id=uuid4()
    )
    source = make_source(bot, None, source_type="site", name="Help", config=config)
    look(source)
    assert answering(source) == {"/hc/de/articles/1-Fracht"}, source.error_message
    assert not says(source, "17 of 20") and not says(source, "Menu")


def test_of_a_huge_robots_txt_the_first_lines_count_and_lists_of_lists_end(site, bot):
    rules = (
        b"User-agent: *\nDisallow: /p2\n" + b"Disallow: /a-long-path-that-is-not-there\n" * 300_000
    )
    site.outside.serve("/robots.txt", rules + b"Disallow: /p3\n")
    look(source := site.source(bot))
    assert source.status == "ready" and "/p3" in answering(source) and "/p2" not in answering(source)  # fmt: skip
    for here, there in (("/a.xml", "/b.xml"), ("/b.xml", "/a.xml")):
        rows = f"<sitemap><loc>{site.url(there)}</loc></sitemap>"
        site.outside.serve(here, f"<sitemapindex>{rows}</sitemapindex>".encode())
    lists = site.source(bot, "/a.xml")
    look(lists)
    assert lists.error_message == "It names no pages: there is nothing to take."
