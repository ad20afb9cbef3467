"""Goes through a site, page by page. The frontier is rows, each page one transaction: a killed worker loses one fetch.

A worker stays for a slice only and then gives the site back, so that a large or slow one keeps nobody waiting.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet

from knowledge.indexing.loading import IngestionError
from knowledge.models import Source
from knowledge.models.sites import PageState, SitePage, SiteSync, identify_page
from knowledge.sites.bounds import Bounds, read_bounds
from knowledge.sites.pages.links import Listing, unify
from knowledge.sites.pages.packing import pack
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.robots import Robots, RobotsUnknown, fetch_robots
from knowledge.sites.visiting import Known, Visit, Visitor

SLICE_SECONDS: Final = 20.0
LONG_DELAY: Final = 1.0
"""A crawl delay from here on is not waited for by a worker: it takes one page and gives the site back."""
MOST_FAILURES: Final = 10
"""After so many pages in a row that could not be fetched the site counts as down."""
DEEPEST_LIST: Final = 2


class SiteFailed(IngestionError):
    """The site as a whole could not be looked at: what it said before goes on answering."""


class Crawl:
    """One worker's slice of a sync. `before` is the last version, by address."""

    def __init__(
        self, source: Source, sync: SiteSync, reader: PageReader, before: SiteSync | None
    ) -> None:
        self.source, self.sync, self.before = source, sync, before
        self.bounds: Bounds = read_bounds(source.config, sync.host)
        robots = sync.robots if sync.robots is not None else self._load_robots(self.bounds.start)
        self._visitor = Visitor(self.bounds, Robots(robots), reader)

    @property
    def delay(self) -> float:
        return self._visitor.robots.delay

    def go_on(self) -> bool:
        """Look at pages for a slice; whether all of them were looked at. Raises SiteFailed, ClaimLost."""
        self._begin()
        ends_at = time.monotonic() + SLICE_SECONDS
        while page := self._frontier().first():
            self._look_at(page)
            if self.delay >= LONG_DELAY or time.monotonic() >= ends_at:
                break
            time.sleep(self.delay)
        return not self._frontier().exists()

    def _frontier(self) -> QuerySet[SitePage]:
        return self.sync.pages.filter(state=PageState.WAITING).defer("body")

    def _load_robots(self, address: str) -> str:
        parts = urlsplit(address)
        try:
            robots = fetch_robots(f"{parts.scheme}://{parts.netloc}")
        except RobotsUnknown as error:
            raise SiteFailed(error.code, error.reason, error.retryable) from error
        self.sync.note(robots=robots)
        return robots

    def _begin(self) -> None:
        if not self.sync.pages.exists():
            with transaction.atomic():
                self._show(0)
                self._row(self.bounds.start, 0).save(force_insert=True)

    def _seed(self) -> None:
        """Look at what the last version had as well, so that each page has an answer of its own.

        Not where a sitemap says which pages there are: what it names no more is gone.
        """
        if self.before is None or self.sync.is_listed:
            return
        known = self.before.pages.filter(is_list=False).exclude(url=self.bounds.start).defer("body")
        again = (PageState.FAILED, PageState.DUPLICATE, PageState.LEFT_OUT)
        rows = [
            self._row(page.url, page.depth)
            for page in known
            if page.answers or (page.state in again and not self.bounds.find_fault(page.url))
        ]
        SitePage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)

    def _row(self, url: str, depth: int, *, is_list: bool = False) -> SitePage:
        return SitePage(
            id=identify_page(self.sync.pk, url),
            sync=self.sync,
            url=url,
            depth=depth,
            is_list=is_list,
        )

    def _look_at(self, page: SitePage) -> None:
        is_start = page.url == self.bounds.start and not page.is_list
        if self.sync.bytes_fetched > self.bounds.max_bytes:
            limit = self.bounds.max_bytes // 2**20
            visit = Visit(
                PageState.FAILED,
                page.url,
                "site_too_large",
                f"The site's limit of {limit} MB was reached.",
            )
        elif fault := "" if is_start or page.is_list else self.bounds.find_fault(page.url):
            visit = Visit(PageState.LEFT_OUT, page.url, "out_of_bounds", fault)
        else:
            visit = self._visitor.visit(
                page.url, self._find_known(page), is_start=is_start, is_list=page.is_list
            )
        if is_start:
            self._require_start(visit)
            self._adopt_robots(visit)
        with transaction.atomic():
            self._show(self.sync.pages.exclude(state=PageState.WAITING).count() + 1)
            self._note(visit)
            if is_start:
                self._adopt_host(visit)
                self._seed()
            self._record(page, visit)
        if self.sync.failed_in_a_row >= MOST_FAILURES:
            raise SiteFailed(
                "site_down",
                f"{MOST_FAILURES} pages in a row could not be fetched, the last with: {visit.reason}",
                True,
            )

    def _find_known(self, page: SitePage) -> Known | None:
        """What makes a request conditional; nothing where the page's text is not in the index as it was read."""
        if (
            self.before is None
            or self.sync.reads_all_anew
            or self.before.robots != self.sync.robots
        ):
            return None  # what a page links to counts anew where other links may be followed
        row = self._find_old(page.url)
        return Known(row.etag, row.last_modified) if row else None

    def _find_old(self, url: str) -> SitePage | None:
        if self.before is None:
            return None
        return self.before.pages.filter(url=url, state=PageState.READ, answers=True).first()

    def _require_start(self, visit: Visit) -> None:
        code = visit.code
        if visit.state == PageState.GONE:
            code = "start_not_found"
        elif code == "robots":
            code = "robots_forbid"
        elif visit.state != PageState.FAILED:
            return
        raise SiteFailed(
            code, f"The start page could not be read: {visit.reason}", visit.is_retryable
        )

    def _show(self, done: int) -> None:
        """Prove that the site is still this worker's, and show how far it is. Raises ClaimLost."""
        self.sync.pages_done, self.sync.pages_total = done, self.sync.pages.count()
        self.source.report("crawling", done, self.sync.pages_total)

    def _note(self, visit: Visit) -> None:
        down = visit.state == PageState.FAILED and (
            visit.is_retryable or visit.code == "connect_failed"
        )
        self.sync.note(
            failed_in_a_row=self.sync.failed_in_a_row + 1 if down else 0,
            bytes_fetched=self.sync.bytes_fetched + visit.size,
            pages_done=self.sync.pages_done, pages_total=self.sync.pages_total,
        )  # fmt: skip

    def _adopt_robots(self, visit: Visit) -> None:
        """Of the host that the start is at in the end; fetched outside of a transaction, which holds the source."""
        if urlsplit(visit.link).netloc not in self.bounds.hosts:
            self._visitor.robots = Robots(self._load_robots(visit.link))

    def _adopt_host(self, visit: Visit) -> None:
        """A site that is at www.example.com though example.com was named is that site, with its robots.txt."""
        self.sync.note(
            host=urlsplit(visit.link).netloc,
            is_listed=visit.listing is not None and visit.listing.kind != "feed",
        )
        self.bounds = read_bounds(self.source.config, self.sync.host)
        self._visitor.bounds = self.bounds

    def _record(self, page: SitePage, visit: Visit) -> None:
        row = page
        if visit.link != page.url and not page.is_list and visit.listing is None:
            row = self._follow(page, visit)
        if row.state == PageState.WAITING:
            self._fill(row, visit)
        if visit.listing is not None:
            page.is_list, page.state = True, PageState.READ
            page.save(update_fields=["is_list", "state"])
            self._add_listed(visit.listing, page.depth)
        elif not self.sync.is_listed:
            self._add(visit.links, page.depth + 1)

    def _follow(self, page: SitePage, visit: Visit) -> SitePage:
        """Keep under its own address what another one leads to."""
        page.state, page.code = PageState.DUPLICATE, "redirected"
        page.reason, page.canonical = f"It leads to {visit.link}"[:500], visit.link
        page.save(update_fields=["state", "code", "reason", "canonical"])
        SitePage.objects.bulk_create([self._row(visit.link, page.depth)], ignore_conflicts=True)
        return self.sync.pages.defer("body").get(pk=identify_page(self.sync.pk, visit.link))

    def _fill(self, row: SitePage, visit: Visit) -> None:
        row.state, row.code, row.reason = visit.state, visit.code, visit.reason[:500]
        row.etag, row.last_modified, row.canonical = (
            visit.etag,
            visit.last_modified,
            visit.canonical,
        )
        if visit.not_modified:
            self._take_over(row, visit)
        elif visit.document is not None:
            row.title, row.language = visit.document.title[:500], visit.document.language[:8]
            row.content_hash, row.body = visit.content_hash, pack(visit.document)
        row.save()

    def _take_over(self, row: SitePage, visit: Visit) -> None:
        """What the server says has not changed is as it was; what it leaves out of a 304 is still valid."""
        old = self._find_old(row.url)
        if old is None:
            row.state, row.code = PageState.FAILED, "bad_response"
            row.reason = "The server says that nothing changed, but it was not asked."
            return
        row.title, row.language, row.canonical = old.title, old.language, old.canonical
        row.content_hash = old.content_hash
        row.etag, row.last_modified = (
            visit.etag or old.etag,
            visit.last_modified or old.last_modified,
        )

    def _add_listed(self, listing: Listing, depth: int) -> None:
        if listing.kind == "index":
            if depth < DEEPEST_LIST:
                rows = [
                    self._row(url, depth + 1, is_list=True)
                    for url in self._unified(listing.addresses[:500])
                ]
                SitePage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
            return
        self._add(self._unified(listing.addresses), min(1, self.bounds.max_depth))

    def _unified(self, addresses: Iterable[str]) -> list[str]:
        """Addresses as we write them, of the site's own hosts."""
        found = (unify(address, self.bounds.start) for address in addresses)
        return [url for url in found if url and urlsplit(url).netloc in self.bounds.hosts]

    def _add(self, urls: Iterable[str], depth: int) -> None:
        """Put what belongs to the site into the frontier, as far as there is room for it."""
        if depth > self.bounds.max_depth:
            return
        new = [
            url
            for url in urls
            if not self.bounds.find_fault(url) and self._visitor.robots.allows(url)
        ]
        ids = {identify_page(self.sync.pk, url): url for url in dict.fromkeys(new)}
        there = set(SitePage.objects.filter(pk__in=list(ids)).values_list("pk", flat=True))
        missing = [url for pk, url in ids.items() if pk not in there]
        room = max(0, self.bounds.max_pages - self.sync.pages.filter(is_list=False).count())
        SitePage.objects.bulk_create(
            [self._row(url, depth) for url in missing[:room]],
            batch_size=1000,
            ignore_conflicts=True,
        )
        if len(missing) > room:
            self.sync.note(pages_left_over=self.sync.pages_left_over + len(missing) - room)
