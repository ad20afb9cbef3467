"""What is not for everybody answers nobody: never found, not even what it said before."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from knowledge.formats.parsing import parse
from knowledge.formats.previews import preview_file
from knowledge.formats.restrictions import find_restriction
from knowledge.models import Chunk, Document, IndexEntry
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.api import refusal
from knowledge.tests.conftest import make_source, make_upload, run, teach

SECRET = "The safe in the cellar of the Ulm office opens with 4711.\n"


def matter(head: str, fence: str = "---") -> str:
    return f"{fence}\n{head}\n{fence}\n{SECRET}"


RESTRICTED = [
    matter("visibility: private"), matter("Visibility: Internal"), matter("groups: [staff, board]"),
    matter("groups: staff"), matter("groups: {a: 1}"), matter("private: true"), matter('"visibility" : private'),
    matter('visibility = "private"', "+++"), matter('groups = ["staff"]', "+++"), matter("visibility: private\nbad: ["),
    matter("\n".join(f"k{n}: {n}" for n in range(80)) + "\nvisibility: private"), matter("visibility: [private]"),
    matter("title: x\n groups: broken\nindent: [a"), matter("- visibility: private\nvisibility: private"),
]  # fmt: skip
OPEN = [
    SECRET, matter("title: Safe"), matter("visibility: public"), matter("groups: []"), matter("groups:"),
    matter("private: false"), matter("visibility: PUBLIC\ngroups: [everyone]"),
    "The word visibility: private stands in a sentence.\n" + SECRET,
]  # fmt: skip


def found(bot) -> str:
    passages = async_to_sync(retrieve)(bot, "What opens the safe in the cellar?").passages
    return " ".join(passage.content for passage in passages)


@pytest.mark.parametrize("text", RESTRICTED)
def test_a_head_that_restricts_a_document_is_found(text):
    assert find_restriction(parse(text.encode(), kind="md", name="a.md").metadata)


@pytest.mark.parametrize("text", OPEN)
def test_what_is_for_everybody_stays_so(text):
    assert find_restriction(parse(text.encode(), kind="md", name="a.md").metadata) is None


def test_a_restricted_document_leaves_nothing_behind_to_be_found(bot):
    source = teach(bot, SECRET, name="safe")
    assert "4711" in found(bot)
    type(source).objects.filter(pk=source.pk).update(content=RESTRICTED[0])
    source = run(source)
    assert (source.status, source.error_code, source.chunk_count) == ("error", "restricted", 0)
    assert source.error_message.startswith('It says of itself "visibility: private"')
    assert "4711" not in found(bot)
    assert (
        not Chunk.objects.exists()
        and not IndexEntry.objects.exists()
        and not Document.objects.exists()
    )
    type(source).objects.filter(pk=source.pk).update(content=SECRET)
    assert run(source).status == "ready" and "4711" in found(bot)


def test_an_upload_that_is_restricted_never_answers_and_its_file_stays_counted(bot):
    source = make_upload(bot, RESTRICTED[2].encode(), "md")
    type(source).objects.filter(pk=source.pk).update(stored_bytes=500)
    assert run(source).error_code == "restricted"
    assert (found(bot), source.stored_bytes) == ("", 500)


def test_a_document_cannot_be_edited_to_be_restricted(api):
    source = api.teach(SECRET, bot_profile_id=api.bot())
    path = f"documents/{api.get(f'documents?source_id={source}')['items'][0]['id']}"
    refused = api.send("patch", path, metadata={"groups": ["staff"]})
    assert refusal(refused) == (422, "restricted")
    assert api.send("patch", path, metadata={"groups": []}).status_code == 200


def test_a_preview_says_that_a_file_is_restricted():
    shown = preview_file(RESTRICTED[0].encode(), kind="md", name="a.md")
    assert not shown.can_be_ingested and "nobody would be answered" in shown.warnings[0]


def test_another_source_of_the_bot_goes_on_answering(bot):
    teach(bot, "The safe in the cellar is grey.", name="open")
    run(make_source(bot, RESTRICTED[0], name="closed"))
    assert found(bot) == "The safe in the cellar is grey."
