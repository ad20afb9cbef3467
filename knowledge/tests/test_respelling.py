"""A misspelled question is embedded as the documents spell it, where that is certain."""

from __future__ import annotations

import uuid

import pytest

from knowledge.retrieval.passages import Passage
from knowledge.tests.conftest import WARRANTY, teach
from knowledge.tests.test_retrieval import ask, contents
from knowledge.wording.respelling import respell
from knowledge.wording.vocabulary import SPELLING_WEIGHT, Expansion
from minirag.ai.embeddings import embed_query


def read(content: str) -> tuple[Passage, str]:
    one = uuid.uuid4()
    return Passage(one, one, one, "", "", None, "", content, 1.0, 0.5, 3.0), "en"


def spelling(term: str, found: str, weight: float = SPELLING_WEIGHT) -> Expansion:
    return Expansion(term, found, "spelling", weight, True)


SHIPPING = read("Shipping takes three days. We are shipping to Norway; ships leave daily.")


@pytest.mark.parametrize(
    ("text", "expansions", "expected"),
    [
        ("Shiping costs?", [spelling("shipe", "ship")], "Shipping costs?"),
        ("what does shiping cost", [spelling("shipe", "ship")], "what does shipping cost"),
        ("shiping", [spelling("shipe", "ship"), spelling("shipe", "shop")], "shiping"),
        ("shiping", [spelling("shipe", "ship"), spelling("shipe", "shop", 0.45)], "shipping"),
        ("shiping", [spelling("shipe", "sheep")], "shiping"),
        ("shiping", [Expansion("shipe", "ship", "compound", SPELLING_WEIGHT, True)], "shiping"),
        ("shipping \U0001f600 100 %", [], "shipping \U0001f600 100 %"),
    ],
)
def test_only_what_is_certain_is_put_right(text, expansions, expected):
    assert respell(text, "en", expansions, [SHIPPING], lambda word: False) == expected


def test_a_word_that_the_embedder_knows_is_left_as_it_was_asked():
    expansions, knows = [spelling("shape", "ship")], {"shape"}.__contains__
    assert respell("shape costs", "en", expansions, [SHIPPING], knows) == "shape costs"
    assert respell("shape costs", "en", expansions, [SHIPPING], lambda _: False) == "ships costs"


def test_the_question_is_embedded_again_only_where_a_word_was_wrong(bot, monkeypatch):
    teach(bot)
    embedded = []

    async def embed(model, text, **options):
        embedded.append(text)
        return await embed_query(model, text, **options)

    monkeypatch.setattr("knowledge.retrieval.retrieving.embed_query", embed)
    right = ask(bot, "How long is the warranty of the Aeris?")
    assert len(embedded) == 1
    found = ask(bot, "How long is the warrnaty of the Aeris?")
    assert embedded[1:] == [
        "How long is the warrnaty of the Aeris?",
        "How long is the warranty of the Aeris?",
    ]
    assert contents(found)[0] == WARRANTY
    assert found.passages[0].cosine == pytest.approx(right.passages[0].cosine)
    assert found.embedding_tokens > right.embedding_tokens, "both embeddings are counted"
