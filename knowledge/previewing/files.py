"""The first files of a connector, for a preview: lists first, as a look reads them, then the files in their order."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import replace
from typing import Final

from knowledge.connectors.items import START, Connector, Item
from knowledge.connectors.limits import clean_key, read_limits
from knowledge.connectors.pulling import open_connector
from knowledge.connectors.visiting import UNREADABLE, find_obstacle, visit_file
from knowledge.indexing.loading import IngestionError
from knowledge.models import Source
from knowledge.previewing.found import MOST_PAGES, SECONDS, Clock, Preview, Seen
from knowledge.sites.pages.reading import PageReader
from minirag.lib.telling.kept_sentences import kept

MOST_LISTS: Final = 50
LARGEST_ARCHIVE: Final = 50 * 2**20
LISTS_LEAVE: Final = SECONDS / 3
"""So many seconds are left for files, however many lists there are."""


def look_at_files(source: Source, reader: PageReader, found: Preview, clock: Clock) -> None:
    """Put what the first files of a connector would give into `found`."""
    with closing(open_connector(source)) as connector:
        _Look(source, connector, found, clock).go(reader)


class _Look:
    """One preview: the files that were listed, and the lists that wait."""

    def __init__(self, source: Source, connector: Connector, found: Preview, clock: Clock) -> None:
        self._limits, self._connector = read_limits(source.config), connector
        self._found, self._clock = found, clock
        self._lists = deque([START])
        self._items: dict[str, Item] = {}

    def go(self, reader: PageReader) -> None:
        is_all = self._read_lists()
        items = list(self._items.values())[: self._limits.max_files]
        seen = Seen(self._found, self._clock)
        for item in items[:MOST_PAGES]:
            if self._clock.left <= 0:
                break
            self._hurry()
            seen.add(
                find_obstacle(item) or visit_file(self._connector, reader, self._limits, item.key)
            )
        seen.tell()
        self._found.addresses = len(items)
        self._found.is_whole = is_all and len(seen) == len(items)
        if not self._found.problem and not self._found.taken:
            self._found.problem = (
                "None of the files that were looked at could be taken."
                if len(seen)
                else "No file was found in time that could be taken."
            )

    def _hurry(self) -> None:
        self._connector.hurry(self._clock.step, LARGEST_ARCHIVE)

    def _read_lists(self) -> bool:
        """Whether all lists could be read in time."""
        self._connector.hurry(self._clock.left, LARGEST_ARCHIVE)  # an archive is one list
        is_all = True
        for _ in range(MOST_LISTS):
            if not self._lists or self._clock.left < LISTS_LEAVE:
                break
            is_all &= self._read_list(self._lists.popleft())
            self._hurry()
        return is_all and not self._lists

    def _read_list(self, at: str) -> bool:
        try:
            listing = self._connector.list_items(at)
        except IngestionError as error:
            if at == START:
                self._found.problem = kept(f"The files could not be listed: {error.reason}")
            return False
        for item in listing.items:
            name = clean_key(item.key)
            obstacle = find_obstacle(replace(item, key=name))
            if self._limits.wants(item.key) and (obstacle is None or obstacle.code != UNREADABLE):
                self._items.setdefault(name, replace(item, key=name))
        self._lists.extendleft([listing.rest] if listing.rest else [])
        self._lists.extend(
            key
            for key in listing.lists
            if clean_key(key) == key and not self._limits.is_of_system(key)
        )
        return not listing.is_cut
