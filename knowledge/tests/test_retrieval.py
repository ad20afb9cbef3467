"""Retrieval: what may answer, in which order, and how sure it is."""

from __future__ import annotations

import random
import uuid
from collections import Counter

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import BotProfile, Fusion
from knowledge.indexing import search_indexes
from knowledge.indexing.search_indexes import (
    ensure_vector_index,
    ensure_word_index,
    next_indexing,
    tend_indexes,
)
from knowledge.models import ANYONE, Chunk, IndexEntry, LexiconTerm, Source
from knowledge.retrieval import searching
from knowledge.retrieval import statement as composing
from knowledge.retrieval.passages import Passage, Repeat, leave_out_repeats
from knowledge.retrieval.queries import Carried, Query
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.retrieval.scope import Scope
from knowledge.retrieval.searching import _weigh_meaning, pays_vector_index
from knowledge.retrieval.statement import compose_statement
from knowledge.sources.changing import (
    delete_source,
)
from knowledge.tests.conftest import (
    CALIBRATION,
    HANDBOOK,
    RETURNS,
    WARRANTY,
    make_bot,
    make_source,
    run,
    teach,
)
from minirag.ai.embeddings import Embeddings
from minirag.lib.errors import ProviderError
from tenants.context import scoped_name, tenant_context

QUESTION = "How many months does the warranty of the Aeris One last?"


def ask(bot: BotProfile, question: Query | str = QUESTION, **options) -> Retrieval:
    return async_to_sync(retrieve)(bot, question, audience=ANYONE, **options)


def contents(found: Retrieval) -> list[str]:
    return [passage.content for passage in found.passages]


# --- What comes back ----------------------------------------------------------------------------------------------


def test_the_best_passage_comes_first_with_all_that_a_citation_needs(bot):
    source = teach(bot)
    found = ask(bot)
    best = found.passages[0]
    assert (
        contents(found)[0] == WARRANTY and best.source_id == source.pk and best.title == "Handbook"
    )
    assert best.heading == "Handbook > Warranty" and best.page is None and best.url == ""
    chunk = Chunk.objects.get(pk=best.chunk_id)
    assert (chunk.document_id, chunk.source_id) == (best.document_id, source.pk)
    assert 0 < best.score <= 1 and 0 < best.cosine <= 1 and best.bm25 > 0
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert (
        found.mode == "hybrid"
        and found.embedding_model == "minirag/hash"
        and found.embedding_tokens > 5
    )
    assert found.language == "en" and found.milliseconds > 0 and not found.is_weak


def test_the_same_text_in_two_sources_takes_one_place(bot):
    teach(bot, name="Handbook")
    teach(bot, name="Handbook of last year")
    teach(bot, f"# Leaflet\n\n## Warranty\n\n{WARRANTY} Keep it dry.", name="Leaflet")
    found = ask(bot)
    assert contents(found)[0] == f"{WARRANTY} Keep it dry.", "the longer says all of it"
    said = [text.removesuffix(" Keep it dry.") for text in contents(found)]
    assert len(said) == len(set(said)) == 3
    assert len(found.repeats) == 4 and found.repeats[0].of != found.repeats[0].chunk_id


def test_the_same_words_under_other_headings_are_said_of_other_things():
    def make(heading: str, content: str) -> Passage:
        one = uuid.uuid4()
        return Passage(one, one, one, "", "", None, heading, content, 1.0, 0.5, 3.0)

    hours = "Open on weekdays from nine to five, on Saturdays from ten to one."
    shop, workshop = make("A > Shop", hours), make("A > Workshop", hours)
    again, short, shorter = (
        make("B > Shop", hours.upper()),
        make("A", "Closed."),
        make("B", "Closed."),
    )
    changed = make("C > Shop", hours.replace("five", "six"))
    kept, repeats = leave_out_repeats([shop, workshop, short, again, shorter, changed], 5)
    assert kept == (shop, workshop, short, shorter, changed)
    assert repeats == (Repeat(again.chunk_id, shop.chunk_id),)


