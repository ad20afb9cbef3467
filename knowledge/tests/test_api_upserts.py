"""Sources under the integrator's own ids, and files looked at before they are uploaded."""

from __future__ import annotations

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge.models import Source, SourceFile
from knowledge.sources.configs import reveal_secret
from knowledge.tests.api import JSON, refusal
from knowledge.tests.conftest import HANDBOOK, RETURNS
from knowledge.tests.files import make_docx
from tenants.context import tenant_context

URL = "/v1/sources/by-external-id"


@pytest.fixture
def bot(api):
    return api.bot()


@pytest.fixture
def put(api, bot):
    def send(external_id="page-1", **fields):
        body = {
            "bot_profile_id": bot,
            "name": "Page",
            "source_type": "text",
            "content": HANDBOOK,
            **fields,
        }
        return api.send("put", f"sources/by-external-id/{external_id}", **body)

    return send


# --- Putting ------------------------------------------------------------------------------------------------------
def test_the_first_put_makes_the_source_and_the_second_changes_nothing(api, put, embedder):
    first = put()
    made = first.json()
    assert (first.status_code, made["external_id"], made["status"]) == (201, "page-1", "pending")
    assert api.row(made["id"]).queued_at is not None and api.ingest(made["id"]) == "ready"
    shown = api.get(f"sources/{made['id']}")
    again = put()
    assert (again.status_code, again.json()) == (200, shown), "not even updated_at moves"
    row = api.row(made["id"])
    assert (row.queued_at, row.status, len(embedder.texts)) == (None, "ready", 3)
    assert api.get("sources/by-external-id/page-1") == shown and len(api.get("sources")) == 1


def test_changed_content_is_ingested_and_answers_the_old_way_until_then(api, bot, put):
    source = put().json()["id"]
    api.ingest(source)
    changed = put(content=RETURNS)
    assert (changed.status_code, changed.json()["status"], changed.json()["id"]) == (
        200,
        "pending",
        source,
    )
    assert api.row(source).queued_at is not None and len(api.answers(bot)) == 3
    api.ingest(source)
    assert api.get(f"sources/{source}")["chunk_count"] == 1


def test_what_changes_nothing_that_is_read_is_stored_without_an_ingestion(api, put):
    source = put().json()["id"]
    api.ingest(source)
    changed = put(description="New", refresh_schedule="daily", is_active=False).json()
    assert (changed["description"], changed["refresh_schedule"], changed["is_active"]) == (
        "New",
        "daily",
        False,
    )
    assert (changed["status"], api.row(source).queued_at) == ("ready", None)
    assert put(description="New", refresh_schedule="daily").json() == changed
    plain = put().json()
    assert (plain["description"], plain["refresh_schedule"], plain["is_active"]) == (
        "",
        None,
        False,
    )


def test_content_that_changes_while_a_worker_reads_the_old_is_not_lost(api, acme, put):
    source = uuid.UUID(put().json()["id"])
    with tenant_context(acme.tenant):
        stale = Source.objects.claim(source).claim_id
    put(content=RETURNS)
    row = api.row(source)
    assert row.status == "pending" and row.claim_id != stale and row.queued_at is not None
    assert api.ingest(str(source)) == "ready" and api.row(source).chunk_count == 1


def test_each_bot_and_each_shared_dataset_has_ids_of_its_own(api, bot, put):
    other, dataset = api.bot("Sales"), api.dataset()
    mine, theirs = put().json(), put(bot_profile_id=other).json()
    shared = put(bot_profile_id=None, dataset_id=dataset).json()
    assert len({mine["id"], theirs["id"], shared["id"]}) == 3
    assert refusal(api.client.get(f"{URL}/page-1")) == (409, "external_id_ambiguous")
    assert refusal(api.client.delete(f"{URL}/page-1")) == (409, "external_id_ambiguous")
    assert api.get(f"sources/by-external-id/page-1?bot_profile_id={other}") == theirs
    assert api.get(f"sources/by-external-id/page-1?dataset_id={dataset}") == shared
    assert api.client.delete(f"{URL}/page-1?bot_profile_id={bot}").status_code == 204
    assert api.client.get(f"{URL}/page-1?bot_profile_id={bot}").status_code == 404


def test_a_source_is_deleted_by_its_id_and_comes_back_as_the_same(api, bot, put):
    source = put().json()["id"]
    api.ingest(source)
    assert api.client.delete(f"{URL}/page-1").status_code == 204
    assert api.answers(bot) == [] and api.client.get(f"{URL}/page-1").status_code == 404
    assert api.client.delete(f"{URL}/page-1").status_code == 204, "twice is as good as once"
    back = put(source_type="url", content=None, config={"url": "https://www.example.com/"})
    assert (back.status_code, back.json()["id"], back.json()["source_type"]) == (201, source, "url")
    assert (back.json()["is_active"], back.json()["status"]) == (True, "pending")


def test_a_type_cannot_change_and_a_file_cannot_be_put(api, put):
    put()
    assert refusal(put(source_type="url", config={"url": "https://a.example.com"})) == (
        409,
        "source_type_fixed",
    )
    assert refusal(put("other", source_type="upload")) == (422, "upload_not_put")
    assert len(api.get("sources")) == 1


