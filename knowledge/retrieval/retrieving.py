"""From a question to the passages that may answer it: `retrieve` is the one way in.

Why it is built like this (all measured, see docs/retrieval.md):

* BM25 and cosine see different things, and their union of 50 + 50 candidates is enough, because *both* scores are
  computed for every candidate. A missing score counted as 0 costs up to 13 points of nDCG.
* Scores are divided by the best one and added. Adding reciprocal ranks instead loses 2 points in English and 13 to 36
  in languages that the default embedder does not know; it stays selectable per bot.
* One SQL statement in the tenant's own schema, so a deleted or deactivated source stops answering with the next
  question: what may answer is decided by the rows of that very moment.
* Up to `EXACT_SCAN_ROWS` rows after filtering the vectors are compared exactly. Beyond, the HNSW index is used with
  iterative scan; without that, a filtered query silently returned two of ten rows.
* The best passages are ordered anew by whether they say the question's words together (knowledge.ordering.proximity).
* Of these the first few are ordered once more by what the fullest sentence of each takes up of an English question, as
  the default embedder reads it (knowledge.ordering.reading).
* What decides on refusal is not the score that orders the passages: see knowledge.retrieval.confidence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from django.conf import settings

from bots.models import BotProfile, SourceFilter
from bots.providers.lending import find_keys
from knowledge.models import Audience
from knowledge.ordering.reading import order_by_reading
from knowledge.ordering.reranking import DEPTH, rerank_found
from knowledge.retrieval.external import load_bases, search_bases
from knowledge.retrieval.found import Retrieval, join_parts, join_variations
from knowledge.retrieval.nyxcore import Base
from knowledge.retrieval.passages import Passage, merge_passages
from knowledge.retrieval.queries import Query
from knowledge.retrieval.scope import filters_of
from knowledge.retrieval.searching import Asked, format_vector, search
from minirag.ai.builtin.local import is_local, pin_off_loop
from minirag.ai.embeddings import EmbedderMissing, embed_query
from minirag.lib.errors import ProviderError
from minirag.lib.masking.masker import Masker, mask_asked
from tenants.context import run_sync

__all__ = ["Passage", "Retrieval", "format_vector", "retrieve"]

logger = structlog.get_logger(__name__)


async def retrieve(
    bot: BotProfile,
    question: Query | str,
    *,
    audience: Audience,
    limit: int | None = None,
    bases: Sequence[Base] | None = None,
    source_filter: SourceFilter | None = None,
    reranks: bool = False,
    masker: Masker | None = None,
) -> Retrieval:
    """Find the passages of the bot's sources that fit `question`, at most `limit` (the bot's passage count).

    Only in what `audience` may read, of sources that the bot's own filter and `source_filter` both leave. Never fails
    because of the embedder: when it is missing or its provider fails, words alone are searched. Takes one short use of
    a database connection; the embedding is made before, off the event loop. The external `bases`, those of the bot
    unless they are given, are asked at the same time, and never waited for beyond NYXCORE_TIMEOUT_SECONDS. `reranks`:
    the bot's model for that, if it has one, puts what was found in order. Where the question looks for a curated answer
    as well and there is one, that is all that is found. Models outside read what `masker`, or the bot's own, leaves.
    """
    started = time.perf_counter()
    query = Query(question) if isinstance(question, str) else question
    filters = filters_of(bot, source_filter)
    if bases is None:
        bases = await run_sync(load_bases, bot.pk, audience, filters)
    wanted = limit or bot.passage_count
    search_here = _Search(bot, filters, audience, started, masker or bot.make_masker())
    here = search_here.ordered(query, wanted, reranks=reranks and bool(bot.rerank_model))
    if not bases:
        return await here
    outside = asyncio.create_task(search_bases(bases, query.embedded))
    try:
        found_here = await here
        if found_here.curated is not None:
            return found_here
        found = await outside
    finally:
        outside.cancel()
    return replace(
        found_here, passages=merge_passages(found_here.passages, found.passages), external=found.searches,
        knows_from_outside=bool(found.relevant), is_filtered_out=False,
        milliseconds=(time.perf_counter() - started) * 1000,
    )  # fmt: skip


@dataclass(frozen=True)
class _Search:
    """A search of the tenant's own index for one question: what stays the same in all its parts."""

    bot: BotProfile
    filters: tuple[SourceFilter, ...]
    audience: Audience
    started: float
    masker: Masker

    async def ordered(self, query: Query, wanted: int, *, reranks: bool) -> Retrieval:
        """Search, and have a model order what was found where that is wanted."""
        if not reranks:
            return await self.parts(query, wanted)
        found = await self.parts(query, max(wanted, DEPTH))
        asked = (query.meaning and query.read) or query.text
        return await rerank_found(self.bot, asked, found, wanted, self.masker)

    async def parts(self, query: Query, wanted: int) -> Retrieval:
        """Search for each part of the question, or for the question and its variations where it has only one."""
        parts = [replace(part, by_words=query.by_words) for part in query.parts] or [query]
        found = [await self.one(part, wanted) for part in parts]
        if len(found) > 1:
            return join_parts(found, wanted)
        whole = found[0]
        if not query.variations or whole.curated is not None:
            return whole
        others = [
            await self.one(replace(each, by_words=query.by_words), wanted)
            for each in query.variations
        ]
        return join_variations(whole, others, wanted)

    async def one(self, query: Query, wanted: int) -> Retrieval:
        model = await pin_off_loop(self.bot.embedding_model or settings.DEFAULT_EMBEDDING_MODEL)
        asked = Asked(
            query, wanted, self.filters, self.audience, self.started, model, query.embedded
        )
        while True:
            asked = await _embed_question(self.bot, asked, self.masker)
            found = await run_sync(search, self.bot, asked)
            if isinstance(found, Retrieval):
                return await order_by_reading(self.bot, query, found)
            asked = replace(asked, model=found.model, text=found.text, tries=asked.tries + 1)


async def _embed_question(bot: BotProfile, asked: Asked, masker: Masker) -> Asked:
    """Give it its vector; what an earlier one has cost stays counted."""
    if asked.query.by_words:
        return asked
    begun = time.perf_counter()
    try:
        if is_local(asked.model):
            made = await embed_query(asked.model, asked.text)
        else:
            text, _ = await mask_asked(masker, asked.text)
            made = await embed_query(asked.model, text, credentials=await find_keys(bot))
    except (EmbedderMissing, ProviderError) as error:
        logger.warning("searching by words only", model=asked.model, reason=error.code)
        return replace(asked, vector=None, dimensions=0)
    vector = made.vectors[0]
    return replace(
        asked, vector=format_vector(vector.tolist()), dimensions=len(vector),
        tokens=asked.tokens + made.tokens, cost_usd=asked.cost_usd + made.cost_usd,
        milliseconds=asked.milliseconds + (time.perf_counter() - begun) * 1000,
    )  # fmt: skip
