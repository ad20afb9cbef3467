"""The weights of words, and the statistics behind them: exact whatever comes and goes."""

from __future__ import annotations

import math
import random
import struct
from collections import Counter

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.lexicon import (
    count_statistics,
    rebake_if_drifted,
    recount_statistics,
    stored_statistics,
)
from knowledge.indexing.vectors import (
    COPY_HEADER,
    COPY_TRAILER,
    count_words,
    format_sparse,
    pack_dense,
    pack_texts,
    read_sparse,
    recover_counts,
    weigh_terms,
)
from knowledge.models import IndexEntry, LexiconTerm, LexiconTotals, Source
from knowledge.tests.conftest import make_bot, make_source, run, teach
from minirag.lib.text.analysis import analyse, term_id

COUNTS = st.dictionaries(st.integers(1, 999_999_938), st.integers(1, 200), min_size=1, max_size=60)
WORDS = "filter sensor fan warranty button lamp cable manual parcel receipt garden rose bread oven yeast".split()  # noqa: SIM905


# --- Pure ---------------------------------------------------------------------------------------------------------


def test_a_weight_is_the_one_of_the_formula():
    weights = weigh_terms({7: 2, 3: 1}, mean_length=6.0)
    norm = 1.2 * (0.25 + 0.75 * 3 / 6)
    assert list(weights) == [3, 7]
    assert weights[7] == pytest.approx(2 * 2.2 / (2 + norm)) and weights[3] == pytest.approx(
        2.2 / (1 + norm)
    )


@given(COUNTS, st.floats(1, 500), st.floats(1, 500))
def test_counts_come_back_from_stored_weights(counts, old_mean, new_mean):
    stored = read_sparse(format_sparse(weigh_terms(counts, old_mean)))
    recovered = recover_counts(stored, sum(counts.values()), old_mean)
    assert recovered == counts
    assert weigh_terms(recovered, new_mean) == weigh_terms(counts, new_mean)


def test_an_empty_vector_has_a_text_and_a_binary_form():
    assert format_sparse({}) == "{}/1000000000" and read_sparse("{}/1000000000") == {}
    nothing = pack_texts([{}, {}], 5.0)
    assert [len(each) for each in nothing.packed] == [12, 12] and nothing.lengths == [0, 0]
    assert pack_texts([], 5.0).packed == []


def test_both_binary_forms_are_what_postgresql_reads(in_acme):
    texts = [{}, count_words("a filter, a filter and a fan", "en"), {"w280": 2, "w45806": 3}]
    found = pack_texts(texts, 5.0)
    assert found.lengths == [0, 3, 5]
    assert found.frequencies == {term_id(word): 1 for word in ("filter", "fan", "w280")}
    dense = pack_dense([0.5, -0.25, 1.0])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE packed (s sparsevec(1000000000), d halfvec) ON COMMIT DROP"
        )
        with cursor.copy("COPY packed FROM STDIN (FORMAT binary)") as copy:
            copy.write(COPY_HEADER)
            for sparse in found.packed:
                copy.write(struct.pack(">hi", 2, len(sparse)) + sparse)
                copy.write(struct.pack(">i", len(dense)) + dense)
            copy.write(COPY_TRAILER)
        cursor.execute("SELECT s::text, d::text FROM packed")
        rows = cursor.fetchall()
    for (sparse, dense), counts in zip(
        rows, ({}, {"filter": 2, "fan": 1}, {"w280": 5}), strict=True
    ):
        wanted = weigh_terms({term_id(word): count for word, count in counts.items()}, 5.0)
        assert read_sparse(sparse) == pytest.approx(wanted) and dense == "[0.5,-0.25,1]"


# --- In the database ----------------------------------------------------------------------------------------------


def test_statistics_say_in_how_many_chunks_a_term_is(in_acme):
    bot = make_bot()
    teach(bot, "The filter filters the air of the room.", name="One")
    teach(bot, "A filter and a lamp.", name="Two")
    frequencies = stored_statistics().document_frequencies
    assert frequencies[term_id("filter")] == 2 and frequencies[term_id("lamp")] == 1
    assert LexiconTotals.objects.get().n == 2