def test_a_token_that_is_not_sent_again_stays(api, acme, put):
    config = {"base_url": "https://nyx.example.com", "api_token": "nyx_ax_0123456789"}
    source = put(source_type="nyxcore", content=None, config=config).json()
    assert source["config"] == {"base_url": "https://nyx.example.com", "has_api_token": True}
    row = api.row(source["id"])
    for same in (config, {"base_url": "https://nyx.example.com"}):
        assert put(source_type="nyxcore", content=None, config=same).status_code == 200
        assert api.row(source["id"]).updated_at == row.updated_at
    put(source_type="nyxcore", content=None, config={**config, "api_token": "nyx_ax_new"})
    with tenant_context(acme.tenant):
        assert reveal_secret(api.row(source["id"])) == "nyx_ax_new"


def test_parents_are_put_as_well_one_level_deep(api, put):
    parent = put("parent").json()["id"]
    child = put("child", parent_id=parent)
    assert child.json()["parent_id"] == parent
    assert refusal(put("parent", parent_id=parent)) == (422, "nested_too_deep")
    assert refusal(put("third", parent_id=child.json()["id"])) == (422, "nested_too_deep")
    other = put("other").json()["id"]
    assert refusal(put("parent", parent_id=other)) == (422, "nested_too_deep")


@pytest.mark.parametrize("external_id", ["%20", "a%00", "x" * 256])
def test_an_id_that_cannot_be_one_is_422(api, put, external_id):
    assert put(external_id).status_code == 422
    assert api.client.get(f"{URL}/{external_id}").status_code == 422
    assert api.client.delete(f"{URL}/{external_id}").status_code == 422
    assert api.get("sources") == []


@pytest.mark.parametrize("external_id", ["a b", "ümläut", "x" * 255, "42", "a:b%3Fc"])
def test_any_other_text_without_a_slash_can(api, put, external_id):
    assert put(external_id).status_code == 201
    assert put(external_id).status_code == 200 and len(api.get("sources")) == 1


def test_another_tenants_ids_are_its_own(api, theirs, bot, put):
    source = put().json()
    body = {"name": "Page", "source_type": "text", "content": "Theirs"}
    assert (
        theirs.send("put", "sources/by-external-id/page-1", bot_profile_id=bot, **body).status_code
        == 422
    )
    assert theirs.client.get(f"{URL}/page-1").status_code == 404
    assert theirs.client.delete(f"{URL}/page-1").status_code == 404
    made = theirs.send("put", "sources/by-external-id/page-1", bot_profile_id=theirs.bot(), **body)
    assert made.status_code == 201 and made.json()["id"] != source["id"]
    assert api.get(f"sources/{source['id']}")["is_active"] is True


# --- Looking at files ---------------------------------------------------------------------------------------------
def validate(api, name, data):
    return api.client.post("/v1/sources/validate-file", {"file": SimpleUploadedFile(name, data)})


def test_the_formats_are_listed_with_their_limits(api, settings):
    found = api.get("sources/formats")
    by_extension = {each["extension"]: each for each in found["formats"]}
    assert {".csv", ".docx", ".md", ".pdf", ".txt", ".xlsx", ".py"} <= by_extension.keys()
    assert ".rs" in by_extension[".py"]["extensions"]
    assert by_extension[".xlsx"]["place"] == "sheet Prices, row 12"
    assert found["max_upload_bytes"] == settings.MAX_UPLOAD_BYTES


def test_a_file_is_previewed_and_nothing_is_kept(api, acme):
    found = validate(api, "Handbook.md", HANDBOOK.encode()).json()
    assert (found["title"], found["kind"], found["language"], found["chunks"]) == (
        "Handbook",
        "md",
        "en",
        3,
    )
    assert found["can_be_ingested"] and found["warnings"] == [] and found["bytes"] == len(HANDBOOK)
    assert (
        found["preview"].startswith("The Aeris One")
        and len(found["preview"]) <= 500 <= found["characters"] + 100
    )
    assert validate(api, "a.docx", make_docx()).json()["kind"] == "docx"
    assert api.get("sources") == []
    with tenant_context(acme.tenant):
        assert not SourceFile.objects.exists()


def test_what_would_not_work_is_said(api):
    empty = validate(api, "empty.txt", b" \n ").json()
    assert not empty["can_be_ingested"] and "no text" in empty["warnings"][-1]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.exe", b"x", "file_type_unsupported"),
        ("a.pdf", b"not a pdf", "broken"),
        ("a.txt", b"\xff\xfe\x00", None),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_an_upload_is(api, bot, name, data, code):
    refused = validate(api, name, data)
    uploaded = api.client.post(
        "/v1/sources/upload", {"bot_profile_id": bot, "file": SimpleUploadedFile(name, data)}
    )
    assert refused.status_code == uploaded.status_code == 422
    assert refused.json()["code"] == uploaded.json()["code"] and code in (
        None,
        refused.json()["code"],
    )


def test_a_preview_needs_a_file_of_bounded_size(api, settings):
    assert api.client.post("/v1/sources/validate-file", {}).json()["detail"][0]["loc"] == [
        "body",
        "file",
    ]
    assert api.client.post("/v1/sources/validate-file", "{}", content_type=JSON).status_code == 422
    settings.MAX_UPLOAD_BYTES = 10
    assert refusal(validate(api, "a.txt", b"x" * 11)) == (422, "file_too_large")
