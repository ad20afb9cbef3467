"""Ingestion in this process, through `knowledge.indexing.ingestion.ingest`: with the local embedder, and without."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from uuid import UUID

from django.conf import settings

from bench.product import House
from bench.report import Budget, Report
from bench.synthetic import make_text
from bots.models import UsageEvent, UsageKind
from knowledge.indexing.ingestion import ingest
from knowledge.models import Chunk, Source
from minirag.ai.builtin.local import HASH, MINILM, encode_locally
from tenants.context import tenant_context
from tenants.models import Tenant


def measure_ingestion(house: House, report: Report, *, quick: bool) -> None:
    """Chunks per second, and what the second ingestion of the same content costs."""
    encode_locally(MINILM, ["load the model before the clock runs"])
    plans = [
        (
            "local embedder",
            MINILM,
            100 if quick else 250,
            1 if quick else 3,
            Budget(60, at_least=True),
            True,
        ),
        (
            "without embedding",
            MINILM,
            1000 if quick else 3000,
            1 if quick else 3,
            Budget(1500, at_least=True),
            False,
        ),
        ("hashed vectors", HASH, 1000 if quick else 3000, 1, None, True),
    ]
    with tenant_context(Tenant.objects.get(slug=house.account.slug)):
        for name, model, chunks, repeats, budget, with_files in plans:
            with embedder_files(present=with_files):
                measure_plan(house, report, name, model, chunks, repeats, budget)


def measure_plan(
    house: House,
    report: Report,
    name: str,
    model: str,
    chunks: int,
    repeats: int,
    budget: Budget | None,
) -> None:
    rates, costs, shares, calls, sizes, times = [], [], [], [], [], []
    for repeat in range(repeats):
        source_id = make_source(house, model, make_text(chunks, seed=chunks + repeat))
        cpu = time.process_time()
        first = time_ingestion(source_id)
        cpu = time.process_time() - cpu
        made = list(Chunk.objects.filter(source_id=source_id).values_list("token_count", flat=True))
        before = count_embedding_calls(source_id)
        again = time_ingestion(source_id)
        rates.append(len(made) / first)
        costs.append(cpu * 1000 / len(made))
        shares.append(again / first)
        times.append(again)
        sizes.append(median(made))
        calls.append(count_embedding_calls(source_id) - before)
    report.add("ingestion", f"{name}: chunks per second", median(rates), "/s", budget,
               note=f"{len(made)} of {median(sizes):.0f} tokens, {median(costs):.2f} ms of our CPU each")  # fmt: skip
    again_budget = Budget(0.05) if name != "hashed vectors" else None
    report.add("ingestion", f"{name}: unchanged again, share of the first run", median(shares), "%", again_budget,
               note=f"{median(times) * 1000:.0f} ms")  # fmt: skip
    if model == MINILM and budget and budget.limit == 60:
        report.add(
            "ingestion",
            f"{name}: embedding calls for unchanged content",
            max(calls),
            "calls",
            Budget(0),
        )


@contextmanager
def embedder_files(*, present: bool) -> Iterator[None]:
    """Without its files the product ingests for words alone."""
    kept = settings.EMBEDDER_DIR
    with tempfile.TemporaryDirectory(prefix="minirag-no-embedder-") as empty:
        settings.EMBEDDER_DIR = kept if present else empty
        try:
            yield
        finally:
            settings.EMBEDDER_DIR = kept


def make_source(house: House, model: str, text: str) -> UUID:
    """A text source of a bot of its own, not ingested yet."""
    bot_id = house.product.make_bot(house.account, name="Reader", embedding_model=model)
    answer = house.account.client.post(
        "/v1/sources",
        json={"bot_profile_id": bot_id, "name": "Made up", "source_type": "text", "content": text},
    )
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def time_ingestion(source_id: UUID) -> float:
    started = time.monotonic()
    ingest(source_id)
    seconds = time.monotonic() - started
    source = Source.objects.get(pk=source_id)
    assert source.status == "ready", source.error_message
    return seconds


def count_embedding_calls(source_id: UUID) -> int:
    return UsageEvent.objects.filter(kind=UsageKind.EMBEDDING, source_id=source_id).count()
