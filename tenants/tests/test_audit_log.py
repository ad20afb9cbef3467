"""The audit log asked for by who, what, when, on which thing and outcome, searched, and taken out as a file."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants import audit
from tenants.log import finding, paging
from tenants.log.models import Outcome
from tenants.models import AuditEvent
from tests.test_admin import browser

URL = "/v1/audit-events"
pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(acme, globex):
    """Three acts in acme, one of them refused, and one in globex that would match as well."""
    # Tests that commit what they do leave lines behind.
    AuditEvent.objects.filter(tenant_slug__in=("acme", "globex"))._raw_delete("default")
    bot = {"id": "7", "name": "=Ava"}
    for tenant, action, actor, detail, outcome in (
        (acme.tenant, "bot.changed", "alice@acme.example.com", bot, Outcome.DONE),
        (acme.tenant, "bot.deleted", "bob@acme.example.com", bot, Outcome.DONE),
        (acme.tenant, "login.locked", "", {"address": "203.0.113.9"}, Outcome.REFUSED),
        (globex.tenant, "bot.changed", "alice@acme.example.com", bot, Outcome.DONE),
    ):
        audit.record(action, tenant=tenant, actor=actor, detail=detail, outcome=outcome)


def lines_of(answer) -> list[dict]:
    return [json.loads(line) for line in b"".join(answer).splitlines()]


FILTERS = [
    ({"action": "bot.changed"}, ["bot.changed"]),
    ({"action": "bot.*"}, ["bot.deleted", "bot.changed"]),
    ({"actor": "bob@acme.example.com"}, ["bot.deleted"]),
    ({"thing": "7"}, ["bot.deleted", "bot.changed"]),
    ({"thing": "=Ava", "action": "bot.d*"}, ["bot.deleted"]),
    ({"outcome": "refused"}, ["login.locked"]),
    ({"q": "203.0.113"}, ["login.locked"]),
    ({"q": "ALICE@", "action": "bot.*"}, ["bot.changed"]),
    ({"q": "%"}, []),
    ({"q": "'); --% bob"}, ["bot.deleted"]),
    ({"q": "ava delet"}, ["bot.deleted"]),
    ({"thing": "none of them"}, []),
]


@pytest.mark.parametrize(("asked", "found"), FILTERS)
def test_each_filter_finds_its_lines_and_no_other_tenants(as_acme, lines, asked, found):
    items = as_acme.get(URL, asked).json()["items"]
    assert [each["action"] for each in items] == found
    assert {each["tenant_slug"] for each in items} <= {"acme"}
    told = lines_of(as_acme.get(f"{URL}/export", {**asked, "format": "jsonl"}))
    assert [each["action"] for each in told if each["action"] != "audit_log.exported"] == found


def test_what_makes_no_sense_is_refused(as_acme, lines):
    for asked in (
        {"outcome": "maybe"}, {"format": "xml"}, {"created_from": "soon"},
        {"created_from": "2026-02-01T00:00:00Z", "created_to": "2026-01-01T00:00:00Z"},
    ):  # fmt: skip
        assert as_acme.get(f"{URL}/export", asked).status_code == 422, asked


def test_a_file_is_whole_over_many_batches_and_safe_for_a_spreadsheet(as_acme, lines, monkeypatch):
    monkeypatch.setattr(finding, "_AT_ONCE", 1)
    answer = as_acme.get(f"{URL}/export", {"action": "bot.*"})
    assert (
        answer["Content-Type"].startswith("text/csv")
        and "attachment" in answer["Content-Disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["action"] for row in rows] == ["bot.deleted", "bot.changed"]
    assert rows[0]["thing"] == "'=Ava" and rows[0]["actor"] == "bob@acme.example.com"
    assert AuditEvent.objects.filter(action="audit_log.exported", tenant_slug="acme").exists()


def test_the_admin_filters_searches_and_exports_its_own(acme, lines):
    alice = browser("alice@acme.example.com", "acme")
    url = "/admin/tenants/auditevent/"
    page = alice.get(f"{url}?action=bot.d*").content.decode()
    assert "bot.deleted" in page and "bot.changed" not in page and "Export this list as CSV" in page
    assert "login.locked" in alice.get(f"{url}?q=203.0.113").content.decode()
    refused = alice.get(f"{url}?outcome__exact=refused").content.decode()
    assert "login.locked" in refused and "bot.deleted" not in refused
    told = lines_of(alice.get(f"{url}export/jsonl/?action=bot.*"))
    assert [(each["action"], each["tenant_slug"]) for each in told] == [
        ("bot.deleted", "acme"), ("bot.changed", "acme"),
    ]  # fmt: skip
    for name in ("action", "actor", "thing"):
        assert alice.get(f"{url}?{name}=bot%00").status_code == 200
    assert alice.get(f"{url}export/exe/").status_code == 404
    assert browser("bob@acme.example.com", "acme").get(f"{url}export/csv/").status_code == 403


def test_an_act_with_more_to_tell_than_a_line_holds_is_told_shorter(acme):
    told = audit.record(
        "bot.changed", of=acme.owner, detail={"words": [f"word{i}" for i in range(100_000)]}
    )
    assert told.detail["words"] == "…" and told.detail["id"] == str(acme.owner.pk)


def test_a_long_log_is_counted_no_further_than_anybody_pages(acme, lines, monkeypatch):
    monkeypatch.setattr(paging, "MOST_COUNTED", 2)
    alice = browser("alice@acme.example.com", "acme")
    with CaptureQueriesContext(connection) as asked:
        page = alice.get("/admin/tenants/auditevent/").content.decode()
    (counting,) = [each["sql"] for each in asked if "COUNT(*)" in each["sql"]]
    assert "LIMIT 3" in counting and "newest" in page and "login.locked" in page
    assert (
        "newest" not in alice.get("/admin/tenants/auditevent/?action=bot.deleted").content.decode()
    )
    assert len(lines_of(alice.get("/admin/tenants/auditevent/export/jsonl/"))) > 2, (
        "the file is whole"
    )
