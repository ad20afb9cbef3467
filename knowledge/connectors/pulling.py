"""Goes through what a connector lists: lists first, then the files that are new or changed. `Pull`.

A file of the version that is in the index is taken over as it stands while its list is read, without being fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from django.db import transaction

from knowledge.connectors.items import START, Connector, Item, Listing
from knowledge.connectors.limits import (
    DEEPEST,
    Limits,
    clean_key,
    read_limits,
)
from knowledge.connectors.registry import CONNECTORS
from knowledge.connectors.visiting import UNREADABLE, find_obstacle, visit_file
from knowledge.indexing.loading import IngestionError
from knowledge.models import Source
from knowledge.models.sites import RESTRICTED, PageState, SitePage, SiteSync, identify_page
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.visiting import (
    Visit,
)
from knowledge.sites.walking import SiteFailed, Walk
from knowledge.sources.configs import reveal_secret

MOST_LISTS: Final = 3000
MOST_ROWS: Final = 20_000
_VERSION_LENGTH: Final = 255
_LASTING: Final = frozenset((
    "broken", "encrypted", "encoding", "nul_bytes", "too_large", "too_many_pages",
))  # fmt: skip
_TAKEN_OVER: Final = ("state", "code", "reason", "title", "language", "content_hash", "groups")


class Pull(Walk):
    """One worker's slice of a look at files; in their rows a key stands for the address, a version for the ETag."""

    nouns = "files"

    def __init__(
        self, source: Source, sync: SiteSync, reader: PageReader, before: SiteSync | None
    ) -> None:
        super().__init__(source, sync, before)
        self.limits: Limits = read_limits(source.config)
        self.gone_after, self.max_loss = self.limits.gone_after, self.limits.max_loss
        self.max_bytes = self.limits.max_bytes
        self._reader = reader
        self._connector = open_connector(source)
        self.slices = self._connector.slices

    def close(self) -> None:
        self._connector.close()

    def find_link(self, page: SitePage) -> str:
        return (self.limits.find_link(page.url) or self._connector.find_link(page.url))[:2048]

    def begin(self) -> None:
        if not self.sync.pages.exists():
            with transaction.atomic():
                self._show(0)
                self.sync.note(is_listed=True)
                self._row(START, 0, is_list=True).save(force_insert=True)

    def look_at(self, page: SitePage) -> None:
        if page.is_list:
            self._look_at_list(page)
            return
        visit = self._find_limit(page) or visit_file(
            self._connector, self._reader, self.limits, page.url, page.etag
        )
        self._narrow(page, visit)
        with transaction.atomic():
            self._show_next()
            self._note(visit)
            self._fill(page, visit)
        self._require_some(visit)

    def _look_at_list(self, page: SitePage) -> None:
        listing, visit = Listing(), Visit(PageState.READ, page.url)
        known: list[SitePage] = []
        try:
            if page.url == START:
                page.etag = self._find_version()
                known = self._find_unchanged(page)
            if not known:
                listing = self._connector.list_items(page.url)
        except IngestionError as error:
            if page.url == START:
                raise SiteFailed(error.code, error.reason, error.retryable) from error
            visit = replace(
                visit.ended(PageState.FAILED, error.code, error.reason), is_retryable=error.retryable
            )  # fmt: skip
        if listing.is_cut:
            visit = visit.ended(PageState.FAILED, "list_too_long", "It has too many entries.")
        with transaction.atomic():
            self._show_next()
            self._note(visit)
            page.state, page.code, page.reason = visit.state, visit.code, visit.reason[:500]
            page.save(update_fields=["state", "code", "reason", "etag"])
            SitePage.objects.bulk_create(known, batch_size=1000, ignore_conflicts=True)
            odd = {key for key in listing.lists if clean_key(key) != key}
            folders = [
                key for key in listing.lists if key not in odd and not self.limits.is_of_system(key)
            ]
            self._add_lists(folders, page.depth + 1)
            self._add_lists([listing.rest] if listing.rest else [], page.depth)
            self._add_items([*listing.items, *map(Item, sorted(odd))], page.depth)
        self._require_some(visit)

    def _find_version(self) -> str:
        found = self._connector.find_version()
        return found if len(found) <= _VERSION_LENGTH else ""

    def _find_unchanged(self, start: SitePage) -> list[SitePage]:
        """All files as the last look found them, where nothing has changed; what could not be fetched is tried again.

        Empty where there is something to list: another version, or one of which not all was taken.
        """
        before = self.before
        if before is None or self.sync.reads_all_anew or not start.etag or before.pages_left_over:
            return []
        old = list(before.pages.defer("body"))
        if any(each.is_list and (each.url != START or each.etag != start.etag) for each in old):
            return []
        rows = []
        for each in old:
            if each.is_list or each.state == PageState.GONE:
                continue
            row = self._row(each.url, each.depth, etag=each.etag)
            if _is_settled(each):
                for name in (*_TAKEN_OVER, "canonical"):
                    setattr(row, name, getattr(each, name))
            rows.append(row)
        return rows

    def _add_lists(self, keys: Iterable[str], depth: int) -> None:
        """Put further lists into the frontier; where there are too many, what else there is counts as not known."""
        rows = [self._row(key, depth, is_list=True) for key in keys]
        room = max(0, MOST_LISTS - self.sync.pages.filter(is_list=True).count())
        if depth > DEEPEST:
            room = 0
        for row in rows[room:][:1]:
            row.state, row.code = PageState.FAILED, "list_too_long"
            row.reason = f"It is one of more than {MOST_LISTS} lists, or more than {DEEPEST} deep."
        SitePage.objects.bulk_create(rows[: room + 1], batch_size=1000, ignore_conflicts=True)

    def _add_items(self, items: Iterable[Item], depth: int) -> None:
        wanted = {
            name: replace(item, key=name)
            for item in items
            if self.limits.wants(item.key) and (name := clean_key(item.key))
        }
        there = self.sync.pages.filter(pk__in=[identify_page(self.sync.pk, key) for key in wanted])
        for key in there.values_list("url", flat=True):
            wanted.pop(key, None)
        known = self._find_known(wanted)
        rows = [self._describe(item, depth, known.get(key)) for key, item in wanted.items()]
        files = self.sync.pages.filter(is_list=False)
        taken = [row for row in rows if row.code != UNREADABLE]
        room = max(0, self.limits.max_files - files.exclude(code=UNREADABLE).count())
        others = [row for row in rows if row.code == UNREADABLE]
        others_room = max(0, MOST_ROWS - files.filter(code=UNREADABLE).count())
        SitePage.objects.bulk_create(
            [*taken[:room], *others[:others_room]], batch_size=1000, ignore_conflicts=True
        )
        if len(taken) > room:
            self.sync.note(pages_left_over=self.sync.pages_left_over + len(taken) - room)

    def _find_known(self, wanted: dict[str, Any]) -> dict[str, SitePage]:
        """The files whose text is in the index as it was read, and those of which nothing could be taken."""
        if self.before is None or self.sync.reads_all_anew:
            return {}
        old = self.before.pages.filter(url__in=list(wanted), is_list=False).exclude(etag="")
        return {
            page.url: page
            for page in old.defer("body")
            if (page.state == PageState.READ and page.answers)
            or (page.state == PageState.LEFT_OUT and page.code != RESTRICTED)
        }

    def _describe(self, item: Item, depth: int, known: SitePage | None) -> SitePage:
        version = item.version if len(item.version) <= _VERSION_LENGTH else ""
        row = self._row(item.key, depth, etag=version)
        obstacle = find_obstacle(item)
        if obstacle is not None:
            row.state, row.code, row.reason = obstacle.state, obstacle.code, obstacle.reason
        elif known is not None and version and known.etag == version:
            for name in _TAKEN_OVER:
                setattr(row, name, getattr(known, name))
        return row  # fmt: skip


def _is_settled(page: SitePage) -> bool:
    """Whether looking at the same version of a file again would come to the same."""
    if page.state == PageState.FAILED:
        return bool(page.etag) and page.code in _LASTING
    return page.state != PageState.WAITING and page.code != RESTRICTED


def open_connector(source: Source) -> Connector:
    """Make ready what lists and reads a source's files."""
    return CONNECTORS[source.source_type].open(source.config, reveal_secret(source) or "")