def test_a_copy_that_is_cut_elsewhere_or_stands_under_a_longer_heading_takes_no_second_place():
    def make(heading: str, content: str) -> Passage:
        return Passage(
            uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), "", "", None, heading, content, 1.0, 0.5, 3.0
        )

    text = (
        "Parcels that are ordered before noon leave our store on the same day. They take two working days within the "
        "country and five abroad. What is larger than a metre is brought by a carrier, who calls you before."
    )
    first = make("Shop > Shipping", text)
    copies = (
        make("Help > FAQ > Shipping and returns", f"All you want to know about parcels.\n\n{text[:-24]}"),
        make("Leaflet", text.upper().replace(" ", "  ")),
    )  # fmt: skip
    others = (
        make("Shop > Pick up", text),
        make("Help > Shipping", text.replace("five abroad", "nine abroad")),
        make("Help > Shipping", text.replace("two working", "2 working").replace("five", "9")),
        make("Help > Shipping", f"{text} It is not so in December."),
    )
    kept, repeats = leave_out_repeats([first, *copies, *others], 9)
    assert kept == (first, *others)
    assert [each.chunk_id for each in repeats] == [each.chunk_id for each in copies]


def test_term_weights_are_the_idf_of_the_questions_words(bot):
    teach(bot)
    weights = ask(bot, "warranty of the zeppelin and the device").term_weights
    assert set(weights) == {"warranti", "zeppelin", "devic"}
    assert weights["zeppelin"] > weights["warranti"] > 0, "what nobody wrote about is the rarest"


def test_bm25_is_exactly_that_of_the_formula(bot):
    """Recomputed by hand from the chunks' words."""
    import math

    from minirag.lib.text.analysis import analyse, term_id

    teach(bot)
    found = ask(bot, "filters and receipt")
    counts = {
        c.pk: Counter(map(term_id, analyse(f"{c.heading}. {c.content}", "en")))
        for c in Chunk.objects.all()
    }
    mean = sum(c.total() for c in counts.values()) / len(counts)
    for passage in found.passages:
        expected = 0.0
        for term in ("filter", "receipt"):
            df = sum(term_id(term) in c for c in counts.values())
            idf = math.log(1 + (len(counts) - df + 0.5) / (df + 0.5))
            tf, length = counts[passage.chunk_id][term_id(term)], counts[passage.chunk_id].total()
            expected += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / mean))
        assert passage.bm25 == pytest.approx(expected, rel=1e-3)


def test_the_bots_passage_count_is_the_limit_unless_one_is_given(bot):
    teach(bot)
    bot.passage_count = 2
    assert [len(ask(bot, limit=limit).passages) for limit in (None, 1, 50)] == [2, 1, 3]


def test_equal_passages_come_in_the_order_of_their_ids(bot):
    for _ in range(4):
        teach(bot, WARRANTY)
    found = ask(bot)
    ids = [passage.chunk_id for passage in found.passages]
    assert len({passage.score for passage in found.passages}) == 1 and ids == sorted(ids)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "the of and",
        "?!",
        "x" * 20_000,
        "\U0001f600",
        "a\ud800b",
        "'; DROP TABLE",
        "100% %s %(a)s",
    ],
)
def test_no_question_breaks_it(bot, question):
    teach(bot)
    assert isinstance(ask(bot, question), Retrieval)


def test_a_bot_without_knowledge_finds_nothing_and_is_weak(bot):
    found = ask(bot)
    assert (
        found.passages == ()
        and found.is_weak
        and found.confidence == 0
        and found.term_weights == {}
    )


# --- What may answer ----------------------------------------------------------------------------------------------


def test_a_deleted_source_stops_answering_at_once(bot):
    source = teach(bot)
    assert ask(bot).passages
    delete_source(source.pk)
    assert ask(bot).passages == () and IndexEntry.objects.exists(), (
        "even while its rows are still there"
    )