def test_forgetting_everything_leaves_no_term_behind(in_acme):
    source = teach(make_bot())
    assert LexiconTerm.objects.exists()
    assert forget_knowledge(source.pk)
    assert not LexiconTerm.objects.exists() and not IndexEntry.objects.exists()
    totals = LexiconTotals.objects.get()
    assert (totals.n, totals.total_dl) == (0, 0)
    assert not forget_knowledge(source.pk)


def write(chance: random.Random) -> str:
    return "\n\n".join(
        f"# Part {number}\n\n" + " ".join(chance.choices(WORDS, k=chance.randint(25, 60)))
        for number in range(chance.randint(1, 6))
    )


@pytest.mark.parametrize("seed", range(5))
def test_statistics_stay_exact_through_any_sequence_of_changes(in_acme, seed):
    chance = random.Random(seed)
    bot = make_bot()
    sources: list[Source] = []
    for _ in range(25):
        action = chance.choice(["new", "change", "forget"]) if sources else "new"
        if action == "new":
            sources.append(teach(bot, write(chance), name=f"Source {len(sources)}"))
        elif action == "change":
            source = chance.choice(sources)
            # Half of the old text stays, so that chunks are kept, added and deleted at once.
            source.content = "\n\n".join([*source.content.split("\n\n")[::2][:2], write(chance)])
            source.save()
            run(source)
        else:
            forget_knowledge(sources.pop(chance.randrange(len(sources))).pk)
        assert stored_statistics() == count_statistics()
    assert not recount_statistics()


def test_recounting_repairs_what_foreign_hands_have_broken(in_acme):
    teach(make_bot())
    right = stored_statistics()
    LexiconTerm.objects.filter(pk=min(right.document_frequencies)).update(df=99)
    LexiconTotals.objects.update(n=1)
    assert recount_statistics()
    assert stored_statistics() == right and not recount_statistics()


def test_weights_are_made_anew_when_the_mean_length_has_drifted(in_acme):
    bot = make_bot()
    teach(bot, "A filter and a lamp.", name="Short")
    short = LexiconTotals.objects.get().baked_avgdl
    teach(bot, "# Long\n\n" + " ".join(f"word{n} filter" for n in range(70)), name="Long")
    totals = LexiconTotals.objects.get()
    assert totals.baked_avgdl > 2 * short and math.isclose(
        totals.baked_avgdl, totals.total_dl / totals.n
    )
    assert not rebake_if_drifted()
    for source in Source.objects.all():
        for entry in IndexEntry.objects.filter(source_id=source.pk).select_related("chunk"):
            text = (
                f"{entry.chunk.heading}. {entry.chunk.content}"
                if entry.chunk.heading
                else entry.chunk.content
            )
            with connection.cursor() as cursor:
                cursor.execute("SELECT lex::text FROM chunk_index WHERE chunk_id = %s", [entry.pk])
                stored = read_sparse(cursor.fetchone()[0])
            assert stored == pytest.approx(
                weigh_terms(Counter(map(term_id, analyse(text, "en"))), totals.baked_avgdl),
                rel=1e-4,
            )


def test_a_small_drift_changes_no_weight(in_acme):
    bot = make_bot()
    teach(bot, "one filter two lamps three fans", name="One")
    baked = LexiconTotals.objects.get().baked_avgdl
    run(make_source(bot, "one filter two lamps four cables", name="Two"))
    assert LexiconTotals.objects.get().baked_avgdl == baked


def test_two_words_that_share_an_id_are_counted_together():
    assert term_id("w280") == term_id("w45806")
    alike = [{"w280": 2, "w45806": 3, "fan": 1}, {"w280": 5, "fan": 1}]
    first, second = pack_texts(alike, 5.0).packed
    assert first == second and pack_texts(alike, 5.0).frequencies[term_id("fan")] == 2
