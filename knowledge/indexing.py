"""The index of a tenant: chunks with their two vectors, and the word statistics that BM25 weighs with.

`swap_knowledge` replaces what a source knows in one transaction, so a reader sees the old or the new, never half.
Chunk ids are derived from source and content: what stays the same keeps its row, its vector and its citations.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction

from knowledge.chunking import ChunkDraft, indexed_text
from knowledge.loading import LoadedDocument
from knowledge.models import LEXICAL_DIMENSIONS, Chunk, Document, IndexEntry, Source
from minirag.lib.analysis import analyse, term_id

if TYPE_CHECKING:
    import numpy as np

K1, B = 1.2, 0.75  # BM25; the statement of knowledge.statement knows that no term weighs more than k1 + 1
MAX_TERM_WEIGHT = K1 + 1
REBAKE_DRIFT = 0.2  # of the mean length, after which the stored BM25 weights are made anew
_DEFAULT_LENGTH = 80.0  # terms of a usual chunk: the mean length of a tenant that knows nothing yet


@dataclass
class ChunkPlan:
    """A chunk on its way into the index. `vector` is None for one that is there already, or without an embedder."""

    id: uuid.UUID
    draft: ChunkDraft
    document: int
    language: str
    vector: np.ndarray | None = None

    @property
    def text(self) -> str:
        return indexed_text(self.draft)


@dataclass(frozen=True)
class Plan:
    """What a source will know: its documents, and all its chunks in order; `new` are those to be embedded."""

    documents: tuple[LoadedDocument, ...]
    chunks: list[ChunkPlan]
    kept: frozenset[uuid.UUID] = field(default_factory=frozenset)

    @property
    def new(self) -> list[ChunkPlan]:
        return [chunk for chunk in self.chunks if chunk.id not in self.kept]


def make_chunk_id(source_id: uuid.UUID, content_hash: str, occurrence: int = 0) -> uuid.UUID:
    """Derive a chunk's id from its source and content; `occurrence` tells repeats within a source apart."""
    return uuid.uuid5(source_id, f"{content_hash}:{occurrence}" if occurrence else content_hash)


def plan_chunks(source_id: uuid.UUID, documents: Sequence[tuple[LoadedDocument, list[ChunkDraft]]]) -> list[ChunkPlan]:
    """Give every draft its id. Pure."""
    seen: Counter[str] = Counter()
    plans = []
    for number, (document, drafts) in enumerate(documents):
        for draft in drafts:
            chunk_id = make_chunk_id(source_id, draft.content_hash, seen[draft.content_hash])
            seen[draft.content_hash] += 1
            plans.append(ChunkPlan(chunk_id, draft, number, document.parsed.language))
    return plans


def weigh_document(counts: Mapping[int, int], length: int, mean_length: float) -> str:
    """The sparsevec literal of a chunk: {term: tf * (k1 + 1) / (tf + k1 * (1 - b + b * dl / avgdl))}, without idf."""
    norm = K1 * (1 - B + B * length / (mean_length or _DEFAULT_LENGTH))
    body = ",".join(f"{term}:{tf * MAX_TERM_WEIGHT / (tf + norm):.4g}" for term, tf in sorted(counts.items()))
    return f"{{{body}}}/{LEXICAL_DIMENSIONS}"


def count_terms(text: str, language: str) -> Counter[int]:
    """Count the index terms of a text."""
    return Counter(term_id(term) for term in analyse(text, language))


def swap_knowledge(source: Source, plan: Plan) -> None:
    """Make `plan` what the source knows. The caller holds the transaction and has checked that it may."""
    lock_index()
    new, wanted = plan.new, {chunk.id for chunk in plan.chunks}
    present = set(Chunk.objects.filter(source_id=source.pk).values_list("pk", flat=True))
    _remove_chunks(present - wanted)
    terms = {chunk.id: count_terms(chunk.text, chunk.language) for chunk in new}
    # Statistics first: the weights of the new chunks are made with the mean length that includes them.
    change_statistics(terms.values(), sign=1)
    old_documents = list(Document.objects.filter(source_id=source.pk).values_list("pk", flat=True))
    documents = _insert_documents(source, plan)
    _insert_chunks(source, documents, plan, new)
    _insert_entries(source, new, terms)
    Document.objects.filter(pk__in=old_documents)._raw_delete("default")