def test_an_inactive_source_or_parent_does_not_answer(bot):
    parent = make_source(bot, None, name="Folder")
    child = teach(bot, parent=parent)
    assert ask(bot).passages
    Source.objects.filter(pk=child.pk).update(is_active=False)
    assert not ask(bot).passages
    Source.objects.filter(pk=child.pk).update(is_active=True)
    Source.objects.filter(pk=parent.pk).update(is_active=False)
    assert not ask(bot).passages


def test_a_source_that_is_being_read_again_or_failed_answers_from_what_it_knew(bot):
    source = teach(bot)
    for status in ("processing", "error", "pending"):
        Source.objects.filter(pk=source.pk).update(status=status)
        assert contents(ask(bot))[0] == WARRANTY


def test_another_bots_source_does_not_answer(bot):
    teach(make_bot(name="Other"))
    assert not ask(bot).passages


def test_a_foreign_tenants_chunk_never_appears(bot, globex):
    teach(bot, f"# Ours\n\n{CALIBRATION}")
    with tenant_context(globex.tenant):
        theirs = make_bot(name="Helper")
        teach(theirs)
        foreign = set(Chunk.objects.values_list("pk", flat=True))
        assert {passage.chunk_id for passage in ask(theirs).passages} == foreign
    found = ask(bot)
    assert (
        contents(found) == [CALIBRATION]
        and not {passage.chunk_id for passage in found.passages} & foreign
    )


# --- How it is ordered --------------------------------------------------------------------------------------------


def test_fusion_by_rank_is_selectable_and_gives_reciprocal_ranks(bot):
    teach(bot)
    bot.fusion = "rrf"
    found = ask(bot)
    assert contents(found)[0] == WARRANTY
    assert found.passages[0].score == pytest.approx(2 / 61), "first by words and first by meaning"
    assert all(passage.score <= 2 / 61 for passage in found.passages)


def test_the_dense_weight_decides_between_words_and_meaning(bot):
    teach(bot)
    for weight, part in ((1.0, "cosine"), (0.0, "bm25")):
        bot.dense_weight = weight
        found = ask(bot, "the warranty")
        best = max(getattr(passage, part) for passage in found.passages)
        for passage in found.passages:
            assert passage.score == pytest.approx(getattr(passage, part) / best, rel=1e-3)


@pytest.mark.parametrize(
    ("language", "sources", "weight"),
    [("en", ["en"], 0.6), ("de", ["de"], 0.4), ("ru", ["ru"], 0.2), ("de", ["en"], 0.2)],
)
def test_meaning_counts_by_what_the_embedder_makes_of_a_language(language, sources, weight):
    scope = Scope([], [], [], {}, 1, sources, "minirag/minilm")
    bot = BotProfile()
    trusts = language == "en"
    assert _weigh_meaning(bot, scope, language, trusts) == weight
    bot.dense_weight = 0.7
    assert _weigh_meaning(bot, scope, language, trusts) == 0.7


def test_meaning_counts_most_where_question_and_sources_are_in_two_languages():
    scope = Scope([], [], [], {}, 1, ["en"], "minirag/local:both")
    assert _weigh_meaning(BotProfile(), scope, "de", True, is_abroad=True) == 0.8


def test_vectors_of_another_size_take_part_by_their_words_only(bot):
    teach(bot)
    IndexEntry.objects.filter(chunk__content=WARRANTY).update(emb=[1.0, 0.0, 0.0], dim=3)
    found = ask(bot)
    assert {passage.content: passage.cosine for passage in found.passages}[WARRANTY] == 0
    assert len(found.passages) == 3


def test_a_chunk_without_a_vector_is_found_by_its_words(bot):
    teach(bot)
    IndexEntry.objects.update(emb=None, dim=0)
    found = ask(bot)
    assert contents(found)[0] == WARRANTY and found.mode == "hybrid"


