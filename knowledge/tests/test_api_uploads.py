"""/v1/sources/upload: real files of each kind, and each way in which a file can be wrong."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
import uuid

import docx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from knowledge.formats.api import NoFields
from knowledge.formats.uploads import read_upload, shorten_file_name
from knowledge.models import Source, SourceFile
from knowledge.sources.storage import store_file
from knowledge.tests.conftest import make_bot, make_source
from minirag.settings import BASE_DIR
from tenants.context import tenant_context

URL = "/v1/sources/upload"
PDF = BASE_DIR / "minirag/local/demo/globex/hub-rules.pdf"


@pytest.fixture
def bot(as_acme):
    return as_acme.post(
        "/v1/bot-profiles", {"name": "Support"}, content_type="application/json"
    ).json()["id"]


@pytest.fixture
def upload(as_acme, bot):
    def send(data=b"The pump runs.", file_name="manual.txt", *, client=as_acme, **fields):
        file = SimpleUploadedFile(file_name, data, content_type="application/octet-stream")
        return client.post(URL, {"file": file, "bot_profile_id": bot, **fields})

    return send


def make_docx():
    document, stream = docx.Document(), io.BytesIO()
    document.add_paragraph("The pump runs.")
    document.save(stream)
    return stream.getvalue()


def refuse(response):
    assert response.status_code == 422
    return response.json()["detail"]


def test_an_upload_is_kept_as_a_source_and_its_ingestion_starts(upload, acme, bot):
    response = upload(name="Pump", description="All about it")
    source = response.json()
    assert response.status_code == 201
    assert (source["source_type"], source["status"], source["bot_profile_id"]) == (
        "upload",
        "pending",
        bot,
    )
    assert (source["name"], source["description"]) == ("Pump", "All about it")
    assert source["config"] == {"original_filename": "manual.txt", "file_size": 14}
    with tenant_context(acme.tenant):
        kept = SourceFile.objects.get(source=source["id"])
        assert (kept.name, kept.kind, bytes(kept.data)) == ("manual.txt", "txt", b"The pump runs.")
        assert kept.sha256 == hashlib.sha256(b"The pump runs.").hexdigest()
        assert Source.objects.get(pk=source["id"]).queued_at is not None


def test_the_name_is_the_files_unless_one_is_given(upload):
    assert upload().json()["name"] == "manual.txt"
    assert upload(name="").json()["name"] == "manual.txt"


@pytest.mark.parametrize(
    ("file_name", "data"),
    [
        ("a.txt", "Grüße".encode()),
        ("A.MD", b"# Pump\n\nIt runs."),
        ("a.csv", b"part,price\npump,3\n"),
        ("a.Docx", make_docx()),
        ("a.pdf", PDF.read_bytes()),
    ],
)
def test_every_kind_is_accepted_whatever_the_case_of_its_extension(upload, file_name, data):
    assert upload(data, file_name).status_code == 201


@pytest.mark.parametrize(("file_name", "extension"), [("a.exe", ".exe"), ("a.xls", ".xls"), ("a.PDF.EXE", ".exe"),
                                                      ("pdf", ""), ("a.", ".")])  # fmt: skip
def test_another_extension_is_refused_first(upload, file_name, extension):
    detail = refuse(upload(b"\xff" * 10, file_name, bot_profile_id=str(uuid.uuid4())))
    assert detail.startswith(f"Unsupported file type: {extension}")
    assert "Allowed: .csv, .docx, .eml, .epub, .html," in detail


def test_the_size_limit_is_inclusive_and_checked_before_the_bot(upload, settings):
    settings.MAX_UPLOAD_BYTES = 2**20
    assert upload(b"x" * 2**20).status_code == 201
    detail = refuse(upload(b"x" * (2**20 + 1), bot_profile_id=str(uuid.uuid4())))
    assert detail == "File too large. Maximum size is 1 MB."


def test_a_file_over_ten_megabytes_is_refused_with_the_contracts_sentence(upload):
    assert refuse(upload(b"x" * (10 * 2**20 + 1))) == "File too large. Maximum size is 10 MB."


def test_a_foreign_bot_is_refused_before_the_parent_and_both_before_the_content(
    upload, as_globex, bot
):
    broken = b"\xff\xfe\xfa"
    missing = str(uuid.uuid4())
    assert refuse(upload(broken, bot_profile_id=missing, parent_id=missing)).startswith(
        "Bot profile not found or"
    )
    assert (
        refuse(upload(client=as_globex)) == "Bot profile not found or belongs to a different tenant"
    )
    response = upload(broken, parent_id=missing)
    assert (response.status_code, response.json()["detail"]) == (404, "Source not found")


def test_an_upload_can_be_a_child(upload, as_acme):
    parent = upload().json()
    child = upload(parent_id=parent["id"]).json()
    assert child["parent_id"] == parent["id"]
    assert refuse(upload(parent_id=child["id"])) == "Nesting beyond one level is not allowed"


@pytest.mark.parametrize(
    ("file_name", "data"),
    [
        ("a.txt", b"caf\xe9\x01\x02"),
        ("a.csv", b"caf\xe9\x01\x02,\x81\n"),
        ("a.txt", b"a\0b"),
        ("a.pdf", b"%PDF-1.7 and then nothing"),
        ("a.docx", b"PK\x03\x04 no zip"),
        ("a.pdf", b"MZ\x90\x00"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(upload, as_acme, file_name, data):
    detail = refuse(upload(data, file_name))
    assert isinstance(detail, str)
    assert detail.endswith(".")
    assert as_acme.get("/v1/sources").json() == []


@pytest.mark.parametrize("file_name", ["a.txt", "a.pdf", "a.docx", "a.md", "a.csv"])
def test_an_empty_file_is_accepted_and_left_to_ingestion(upload, file_name):
    assert upload(b"", file_name).status_code == 201


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"bot_profile_id": "x"}, "bot_profile_id"),
        ({"bot_profile_id": ""}, "bot_profile_id"),
        ({"parent_id": "x"}, "parent_id"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"description": "x" * 1001}, "description"),
        ({"file": "just text"}, "file"),
    ],
)
def test_a_bad_part_is_named(upload, fields, loc):
    assert refuse(upload(**fields))[0]["loc"] == ["body", loc]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_body_that_is_no_form_lacks_its_parts(as_acme, content_type):
    detail = refuse(as_acme.post(URL, "{}", content_type=content_type))
    assert [error["type"] for error in detail] == ["missing", "missing"]
    assert [error["loc"] for error in detail] == [["body", "file"], ["body", "bot_profile_id"]]


def test_a_broken_form_is_a_bad_request(as_acme):
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "é" * 3):
        assert as_acme.post(URL, b"--x\r\n", content_type=content_type).status_code == 400


def test_a_path_in_the_file_name_is_dropped_and_a_long_name_is_cut_before_its_extension(upload):
    assert (
        upload(file_name="../../etc/passwd.txt").json()["config"]["original_filename"]
        == "passwd.txt"
    )
    name = upload(file_name="x" * 300 + ".txt").json()["name"]
    assert (len(name), name[-4:]) == (255, ".txt")
    assert shorten_file_name("x" * 255) == "x" * 255


def test_a_file_is_in_memory_once(acme):
    data = bytes(range(256)) * (8 * 4096)
    form = {"file": SimpleUploadedFile("manual.txt", data)}
    with tenant_context(acme.tenant):
        request = RequestFactory().post(URL, form)
        source = make_source(make_bot(), None, source_type="upload")
        tracemalloc.start()
        try:
            read = read_upload(request, NoFields).data
            store_file(source, name="manual.txt", kind="txt", data=read, sha256="0")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert read == data and peak < 1.5 * len(data)
        assert bytes(SourceFile.objects.get(source=source).data) == data
        store_file(source, name="empty.txt", kind="txt", data=b"", sha256="1")
        kept = SourceFile.objects.get(source=source)
        assert (kept.name, bytes(kept.data), kept.sha256) == ("empty.txt", b"", "1")
