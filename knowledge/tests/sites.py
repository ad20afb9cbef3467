"""A scripted web site that changes, fails, redirects, loops and disappears, when a test says so."""

from __future__ import annotations

import pytest

from bots.models import BotProfile
from knowledge.models import Chunk, Document, SitePage, SiteSync, Source
from knowledge.tests.conftest import make_source, run
from minirag.lib.tests.conftest import OutsideServer

HTML = "text/html; charset=utf-8"
TOPICS = (
    "parcels leave at noon", "returns take thirty days", "the drone weighs nine kilos", "batteries last two hours",
    "the office opens at eight", "invoices are sent by mail", "spare rotors cost forty", "training is on Fridays",
    "the warehouse is in Bremen", "support speaks German",
)  # fmt: skip


class Site:
    """Pages by path, all linked from the front page; `hits` counts the requests since it was last cleared."""

    def __init__(self, outside: OutsideServer) -> None:
        self.outside = outside
        self.paths: list[str] = []

    def url(self, path: str = "/") -> str:
        return self.outside.url(path)

    def page(
        self,
        path: str,
        text: str,
        *,
        title: str = "",
        head: str = "",
        links: tuple[str, ...] = (),
        **headers: str,
    ) -> None:
        anchors = "".join(f'<a href="{link}">more</a> ' for link in links)
        body = (
            f"<html><head><title>{title or path}</title>{head}</head><body><nav>{anchors}</nav>"
            f"<main><h1>{title or path}</h1><p>{text}</p></main></body></html>"
        )
        self.outside.serve(path, body.encode(), content_type=HTML, **headers)
        if path not in self.paths:
            self.paths.append(path)

    def front(self, *extra: str) -> None:
        self.page(
            "/", "Welcome to the house of drones.", title="Front", links=(*self.paths, *extra)
        )

    def fill(self, count: int = 10) -> None:
        for number in range(count):
            topic = TOPICS[number % 10]
            self.page(
                f"/p{number}",
                f"Page {number} says that {topic}, and no other page does.",
                etag=f'"{number}"',
            )
        self.front()

    def gone(self, *paths: str, status: int = 404) -> None:
        for path in paths:
            self.outside.serve(path, status=status)

    def sitemap(self, *paths: str, at: str = "/sitemap.xml") -> None:
        rows = "".join(f"<url><loc>{self.url(path)}</loc></url>" for path in paths)
        self.outside.serve(
            at,
            f"<?xml version='1.0'?><urlset>{rows}</urlset>".encode(),
            content_type="application/xml",
        )

    def source(self, bot: BotProfile, start: str = "/", **config: object) -> Source:
        return make_source(
            bot, None, source_type="site", name="House", config={"url": self.url(start), **config}
        )

    @property
    def hits(self) -> list[str]:
        return [path for _, path, _, _ in self.outside.seen]


def look(source: Source) -> SiteSync:
    """Look at the site once, and say what came of it."""
    run(source)
    sync = SiteSync.objects.filter(source=source).first()
    assert sync is not None
    return sync


def counts(sync: SiteSync) -> dict[str, int]:
    found = {
        name: getattr(sync, name)
        for name in ("added", "changed", "gone", "missing", "failed", "unchanged")
    }
    return {name: count for name, count in found.items() if count}


def pages(source: Source) -> dict[str, tuple[str, str]]:
    """State and code by path, of the last look whose pages are kept."""
    sync = SiteSync.objects.filter(source=source, pages__isnull=False).first()
    rows = SitePage.objects.filter(sync=sync)
    return {"/" + row.url.split("/", 3)[3]: (row.state, row.code) for row in rows}


def answering(source: Source) -> set[str]:
    """The paths whose text answers now."""
    urls = Document.objects.filter(source=source).values_list("url", flat=True)
    return {"/" + url.split("/", 3)[3] for url in urls}


def says(source: Source, words: str) -> bool:
    return Chunk.objects.filter(source=source, content__contains=words).exists()


@pytest.fixture
def site(outside) -> Site:
    made = Site(outside)
    made.fill()
    return made


@pytest.fixture
def source(site, bot) -> Source:
    """The site as a source that has been read once."""
    made = site.source(bot)
    sync = look(made)
    assert made.status == "ready" and sync.state == "done", made.error_message
    site.outside.seen.clear()
    return made


@pytest.fixture(name="site")
def small_site(outside) -> Site:
    made = Site(outside)
    made.fill(4)
    return made


@pytest.fixture(name="source")
def hasty_source(site, bot) -> Source:
    """The site as a source that has been read once, and gives up a page that is missing once."""
    made = site.source(bot, gone_after=1, max_loss=0.9)
    assert look(made).state == "done", made.error_message
    return made