def forget_knowledge(source_id: uuid.UUID) -> None:
    """Remove all that a source knows, in the caller's transaction. Idempotent."""
    lock_index()
    _remove_chunks(Chunk.objects.filter(source_id=source_id).values_list("pk", flat=True))
    Document.objects.filter(source_id=source_id)._raw_delete("default")
    Source.objects.filter(pk=source_id).update(
        document_count=0, chunk_count=0, content_hash="", etag="", last_modified=""
    )


def lock_index() -> None:
    """Let one writer at a time change the tenant's statistics; readers are never kept waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.chunk_index'))")


def _remove_chunks(ids: Iterable[uuid.UUID]) -> None:
    gone = list(ids)
    if not gone:
        return
    with connection.cursor() as cursor:
        # The terms of a chunk are the keys of its stored vector: no need to analyse its text again.
        cursor.execute(
            "WITH gone AS (DELETE FROM chunk_index WHERE chunk_id = ANY(%s) RETURNING lex, dl), terms AS ("
            "  SELECT split_part(pair, ':', 1)::int AS term, count(*) AS df"
            "    FROM gone, unnest(string_to_array(trim('{' FROM split_part(lex::text, '}', 1)), ',')) pair"
            "   WHERE pair <> '' GROUP BY 1),"
            " totals AS (UPDATE lex_stats SET n = n - (SELECT count(*) FROM gone),"
            "  total_dl = total_dl - (SELECT coalesce(sum(dl), 0) FROM gone))"
            " UPDATE lex_df d SET df = d.df - t.df FROM terms t WHERE d.term = t.term",
            [gone],
        )
        cursor.execute("DELETE FROM lex_df WHERE df <= 0")
        cursor.execute("DELETE FROM knowledge_chunk WHERE id = ANY(%s)", [gone])


def change_statistics(chunks: Iterable[Mapping[int, int]], *, sign: int) -> None:
    """Add (or with `sign` -1 subtract) chunks, given as term counts, to the tenant's statistics."""
    frequencies: Counter[int] = Counter()
    number = length = 0
    for counts in chunks:
        frequencies.update(counts.keys())
        number, length = number + 1, length + sum(counts.values())
    if not number:
        return
    terms = sorted(frequencies)  # one order for all writers: no deadlock
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lex_stats (id, n, total_dl, baked_avgdl) VALUES (1, %(n)s, %(dl)s, 0)"
            " ON CONFLICT (id) DO UPDATE SET n = lex_stats.n + %(n)s, total_dl = lex_stats.total_dl + %(dl)s",
            {"n": sign * number, "dl": sign * length},
        )
        cursor.execute(
            "INSERT INTO lex_df (term, df) SELECT * FROM unnest(%s::int[], %s::int[])"
            " ON CONFLICT (term) DO UPDATE SET df = lex_df.df + excluded.df",
            [terms, [sign * frequencies[term] for term in terms]],
        )


