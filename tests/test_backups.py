"""The whole installation written into a file, tried, and put back; and what is no backup of it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from unittest.mock import Mock
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from psycopg import sql

from minirag.lib.files import bucket
from minirag.operations.backing_up import backups, programs
from minirag.operations.backing_up.folder_shelf import FolderShelf
from minirag.operations.backing_up.opening import open_shelf, read_backup
from minirag.operations.backing_up.shelves import BackupFailed
from tests.fakes.s3_server import BUCKET, S3Server
from tests.product import make_database


def run(*arguments: object, **options: object) -> str:
    out = StringIO()
    call_command(*(str(each) for each in arguments), stdout=out, **options)
    return out.getvalue()


def ask(name: str, statement: str) -> list[tuple[object, ...]]:
    with closing(backups._connect(name)) as database:
        return database.execute(statement).fetchall()


def list_databases(like: str) -> list[str]:
    found = ask("postgres", f"SELECT datname FROM pg_database WHERE datname LIKE '{like}'")
    return [str(name) for (name,) in found]


@pytest.fixture(scope="module")
def backup(_parties, tmp_path_factory, django_db_blocker):
    """Of the tests' own database, in which acme and globex are committed."""
    with django_db_blocker.unblock():
        return backups.make_backup(FolderShelf(tmp_path_factory.mktemp("backups") / "nightly"))


@pytest.fixture
def another(monkeypatch):
    """A database in whose place something may be put; what is left of it is dropped."""
    name = urlsplit(make_database()).path.lstrip("/")
    with closing(backups._connect(name)) as database:
        database.execute("CREATE TABLE precious AS SELECT 4711 AS number")
    monkeypatch.setattr(backups, "_own_name", lambda: name)
    yield name
    for each in [name, *list_databases(f"{name}_before%")]:
        backups._drop(each)


