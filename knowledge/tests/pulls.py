"""What tests of connectors share: a look that says which files are in which state, and what answers."""

from __future__ import annotations

from knowledge.models import Document, SitePage, SiteSync, Source
from knowledge.tests.conftest import make_source
from knowledge.tests.sites import counts, look, says

__all__ = ["answering", "counts", "files", "links", "look", "pull", "says"]

TEXTS = {
    "hours.md": "# Hours\n\nThe office opens at eight.",
    "manuals/drone.md": "# Drone\n\nThe drone weighs nine kilos.",
    "manuals/old/rotor.txt": "Spare rotors cost forty.",
    "returns.html": "<html><title>Returns</title><p>Returns take thirty days.</p></html>",
}
"""Files by path that most of the connectors' tests serve."""


def pull(bot, source_type: str, **config) -> Source:
    return make_source(bot, None, source_type=source_type, name="Files", config=config)


def files(source: Source) -> dict[str, tuple[str, str]]:
    """State and code by key, of the last look whose pages are kept."""
    sync = SiteSync.objects.filter(source=source, pages__isnull=False).first()
    return {row.url: (row.state, row.code) for row in SitePage.objects.filter(sync=sync)}


def answering(source: Source) -> set[str]:
    """The keys whose text answers now."""
    documents = Document.objects.filter(source=source, chunks__isnull=False).distinct()
    return {document.metadata["path"] for document in documents}


def links(source: Source) -> dict[str, str]:
    return {row.metadata["path"]: row.url for row in Document.objects.filter(source=source)}