@pytest.mark.parametrize("lacking", [Q(), Q(chunk__content=WARRANTY)])
def test_while_vectors_are_still_to_be_made_words_alone_vouch_for_what_has_none(in_acme, lacking):
    bot = make_bot(embedding_model="minirag/minilm", refusal_mode="strict")
    teach(bot)
    asked = "How long is the warranty?"
    measured = ask(bot, asked).measured
    entries = IndexEntry.objects.filter(lacking)
    before = {each.pk: (each.emb, each.dim) for each in entries}
    entries.update(emb=None, dim=0)
    found, stranger = ask(bot, asked), ask(bot, "Who won the chess olympiad in Baku?")
    assert not found.is_weak and found.measured.floors.made_for == "words"
    assert found.confidence == pytest.approx(found.measured.top_bm25_share)
    assert stranger.is_weak
    for key, (vector, size) in before.items():
        IndexEntry.objects.filter(pk=key).update(emb=vector, dim=size)
    assert ask(bot, asked).measured == measured and measured.floors.made_for == "embedder"


def test_without_an_embedder_words_alone_are_searched(in_acme, settings, tmp_path):
    settings.EMBEDDER_DIR = tmp_path
    bot = make_bot(embedding_model="minirag/minilm")
    teach(bot)
    found = ask(bot)
    assert found.mode == "lexical" and found.embedding_model is None and found.embedding_tokens == 0
    assert (
        contents(found)[0] == WARRANTY
        and found.passages[0].score == 1
        and found.passages[0].cosine == 0
    )
    assert found.threshold == 0.12 and not found.is_weak
    off_topic = ask(bot, "Who won the chess olympiad in Baku?")
    assert off_topic.is_weak and not off_topic.passages


def test_a_provider_that_fails_leaves_the_words(bot, monkeypatch, caplog):
    teach(bot)

    async def fail(*args, **kwargs):
        raise ProviderError("rate_limit", provider="openai")

    monkeypatch.setattr("knowledge.retrieval.retrieving.embed_query", fail)
    found = ask(bot)
    assert found.mode == "lexical" and contents(found)[0] == WARRANTY
    assert "searching by words only" in caplog.text and QUESTION not in caplog.text


def test_a_bot_with_another_model_than_its_knowledge_asks_with_that_of_the_knowledge(
    bot, monkeypatch
):
    teach(bot)
    asked = []
    from minirag.ai.embeddings import embed_query

    async def embed(model, text, **options) -> Embeddings:
        asked.append(model)
        return await embed_query("minirag/hash", text, **options)

    monkeypatch.setattr("knowledge.retrieval.retrieving.embed_query", embed)
    bot.embedding_model = "openai/text-embedding-3-small"
    found = ask(bot)
    assert asked == ["openai/text-embedding-3-small", "minirag/hash"]
    assert (
        found.mode == "hybrid"
        and contents(found)[0] == WARRANTY
        and found.embedding_model == "minirag/hash"
    )


# --- How sure it is -----------------------------------------------------------------------------------------------


def test_a_bot_may_have_a_floor_of_its_own_or_never_refuse(bot):
    teach(bot)
    bot.refusal_floor = 0.99
    assert ask(bot).threshold == 0.99 and ask(bot).is_weak
    bot.refuses = False
    assert ask(bot).threshold == 0 and not ask(bot).is_weak


def test_with_the_real_embedder_meaning_is_found_without_a_common_word_and_foreign_questions_are_weak(
    in_acme,
):
    bot = make_bot(embedding_model="minirag/minilm")
    teach(bot)
    found = ask(bot, "Can I get my money back if I do not like it?")
    assert contents(found)[0] == RETURNS and found.threshold == pytest.approx(0.25)
    assert not ask(bot).is_weak
    for question in (
        "Who won the chess olympiad in Baku?",
        "What is the capital of Australia?",
        "Tell me a joke",
    ):
        assert ask(bot, question).is_weak, question


