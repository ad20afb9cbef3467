"""Tenants on the move as an operator orders it: by API and in the admin, done by a worker; and receipts."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from minirag.lib.errors import ProductError
from minirag.lib.files import bucket
from minirag.lib.files.choosing import kept_files
from minirag.lib.jobs.job import ClaimLost
from minirag.operations import places
from tenants import provisioning, schemas
from tenants.admin_site.sites import platform_site
from tenants.models import AuditEvent, ErasureReceipt, Tenant, TenantTransfer, User
from tenants.moving import jobs
from tenants.moving.jobs import run_transfer, tend_transfers
from tenants.platform.operators import mint_operator_token
from tenants.platform.receipts import own_public_key, verify_receipt
from tenants.provisioning import archive_tenant, erase_tenant, restore_tenant
from tenants.tasks import transfer_tenant
from tests.fakes.s3_server import SECRET_KEY, S3Server
from tests.test_admin import browser

PASSPHRASE = "a long passphrase"


@pytest.fixture
def program(olga, settings, tmp_path) -> Client:
    settings.MEDIA_ROOT = tmp_path
    return Client(HTTP_AUTHORIZATION=f"Bearer {mint_operator_token(olga, 'mover')[1]}")


def send(client: Client, url: str, body: Any) -> Any:
    return client.post(f"/v1/platform/{url}", body, content_type="application/json")


def whole(response: Any) -> bytes:
    """What a download streams."""

    async def read() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return async_to_sync(read)()


def has_file(job: TenantTransfer) -> bool:
    return kept_files().size(job.file_name) is not None


def work(told: dict[str, Any]) -> TenantTransfer:
    """What a worker does with what was ordered."""
    job = TenantTransfer.objects.claim(told["id"])
    assert job is not None
    run_transfer(job)
    return TenantTransfer.objects.get(pk=job.pk)


def test_an_operators_program_exports_imports_and_copies(acme, program, olga):
    ordered = send(program, "tenants/acme/export", {"passphrase": PASSPHRASE})
    assert (ordered.status_code, ordered.json()["status"]) == (202, "pending")
    url = f"/v1/platform/transfers/{ordered.json()['id']}"
    assert program.get(f"{url}/download").json()["code"] == "transfer_not_ready"
    job = work(ordered.json())
    assert (job.status, job.sealed_passphrase, job.steps_done) == ("succeeded", "", job.steps_total)
    assert program.get(url).json()["has_file"] is True
    file = whole(program.get(f"{url}/download"))
    assert zipfile.ZipFile(io.BytesIO(file)).testzip() is None
    upload = SimpleUploadedFile("acme.zip", file)
    fields = {
        "slug": "acme-two",
        "passphrase": PASSPHRASE,
        "without_tokens": "true",
        "without_hosts": "true",
    }
    ordered = program.post("/v1/platform/imports", {**fields, "file": upload})
    assert ordered.status_code == 202, ordered.content
    assert PASSPHRASE not in str(TenantTransfer.objects.values().get(pk=ordered.json()["id"]))
    job = work(ordered.json())
    assert (job.status, job.error_message) == ("succeeded", "")
    assert User.objects.filter(tenant__slug="acme-two", email="alice@acme.example.com").exists()
    assert not has_file(job)
    copied = work(send(program, "tenants/acme/clone", {"new_slug": "acme-three"}).json())
    assert (copied.status, copied.error_message) == ("succeeded", "")
    assert Tenant.objects.filter(slug="acme-three").exists()
    log = AuditEvent.objects.filter(actor__startswith=olga.email).values_list("action", flat=True)
    acts = ("tenant.exported", "tenant.imported", "tenant.cloned")
    assert {"transfer.export_ordered", "transfer.downloaded", *acts} <= set(log)


def test_what_cannot_be_is_refused_at_once_or_told_by_the_job(acme, program):
    for url, body, code in (
        ("tenants/nobody/export", {}, "tenant_unknown"),
        ("tenants/acme/export", {"passphrase": "short"}, "passphrase_weak"),
        ("tenants/acme/clone", {"new_slug": "globex"}, "slug_taken"),
    ):
        assert send(program, url, body).json()["code"] == code, url
    assert program.post("/v1/platform/imports", {"slug": "new"}).json()["code"] == "file_missing"
    bad = program.post(
        "/v1/platform/imports", {"slug": "new", "file": SimpleUploadedFile("a.zip", b"no zip")}
    )
    job = work(bad.json())
    assert (job.status, job.error_code) == ("failed", "tenant_file_invalid")
    assert not has_file(job) and not Tenant.objects.filter(slug="new").exists()


def test_a_worker_that_died_is_made_up_for_and_files_do_not_stay(acme, program):
    told = send(program, "tenants/acme/export", {}).json()
    job = TenantTransfer.objects.claim(told["id"])
    TenantTransfer.objects.filter(pk=job.pk).update(
        heartbeat_at=timezone.now() - timedelta(hours=1)
    )
    assert tend_transfers() == [job.pk]
    done = work(told)
    assert has_file(done)
    TenantTransfer.objects.filter(pk=job.pk).update(expires_at=timezone.now())
    assert tend_transfers() == [] and not has_file(done)
    assert (
        program.get(f"/v1/platform/transfers/{job.pk}/download").json()["code"]
        == "transfer_expired"
    )


@pytest.mark.parametrize("kind", ["export", "clone"])
def test_what_is_cancelled_stops_and_leaves_nothing(acme, program, olga, monkeypatch, kind):
    body = {"export": {}, "clone": {"new_slug": "acme-copy"}}[kind]
    told = send(program, f"tenants/acme/{kind}", body).json()
    url = f"transfers/{told['id']}/cancel"
    name = f"{kind}_tenant"
    does = getattr(jobs, name)

    def cancel_meanwhile(*args: Any, **options: Any) -> Any:
        assert send(program, url, {}).json()["status"] == "cancelled"
        return does(*args, **options)

    monkeypatch.setattr(jobs, name, cancel_meanwhile)
    job = work(told)
    assert (job.status, job.claim_id, job.error_code) == ("cancelled", None, "")
    assert not has_file(job) and not Tenant.objects.filter(slug="acme-copy").exists()
    assert send(program, url, {}).json()["code"] == "transfer_over"
    [line] = AuditEvent.objects.filter(action="transfer.cancelled")
    assert line.actor.startswith(olga.email) and line.tenant_slug == "acme"


def test_a_worker_stops_at_the_next_table_and_what_waits_never_begins(acme, program, olga):
    sent = {"slug": "new", "file": SimpleUploadedFile("acme", b"the rows of people")}
    told = program.post("/v1/platform/imports", sent).json()
    waiting = TenantTransfer.objects.get(pk=told["id"])
    operator = browser(olga.email)
    page = operator.url(platform_site, TenantTransfer, "change", waiting.pk)
    answer = operator.post(page.replace("/change/", "/cancel/"))
    assert answer["Location"] == page and not has_file(waiting)
    assert (
        transfer_tenant(str(waiting.pk)) is None and not Tenant.objects.filter(slug="new").exists()
    )
    job = TenantTransfer.objects.claim(send(program, "tenants/acme/export", {}).json()["id"])
    job.cancel()
    with pytest.raises(ClaimLost):
        job.beat()
    with pytest.raises(ClaimLost):
        job.tell(1, 2, "bots_botprofile")


def test_what_takes_its_workers_with_it_leaves_no_file(acme, program):
    sent = {"slug": "new", "file": SimpleUploadedFile("a.zip", b"the rows of people")}
    told = program.post("/v1/platform/imports", sent).json()
    job = TenantTransfer.objects.claim(told["id"])
    TenantTransfer.objects.filter(pk=job.pk).update(
        heartbeat_at=timezone.now() - timedelta(hours=1), attempts=2
    )
    assert has_file(job)
    assert tend_transfers() == []
    assert TenantTransfer.objects.get(pk=job.pk).error_code == "interrupted"
    assert not has_file(job)


def test_an_export_that_ends_after_its_tenant_was_erased_leaves_no_file(acme, program, monkeypatch):
    told = send(program, "tenants/acme/export", {}).json()
    export = jobs.export_tenant

    def erase_meanwhile(tenant: Tenant, *args: Any, **options: Any) -> Any:
        manifest = export(tenant, *args, **options)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        erase_tenant(tenant)
        return manifest

    monkeypatch.setattr(jobs, "export_tenant", erase_meanwhile)
    job = work(told)
    assert (job.status, job.error_code) == ("failed", "tenant_unknown")
    assert not has_file(job)


def test_the_admin_orders_shows_and_hands_out(acme, olga, program):
    operator = browser(olga.email)
    page = operator.url(platform_site, Tenant, "change", acme.tenant.pk).replace("/change/", "/{}/")
    ordered = operator.post(page.format("export"), {"passphrase": ""})
    job = TenantTransfer.objects.get()
    assert ordered["Location"] == operator.url(platform_site, TenantTransfer, "change", job.pk)
    work({"id": job.pk})
    shown = operator.get(ordered["Location"]).content.decode()
    assert "Secrets and second factors were left out." in shown
    download = operator.url(platform_site, TenantTransfer, "change", job.pk).replace(
        "/change/", "/download/"
    )
    assert whole(operator.get(download))[:2] == b"PK"
    session = operator.session
    session["proved_at"] = 0
    session.save()
    assert "/prove/" in operator.get(download)["Location"]
    assert "/prove/" in operator.get(page.format("copy"))["Location"]


def test_an_erasure_leaves_a_receipt_that_names_nobody_and_cannot_be_changed(
    acme, globex, program, tmp_path, capsys
):
    exported = work(send(program, "tenants/acme/export", {}).json())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    kept = erase_tenant(acme.tenant, actor="test")
    assert not has_file(exported)
    receipt = program.get("/v1/platform/receipts").json()["items"][0]["receipt"]
    assert receipt == ErasureReceipt.objects.get(pk=kept.pk).receipt
    assert (receipt["slug"], receipt["public_rows"]["tenants_user"], receipt["exports"]) == (
        "acme",
        2,
        1,
    )
    assert not any(word in json.dumps(receipt) for word in ("alice", "Acme", "example.com"))
    verify_receipt(receipt)
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt))
    call_command("verify_receipt", path)
    assert "Good: acme was erased" in capsys.readouterr().out
    for changed in (
        {"slug": "globex"},
        {"public_rows": {}},
        {"signature": "x"},
        {"public_key": own_public_key()[::-1]},
    ):
        with pytest.raises(ProductError):
            verify_receipt({**receipt, **changed})
    path.write_text(json.dumps({**receipt, "files": 7}))
    with pytest.raises(CommandError, match="changed after it was signed"):
        call_command("verify_receipt", path)


@pytest.fixture
def archived(acme, program, tmp_path) -> Tenant:
    """Acme, put away, with a file of seven bytes."""
    folder = tmp_path / acme.tenant.schema_name
    folder.mkdir()
    (folder / "a.txt").write_text("seven ü")
    archive_tenant(acme.tenant, actor="test")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return acme.tenant


def test_a_worker_erases_and_says_which_receipt_there_is(archived, globex, program, olga):
    refused = send(program, "tenants/globex/erase", {"confirm": "globex"})
    assert (refused.status_code, refused.json()["code"]) == (409, "tenant_not_archived")
    refused = send(program, "tenants/acme/erase", {"confirm": "acm"})
    assert (refused.status_code, refused.json()["code"]) == (422, "confirmation_required")
    told = send(program, "tenants/acme/erase", {"confirm": "acme"})
    assert (told.status_code, told.json()["kind"], told.json()["receipt_id"]) == (
        202,
        "erasure",
        None,
    )
    job = work(told.json())
    assert (job.status, job.steps_done) == ("succeeded", job.steps_total) and job.steps_total > 50
    assert (
        not Tenant.objects.filter(slug="acme").exists()
        and Tenant.objects.filter(slug="globex").exists()
    )
    shown = program.get(f"/v1/platform/transfers/{job.pk}").json()
    receipt = ErasureReceipt.objects.get(pk=shown["receipt_id"]).receipt
    verify_receipt(receipt)
    assert (receipt["slug"], receipt["files"], receipt["file_bytes"]) == ("acme", 1, 8)
    operator = browser(olga.email)
    page = operator.url(platform_site, TenantTransfer, "change", job.pk).replace(
        "/change/", "/receipt/"
    )
    assert operator.get(page)["Location"].endswith(f"/{shown['receipt_id']}/change/")
    acts = AuditEvent.objects.filter(tenant_slug="acme").values_list("action", flat=True)
    assert {"transfer.erasure_ordered", "tenant.erased"} <= set(acts)


def test_an_erasure_goes_on_after_its_worker_was_killed_and_counts_what_was_gone_by_then(
    archived, program, monkeypatch, settings
):
    told = send(program, "tenants/acme/erase", {"confirm": "acme"}).json()
    folder = Path(settings.MEDIA_ROOT) / archived.schema_name

    def die(*args: Any) -> None:
        assert not folder.exists()
        raise SystemExit  # as if killed: nothing catches it, and the transaction is rolled back

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(provisioning, "sign_receipt", die)
        work(told)
    job = TenantTransfer.objects.get()
    assert (job.status, job.receipt_id) == ("running", None)
    assert Tenant.objects.filter(slug="acme").exists() and not ErasureReceipt.objects.exists()
    TenantTransfer.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert tend_transfers() == [job.pk]
    done = work(told)
    receipt = ErasureReceipt.objects.get(pk=done.receipt_id).receipt
    assert (receipt["files"], receipt["file_bytes"]) == (1, 8)
    assert receipt["began_at"] == job.started_at.isoformat()
    assert done.status == "succeeded" and not Tenant.objects.filter(slug="acme").exists()


@pytest.mark.parametrize("change", ["restored", "restored and archived again", "cancelled"])
def test_who_thinks_better_of_it_in_time_keeps_the_tenant(
    archived, program, monkeypatch, settings, change
):
    told = send(program, "tenants/acme/erase", {"confirm": "acme"}).json()
    if change.startswith("restored"):
        restore_tenant(archived, actor="test")
        if change != "restored":
            archive_tenant(archived, actor="test")
        assert work(told).error_code == "tenant_changed"
    else:
        dropped = schemas.drop_schema

        def cancel_meanwhile(name: str) -> None:
            assert send(program, f"transfers/{told['id']}/cancel", {}).status_code == 200
            dropped(name)

        monkeypatch.setattr(schemas, "drop_schema", cancel_meanwhile)
        work(told)
    kept = Path(settings.MEDIA_ROOT) / archived.schema_name
    assert (kept / "a.txt").exists() and not ErasureReceipt.objects.exists()
    assert Tenant.objects.get(slug="acme").users.exists()


def test_in_a_bucket_another_machine_takes_in_what_one_was_sent_and_hands_out_what_one_has_made(
    acme, program, settings, tmp_path, monkeypatch
):
    """Web process and worker have nothing in common but the bucket, whose lines break off."""
    monkeypatch.setattr(bucket, "_PAUSE_SECONDS", 0.0)
    with S3Server() as s3:
        s3.serve_to(settings)
        settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path / "web"
        s3.objects["ours/t_acme//put there by hand"] = b"x"  # by a name that an import refuses
        told = send(program, "tenants/acme/export", {"passphrase": PASSPHRASE}).json()
        settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path / "worker"
        job = work(told)
        del s3.objects["ours/t_acme//put there by hand"]
        assert (job.status, [*s3.objects]) == ("succeeded", [f"ours/transfers/{job.pk}.zip"])
        settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path / "another web"
        s3.cut_after = 10_000
        answer = program.get(f"/v1/platform/transfers/{job.pk}/download")
        file = whole(answer)
        assert s3.cuts == 1 and len(file) == job.file_size == int(answer["Content-Length"])
        held = zipfile.ZipFile(io.BytesIO(file))
        assert held.testzip() is None
        assert b'"left_out": [\n  "files of other names"\n ]' in held.read("manifest.json")
        fields = {"slug": "acme-two", "without_tokens": "true", "without_hosts": "true"}
        upload = SimpleUploadedFile("acme.zip", file)
        fields |= {"passphrase": PASSPHRASE}
        told = program.post("/v1/platform/imports", {**fields, "file": upload}).json()
        settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path / "worker"
        s3.refuses = "SlowDown"
        assert work(told).status == "pending"  # and is sent again by the clock
        s3.refuses = ""
        assert work(told).status == "succeeded" and len(s3.objects) == 1
        TenantTransfer.objects.filter(pk=job.pk).update(expires_at=timezone.now())
        s3.refuses = "InvalidAccessKeyId"
        assert tend_transfers() == [] and len(s3.objects) == 1
        assert program.get(f"/v1/platform/transfers/{job.pk}/download").status_code in (410, 503)
        s3.refuses = ""
        assert tend_transfers() == [] and not s3.objects
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_wrong_key_fails_an_export_with_its_reason_and_refuses_an_import(acme, program, settings):
    with S3Server() as s3:
        s3.serve_to(settings, S3_ACCESS_KEY="AKIANOBODY")
        job = work(send(program, "tenants/acme/export", {}).json())
        assert (job.status, job.error_code) == ("failed", "files_unavailable")
        assert "no such access key" in job.error_message and SECRET_KEY not in job.error_message
        upload = SimpleUploadedFile("acme.zip", b"PK")
        refused = program.post("/v1/platform/imports", {"slug": "new", "file": upload})
        assert (refused.status_code, refused.json()["code"]) == (503, "files_unavailable")
        assert TenantTransfer.objects.count() == 1
        finding = places.check_files()
        assert finding.state == "fail" and "no such access key" in finding.detail
        s3.serve_to(settings)
        assert places.check_files().state == "ok" and not s3.objects
