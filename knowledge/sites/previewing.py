"""What a site would give, before it is a source: `preview_site` looks at its first pages and keeps nothing of them.

It goes as a look does and judges as one does, in memory, and ends after twenty pages or twenty seconds. It waits for no
other who reads the same host, so that nobody learns from it what other tenants read; a crawl delay it keeps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from bots.models import UsageKind
from bots.usage.pricing import load_overrides, price_call
from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.measuring import count_chunks_isolated
from knowledge.formats.parsing import ParsedDocument, ParseError
from knowledge.indexing.embedding import find_counter
from knowledge.models import PageState, SitePage, SourceType
from knowledge.models.audience import tell_groups
from knowledge.sites.bounds import origin_of, read_bounds
from knowledge.sites.comparing import compare
from knowledge.sites.pages.links import unify
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.robots import Robots, RobotsUnknown, fetch_robots
from knowledge.sites.visiting import Visit, Visitor
from knowledge.sources.configs import prepare_config
from knowledge.sources.homes import Home
from minirag.ai.pricing import Prices, cost_of
from minirag.lib.database import release_connections
from minirag.lib.errors import Conflict
from minirag.lib.jobs.leases import Lease
from tenants.context import current_schema

MOST_PAGES: Final = 20
MOST_LISTS: Final = 5
SECONDS: Final = 20.0
PAGE_SECONDS: Final = 8.0
LARGEST_PAGE: Final = 2 * 2**20
LARGEST_LIST: Final = 10 * 2**20


@dataclass(frozen=True)
class PreviewedPage:
    url: str
    title: str
    state: PageState
    code: str
    reason: str
    language: str
    chunks: int
    tokens: int
    groups: list[str] | None

    @property
    def readers(self) -> str:
        """Whom it says that it is for; empty where that is everybody."""
        return tell_groups(self.groups, everybody="")


@dataclass
class SitePreview:
    """`addresses` is how many were found, those that were looked at included; `is_whole`: all of them were."""

    embedding_model: str
    pages: list[PreviewedPage] = field(default_factory=list)
    addresses: int = 0
    is_whole: bool = True
    problem: str = ""
    estimated_cost_usd: Decimal | int = 0

    @property
    def can_be_ingested(self) -> bool:
        return not self.problem

    @property
    def taken(self) -> int:
        return sum(page.state == PageState.READ for page in self.pages)

    @property
    def tokens(self) -> int:
        return sum(page.tokens for page in self.pages)

    @property
    def estimated_pages(self) -> int:
        return self._scale(self.taken)

    @property
    def estimated_tokens(self) -> int:
        return self._scale(self.tokens)

    def _scale(self, seen: int) -> int:
        """What there is of something on all addresses, if they are like those that were looked at."""
        if self.is_whole or not self.pages:
            return seen
        return round(seen * max(self.addresses, len(self.pages)) / len(self.pages))


def preview_site(config: dict[str, Any], home: Home) -> SitePreview:
    """Look at the first pages of a site for some seconds. Raises BadInput for the config, Conflict for a second one."""
    config = prepare_config(SourceType.SITE, config, source_id=uuid4())
    found, prices = SitePreview(home.dataset.embedding_model), load_overrides()
    lease = Lease(f"preview:{current_schema()}")
    if not lease.take(3 * SECONDS):
        raise Conflict(
            "A site is being previewed already. Try again when that is done.",
            code="preview_running",
        )
    release_connections()  # none is held while a foreign server takes its time
    try:
        with PageReader(PAGE_SECONDS, Rules.read(config)) as reader:
            _Look(config, reader, found).go()
    finally:
        lease.give_back()
    found.estimated_cost_usd = _price(found.embedding_model, found.estimated_tokens, prices)
    return found


def _price(model: str, tokens: int, overrides: dict[str, Prices]) -> Decimal | int:
    return price_call(
        UsageKind.EMBEDDING, model, overrides, prompt_tokens=tokens, completion_tokens=0,
        listed=cost_of(model, tokens),
    )  # fmt: skip


class _Look:
    """One preview: addresses that wait, and pages by address as a look at the site would keep them."""

    def __init__(self, config: dict[str, Any], reader: PageReader, found: SitePreview) -> None:
        self._config, self._reader, self._found = config, reader, found
        self._ends_at = time.monotonic() + SECONDS
        self._start = read_bounds(config).start
        self._waiting: deque[tuple[str, int]] = deque([(self._start, 0)])
        self._lists: deque[str] = deque()
        self._addresses = {self._start}
        self._pages: dict[str, SitePage] = {}
        self._documents: dict[str, ParsedDocument] = {}
        self._is_listed = False

    @property
    def _left(self) -> float:
        return self._ends_at - time.monotonic()

    def go(self) -> None:
        try:
            self._visitor = self._make_visitor(self._start)
            self._look_around()
        except RobotsUnknown as error:
            self._found.problem = error.reason
        compare(list(self._pages.values()), {}, gone_after=1, believes_all=False)
        self._found.pages = [self._describe(page) for page in self._pages.values()]
        self._found.addresses = len(self._addresses)
        self._found.is_whole = not self._waiting and not self._lists
        if not self._found.problem and not self._found.taken:
            self._found.problem = "None of the pages that were looked at could be taken."

    def _make_visitor(self, address: str) -> Visitor:
        origin = origin_of(address)
        robots = fetch_robots(origin, seconds=PAGE_SECONDS)
        return Visitor(
            read_bounds(self._config, origin), Robots(robots), self._reader,
            largest_page=LARGEST_PAGE, largest_list=LARGEST_LIST,
        )  # fmt: skip

    def _look_around(self) -> None:
        lists = 0
        while len(self._pages) < MOST_PAGES and self._left > 0 and not self._found.problem:
            # Never longer than what is left, so that a slow server ends the preview and not the patience for it.
            self._visitor.seconds = self._reader.seconds = min(PAGE_SECONDS, max(self._left, 1))
            if self._lists and lists < MOST_LISTS:
                lists += 1
                self._take(self._visitor.visit(self._lists.popleft(), is_list=True), 0)
            elif self._waiting:
                self._look_at(*self._waiting.popleft())
            else:
                return
            delay = self._visitor.robots.delay
            if delay >= self._left:
                return
            time.sleep(delay)

    def _look_at(self, url: str, depth: int) -> None:
        visit = self._visitor.visit(url, is_start=url == self._start)
        if url == self._start:
            self._begin_at(visit)
        self._addresses.add(visit.link)
        if visit.listing is not None:
            self._addresses -= {url, visit.link}
        elif visit.link not in self._pages:
            self._pages[visit.link] = _keep(visit, depth)
            if visit.document is not None:
                self._documents[visit.link] = visit.document
        self._take(visit, depth)

    def _begin_at(self, visit: Visit) -> None:
        if visit.state in (PageState.GONE, PageState.FAILED) or visit.code == "robots":
            self._found.problem = f"The start page could not be read: {visit.reason}"
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

    def _describe(self, page: SitePage) -> PreviewedPage:
        parsed = self._documents.get(page.url) if page.state == PageState.READ else None
        state, code, reason = PageState(page.state), page.code, page.reason
        chunks, tokens = 0, 0
        if parsed is not None:
            counter = find_counter(self._found.embedding_model)
            seconds = min(PAGE_SECONDS, max(1.0, self._left))
            try:
                chunks, tokens = count_chunks_isolated(parsed, counter=counter, seconds=seconds)
            except ParseError as error:
                state, code, reason = PageState.FAILED, error.code, error.reason
        return PreviewedPage(
            url=page.url, title=page.title, state=state, code=code, reason=reason,
            language=page.language, chunks=chunks, tokens=tokens, groups=page.groups,
        )  # fmt: skip


def _keep(visit: Visit, depth: int) -> SitePage:
    """A page as a look keeps it, of no look."""
    document = visit.document
    return SitePage(
        url=visit.link, depth=depth, state=visit.state, code=visit.code, reason=visit.reason[:500],
        canonical=visit.canonical, content_hash=visit.content_hash, groups=visit.groups,
        title=document.title[:500] if document else "", language=document.language[:8] if document else "",
    )  # fmt: skip