def test_a_backup_holds_every_tenant_and_is_for_its_owner_alone(backup):
    rows = backup.facts.rows
    assert {"public", "t_acme", "t_globex"} <= rows.keys() and rows["public"] > 0
    written = (backup.path, backup.path.parent, backup.path.with_suffix(".json"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    assert not list(backup.path.parent.glob("*.part"))
    assert "acme" not in backup.facts.key_sign and read_backup(str(backup.path)) == backup


def test_it_takes_the_place_of_a_database_that_is_kept(db, backup, another, monkeypatch):
    monkeypatch.setitem(backups.connection.settings_dict, "NAME", another)
    busy = backups._connect(another)  # as a web process that goes on
    with pytest.raises(CommandError, match=f"--replace {another}"):
        run("restore", backup.path)
    with pytest.raises(CommandError, match=f"--replace {another}"):
        run("restore", backup.path, replace="minirag")
    assert ask(another, "SELECT number FROM precious") == [(4711,)]
    said = run("restore", backup.path, replace=another)
    kept = list_databases(f"{another}_before%")
    assert len(kept) == 1 and kept[0] in said and "migrate" in said
    assert ask(kept[0], "SELECT number FROM precious") == [(4711,)]
    slugs = ask(another, "SELECT slug FROM public.tenants_tenant")
    assert {("acme",), ("globex",)} <= set(slugs)
    with pytest.raises(psycopg.Error):
        busy.execute("SELECT 1")
    with closing(backups._connect(another)) as again:
        assert backups._count_rows(again) == backup.facts.rows
    assert not list_databases("minirag_restored%")


def test_what_is_damaged_newer_or_under_another_key_changes_nothing(
    db, backup, another, settings, tmp_path, monkeypatch
):
    monkeypatch.setitem(backups.connection.settings_dict, "NAME", another)
    facts = json.loads(backup.path.with_suffix(".json").read_text())
    whole = backup.path.read_bytes()

    def refused(because: str, content: bytes = whole, **changes: object) -> None:
        path = tmp_path / "minirag-20260101-000000.dump"
        path.write_bytes(content)
        path.with_suffix(".json").write_text(json.dumps({**facts, **changes}))
        with pytest.raises(CommandError, match=because):
            run("restore", path, replace=another)
        assert ask(another, "SELECT number FROM precious") == [(4711,)]
        assert not list_databases("minirag_restored%") and not list_databases(f"{another}_before%")

    refused("cut short", whole[:-1000])
    refused("cut short", whole[:-1] + bytes([whole[-1] ^ 1]))
    refused("damaged", bytes="many")
    refused("newer release", migrations=[*facts["migrations"], "tenants.9999_from_the_future"])
    refused("t_acme has .* rows of", rows={**facts["rows"], "t_acme": 10**6})
    refused("t_gone has no rows of 3", rows={**facts["rows"], "t_gone": 3})
    other = b"no dump of anything"
    digest = hashlib.sha256(other).hexdigest()
    refused("pg_restore failed", other, bytes=len(other), sha256=digest)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    refused("another ENCRYPTION_KEY")
    with pytest.raises(CommandError, match="cannot be read"):
        run("restore", tmp_path / "nothing.dump", replace=another)


def test_the_command_tries_what_it_wrote_and_keeps_the_newest(db, _parties, tmp_path):
    folder = tmp_path / "nightly"
    for year in (2001, 2002):
        for suffix in (".dump", ".json"):
            folder.mkdir(exist_ok=True)
            (folder / f"minirag-{year}0101-000000{suffix}").touch()
    said = run("backup", folder, "--try", keep=2)
    left = sorted(path.name for path in folder.iterdir())
    assert "everything was there" in said and "2001" in said
    assert len(left) == 4 and left[0].startswith("minirag-20020101")
    assert not list_databases("minirag_restored%")
    with pytest.raises(CommandError, match="at least 1"):
        run("backup", folder, keep=0)
    blocked = tmp_path / "a-file"
    blocked.touch()
    with pytest.raises(CommandError, match="cannot be written"):
        run("backup", blocked)


def test_two_of_one_second_spoil_nothing_and_what_killed_ones_left_is_cleared(
    db, _parties, tmp_path, monkeypatch
):
    now = datetime(2026, 11, 30, tzinfo=UTC)
    path = tmp_path / "minirag-20261130-000000.dump"
    draft = path.with_suffix(".part")
    draft.write_text("half of another's")
    with pytest.raises(backups.BackupFailed, match="try again"):
        backups.make_backup(FolderShelf(tmp_path), now=now)
    assert draft.read_text() == "half of another's"
    draft.unlink()
    path.write_text("another's")
    with pytest.raises(backups.BackupFailed, match="try again"):
        backups.make_backup(FolderShelf(tmp_path), now=now)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["another's"]

    own = tmp_path / "minirag-before-upgrade.dump"
    old = tmp_path / "minirag-20260101-000000.part"
    for each in (own, old, draft):
        each.write_text("…")
    os.utime(old, (1, 1))
    assert FolderShelf(tmp_path).drop_older(1) == [str(old)]
    assert {own, path, draft} == set(tmp_path.iterdir())

    # Killed while it tried; another one that is at it holds its lock.
    left, busy = "minirag_restored_00000001", "minirag_restored_00000002"
    with closing(backups._connect("postgres")) as server:
        for name in (left, busy, "minirag_restored_by_hand"):
            server.execute(f"CREATE DATABASE {name}")
        with backups._in_use(busy), closing(backups._connect("postgres")) as another:
            backups._drop_left_behind(another)
        assert list_databases("minirag_restored%") == [busy, "minirag_restored_by_hand"]
    for name in (busy, "minirag_restored_by_hand"):
        backups._drop(name)


def test_odd_names_an_exchange_broken_off_and_a_database_that_is_gone(
    db, backup, another, monkeypatch
):
    odd = "postgres://x=y 'ü\"" + "ü" * 20  # 63 bytes or fewer, and no address
    with closing(backups._connect("postgres")) as server:
        server.execute(backups._RENAMED.format(sql.Identifier(another), sql.Identifier(odd)))
    monkeypatch.setattr(backups, "_own_name", lambda: odd)
    program = programs.require_program("pg_dump")
    programs.run([program, "--schema-only", *backups.name_database(odd)])

    def break_off(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    kept = ""
    try:
        with monkeypatch.context() as patch:
            patch.setattr(backups, "_RENAMED", mock := Mock())
            mock.format.side_effect = break_off
            with pytest.raises(backups.BackupFailed, match="broken off"), backups.ending_in_order():
                backups.restore_backup(backup)
        assert ask(odd, "SELECT number FROM precious") == [(4711,)]
        kept = backups.restore_backup(backup)
        assert kept in list_databases("%_before_%") and len(kept.encode()) <= 63
        assert ask(kept, "SELECT number FROM precious") == [(4711,)]
        backups._drop(odd)
        assert backups.restore_backup(backup) == ""
        assert ("acme",) in ask(odd, "SELECT slug FROM public.tenants_tenant")
        assert not list_databases("minirag_restored%")
    finally:
        for each in (odd, kept):
            backups._drop(each)


def test_what_a_role_may_not_is_said_in_a_sentence(db, backup, monkeypatch):
    with closing(backups._connect("postgres")) as server:
        server.execute("CREATE ROLE rv_plain LOGIN PASSWORD 'plain'")
    try:
        login = {"USER": "rv_plain", "PASSWORD": "plain"}
        for key, value in login.items():
            monkeypatch.setitem(backups.connection.settings_dict, key, value)
        with pytest.raises(CommandError, match="permission denied to create database"):
            run("restore", backup.path, "--try")
        monkeypatch.undo()
    finally:
        with closing(backups._connect("postgres")) as server:
            server.execute("DROP ROLE rv_plain")


@pytest.fixture
def s3(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(bucket, "_PAUSE_SECONDS", 0.0)
    with S3Server() as server:
        server.serve_to(settings)
        yield server


PLACE = f"s3://{BUCKET}/nightly"


def test_a_backup_goes_into_a_bucket_as_it_is_made_and_the_oldest_go(
    db, _parties, s3, monkeypatch, tmp_path
):
    monkeypatch.setattr(bucket, "_PART", 5 * 2**20)
    for name in ("minirag-20010101-000000", "minirag-20020101-000000"):
        s3.objects[f"nightly/{name}.dump"] = b"old"
    s3.objects["nightly/minirag-20020101-000000.json"] = b"{}"
    s3.objects["nightly/my own.dump"] = b"somebody's"
    said = run("backup", PLACE, keep=1)
    made = [key for key in s3.objects if key.startswith("nightly/minirag-2")]
    assert [key[-5:] for key in sorted(made)] == [".dump", ".json"]
    assert "20010101" in said and "20020101" in said and "nightly/my own.dump" in s3.objects
    assert s3.largest_body <= 5 * 2**20 and not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_bucket_s_backup_takes_a_database_s_place_and_a_changed_one_does_not(
    db, backup, s3, another, monkeypatch
):
    """The backup is one of a folder, copied there as it is."""
    monkeypatch.setitem(backups.connection.settings_dict, "NAME", another)
    key = f"nightly/{backup.name}"
    beside = key.replace(".dump", ".json")
    whole = backup.path.read_bytes()
    s3.objects |= {key: whole, beside: backup.path.with_suffix(".json").read_bytes()}

    def refused(because: str) -> None:
        with pytest.raises(CommandError, match=because):
            run("restore", f"{PLACE}/{backup.name}", replace=another)
        assert ask(another, "SELECT number FROM precious") == [(4711,)]
        assert not list_databases("minirag_restored%")

    s3.objects[key] = whole[:-1000]
    refused("cut short")
    s3.objects[key] = whole[:-1] + bytes([whole[-1] ^ 1])
    refused("cut short|pg_restore failed")
    s3.objects[key] = bytes(len(whole))
    refused("pg_restore failed")
    s3.objects[key] = whole
    s3.refuses = "InvalidAccessKeyId"
    refused("no such access key")
    s3.refuses = ""
    said = s3.objects.pop(beside)
    refused("with its .json")
    s3.objects[beside] = said
    s3.cut_after = 100_000
    run("restore", f"{PLACE}/{backup.name}", replace=another)
    assert s3.cuts == 1 and ("globex",) in ask(another, "SELECT slug FROM public.tenants_tenant")


def test_what_fails_on_its_way_into_a_bucket_leaves_nothing_there(db, s3, settings, monkeypatch):
    monkeypatch.setattr(backups, "_own_name", lambda: "no such database")
    with pytest.raises(CommandError, match="No connection"):
        run("backup", PLACE)
    with pytest.raises(BackupFailed, match="pg_dump failed"):
        open_shelf(PLACE).dump(
            "a.dump", [programs.require_program("pg_dump"), *backups.name_database("none of it")]
        )
    assert not s3.objects and not s3.parts
    settings.S3_SECRET_KEY = settings.S3_ACCESS_KEY = "AKIANOBODY"
    with pytest.raises(CommandError, match="no such access key"):
        run("backup", PLACE)
    with pytest.raises(CommandError, match="s3://NAME"):
        run("backup", "s3://a/../b")
