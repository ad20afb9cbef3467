"""`POST /v1/sources/upload-many`, and files under the integrator's own ids."""

from __future__ import annotations

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge.models import Chunk, Source, SourceFile
from knowledge.sources.changing import delete_source
from knowledge.sources.configs import reveal_secret
from knowledge.sources.homes import private_dataset
from knowledge.tests.conftest import make_source, run

URL = "/v1/sources/upload-many"


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr("knowledge.tasks.send_now", lambda *args, **kwargs: None)


@pytest.fixture
def upload(as_acme, bot):
    def post(
        files: list[tuple[str, bytes]], ids: list[str] | None = None, client=as_acme, **fields
    ):
        headers = {"idempotency-key": key} if (key := fields.pop("key", "")) else {}
        parts = {"files": [SimpleUploadedFile(name, data) for name, data in files]}
        said = {"external_ids": json.dumps(ids)} if ids is not None else {}
        form = {"bot_profile_id": str(bot.pk), **said, **fields, **parts}
        return client.post(URL, form, headers=headers)

    return post


def put(client, bot, external_id: str, data: bytes | str, **fields):
    told = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    body = {
        "bot_profile_id": str(bot.pk), "name": "hours.txt", "source_type": "upload", "file_base64": told, **fields,
    }  # fmt: skip
    url = f"/v1/sources/by-external-id/{external_id}"
    return client.put(url, body, content_type="application/json")


def test_a_thousand_files_go_in_one_call_and_each_that_is_taken_is_a_source_that_waits(upload):
    # Nine of ten are refused by their names, since a thousand sources take a quarter of a minute.
    files = [(f"{n}.{'exe' if n % 10 else 'txt'}", b"Page %d." % n) for n in range(1000)]
    answer = upload(files, [f"site/{n}" for n in range(1000)])
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["created"], body["refused"], len(body["items"])) == (100, 900, 1000)
    assert Source.objects.filter(queued_at__isnull=False).count() == 100
    item = body["items"][70]
    source = Source.objects.get(pk=item["source_id"])
    assert (source.external_id, item["file_name"]) == ("site/70", "70.txt")
    assert run(source).status == "ready" and Chunk.objects.get().content == "Page 70."


def test_each_is_taken_or_refused_by_itself_with_a_reason(upload, bot, settings):
    settings.MAX_UPLOAD_BYTES = 1024
    make_source(bot, "Mine.", external_id="taken")
    files = [
        ("a.txt", b"A"),
        ("b.exe", b"MZ"),
        ("c.txt", b"x" * 1025),
        ("d.txt", b"D"),
        ("e.txt", b"E"),
    ]
    body = upload(files, ["1", "2", "3", "4", "taken"]).json()
    found = [(item["outcome"], item["code"]) for item in body["items"]]
    assert found == [
        ("created", None), ("refused", "file_type_unsupported"), ("refused", "file_too_large"), ("created", None),
        ("refused", "source_type_fixed"),
    ]  # fmt: skip
    assert all(item["reason"] for item in body["items"] if item["outcome"] == "refused")
    assert [bytes(file.data) for file in SourceFile.objects.order_by("name")] == [b"A", b"D"]


def test_sent_again_with_ids_only_what_differs_is_read_again(upload):
    upload([("a.txt", b"A"), ("b.txt", b"B")], ["a", "b"])
    for source in Source.objects.all():
        run(source)
    body = upload([("a.txt", b"A"), ("b.txt", b"B, new")], ["a", "b"]).json()
    assert [item["outcome"] for item in body["items"]] == ["unchanged", "changed"]
    states = dict(Source.objects.values_list("external_id", "status"))
    assert states == {"a": "ready", "b": "pending"}


def test_without_ids_each_call_makes_new_sources_unless_its_key_is_the_same(upload):
    first = upload([("a.txt", b"A")], key="import-1")
    again = upload([("a.txt", b"A")], key="import-1")
    assert again.json() == first.json() and Source.objects.count() == 1
    upload([("a.txt", b"A")])
    assert Source.objects.count() == 2


def test_whom_it_is_for_is_kept_where_it_is_not_said_again(upload):
    upload([("a.txt", b"A")], ["a"], groups="staff, board")
    upload([("a.txt", b"A, new")], ["a"])
    assert Source.objects.get().groups == ["board", "staff"]