def test_a_german_question_about_german_sources_is_judged_by_its_words(in_acme):
    bot = make_bot(embedding_model="minirag/minilm")
    teach(
        bot,
        "Die Garantie für das Gerät gilt 36 Monate ab dem Kauf und umfasst auch den Sensor und das Netzteil.",
    )
    found = ask(bot, "Wie lange gilt die Garantie für das Gerät?")
    assert found.language == "de" and found.threshold == 0.12 and not found.is_weak
    assert ask(bot, "Wer gewann die Schacholympiade in Baku?").is_weak


def test_a_bot_with_two_languages_answers_in_both(bot):
    teach(bot, HANDBOOK)
    teach(
        bot,
        "Die Rückgabe unbenutzter Geräte ist innerhalb von vierzehn Tagen möglich, das Porto zahlen wir.",
    )
    assert contents(ask(bot))[0] == WARRANTY
    assert "Rückgabe" in contents(ask(bot, "Wie ist die Rückgabe unbenutzter Geräte möglich?"))[0]


# --- Large tenants ------------------------------------------------------------------------------------------------

TOPICS = "air bread chess dance earth fire glass house iron juice kite lemon music night ocean paper".split()  # noqa: SIM905
# So few rows are scanned faster than any index is read: make the planner take it all the same.
TAKE_THE_INDEX = (
    "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
)


def parameters_of(sources) -> dict:
    """What a statement asks of these sources: words that nobody has, and a vector."""
    return {
        "terms": [1], "frequencies": [1], "counted": [True], "bot": uuid.uuid4(), "model": "", "language": "",
        "limit": 50, "weight": 1.0, "dimensions": 384, "sources": list(sources), "vector": str([0.05] * 384),
    }  # fmt: skip


@pytest.fixture
def library(bot) -> BotProfile:
    """1,200 chunks in three sources, of words with a topic each."""
    chance = random.Random(7)
    for number in range(3):
        sections = []
        for section in range(400):
            topic = chance.choice(TOPICS)
            choices = [topic, topic + "s", chance.choice(TOPICS)]
            words = [chance.choice([*choices, f"w{chance.randrange(900)}"]) for _ in range(40)]
            sections.append(f"# Section {number} {section}\n\n{' '.join(words)}.")
        teach(bot, "\n\n".join(sections), name=f"Book {number}")
    with connection.cursor() as cursor:
        # As a commit does; an index cannot be built while foreign keys wait to be checked.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return bot


def test_the_vector_index_is_built_only_for_many_rows_and_once(library, settings):
    assert IndexEntry.objects.count() > 1000
    assert not ensure_vector_index(384), "an exact search is better for so few"
    settings.EXACT_SCAN_ROWS = 500
    assert ensure_vector_index(384) and not ensure_vector_index(384) and not ensure_vector_index(0)


def test_a_tenant_that_has_many_chunks_already_gets_both_indexes_from_the_clock(
    library, settings, monkeypatch
):
    """As after an import, or with a release that did not have one yet."""
    assert tend_indexes() == 0 and next_indexing() is None
    settings.EXACT_SCAN_ROWS = 500
    monkeypatch.setattr(search_indexes, "INDEXED_FROM", 500)
    assert next_indexing() is not None
    assert (tend_indexes(), tend_indexes()) == (2, 0) and next_indexing() is None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass('chunk_index_words'), to_regclass('chunk_index_emb_384')"
        )
        assert all(cursor.fetchone())


def test_nobody_waits_for_a_worker_that_is_building_and_it_is_looked_at_again(library, monkeypatch):
    monkeypatch.setattr(search_indexes, "INDEXED_FROM", 500)
    params = connection.get_connection_params()
    with psycopg.connect(**params) as another, another.transaction():
        another.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [scoped_name("indexes")]
        )
        assert not ensure_word_index() and tend_indexes() == 0
        assert next_indexing() > timezone.now()
    assert tend_indexes() == 1


