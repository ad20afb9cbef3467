"""One worker's slice of a look, page by page: `Walk`, which a web site and every connector share.

The frontier is rows, each page one transaction: a killed worker loses one fetch. A worker stays for a slice only and
then gives the source back, so that a large or slow one keeps nobody waiting.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any, Final

from django.db.models import Count, Q, QuerySet

from bots.quotas.turns import is_turn_over
from knowledge.formats.isolated.packing import pack
from knowledge.indexing.chunk_rows import narrow_documents
from knowledge.indexing.incoming import identify_page_document
from knowledge.indexing.loading import IngestionError
from knowledge.models import Source
from knowledge.models.sites import RESTRICTED, PageState, SitePage, SiteSync, identify_page
from knowledge.sites.visiting import Visit
from minirag.lib.telling.kept_sentences import kept

SLICE_SECONDS: Final = 20.0
LONG_DELAY: Final = 1.0
"""A crawl delay from here on is not waited for by a worker: it takes one page and gives the source back."""
MOST_FAILURES: Final = 10
"""After so many pages in a row that could not be fetched what they are of counts as down."""


class SiteFailed(IngestionError):
    """What is looked at could not be looked at as a whole: what it said before goes on answering."""


class Walk(ABC):
    """One worker's slice of a sync. `before` is the last version; a kind of source says how a page is looked at.

    `gone_after` looks at which a page is missing end it, and a person is asked where more than `max_loss` of all are
    lost at once. `slices`: how many of a slice's seconds it stays.
    """

    gone_after: int
    max_loss: float
    max_bytes: int
    slices = 1
    nouns = "pages"
    not_listed = kept("It is not listed any more.")
    list_failed = kept("A part of the list could not be read: {reason}")

    def __init__(self, source: Source, sync: SiteSync, before: SiteSync | None) -> None:
        self.source, self.sync, self.before = source, sync, before

    @property
    def delay(self) -> float:
        """How many seconds to wait between two pages."""
        return 0.0

    def go_on(self) -> bool:
        """Look at pages for a slice; whether all of them were looked at. Raises SiteFailed, ClaimLost."""
        self.begin()
        begun_at = time.monotonic()
        ends_at, worth_until = begun_at + SLICE_SECONDS * self.slices, 0.0
        while page := self._frontier().first():
            self.look_at(page)
            now = time.monotonic()
            if self.slices > 1 and not worth_until:
                # The first look has opened it: a slice is as long again, or it would be opened for every file.
                worth_until = 2 * now - begun_at
            is_over = now >= ends_at or is_turn_over()
            if self.delay >= LONG_DELAY or (is_over and now >= worth_until):
                break
            time.sleep(self.delay)
        return not self._frontier().exists()

    @abstractmethod
    def begin(self) -> None:
        """Put what is looked at first into an empty frontier."""

    @abstractmethod
    def look_at(self, page: SitePage) -> None:
        """Fetch what is waiting, and record what came of it in one transaction."""

    def close(self) -> None:  # noqa: B027 - a site holds nothing open
        """Let go of what is open."""

    def find_link(self, page: SitePage) -> str:
        """The address that a citation of the page leads to; empty where it has none."""
        return page.url

    def _frontier(self) -> QuerySet[SitePage]:
        return self.sync.pages.filter(state=PageState.WAITING).defer("body")

    def _row(self, url: str, depth: int, *, is_list: bool = False, **facts: Any) -> SitePage:
        return SitePage(
            id=identify_page(self.sync.pk, url), sync=self.sync, url=url, depth=depth, is_list=is_list, **facts
        )  # fmt: skip

    def _find_old(self, url: str) -> SitePage | None:
        if self.before is None:
            return None
        return self.before.pages.filter(url=url, state=PageState.READ, answers=True).first()

    def _narrow(self, page: SitePage, visit: Visit) -> None:
        """Have what answers now be for no others than the page says at this visit, at once and whatever becomes of the
        look; who may read it from now on does so with its new text. Raises ClaimLost.
        """
        groups = [] if visit.code == RESTRICTED else visit.groups
        if groups is None:
            return
        urls = {page.url, visit.link}  # what leads to it says nothing else any more
        known = {identify_page_document(self.source.pk, url): groups for url in urls}
        if narrow_documents(self.source, known):
            # The source is another one now than when the look began, which goes on with it all the same.
            self.sync.note(base="", reads_all_anew=True)

    def _find_limit(self, page: SitePage) -> Visit | None:
        """What becomes of a page that is beyond what may be fetched of the whole."""
        if self.sync.bytes_fetched <= self.max_bytes:
            return None
        reason = f"The limit of {self.max_bytes // 2**20} MB was reached."
        return Visit(PageState.FAILED, page.url, "site_too_large", reason)

    def _show(self, done: int, total: int | None = None) -> None:
        """Prove that the source is still this worker's, and show how far it is. Raises ClaimLost."""
        total = self.sync.pages.count() if total is None else total
        self.sync.pages_done, self.sync.pages_total = done, total
        self.source.report("crawling", done, total)

    def _show_next(self) -> None:
        waits = Q(state=PageState.WAITING)
        found = self.sync.pages.aggregate(all=Count("pk"), waiting=Count("pk", filter=waits))
        self._show(found["all"] - found["waiting"] + 1, found["all"])

    def _note(self, visit: Visit) -> None:
        down = visit.state == PageState.FAILED and (
            visit.is_retryable or visit.code == "connect_failed"
        )
        self.sync.note(
            failed_in_a_row=self.sync.failed_in_a_row + 1 if down else 0,
            bytes_fetched=self.sync.bytes_fetched + visit.size,
            pages_done=self.sync.pages_done, pages_total=self.sync.pages_total,
        )  # fmt: skip

    def _require_some(self, visit: Visit) -> None:
        """Raises SiteFailed where too many pages in a row could not be fetched, the last one at this visit."""
        if self.sync.failed_in_a_row >= MOST_FAILURES:
            raise SiteFailed(
                "site_down",
                f"{MOST_FAILURES} {self.nouns} in a row could not be fetched, the last with: {visit.reason}",
                True,
            )

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
        if not visit.not_modified:
            row.groups = visit.groups
        row.save()

    def _take_over(self, row: SitePage, visit: Visit) -> None:
        """What the server says has not changed is as it was; what it leaves out of a 304 is still valid."""
        old = self._find_old(row.url)
        if old is None:
            row.state, row.code = PageState.FAILED, "bad_response"
            row.reason = "The server says that nothing changed, but it was not asked."
            return
        row.title, row.language, row.canonical = old.title, old.language, old.canonical
        row.content_hash, row.groups = old.content_hash, old.groups
        row.etag, row.last_modified = (
            visit.etag or old.etag,
            visit.last_modified or old.last_modified,
        )
