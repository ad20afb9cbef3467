"""Export jobs, from the order to the file; and what happens when workers die, files expire and people change minds."""

from __future__ import annotations

import json
import zlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.models import UsageEvent
from conversations import tasks
from conversations.exports import jobs as export_jobs
from conversations.exports.jobs import claim_job, purge_expired, run_job
from conversations.exports.models import ExportJob, ExportPart, ExportStatus
from conversations.exports.tables import TABLES
from conversations.models import Chat, Citation, Message
from conversations.tests.conftest import make_bot
from conversations.tests.test_api_exports import make_chat, read_csv
from conversations.tests.test_chat_logs import make_turn
from minirag.lib.jobs.job import MAX_ATTEMPTS
from tenants.models import AuditEvent

JSON = "application/json"


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """What would have been sent to the queue."""
    ids = []
    monkeypatch.setattr(tasks.write_export, "apply_async", lambda given, **_: ids.extend(given))
    return ids


def order(client, export_type="messages", **body):
    response = client.post("/v1/exports", {"export_type": export_type, **body}, content_type=JSON)
    assert response.status_code == 202, response.content
    return response.json()


def work(job_id):
    job = claim_job(job_id)
    assert job is not None
    run_job(job)
    return ExportJob.objects.get(pk=job_id)


def download(client, job_id):
    response = client.get(f"/v1/exports/{job_id}/download")
    assert response.status_code == 200, response.content
    return b"".join(response)


def make_file(client, export_type="messages", **body):
    job = order(client, export_type, **body)
    assert work(job["id"]).status == "succeeded"
    return download(client, job["id"])


def read_lines(content):
    return [json.loads(line) for line in content.decode().splitlines()]


# --- the whole way ------------------------------------------------------------------------------------------------
def test_an_export_is_ordered_written_and_downloaded(
    in_acme, as_acme, sent, django_capture_on_commit_callbacks
):
    make_chat(texts=("Why?", "Because."))
    with django_capture_on_commit_callbacks(execute=True):
        job = order(as_acme)
    assert sent == [job["id"]]
    assert (job["status"], job["format"], job["rows_done"], job["rows_total"]) == (
        "pending",
        "jsonl",
        0,
        None,
    )
    refused = as_acme.get(f"/v1/exports/{job['id']}/download")
    assert (refused.status_code, refused.json()["code"]) == (409, "export_not_ready")
    work(job["id"])
    done = as_acme.get(f"/v1/exports/{job['id']}").json()
    assert (done["status"], done["rows_done"], done["rows_total"], done["is_expired"]) == (
        "succeeded",
        2,
        2,
        False,
    )
    response = as_acme.get(f"/v1/exports/{job['id']}/download")
    content = b"".join(response)
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"] == f"attachment; filename=messages-{job['id']}.jsonl"
    assert int(response["Content-Length"]) == len(content) == done["size_bytes"]
    assert [row["content"] for row in read_lines(content)] == ["Why?", "Because."]
    acts = (
        AuditEvent.objects.filter(action__startswith="export.")
        .order_by("pk")
        .values_list("action", flat=True)
    )
    assert list(acts) == ["export.created", "export.downloaded"]


@pytest.mark.parametrize("export_type", sorted(TABLES))
def test_every_type_has_its_columns_in_both_formats(in_acme, as_acme, export_type):
    turn = make_turn(question="=1+1")
    UsageEvent.objects.create(bot_profile=turn.chat.bot_profile, model="m", cost_usd="0.00000123")
    [line] = read_lines(make_file(as_acme, export_type))[:1]
    text = make_file(as_acme, export_type, format="csv").decode()
    [row] = read_csv(text)[:1]
    assert list(line) == list(row) == list(TABLES[export_type].columns)
    assert text.count("\r\n") == len(read_csv(text)) + 1
    assert str(line["created_at"]) == row["created_at"]


def test_cells_are_no_formulas_and_nested_values_are_json(in_acme, as_acme):
    make_turn(question="=cmd|' /C calc'!A0", answer="-1")
    [row] = read_csv(make_file(as_acme, "chat_logs", format="csv").decode())
    assert (row["question"], row["answer"]) == ("'=cmd|' /C calc'!A0", "'-1")
    assert (json.loads(row["citations"]), row["usage"]) == ([], "")
    [line] = read_lines(make_file(as_acme, "chat_logs"))
    assert (line["question"], line["answer"]) == ("=cmd|' /C calc'!A0", "-1")


