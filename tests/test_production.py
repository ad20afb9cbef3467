"""`doctor --production` tells what strangers must not meet, by severity; and backups that nobody has to remember."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from minirag.clock import make_schedule
from minirag.operations import production
from minirag.operations.backing_up import backups, nightly, programs
from minirag.operations.backing_up.folder_shelf import FolderShelf
from minirag.operations.findings import FAIL, OK, WARN, Finding
from minirag.tasks import back_up
from tenants import audit
from tenants.audit import acting
from tenants.models import AuditEvent

ROOT = Path(__file__).resolve().parent.parent
STRONG = {
    "SECRET_KEY": "q7RZk2vWc9XmT4hYb8NpLd3FgJ6sAu5E_eHwU1iKoP0aSx-zQ9tGvBn2MjC",
    "JWT_SECRET_KEY": "mB5xQz8KcV2nR7tYw4LpJ9hGf3DsAu6EeHkTy1Uo-P0iKjN_bVcXz2AqWsEdRf",
    "ENCRYPTION_KEY": Fernet.generate_key().decode(),
}


@pytest.fixture
def sound(settings) -> None:
    """What the pages tell operators to set."""
    settings.SECRET_KEY, settings.JWT_SECRET_KEY = STRONG["SECRET_KEY"], STRONG["JWT_SECRET_KEY"]
    settings.ENCRYPTION_KEYS = [STRONG["ENCRYPTION_KEY"]]
    settings.DEBUG = settings.ALLOW_TENANT_SIGNUP = False
    settings.HTTPS_ONLY = settings.TRUST_PROXY_HEADERS = True
    settings.PUBLIC_URL, settings.PLATFORM_HOSTS = "https://chat.example.com", ["chat.example.com"]
    settings.METRICS_TOKEN, settings.DEFAULT_FROM_EMAIL = "m" * 32, "chat@example.com"


def test_under_the_settings_of_the_pages_nothing_of_ours_is_found(sound, db):
    ours = ("secrets", "debug", "tls", "proxies", "hosts", "sign-up", "clocks", "metrics")
    for part in ours:
        finding = production.PRODUCTION[part]()
        assert (finding.part, finding.state, finding.remedy) == (part, OK, ""), finding


@pytest.mark.parametrize(
    ("part", "name", "value", "state", "told"),
    [
        ("secrets", "SECRET_KEY", "short", FAIL, "SECRET_KEY"),
        ("secrets", "JWT_SECRET_KEY", "ab" * 32, FAIL, "few characters"),
        ("secrets", "JWT_SECRET_KEY", STRONG["SECRET_KEY"], FAIL, "the same"),
        ("secrets", "JWT_SECRET_KEY", "change-me-" * 5, FAIL, "example"),
        ("secrets", "ENCRYPTION_KEYS", ["no"], FAIL, "Fernet"),
        ("debug", "DEBUG", True, FAIL, "DEBUG"),
        ("tls", "HTTPS_ONLY", False, FAIL, "HSTS"),
        ("tls", "PUBLIC_URL", "http://chat.example.com", WARN, "PUBLIC_URL"),
        ("proxies", "TRUSTED_PROXIES", ["0.0.0.0/0"], FAIL, "0.0.0.0/0"),
        ("proxies", "TRUST_PROXY_HEADERS", False, WARN, "TRUST_PROXY_HEADERS"),
        ("hosts", "PLATFORM_HOSTS", ["*"], FAIL, "any"),
        ("hosts", "PLATFORM_HOSTS", ["localhost"], WARN, "this machine"),
        ("sign-up", "ALLOW_TENANT_SIGNUP", True, WARN, "anybody"),
        ("metrics", "METRICS_TOKEN", "", WARN, "woken"),
        ("metrics", "METRICS_TOKEN", "m" * 8, FAIL, "shorter"),
        ("e-mail", "EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend", WARN, "none"),
        ("e-mail", "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend", FAIL, "server"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy_and_no_secret(
    sound, db, settings, part, name, value, state, told
):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # where nobody listens
    setattr(settings, name, value)
    finding = production.PRODUCTION[part]()
    assert finding.state == state and told in finding.detail and finding.remedy, finding
    assert not any(secret in finding.detail for secret in STRONG.values())


@pytest.mark.parametrize(("ahead", "state"), [(0.0, OK), (5.0, WARN), (-90.0, FAIL)])
def test_clocks_that_are_apart_are_found(db, monkeypatch, ahead, state):
    ask = production._ask_redis
    monkeypatch.setattr(production, "_ask_redis", lambda: ask() + ahead)
    finding = production.check_clocks()
    assert finding.state == state and "Redis" in finding.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [("log_min_error_statement", "error"), ("log_error_verbosity", "default"), ("log_statement", "all"),
     ("log_min_duration_statement", "250")],
)  # fmt: skip
def test_a_log_of_postgresql_that_may_hold_messages_is_found(db, name, value):
    assert production.check_log().state == OK, "the embedded server's holds none"
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {name} = '{value}'")
    finding = production.check_log()
    assert finding.state == WARN and name in finding.detail and name in finding.remedy


@pytest.mark.parametrize(("states", "code"), [((OK, OK), 0), ((OK, WARN), 2), ((WARN, FAIL), 1)])
def test_its_exit_code_tells_how_bad_it_is(monkeypatch, states, code):
    parts = {
        f"part {number}": (lambda state=state: Finding("part", state, "x", "y"))
        for number, state in enumerate(states)
    }
    monkeypatch.setattr(production, "PRODUCTION", parts)
    out, ended = io.StringIO(), 0
    try:
        call_command("doctor", "--production", "--json", stdout=out)
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == code and [each["state"] for each in json.loads(out.getvalue())] == list(states)


def test_it_judges_all_parts_or_none():
    with pytest.raises(CommandError, match="leave --part out"):
        call_command("doctor", "--production", "--part", "redis")


def test_djangos_own_check_for_production_is_clean_under_documented_settings():
    environment = {**os.environ, **STRONG, "HTTPS_ONLY": "True", "DEBUG": "False"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_night_writes_a_backup_tries_it_keeps_the_newest_and_tells_how_it_went(
    db, _parties, settings, tmp_path
):
    settings.BACKUP_FOLDER, settings.BACKUPS_KEPT = str(tmp_path / "backups"), 1
    waiting = nightly.check_backup()
    assert waiting.state == FAIL and f"makes one at {settings.BACKUP_AT} UTC" in waiting.detail
    assert "Set BACKUP_FOLDER" not in waiting.remedy
    assert back_up.apply().get() is True
    last = nightly.find_last_backup()
    assert last.age < timedelta(minutes=5) and last.failed == ""
    assert nightly.check_backup().state == OK
    event = AuditEvent.objects.get(action=nightly.MADE)
    assert event.actor == "beat" and event.detail["tried"] is True
    assert (tmp_path / "backups" / event.detail["file"]).is_file()


def test_a_backup_that_fails_or_is_old_is_found_and_one_after_it_mends_it(db, settings, tmp_path):
    (tmp_path / "backups").write_text("a file, where a folder should be")
    settings.BACKUP_FOLDER = str(tmp_path / "backups")
    assert back_up.apply().get() is False
    found = nightly.check_backup()
    assert found.state == FAIL and "no folder" in found.detail
    AuditEvent.objects.create(action=nightly.MADE, detail={"tried": False})
    assert nightly.check_backup().state == FAIL, "one that was not read back proves nothing"
    tried = AuditEvent.objects.create(action=nightly.MADE, detail={"tried": True})
    assert nightly.check_backup().state == OK
    old = timezone.now() - nightly.LATEST_AGE - timedelta(minutes=1)
    AuditEvent.objects.filter(pk=tried.pk).update(created_at=old)
    AuditEvent.objects.filter(action=nightly.FAILED).delete()
    assert nightly.check_backup().state == FAIL


def test_of_two_beats_one_makes_the_backup_and_the_other_tells_no_failure(db, settings, tmp_path):
    settings.BACKUP_FOLDER = str(tmp_path)
    with backups.being_alone() as is_alone:
        assert is_alone and back_up.apply().get() is False
    with acting("beat"):
        audit.record(nightly.MADE, detail={"tried": True})
    assert back_up.apply().get() is False, "it was made a moment ago"
    assert not list(tmp_path.iterdir()) and nightly.find_last_backup().failed == ""


def test_backups_that_cannot_be_tried_do_not_fill_the_disk(db, settings, tmp_path, monkeypatch):
    settings.BACKUP_FOLDER, settings.BACKUPS_KEPT = str(tmp_path), 1
    days = iter("12345678")

    def make(shelf: FolderShelf) -> None:
        day = next(days)
        for suffix in (".dump", ".json"):
            (tmp_path / f"minirag-2026010{day}-000000{suffix}").touch()

    monkeypatch.setattr(nightly, "make_backup", make)
    monkeypatch.setattr(nightly, "try_backup", Mock(side_effect=backups.BackupFailed("no room")))
    assert not any(back_up.apply().get() for _ in range(8))
    assert sorted(each.name[14:16] for each in tmp_path.iterdir()) == ["07", "07", "08", "08"]
    assert nightly.find_last_backup().failed == "no room"


def test_why_a_dump_failed_is_told_without_the_row_that_was_in_it():
    said = (
        "pg_restore: while restoring\npg_restore: error: COPY failed for table x: ERROR:  no room\n"
        "CONTEXT:  COPY x, line 3: my-mother-has-measles"
    )
    with pytest.raises(backups.BackupFailed) as failed:
        programs.run(["/bin/sh", "-c", 'echo "$0" >&2; exit 1', said])
    assert failed.value.detail.endswith("table x: ERROR:  no room")


def test_a_backup_that_takes_too_long_is_told_as_failed(db, settings, tmp_path, monkeypatch):
    def take_long(folder):
        raise SoftTimeLimitExceeded

    settings.BACKUP_FOLDER = str(tmp_path)
    monkeypatch.setattr(nightly, "make_backup", take_long)
    assert back_up.apply().failed()
    assert "too long" in nightly.check_backup().detail


def test_without_its_database_the_doctor_still_tells_the_rest(monkeypatch):
    monkeypatch.setattr(nightly, "find_last_backup", Mock(side_effect=OperationalError("gone")))
    finding = nightly.check_backup()
    assert finding.state == FAIL and "does not answer" in finding.detail


def test_a_schedule_that_outlived_its_folder_writes_nothing(db, settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.BACKUP_FOLDER = ""
    assert not back_up() and not list(tmp_path.iterdir())


def test_beat_makes_backups_at_the_time_that_is_set_and_none_without_a_folder():
    row = make_schedule("23:05")["back-up"]
    assert (row["schedule"].hour, row["schedule"].minute) == ({23}, {5})
    assert "back-up" not in make_schedule("")
    with pytest.raises(ValueError, match="BACKUP_AT"):
        make_schedule("25:00")
