"""What documents said before: kept when their text changes, read, compared, and forgotten in time."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from knowledge.indexing.forgetting import forget_knowledge
from knowledge.models import Document, DocumentVersion, IndexEntry
from knowledge.tests.conftest import HANDBOOK, RETURNS, WARRANTY
from knowledge.versions.keeping import forget_old_versions, next_forgetting
from minirag.lib.comparing.matching import match
from minirag.lib.comparing.texts import compare_texts
from tenants.context import tenant_context

NEWER = HANDBOOK.replace("36 months", "48 months")


@pytest.fixture
def source(api):
    return api.teach(bot_profile_id=api.bot())


def document_of(api, source):
    (found,) = api.get(f"documents?source_id={source}")["items"]
    return found


def rewrite(api, source, content, **fields):
    assert api.send("patch", f"sources/{source}", content=content, **fields).status_code == 200
    assert api.ingest(source) == "ready"


def versions(api, source):
    return api.get(f"documents/{document_of(api, source)['id']}/versions")["items"]


def test_each_change_of_the_text_keeps_the_one_before_with_what_it_was_called(api, source):
    first = document_of(api, source)
    assert (first["content_version"], first["content_from"], versions(api, source)) == (
        1, "ingestion", [],
    )  # fmt: skip
    rewrite(api, source, NEWER)
    (kept,) = versions(api, source)
    assert (kept["number"], kept["title"], kept["content_hash"], kept["content_from"]) == (
        1, "Handbook", first["content_hash"], "ingestion",
    )  # fmt: skip
    assert kept["content_at"] == first["content_at"] < kept["replaced_at"]
    path = f"documents/{first['id']}/versions"
    assert "36 months" in api.get(f"{path}/{kept['id']}")["content"]
    rewrite(api, source, HANDBOOK)
    assert [each["number"] for each in versions(api, source)] == [2, 1]
    assert document_of(api, source)["content_version"] == 3
    assert api.get(f"{path}?limit=1")["total"] == 2


def test_what_says_the_same_words_makes_no_version(api, source):
    api.ingest(source)
    rewrite(api, source, HANDBOOK, name="The new handbook")
    assert document_of(api, source)["title"] == "The new handbook"
    assert versions(api, source) == [] and document_of(api, source)["content_version"] == 1


def test_a_version_is_compared_with_what_answers_now_and_with_another_one(api, source):
    rewrite(api, source, NEWER)
    rewrite(api, source, NEWER.replace("30 days", "60 days"))
    newer, oldest = versions(api, source)
    path = f"documents/{newer['document_id']}/versions"
    found = api.get(f"{path}/{oldest['id']}/comparison")
    assert (found["is_same"], found["added"], found["removed"], found["is_cut"]) == (
        False, 2, 2, False,
    )  # fmt: skip
    (change,) = found["changes"]
    marked = [
        (line["kind"], part["text"])
        for line in change["lines"] for part in line["parts"] if part["is_changed"]
    ]  # fmt: skip
    assert ("removed", "36") in marked and ("added", "48") in marked
    one = api.get(f"{path}/{oldest['id']}/comparison?other_id={newer['id']}")
    assert (one["added"], one["removed"]) == (1, 1)
    assert api.get(f"{path}/{newer['id']}/comparison?other_id={newer['id']}")["is_same"]


def test_versions_of_others_and_of_other_documents_are_404(api, theirs, source):
    rewrite(api, source, NEWER)
    (kept,) = versions(api, source)
    other = api.teach(RETURNS, name="Other", bot_profile_id=api.bot("Sales"))
    elsewhere = document_of(api, other)["id"]
    for client, document, version in (
        (theirs, kept["document_id"], kept["id"]),
        (api, elsewhere, kept["id"]),
        (api, kept["document_id"], str(uuid.uuid4())),
    ):
        for path in ("", "/comparison"):
            url = f"/v1/documents/{document}/versions/{version}{path}"
            assert client.client.get(url).status_code == 404
    url = f"/v1/documents/{kept['document_id']}/versions/{kept['id']}/comparison?other_id=x"
    assert api.client.get(url).status_code == 422


def test_only_so_many_are_kept_and_only_so_long(api, acme, source, settings):
    settings.VERSIONS_KEPT = 2
    for months in range(40, 44):
        rewrite(api, source, HANDBOOK.replace("36", str(months)))
    assert [each["number"] for each in versions(api, source)] == [4, 3]
    with tenant_context(acme.tenant):
        assert next_forgetting() > timezone.now() + timedelta(days=settings.VERSIONS_KEPT_DAYS)
        DocumentVersion.objects.filter(number=3).update(
            replaced_at=timezone.now() - timedelta(days=settings.VERSIONS_KEPT_DAYS, minutes=1)
        )
        assert (forget_old_versions(), forget_old_versions()) == (1, 0)
    assert [each["number"] for each in versions(api, source)] == [4]
    settings.VERSIONS_KEPT = 0
    rewrite(api, source, HANDBOOK)
    assert versions(api, source) == []
    with tenant_context(acme.tenant):
        assert next_forgetting() is None


@pytest.mark.parametrize("how", ["document", "source"])
def test_nothing_is_left_of_what_is_deleted(api, acme, source, how):
    rewrite(api, source, NEWER)
    if how == "document":
        api.client.delete(f"/v1/documents/{document_of(api, source)['id']}")
    else:
        api.client.delete(f"/v1/sources/{source}")
        with tenant_context(acme.tenant):
            forget_knowledge(uuid.UUID(source), only_deleted=True)
    with tenant_context(acme.tenant):
        counts = [model.objects.count() for model in (Document, DocumentVersion, IndexEntry)]
        assert counts == [0, 0, 0]


# --- Comparing ----------------------------------------------------------------------------------------------------
def shown(before, after):
    found = compare_texts(before, after)
    return [
        line.kind[0] + "".join(f"[{p.text}]" if p.is_changed else p.text for p in line.parts)
        for change in found.changes for line in change.lines
    ]  # fmt: skip


def test_lines_and_words_that_are_different_are_marked_and_what_is_the_same_is_left_out():
    same = [f"line {number}" for number in range(50)]
    before = "\n".join([*same, "It lasts 36 months from purchase.", *same])
    after = before.replace("36 months", "48 long months")
    assert shown(before, after) == [
        "sline 48", "sline 49", "rIt lasts [36] months from purchase.",
        "aIt lasts [48 long] months from purchase.", "sline 0", "sline 1",
    ]  # fmt: skip
    assert shown("", "new") == ["r", "anew"] and shown("a", "a") == []
    assert shown("one\ntwo", "one") == ["sone", "rtwo"]
    assert shown("Nothing of this stays.", "Quite another text!") == [
        "rNothing of this stays.", "aQuite another text!",
    ]  # fmt: skip


def test_what_is_matched_is_the_same_on_both_sides_and_in_order_however_long():
    lines = [f"line {number} of many" for number in range(30_000)]
    other = [f"{line}!" if number % 2 else line for number, line in enumerate(lines)]
    repeated = ["-", "=", "-"] * 20_000
    for before, after in (
        (lines, other),
        (lines, lines[::-1]),
        (repeated, repeated[1:]),
        ([], lines),
    ):
        i_end = j_end = 0
        for i, j, size in match(before, after):
            assert i >= i_end and j >= j_end and before[i : i + size] == after[j : j + size]
            i_end, j_end = i + size, j + size
    assert sum(size for _, _, size in match(lines, other)) == 15_000
    assert match(lines, lines) == [(0, 0, 30_000)] and match([], []) == []


def test_of_very_many_changes_the_first_are_shown():
    before = "\n".join(f"{number} {WARRANTY}" for number in range(5_000))
    found = compare_texts(before, before.replace("warranty", "guarantee"))
    assert found.is_cut and found.added == found.removed == 5_000
    assert sum(len(line.text) for each in found.changes for line in each.lines) < 500_000