def test_an_exported_turn_is_the_one_of_the_chat_log(in_acme, as_acme):
    found = {"confidence": 0.00001234, "passages": ["„heute“"]}
    cited = make_turn(
        question="Wann – „heute“?", trace={"retrieval": found, "latency_ms": 12}, age=9
    )
    for number in (1, 2):
        Citation.objects.create(
            message=cited.answer, number=number, chunk_id=uuid4(), source_id=uuid4(), title="Hours",
            content="Open from 9 to 17. " * 20, score=0.8123456,
        )  # fmt: skip
    make_turn(question="Why?", outcome="failed", answer=None)
    newest, oldest = as_acme.get("/v1/chat-logs").json()["items"]
    assert [each["score"] for each in oldest["citations"]] == [0.8123, 0.8123]
    assert read_lines(make_file(as_acme, "chat_logs")) == [oldest, newest]


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
@pytest.mark.parametrize("part", [61, 300, 10**6])
def test_a_file_is_the_same_however_it_is_cut(in_acme, as_acme, monkeypatch, batch, part):
    check_file_cut(as_acme, monkeypatch, batch, part, rows=7)


def test_a_file_is_the_same_where_each_byte_is_a_part(in_acme, as_acme, monkeypatch):
    check_file_cut(as_acme, monkeypatch, batch=1, part=1, rows=2)


def check_file_cut(as_acme, monkeypatch, batch: int, part: int, *, rows: int) -> None:
    texts = [f"Straße {n} 🙂" for n in range(rows)]
    chat = make_chat(texts=texts)
    Message.objects.update(created_at=chat.created_at)  # the ids decide
    expected = [str(key) for key in Message.objects.order_by("id").values_list("pk", flat=True)]
    monkeypatch.setattr(export_jobs, "BATCH", batch)
    monkeypatch.setattr(export_jobs, "PART_BYTES", part)
    assert [row["message_id"] for row in read_lines(make_file(as_acme))] == expected
    assert [
        row["message_id"] for row in read_csv(make_file(as_acme, format="csv").decode())
    ] == expected


def test_nothing_found_is_an_empty_file_or_a_header(in_acme, as_acme):
    assert make_file(as_acme) == b""
    columns = ",".join(TABLES["messages"].columns)
    assert make_file(as_acme, format="csv").decode() == columns + "\r\n"


def test_filters_choose_the_rows(in_acme, as_acme):
    mine, other = make_bot(), make_bot()
    make_chat(mine, texts=("q", "a"))
    make_chat(other, texts=("x", "y"))
    as_acme.delete(f"/v1/bot-profiles/{mine.pk}")

    def found(**filters):
        return [row["content"] for row in read_lines(make_file(as_acme, filters=filters))]

    assert found(bot_profile_id=str(mine.pk), role="user") == ["q"]
    assert found(from_date="2026-03-10", to_date="2026-03-10", bot_profile_id=str(other.pk)) == [
        "x",
        "y",
    ]
    assert found(to_date="2026-03-09") == []


