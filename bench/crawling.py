"""A site of 1,000 pages from a server on this machine, through the product's own looks, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

from django.conf import settings

from bench.product import House
from bench.report import Budget, Report
from bench.synthetic import make_text
from knowledge.indexing import embedding
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source
from minirag.ai.builtin.local import MINILM, encode_locally
from tenants.context import tenant_context
from tenants.models import Tenant


def measure_crawl(house: House, report: Report, *, quick: bool) -> None:
    """Pages per second, the embedder's share of the time, and what a second look at the same pages costs."""
    count = 100 if quick else 1000
    encode_locally(MINILM, ["load the model before the clock runs"])
    with tenant_context(Tenant.objects.get(slug=house.account.slug)), serve_pages(count) as start:
        source_id = make_site(house, start, count)
        with embedder_timed() as spent:
            first = time_look(source_id)
        again = time_look(source_id)
    embedded = spent[0]
    ours = first - embedded
    note = f"{count} pages in {first:.1f} s, {embedded:.1f} s of them in the embedder"
    report.add("crawl", "pages per second, with the local embedder", count / first, "/s", note=note)
    report.add(
        "crawl", "pages per second without the embedder's time", count / ours, "/s",
        note="fetched, read, compared, cut, stored",
    )  # fmt: skip
    report.add(
        "crawl",
        "share of the time in the embedder",
        embedded / first,
        "%",
        Budget(0.5, at_least=True),
    )
    report.add(
        "crawl", "an unchanged look, share of the first", again / first, "%", note=f"{again:.1f} s"
    )


@contextmanager
def serve_pages(count: int) -> Iterator[str]:
    """Pages that say different things and are linked from a sitemap; yields its address."""
    pages = {f"/p{number}": _page(number) for number in range(count)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """It is quiet."""

        def do_GET(self) -> None:
            body = pages.get(self.path)
            is_known = body is not None and self.headers.get("If-None-Match") == f'"{self.path}"'
            self.send_response(404 if body is None else 304 if is_known else 200)
            kind = "application/xml" if self.path == "/sitemap.xml" else "text/html; charset=utf-8"
            sent = b"" if body is None or is_known else body
            for name, value in (
                ("Content-Type", kind), ("ETag", f'"{self.path}"'), ("Content-Length", str(len(sent))),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    rows = "".join(f"<url><loc>{origin}{path}</loc></url>" for path in pages)
    pages["/sitemap.xml"] = f"<?xml version='1.0'?><urlset>{rows}</urlset>".encode()
    Thread(target=server.serve_forever, daemon=True).start()
    kept, settings.OUTBOUND_ALLOWED_HOSTS = settings.OUTBOUND_ALLOWED_HOSTS, ["127.0.0.1"]
    try:
        yield f"{origin}/sitemap.xml"
    finally:
        settings.OUTBOUND_ALLOWED_HOSTS = kept
        server.shutdown()
        server.server_close()


def _page(number: int) -> bytes:
    text = "".join(f"<p>{part}</p>" for part in make_text(3, seed=number).split("\n\n"))
    links = "".join(f'<a href="/p{other}">more</a> ' for other in range(number, number + 20))
    return (
        f"<html><head><title>Page {number}</title></head><body><nav>{links}</nav>"
        f"<main><h1>Page {number}</h1>{text}</main></body></html>"
    ).encode()


def make_site(house: House, start: str, count: int) -> UUID:
    bot_id = house.product.make_bot(house.account, name="Crawler", embedding_model=MINILM)
    body: dict[str, Any] = {
        "bot_profile_id": bot_id, "name": "Site", "source_type": "site",
        "config": {"url": start, "max_pages": count},
    }  # fmt: skip
    answer = house.account.client.post("/v1/sources", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


@contextmanager
def embedder_timed() -> Iterator[list[float]]:
    """Count the seconds that are spent in the embedder."""
    spent, embed = [0.0], embedding.embed_texts

    def timed(*args: Any, **options: Any) -> Any:
        started = time.monotonic()
        try:
            return embed(*args, **options)
        finally:
            spent[0] += time.monotonic() - started

    embedding.embed_texts = timed
    try:
        yield spent
    finally:
        embedding.embed_texts = embed


def time_look(source_id: UUID) -> float:
    """Have looks go on, slice by slice, until this one is over."""
    started, before = time.monotonic(), Source.objects.get(pk=source_id).last_refreshed_at
    while (source := Source.objects.get(pk=source_id)).last_refreshed_at == before:
        assert source.status != "error", source.error_message
        ingest(source_id)
    return time.monotonic() - started
