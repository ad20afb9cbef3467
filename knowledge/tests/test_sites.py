"""A whole site as one source: what is taken of it, how it is kept in step, and what never wipes it."""

from __future__ import annotations

import gzip

import pytest
from asgiref.sync import async_to_sync
from django.utils import translation

from knowledge import tasks
from knowledge.models import Audience, Document, SitePage, SiteSync, Source
from knowledge.retrieval.retrieving import retrieve
from knowledge.sites import walking
from knowledge.sites.admin import SiteSyncAdmin
from knowledge.sites.pages.links import unify
from knowledge.sites.pages.reading import PageReader
from knowledge.tests.conftest import run
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
from minirag.lib.tests.conftest import inside, outside  # noqa: F401 - fixtures
from tenants.admin_site.sites import tenant_site

pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")


# --- What is taken ------------------------------------------------------------------------------------------------


def test_each_page_is_a_document_with_its_own_address(site, source):
    assert answering(source) == {"/", *(f"/p{n}" for n in range(10))}
    assert source.document_count == 11 and source.chunk_count >= 11 and source.stored_bytes > 0
    assert says(source, "returns take thirty days")
    assert counts(SiteSync.objects.get()) == {"added": 11}
    assert not SitePage.objects.filter(body__isnull=False).exists(), (
        "what is in the index is not kept twice"
    )


def test_it_stays_within_host_patterns_depth_and_number(site, bot):
    site.page("/docs/a", "Docs say that rotors turn left.", links=("/docs/b", "/docs/private/x"))
    site.page(
        "/docs/b",
        "Docs say that rotors turn right.",
        links=("/docs/c", "http://elsewhere.example.com/"),
    )
    site.page("/docs/c", "Docs say that rotors do not turn.")
    site.page("/docs/private/x", "Nobody may know this.")
    site.front()
    limited = site.source(
        bot, "/docs/a", include=["/docs/*"], exclude=["/docs/private/*"], max_depth=1
    )
    look(limited)
    assert answering(limited) == {"/docs/a", "/docs/b"}
    few = site.source(bot, max_pages=4)
    sync = look(few)
    assert len(answering(few)) == 4 and sync.pages_left_over > 0


def test_robots_txt_is_obeyed_and_a_site_that_forbids_all_says_so(site, bot):
    site.outside.serve("/robots.txt", b"User-agent: *\nDisallow: /p1\nDisallow: /p2\n")
    some = site.source(bot)
    for _ in range(2):
        forbidden = look(some).pages.filter(state="left_out", code="robots")
        urls = {page.url for page in forbidden}
        assert {site.url("/p1"), site.url("/p2")} <= urls and site.url("/p3") not in urls
    assert not {"/p1", "/p2"} & (answering(some) | set(site.hits)) and "/p3" in answering(some)
    site.outside.serve("/robots.txt", b"User-agent: *\nDisallow: /\n")
    none = site.source(bot)
    sync = look(none)
    assert (none.status, none.error_code) == ("error", "robots_forbid") and sync.state == "failed"
    site.outside.serve("/robots.txt", b"", status=503)
    again = site.source(bot)
    assert look(again).state == "failed" and "robots.txt" in again.error_message


def test_a_page_that_should_not_be_knowledge_has_its_reason(site, bot):
    page = site.page
    page("/p0", "One of two that say the same.", head="<link rel=canonical href=/p1>", title="Twin")
    page("/p1", "One of two that say the same, but for this.", title="Twin")
    page("/p2", "Page 3 says that batteries last two hours, and no other page does.", title="/p3")
    page("/p4", "Sorry, we looked everywhere.", title="Page not found")
    page("/p5", "Keep me out.", head="<meta name=robots content='noindex'>")
    page("/p6", "Diese Seite ist auf Deutsch geschrieben, und das merkt man an jedem ihrer Wörter.")
    site.outside.serve(
        "/p7",
        b"<html><div id=root></div><script src=/app.js></script></html>",
        content_type="text/html",
    )
    site.outside.serve("/p8", b"\0\1\2\3" * 100, content_type="text/html")
    site.outside.serve("/p9", b"", status=302, location="/p1")
    source = site.source(bot, languages=["en"])
    look(source)
    found = pages(source)
    assert found["/p0"] == ("duplicate", "canonical") and found["/p1"][0] == "read"
    assert found["/p2"][0] == "read" and found["/p3"] == ("duplicate", "same_text")
    assert found["/p4"] == ("gone", "soft_404") and found["/p5"] == ("left_out", "noindex")
    assert found["/p6"] == ("left_out", "language") and found["/p7"] == ("left_out", "only_script")
    assert found["/p8"] == ("left_out", "unsupported") and found["/p9"] == (
        "duplicate",
        "redirected",
    )
    assert answering(source) == {"/", "/p1", "/p2"}


