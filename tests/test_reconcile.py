"""`manage.py reconcile`: what foreign hands have done to a tenant is found, said and mended."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bots.models import BotProfile, SharedStorage
from conversations.exports.models import ExportJob, ExportPart
from conversations.models import Chat, Message
from knowledge import tasks
from knowledge.indexing.lexicon import count_statistics, stored_statistics
from knowledge.models import Chunk, Document, IndexEntry, LexiconTotals, Source
from knowledge.tests.conftest import make_bot, make_source, make_upload, run, teach
from tenants.context import tenant_context
from tenants.due import DueWork
from tenants.models import AuditEvent


@pytest.fixture
def taught(in_acme, monkeypatch) -> Source:
    monkeypatch.setattr(tasks.ingest_source, "apply_async", lambda *_, **__: None)
    source = teach(make_bot())
    reconcile()
    AuditEvent.objects.all().delete()
    return source


def reconcile(*options: str, tenant: str = "acme") -> tuple[str, int]:
    """What the command prints, and its exit code."""
    out, code = StringIO(), 0
    with tenant_context(None):
        try:
            call_command("reconcile", "--tenant", tenant, *options, stdout=out)
        except SystemExit as error:
            code = int(error.code)
    return out.getvalue(), code


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_where_nothing_has_drifted_it_says_so_and_changes_nothing(taught):
    assert reconcile() == ("acme: rows, files and index agree.\n", 0)
    assert not AuditEvent.objects.exists()


DRIFT = {
    "sources that count documents or chunks wrongly": lambda source: Source.objects.update(chunk_count=99),
    "documents that count chunks wrongly": lambda source: Document.objects.update(chunk_count=7),
    "word statistics that are not those of the chunks": lambda source: LexiconTotals.objects.update(n=77),
    "sources that look busy and are nobody's": lambda source: Source.objects.update(status="processing"),
    "sources whose size is wrong": lambda source: Source.objects.update(stored_bytes=1),
    "bots that count their storage wrongly": lambda source: BotProfile.objects.update(stored_bytes=5),
    "index entries with a wrong number of dimensions": lambda source: IndexEntry.objects.update(dim=3),
    "index entries that name another source": lambda source: IndexEntry.objects.update(
        source_id="00000000-0000-4000-8000-000000000000"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DRIFT)
def test_drift_is_found_by_a_check_mended_by_a_run_and_gone_after_it(taught, what):
    DRIFT[what](taught)
    text, code = reconcile("--check")
    assert f"{what}: found" in text and code == 1
    text, code = reconcile()
    assert f"{what}: mended" in text and code == 0
    assert reconcile() == ("acme: rows, files and index agree.\n", 0)
    [event] = AuditEvent.objects.filter(action="tenant.reconciled")
    assert what in event.detail


def test_a_mended_source_is_as_it_was(taught):
    Source.objects.update(chunk_count=99, document_count=0, status="processing")
    reconcile()
    taught.refresh_from_db()
    assert (taught.chunk_count, taught.document_count, taught.status) == (3, 1, "ready")


def test_chunks_that_the_index_has_lost_are_read_anew(taught):
    IndexEntry.objects.filter(chunk=Chunk.objects.first()).delete()
    text, code = reconcile()
    assert "1  chunks that are not in the index: mended" in text and code == 0
    assert run(taught).status == "ready" and taught.chunk_count == 3
    assert IndexEntry.objects.count() == Chunk.objects.count() == 3
    assert count_statistics() == stored_statistics()


# What a dump leaves that was read back with its constraints off, or a hand in the database.
SPOILT = {
    "index entries without a chunk": (
        "INSERT INTO chunk_index (chunk_id, source_id, dl, dim, emb, lex) "
        "SELECT gen_random_uuid(), source_id, dl, dim, emb, lex FROM chunk_index LIMIT 1"
    ),
    "chunks whose document is gone": "DELETE FROM knowledge_document",
    "chunks that say something else than was indexed": (
        "UPDATE knowledge_chunk SET content = 'By hand.' WHERE ordinal = 0"
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_chunks_that_belong_to_nothing_or_say_what_nobody_read_are_found_and_read_anew(
    taught, what
):
    said = set(Chunk.objects.values_list("heading", "content"))
    execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
    execute(SPOILT[what])
    execute("SET LOCAL session_replication_role = DEFAULT")
    assert f"{what}: found" in reconcile("--check")[0]
    text, code = reconcile()
    assert f"{what}: mended" in text and code == 0
    assert run(taught).status == "ready"
    assert set(Chunk.objects.values_list("heading", "content")) == said
    assert IndexEntry.objects.count() == Chunk.objects.count() == 3
    assert reconcile() == ("acme: rows, files and index agree.\n", 0)


def test_chunks_of_a_source_that_a_worker_has_wait_until_it_can_be_read_anew(taught):
    """That worker may find the source unchanged and end: what was let go meanwhile nobody would bring back."""
    execute(SPOILT["chunks that say something else than was indexed"])
    held = Source.objects.claim(taught.pk)
    text, code = reconcile()
    assert "chunks that say something else than was indexed: cannot be mended" in text and code == 1
    assert Chunk.objects.count() == 3
    held.finish()
    assert reconcile()[1] == 0 and run(taught).chunk_count == 3
    assert not Chunk.objects.filter(content="By hand.").exists()


def test_a_file_that_is_gone_is_said_and_left_to_a_person(in_acme):
    source = make_upload(make_bot(), b"The pump runs.", "txt")
    source.file.delete()
    for _ in range(2):
        text, code = reconcile()
        assert "uploads whose file is gone: cannot be mended" in text and code == 1


def test_knowledge_of_a_deleted_source_is_removed(taught):
    Source.objects.update(deleted_at=timezone.now() - timedelta(days=3), is_active=False)
    BotProfile.objects.update(stored_bytes=0)
    assert "deleted sources that still have knowledge: mended" in reconcile()[0]
    assert not Chunk.objects.exists() and stored_statistics().chunks == 0


def test_chats_and_exports_are_looked_at_too(in_acme):
    chat = Chat.objects.create(bot_profile=make_bot(), message_count=5)
    Message.objects.create(chat=chat, role="user", content="?")
    Chat.objects.update(updated_at=timezone.now() - timedelta(hours=2))
    job = ExportJob.objects.create(export_type="chats", status="succeeded", part_count=2)
    ExportPart.objects.create(job=job, number=0, data=b"")
    text, code = reconcile()
    assert "chats that count their messages wrongly: mended" in text and code == 0
    assert "exports whose file is incomplete: mended" in text
    chat.refresh_from_db()
    job.refresh_from_db()
    assert chat.message_count == 1 and (job.status, job.error_code) == ("failed", "file_lost")


def test_reminders_that_are_missing_are_written_again(in_acme):
    make_source(make_bot(), queued_at=timezone.now(), stored_bytes=0)
    SharedStorage.objects.all().delete()
    DueWork.objects.all().delete()
    assert "reminders of due work that were missing: mended" in reconcile()[0]
    assert DueWork.objects.filter(kind="ingestion").exists()


def test_another_tenants_drift_is_left_to_its_own_run(taught, globex):
    with tenant_context(globex.tenant):
        teach(make_bot())
        Source.objects.update(chunk_count=99)
    assert reconcile() == ("acme: rows, files and index agree.\n", 0)
    assert "count documents or chunks wrongly: mended" in reconcile(tenant="globex")[0]
