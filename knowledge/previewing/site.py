"""The first pages of a web site, link by link, for a preview."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from knowledge.models import PageState, Source
from knowledge.previewing.found import MOST_PAGES, Clock, Preview, Seen
from knowledge.sites.bounds import origin_of, read_bounds
from knowledge.sites.pages.links import unify
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.robots import Robots, RobotsUnknown, fetch_robots
from knowledge.sites.visiting import FORBIDDEN, Visit, Visitor
from minirag.lib.telling.kept_sentences import kept

MOST_LISTS: Final = 5
LARGEST_PAGE: Final = 2 * 2**20
LARGEST_LIST: Final = 10 * 2**20


def look_at_site(source: Source, reader: PageReader, found: Preview, clock: Clock) -> None:
    """Put what the first pages of a site would give into `found`."""
    _Look(source.config, reader, found, clock).go()


class _Look:
    """One preview: addresses that wait, and pages by address as a look at the site would keep them."""

    def __init__(
        self, config: dict[str, Any], reader: PageReader, found: Preview, clock: Clock
    ) -> None:
        self._config, self._reader, self._found, self._clock = config, reader, found, clock
        self._start = read_bounds(config).start
        self._waiting: deque[tuple[str, int]] = deque([(self._start, 0)])
        self._lists: deque[str] = deque()
        self._addresses = {self._start}
        self._seen = Seen(found, clock)
        self._is_listed = False

    def go(self) -> None:
        try:
            self._visitor = self._make_visitor(self._start)
            self._look_around()
        except RobotsUnknown as error:
            self._found.problem = error.reason
        self._seen.tell()
        self._found.addresses = len(self._addresses)
        self._found.is_whole = not self._waiting and not self._lists
        if not self._found.problem and not self._found.taken:
            self._found.problem = (
                "None of the pages that were looked at could be taken."
                if self._addresses
                else "It names no pages: there is nothing to take."
            )

    def _make_visitor(self, address: str) -> Visitor:
        origin = origin_of(address)
        robots = fetch_robots(origin, seconds=self._clock.step)
        return Visitor(
            read_bounds(self._config, origin), Robots(robots), self._reader,
            largest_page=LARGEST_PAGE, largest_list=LARGEST_LIST,
        )  # fmt: skip

    def _look_around(self) -> None:
        lists = 0
        while len(self._seen) < MOST_PAGES and self._clock.left > 0 and not self._found.problem:
            # A slow server ends the preview and not the patience for it.
            self._visitor.seconds = self._clock.step
            if self._lists and lists < MOST_LISTS:
                lists += 1
                self._take(self._visitor.visit(self._lists.popleft(), is_list=True), 0)
            elif self._waiting:
                self._look_at(*self._waiting.popleft())
            else:
                return
            delay = self._visitor.robots.delay
            if delay >= self._clock.left:
                return
            time.sleep(delay)

    def _look_at(self, url: str, depth: int) -> None:
        visit = self._visitor.visit(url, is_start=url == self._start)
        if url == self._start:
            self._begin_at(visit)
        self._addresses.add(visit.link)
        if visit.listing is not None:
            self._addresses -= {url, visit.link}
        elif visit.link not in self._seen:
            self._seen.add(visit, depth)
        self._take(visit, depth)

    def _begin_at(self, visit: Visit) -> None:
        if visit.state in (PageState.GONE, PageState.FAILED) or visit.code == FORBIDDEN:
            self._found.problem = kept(f"The start page could not be read: {visit.reason}")
        elif origin_of(visit.link) != origin_of(self._start):
            self._visitor = self._make_visitor(visit.link)
        self._is_listed = visit.listing is not None and visit.listing.kind != "feed"
        if visit.listing is None and self._visitor.bounds.reads_sitemaps:
            self._add_lists(self._visitor.robots.sitemaps)

    def _take(self, visit: Visit, depth: int) -> None:
        """Put into the frontier what an address leads to."""
        bounds = self._visitor.bounds
        if visit.listing is None:
            links = () if self._is_listed or depth >= bounds.max_depth else visit.links
            self._add(links, depth + 1)
            return
        if visit.listing.kind == "index":
            self._add_lists(visit.listing.addresses)
            return
        urls = [unify(address, bounds.start) for address in visit.listing.addresses]
        self._add(urls, 1)

    def _add_lists(self, addresses: Iterable[str]) -> None:
        hosts = self._visitor.bounds.hosts
        urls = [unify(address, self._start) for address in addresses]
        self._lists.extend(url for url in urls if urlsplit(url).netloc in hosts)

    def _add(self, urls: Iterable[str], depth: int) -> None:
        bounds, robots = self._visitor.bounds, self._visitor.robots
        for url in map(bounds.settle, urls):
            if len(self._addresses) >= bounds.max_pages:
                return
            if (
                url
                and url not in self._addresses
                and not bounds.find_fault(url)
                and robots.allows(url)
            ):
                self._addresses.add(url)
                self._waiting.append((url, depth))
