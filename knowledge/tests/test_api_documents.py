"""/v1/documents: found, shown with their chunks, edited for good, deleted at once, read and embedded again."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.usage.pricing import set_override
from knowledge.models import Dataset, Document, LexiconTotals, Source
from knowledge.tasks import refresh_due, sweep_ingestion
from knowledge.tests.api import refusal
from knowledge.tests.conftest import CALIBRATION, HANDBOOK, RETURNS, WARRANTY
from knowledge.versions.texts import join_contents
from minirag.lib.jobs.job import ClaimLost
from tenants.context import tenant_context


def only_document(api, source):
    (found,) = api.get(f"documents?source_id={source}")["items"]
    return found


@pytest.fixture
def bot(api):
    return api.bot()


@pytest.fixture
def source(api, bot):
    return api.teach(bot_profile_id=bot)


# --- Lists and details --------------------------------------------------------------------------------------------
def test_documents_are_listed_newest_first_and_found_by_title_source_dataset_and_bot(
    api, bot, source
):
    dataset, other = api.dataset(), api.bot("Sales")
    shared = api.teach(RETURNS, name="Returns 100%", dataset_id=dataset)

    def titles(query=""):
        page = api.get(f"documents?{query}")
        assert page["total"] == len(page["items"])
        return [each["title"] for each in page["items"]]

    assert titles() == ["Returns 100%", "Handbook"]
    assert titles(f"source_id={source}") == titles("q=HANDb") == ["Handbook"]
    assert titles("q=100%25") == titles(f"dataset_id={dataset}") == ["Returns 100%"]
    assert (
        titles("q=%25%25")
        == titles(f"bot_profile_id={other}")
        == titles(f"source_id={uuid.uuid4()}")
        == []
    )
    assert titles(f"bot_profile_id={bot}") == ["Handbook"]
    api.link(dataset, bot)
    assert titles(f"bot_profile_id={bot}") == ["Returns 100%", "Handbook"]
    document = only_document(api, shared)
    assert (document["source_id"], document["dataset_id"], document["bot_profile_id"]) == (
        shared,
        dataset,
        None,
    )
    api.client.delete(f"/v1/sources/{source}")
    assert titles() == ["Returns 100%"]


def test_the_list_is_paged_and_costs_no_more_queries_for_more_documents(api, bot, source):
    def count():
        with CaptureQueriesContext(connection) as queries:
            api.get("documents")
        return len(queries)

    few = count()
    for number in range(4):
        api.teach(RETURNS, name=f"Doc {number}", bot_profile_id=bot)
    assert count() == few
    first = api.get("documents?limit=3")
    rest = api.get(f"documents?limit=3&cursor={first['next_cursor']}")
    names = [each["title"] for each in first["items"] + rest["items"]]
    assert names == ["Doc 3", "Doc 2", "Doc 1", "Doc 0", "Handbook"] and rest["next_cursor"] is None


def test_a_document_is_shown_with_its_content_and_its_chunks_in_pages(api, source):
    document = only_document(api, source)
    shown = api.get(f"documents/{document['id']}?limit=2")
    assert {key: shown[key] for key in document} == document
    assert shown["content"] == f"{WARRANTY}\n\n{RETURNS}\n\n{CALIBRATION}"
    chunks = shown["chunks"]
    assert [(each["ordinal"], each["heading"], each["content"]) for each in chunks["items"]] == [
        (0, "Handbook > Warranty", WARRANTY), (1, "Handbook > Returns", RETURNS),
    ]  # fmt: skip
    rest = api.get(f"documents/{document['id']}?limit=2&cursor={chunks['next_cursor']}")
    assert [each["content"] for each in rest["chunks"]["items"]] == [CALIBRATION] and rest[
        "content"
    ] is None
    assert rest["chunks"]["next_cursor"] is None
    assert api.get(f"documents/{document['id']}?include_content=false")["content"] is None


def test_a_text_whose_chunks_overlap_is_put_together_without_repeats(api, bot):
    sentences = [
        f"Sentence number {number} says that shelf {number * 7} is the place."
        for number in range(80)
    ]
    source = api.teach(" ".join(sentences), name="Shelves", bot_profile_id=bot)
    shown = api.get(f"documents/{only_document(api, source)['id']}")
    contents = [chunk["content"] for chunk in shown["chunks"]["items"]]
    assert len(contents) > 3 and sum(map(len, contents)) > len(" ".join(sentences))
    assert shown["content"].split() == " ".join(sentences).split()


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["12 12 12 12 12 12", "12 12 12 12 12 13"], "12 12 12 12 12 12 13"), (["abc", "abc"], "abc\n\nabc"),
        ([], ""), (["one"], "one"), (["one", "two"], "one\n\ntwo"),
        (["a b c d e f g", "c d e f g h"], "a b c d e f g h"), (["end a", "a start"], "end a\n\na start"),
    ],
)  # fmt: skip
def test_pieces_are_joined_where_they_overlap(pieces, whole):
    assert join_contents(pieces) == whole


@pytest.mark.parametrize(
    "query", ["limit=0", "cursor=x", "source_id=x", "q=%00", "dataset_id=", "bot_profile_id=1"]
)
def test_a_bad_query_is_422(api, query):
    assert api.client.get(f"/v1/documents?{query}").status_code == 422


def test_documents_of_others_and_of_nobody_are_404(api, theirs, source):
    document = only_document(api, source)["id"]
    for pk in (document, str(uuid.uuid4())):
        assert theirs.client.get(f"/v1/documents/{pk}").status_code == 404
        assert theirs.send("patch", f"documents/{pk}", title="x").status_code == 404
        assert theirs.client.delete(f"/v1/documents/{pk}").status_code == 404
        assert theirs.send("post", f"documents/{pk}/reprocess").status_code == 404
    assert theirs.get(f"documents?source_id={source}")["items"] == []
    api.client.delete(f"/v1/sources/{source}")
    assert api.client.get(f"/v1/documents/{document}").status_code == 404, (
        "gone with its source, purged or not"
    )


# --- Editing ------------------------------------------------------------------------------------------------------
def test_an_edit_stays_when_the_source_is_ingested_again_changed_or_not_until_it_is_undone(
    api, acme, source
):
    pk = only_document(api, source)["id"]
    edited = api.send(
        "patch",
        f"documents/{pk}",
        title=" My title ",
        url="https://a.example.com",
        metadata={"a": 1},
    )
    assert edited.json()["edited_fields"] == ["metadata", "title", "url"]
    wanted = ("My title", "https://a.example.com", {"a": 1})

    def shown():
        found = api.get(f"documents/{pk}")
        return found["title"], found["url"], found["metadata"]

    assert shown() == wanted
    api.ingest(source)
    assert shown() == wanted
    api.send(
        "patch",
        f"sources/{source}",
        name="Renamed",
        content=f"{HANDBOOK}\n\n# More\n\nA new paragraph of text.",
    )
    api.ingest(source)
    assert shown() == wanted and "A new paragraph" in api.get(f"documents/{pk}")["content"]
    undone = api.send("patch", f"documents/{pk}", title=None, metadata=None).json()
    assert (undone["title"], undone["url"], undone["edited_fields"]) == (
        "Renamed",
        wanted[1],
        ["url"],
    )
    assert undone["metadata"] == {}
    again = api.send("patch", f"documents/{pk}", title=None).json()
    assert again == undone, "what is not edited stays as it is"


def test_an_edited_title_is_what_a_citation_shows(api, acme, bot, source):
    api.send("patch", f"documents/{only_document(api, source)['id']}", title="The big book")
    found = api.retrieve(bot)
    assert found.passages[0].title == "The big book"


@pytest.mark.parametrize(
    "fields",
    [
        {"title": " "}, {"title": "x" * 501}, {"title": "a\0"}, {"url": "x" * 2049}, {"metadata": [1]},
        {"metadata": {"x": "y" * 20_000}}, {"title": 5}, {"url": "javascript:alert(1)"}, {"url": "handbook"},
    ],
)  # fmt: skip
def test_a_bad_edit_is_422_and_changes_nothing(api, source, fields):
    before = only_document(api, source)
    assert api.send("patch", f"documents/{before['id']}", **fields).status_code == 422
    assert only_document(api, source) == before


# --- Deleting -----------------------------------------------------------------------------------------------------
def test_a_deleted_document_stops_answering_with_the_next_question_and_stays_deleted(
    api, acme, bot, source
):
    pk = only_document(api, source)["id"]
    assert set(api.answers(bot)) == {source}
    api.send("patch", f"sources/{source}", refresh_schedule="hourly")
    assert api.client.delete(f"/v1/documents/{pk}").status_code == 204
    assert api.answers(bot) == [] and api.client.delete(f"/v1/documents/{pk}").status_code == 404
    shown = api.get(f"sources/{source}")
    assert (shown["status"], shown["document_count"], shown["chunk_count"]) == ("pending", 0, 0)
    with tenant_context(acme.tenant):
        Source.objects.update(
            last_refreshed_at="2020-01-01T00:00:00Z", updated_at="2020-01-01T00:00:00Z"
        )
        assert (refresh_due(), sweep_ingestion()) == (0, 0)
        assert LexiconTotals.objects.get().n == 0
    assert api.ingest(source) == "ready", "who asks for it gets it back"
    assert set(api.answers(bot)) == {source} and only_document(api, source)["id"] == pk


def test_a_worker_that_is_at_the_source_of_a_deleted_document_gives_up(api, acme, source):
    with tenant_context(acme.tenant):
        pk = Document.objects.get(source=source).pk
        held = Source.objects.claim(uuid.UUID(source))
        assert held is not None
    assert api.client.delete(f"/v1/documents/{pk}").status_code == 204
    with tenant_context(acme.tenant), pytest.raises(ClaimLost):
        held.report("indexing")
    assert api.row(source).status == "pending"


# --- Reading and embedding again -----------------------------------------------------------------------------------
def test_reprocessing_reads_the_source_anew_and_embeds_nothing_that_is_known(
    api, acme, source, embedder
):
    pk = only_document(api, source)["id"]
    response = api.send("post", f"documents/{pk}/reprocess")
    assert (response.status_code, response.json()["status"]) == (202, "accepted")
    assert (api.row(source).redo, api.row(source).queued_at is not None) == ("parse", True)
    with tenant_context(acme.tenant):
        Document.objects.update(language="xx")  # as if an older version had read it
    assert api.ingest(source) == "ready" and embedder.texts == []
    assert (api.get(f"documents/{pk}")["language"], api.row(source).redo) == ("en", "")


def test_what_is_being_ingested_cannot_be_processed_again(api, acme, source):
    pk = only_document(api, source)["id"]
    with tenant_context(acme.tenant):
        Source.objects.update(status="processing")
    assert refusal(api.send("post", f"documents/{pk}/reprocess")) == (409, "source_processing")
    assert api.row(source).redo == ""


def test_a_dry_run_says_what_reindexing_takes_and_does_nothing(api, acme, bot, source):
    dataset = api.dataset()
    shared = api.teach(RETURNS, dataset_id=dataset)
    api.make("sources", name="Never ingested", source_type="text", bot_profile_id=bot)
    found = api.make("sources/reindex")
    assert (found["dry_run"], found["sources"], found["documents"], found["chunks"]) == (
        True,
        2,
        2,
        4,
    )
    assert (found["embedding_calls"], found["estimated_cost_usd"], found["queued"]) == (2, 0.0, 0)
    assert [share["embedding_model"] for share in found["models"]] == ["minirag/hash"] and found[
        "tokens"
    ] > 50
    assert api.make("sources/reindex", dataset_id=dataset)["chunks"] == 1
    assert api.make("sources/reindex", source_id=source)["chunks"] == 3
    limited = api.make("sources/reindex", limit=1)
    assert (limited["sources"], limited["has_more"]) == (1, True)
    assert {api.row(pk).redo for pk in (source, shared)} == {""}


def test_a_model_that_costs_money_is_estimated_at_its_price(api, acme, source):
    with tenant_context(acme.tenant):
        Dataset.objects.update(embedding_model="openai/text-embedding-3-small")
    found = api.make("sources/reindex")
    assert found["estimated_cost_usd"] == pytest.approx(
        found["tokens"] * 0.02 / 1_000_000, abs=1e-7
    )
    with tenant_context(acme.tenant):
        Dataset.objects.update(embedding_model="custom/unheard-of")
    assert api.make("sources/reindex")["estimated_cost_usd"] is None
    with tenant_context(acme.tenant):
        set_override(
            "custom/unheard-of", prompt_cost_per_1m=Decimal(5), completion_cost_per_1m=Decimal(0)
        )
    found = api.make("sources/reindex")
    assert found["estimated_cost_usd"] == pytest.approx(found["tokens"] * 5 / 1_000_000, abs=1e-7)


def test_reindexing_embeds_every_chunk_anew_while_it_goes_on_answering(
    api, acme, bot, source, embedder
):
    response = api.send("post", "sources/reindex", source_id=source, dry_run=False)
    assert (response.status_code, response.json()["queued"]) == (202, 1)
    row = api.row(source)
    assert (row.redo, row.status, row.queued_at is not None) == ("embed", "pending", True)
    assert set(api.answers(bot)) == {source}
    before = [
        chunk["id"]
        for chunk in api.get(f"documents/{only_document(api, source)['id']}")["chunks"]["items"]
    ]
    assert api.ingest(source) == "ready" and len(embedder.texts) == 3
    after = [
        chunk["id"]
        for chunk in api.get(f"documents/{only_document(api, source)['id']}")["chunks"]["items"]
    ]
    assert (after, api.row(source).redo) == (before, "") and set(api.answers(bot)) == {source}
    api.ingest(source)
    assert len(embedder.texts) == 3, "once"


def test_reprocessing_does_not_take_back_a_reindexing(api, source):
    api.send("post", "sources/reindex", dry_run=False)
    api.send("post", f"documents/{only_document(api, source)['id']}/reprocess")
    assert api.row(source).redo == "embed"


def test_what_is_being_ingested_or_switched_off_is_left_out_of_a_reindexing(api, acme, bot, source):
    off = api.teach(RETURNS, bot_profile_id=bot)
    api.send("patch", f"sources/{off}", is_active=False)
    with tenant_context(acme.tenant):
        Source.objects.filter(pk=source).update(status="processing")
    found = api.send("post", "sources/reindex", dry_run=False).json()
    assert (found["sources"], found["skipped_processing"], found["queued"]) == (0, 1, 0)
    assert {api.row(pk).redo for pk in (source, off)} == {""}


@pytest.mark.parametrize(
    "body",
    [
        {"dry_run": "no"}, {"dry_run": None}, {"limit": 0}, {"limit": 10_001}, {"limit": 10**40}, {"source_id": "x"},
        {"dataset_id": 5},
    ],
)  # fmt: skip
def test_a_bad_reindexing_is_422(api, body):
    assert api.send("post", "sources/reindex", **body).status_code == 422


def test_reindexing_what_is_not_there_is_404(api, theirs, source):
    dataset = api.dataset()
    for body in ({"source_id": source}, {"dataset_id": dataset}, {"source_id": str(uuid.uuid4())}):
        assert theirs.send("post", "sources/reindex", dry_run=False, **body).status_code == 404
    assert api.row(source).redo == ""
