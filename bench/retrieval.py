"""Search in tenants of 1,000, 10,000 and 100,000 chunks: how long it takes, and what the vector index misses.

The knowledge is synthetic (bench.synthetic) and goes into the product's own tables with the product's own packing; the
search is `knowledge.retrieval.retrieving.retrieve` itself, with a fake embedder that knows each question's vector.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from bench.report import Budget, Report, quantile
from bench.synthetic import DIMENSIONS, TOPICS, VectorSpace, count_words, write_passage
from bots.models import BotProfile
from bots.profiles import create_bot
from knowledge.indexing.lexicon import add_statistics
from knowledge.indexing.search_indexes import ensure_indexes
from knowledge.indexing.vectors import COPY_HEADER, COPY_TRAILER, pack_index_row, pack_texts
from knowledge.models import ANYONE, Document, LexiconTotals, Source, SourceStatus, SourceType
from knowledge.retrieval import retrieving as retrieval
from knowledge.retrieval.retrieving import Retrieval
from knowledge.sources.homes import private_dataset
from minirag.ai.builtin.local import MINILM
from minirag.ai.embeddings import Embeddings, embed_query
from minirag.lib.text.analysis import analyse, term_id
from tenants.context import current_schema, tenant_context
from tenants.provisioning import provision_tenant

BUDGETS = {10_000: Budget(20), 100_000: Budget(50)}
EVERYTHING = 10**9
SOURCES, TOP, BATCH = 20, 10, 2000
CHAT_MODEL = "openai/gpt-4o-mini"  # never called; its bots read no sentences before the answer


@dataclass(frozen=True)
class Question:
    text: str
    vector: np.ndarray


def measure_retrieval(report: Report, *, quick: bool) -> None:
    """p50 and p95 of whole searches, one after the other, and the overlap of the ten best with an exact search."""
    questions = 60 if quick else 150
    measure_embedding(report, 20 if quick else 60)
    for chunks in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        made = provision_tenant(
            name=f"Library {chunks}", slug=f"library-{chunks}", owner_email="bench@example.com",
            owner_password=secrets.token_urlsafe(12),
        )  # fmt: skip
        with tenant_context(made.tenant):
            library = Library(chunks)
            built = time.monotonic()
            if ensure_indexes(DIMENSIONS):
                report.add(
                    "retrieval",
                    f"{chunks:,} chunks: building the vector index",
                    time.monotonic() - built,
                    "s",
                )
            measure_library(
                report, library, library.make_questions(questions), repeats=1 if quick else 2
            )


def measure_embedding(report: Report, questions: int) -> None:
    """The question's own embedding, which the searches below leave out."""

    async def embed_all() -> list[float]:
        times = []
        for number in range(questions + 3):
            started = time.perf_counter()
            await embed_query(
                MINILM,
                f"What does error E{number} of the particle sensor mean, and who repairs it?",
            )
            times.append((time.perf_counter() - started) * 1000)
        return times[3:]

    times = asyncio.run(embed_all())
    report.add("retrieval", "embedding a question with MiniLM, p50", median(times), "ms",
               note=f"p95 {quantile(times, 0.95):.1f} ms; not in the searches below")  # fmt: skip


def measure_library(
    report: Report, library: Library, questions: list[Question], *, repeats: int
) -> None:
    offline, library.bot.model = library.bot.model, CHAT_MODEL
    search_all(library.bot, questions[:20])
    runs = [search_all(library.bot, questions) for _ in range(repeats)]
    times = [[found.milliseconds for found in run] for run in runs]
    is_exact = library.chunks <= settings.EXACT_SCAN_ROWS
    name = f"{library.chunks:,} chunks"
    report.add("retrieval", f"{name}: search, p50", median(quantile(run, 0.5) for run in times), "ms",
               note="exact scan" if is_exact else "vector index")  # fmt: skip
    report.add("retrieval", f"{name}: search, p95", median(quantile(run, 0.95) for run in times), "ms",
               BUDGETS.get(library.chunks))  # fmt: skip
    library.bot.model = offline
    reading = [found.milliseconds for found in search_all(library.bot, questions)]
    report.add("retrieval", f"{name}: search of a bot that answers offline, p50", quantile(reading, 0.5), "ms",
               note=f"p95 {quantile(reading, 0.95):.0f} ms; its sentences are read once for both")  # fmt: skip
    library.bot.model = CHAT_MODEL
    with exact_up_to(EVERYTHING):
        exact = search_all(library.bot, questions)
    note = "the search is exact already" if is_exact else (
        f"exact p95 would be {quantile([found.milliseconds for found in exact], 0.95):.0f} ms"
    )  # fmt: skip
    report.add("retrieval", f"{name}: overlap@10 with exact", measure_overlap(runs[0], exact), "",
               Budget(0.98, at_least=True), note=note)  # fmt: skip
    if not is_exact:
        # Words decide half of every fused score, which hides what the vector index misses.
        library.bot.dense_weight = 1.0
        found = search_all(library.bot, questions)
        with exact_up_to(EVERYTHING):
            exact = search_all(library.bot, questions)
        report.add(
            "retrieval",
            f"{name}: the same, ordered by cosine alone",
            measure_overlap(found, exact),
            "",
        )


def measure_overlap(found: list[Retrieval], exact: list[Retrieval]) -> float:
    """The mean share of the exact ten best that were found."""
    shares = []
    for ours, theirs in zip(found, exact, strict=True):
        wanted = {passage.chunk_id for passage in theirs.passages}
        shares.append(len(wanted & {passage.chunk_id for passage in ours.passages}) / len(wanted))
    return sum(shares) / len(shares)


