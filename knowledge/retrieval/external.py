"""Passages from knowledge bases that lie elsewhere, asked while the question is searched here.

All bases are asked at once within one budget of `NYXCORE_TIMEOUT_SECONDS`: a base that has not answered by then is left
out, the turn goes on, and the source says so. A base that failed three times in a row is left alone for half a minute,
so that a dead one does not cost every question the whole budget.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.db.models import Exists, QuerySet

from bots.models import BotProfile, SourceFilter
from knowledge.models import ANYONE, Audience, Source, SourceType
from knowledge.retrieval.nyxcore import (
    Base,
    NyxCoreError,
    Result,
    describe_base,
    identify,
    search_base,
)
from knowledge.retrieval.passages import Passage, choose_external
from knowledge.retrieval.scope import narrow
from minirag.lib.http_out.circuits import Circuits
from minirag.lib.rows import FixedQuery
from tenants.context import current_schema, run_sync

logger = structlog.get_logger(__name__)

CIRCUITS = Circuits(failures=3, pause_seconds=30)
OK: Final = "ok"
PAUSED: Final = "paused"
_GRACE_SECONDS = 0.05  # for a search that times out by itself to close its connection


@dataclass(frozen=True)
class ExternalSearch:
    """How asking one base went. `outcome` is "ok", "paused" (not asked, it failed too often) or an error's code."""

    source_id: uuid.UUID
    outcome: str
    passages: int
    milliseconds: float
    reason: str = ""


@dataclass(frozen=True)
class External:
    """What the bases said. `passages` are in the order of the prompt; `relevant` of them can carry an answer."""

    passages: tuple[Passage, ...]
    searches: tuple[ExternalSearch, ...]
    relevant: frozenset[uuid.UUID]


def _select_bases(
    bot_profile_id: uuid.UUID, audience: Audience = ANYONE, filters: Sequence[SourceFilter] = ()
) -> QuerySet[Source, Source]:
    return (
        narrow(Source.objects.external(bot_profile_id, audience), filters, audience)
        .order_by("created_at", "id")
        .only("name", "config", "updated_at", "error_code")
    )


_BASES = FixedQuery(_select_bases, uuid.UUID)


def with_bases(bots: QuerySet[BotProfile]) -> Any:
    """Say whether the tenant has bases at all, as `has_bases`, in the query that reads its bot."""
    there = Source.objects.filter(source_type=SourceType.NYXCORE, deleted_at__isnull=True)
    return bots.annotate(has_bases=Exists(there))


def load_bases(
    bot_profile_id: uuid.UUID, audience: Audience, filters: Sequence[SourceFilter] = ()
) -> tuple[Base, ...]:
    """Return the bases that a bot may ask for this audience now and the filters leave, in one query.

    A source whose token is gone says so and is left out.
    """
    bases = []
    is_usual = not filters and audience == ANYONE
    for source in (
        _BASES.fetch(bot_profile_id)
        if is_usual
        else _select_bases(bot_profile_id, audience, filters)
    ):
        try:
            bases.append(describe_base(source))
        except NyxCoreError as error:
            if source.error_code != error.code:
                Source.objects.filter(pk=source.pk).note_trouble(error.code, error.detail)
    return tuple(bases)


async def search_bases(bases: Sequence[Base], question: str) -> External:
    """Ask all bases at once; takes NYXCORE_TIMEOUT_SECONDS at most and never fails."""
    budget = settings.NYXCORE_TIMEOUT_SECONDS
    tasks = [asyncio.create_task(_ask(base, question, budget)) for base in bases]
    try:
        await asyncio.wait(tasks, timeout=budget + _GRACE_SECONDS)
        answers = [_conclude(base, task) for base, task in zip(bases, tasks, strict=True)]
    finally:
        for task in tasks:
            task.cancel()
    searches = tuple(search for search, _ in answers)
    await _note(bases, searches)
    passages, relevant = [], set()
    for base, (_, results) in zip(bases, answers, strict=True):
        for result in results:
            passage = _make_passage(base, result)
            passages.append(passage)
            if result.score >= base.min_score:
                relevant.add(passage.chunk_id)
    chosen = choose_external(passages)
    return External(
        chosen, searches, frozenset(relevant & {passage.chunk_id for passage in chosen})
    )


async def _ask(base: Base, question: str, budget: float) -> tuple[ExternalSearch, list[Result]]:
    if CIRCUITS.is_open(_party(base)):
        return ExternalSearch(base.source_id, PAUSED, 0, 0.0), []
    started = time.perf_counter()
    outcome, reason, results = OK, "", []
    try:
        results = await search_base(base, question, timeout_seconds=budget)
    except NyxCoreError as error:
        outcome, reason = error.code, error.detail
    taken = (time.perf_counter() - started) * 1000
    return ExternalSearch(base.source_id, outcome, len(results), taken, reason), results


def _conclude(
    base: Base, task: asyncio.Task[tuple[ExternalSearch, list[Result]]]
) -> tuple[ExternalSearch, list[Result]]:
    """The result of a task so far: still running is too late, and a fault of ours must not end the turn."""
    late = ExternalSearch(base.source_id, "timeout", 0, settings.NYXCORE_TIMEOUT_SECONDS * 1000)
    if not task.done():
        return late, []
    if (fault := task.exception()) is not None:
        logger.error("asking a nyxCore base failed", source_id=str(base.source_id), exc_info=fault)
        return ExternalSearch(base.source_id, "internal", 0, 0.0), []
    return task.result()


async def _note(bases: Sequence[Base], searches: Sequence[ExternalSearch]) -> None:
    """Let the circuit, the log and the sources know who failed and who is back."""
    failed, recovered = [], []
    for base, search in zip(bases, searches, strict=True):
        if search.outcome == OK:
            CIRCUITS.succeed(_party(base))
            if base.had_trouble:
                recovered.append(base.source_id)
        elif search.outcome != PAUSED:
            CIRCUITS.fail(_party(base))
            failed.append(search)
            logger.warning(
                "a nyxCore base was left out", source_id=str(search.source_id), code=search.outcome,
                milliseconds=round(search.milliseconds),
            )  # fmt: skip
    if failed or recovered:
        await run_sync(_store_notes, failed, recovered)


def _store_notes(failed: Sequence[ExternalSearch], recovered: Sequence[uuid.UUID]) -> None:
    for search in failed:
        reason = search.reason or "The server did not answer in time."
        found = Source.objects.filter(pk=search.source_id)
        found.note_trouble(search.outcome, f"The last search failed: {reason}")
    if recovered:
        Source.objects.filter(pk__in=recovered).forget_trouble()


def _party(base: Base) -> tuple[object, ...]:
    """A changed source is another party: its owner may have mended it."""
    return current_schema(), base.source_id, base.version


def _make_passage(base: Base, result: Result) -> Passage:
    title = result.filename or base.name
    return Passage(
        chunk_id=identify(base.source_id, result.chunk_id), source_id=base.source_id,
        document_id=identify(base.source_id, result.document_id or title), title=title, url="", page=None,
        heading=f"{title} > {result.heading}" if result.heading else title, content=result.content,
        score=result.score, cosine=0.0, bm25=0.0, authority=result.authority, external_id=result.chunk_id,
    )  # fmt: skip
