"""The table of exports: archives in which another product packs what it holds, each read in a way of its own.

To add one, write an `Export` next to the others and name it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from knowledge.formats.archive.confluence import CONFLUENCE_ENTITIES, CONFLUENCE_PAGES
from knowledge.formats.archive.notion import NOTION
from knowledge.formats.archive.unpacking import Export

EXPORTS: Final = (NOTION, CONFLUENCE_ENTITIES, CONFLUENCE_PAGES)


def find_export(paths: Sequence[str]) -> Export | None:
    """The export that an archive of these files is; None for one that people packed."""
    return next((export for export in EXPORTS if export.recognises(paths)), None)
