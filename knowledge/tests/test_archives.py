"""Zip archives: each file a document of its own, what cannot be read is named, and the rest goes on."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge.edits.changing import change_document
from knowledge.formats.archive.members import read_members
from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.registry import is_archive
from knowledge.formats.uploads import largest_bytes
from knowledge.indexing.ingestion import ingest
from knowledge.models import Chunk, Document, IndexEntry, SiteSync, Source
from knowledge.sources.putting_files import replace_file
from knowledge.sources.storage import measure_edits
from knowledge.tasks import apply_edit
from knowledge.tests.files import make_docx, mark_encrypted
from knowledge.tests.office_files import ODT, make_package
from tenants.context import tenant_context
from tests.test_admin import browser

FILES = {
    "guides/pump.md": "# Pump care\n\nCheck the oil every week.",
    "guides/talk.srt": "1\n00:01:23,000 --> 00:01:25,000\nThe valve opens on the left.\n",
    "letter.docx": make_docx("The boiler is inspected in May."),
    "care.odt": ODT,
    "staff.md": "---\nvisibility: private\n---\nThe code is 4711.",
    "tool.exe": b"MZ\x90",
    "inner.zip": make_package({"a.txt": "never read"}),
    "broken.pdf": b"%PDF-1.4 nothing",
    "empty.txt": " ",
    "__MACOSX/._pump.md": b"\x00\x05",
}


def members(parts, **options):
    data = parts if isinstance(parts, bytes) else make_package(parts)
    return {each.path: each for each in read_members(data, **{"largest": 10_000_000, **options})}


def test_each_file_is_a_document_or_has_a_reason():
    found = members(FILES)
    assert {path for path, each in found.items() if each.document} == {
        "guides/pump.md", "guides/talk.srt", "letter.docx", "care.odt", "staff.md",
    }  # fmt: skip
    assert {path: each.code for path, each in found.items() if not each.document} == {
        "tool.exe": "unsupported", "inner.zip": "unsupported", "broken.pdf": "broken",
        "empty.txt": "no_text",
    }  # fmt: skip
    assert all(each.reason.endswith(".") for each in found.values() if not each.document)
    assert found["guides/pump.md"].document.title == "Pump care"
    assert found["letter.docx"].document.title == "letter.docx"
    assert found["guides/talk.srt"].document.sections[0].place == "00:01:23"


def test_an_archive_may_be_larger_than_what_it_holds(settings):
    settings.MAX_UPLOAD_BYTES = 100
    assert (largest_bytes("a.ZIP"), largest_bytes("a.txt"), largest_bytes("a")) == (500, 100, 100)


def test_names_lead_nowhere_and_turn_no_text_around():
    names = [
        "../../etc/passwd.txt",
        "/abs/a.txt",
        "C:\\dir\\b.txt",
        "x\u202etxt.c.txt",
        "same.txt",
        "./same.txt",
    ]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "The pump runs.")
    assert sorted(members(data.getvalue())) == [
        "abs/a.txt", "dir/b.txt", "etc/passwd.txt", "same (6).txt", "same.txt", "xtxt.c.txt",
    ]  # fmt: skip


def test_bombs_and_locked_or_broken_archives_have_a_reason(monkeypatch):
    big = make_package({"a.txt": "x" * 2_000_000, "b.txt": "The pump runs."})
    found = members(big, largest=1_000_000)
    assert found["a.txt"].code == "too_large" and found["b.txt"].document
    assert {
        each.code for each in members(mark_encrypted(make_package({"a.txt": "x"}))).values()
    } == {"encrypted"}
    monkeypatch.setattr("knowledge.formats.archive.opening.MOST_UNPACKED", 1_000_000)
    monkeypatch.setattr("knowledge.formats.archive.opening.MOST_FILES", 3)
    for data in (
        big,
        make_package({f"{n}.txt": "x" for n in range(4)}),
        b"no zip",
        make_package({}),
    ):
        with pytest.raises(ParseError) as caught:
            parse(data, kind="zip", name="a.zip")
        assert caught.value.reason.endswith(".")


def test_a_list_of_a_million_files_is_refused_before_it_is_read():
    entry = make_package({"a": ""})[31:-22]  # of the list, without the file and the end
    end = b"PK\x05\x06" + bytes(8) + (len(entry) * 100_000).to_bytes(4, "little") + bytes(6)
    for kind in ("zip", "txt"):
        with pytest.raises(ParseError) as caught:
            parse(b"PK\x03\x04" + entry * 100_000 + end, kind=kind, name="a.zip")
        assert caught.value.code in ("too_large", "nul_bytes", "encoding", "broken")


def test_an_archive_becomes_documents_and_changes_one_by_one(as_acme, acme, in_acme_files):
    source_id = in_acme_files(FILES)
    with tenant_context(acme.tenant):
        ingest(source_id)
        source = Source.objects.get(pk=source_id)
        assert (source.status, source.document_count) == ("ready", 9)
        assert Chunk.objects.get(content__contains="valve").place == "00:01:23"
        secret = Chunk.objects.get(content__contains="4711")
        assert secret.document.own_groups == [] and secret.index_entry.source_id != source.pk
        assert IndexEntry.objects.filter(source_id=source.pk).count() == Chunk.objects.count() - 1
        broken = Document.objects.get(title="tool.exe")
        assert (broken.error_code, broken.chunk_count) == ("unsupported", 0)
        assert Document.objects.get(title="Pump care").metadata["path"] == "guides/pump.md"
        kept = Chunk.objects.get(content__contains="boiler").pk
        source.file.data = make_package({**FILES, "guides/pump.md": "# Pump care\n\nEvery day."})
        source.file.save()
        Source.objects.filter(pk=source_id).ask_for()
        ingest(source_id)
        assert Chunk.objects.get(content__contains="boiler").pk == kept
        assert not Chunk.objects.filter(content__contains="every week").exists()
    shown = as_acme.get("/v1/documents", {"source_id": source_id}).json()["items"]
    assert {each["error_code"] for each in shown} == {
        "", "unsupported", "broken", "no_text",
    }  # fmt: skip


def test_an_archive_of_nothing_that_can_be_read_says_so(acme, in_acme_files):
    source_id = in_acme_files({"a.exe": b"MZ"})
    with tenant_context(acme.tenant):
        ingest(source_id)
        source = Source.objects.get(pk=source_id)
        assert source.status == "error"
        assert source.error_message == (
            "None of its 1 files could be read. a.exe: Files of this kind cannot be read."
        )


@pytest.fixture
def in_acme_files(as_acme):
    """Upload an archive of files: the id of its source."""

    def upload(parts):
        bot = as_acme.post(
            "/v1/bot-profiles", {"name": "Support"}, content_type="application/json"
        ).json()["id"]
        data = make_package(parts)
        preview = as_acme.post(
            "/v1/sources/validate-file", {"file": SimpleUploadedFile("all.zip", data)}
        )
        assert preview.status_code == 200, preview.json()
        file = SimpleUploadedFile("all.zip", data)
        made = as_acme.post("/v1/sources/upload", {"file": file, "bot_profile_id": bot})
        assert made.status_code == 201, made.json()
        return made.json()["id"]

    return upload


def test_an_archive_under_another_name_is_one_and_within_an_archive_it_is_none():
    inner = make_package({"a.txt": "The pump runs."})
    assert is_archive(inner, "csv") and not is_archive(inner, "docx")
    (member,) = read_members(make_package({"b.csv": inner}), largest=10_000)
    assert member.document is None and member.code == "unsupported"


def test_a_newer_export_takes_the_place_of_the_older_one_and_says_what_is_different(
    acme, bot, embedder
):
    alice = browser("alice@acme.example.com", "acme")
    pages = {
        f"{name}.md": f"# {name}\n\nThe {name} is in the cellar."
        for name in ("pump", "valve", "boiler")
    }
    upload = {
        "source_type": "upload",
        "bot_profile": str(bot.pk),
        "name": "Export",
        "weight": "1",
        "visibility": "public",
    }
    alice.post(
        "/admin/knowledge/source/add/",
        upload | {"file": SimpleUploadedFile("export.zip", make_package(pages))},
    )
    source = Source.objects.get()
    ingest(source.pk)
    ids = dict(Document.objects.values_list("metadata__path", "pk"))
    embedder.texts.clear()
    del pages["boiler.md"]
    pages |= {
        "valve.md": "# valve\n\nThe valve is in the attic.",
        "motor.md": "# motor\n\nThe motor hums.",
    }
    url = f"/admin/knowledge/source/{source.pk}/replace/"
    bad = alice.post(url, {"file": SimpleUploadedFile("x.exe", b"MZ")})
    assert "cannot be read" in bad.content.decode()
    newer = make_package(pages)
    assert alice.post(url, {"file": SimpleUploadedFile("newer.zip", newer)}).status_code == 302
    ingest(source.pk)
    source.refresh_from_db()
    assert (source.status, source.name, source.document_count) == ("ready", "Export", 3)
    sync = SiteSync.objects.get()
    assert (sync.added, sync.changed, sync.gone, sync.unchanged) == (1, 1, 1, 1)
    assert {row["change"]: row["url"] for row in sync.changes} == {
        "added": "motor.md", "changed": "valve.md", "gone": "boiler.md",
    }  # fmt: skip
    assert len(embedder.texts) == 2 and Document.objects.filter(pk=ids["pump.md"]).exists()
    assert b"syncs" in alice.get(f"/admin/knowledge/source/{source.pk}/change/").content
    alice.post(url, {"file": SimpleUploadedFile("newer.zip", newer)})
    source.refresh_from_db()
    assert source.status == "ready" and SiteSync.objects.count() == 1
    with tenant_context(acme.tenant):
        change_document(ids["pump.md"], {"content": "The pump is in my garden. " * 50})
        newest = make_package({"pump.md": pages["pump.md"]})
        replace_file(source.pk, "newest.zip", newest)
        source.refresh_from_db()
        assert source.stored_bytes == len(newest) + measure_edits(source.pk) > len(newest)
        apply_edit.run(str(ids["pump.md"]))
        replace_file(source.pk, "last.zip", make_package({"motor.md": pages["motor.md"]}))
        ingest(source.pk)
        last = SiteSync.objects.order_by("-started_at").first()
        told = {row["url"]: (row["change"], row["reason"]) for row in last.changes}
        assert (last.gone, last.missing, told["valve.md"]) == (1, 1, ("gone", ""))
        assert told["pump.md"] == ("missing", "Its edited text answers until somebody decides.")