def test_of_a_small_tenant_the_clock_reads_a_count_and_no_chunks(bot):
    teach(bot)
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        next_indexing()
        sizes = next(each["sql"] for each in asked if "GROUP BY dim" in each["sql"])
        cursor.execute(f"EXPLAIN (ANALYZE) {sizes.rpartition(';')[2]}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "on chunk_index" in plan and "(never executed)" in plan


def test_beyond_the_limit_the_vector_index_is_used_and_finds_what_exact_search_finds(
    library, settings
):
    questions = [
        f"{first} and {second}"
        for first, second in zip(TOPICS, TOPICS[3:] + TOPICS[:3], strict=True)
    ]
    library.dense_weight = 1.0
    exact = {
        question: [p.chunk_id for p in ask(library, question, limit=10).passages]
        for question in questions
    }
    settings.EXACT_SCAN_ROWS = 500
    ensure_vector_index(384)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_THE_INDEX)
        statement = compose_statement(dimensions=384, uses_vector_index=True, by_rank=False)
        parameters = parameters_of(Source.objects.values_list("pk", flat=True))
        cursor.execute("EXPLAIN " + statement, parameters)
        assert "chunk_index_emb_384" in "\n".join(row[0] for row in cursor.fetchall())
    overlap = [
        len(set(exact[question]) & {p.chunk_id for p in ask(library, question, limit=10).passages})
        / 10
        for question in questions
    ]
    assert sum(overlap) / len(overlap) >= 0.9, overlap


def test_a_small_part_of_what_a_tenant_has_is_scanned_since_the_index_leads_through_all(settings):
    settings.EXACT_SCAN_ROWS = 8_000
    asked = [(8_000, 8_000), (8_001, 8_001), (10_000, 100_000), (20_001, 100_000), (30_000, 10**6)]
    assert [pays_vector_index(*rows) for rows in asked] == [False, True, False, True, True]


def test_a_filter_that_leaves_few_rows_still_fills_the_answer(library, settings):
    settings.EXACT_SCAN_ROWS = 300
    ensure_vector_index(384)
    Source.objects.exclude(name="Book 1").update(is_active=False)
    found = ask(library, "lemon juice", limit=10)
    assert len(found.passages) == 10
    assert {passage.source_id for passage in found.passages} == {
        Source.objects.get(name="Book 1").pk
    }


def test_where_the_index_gives_up_among_other_sources_as_good_is_found_as_by_a_scan(
    library, settings
):
    settings.EXACT_SCAN_ROWS = 500
    ensure_vector_index(384)
    asked = parameters_of([Source.objects.get(name="Book 1").pk])
    found = {}
    for uses_index in (False, True):
        statement = compose_statement(dimensions=384, uses_vector_index=uses_index, by_rank=False)
        with connection.cursor() as cursor:
            # It is read as far as the hundred nearest of all three books.
            cursor.execute(
                f"{TAKE_THE_INDEX}; SET LOCAL hnsw.iterative_scan = off; SET LOCAL hnsw.ef_search = 100"
            )
            cursor.execute(statement, asked)
            found[uses_index] = [row[0] for row in cursor.fetchall()]
    assert len(found[False]) == 50 and found[True] == found[False]


def test_the_exact_statement_cannot_use_the_vector_index(library, settings):
    settings.EXACT_SCAN_ROWS = 500
    ensure_vector_index(384)
    statement = compose_statement(dimensions=384, uses_vector_index=False, by_rank=False)
    parameters = parameters_of([uuid.uuid4()])
    with connection.cursor() as cursor:
        cursor.execute(TAKE_THE_INDEX)
        cursor.execute("EXPLAIN " + statement, parameters)
        assert "chunk_index_emb_384" not in "\n".join(row[0] for row in cursor.fetchall())


def test_a_search_takes_one_short_use_of_a_connection(bot, django_assert_max_num_queries):
    teach(bot)
    bot = BotProfile.objects.with_keys().get(pk=bot.pk)  # as a turn brings it
    with django_assert_max_num_queries(6):  # savepoint, scope, settings, the statement, release
        ask(bot, "warranty of the filters")
    with django_assert_max_num_queries(7):  # the vocabulary, for "last"
        ask(bot)


