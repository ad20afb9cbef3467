"""Ingestion: what comes out, what is not done twice, and what stays when it goes wrong."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from bots.models import UsageEvent
from knowledge.indexing import incoming
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.ingestion import ingest
from knowledge.indexing.vectors import count_words
from knowledge.models import ANYONE, Chunk, Dataset, Document, IndexEntry, Source
from knowledge.sources.changing import (
    delete_source,
    update_source,
)
from knowledge.tests.conftest import (
    CALIBRATION,
    HANDBOOK,
    RETURNS,
    WARRANTY,
    make_bot,
    make_source,
    make_upload,
    run,
    teach,
)
from knowledge.tests.files import make_docx, make_pdf
from minirag.ai.builtin import local
from minirag.lib.errors import ProviderError
from minirag.lib.jobs.job import ClaimLost
from minirag.lib.tests.conftest import outside  # noqa: F401 - a fixture
from webhooks.event_types import EventType
from webhooks.models import Delivery, Webhook


def contents(source: Source) -> list[str]:
    return list(
        Chunk.objects.filter(source=source).order_by("ordinal").values_list("content", flat=True)
    )


@pytest.fixture
def hook(in_acme) -> Webhook:
    return Webhook.objects.create(
        url="https://hooks.example.com/", events=[event.value for event in EventType]
    )


def deliveries() -> list[tuple[str, dict]]:
    return [(each.event_type, each.payload) for each in Delivery.objects.order_by("created_at")]


# --- What comes out -----------------------------------------------------------------------------------------------


def test_a_text_becomes_chunks_with_headings_vectors_and_counts(bot, hook):
    source = teach(bot)
    assert (source.document_count, source.chunk_count, source.language) == (1, 3, "en")
    assert (
        source.last_refreshed_at
        and not source.claim_id
        and source.progress == {"stage": "", "done": 0, "total": 0}
    )
    chunks = list(Chunk.objects.filter(source=source))
    assert [chunk.heading for chunk in chunks] == [
        "Handbook > Warranty", "Handbook > Returns", "Handbook > Calibration"
    ]  # fmt: skip
    assert [chunk.content for chunk in chunks] == [WARRANTY, RETURNS, CALIBRATION]
    entries = IndexEntry.objects.filter(source_id=source.pk)
    assert all(entry.dim == 384 and entry.dl > 5 and len(entry.emb) == 384 for entry in entries)
    document = Document.objects.get(source=source)
    assert (document.title, document.chunk_count) == ("Handbook", 3) and document.char_count > 200
    payload = {
        "source_id": str(source.pk),
        "source_name": "Handbook",
        "document_count": 1,
        "chunk_count": 3,
    }
    assert deliveries() == [("source.ingested", payload)]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("txt", WARRANTY.encode(), WARRANTY),
        ("md", f"# Warranty\n\n{WARRANTY}".encode(), WARRANTY),
        ("csv", b"part,price\nfilter,12 euro\nfan,30 euro\n", "30 euro"),
        ("pdf", make_pdf([["Aeris One", "warranty of 36 months"]]), "36 months"),
        ("docx", make_docx(WARRANTY), WARRANTY),
    ],
)
def test_an_uploaded_file_of_every_kind_is_ingested(bot, kind, data, expected):
    source = run(make_upload(bot, data, kind))
    assert source.status == "ready", source.error_message
    assert expected in " ".join(contents(source))


def test_a_pdf_keeps_the_page_of_each_chunk(bot):
    pages = [
        [f"All about {thing} number {n}. " * 3 for n in range(30)] for thing in ("filters", "fans")
    ]
    source = run(make_upload(bot, make_pdf(pages), "pdf"))
    assert set(Chunk.objects.filter(source=source).values_list("page", flat=True)) == {1, 2}


def test_every_embedding_call_is_metered(bot):
    source = teach(bot)
    event = UsageEvent.objects.get(kind="embedding")
    assert (event.source_id, event.bot_profile_id, event.model) == (
        source.pk,
        bot.pk,
        "minirag/hash",
    )
    assert event.prompt_tokens > 20 and event.cost_usd == 0


def test_without_its_embedder_a_source_is_indexed_by_words_and_gets_its_vectors_later(
    in_acme, settings, tmp_path, embedder
):
    settings.EMBEDDER_DIR, installed = tmp_path, settings.EMBEDDER_DIR
    source = teach(make_bot(embedding_model="minirag/minilm"))
    assert set(IndexEntry.objects.values_list("dim", "emb")) == {(0, None)} and not embedder.texts
    settings.EMBEDDER_DIR = installed
    assert local.is_embedder_available("minirag/minilm"), (
        "run `make setup` first: the tests need the embedder"
    )
    run(source)
    assert (
        set(IndexEntry.objects.values_list("dim", flat=True)) == {384} and len(embedder.texts) == 3
    )


def test_a_dataset_without_knowledge_takes_the_model_that_the_bot_has_now(bot):
    source = make_source(bot)
    Dataset.objects.update(embedding_model="openai/text-embedding-3-small")
    assert run(source).status == "ready"
    assert Dataset.objects.get().embedding_model == "minirag/hash"


# --- What is not done twice ---------------------------------------------------------------------------------------


def test_ingesting_the_same_content_again_changes_nothing_and_embeds_nothing(bot, embedder):
    source = teach(bot)
    before = list(Chunk.objects.values_list("pk", "document_id")), source.last_refreshed_at
    embedder.texts.clear()
    run(source)
    assert source.status == "ready" and not embedder.texts
    assert (
        list(Chunk.objects.values_list("pk", "document_id")) == before[0]
        and source.last_refreshed_at > before[1]
    )
    assert UsageEvent.objects.count() == 1


def test_an_edited_paragraph_is_the_only_one_embedded_again(bot, embedder):
    source = teach(bot)
    ids = dict(Chunk.objects.values_list("content", "pk"))
    embedder.texts.clear()
    source.content = HANDBOOK.replace("36 months", "48 months")
    source.save()
    run(source)
    assert len(embedder.texts) == 1 and "48 months" in embedder.texts[0]
    now = dict(Chunk.objects.values_list("content", "pk"))
    assert (
        now[RETURNS] == ids[RETURNS]
        and now[CALIBRATION] == ids[CALIBRATION]
        and WARRANTY not in now
    )
    assert source.chunk_count == 3 == IndexEntry.objects.count()


def test_a_moved_section_costs_no_embedding_and_stands_in_its_new_place(bot, embedder):
    source = teach(bot)
    embedder.texts.clear()
    source.content = (
        f"# Calibration\n\n{CALIBRATION}\n\n# Warranty\n\n{WARRANTY}\n\n# Returns\n\n{RETURNS}\n"
    )
    source.save()
    run(source)
    assert not embedder.texts and contents(source) == [CALIBRATION, WARRANTY, RETURNS]


def test_chunk_ids_follow_from_source_and_content(bot):
    first, second = teach(bot), teach(bot)
    ids = set(Chunk.objects.filter(source=first).values_list("pk", flat=True))
    assert not ids & set(Chunk.objects.filter(source=second).values_list("pk", flat=True))
    first.content = "# Other\n\nSomething else is said here now."
    first.save()
    run(first)
    first.content = HANDBOOK
    first.save()
    run(first)
    assert set(Chunk.objects.filter(source=first).values_list("pk", flat=True)) == ids


def test_a_renamed_source_is_read_again_because_its_name_is_its_title(bot):
    source = teach(bot)
    source.name = "Manual"
    source.save()
    run(source)
    assert Chunk.objects.first().heading.startswith("Manual > ")


def test_a_text_in_another_language_now_is_analysed_anew_without_embedding(bot, embedder):
    source = teach(bot)
    Document.objects.update(language="de")
    Source.objects.update(content_hash="")
    embedder.texts.clear()
    lex = dict(IndexEntry.objects.values_list("pk", "lex"))
    run(source)
    assert not embedder.texts and Document.objects.get().language == "en"
    assert {entry.dim for entry in IndexEntry.objects.all()} == {384}
    assert {pk: str(vector) for pk, vector in IndexEntry.objects.values_list("pk", "lex")} == {
        pk: str(vector) for pk, vector in lex.items()
    }


# --- A web page ---------------------------------------------------------------------------------------------------

PAGE = f"<html><head><title>Aeris</title></head><body><h1>Warranty</h1><p>{WARRANTY}</p></body></html>".encode()


@pytest.fixture
def page(bot, outside, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    outside.serve("/page", PAGE, content_type="text/html", etag='"one"')
    return make_source(bot, None, source_type="url", config={"url": outside.url("/page")})


def test_a_page_is_fetched_and_keeps_its_address(page):
    assert run(page).status == "ready", page.error_message
    document = Document.objects.get()
    assert (
        document.url == page.config["url"]
        and document.title == "Aeris"
        and contents(page) == [WARRANTY]
    )


def test_a_page_that_did_not_change_is_asked_for_by_its_etag_and_not_read_again(
    page, outside, embedder
):
    run(page)
    embedder.texts.clear()

    def answer(handler):
        handler.send_response(304)
        handler.end_headers()

    outside.routes["/page"] = answer
    assert run(page).status == "ready" and page.chunk_count == 1 and not embedder.texts
    assert outside.seen[-1][2]["if-none-match"] == '"one"'


def test_a_server_that_answers_not_modified_unasked_is_an_error(page, outside):
    outside.serve("/page", status=304)
    assert (
        run(page).status == "error" and page.error_code == "bad_response" and page.chunk_count == 0
    )


def test_a_page_at_another_address_is_not_asked_for_by_the_old_etag(page, outside):
    run(page)
    page.config = {"url": outside.serve("/other", PAGE, content_type="text/html")}
    page.save()
    assert run(page).status == "ready"
    assert "if-none-match" not in outside.seen[-1][2]


def test_the_charset_that_http_declares_is_used(page, outside):
    body = "<p>Größe und Höhe der Geräte</p>".encode("iso-8859-15")
    outside.serve("/page", body, content_type="text/html; charset=iso-8859-15")
    run(page)
    assert "Größe und Höhe" in contents(page)[0]


# --- When it goes wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason", "code"),
    [
        ({"content": None}, "No content to ingest", "no_content"),
        ({"content": ""}, "No content to ingest", "no_content"),
        ({"content": " \n\t "}, "Chunking produced no output", "no_chunks"),
        ({"source_type": "url", "config": {}}, "No content to ingest", "no_content"),
        ({"source_type": "upload"}, "No content to ingest", "no_content"),
        ({"source_type": "nyxcore"}, "No API token configured", "token_missing"),
        (
            {"source_type": "url", "config": {"url": "http://127.0.0.2/"}},
            "127.0.0.2 is a private or reserved address, which may not be reached from here.", "address_refused",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_ingested_says_why(bot, hook, fields, reason, code):
    source = run(make_source(bot, **{"content": None} | fields))
    assert (source.status, source.error_message, source.error_code) == ("error", reason, code)
    assert deliveries() == [("source.failed", {"source_id": str(source.pk), "error": reason})]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("pdf", b"%PDF-1.7 broken"), ("pdf", make_pdf([["x"]], encrypted=True)), ("docx", b"PK\x03\x04nothing"),
        ("txt", b"\xff\xfe\xff\x00\xd8"), ("txt", b"a\0b"), ("pdf", make_pdf([[]])),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_ends_in_an_error_with_a_sentence(bot, kind, data):
    source = run(make_upload(bot, data, kind))
    assert source.status == "error" and source.error_message.endswith(".") and source.error_code
    assert not Chunk.objects.exists()


def test_an_address_that_answers_with_something_unreadable_or_an_error_says_so(page, outside):
    outside.serve("/page", b"{}", content_type="application/x-unknown")
    assert (
        run(page).error_message
        == "The address answered with application/x-unknown, which cannot be read."
    )
    outside.serve("/page", b"", status=500)
    assert run(page).error_message == "The server answered with status 500."
    assert page.next_refresh_at > timezone.now(), "a server's trouble may pass: it is tried again"


def test_a_failure_keeps_the_old_knowledge(bot, embedder, hook):
    source = teach(bot)
    before = contents(source)
    source.content = HANDBOOK.replace("36", "48")
    source.save()

    def refuse():
        raise ProviderError("unavailable", provider="openai")

    embedder.then = refuse
    run(source)
    assert (source.status, source.error_message) == (
        "error",
        "The model provider is not available at the moment.",
    )
    assert contents(source) == before and source.chunk_count == 3
    assert list(Source.objects.answering(bot.pk, ANYONE)) == [source]
    assert [kind for kind, _ in deliveries()] == ["source.ingested", "source.failed"]


def test_a_bug_of_ours_ends_in_an_error_that_tells_nothing_about_it(bot, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("knowledge.indexing.reading.parse_loaded", fail)
    source = run(make_source(bot))
    assert source.status == "error" and source.error_code == "internal"
    assert "secret" not in source.error_message and source.attempts == 1


def test_too_many_chunks_are_refused(bot, settings):
    settings.MAX_CHUNKS_PER_SOURCE = 2
    assert (
        run(make_source(bot)).error_message == "This makes 3 pieces of text; at most 2 are allowed."
    )


def test_success_after_a_failure_clears_it(bot):
    source = run(make_source(bot, ""))
    source.content = HANDBOOK
    source.save()
    run(source)
    assert (source.status, source.error_message, source.error_code, source.attempts) == (
        "ready",
        None,
        "",
        0,
    )


# --- Cancelled, deleted, dead, resurrected ------------------------------------------------------------------------
def stop(source: Source) -> bool:
    return bool(Source.objects.filter(pk=source.pk).stop())


def test_a_cancelled_first_ingestion_leaves_the_source_pending_and_empty(bot, embedder):
    source = make_source(bot)
    embedder.then = lambda: stop(source)
    run(source)
    assert (source.status, source.error_code, source.chunk_count) == ("pending", "cancelled", 0)
    assert not Chunk.objects.exists() and source.claim_id is None


def test_a_cancelled_second_ingestion_leaves_the_old_knowledge_ready(bot, embedder):
    source = teach(bot)
    source.content = HANDBOOK.replace("36", "48")
    source.save()
    embedder.then = lambda: stop(source)
    run(source)
    assert source.status == "ready" and WARRANTY in contents(source)


def test_cancelling_what_waits_takes_it_out_of_the_queue(bot):
    source = make_source(bot, queued_at=timezone.now())
    assert stop(source)
    source.refresh_from_db()
    assert source.queued_at is None and source.status == "pending"
    assert not stop(source)


def test_a_source_deleted_while_it_is_ingested_never_becomes_visible(bot, embedder):
    source = make_source(bot)
    embedder.then = lambda: delete_source(source.pk)
    run(source)
    assert not Chunk.objects.exists() and source.claim_id is None and source.status == "pending"
    assert not Source.objects.answering(bot.pk, ANYONE).exists()


def test_a_source_purged_and_brought_back_while_it_is_ingested_is_ingested_anew_with_all_vectors(
    bot, embedder
):
    source = teach(bot)
    source.content = HANDBOOK.replace("36", "48")
    source.save()

    def delete_and_restore():
        delete_source(source.pk)
        forget_knowledge(source.pk, only_deleted=True)
        update_source(source.pk, {"is_active": True})

    embedder.then = delete_and_restore
    run(source)
    assert (
        source.status == "pending"
        and source.queued_at
        and source.claim_id is None
        and not Chunk.objects.exists()
    )
    embedder.then = lambda: None
    assert run(source).status == "ready"
    assert (IndexEntry.objects.filter(dim__gt=0).count(), source.chunk_count) == (3, 3)


@pytest.mark.parametrize("moment", ["while the rest is embedded", "just before the lock"])
def test_chunks_that_vanish_although_they_were_to_stay_are_embedded_after_all(
    bot, embedder, monkeypatch, moment
):
    source = teach(bot)
    source.content = HANDBOOK.replace("36", "48")
    source.save()
    embedder.texts = []

    def vanish_once(*text):
        embedder.then = lambda: None
        monkeypatch.setattr(incoming, "count_words", count_words)
        forget_knowledge(source.pk)
        return count_words(*text) if text else None

    if moment == "just before the lock":
        monkeypatch.setattr(incoming, "count_words", vanish_once)
    else:
        embedder.then = vanish_once
    assert run(source).status == "ready", source.error_message
    assert len(embedder.texts) == 1 + 2, "the changed one, then the others"
    assert list(IndexEntry.objects.values_list("dim", flat=True)).count(0) == 0


def test_a_source_deactivated_while_it_is_ingested_does_not_answer(bot, embedder):
    source = make_source(bot)
    embedder.then = lambda: Source.objects.update(is_active=False)
    assert run(source).status == "ready"
    assert not Source.objects.answering(bot.pk, ANYONE).exists()


def test_a_deleted_source_is_not_ingested(bot):
    source = make_source(bot)
    delete_source(source.pk)
    assert run(source).status == "pending" and not Chunk.objects.exists()


def test_a_source_of_a_live_worker_is_left_alone(bot):
    source = make_source(bot)
    held = Source.objects.claim(source.pk)
    run(source)
    assert (source.status, source.claim_id) == (
        "processing",
        held.claim_id,
    ) and not Chunk.objects.exists()


def test_a_source_of_a_dead_worker_is_taken_over(bot):
    source = make_source(bot)
    Source.objects.claim(source.pk)
    Source.objects.update(heartbeat_at=timezone.now() - Source.STALE_AFTER - timedelta(seconds=1))
    assert run(source).status == "ready" and source.chunk_count == 3


def test_a_worker_that_comes_back_from_the_dead_writes_nothing(bot, embedder):
    source = make_source(bot)
    other = uuid.uuid4()
    embedder.then = lambda: Source.objects.update(claim_id=other)
    run(source)
    assert (source.status, source.claim_id) == ("processing", other) and not Chunk.objects.exists()


def test_a_claim_that_was_lost_in_the_last_moment_stops_the_swap(bot, monkeypatch):
    source = make_source(bot)
    other = uuid.uuid4()

    def lose_claim(text, language):
        Source.objects.update(claim_id=other)
        return count_words(text, language)

    monkeypatch.setattr(
        "knowledge.indexing.incoming.count_words", lose_claim
    )  # before the swap's transaction
    run(source)
    assert source.claim_id == other and source.status == "processing" and not Chunk.objects.exists()


def test_progress_is_shown_and_is_a_heartbeat(bot):
    source = make_source(bot)
    held = Source.objects.claim(source.pk)
    long_ago = timezone.now() - timedelta(hours=1)
    Source.objects.update(heartbeat_at=long_ago)
    held.report("embedding", 64, 200)
    source.refresh_from_db()
    assert (
        source.progress == {"stage": "embedding", "done": 64, "total": 200}
        and source.heartbeat_at > long_ago
    )
    held.claim_id = uuid.uuid4()
    with pytest.raises(ClaimLost):
        held.report("embedding")


def test_an_unknown_source_is_no_error(in_acme):
    ingest(uuid.uuid4())