def mean_length() -> float:
    """The length that weights are made with: kept until it drifts, so that equal chunks have equal weights."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, total_dl, baked_avgdl FROM lex_stats WHERE id = 1")
        row = cursor.fetchone()
    if row is None or not row[0]:
        return _DEFAULT_LENGTH
    number, total, baked = row
    return baked or total / number


def _insert_documents(source: Source, plan: Plan) -> list[Document]:
    counts = Counter(chunk.document for chunk in plan.chunks)
    return Document.objects.bulk_create(
        Document(
            source_id=source.pk, title=loaded.parsed.title[:500], url=loaded.url[:2048],
            metadata=loaded.parsed.metadata, language=loaded.parsed.language, content_hash=loaded.content_hash,
            char_count=sum(len(section.text) for section in loaded.parsed.sections), chunk_count=counts[number],
        )
        for number, loaded in enumerate(plan.documents)
    )


def _insert_chunks(source: Source, documents: list[Document], plan: Plan, new: list[ChunkPlan]) -> None:
    """Copy in what is new; what stays moves to its new document and place."""
    _copy(
        "knowledge_chunk (id, document_id, source_id, ordinal, heading, content, page, token_count, content_hash)",
        (
            (
                chunk.id, documents[chunk.document].pk, source.pk, chunk.draft.ordinal, chunk.draft.heading[:1000],
                chunk.draft.content, chunk.draft.page, chunk.draft.token_count, chunk.draft.content_hash,
            )
            for chunk in new
        ),
    )
    kept = [chunk for chunk in plan.chunks if chunk.id in plan.kept]
    if kept:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE knowledge_chunk c SET document_id = v.document_id, ordinal = v.ordinal, page = v.page"
                "  FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[]) v (id, document_id, ordinal, page)"
                " WHERE c.id = v.id",
                [
                    [chunk.id for chunk in kept], [documents[chunk.document].pk for chunk in kept],
                    [chunk.draft.ordinal for chunk in kept], [chunk.draft.page for chunk in kept],
                ],
            )


def _insert_entries(source: Source, new: list[ChunkPlan], terms: Mapping[uuid.UUID, Counter[int]]) -> None:
    mean = mean_length()
    rows = []
    for chunk in new:
        counts = terms[chunk.id]
        length = sum(counts.values())
        vector, dim = None, 0
        if chunk.vector is not None:
            dim, vector = len(chunk.vector), "[" + ",".join(f"{value:.5g}" for value in chunk.vector) + "]"
        rows.append((chunk.id, source.pk, length, dim, vector, weigh_document(counts, length, mean)))
    _copy("chunk_index (chunk_id, source_id, dl, dim, emb, lex)", rows)


def _copy(target: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def recount_statistics() -> None:
    """Make the statistics anew from the index rows, for repair and for tests of their exactness."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_index()
        cursor.execute("DELETE FROM lex_df")
        cursor.execute(
            "INSERT INTO lex_df (term, df) SELECT split_part(pair, ':', 1)::int, count(*)"
            "  FROM chunk_index, unnest(string_to_array(trim('{' FROM split_part(lex::text, '}', 1)), ',')) pair"
            " WHERE pair <> '' GROUP BY 1"
        )
        cursor.execute(
            "UPDATE lex_stats SET (n, total_dl) = (SELECT count(*), coalesce(sum(dl), 0) FROM chunk_index) WHERE id = 1"
        )


def rebake_weights() -> bool:
    """Make all lexical weights anew once the tenant's mean length has drifted by a fifth; True if it did.

    Reads the chunks' texts in batches: a matter of seconds, done in the background after an ingestion.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, total_dl, baked_avgdl FROM lex_stats WHERE id = 1")
        number, total, baked = cursor.fetchone() or (0, 0, 0.0)
    if not number:
        return False
    mean = total / number
    if baked and abs(mean - baked) <= REBAKE_DRIFT * baked:
        return False
    if not baked and abs(mean - _DEFAULT_LENGTH) <= REBAKE_DRIFT * _DEFAULT_LENGTH:
        mean = _DEFAULT_LENGTH
    return _rebake(mean)


def _rebake(mean: float) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        lock_index()
        chunks = Chunk.objects.values_list("pk", "heading", "content", "document__language").order_by("pk")
        batch: list[tuple[uuid.UUID, str]] = []
        for pk, heading, content, language in chunks.iterator(chunk_size=500):
            counts = count_terms(f"{heading}. {content}" if heading else content, language)
            batch.append((pk, weigh_document(counts, sum(counts.values()), mean)))
            if len(batch) == 500:
                _update_weights(cursor, batch)
                batch = []
        _update_weights(cursor, batch)
        cursor.execute("UPDATE lex_stats SET baked_avgdl = %s WHERE id = 1", [mean])
    return True


def _update_weights(cursor: Any, batch: list[tuple[uuid.UUID, str]]) -> None:
    if batch:
        cursor.execute(
            "UPDATE chunk_index i SET lex = v.lex::sparsevec FROM unnest(%s::uuid[], %s::text[]) v (id, lex)"
            " WHERE i.chunk_id = v.id",
            [[pk for pk, _ in batch], [weights for _, weights in batch]],
        )


def ensure_vector_index(dim: int) -> bool:
    """Create the HNSW index for vectors of `dim` once the tenant has more of them than an exact scan should read.

    Outside of the swap: it takes a second per thousand rows, and readers go on meanwhile. True if it was created.
    """
    if not dim or IndexEntry.objects.filter(dim=dim).count() <= settings.EXACT_SCAN_ROWS:
        return False
    name = f"chunk_index_hnsw_{int(dim)}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_indexes WHERE schemaname = current_schema() AND indexname = %s", [name])
        if cursor.fetchone():
            return False
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {name} ON chunk_index"
            f" USING hnsw ((emb::halfvec({int(dim)})) halfvec_cosine_ops)"
            f" WITH (m = 16, ef_construction = 64) WHERE dim = {int(dim)}"
        )
    return True