@contextmanager
def exact_up_to(rows: int) -> Iterator[None]:
    kept, settings.EXACT_SCAN_ROWS = settings.EXACT_SCAN_ROWS, rows
    try:
        yield
    finally:
        settings.EXACT_SCAN_ROWS = kept


def search_all(bot: BotProfile, questions: list[Question]) -> list[Retrieval]:
    """Search for one question after the other, with the questions' vectors instead of embedding them."""
    vectors = {question.text: question.vector for question in questions}
    usual = questions[0].vector  # of one that search has spelled otherwise

    async def look_up(model: str, text: str, **rest: Any) -> Embeddings:
        return Embeddings(vectors.get(text, usual)[None, :], model, 0, Decimal(0))

    async def search() -> list[Retrieval]:
        return [
            await retrieval.retrieve(bot, each.text, audience=ANYONE, limit=TOP)
            for each in questions
        ]

    real, retrieval.embed_query = retrieval.embed_query, look_up
    try:
        return asyncio.run(search())
    finally:
        retrieval.embed_query = real


class Library:
    """A bot of the current tenant with so many chunks from 20 sources."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks
        self.dice, self.space = random.Random(chunks), VectorSpace(chunks)
        self.bot = create_bot({"name": "Librarian", "embedding_model": MINILM})
        self.topics = np.array([self.dice.randrange(TOPICS) for _ in range(chunks)])
        self.vectors = self.space.place(self.topics)
        with transaction.atomic():
            self._sources = [self._make_source(number) for number in range(SOURCES)]
            for start in range(0, chunks, BATCH):
                self._insert(start, min(start + BATCH, chunks))
        with connection.cursor() as cursor:
            for table in ("chunk_index", "knowledge_chunk", "lex_df"):
                cursor.execute(f"VACUUM ANALYZE {current_schema()}.{table}")

    def make_questions(self, count: int) -> list[Question]:
        """Each is about one chunk: near its vector, with five words of its topic and three of the language."""
        made = []
        chosen = [self.dice.randrange(self.chunks) for _ in range(count)]
        for number, vector in zip(chosen, self.space.approach(self.vectors[chosen]), strict=True):
            words = list(count_words(self.dice, int(self.topics[number])))
            made.append(
                Question(f"What is the {' '.join(words[-5:] + words[:3])} of that?", vector)
            )
        return made

    def _make_source(self, number: int) -> tuple[Source, Document]:
        source = Source.objects.create(
            bot_profile=self.bot, dataset=private_dataset(self.bot), name=f"Shelf {number}", language="en",
            source_type=SourceType.TEXT, status=SourceStatus.READY, document_count=1,
            chunk_count=len(range(number, self.chunks, SOURCES)),
        )  # fmt: skip
        return source, Document.objects.create(
            source=source, title=f"Book {number}", language="en", content_hash="0"
        )

    def _insert(self, start: int, end: int) -> None:
        spoken = [count_words(self.dice, int(self.topics[number])) for number in range(start, end)]
        counts = [count_terms(words) for words in spoken]
        lengths = [count.total() for count in counts]
        mean = self._choose_mean(lengths)
        ids = [uuid.UUID(int=self.dice.getrandbits(128), version=4) for _ in counts]
        with connection.cursor() as cursor:
            columns = (
                "id, document_id, source_id, ordinal, heading, content, token_count, content_hash"
            )
            with cursor.copy(f"COPY knowledge_chunk ({columns}) FROM STDIN") as copy:
                for number, chunk_id in enumerate(ids, start=start):
                    source, document = self._sources[number % SOURCES]
                    copy.write_row(
                        (
                            chunk_id,
                            document.pk,
                            source.pk,
                            number,
                            "Part",
                            write_passage(spoken[number - start], self.dice),
                            200,
                            "0",
                        )
                    )
            columns = "chunk_id, source_id, dl, dim, emb, lex"
            with cursor.copy(f"COPY chunk_index ({columns}) FROM STDIN (FORMAT binary)") as copy:
                copy.write(COPY_HEADER)
                texts = pack_texts(counts, mean, identify=int).packed
                for offset, (chunk_id, packed) in enumerate(zip(ids, texts, strict=True)):
                    number = start + offset
                    source, vector = self._sources[number % SOURCES][0], self.vectors[number]
                    copy.write(
                        pack_index_row(
                            chunk_id,
                            source.pk,
                            lengths[offset],
                            vector,
                            packed,
                        )
                    )
                copy.write(COPY_TRAILER)
        frequencies: Counter[int] = Counter()
        for count in counts:
            frequencies.update(count.keys())
        add_statistics(
            frequencies, chunks=len(ids), length=sum(lengths),
            spellings={term: word for word, term in _terms.items()},
        )  # fmt: skip

    def _choose_mean(self, lengths: list[int]) -> float:
        mean = sum(lengths) / len(lengths)
        totals, _ = LexiconTotals.objects.get_or_create(pk=1, defaults={"baked_avgdl": mean})
        return totals.baked_avgdl


_terms: dict[str, int] = {}


def count_terms(words: Counter[str]) -> Counter[int]:
    counted: Counter[int] = Counter()
    for word, times in words.items():
        counted[find_term(word)] += times
    return counted


def find_term(word: str) -> int:
    """The product's own term of a word."""
    if word not in _terms:
        _terms[word] = term_id(analyse(word, "en")[0])
    return _terms[word]
