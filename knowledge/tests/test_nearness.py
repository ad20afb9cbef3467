"""Which chunks are compared with a corrected text: few of them, and never another than the one that fits."""

from __future__ import annotations

import random
import uuid
from collections import Counter

from knowledge.corrections.nearness import MOST, Nearness, read_words
from knowledge.indexing.incoming import NewChunk
from knowledge.tests.api import make_draft

DOCUMENT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def chunk(text: str, ordinal: int, document: uuid.UUID = DOCUMENT) -> NewChunk:
    return NewChunk(uuid.uuid4(), document, "en", make_draft("H", text, ordinal), False)


def like(near: Nearness, text: str, *, ordinal: int = 0, within: uuid.UUID | None = DOCUMENT):
    anchor = Counter(read_words(text))
    return near.find_like(anchor, 0.5, lambda _: True, document_id=within, ordinal=ordinal)


def test_whatever_has_half_of_the_words_is_among_them():
    pick = random.Random(7)
    words = [f"w{n}" for n in range(60)]
    texts = [" ".join(pick.choices(words, k=30)) for _ in range(80)]
    near = Nearness([chunk(text, at) for at, text in enumerate(texts)])
    for text in texts[:20]:
        anchor = Counter(read_words(text))
        half = {
            each.id for each in near.chunks
            if (anchor & near.count(each)).total() >= 0.5 * anchor.total()
        }  # fmt: skip
        assert half <= {each.id for each in like(near, text)}


def test_of_a_text_that_stands_everywhere_the_places_nearby_are_compared():
    text = "The pump needs oil every week."
    near = Nearness([chunk(f"{text} Part {at}.", at) for at in range(3000)])
    found = like(near, text, ordinal=2000)
    assert len(found) == MOST
    assert all(abs(each.draft.ordinal - 2000) <= 500 for each in found)
    held = near.find_holding([text], DOCUMENT, 2000)
    assert len(held) == MOST and held[0].draft.ordinal >= 1949


def test_a_document_is_looked_through_alone_and_all_of_them_where_none_is_named():
    near = Nearness([chunk("Tea is green.", 0), chunk("Tea is black.", 0, OTHER)])
    assert [each.document_id for each in like(near, "Tea is hot")] == [DOCUMENT]
    assert len(like(near, "Tea is hot", within=None)) == 2
    assert like(near, "Tea is hot", within=uuid.UUID(int=3)) == []
    assert like(near, "") == []


def test_beside_a_chunk_stand_those_before_and_behind_it_in_its_document():
    rows = [*(chunk(f"Part {at}.", at) for at in (2, 0, 1)), chunk("Else.", 1, OTHER)]
    beside = Nearness(rows).find_beside(rows[2])
    assert [each.draft.ordinal for each in beside] == [0, 2]
