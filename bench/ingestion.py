"""Ingestion in this process, through `knowledge.indexing.ingestion.ingest`: with the local embedder, and without."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from django.conf import settings

from bench.large_files import measure_large_files
from bench.product import House, Meter
from bench.report import Budget, Report
from bench.synthetic import make_text
from bots.models import UsageEvent, UsageKind
from knowledge.indexing.ingestion import ingest
from knowledge.models import Chunk, Source
from minirag.ai.builtin.local import HASH, MINILM
from tenants.context import tenant_context
from tenants.models import Tenant


@dataclass(frozen=True)
class Plan:
    """One way to ingest, and what it is to reach."""

    name: str
    model: str
    chunks: int
    with_files: bool
    budget: Budget | None = None


@dataclass(frozen=True)
class Run:
    """A text that was ingested, and then once more: seconds, and milliseconds of CPU for each chunk."""

    chunks: int
    tokens: float
    first: float
    cpu: float
    again: float
    embedding: float
    calls_again: int
    product: float
    """Cores that the product itself used beside it."""


def measure_ingestion(house: House, report: Report, *, quick: bool) -> None:
    """Chunks per second, what the second ingestion of the same content costs, and what large files take of memory.

    Ways that are compared take turns on the same texts: whoever comes later has a fuller tenant, and another moment
    of the machine. Some seconds after a bot's first ingestion the product makes its floors, some seconds of a core for
    each: the embedder, which is to have all cores, is measured when that is over.
    """
    words = 1000 if quick else 3000
    embedder = Plan(
        "local embedder", MINILM, 100 if quick else 250, True, Budget(60, at_least=True)
    )
    plans = [
        Plan("without embedding", MINILM, words, False, Budget(1500, at_least=True)),
        Plan("hashed vectors", HASH, words, True),
    ]
    with tenant_context(Tenant.objects.get(slug=house.account.slug)):
        for plan in (
            embedder,
            *plans,
        ):  # what is needed for the first time is loaded before the clock runs
            run_plan(house, plan, make_text(20, seed=1))
        runs = []
        for repeat in range(1 if quick else 3):
            house.settle()
            text = make_text(embedder.chunks, seed=embedder.chunks + repeat)
            runs.append(run_plan(house, embedder, text))
        report_runs(report, embedder, runs)
        report_embedder(report, runs)
        texts = [make_text(words, seed=words + repeat) for repeat in range(3)]
        turns = [[run_plan(house, plan, text) for plan in plans] for text in texts]
        for plan, taken in zip(plans, zip(*turns, strict=True), strict=True):
            report_runs(report, plan, taken)
        with embedder_files(present=False):
            measure_large_files(house, report, quick=quick)


def run_plan(house: House, plan: Plan, text: str) -> Run:
    with embedder_files(present=plan.with_files):
        source_id = make_source(house, plan.model, text)
        cpu = time.process_time()
        with Meter(house.product) as beside:
            first = time_ingestion(source_id)
        cpu = time.process_time() - cpu
        made = list(Chunk.objects.filter(source_id=source_id).values_list("token_count", flat=True))
        calls = UsageEvent.objects.filter(kind=UsageKind.EMBEDDING, source_id=source_id)
        before = list(calls.values_list("duration_ms", flat=True))
        again = time_ingestion(source_id)
    return Run(
        chunks=len(made), tokens=median(made), first=first, cpu=cpu * 1000 / len(made), again=again,
        embedding=sum(ms or 0 for ms in before) / 1000, calls_again=calls.count() - len(before),
        product=beside.total_ms / 1000 / beside.seconds,
    )  # fmt: skip


def report_runs(report: Report, plan: Plan, runs: Sequence[Run]) -> None:
    tokens, cpu = median(run.tokens for run in runs), median(run.cpu for run in runs)
    report.add(
        "ingestion", f"{plan.name}: chunks per second", median(run.chunks / run.first for run in runs), "/s",
        plan.budget, note=f"{runs[-1].chunks} of {tokens:.0f} tokens, {cpu:.2f} ms of our CPU each",
    )  # fmt: skip
    report.add(
        "ingestion", f"{plan.name}: unchanged again, share of the first run",
        median(run.again / run.first for run in runs), "%", Budget(0.05) if plan.budget else None,
        note=f"{median(run.again for run in runs) * 1000:.0f} ms",
    )  # fmt: skip


def report_embedder(report: Report, runs: Sequence[Run]) -> None:
    report.add(
        "ingestion", "local embedder: share of the time in the embedder",
        median(run.embedding / run.first for run in runs), "%", Budget(0.95, at_least=True),
    )  # fmt: skip
    cores = median(run.cpu * run.chunks / 1000 / run.first for run in runs)
    report.add(
        "ingestion", "local embedder: cores used", cores, "cores",
        note=f"of {os.cpu_count()}, as far as others leave them to us; the product itself used "
        f"{median(run.product for run in runs):.2f} beside",
    )  # fmt: skip
    report.add(
        "ingestion", "local embedder: embedding calls for unchanged content",
        max(run.calls_again for run in runs), "calls", Budget(0),
    )  # fmt: skip


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
