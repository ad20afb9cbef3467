"""Erasing a tenant is all or nothing as far as a disk lets it be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tenants.models import AuditEvent, Tenant, User
from tenants.platform.erasure import Traces, TracesRemain, remove_traces
from tenants.provisioning import erase_tenant, provision_tenant


@pytest.fixture
def folder(db: None, settings, tmp_path: Path) -> Path:
    """The folder, with one file, of a tenant that is about to be erased."""
    settings.MEDIA_ROOT = tmp_path
    provision_tenant(
        name="Gone", slug="gone", owner_email="g@gone.example.com", owner_password="long enough"
    )
    made = tmp_path / "t_gone" / "uploads"
    made.mkdir(parents=True)
    (made / "handbook.md").write_text("clean it")
    return made


def test_a_disk_that_refuses_keeps_the_tenant(folder, monkeypatch):
    def refuse(path: object, **kwargs: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(TracesRemain, match="cannot be removed: Operation not permitted") as refusal:
        erase_tenant(Tenant.objects.get(slug="gone"), actor="test")
    assert (refusal.value.status, refusal.value.code, refusal.value.retryable) == (
        503,
        "files_remain",
        True,
    )
    assert (
        Tenant.objects.filter(slug="gone").exists()
        and User.objects.filter(tenant__slug="gone").exists()
    )
    assert not AuditEvent.objects.filter(action="tenant.erased", tenant_slug="gone").exists()


def test_a_file_that_somebody_else_removed_meanwhile_is_no_refusal(folder, monkeypatch):
    unlink = os.unlink

    def unlink_twice(path: str, **kwargs: int) -> None:
        unlink(path, **kwargs)
        unlink(path, **kwargs)

    monkeypatch.setattr(os, "unlink", unlink_twice)
    erase_tenant(Tenant.objects.get(slug="gone"), actor="test")
    assert not folder.parent.exists()


def test_a_tenant_without_files_leaves_none(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    assert remove_traces("t_never_was") == Traces(keys=0, files=0, file_bytes=0)