def test_hostile_pages_cost_bounded_work_and_the_rest_goes_on(site, bot, settings):
    settings.MAX_UPLOAD_BYTES = 100_000

    def huge(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        handler.wfile.write(b"<html>")

    site.outside.routes["/p0"] = huge
    site.outside.serve(
        "/p1", gzip.compress(b"a" * 10_000_000), content_encoding="gzip", content_type="text/html"
    )
    site.outside.serve("/p2", status=302, location="/p3")
    site.outside.serve("/p3", status=302, location="/p2")
    site.outside.serve("/p4", status=302, location="http://169.254.169.254/latest/meta-data")
    site.outside.serve("/p5", b"%PDF-1.4 broken", content_type="text/html")
    for month in range(40):  # a calendar whose next month there always is
        site.page(
            f"/cal?m={month}", f"Nothing happens in month {month}.", links=(f"/cal?m={month + 1}",)
        )
    site.paths = [f"/p{n}" for n in range(10)] + ["/cal?m=0"]
    site.front()
    source = site.source(bot, max_depth=5, max_pages=60)
    look(source)
    found = pages(source)
    assert found["/p0"] == found["/p1"] == ("failed", "too_large")
    assert found["/p2"] == ("failed", "too_many_redirects")
    assert found["/p4"] == ("failed", "address_refused") and found["/p5"] == ("failed", "broken")
    assert {"/", "/p6", "/p9"} <= answering(source)
    assert {"/cal?m=0", "/cal?m=4"} <= answering(source) and "/cal?m=5" not in found


def test_a_start_at_a_private_address_is_refused(bot, inside, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    site = Site(inside)
    site.fill()
    source = site.source(bot)
    run(source)
    assert source.error_code == "address_refused" and inside.seen == []


def test_a_sitemap_names_the_pages_also_packed_and_by_an_index(site, bot):
    site.sitemap("/p1", "/p2", "/p3")
    listed = site.source(bot, "/sitemap.xml")
    look(listed)
    assert answering(listed) == {"/p1", "/p2", "/p3"}, (
        "a sitemap says all there is: links are not followed"
    )
    rows = b"".join(b"<url><loc>%s</loc></url>" % site.url(f"/p{n}").encode() for n in (4, 5))
    site.outside.serve("/more.xml.gz", gzip.compress(b"<urlset>" + rows + b"</urlset>"))
    index = "".join(
        f"<sitemap><loc>{site.url(at)}</loc></sitemap>" for at in ("/sitemap.xml", "/more.xml.gz")
    )
    site.outside.serve("/index.xml", f"<sitemapindex>{index}</sitemapindex>".encode())
    both = site.source(bot, "/index.xml")
    look(both)
    assert answering(both) == {f"/p{n}" for n in (1, 2, 3, 4, 5)}


def test_a_feed_names_the_pages_and_keeps_those_it_names_no_more(site, bot):
    def feed(*numbers: int) -> None:
        items = "".join(f"<item><link>{site.url(f'/p{n}')}</link></item>" for n in numbers)
        site.outside.serve("/feed", f"<rss><channel>{items}</channel></rss>".encode())

    feed(1, 2)
    source = site.source(bot, "/feed", max_depth=1)
    look(source)
    feed(2, 3)
    assert counts(look(source)) == {"added": 1, "unchanged": 2}
    assert answering(source) == {"/p1", "/p2", "/p3"}


def test_its_readers_language_says_how_far_a_look_is(source):
    sync, shown = look(source), SiteSyncAdmin(SiteSync, tenant_site)
    with translation.override("de"):
        assert shown.shown_progress(sync) == f"{sync.pages_done} von {sync.pages_total} Seiten"
        sync.source.source_type = "git"
        assert shown.shown_progress(sync).endswith("Dateien")


def test_feeds_name_their_pages_as_feeds_do(site, bot):
    site.paths.clear()
    for name in ("valve", "pump", "seal", "fan"):
        site.page(f"/news/{name}", f"The {name} is in stock.")
    where = site.url("/")
    items = (
        f"<item><link/><guid>{where}news/valve</guid></item>"
        f"<item><guid isPermaLink='false'>{where}never/asked</guid></item>"
        f'<item><guid isPermaLink="true"><![CDATA[ {where}news/pump ]]></guid></item>'
    )
    site.outside.serve("/feed", f"<rss><channel>{items}</channel></rss>".encode())
    assert set_of_pages(site.source(bot, "/feed", max_depth=1)) == {"/news/valve", "/news/pump"}

    entries = '<entry><link href="seal"/></entry><entry xml:base="/news/"><link rel="alternate" href="fan"/></entry>'
    head = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:base="/news/">'
    site.outside.serve("/atom", f"{head}<link href='/never'/>{entries}</feed>".encode())
    assert set_of_pages(site.source(bot, "/atom", max_depth=1)) == {"/news/seal", "/news/fan"}


def set_of_pages(source: Source) -> set[str]:
    look(source)
    return answering(source)


def test_a_sitemap_of_a_million_links_is_cut_off(site, bot):
    rows = b"".join(
        b"<url><loc>http://house.example.com/q%d</loc></url>" % n for n in range(400_000)
    )
    site.outside.serve(
        "/sitemap.xml", b"<urlset><url><loc>%s</loc></url>" % site.url("/p1").encode() + rows
    )
    source = site.source(bot, "/sitemap.xml", max_pages=5)
    sync = look(source)
    assert sync.pages_total == 2 and answering(source) == {"/p1"}


# --- Looking again ------------------------------------------------------------------------------------------------


def test_what_has_not_changed_costs_no_embedding_and_is_not_sent_again(site, source, embedder):
    site.outside.routes["/p1"] = lambda handler: (handler.send_response(304), handler.end_headers())
    assert counts(look(source)) == {"unchanged": 11}
    assert embedder.texts == [] and source.status == "ready"
    asked = {path: headers for _, path, headers, _ in site.outside.seen}
    assert asked["/p1"]["if-none-match"] == '"1"'


def test_a_look_says_what_is_added_changed_and_gone(site, source, embedder):
    site.page("/p1", "Page 1 says something else now.")
    site.page("/new", "There is a new page about helmets.")
    site.gone("/p2", status=410)
    site.front()
    sync = look(source)
    assert counts(sync) == {"added": 1, "changed": 1, "gone": 1, "unchanged": 9}
    told = {change["url"].rsplit("/", 1)[1]: change["change"] for change in sync.changes}
    assert told == {"new": "added", "p1": "changed", "p2": "gone"}
    assert (
        says(source, "helmets")
        and says(source, "something else")
        and not says(source, "nine kilos")
    )
    assert len(embedder.texts) < 5, "only what is new is embedded"


def test_a_page_that_is_not_found_answers_until_it_was_missed_twice(site, source):
    site.gone("/p3")
    assert counts(look(source)) == {"missing": 1, "unchanged": 10} and "/p3" in answering(source)
    assert counts(look(source)) == {"gone": 1, "unchanged": 10} and "/p3" not in answering(source)
    assert counts(look(source)) == {"unchanged": 10}, "and it is looked for no more"


def test_a_page_that_comes_back_in_between_was_never_gone(site, source):
    for _ in range(2):
        site.gone("/p3")
        look(source)
        site.page("/p3", "Page 3 says that batteries last two hours, and no other page does.")
        assert counts(look(source)) == {"unchanged": 11}
    assert "/p3" in answering(source)


def test_a_page_out_of_the_sitemap_is_gone_after_two_looks_but_not_when_the_list_is_broken(
    site, bot
):
    site.sitemap("/p1", "/p2", "/p3", "/p4", "/p5")
    source = site.source(bot, "/sitemap.xml")
    look(source)
    site.sitemap("/p1", "/p2", "/p3", "/p4")
    assert counts(look(source))["missing"] == 1
    assert counts(look(source))["gone"] == 1 and "/p5" not in answering(source)
    site.outside.serve(
        "/sitemap.xml",
        f"<sitemapindex><sitemap><loc>{site.url('/part.xml')}</loc></sitemap>".encode(),
    )
    site.outside.serve("/part.xml", status=500)
    assert counts(look(source)) == {"failed": 4} and len(answering(source)) == 4


def test_a_page_that_fails_goes_on_answering(site, source):
    site.outside.serve("/p4", status=500)
    assert counts(look(source)) == {"failed": 1, "unchanged": 10}
    site.gone("/p4")
    assert counts(look(source))["missing"] == 1, "a failure is no time that it was missing"


def test_a_site_that_fails_again_and_again_is_tried_ever_less_often_and_then_paused(site, source):
    Source.objects.update(refresh_schedule="hourly")
    site.outside.serve("/robots.txt", status=503)
    waits = []
    for _ in range(8):
        look(source)
        waits.append(source.next_refresh_at and source.next_refresh_at - source.updated_at)
    hours = [round(wait.total_seconds() / 3600) for wait in waits[:-1]]
    assert hours == [1, 2, 4, 8, 16, 32, 64] and waits[-1] is None
    assert "paused" in source.error_message and len(answering(source)) == 11
    site.outside.routes.pop("/robots.txt")
    tasks.queue_ingestion(source)
    assert counts(look(source)) == {"unchanged": 11} and source.next_refresh_at


@pytest.mark.parametrize("down", ["start", "robots", "everything"])
def test_a_site_that_is_down_changes_nothing(site, source, down):
    before = answering(source)
    for path in {"start": ["/"], "robots": ["/robots.txt"], "everything": ["/", *site.paths]}[down]:
        site.outside.serve(path, status=503)
    sync = look(source)
    assert sync.state == "failed" and source.status == "error" and sync.error_message
    assert answering(source) == before
    site.outside.routes.pop("/robots.txt", None)
    site.fill()
    assert counts(look(source)) == {"unchanged": 11} and source.status == "ready"


def test_a_site_whose_pages_all_fail_is_down(site, source):
    site.gone(*(f"/p{n}" for n in range(10)), status=502)
    sync = look(source)
    assert (sync.state, sync.error_code) == ("failed", "site_down") and len(answering(source)) == 11


def test_a_site_that_loses_many_pages_waits_for_a_person(site, source):
    site.gone("/p0", "/p1", "/p2", "/p3")
    sync = look(source)
    assert (
        sync.state == "waiting" and source.status == "ready" and "4 of 11" in source.error_message
    )
    assert len(answering(source)) == 11 and sync.missing == 4
    sync.approve()
    tasks.queue_ingestion(source)
    site.outside.seen.clear()
    sync = look(source)
    assert (
        sync.state == "done"
        and not sync.error_message
        and sync.gone == 4
        and len(answering(source)) == 7
    )
    assert site.hits == [], "what was approved is what was found then"


def test_a_robots_txt_that_suddenly_forbids_all_pages_wipes_nothing(site, source):
    site.outside.serve("/robots.txt", b"User-agent: *\nDisallow: /p\n")
    assert look(source).state == "waiting" and len(answering(source)) == 11


def asked(bot, about: str, *groups: str) -> str:
    """What a visitor in these groups is answered from."""
    found = async_to_sync(retrieve)(bot, about, audience=Audience.of(groups))
    return " ".join(passage.content for passage in found.passages)


def test_a_page_answers_whom_it_says_from_the_next_look_on(site, source, bot):
    def restrict(number: int, head: str, text: str = "") -> None:
        said = text or f"Page {number} says that secrets are kept in Ulm, and no other page does."
        site.outside.serve(
            f"/p{number}",
            f"---\n{head}\n---\n# Page\n\n{said}".encode(),
            content_type="text/markdown",
        )

    same = "Page 9 says that support speaks German, and no other page does."
    site.page("/p9", same, title="Page", head="<meta name=groups content=staff>")
    assert counts(look(source)) == {"changed": 1, "unchanged": 10}, "the same words, for others"
    assert "German" in asked(bot, "support speaks German", "staff")
    assert "German" not in asked(bot, "support speaks German")
    site.gone("/p0", "/p1", "/p2", "/p3")
    restrict(8, "visibility: private")
    restrict(9, "groups: [board]", same)
    assert look(source).state == "waiting", "so much is lost that a person is asked"
    assert "Bremen" not in asked(bot, "warehouse in Bremen", "staff", "board"), (
        "which keeps no secret"
    )
    assert "German" not in asked(bot, "support speaks German", "staff", "board")
    SiteSync.objects.filter(state="waiting").first().approve()
    tasks.queue_ingestion(source)
    assert look(source).state == "done"
    rows = dict(SitePage.objects.filter(answers=True).values_list("url", "groups"))
    assert (rows[site.url("/p8")], rows[site.url("/p9")]) == ([], ["board"])
    assert rows[site.url("/p7")] is None
    assert "German" in asked(bot, "support speaks German", "board")
    site.page("/p9", same)
    look(source)
    assert "German" in asked(bot, "support speaks German"), "for everybody again"


def test_a_restriction_counts_though_the_look_does_not_come_to_its_end(site, source, bot):
    site.page("/p4", "Page 4 is new.", head="<meta name=groups content=staff>")
    for number in range(12):
        site.outside.serve(f"/x{number}", status=503)
    site.front(*(f"/x{number}" for number in range(12)))
    assert look(source).state == "failed"
    assert "eight" not in asked(bot, "the office opens at eight")
    assert "eight" in asked(bot, "the office opens at eight", "staff"), "as it was, and for them"
    site.outside.serve("/p4", status=503)
    site.page("/p5", "Page 5 is new.")
    site.front()
    assert look(source).changed == 1 and "/p4" in answering(source)
    assert "eight" not in asked(bot, "the office opens at eight"), "nobody has said otherwise since"
    assert "eight" in asked(bot, "the office opens at eight", "staff")


def test_a_rejected_look_and_one_that_a_later_one_overtakes_change_nothing(site, source):
    site.gone("/p0", "/p1", "/p2", "/p3", status=410)
    look(source).reject()
    assert len(answering(source)) == 11
    second = look(source)
    assert second.state == "waiting"
    site.fill()
    assert counts(look(source)) == {"unchanged": 11} and source.error_message is None
    second.refresh_from_db()
    assert second.state == "superseded" and not second.pages.exists()


def test_another_config_reads_all_anew_and_a_large_loss_by_it_waits_as_well(site, source):
    Source.objects.update(config={**source.config, "exclude": ["/p1", "/p2"]})
    sync = look(source)
    assert sync.state == "done" and sync.gone == 2 and len(answering(source)) == 9
    Source.objects.update(config={**source.config, "include": ["/dosc/*"]})
    sync = look(source)
    assert sync.state == "waiting" and len(answering(source)) == 9, "it may be a slip of the pen"
    sync.approve()
    assert look(source).state == "done" and answering(source) == {"/"}


# --- Work that is interrupted -------------------------------------------------------------------------------------


def test_a_killed_worker_loses_one_fetch(site, bot, monkeypatch):
    source = site.source(bot)
    read, seen = PageReader.read, []

    def die(self, data, **options):
        seen.append(options["url"])
        if len(seen) == 5:
            raise SystemExit
        return read(self, data, **options)

    monkeypatch.setattr(PageReader, "read", die)
    with pytest.raises(SystemExit):
        run(source)
    assert SitePage.objects.exclude(state="waiting").count() == 4
    monkeypatch.setattr(PageReader, "read", read)
    Source.objects.restart()
    site.outside.seen.clear()
    look(source)
    assert len(answering(source)) == 11 and SiteSync.objects.count() == 1
    assert len(site.hits) == 7, "what was looked at is not looked at again"


def test_a_large_site_is_given_back_slice_by_slice(site, bot, monkeypatch):
    monkeypatch.setattr(walking, "SLICE_SECONDS", 0.0)
    source = site.source(bot)
    held = Source.objects.claim(source.pk)
    assert tasks.ingest_claimed(held) == 0.0
    source.refresh_from_db()
    assert source.queued_at and source.claim_id is None and source.status == "pending"
    look(source)
    assert len(answering(source)) == 11 and SiteSync.objects.count() == 1


def test_a_cancelled_look_leaves_what_there_was(site, source, monkeypatch):
    from knowledge.sources.changing import cancel_ingestion

    monkeypatch.setattr(walking, "SLICE_SECONDS", 0.0)
    site.page("/p1", "Page 1 says something else now.")
    tasks.ingest_claimed(Source.objects.claim(source.pk))
    cancel_ingestion(source.pk)
    sync = SiteSync.objects.first()
    assert sync.state == "cancelled" and not says(source, "something else")
    monkeypatch.setattr(walking, "SLICE_SECONDS", 20.0)
    assert counts(look(source))["changed"] == 1


def test_a_worker_whose_claim_was_taken_writes_nothing(site, source, monkeypatch):
    site.page("/p1", "Page 1 says something else now.")
    read = PageReader.read

    def lose(self, data, **options):
        Source.objects.restart()
        return read(self, data, **options)

    monkeypatch.setattr(PageReader, "read", lose)
    tasks.ingest_claimed(Source.objects.claim(source.pk))
    assert not says(source, "something else")
    assert not SitePage.objects.filter(sync__state="running").exclude(state="waiting").exists()
    monkeypatch.setattr(PageReader, "read", read)
    assert counts(look(source))["changed"] == 1


def test_a_document_that_was_deleted_comes_back_and_an_edit_stays(site, source):
    from knowledge.documents.changing import delete_document, edit_document

    edit_document(Document.objects.get(url=site.url("/p5")).pk, {"title": "Mine"})
    delete_document(Document.objects.get(url=site.url("/p4")).pk)
    assert len(answering(source)) == 10
    site.page("/p6", "Page 6 says something else now.")
    look(source)
    assert len(answering(source)) == 11 and Document.objects.filter(title="Mine").count() == 1


def test_history_is_kept_and_bounded(site, source, monkeypatch):
    monkeypatch.setattr("knowledge.models.sites.KEPT_SYNCS", 3)
    for _ in range(4):
        look(source)
    assert SiteSync.objects.count() == 3 and SitePage.objects.values("sync").distinct().count() == 1


@pytest.mark.parametrize(
    "written, base, unified",
    [
        ("HTTP://Ex.com:80/a b?q=ü#x", "", "http://ex.com/a%20b?q=%C3%BC"),
        ("../c?utm_source=1&x=2", "http://ex.com/a/b/", "http://ex.com/a/c?x=2"),
        ("//münchen.de/straße", "http://a.b/", "http://xn--mnchen-3ya.de/stra%C3%9Fe"),
        ("http://ex.com", "", "http://ex.com/"),
        ("http://ex.com/a/../b", "", "http://ex.com/b"),
        ("#top", "http://ex.com/a", "http://ex.com/a"),
        ("java\nscript:alert(1)", "http://ex.com/", ""),
        ("mailto:a@ex.com", "http://ex.com/", ""),
        ("http://user:pass@ex.com/", "", ""),
        ("http:///x", "", ""),
        ("x" * 5000, "http://ex.com/", ""),
        ("http://ex.com/\u202egnp.exe", "", "http://ex.com/gnp.exe"),
    ],
)
def test_an_address_is_written_in_one_way(written, base, unified):
    assert unify(written, base) == unified == unify(unified)