def test_rows_that_came_after_the_order_are_left_out(in_acme, as_acme):
    make_chat(texts=("before",))
    job = order(as_acme)
    Message.objects.create(chat=Chat.objects.get(), role="user", content="after")
    work(job["id"])
    assert [row["content"] for row in read_lines(download(as_acme, job["id"]))] == ["before"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"export_type": "secrets"}, "validation_error"),
        ({"export_type": "messages", "format": "xlsx"}, "validation_error"),
        ({"export_type": "messages", "filters": {"nonsense": 1}}, "validation_error"),
        ({"export_type": "messages", "filters": {"from_date": "x"}}, "validation_error"),
        ({"export_type": "messages", "filters": {"from_date": 20260101}}, "validation_error"),
        ({"export_type": "messages", "filters": {"kind": "chat"}}, "filter_unknown"),
        ({"export_type": "messages", "filters": {"bot_profile_id": str(uuid4())}}, "bot_not_found"),
        (
            {"export_type": "messages", "filters": {"from_date": "2026-02-02", "to_date": "2026-02-01"}},
            "invalid_date_range",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_a_422_and_leaves_nothing(in_acme, as_acme, body, code):
    response = as_acme.post("/v1/exports", body, content_type=JSON)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert not ExportJob.objects.exists()


# --- workers ------------------------------------------------------------------------------------------------------
class Killed(BaseException):
    pass


def test_another_worker_goes_on_where_a_dead_one_stopped(in_acme, as_acme, monkeypatch):
    make_chat(texts=[f"text {n}" for n in range(6)])
    monkeypatch.setattr(export_jobs, "BATCH", 1)
    monkeypatch.setattr(export_jobs, "PART_BYTES", 1)
    job = order(as_acme)
    store, stored = export_jobs._store, []

    def die_after_three(row, content):
        if len(stored) == 3:
            raise Killed
        stored.append(1)
        store(row, content)

    monkeypatch.setattr(export_jobs, "_store", die_after_three)
    with pytest.raises(Killed):
        run_job(claim_job(job["id"]))
    assert (ExportJob.objects.get().status, ExportJob.objects.get().rows_done) == ("running", 3)
    assert ExportJob.objects.sweep() == []  # it may live still
    ExportJob.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert len(ExportJob.objects.sweep()) == 1
    monkeypatch.setattr(export_jobs, "_store", store)
    assert work(job["id"]).rows_done == 6
    assert [row["content"] for row in read_lines(download(as_acme, job["id"]))] == [
        f"text {n}" for n in range(6)
    ]


def test_a_worker_that_was_thought_dead_writes_nothing(in_acme, as_acme):
    make_chat()
    job = order(as_acme)
    late = claim_job(job["id"])
    ExportJob.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    ExportJob.objects.sweep()
    done = work(job["id"])
    run_job(late)
    assert ExportPart.objects.count() == done.part_count == 1
    assert len(read_lines(download(as_acme, job["id"]))) == 2


def test_an_export_that_takes_workers_with_it_fails_in_the_end_and_can_be_retried(
    in_acme, as_acme, sent
):
    make_chat()
    job = order(as_acme)
    for _ in range(MAX_ATTEMPTS):
        claim_job(job["id"])
        ExportJob.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
        ExportJob.objects.sweep()
    failed = as_acme.get(f"/v1/exports/{job['id']}").json()
    assert (failed["status"], failed["error_code"]) == ("failed", "interrupted")
    assert claim_job(job["id"]) is None
    assert ExportJob.objects.get().expires_at is not None, "what it had written is purged some day"
    retried = as_acme.post(f"/v1/exports/{job['id']}/retry")
    assert (retried.status_code, retried.json()["status"], retried.json()["error_code"]) == (
        202,
        "pending",
        "",
    )
    again = as_acme.post(f"/v1/exports/{job['id']}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "export_not_failed")
    assert work(job["id"]).status == "succeeded"


def test_a_fault_of_ours_fails_the_export_without_its_words(in_acme, as_acme, monkeypatch):
    make_chat()
    job = order(as_acme)
    monkeypatch.setattr(export_jobs, "_encoder", lambda job: lambda rows: 1 / 0)
    assert work(job["id"]).status == "failed"
    shown = as_acme.get(f"/v1/exports/{job['id']}").json()
    assert (shown["error_code"], shown["error_message"]) == (
        "internal",
        "Something went wrong on our side.",
    )
    assert not ExportPart.objects.exists()


def test_a_long_export_gives_way_and_goes_on(in_acme, as_acme, monkeypatch, sent):
    make_chat(texts=[f"text {n}" for n in range(4)])
    monkeypatch.setattr(export_jobs, "BATCH", 1)
    monkeypatch.setattr(export_jobs, "PART_BYTES", 1)
    monkeypatch.setattr(export_jobs, "SLICE_SECONDS", -1)
    job = order(as_acme)
    turns = 0
    while ExportJob.objects.get().status != "succeeded":
        run_job(claim_job(job["id"]))
        turns += 1
        assert turns < 10
    assert turns == 5
    assert len(read_lines(download(as_acme, job["id"]))) == 4


def test_so_many_run_at_once_and_the_next_is_called_when_one_is_done(
    in_acme, as_acme, settings, sent
):
    settings.EXPORTS_AT_ONCE = 1
    first, second = order(as_acme), order(as_acme)
    running = claim_job(first["id"])
    assert claim_job(second["id"]) is None
    run_job(running)
    waiting = ExportJob.objects.waiting()
    assert waiting.send_longest_waiting(lambda job_id: sent.append(str(job_id)))
    assert sent == [second["id"]]
    assert work(second["id"]).status == "succeeded"


def test_a_lost_message_is_sent_again_by_the_sweeper(in_acme, as_acme, sent):
    job = order(as_acme)
    assert tasks.sweep_exports() == 0
    ExportJob.objects.update(queued_at=timezone.now() - timedelta(minutes=2))
    assert tasks.sweep_exports() == 1
    assert sent == [job["id"]]


def test_too_many_waiting_exports_are_a_409(in_acme, as_acme):
    for _ in range(export_jobs.MAX_OPEN):
        ExportJob.objects.create(export_type="messages")
    response = as_acme.post("/v1/exports", {"export_type": "messages"}, content_type=JSON)
    assert (response.status_code, response.json()["code"]) == (409, "too_many_exports")


# --- afterwards ---------------------------------------------------------------------------------------------------
def test_a_file_is_kept_for_some_days(in_acme, as_acme, settings):
    settings.EXPORT_RETENTION_DAYS = 3
    make_chat()
    job = order(as_acme)
    done = work(job["id"])
    assert done.expires_at - done.finished_at == timedelta(days=3)
    assert purge_expired() == 0
    ExportJob.objects.update(expires_at=timezone.now())
    response = as_acme.get(f"/v1/exports/{job['id']}/download")
    assert (response.status_code, response.json()["code"]) == (410, "export_expired")
    assert (purge_expired(), purge_expired(), ExportPart.objects.count()) == (1, 0, 0)
    shown = as_acme.get(f"/v1/exports/{job['id']}").json()
    assert (shown["status"], shown["is_expired"]) == ("succeeded", True)


def test_deleting_an_export_takes_its_file_and_stops_its_worker(in_acme, as_acme):
    make_chat()
    job = order(as_acme)
    running = claim_job(job["id"])
    assert as_acme.delete(f"/v1/exports/{job['id']}").status_code == 204
    run_job(running)
    assert not ExportJob.objects.exists() and not ExportPart.objects.exists()
    assert as_acme.delete(f"/v1/exports/{job['id']}").status_code == 404


def test_parts_are_compressed_and_small(in_acme, as_acme):
    make_chat(texts=["x" * 600_000, "y" * 2_500_000])
    job = order(as_acme)
    assert work(job["id"]).part_count >= 4
    sizes = [len(zlib.decompress(part.data)) for part in ExportPart.objects.all()]
    assert max(sizes) <= export_jobs.PART_BYTES
    assert [len(row["content"]) for row in read_lines(download(as_acme, job["id"]))] == [
        600_000,
        2_500_000,
    ]


def test_the_list_is_newest_first_filtered_and_paged(in_acme, as_acme):
    made = [order(as_acme, kind)["id"] for kind in ("messages", "usage", "chats")]
    work(made[0])

    def found(**query):
        return [job["id"] for job in as_acme.get("/v1/exports", query).json()["items"]]

    assert found() == made[::-1]
    assert found(status="succeeded") == [made[0]]
    assert found(export_type="usage") == [made[1]]
    first = as_acme.get("/v1/exports", {"limit": 2}).json()
    assert found(limit=2, cursor=first["next_cursor"]) == [made[0]]
    assert as_acme.get("/v1/exports", {"status": "odd"}).status_code == 422


def test_members_read_and_managers_order(in_acme, as_acme, as_bob):
    job = order(as_acme)
    work(job["id"])
    assert download(as_bob, job["id"]) == b""
    path = f"exports/{job['id']}"
    for method, path in (("post", "exports"), ("delete", path), ("post", f"{path}/retry")):
        response = getattr(as_bob, method)(
            f"/v1/{path}", {"export_type": "chats"}, content_type=JSON
        )
        assert (response.status_code, response.json()["code"]) == (403, "role_forbidden")


def test_globex_finds_no_export_of_acme(in_acme, as_acme, as_globex):
    make_chat()
    job = order(as_acme)
    work(job["id"])
    for path in ("", "/download"):
        assert as_globex.get(f"/v1/exports/{job['id']}{path}").status_code == 404
    assert as_globex.delete(f"/v1/exports/{job['id']}").status_code == 404
    assert as_globex.get("/v1/exports").json()["items"] == []
    assert as_globex.get(f"/v1/exports/{uuid4()}").status_code == 404
    assert ExportJob.objects.get().status == ExportStatus.SUCCEEDED
