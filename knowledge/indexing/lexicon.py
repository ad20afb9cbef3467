"""The tenant's lexical statistics, from which BM25 takes its weights: exact after every insert and delete.

Every change happens inside the transaction that changes the chunks, under one advisory lock per tenant, so sums never
drift and writers cannot deadlock. `recount_statistics` proves it, and repairs what foreign hands have done.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Exists

from knowledge.indexing.vectors import (
    TERM_IDS,
    format_sparse,
    read_sparse,
    recover_counts,
    weigh_terms,
    write_array,
    write_texts,
)
from knowledge.models import Chunk, LexiconTerm, LexiconTotals
from minirag.lib.text.analysis import analyse
from minirag.lib.variants import is_word
from tenants.context import scoped_name

TOLERATED_DRIFT = 0.2
_REBAKE_ROWS = 2000
_ADD_TOTALS = (
    "INSERT INTO lex_stats (id, n, total_dl, baked_avgdl) VALUES (1, %s, %s, 0) "
    "ON CONFLICT (id) DO UPDATE SET n = lex_stats.n + excluded.n, "
    "total_dl = lex_stats.total_dl + excluded.total_dl"
)
# In a vector's text a term is what precedes a colon.
_TERMS_OF = "regexp_matches(lex::text, '([0-9]+):', 'g') AS found"


@dataclass(frozen=True)
class Statistics:
    """How many chunks have each term, how many chunks there are, and their length in terms together."""

    document_frequencies: dict[int, int]
    chunks: int
    length: int


def lock_knowledge() -> None:
    """Wait to be the tenant's only writer of knowledge, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [scoped_name("knowledge")]
        )


def add_statistics(
    document_frequencies: Mapping[int, int],
    *,
    chunks: int,
    length: int,
    spellings: Mapping[int, str] | None = None,
) -> None:
    """Count chunks that come in; `spellings` are the words behind the ids. The caller holds the lock."""
    terms = sorted(document_frequencies)
    known = spellings or {}
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH counted AS ("  # noqa: S608 - ours
            "INSERT INTO lex_df (term, df, text) SELECT * FROM unnest(%s::int[], %s::int[], %s::text[]) "
            "ON CONFLICT (term) DO UPDATE SET df = lex_df.df + excluded.df, "
            f"text = coalesce(lex_df.text, excluded.text)) {_ADD_TOTALS}",
            [
                write_array(terms),
                write_array(document_frequencies[term] for term in terms),
                write_texts(known.get(term) for term in terms),
                chunks,
                length,
            ],
        )


def spell_terms(words: Iterable[str]) -> dict[int, str]:
    """By its id, what each term is spelled like; "" for what is no word, as numbers and codes."""
    return {TERM_IDS[word]: word if is_word(word) else "" for word in set(words)}


def fill_in_spellings() -> int:
    """Read chunks again for the spellings of terms that were counted before spellings were kept; returns how many."""
    if not LexiconTerm.objects.filter(text__isnull=True).exists():
        return 0
    chunks = Chunk.objects.order_by("pk").values_list(
        "pk", "heading", "content", "document__language"
    )
    last, changed = uuid.UUID(int=0), 0
    while rows := list(chunks.filter(pk__gt=last)[:_REBAKE_ROWS]):
        last = rows[-1][0]
        spellings: dict[int, str] = {}
        for _, heading, content, language in rows:
            text = f"{heading}. {content}" if heading else content
            spellings.update(spell_terms(analyse(text, language)))
        with transaction.atomic():
            lock_knowledge()
            changed += _write_spellings(spellings)
    # What no chunk says was counted for one that is gone; the next recount sees to it.
    LexiconTerm.objects.filter(text__isnull=True).update(text="")
    return changed


