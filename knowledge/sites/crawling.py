"""Goes through a web site, link by link, within its bounds and as its robots.txt allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from django.db import transaction

from knowledge.models import Source
from knowledge.models.sites import PageState, SitePage, SiteSync, identify_page
from knowledge.sites.bounds import Bounds, origin_of, read_bounds
from knowledge.sites.hosts import HostLease
from knowledge.sites.pages.links import MOST_LISTED, Listing, unify
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.robots import Robots, RobotsUnknown, fetch_robots
from knowledge.sites.visiting import FORBIDDEN, Known, Visit, Visitor, forbid
from knowledge.sites.walking import SiteFailed, Walk
from minirag.lib.telling.kept_sentences import kept

DEEPEST_LIST: Final = 2
MOST_LISTS: Final = 2000
LONGEST_WAIT: Final = 300.0
"""Of a server that asks for more time, only so much is waited for at once."""
MOST_WAITS: Final = 3
MOST_FORBIDDEN: Final = 100
"""So many pages that a site does not allow to be read are listed as such."""


class Crawl(Walk):
    """One worker's slice of a look at a site."""

    not_listed = kept("It is not in the sitemap any more.")
    list_failed = kept("A part of the sitemap could not be read: {reason}")

    def __init__(
        self, source: Source, sync: SiteSync, reader: PageReader, before: SiteSync | None
    ) -> None:
        super().__init__(source, sync, before)
        self.bounds: Bounds = read_bounds(source.config, sync.host)
        self.gone_after, self.max_loss = self.bounds.gone_after, self.bounds.max_loss
        self.max_bytes = self.bounds.max_bytes
        self._visitor = Visitor(self.bounds, Robots(sync.robots or ""), reader)
        self._lease = HostLease(self.bounds.origin)
        self._asked_to_wait = 0.0
        self._rest = 0.0  # that others leave the host as well

    @property
    def delay(self) -> float:
        return max(self._visitor.robots.delay, self._asked_to_wait, self._lease.wait)

    def go_on(self) -> bool:
        """One slice, while nobody else asks the host: not another source, and none of another tenant."""
        if not self._lease.take():
            return False
        try:
            if self.sync.robots is None:
                self._visitor.robots = Robots(self._load_robots(self.bounds.start))
            return super().go_on()
        finally:
            self._lease.end(after_seconds=max(self._visitor.robots.delay, self._rest))

    def _load_robots(self, address: str) -> str:
        try:
            robots = fetch_robots(origin_of(address))
        except RobotsUnknown as error:
            raise SiteFailed(error.code, error.reason, error.retryable) from error
        self.sync.note(robots=robots)
        return robots

    def begin(self) -> None:
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
            if page.answers
            or (
                page.state in again
                and page.code != FORBIDDEN
                and not self.bounds.find_fault(page.url)
            )
        ]
        SitePage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)

    def look_at(self, page: SitePage) -> None:
        if not self._lease.keep():
            return
        is_start = page.url == self.bounds.start and not page.is_list
        visit = self._find_limit(page)
        if visit is None and not is_start and not page.is_list:
            fault = self.bounds.find_fault(page.url)
            visit = Visit(PageState.LEFT_OUT, page.url, "out_of_bounds", fault) if fault else None
        if visit is None:
            visit = self._visitor.visit(
                page.url, self._find_known(page), is_start=is_start, is_list=page.is_list
            )
            if self._must_wait(visit):
                return
            visit = replace(visit, canonical=self.bounds.settle(visit.canonical))
        if is_start:
            self._require_start(visit)
            self._adopt_robots(visit)
        self._narrow(page, visit)
        with transaction.atomic():
            self._show_next()
            self._note(visit)
            if is_start:
                self._adopt_host(visit)
                self._seed()
                if visit.listing is None and self.bounds.reads_sitemaps:
                    self._add_lists(self._visitor.robots.sitemaps, 1)
            self._record(page, visit)
        self._require_some(visit)

    def _must_wait(self, visit: Visit) -> bool:
        """Whether the server asks for time; the page stays in the frontier then, unless it asks again and again."""
        self._asked_to_wait = min(visit.retry_after or 0.0, LONGEST_WAIT)
        # What led here may be another's: it asks for its own time, not for that of the host it led to.
        self._rest = self._asked_to_wait if self._lease.is_of(visit.link) else 0.0
        if visit.retry_after is None or self.sync.failed_in_a_row >= MOST_WAITS:
            return False
        with transaction.atomic():
            self._show(self.sync.pages_done)
            self._note(visit)
        return True

    def _find_known(self, page: SitePage) -> Known | None:
        """What makes a request conditional; nothing where the page's text is not in the index as it was read."""
        if (
            self.before is None
            or self.sync.reads_all_anew
            or self.before.robots != self.sync.robots
        ):
            return None  # what a page links to counts anew where other links may be followed
        if self._may_grow:
            return None  # and where there is room for what had none at the last look
        row = self._find_old(page.url)
        return Known(row.etag, row.last_modified) if row else None

    @cached_property
    def _may_grow(self) -> bool:
        is_short = self.before is not None and self.before.pages_left_over > 0
        return is_short and self._count_rows() < self.bounds.max_pages

    @cached_property
    def _answering(self) -> frozenset[str]:
        """The pages of the last version that answer."""
        if self.before is None:
            return frozenset()
        rows = self.before.pages.filter(answers=True, is_list=False)
        return frozenset(rows.values_list("url", flat=True))

    @cached_property
    def _gone(self) -> frozenset[str]:
        if self.before is None:
            return frozenset()
        return frozenset(
            self.before.pages.filter(state=PageState.GONE).values_list("url", flat=True)
        )

    def _count_rows(self) -> int:
        return self.sync.pages.filter(is_list=False).exclude(code=FORBIDDEN).count()

    def _require_start(self, visit: Visit) -> None:
        code = visit.code
        if visit.state == PageState.GONE:
            code = "start_not_found"
        elif code == FORBIDDEN:
            code = "robots_forbid"
        elif visit.state != PageState.FAILED:
            return
        raise SiteFailed(
            code, f"The start page could not be read: {visit.reason}", visit.is_retryable
        )

    def _adopt_robots(self, visit: Visit) -> None:
        """Of the host that the start is at in the end; fetched outside of a transaction, which holds the source."""
        if urlsplit(visit.link).netloc not in self.bounds.hosts:
            self._visitor.robots = Robots(self._load_robots(visit.link))

    def _adopt_host(self, visit: Visit) -> None:
        """A site that is at www.example.com though example.com was named is that site, with its robots.txt."""
        self.sync.note(
            host=origin_of(visit.link),
            is_listed=visit.listing is not None and visit.listing.kind != "feed",
        )
        self.bounds = read_bounds(self.source.config, self.sync.host)
        self._visitor.bounds = self.bounds
        if not self._lease.is_of(self.bounds.origin):
            self._lease.end(after_seconds=0)
            self._lease = HostLease(self.bounds.origin)
            self._lease.take()  # or it is kept by nobody, which ends the slice

    def _record(self, page: SitePage, visit: Visit) -> None:
        row = page
        if visit.link != page.url and not page.is_list and visit.listing is None:
            row = self._follow(page, visit)
        if row.state == PageState.WAITING:
            self._fill(row, visit)
        if visit.listing is not None:
            page.is_list, page.state = True, PageState.READ
            page.save(update_fields=["is_list", "state"])
            self._add_listed(page, visit.listing)
        elif not self.sync.is_listed:
            self._add(visit.links, page.depth + 1)

    def _follow(self, page: SitePage, visit: Visit) -> SitePage:
        """Keep under its own address what another one leads to."""
        page.state, page.code = PageState.DUPLICATE, "redirected"
        page.reason, page.canonical = f"It leads to {visit.link}"[:500], visit.link
        page.save(update_fields=["state", "code", "reason", "canonical"])
        SitePage.objects.bulk_create([self._row(visit.link, page.depth)], ignore_conflicts=True)
        return self.sync.pages.defer("body").get(pk=identify_page(self.sync.pk, visit.link))

    def _add_listed(self, page: SitePage, listing: Listing) -> None:
        """Go on with what a list names; one that is only read in part says so, and then nothing counts as gone."""
        most = MOST_LISTED
        if listing.kind == "index":
            most = MOST_LISTS if page.depth < DEEPEST_LIST else 0
            self._add_lists(listing.addresses[:most], page.depth + 1)
        else:
            self._add(self._unified(listing.addresses), min(1, self.bounds.max_depth))
        if len(listing.addresses) > most:
            state, code = PageState.FAILED, "list_too_long"
            page.state, page.code = state, code
            page.reason = (
                f"It names more than {most:,} addresses; the others are not read."
                if most
                else "It is a list in a list of lists, which is not read."
            )
            page.save(update_fields=["state", "code", "reason"])

    def _add_lists(self, addresses: Iterable[str], depth: int) -> None:
        rows = [self._row(url, depth, is_list=True) for url in self._unified(addresses)]
        SitePage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)

    def _unified(self, addresses: Iterable[str]) -> list[str]:
        """Addresses as we write them, of the site's own hosts."""
        found = (unify(address, self.bounds.start) for address in addresses)
        return [
            self.bounds.settle(url)
            for url in found
            if url and urlsplit(url).netloc in self.bounds.hosts
        ]

    def _add(self, urls: Iterable[str], depth: int) -> None:
        """Put what belongs to the site into the frontier, as far as there is room for it.

        What answers now has room before what is new: a long sitemap does not push out what it names as well.
        """
        if depth > self.bounds.max_depth:
            return
        found = [url for url in map(self.bounds.settle, urls) if not self.bounds.find_fault(url)]
        new = [url for url in found if self._visitor.robots.allows(url)]
        if len(new) < len(found):
            self._list_forbidden(dict.fromkeys(found).keys() - set(new), depth)
        ids = {identify_page(self.sync.pk, url): url for url in dict.fromkeys(new)}
        there = set(SitePage.objects.filter(pk__in=list(ids)).values_list("pk", flat=True))
        missing = [url for pk, url in ids.items() if pk not in there]
        known = [url for url in missing if url in self._answering]
        others = [url for url in missing if url not in self._answering]
        others.sort(
            key=self._gone.__contains__
        )  # what was not there the last time has no room to lose
        room = max(0, self.bounds.max_pages - self._count_rows())
        kept = others[: max(0, room - max(len(known), self._count_reserved()))]
        SitePage.objects.bulk_create(
            [self._row(url, depth) for url in (*known[:room], *kept)],
            batch_size=1000,
            ignore_conflicts=True,
        )
        left = len(missing) - len(known[:room]) - len(kept)
        if left:
            self.sync.note(pages_left_over=self.sync.pages_left_over + left)

    def _list_forbidden(self, urls: Iterable[str], depth: int) -> None:
        """Say of some of the pages that robots.txt does not allow why they are not read."""
        room = MOST_FORBIDDEN - self.sync.pages.filter(code=FORBIDDEN).count()
        visits = map(forbid, sorted(urls)[: max(0, room)])
        SitePage.objects.bulk_create(
            [
                self._row(each.link, depth, state=each.state, code=each.code, reason=each.reason)
                for each in visits
            ],
            ignore_conflicts=True,
        )

    def _count_reserved(self) -> int:
        """How many pages that answer now are still to be named by a sitemap."""
        if not self.sync.is_listed or not self._answering:
            return 0
        return len(self._answering) - self.sync.pages.filter(url__in=self._answering).count()