def test_ingesting_again_does_not_disturb_the_answer(bot):
    source = teach(bot)
    before = ask(bot)
    run(source)
    assert contents(ask(bot)) == contents(before) and ask(bot).confidence == pytest.approx(
        before.confidence
    )


# --- What was said before -----------------------------------------------------------------------------------------


def test_a_follow_up_is_found_by_what_is_carried_over(bot):
    teach(bot)
    alone = ask(bot, "And how long?")
    query = Query(
        "And how long?",
        language="en",
        carried=(Carried("What does the warranty of the Aeris One cover?", 0.3),),
        meaning="What does the warranty of the Aeris One cover? And how long?",
    )
    assert contents(ask(bot, query))[0] == WARRANTY
    assert ask(bot, query).confidence > alone.confidence


def test_what_is_carried_into_a_question_that_stands_alone_leaves_its_confidence_as_it_is(bot):
    teach(bot)
    carried = (Carried("How often is the sensor calibrated?", 0.2),)
    for question in (QUESTION, "Who won the cup in Berlin?"):
        alone = ask(bot, Query(question, "en"))
        after = ask(bot, Query(question, "en", carried))
        assert after.confidence == pytest.approx(alone.confidence, abs=1e-6)


@pytest.fixture(
    params=[((0.05, 0), (0.2, 0)), composing.RARITIES],
    ids=["a fifth is rare", "nearly all are rare"],
)
def rare_rows(monkeypatch, request):
    monkeypatch.setattr(composing, "RARITIES", request.param)
    compose_statement.cache_clear()
    yield
    compose_statement.cache_clear()


@pytest.mark.usefixtures("rare_rows")
@pytest.mark.parametrize("is_rank", [False, True])
def test_the_index_over_words_finds_what_comparing_all_of_them_finds(
    library, settings, monkeypatch, is_rank
):
    """Whether few rows suffice or not: by topics that some chunks have, words that all have, and both."""
    settings.EXACT_SCAN_ROWS = 10**6
    if is_rank:
        library.fusion = Fusion.RECIPROCAL_RANK
    words = list(
        LexiconTerm.objects.order_by("-df").exclude(text="").values_list("text", flat=True)
    )
    questions = [
        *TOPICS, *(f"{topic} {words[0]} {words[1]}" for topic in TOPICS), " ".join(words[:3]),
        " ".join(words[-2:]), f"{words[-1]} {words[0]}", "nothing has zyxwvut",
    ]  # fmt: skip

    def search_all() -> list[list[tuple]]:
        return [
            [(each.chunk_id, each.score) for each in ask(library, question, limit=10).passages]
            for question in questions
        ]

    plain = search_all()
    assert not ensure_word_index(), "comparing is quick enough for so few"
    for module in (search_indexes, searching):
        monkeypatch.setattr(module, "INDEXED_FROM", 500)
    assert ensure_word_index() and not ensure_word_index()
    assert search_all() == plain
    with CaptureQueriesContext(connection) as asked:
        Source.objects.exclude(name="Book 1").update(is_active=False)
        only = ask(library, TOPICS[0], limit=10)
    assert {passage.source_id for passage in only.passages} == {
        Source.objects.get(name="Book 1").pk
    }
    assert not any("suffices" in query["sql"] for query in asked), "few rows are left to compare"


def test_a_chunk_of_many_rows_is_found_by_the_index_over_words(library, monkeypatch):
    for module in (search_indexes, searching):
        monkeypatch.setattr(module, "INDEXED_FROM", 500)
    ensure_word_index()
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        ask(library, TOPICS[0], limit=10)
        statement = next(query["sql"] for query in asked if "suffices" in query["sql"])
        cursor.execute("SET LOCAL enable_seqscan = off")
        _, _, search = statement.rpartition(";")
        cursor.execute(f"EXPLAIN {search}")
        assert "chunk_index_words" in "\n".join(row[0] for row in cursor.fetchall())