def _write_spellings(spellings: Mapping[int, str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lex_df SET text = s.text FROM unnest(%s::int[], %s::text[]) AS s(term, text) "
            "WHERE lex_df.term = s.term AND lex_df.text IS NULL",
            [list(spellings), list(spellings.values())],
        )
        return int(cursor.rowcount)


def remove_statistics(chunk_ids: Sequence[uuid.UUID]) -> None:
    """Take back what these chunks were counted for, before their index rows are deleted. The caller holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE lex_df SET df = lex_df.df - gone.df FROM (SELECT found[1]::int AS term, count(*) AS df "  # noqa: S608
            f"FROM chunk_index, {_TERMS_OF} WHERE chunk_id = ANY(%s) GROUP BY 1) AS gone WHERE lex_df.term = gone.term",
            [list(chunk_ids)],
        )
        cursor.execute("DELETE FROM lex_df WHERE df <= 0")
        cursor.execute(
            "SELECT count(*), coalesce(sum(dl), 0) FROM chunk_index WHERE chunk_id = ANY(%s)",
            [list(chunk_ids)],
        )
        chunks, length = cursor.fetchone()
    _add_totals(-chunks, -length)


def _add_totals(chunks: int, length: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TOTALS, [chunks, length])


def choose_mean_length(lengths: Sequence[int]) -> float:
    """Return the mean length that stored weights are made with; the first chunks of a tenant set it to their own."""
    totals = LexiconTotals.objects.filter(pk=1).first()
    if totals is not None and totals.baked_avgdl > 0:
        return totals.baked_avgdl
    mean = max(sum(lengths) / max(len(lengths), 1), 1.0)
    LexiconTotals.objects.update_or_create(pk=1, defaults={"baked_avgdl": mean})
    return mean


def tend_statistics() -> None:
    """After a writer's transaction: compute weights again, and read chunks for spellings, where that is necessary."""
    rows = LexiconTotals.objects.filter(pk=1)
    totals = rows.annotate(lacks=Exists(LexiconTerm.objects.filter(text__isnull=True))).first()
    if _has_drifted(totals):
        rebake_if_drifted()
    if totals is not None and totals.lacks:
        fill_in_spellings()


def rebake_if_drifted() -> int:
    """Compute all weights again if the mean length has moved by more than a fifth; returns the chunks changed."""
    if not _has_drifted(LexiconTotals.objects.filter(pk=1).first()):
        return 0
    with transaction.atomic():
        lock_knowledge()
        totals = LexiconTotals.objects.filter(pk=1).first()
        if totals is None or not _has_drifted(totals):
            return 0
        mean = totals.total_dl / totals.n
        changed = _reweigh_chunks(totals.baked_avgdl, mean)
        LexiconTotals.objects.filter(pk=1).update(baked_avgdl=mean)
    return changed


def _has_drifted(totals: LexiconTotals | None) -> bool:
    if totals is None or totals.n <= 0 or totals.total_dl <= 0 or totals.baked_avgdl <= 0:
        return False
    return abs(totals.total_dl / totals.n / totals.baked_avgdl - 1) > TOLERATED_DRIFT


def _reweigh_chunks(old_mean: float, new_mean: float) -> int:
    changed, last = 0, uuid.UUID(int=0)
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT chunk_id, dl, lex::text FROM chunk_index WHERE chunk_id > %s ORDER BY chunk_id LIMIT %s",
                [last, _REBAKE_ROWS],
            )
            rows = cursor.fetchall()
            if not rows:
                return changed
            vectors = [
                format_sparse(
                    weigh_terms(recover_counts(read_sparse(text), length, old_mean), new_mean)
                )
                for _, length, text in rows
            ]
            cursor.execute(
                "UPDATE chunk_index AS i SET lex = made.lex::sparsevec "
                "FROM unnest(%s::uuid[], %s::text[]) AS made(chunk_id, lex) WHERE i.chunk_id = made.chunk_id",
                [[row[0] for row in rows], vectors],
            )
            changed, last = changed + len(rows), rows[-1][0]


def stored_statistics() -> Statistics:
    """Return the statistics as searches use them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT term, df FROM lex_df")
        frequencies = dict(cursor.fetchall())
    totals = LexiconTotals.objects.filter(pk=1).first()
    return Statistics(frequencies, totals.n if totals else 0, totals.total_dl if totals else 0)


def count_statistics() -> Statistics:
    """Return the statistics as the chunks say they should be."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT found[1]::int, count(*) FROM chunk_index, {_TERMS_OF} GROUP BY 1")  # noqa: S608
        frequencies = dict(cursor.fetchall())
        cursor.execute("SELECT count(*), coalesce(sum(dl), 0) FROM chunk_index")
        chunks, length = cursor.fetchone()
    return Statistics(frequencies, chunks, length)


def recount_statistics() -> bool:
    """Write the statistics again from the chunks; returns whether they had been wrong."""
    with transaction.atomic():
        lock_knowledge()
        counted = count_statistics()
        is_wrong = counted != stored_statistics()
        if is_wrong:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM lex_df RETURNING term, text")
                spellings = dict(cursor.fetchall())
            LexiconTotals.objects.filter(pk=1).update(n=0, total_dl=0)
            add_statistics(
                counted.document_frequencies, chunks=counted.chunks, length=counted.length,
                spellings=spellings,
            )  # fmt: skip
    fill_in_spellings()
    return is_wrong
