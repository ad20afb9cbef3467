"""What is not for everybody is found by whom it is for, and by nobody else: not even what it said before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from bots.quotas.refusing import QuotaExceeded
from knowledge.formats.cleaning import Rules
from knowledge.formats.parsing import parse
from knowledge.formats.previews import preview_file
from knowledge.formats.restrictions import find_restriction, read_groups
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.ingestion import ingest
from knowledge.indexing.upkeep.reconciling import reconcile_knowledge
from knowledge.models import ANYONE, INSIDER, Audience, Chunk, IndexEntry, RestrictedPart, Source
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.api import refusal
from knowledge.tests.conftest import make_source, run, teach
from tenants.context import tenant_context

SECRET = "The safe in the cellar of the Ulm office opens with 4711.\n"


def matter(head: str, fence: str = "---") -> str:
    return f"{fence}\n{head}\n{fence}\n{SECRET}"


RESTRICTED = [
    matter("visibility: private"), matter("Visibility: Internal"), matter("groups: [staff, board]"),
    matter("groups: staff"), matter("groups: {a: 1}"), matter("private: true"), matter('"visibility" : private'),
    matter('visibility = "private"', "+++"), matter('groups = ["staff"]', "+++"), matter("visibility: private\nbad: ["),
    matter("\n".join(f"k{n}: {n}" for n in range(80)) + "\nvisibility: private"), matter("visibility: [private]"),
    matter("title: x\n groups: broken\nindent: [a"), matter("- visibility: private\nvisibility: private"),
    matter("- visibility: private"), matter("visibility: private\nvisibility: public"),
    matter("meta:\n  visibility: private"), matter("&a a: [*a, {groups: [staff]}]"),
    matter("[extra]\nprivate = true", "+++"), matter("extra.groups = ['staff']", "+++"),
    matter("visibility: private", "----"), matter("visibility: private", " ---"),
    "---\nvisibility: private\n\n" + SECRET, "---yaml\nvisibility: private\n---\n" + SECRET,
    matter("\n".join(f"k{n}: {'x' * 500}" for n in range(80)) + "\nvisibility: private"),
    "<!-- ours -->\n" + matter("visibility: private"), "<!--\ngroups: [staff]\n-->\n" + SECRET,
    matter("title: x").replace(SECRET, "") + matter("visibility: private"),
]  # fmt: skip
OPEN = [
    SECRET, matter("title: Safe"), matter("visibility: public"), matter("groups: []"), matter("groups:"),
    matter("private: false"), matter("visibility: PUBLIC\ngroups: [everyone]"),
    "The word visibility: private stands in a sentence.\n" + SECRET,
    "---\n\nIn fog:\n\nvisibility: poor\n" + SECRET, matter("nav:\n  private: false\n  groups: []"),
]  # fmt: skip


def found(bot, audience=ANYONE) -> str:
    asked = async_to_sync(retrieve)
    passages = asked(bot, "What opens the safe in the cellar?", audience=audience).passages
    return " ".join(passage.content for passage in passages)


def as_one_of(*groups: str) -> Audience:
    return Audience.of(groups)


@pytest.mark.parametrize("text", RESTRICTED)
def test_a_head_that_restricts_a_document_is_found(text):
    metadata = parse(text.encode(), kind="md", name="a.md").metadata
    assert find_restriction(metadata) and read_groups(metadata) is not None


@pytest.mark.parametrize("text", OPEN)
def test_what_is_for_everybody_stays_so(text):
    metadata = parse(text.encode(), kind="md", name="a.md").metadata
    assert find_restriction(metadata) is None and read_groups(metadata) is None


@pytest.mark.parametrize(
    "metadata, groups",
    [({"groups": ["Staff ", "board"]}, ["board", "staff"]), ({"groups": "staff, Board"}, ["board", "staff"]),
     ({"visibility": "private", "groups": ["staff"]}, ["staff"]),
     ({"visibility": "public", "Groups": "staff"}, ["staff"]),
     ({"visibility": "internal"}, []), ({"private": "yes"}, []), ({"visibility": ["staff"]}, []),
     ({"groups": ["staff", "everybody"]}, []), ({"groups": ","}, []), ({"groups": ["a"], "Groups": ["b"]}, []),
     ({"groups": "unreadable"}, []), ({"visibility": "unreadable", "groups": ["staff"]}, []),
     ({"groups": [str(n) for n in range(51)]}, []), ({"groups": ["x" * 65]}, [])],
)  # fmt: skip
def test_what_is_not_clear_is_for_nobody(metadata, groups):
    assert read_groups(metadata) == groups


@pytest.mark.parametrize("text", [RESTRICTED[0], "---\ngroups: staff\n\n" + SECRET])
def test_a_head_of_a_plain_text_is_heeded_too(text):
    assert read_groups(parse(text.encode(), kind="txt", name="a.txt").metadata) == []
    assert read_groups(parse(SECRET.encode(), kind="txt", name="a.txt").metadata) is None


def page(head: str, before: str = "") -> bytes:
    return f"{before}<html><head><title>Safe</title>{head}</head><body><p>{SECRET}</p></body></html>".encode()


STAFF = "<meta name='Groups' content='Staff, board'>"
OTHER_FORMATS = [
    ("html", page(STAFF), ["board", "staff"]), ("html", page(STAFF + STAFF), ["board", "staff"]),
    ("html", page("<meta property=visibility content=private>"), []), ("html", page("<meta name=groups>"), []),
    ("html", page(STAFF + "<meta name=groups content=guests>"), []),
    ("html", page("<meta name=private content=no>"), None),
    ("html", page("<meta name=visibility content=public><meta name=groups content=''>"), None),
    ("html", page("", "---\ngroups: [staff]\n---\n"), []), ("html", page("", "<!-- groups: [staff] -->"), []),
    ("json", b'{"groups": ["staff"], "text": "4711"}', ["staff"]), ("json", b'{"Private": true, "text": "4711"}', []),
    ("json", b'{"groups": [{"name": "staff"}], "text": "4711"}', []), ("json", b'{"visibility": {"a": "b"}}', []),
    ("json", b'{"groups": ["a"], "groups": ["b"], "x": "y"}', []), ("json", b'{"groups": [], "x": "y"}', None),
    ("json", b'[{"groups": ["staff"], "text": "a"}, {"text": "b"}]', []), ("json", b'{"a": {"private": true}}', []),
    ("json", b'[{"groups": ["Staff"], "text": "a"}, {"groups": "staff", "text": "b"}]', ["staff"]),
    ("json", b'{"groups": ["staff"], "items": [{"groups": ["staff"], "text": "a"}]}', ["staff"]),
    ("json", b'{"groups": ["staff"], "items": [{"groups": ["board"], "text": "a"}]}', []),
    ("json", b'{"items": [{"text": "a"}, {"groups": ["board"], "text": "b"}]}', []),
    ("json", b'{"items": [{"groups": "all", "text": "a"}, {"private": false, "text": "b"}]}', None),
    ("jsonl", b'{"groups": ["a"], "x": "1"}\n{"groups": ["b"], "x": "2"}\n', []),
    ("jsonl", b'{"x": {"private": true}}\n{"x": "2"}\n', []), ("yaml", b"a: &a [1]\nb: *a\n", None),
    ("xml", b"<groups><group>a</group><group>b</group></groups>", ["a", "b"]), ("xml", b"<groups>a</groups>", ["a"]),
    ("xml", b"<groups><group>a</group><text>4711</text></groups>", []), ("xml", b"<private>4711</private>", []),
    ("xml", b"<p>It is <sec groups='a'>4711</sec></p>", []), ("xml", b"<p><s><groups>a</groups>x</s></p>", []),
    ("xml", b"<p groups='a'><s groups='A'>4711</s></p>", ["a"]), ("xml", b"<p><s groups='all'>4711</s></p>", None),
    ("html", page("<meta itemprop=groups content=staff>"), ["staff"]),
    ("html", page("").replace(b"<p>", b"<span itemprop=visibility>private</span><p>"), []),
    ("html", page("<template><meta name=groups content=staff></template>"), ["staff"]),
    ("html", page("").replace(b"<p>", b"<template><template><meta name=private content=yes></template><p>"), []),
    ("yaml", b"groups: staff, board\ntext: a", ["board", "staff"]), ("yaml", b"private: no\ntext: a", None),
    ("yaml", b"---\ngroups: [staff]\n---\ntext: a", []), ("jsonl", b'{"groups": ["staff"]}\n', ["staff"]),
    ("xml", b"<page groups='staff'><text>a</text></page>", ["staff"]), ("xml", b"<p><groups/><text>a</text></p>", None),
    ("xml", b"<p>Only for <groups>staff</groups></p>", ["staff"]), ("xml", b"<p>It is <b>4711</b></p>", None),
    ("xml", b"<p>We <groups><g>a</g></groups></p>", []), ("xml", b"<p><private/><text>a</text></p>", []),
    ("xml", b"<p><groups><group>a</group><group>b</group></groups><t>x</t></p>", ["a", "b"]),
    ("xml", b"<p><visibility><is>private</is></visibility><t>x</t></p>", []),
    ("program", b"<!-- groups: [staff] -->\nx = 1\n", []), ("csv", b"name,groups\nsafe,staff\nkey,board\n", None),
    ("eml", b"Subject: Safe\nContent-Type: text/html\n\n" + page(STAFF), []),
    ("ipynb", b'{"cells": [{"cell_type": "raw", "source": "---\\ngroups: [a]\\n---\\n"}]}', ["a"]),
    ("ipynb", b'{"cells": [{"cell_type": "raw", "source": "---\\ntitle: a\\n---\\n"},'
     b'{"cell_type": "raw", "source": "---\\ngroups: [a]\\n---\\n"}]}', []),
]  # fmt: skip


@pytest.mark.parametrize("kind, data, groups", OTHER_FORMATS)
def test_other_formats_say_it_in_their_own_way(kind, data, groups):
    metadata = parse(data, kind=kind, name=f"a.{kind}").metadata
    assert read_groups(metadata) == groups
    is_ignored = kind == "csv"
    assert any("restricts nothing" in note for note in metadata.get("notes", [])) == is_ignored


@pytest.mark.parametrize(
    "rules", [Rules(keep_selector="p"), Rules(drop_selectors=("meta", "title"))]
)
def test_what_is_cut_out_of_a_page_leaves_who_may_read_it(rules):
    body = "<meta name=groups content=staff>"  # where it does not belong, and counts
    for data in (page(STAFF), page("").replace(b"<p>", f"{body}<p>".encode())):
        assert "staff" in (
            read_groups(parse(data, kind="html", name="a", rules=rules).metadata) or []
        )
    head = parse(page("", "<!-- groups: [staff] -->"), kind="html", name="a", rules=rules).metadata
    assert read_groups(head) == []


def test_a_document_answers_only_whom_it_says(bot):
    source = teach(bot, RESTRICTED[2], name="safe")
    assert found(bot) == found(bot, as_one_of("guests")) == ""
    for reader in (as_one_of("Staff"), as_one_of("board", "x"), INSIDER):
        assert "4711" in found(bot, reader)
    type(source).objects.filter(pk=source.pk).update(content=RESTRICTED[0])
    run(source)
    assert found(bot, as_one_of("staff", "private", "*")) == "" and "4711" in found(bot, INSIDER)
    assert RestrictedPart.objects.get().groups == []
    type(source).objects.filter(pk=source.pk).update(content=SECRET)
    assert run(source).status == "ready" and "4711" in found(bot)
    assert not RestrictedPart.objects.exists()
    assert IndexEntry.objects.get().source_id == source.pk


def test_what_was_for_everybody_is_taken_away_with_the_same_words(bot, embedder):
    source = teach(bot, SECRET, name="safe")
    assert "4711" in found(bot)
    type(source).objects.filter(pk=source.pk).update(content=RESTRICTED[2])
    run(source)
    assert found(bot) == "" and "4711" in found(bot, as_one_of("staff"))
    assert Chunk.objects.count() == IndexEntry.objects.count() == len(embedder.texts) == 1


def test_a_head_that_restricts_counts_though_the_new_text_cannot_be_taken(bot, monkeypatch):
    source = teach(bot, SECRET, name="safe")

    def rewrite(text, *, fails):
        Source.objects.filter(pk=source.pk).update(content=text)
        with monkeypatch.context() as patched:
            if fails:
                patched.setattr("knowledge.documents.putting.make_vectors", _fail)
            return run(source).status

    changed = RESTRICTED[2].replace("safe", "safe, which is new,")
    assert rewrite(changed, fails=True) == "error"
    assert found(bot) == "" and "4711" in found(bot, as_one_of("staff"))
    assert "new" not in found(bot, as_one_of("staff"))
    assert rewrite(matter("groups: [board, guests]") + "More.", fails=True) == "error"
    assert found(bot, as_one_of("staff")) == found(bot, as_one_of("guests")) == ""
    assert "4711" in found(bot, as_one_of("board")), "of those before and those from now on"
    assert rewrite(SECRET + "More.", fails=True) == "error" and found(bot) == ""
    assert rewrite(matter("groups: [guests]"), fails=True) == "error"
    assert found(bot, as_one_of("board", "guests")) == "" and "4711" in found(bot, INSIDER)
    assert RestrictedPart.objects.count() == 1
    assert not any("index" in each.what for each in reconcile_knowledge(mend=False))
    assert rewrite(SECRET, fails=False) == "ready" and "4711" in found(bot), "as it was at first"


def _fail(*_args, **_named):
    raise QuotaExceeded("Nothing is left.")


def test_a_document_and_its_source_have_both_to_agree(bot):
    parent = make_source(bot, None, name="parent", groups=["office"])
    source = teach(bot, RESTRICTED[2], name="safe", groups=["ulm"], parent=parent)
    for groups in (("staff",), ("ulm", "staff"), ("office", "ulm"), ("office", "staff")):
        assert found(bot, as_one_of(*groups)) == ""
    assert "4711" in found(bot, as_one_of("office", "ulm", "staff"))
    type(source).objects.filter(pk=parent.pk).update(groups=[], visibility="private")
    assert found(bot, as_one_of("office", "ulm", "staff")) == "" and "4711" in found(bot, INSIDER)


def test_a_repair_of_the_index_lets_nobody_in(bot):
    source = teach(bot, RESTRICTED[2], name="safe")
    reconcile_knowledge(mend=True)
    assert found(bot) == ""
    IndexEntry.objects.update(source_id=source.pk)
    assert found(bot) != ""
    assert [each.what for each in reconcile_knowledge(mend=True)] == [
        "index entries that name another source"
    ]
    assert found(bot) == "" and "4711" in found(bot, as_one_of("staff"))


def test_a_document_that_is_forgotten_leaves_nothing_of_whom_it_was_for(bot):
    source = teach(bot, RESTRICTED[2], name="safe")
    forget_knowledge(source.pk)
    assert not RestrictedPart.objects.exists() and not IndexEntry.objects.exists()
    assert run(source).status == "ready"
    source.delete()
    assert not RestrictedPart.objects.exists()


def test_an_edit_of_its_metadata_changes_nothing_of_whom_it_is_for(api):
    bot = api.bot()
    source = api.teach(SECRET, bot_profile_id=bot)
    path = f"documents/{api.get(f'documents?source_id={source}')['items'][0]['id']}"
    refused = api.send("patch", path, metadata={"groups": ["staff"]})
    assert refusal(refused) == (422, "restricted")
    assert api.send("patch", path, metadata={"groups": []}).status_code == 200
    closed = api.teach(RESTRICTED[2], bot_profile_id=bot)
    path = f"documents/{api.get(f'documents?source_id={closed}')['items'][0]['id']}"
    for metadata in ({"groups": ["guests"]}, {"visibility": "private"}):
        assert refusal(api.send("patch", path, metadata=metadata)) == (422, "restricted")
    assert (
        api.send("patch", path, metadata={"groups": ["board", "staff"], "by": "me"}).status_code
        == 200
    )
    assert api.send("patch", path, metadata={"by": "me"}).status_code == 200
    for reads_again in (False, True):
        if reads_again:
            with tenant_context(api.party.tenant):
                Source.objects.filter(pk=closed).update(content_hash="")
                ingest(closed)
        assert api.answers(bot, "What opens the safe in the cellar?") == [source]


def test_a_preview_says_whom_a_file_is_for():
    shown = preview_file(RESTRICTED[0].encode(), kind="md", name="a.md")
    assert shown.can_be_ingested and "no visitor is answered from it" in shown.warnings[0]
    shown = preview_file(RESTRICTED[2].encode(), kind="md", name="a.md")
    assert "these groups are answered from it: board, staff" in shown.warnings[0]


def test_another_source_of_the_bot_goes_on_answering(bot):
    teach(bot, "The safe in the cellar is grey.", name="open")
    run(make_source(bot, RESTRICTED[0], name="closed"))
    assert found(bot) == "The safe in the cellar is grey."


def test_whoever_reads_sources_names_who_reads(bot):
    """Nothing asks the index, or what may answer, without saying for whom: `*` is for those who look after it."""
    root = Path(__file__).resolve().parents[2]
    tables = re.compile(r"\bchunk_index\b|\bknowledge_chunk\b|IndexEntry\b")
    found = {
        str(path.relative_to(root))
        for app in ("knowledge", "conversations", "bots", "tenants", "minirag", "webhooks")
        for path in (root / app).rglob("*.py")
        if not {"tests", "migrations"} & set(path.parts) and tables.search(path.read_text())
    }
    assert found == READERS, "say here why it cannot show what is not for everybody"


READERS = {
    # For who may read sources, and so all that they hold.
    "knowledge/corrections/own_text.py",
    "knowledge/corrections/searching.py",
    "knowledge/edits/applying.py",
    # They are told what to look in, by load_scope.
    "knowledge/retrieval/statement.py", "knowledge/ordering/joining.py",
    # It is that scope itself, and tells of chunks whether they are in it.
    "knowledge/retrieval/scope.py",
    # It names the page of the admin.
    "tenants/admin_site/help.py",
    # A column of MiniRAG 1.0's own table.
    "minirag/predecessor/reading.py",
    # They write, count or mend, and show no text.
    "knowledge/indexing/chunk_rows.py", "knowledge/indexing/lexicon.py",
    "knowledge/indexing/swap.py", "knowledge/indexing/search_indexes.py", "knowledge/indexing/vectors.py",
    "knowledge/indexing/upkeep/reconciling.py", "knowledge/indexing/upkeep/reembedding.py",
    "knowledge/documents/present.py", "knowledge/documents/putting.py", "knowledge/datasets/figures.py",
    "knowledge/models/__init__.py",
    "knowledge/models/index.py", "minirag/operations/inventory.py", "minirag/pages/navigation.py",
}  # fmt: skip
