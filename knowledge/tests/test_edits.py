"""Texts of documents that people wrote: they outlast their source's ingestions, and conflicts are shown and decided."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest

from bots.quotas.models import Quota
from knowledge.edits.recutting import recut
from knowledge.indexing.chunking import chunk_document
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.lexicon import count_statistics, stored_statistics
from knowledge.models import Chunk, Document, DocumentEdit, Source
from knowledge.tasks import apply_edit, next_edit_sweep, sweep_edits
from knowledge.tests.api import make_draft, refusal
from knowledge.tests.conftest import CALIBRATION, HANDBOOK, RETURNS, WARRANTY
from knowledge.versions.texts import join_drafts, span_drafts
from tenants.context import tenant_context
from webhooks.models import Delivery
from webhooks.subscriptions import create_webhook

LONGER = WARRANTY.replace("36 months", "48 months")
NEWS = HANDBOOK.replace("30 days", "60 days")


@pytest.fixture
def bot(api):
    return api.bot()


@pytest.fixture
def source(api, bot):
    return api.teach(bot_profile_id=bot)


def document_of(api, source):
    (found,) = api.get(f"documents?source_id={source}")["items"]
    return found


def content_of(api, source):
    return api.get(f"documents/{document_of(api, source)['id']}")["content"]


def put_in(api):
    """Do as a worker would what waits."""
    with tenant_context(api.party.tenant):
        for pk in DocumentEdit.objects.busy().values_list("pk", flat=True):
            apply_edit.run(str(pk))
        assert stored_statistics() == count_statistics()


def edit(api, source, content, *, apply=True):
    response = api.send("patch", f"documents/{document_of(api, source)['id']}", content=content)
    assert response.status_code == 200, response.content
    if apply:
        put_in(api)
    return response.json()


def rewrite(api, source, content):
    api.send("patch", f"sources/{source}", content=content)
    assert api.ingest(source) == "ready"


def chunks(api, source):
    pk = document_of(api, source)["id"]
    return {each["id"]: each for each in api.get(f"documents/{pk}")["chunks"]["items"]}


# --- An edit ------------------------------------------------------------------------------------------------------
def test_an_edit_changes_what_it_touches_and_nothing_else(api, bot, source, embedder):
    before, text = chunks(api, source), content_of(api, source)
    shown = edit(api, source, text.replace("36 months", "48 months"), apply=False)
    assert shown["text_edit"]["status"] == "pending" and shown["edited_fields"] == ["content"]
    assert content_of(api, source) == text, "until it is put in"
    put_in(api)
    after = chunks(api, source)
    assert len(embedder.texts) == 1 and len(before.keys() & after.keys()) == 2
    changed = next(each for pk, each in after.items() if pk not in before)
    assert (changed["heading"], changed["ordinal"]) == ("Handbook > Warranty", 0)
    assert content_of(api, source) == text.replace("36 months", "48 months")
    assert "48 months" in api.retrieve(bot).passages[0].content
    document = document_of(api, source)
    assert (document["content_version"], document["content_from"]) == (2, "edit")
    assert document["content_by"] == api.party.owner.email
    assert document["text_edit"]["status"] == "applied" and document["chunk_count"] == 3
    (kept,) = api.get(f"documents/{document['id']}/versions")["items"]
    assert "36 months" in api.get(f"documents/{document['id']}/versions/{kept['id']}")["content"]


def test_an_edit_outlasts_ingestions_and_reindexing_without_embedding_the_source_again(
    api, source, embedder
):
    text = content_of(api, source).replace("36 months", "48 months")
    edit(api, source, text)
    embedder.texts.clear()
    for redo in ("", "parse"):
        if redo:
            api.send("post", f"documents/{document_of(api, source)['id']}/reprocess")
        assert api.ingest(source) == "ready"
        assert content_of(api, source) == text and embedder.texts == []
    api.send("post", "sources/reindex", source_id=source, dry_run=False)
    assert api.ingest(source) == "ready"
    assert content_of(api, source) == text and len(embedder.texts) == 3
    assert document_of(api, source)["text_edit"]["conflict_since"] is None


def test_an_undone_edit_gives_way_to_the_newest_text_of_the_source(api, acme, source):
    edit(api, source, content_of(api, source).replace("36 months", "48 months"))
    rewrite(api, source, NEWS)
    pk = document_of(api, source)["id"]
    assert api.send("patch", f"documents/{pk}", content=None).status_code == 200
    put_in(api)
    document = document_of(api, source)
    assert "36 months" in content_of(api, source) and "60 days" in content_of(api, source)
    assert (document["text_edit"], document["content_from"], document["edited_fields"]) == (
        None, "undo", [],
    )  # fmt: skip
    with tenant_context(acme.tenant):
        assert not DocumentEdit.objects.exists()
    assert api.send("patch", f"documents/{pk}", content=None).status_code == 200, "nothing to undo"
    rewrite(api, source, HANDBOOK)
    assert "30 days" in content_of(api, source), "it follows its source again"


def test_an_edit_that_is_undone_before_it_was_put_in_never_answers(api, source):
    text = content_of(api, source)
    edit(api, source, f"{text}\n\nMore.", apply=False)
    edit(api, source, None)
    assert content_of(api, source) == text and document_of(api, source)["text_edit"] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", None), (" \n ", "content_empty"), (5, None), ("a\0b", None),
        ("---\nvisibility: private\n---\nText.", "restricted"),
    ],
)  # fmt: skip
def test_a_bad_text_is_422_and_changes_nothing(api, source, content, code):
    before = document_of(api, source)
    response = api.send("patch", f"documents/{before['id']}", content=content)
    assert response.status_code == 422 and (code is None or response.json()["code"] == code)
    assert document_of(api, source) == before


def test_what_is_too_large_for_the_source_or_the_quota_is_refused_and_nothing_is_lost(
    api, acme, source, settings
):
    text = content_of(api, source)
    pk = document_of(api, source)["id"]
    long = "\n\n".join(f"## Part {number}\n\n{WARRANTY} {number}" for number in range(20))
    settings.MAX_CHUNKS_PER_SOURCE = 10
    assert refusal(api.send("patch", f"documents/{pk}", content=long)) == (422, "too_large")
    settings.MAX_CHUNKS_PER_SOURCE = 100
    edit(api, source, long)
    edit(api, source, text.replace("36", "37"))
    versions = api.get(f"documents/{pk}/versions")["items"]
    with tenant_context(acme.tenant):
        used = Source.objects.get(pk=source).stored_bytes
        Quota.objects.create(resource="stored_bytes", limit=used + 100, period="total")
    response = api.send("post", f"documents/{pk}/versions/{versions[0]['id']}/restore")
    assert refusal(response) == (429, "quota_exceeded")
    assert "37" in content_of(api, source) and api.get(f"documents/{pk}/versions")["total"] == 2
    assert document_of(api, source)["text_edit"]["status"] == "applied"


# --- Conflicts ----------------------------------------------------------------------------------------------------
def test_a_source_that_says_something_else_is_a_conflict_that_is_shown_and_decided(
    api, acme, source
):
    with tenant_context(acme.tenant):
        create_webhook(url="https://hooks.example.com", events=["document.conflicted"])
    mine = content_of(api, source).replace("36 months", "48 months")
    edit(api, source, mine)
    rewrite(api, source, NEWS)
    pk = document_of(api, source)["id"]
    assert content_of(api, source) == mine, "until it is decided"
    assert [each["id"] for each in api.get("documents?in_conflict=true")["items"]] == [pk]
    shown = api.get(f"documents/{pk}/edit")
    assert shown["conflict_since"] and not shown["is_gone"]
    assert "60 days" in shown["source_content"] and shown["content"] == mine
    assert shown["comparison"]["added"] == 2
    with tenant_context(acme.tenant):
        (told,) = Delivery.objects.filter(event_type="document.conflicted")
        assert pk in told.body and "48 months" not in told.body
    api.ingest(source)
    decided = api.send("post", f"documents/{pk}/edit/decision", decision="keep_mine")
    assert decided.json()["text_edit"]["conflict_since"] is None
    again = api.send("post", f"documents/{pk}/edit/decision", decision="keep_mine")
    assert refusal(again) == (409, "not_in_conflict")
    api.send("post", f"documents/{pk}/reprocess")
    api.ingest(source)
    assert api.get("documents?in_conflict=true")["total"] == 0, "it was decided about this text"
    rewrite(api, source, NEWS.replace("60 days", "90 days"))
    assert api.get(f"documents?in_conflict=true&source_id={source}")["total"] == 1
    api.send("post", f"documents/{pk}/edit/decision", decision="take_theirs")
    assert content_of(api, source) == mine
    put_in(api)
    assert "90 days" in content_of(api, source) and "36 months" in content_of(api, source)
    assert api.client.get(f"/v1/documents/{pk}/edit").status_code == 404
    with tenant_context(acme.tenant):
        assert Delivery.objects.filter(event_type="document.conflicted").count() == 2


def test_a_source_that_comes_to_say_what_was_edited_is_no_conflict_nor_is_one_that_takes_it_back(
    api, source
):
    edit(api, source, content_of(api, source).replace("30 days", "60 days"))
    rewrite(api, source, HANDBOOK.replace("36", "37"))
    assert api.get("documents?in_conflict=true")["total"] == 1
    rewrite(api, source, HANDBOOK)
    assert api.get("documents?in_conflict=true")["total"] == 0
    rewrite(api, source, NEWS)
    assert api.get("documents?in_conflict=true")["total"] == 0


def zipped(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.md", text)
    return data.getvalue()


def test_an_edited_file_that_the_archive_has_no_more_stays_until_it_is_decided(api, acme, bot):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from knowledge.models import SourceFile

    file = SimpleUploadedFile("all.zip", zipped(a=f"# A\n\n{WARRANTY}", b=f"# B\n\n{RETURNS}"))
    made = api.client.post("/v1/sources/upload", {"bot_profile_id": bot, "file": file}).json()
    assert api.ingest(made["id"]) == "ready"
    found = {each["title"]: each["id"] for each in api.get("documents")["items"]}
    for pk in found.values():
        api.send("patch", f"documents/{pk}", content=f"{LONGER} {pk[:4]}")
    put_in(api)
    with tenant_context(acme.tenant):
        SourceFile.objects.update(data=zipped(c=f"# C\n\n{CALIBRATION}"))
        Source.objects.update(content_hash="")
    assert api.ingest(made["id"]) == "ready"
    lost = api.get("documents?in_conflict=true")["items"]
    assert {each["id"] for each in lost} == set(found.values())
    assert all(each["text_edit"]["is_gone"] for each in lost)
    assert api.get(f"sources/{made['id']}")["document_count"] == 3
    keep, drop = found["A"], found["B"]
    gone = api.send("post", f"documents/{drop}/edit/decision", decision="take_theirs")
    assert gone.status_code == 204 and api.client.get(f"/v1/documents/{drop}").status_code == 404
    api.send("post", f"documents/{keep}/edit/decision", decision="keep_mine")
    with tenant_context(acme.tenant):
        Source.objects.update(content_hash="")
    assert api.ingest(made["id"]) == "ready"
    assert api.get(f"documents/{keep}")["content"] == f"{LONGER} {keep[:4]}"
    assert api.get("documents?in_conflict=true")["total"] == 0


def test_an_edited_file_that_can_be_read_no_more_stays_for_whom_it_was(api, acme, bot):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from knowledge.models import IndexEntry, SourceFile

    head = "---\ngroups: [staff]\ntitle: A\n---\n"
    file = SimpleUploadedFile("all.zip", zipped(a=f"{head}{WARRANTY}", b=f"# B\n\n{RETURNS}"))
    made = api.client.post("/v1/sources/upload", {"bot_profile_id": bot, "file": file}).json()
    assert api.ingest(made["id"]) == "ready"
    found = {each["title"]: each["id"] for each in api.get("documents")["items"]}
    api.send("patch", f"documents/{found['A']}", content=LONGER)
    put_in(api)
    with tenant_context(acme.tenant):
        for broken in (b"\0\1\2", b""):
            SourceFile.objects.update(data=zipped(a=broken, b=f"# B\n\n{RETURNS}"))
            Source.objects.update(content_hash="")
            assert api.ingest(made["id"]) == "ready"
            document = Document.objects.get(pk=found["A"])
            assert (document.own_groups, document.chunk_count, document.title) == (
                ["staff"],
                1,
                "A",
            )
            assert (
                IndexEntry.objects.get(chunk__document=document).source_id
                == document.restricted_to_id
            )
    assert "48 months" not in " ".join(each.content for each in api.retrieve(bot).passages)


# --- Versions brought back ----------------------------------------------------------------------------------------
def test_a_version_is_brought_back_as_an_edit_with_the_chunks_that_it_had(api, source, embedder):
    before = set(chunks(api, source))
    rewrite(api, source, NEWS)
    pk = document_of(api, source)["id"]
    (old,) = api.get(f"documents/{pk}/versions")["items"]
    restore = f"documents/{pk}/versions/{old['id']}/restore"
    for _ in range(2):
        assert api.send("post", restore).status_code == 200
    put_in(api)
    assert api.send("post", restore).status_code == 200
    put_in(api)
    document = document_of(api, source)
    assert (document["content_from"], document["content_version"]) == ("restore", 3)
    assert set(chunks(api, source)) == before and "30 days" in content_of(api, source)
    api.send("post", f"documents/{pk}/reprocess")
    api.ingest(source)
    assert "30 days" in content_of(api, source)
    rewrite(api, source, NEWS.replace("60", "90"))
    assert api.get("documents?in_conflict=true")["total"] == 1


def test_a_version_that_answers_already_is_not_brought_back(api, source):
    rewrite(api, source, NEWS)
    rewrite(api, source, HANDBOOK)
    pk = document_of(api, source)["id"]
    first = api.get(f"documents/{pk}/versions")["items"][-1]
    api.send("post", f"documents/{pk}/versions/{first['id']}/restore")
    assert document_of(api, source)["text_edit"] is None
    assert api.get(f"documents/{pk}/versions")["total"] == 2


def test_edits_of_others_are_404(api, theirs, source):
    edit(api, source, f"{content_of(api, source)}\n\nMore.")
    pk = document_of(api, source)["id"]
    (old,) = api.get(f"documents/{pk}/versions")["items"]
    assert theirs.client.get(f"/v1/documents/{pk}/edit").status_code == 404
    assert theirs.send("patch", f"documents/{pk}", content="x").status_code == 404
    for path, body in (
        ("edit/decision", {"decision": "keep_mine"}),
        (f"versions/{old['id']}/restore", {}),
    ):
        assert theirs.send("post", f"documents/{pk}/{path}", **body).status_code == 404
    bad = api.send("post", f"documents/{pk}/edit/decision", decision="neither")
    assert bad.status_code == 422


# --- Workers ------------------------------------------------------------------------------------------------------
def test_an_edit_while_its_source_is_ingested_is_not_lost_and_neither_is_the_ingestion(
    api, source, embedder
):
    text = content_of(api, source)
    api.send("patch", f"sources/{source}", content=f"{NEWS}\n\n# New\n\nA new paragraph of it.")

    def meanwhile():
        embedder.then = lambda: None
        edit(api, source, text.replace("36 months", "48 months"))

    embedder.then = meanwhile
    assert api.ingest(source) == "ready"
    assert content_of(api, source) == text.replace("36 months", "48 months")
    (found,) = api.get("documents?in_conflict=true")["items"]
    assert "60 days" in api.get(f"documents/{found['id']}/edit")["source_content"]


def test_an_ingestion_while_an_edit_is_put_in_is_not_lost_and_neither_is_the_edit(
    api, source, embedder
):
    text = content_of(api, source).replace("36 months", "48 months")
    edit(api, source, text, apply=False)

    def meanwhile():
        embedder.then = lambda: None
        rewrite(api, source, NEWS)

    embedder.then = meanwhile
    put_in(api)
    assert content_of(api, source) == text
    (found,) = api.get("documents?in_conflict=true")["items"]
    assert "60 days" in api.get(f"documents/{found['id']}/edit")["source_content"]


def test_a_later_wish_overtakes_the_worker_that_is_at_the_one_before(api, source, embedder):
    text = content_of(api, source)
    edit(api, source, text.replace("36 months", "37 months"), apply=False)

    def meanwhile():
        embedder.then = lambda: None
        edit(api, source, text.replace("36 months", "38 months"), apply=False)

    embedder.then = meanwhile
    put_in(api)
    assert content_of(api, source) == text
    put_in(api)
    assert "38 months" in content_of(api, source)


def test_what_a_dead_worker_or_a_broken_provider_leaves_is_put_in_later(
    api, acme, source, embedder, monkeypatch
):
    text = content_of(api, source)
    wanted = edit(api, source, text.replace("36 months", "48 months"), apply=False)["id"]
    with tenant_context(acme.tenant):
        assert DocumentEdit.objects.claim(uuid.UUID(wanted)) is not None  # and dies
        DocumentEdit.objects.update(heartbeat_at="2020-01-01T00:00:00Z")
        assert sweep_edits() == 1 and next_edit_sweep() is not None
    assert content_of(api, source) == text

    def fail():
        raise RuntimeError("the power went out")

    embedder.then = fail
    put_in(api)
    shown = document_of(api, source)["text_edit"]
    assert (shown["status"], shown["error_code"]) == ("failed", "internal")
    assert content_of(api, source) == text
    embedder.then = lambda: None
    with tenant_context(acme.tenant):
        DocumentEdit.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
        assert sweep_edits() == 1
    put_in(api)
    assert "48 months" in content_of(api, source)
    with tenant_context(acme.tenant):
        assert next_edit_sweep() is None and sweep_edits() == 0


def test_a_document_of_5000_chunks_is_edited_at_the_cost_of_the_edit(api, acme, bot, embedder):
    text = "\n\n".join(
        f"# Part {number}\n\nShelf {number} holds {number * 7} boxes." * 2 for number in range(5000)
    )
    source = api.teach(text, name="Shelves", bot_profile_id=bot)
    count = document_of(api, source)["chunk_count"]
    assert count >= 1000
    embedder.texts.clear()
    whole = content_of(api, source)
    edit(api, source, whole.replace("Shelf 777 holds 5439", "Shelf 777 holds 11"))
    assert len(embedder.texts) <= 4 and "Shelf 777 holds 11 boxes" in content_of(api, source)
    assert abs(document_of(api, source)["chunk_count"] - count) <= 4
    with tenant_context(acme.tenant):
        assert Source.objects.get(pk=source).chunk_count == Chunk.objects.count()
        forget_knowledge(uuid.UUID(source))
        assert not Document.objects.exists() and not DocumentEdit.objects.exists()


# --- Cutting anew -------------------------------------------------------------------------------------------------
def cut(text):
    from knowledge.formats.parsing import ParsedDocument, parse

    parsed = parse(text.encode(), kind="md", name="")
    return chunk_document(
        ParsedDocument("", parsed.sections, {}, "en"), max_tokens=30, overlap_tokens=8
    )


def test_of_a_text_that_is_edited_no_word_is_lost_or_said_twice():
    sentences = [f"Sentence number {number} says {number * 3}." for number in range(60)]
    text = "\n\n".join(" ".join(sentences[at : at + 6]) for at in range(0, 60, 6))
    old = cut(f"# Alpha\n\n{text[:1200]}\n\n# Beta\n\n{text[1200:]}")
    whole = join_drafts(old)
    for before, after in (
        ("number 7 says 21", "number 7 says nothing"), ("Sentence number 30 says 90. ", ""),
        (whole[:10], f"Look here: {whole[:10]}"),
        ("number 59 says 177.", "number 59 says 177.\n\nAnd one more."), ("\n\n", "\n\nBetween.\n\n"),
        (whole[200:700], ""), ("xxx", "yyy"),
    ):  # fmt: skip
        wanted = whole.replace(before, after)
        found = recut(old, wanted, title="Doc", cut=cut)
        assert join_drafts(found).split() == wanted.split(), (before, after)
        assert [draft.ordinal for draft in found] == list(range(len(found)))
    assert recut(old, whole, title="Doc", cut=cut) == old


def test_what_is_written_stands_where_it_was_written_or_under_its_own_heading():
    old = [make_draft("Doc > A", "Alpha is one.", 0), make_draft("Doc > B", "Beta is two.", 1)]
    found = recut(old, "Alpha is 1.\n\nBeta is 2.", title="Doc", cut=cut)
    assert [(each.heading, each.content) for each in found] == [
        ("Doc > A", "Alpha is 1."), ("Doc > B", "Beta is 2."),
    ]  # fmt: skip
    found = recut(old, "Alpha is one.\n\n## C\n\nGamma.\n\nBeta is two.", title="Doc", cut=cut)
    assert [each.heading for each in found] == ["Doc > A", "Doc > C", "Doc > B"]
    assert [each.heading for each in recut([], "Alone.", title="Doc", cut=cut)] == ["Doc"]


def test_each_chunk_knows_where_it_stands_in_the_whole():
    pieces = ["a b c d e f g", "c d e f g h", "one", "two", "two"]
    drafts = [make_draft("", piece) for piece in pieces]
    text = join_drafts(drafts)
    assert [text[start:end] for start, end in span_drafts(drafts)] == pieces