@pytest.mark.parametrize(
    ("count", "ids", "status", "code"),
    [
        (1001, None, 422, "too_many_files"), (2, ["one"], 422, "external_ids_mismatch"),
        (2, ["one", "one"], 422, "external_ids_mismatch"), (0, None, 422, None), (1, ["  "], 422, None),
        (1, "no list", 422, None), (1, ["x" * 256], 422, None), (1, [7], 422, None), (1, ["a\0b"], 422, None),
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_takes_nothing(upload, count, ids, status, code):
    answer = upload([(f"{n}.txt", b"x") for n in range(count)], ids)
    assert (answer.status_code, answer.json().get("code")) == (status, code or "validation_error")
    assert not Source.objects.exists()


def test_another_tenants_bot_parent_and_ids_are_out_of_reach(
    upload, bot, as_globex, globex, theirs
):
    upload([("a.txt", b"A")], ["a"])
    answer = upload([("a.txt", b"B")], ["a"], client=as_globex)
    assert answer.status_code == 422 and answer.json()["code"] == "bot_not_found"
    assert bytes(SourceFile.objects.get().data) == b"A"


# --- One file under an id -----------------------------------------------------------------------------------------


def test_a_file_is_put_under_an_id_and_put_again_only_read_where_it_differs(as_acme, bot):
    made = put(as_acme, bot, "site-hours", b"Open from 9 to 17.")
    assert made.status_code == 201, made.content
    source = run(Source.objects.get(external_id="site-hours"))
    assert source.status == "ready" and source.name == "hours.txt"
    assert put(as_acme, bot, "site-hours", b"Open from 9 to 17.").json()["status"] == "ready"
    changed = put(as_acme, bot, "site-hours", b"Open from 8 to 18.")
    assert (changed.status_code, changed.json()["status"]) == (200, "pending")
    run(source)
    assert "8 to 18" in Chunk.objects.get().content
    delete_source(source.pk)
    assert put(as_acme, bot, "site-hours", b"Open again.").status_code == 201
    assert Source.objects.get().deleted_at is None


def test_an_id_may_be_a_path(as_acme, bot, as_globex):
    assert put(as_acme, bot, "handbook/valves/v1.md", b"Open.").status_code == 201
    for url in ("handbook/valves/v1.md", "handbook%2Fvalves%2Fv1.md"):
        shown = as_acme.get(f"/v1/sources/by-external-id/{url}")
        assert shown.json()["external_id"] == "handbook/valves/v1.md"
        assert as_globex.get(f"/v1/sources/by-external-id/{url}").status_code == 404
    assert as_acme.delete("/v1/sources/by-external-id/handbook/valves/v1.md").status_code == 204


@pytest.mark.parametrize(
    ("data", "fields", "code"),
    [
        (b"x", {"source_type": "text"}, "file_not_of_upload"), (b"x", {"name": "x.exe"}, "file_type_unsupported"),
        ("no base64!", {}, "validation_error"), (b"x" * 1025, {}, "file_too_large"),
        (b"x", {"file_name": "x" * 256}, "validation_error"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_put_is_refused(as_acme, bot, settings, data, fields, code):
    settings.MAX_UPLOAD_BYTES = 1024
    answer = put(as_acme, bot, "a", data, **fields)
    assert (answer.status_code, answer.json().get("code", "validation_error")) == (422, code), (
        answer.content
    )
    assert not Source.objects.exists()


def test_its_bytes_are_counted_once(as_acme, bot):
    for data in (b"12345", b"1234567890", b"123"):
        assert put(as_acme, bot, "a", data).status_code in (200, 201)
    assert Source.objects.get().stored_bytes == 3
    assert private_dataset(bot).sources.count() == 1


def test_an_id_whose_source_was_deleted_may_be_of_another_type(as_acme, bot):
    url = "/v1/sources/by-external-id/a"
    text = {
        "bot_profile_id": str(bot.pk),
        "name": "A",
        "source_type": "text",
        "content": "As text.",
    }
    assert as_acme.put(url, text, content_type="application/json").status_code == 201
    assert put(as_acme, bot, "a", b"As a file.").json()["code"] == "source_type_fixed"
    as_acme.delete(url)
    assert put(as_acme, bot, "a", b"As a file.").status_code == 201
    source = run(Source.objects.get())
    assert (source.source_type, source.content, source.stored_bytes) == ("upload", None, 10)
    assert Chunk.objects.get().content == "As a file."
    as_acme.delete(url)
    assert as_acme.put(url, text, content_type="application/json").status_code == 201
    assert run(Source.objects.get()).status == "ready" and "As text." in Chunk.objects.get().content


def test_a_secret_does_not_go_over_to_a_source_of_another_type(as_acme, bot):
    url = "/v1/sources/by-external-id/a"
    body = {"bot_profile_id": str(bot.pk), "name": "A"}
    bucket = {"bucket": "kept", "access_key": "AK", "secret_key": "hidden"}
    as_acme.put(
        url, {**body, "source_type": "s3", "config": bucket}, content_type="application/json"
    )
    as_acme.delete(url)
    made = as_acme.put(
        url, {**body, "source_type": "nyxcore", "config": {}}, content_type="application/json"
    )
    assert made.status_code == 201 and reveal_secret(Source.objects.get()) is None
