"""A document is read, searched and corrected in the admin where its text stands."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.corrections.changing import add_chunk, change_chunk
from knowledge.models import Chunk, Correction, Document
from knowledge.reader.reading import PAGE, find_place, read_page
from knowledge.tests.conftest import teach
from tests.test_admin import browser

REST = " ".join(
    f"Sentence {n} tells of something else that nobody looks for here." for n in range(8)
)
TEXTS = (
    f"The pump of part {n} is set to {n} bar. <b>Mind</b> it. {REST}" for n in range(2 * PAGE + 5)
)
LONG = "\n\n".join(f"## Part {n}\n\n{text}" for n, text in enumerate(TEXTS))


@pytest.fixture
def document(bot) -> Document:
    return Document.objects.get(source=teach(bot, LONG))


def test_a_page_has_the_chunks_in_order_and_those_switched_off_where_they_stood(bot, document):
    _, second = Chunk.objects.filter(document=document).order_by("ordinal")[4:6]
    change_chunk(second.pk, {"is_off": True}, author="alice@acme.example.com")
    page = read_page(document)
    assert (page.total, page.off, page.next_offset) == (document.chunk_count - 1, 1, PAGE)
    shown = [(each.chunk.heading, each.is_off) for each in page.chunks[4:7]]
    assert shown[1] == (second.heading, True) and [off for _, off in shown] == [False, True, False]
    assert not any(each.is_off for each in read_page(document, offset=PAGE).chunks)
    last = Chunk.objects.filter(document=document).order_by("-ordinal").first()
    assert find_place(last.pk) == (document.pk, (page.total - 1) // PAGE * PAGE, last.pk)
    assert find_place(second.pk)[:2] == (document.pk, 0), "also one that is off"


def test_a_search_marks_what_it_found_in_any_form_of_a_word(bot, document):
    page = read_page(document, text='pumps "set to 7"')
    assert [each.chunk.content for each in page.chunks if " 7 bar" in each.chunk.content]
    marked = {text for each in page.chunks for text, is_hit in each.parts if is_hit}
    assert marked == {"pump", "set to 7"}
    assert all("".join(text for text, _ in each.parts) == each.chunk.content for each in page.chunks)  # fmt: skip
    assert read_page(document, text="giraffe").chunks == []
    assert read_page(document, text="pumps").total == document.chunk_count


def test_the_reader_searches_acts_and_comes_back_to_the_chunk(acme, bot, document):
    alice, bob = (
        browser("alice@acme.example.com", "acme"), browser("bob@acme.example.com", "acme"),
    )  # fmt: skip
    url = f"/admin/knowledge/document/{document.pk}/read/"
    html = alice.get(f"{url}?q=pump").content.decode()
    assert "<mark>pump</mark>" in html and "<b>Mind" not in html and "Why was it not found?" in html
    chunk = Chunk.objects.filter(document=document).order_by("ordinal")[PAGE]

    def act(name, client=alice, chunk_id=chunk.pk, **said):
        return client.post(f"{url}act/", {"act": name, "chunk": str(chunk_id), **said})

    answer = act("pin", q="pump", offset=PAGE)
    pinned = Correction.objects.get()
    assert pinned.is_pinned and pinned.author == "alice@acme.example.com"
    assert answer["Location"] == f"/t/acme{url}?q=pump&offset={PAGE}#chunk-{pinned.chunk_id}"
    html = alice.get(f"{url}?offset={PAGE}").content.decode()
    assert "Unpin" in html and f'id="chunk-{pinned.chunk_id}"' in html
    act("off", chunk_id=pinned.chunk_id)
    assert Correction.objects.get().is_off
    act("on")
    act("unpin")
    assert not Correction.objects.exists()
    assert act("explode").status_code == act("off", chunk_id=bot.pk).status_code == 404
    assert act("off", client=bob).status_code == 403
    assert "Switch off" not in bob.get(url).content.decode()
    of = f"/admin/knowledge/document/of/{chunk.pk}/"
    assert alice.get(of)["Location"] == f"/t/acme{url}?offset={PAGE}#chunk-{chunk.pk}"
    corrected = f"/admin/knowledge/chunk/{chunk.pk}/correct/?reader=1"
    assert alice.get(corrected).status_code == 200
    gone = alice.get(f"/admin/knowledge/document/of/{bot.pk}/")
    assert gone["Location"] == "/t/acme/admin/knowledge/document/"
    gina = browser("gina@globex.example.com", "globex")
    assert gina.get(url).status_code == act("off", client=gina).status_code == 404
    assert gina.get(of)["Location"].endswith("/admin/knowledge/document/")


def test_a_page_of_the_reader_takes_few_queries_however_long_the_document(acme, document):
    alice = browser("alice@acme.example.com", "acme")
    add_chunk(
        document_id=document.pk, source_id=None, content="Parts are greased.", heading="", is_pinned=False, note="",
        author="alice@acme.example.com",
    )  # fmt: skip
    for query in ("", "?q=pump", f"?offset={PAGE}"):
        url = f"/admin/knowledge/document/{document.pk}/read/{query}"
        alice.get(url)
        with CaptureQueriesContext(connection) as asked:
            assert alice.get(url).status_code == 200
        assert len(asked) <= 15, (query, len(asked))
    last = f"/admin/knowledge/document/{document.pk}/read/?offset={2 * PAGE}"
    assert "Added by hand" in alice.get(last).content.decode()
