"""Misspelled words, compounds and their parts, found by the tenant's own vocabulary."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.lexicon import fill_in_spellings, recount_statistics
from knowledge.models import LexiconTerm
from knowledge.retrieval.queries import Carried, Query
from knowledge.tests.conftest import make_bot, teach
from knowledge.tests.test_retrieval import ask, contents
from knowledge.wording.vocabulary import Expansion
from minirag.lib.text.analysis import term_id
from tenants.context import tenant_context

SHOP = """# Shipping

Express shipping costs 12 pounds on weekdays.

# Address

You find our address on Fish Street, behind the harbour.

# Parts

The seal XR-4420 costs 3 pounds.

# Cards

A gift card is valid for two years. Backflush the machine weekly.
"""
TOWN = """# Abfall

Die Restmülltonne wird jeden Dienstag geleert, und die Gebühr ist jährlich zu bezahlen.

# Parken

Den Bewohnerparkausweis gibt es für die Anwohner im Rathaus, er kostet jährlich 120 Euro.

# Öffnungszeiten

Die Öffnungszeiten des Bürgerservice sind montags von acht bis zwölf Uhr.

# Hunde

Wer einen Hund hat, zahlt für ihn eine Steuer an die Stadt.
"""


@pytest.fixture
def shop(in_acme):
    bot = make_bot()
    teach(bot, SHOP, name="Shop", language="en")
    return bot


@pytest.fixture
def town(in_acme):
    bot = make_bot()
    teach(bot, TOWN, name="Stadt")
    return bot


def find(bot, question: str, language: str = "en") -> list[Expansion]:
    return list(ask(bot, Query(question, language)).expansions)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("shiping", "ship"),
        ("adress", "address"),
        ("adderss", "address"),
        ("expres", "express"),
        ("harbuor", "harbour"),
    ],
)
def test_an_unknown_word_is_read_as_the_known_one_that_it_nearly_is(shop, question, found):
    [expansion] = find(shop, question)
    assert (expansion.found, expansion.kind, expansion.stands_in) == (found, "spelling", True)


def test_what_is_misspelled_is_found_as_what_is_spelled_right(shop):
    wrong, right = ask(shop, "what is your adress"), ask(shop, "what is your address")
    assert contents(wrong)[0] == contents(right)[0] and "Fish Street" in contents(wrong)[0]
    assert wrong.confidence > 0.8 * right.confidence


@pytest.mark.parametrize(
    "question", ["shipping to your address", "gift", "car", "pounds", "4421", "XR-4421 xr4421"]
)
def test_known_short_and_numbered_words_are_left_alone(shop, question):
    assert [each for each in find(shop, question) if each.kind == "spelling"] == []


@pytest.mark.parametrize(
    ("language", "page", "question"),
    [
        (
            "en",
            "You may plant the card in May, our plane has a clip.",
            "many planets, moons and planes",
        ),
        ("de", "# Liste\n\nDie Liste steht im Raum bei den Hosen.", "Lift, Baum, Rosen"),
        ("nl", "# Boek\n\nHet boek en de kaart zijn van de meester.", "koek, meter, taart"),
        ("sv", "# Brev\n\nEtt kort ligger vid porten.", "bord, torg"),
    ],
)
def test_a_word_that_everybody_knows_is_not_misspelled(in_acme, language, page, question):
    bot = make_bot()
    teach(bot, page, name="Page", language=language)
    assert [each for each in find(bot, question, language) if each.kind == "spelling"] == []


def test_a_code_is_found_however_it_is_joined(shop):
    for code in ("XR4420", "xr 4420", "XR-4420", "xr/4420"):
        assert "XR-4420" in contents(ask(shop, code))[0]


def test_words_written_together_or_apart_are_found(shop):
    assert {each.found for each in find(shop, "giftcard")} == {"gift", "card"}
    assert {each.found for each in find(shop, "how often to back flush")} == {"backflush"}


@pytest.mark.parametrize("question", ["Oeffnungszeiten", "offnungszeiten", "Öfnungszeiten"])
def test_marks_that_cannot_be_typed_are_not_needed(town, question):
    assert "acht bis zwölf" in contents(ask(town, Query(question, "de")))[0]


@pytest.mark.parametrize(
    ("question", "passage", "kind"),
    [
        ("Restmüll", "Restmülltonne", "compound"),
        ("Parkausweis", "Bewohnerparkausweis", "compound"),
        ("Hundesteuer", "zahlt für ihn eine Steuer", "parts"),
        ("Bürgerservicegebühr", "Bürgerservice", "parts"),
    ],
)
def test_compounds_are_found_by_their_parts_and_parts_by_compounds(town, question, passage, kind):
    found = ask(town, Query(question, "de"))
    assert any(passage in text for text in contents(found)[:2])
    assert kind in {each.kind for each in found.expansions}


def test_a_known_word_finds_its_compounds_for_less(town):
    teach(town, "# Müll\n\nDer Restmüll wird verbrannt.", name="Müll")
    found = ask(town, Query("Restmüll", "de"))
    assert "verbrannt" in contents(found)[0] and "Restmülltonne" in contents(found)[1]
    [compound] = [each for each in found.expansions if each.found == "restmulltonn"]
    assert not compound.stands_in and compound.weight < 0.5


def test_english_words_are_not_taken_apart_beside_themselves(shop):
    assert find(shop, "backflush the machine") == []


def test_carried_words_are_read_as_well_and_weigh_what_they_weighed(shop):
    found = ask(shop, Query("and when?", "en", (Carried("your adress", 0.3),)))
    assert {each.found for each in found.expansions} == {"address"}
    assert "Fish Street" in contents(found)[0]


def test_no_word_of_another_tenant_corrects_a_question(shop, globex):
    with tenant_context(globex.tenant):
        theirs = make_bot()
        teach(theirs, "# Secret\n\nThe zeppelin flies at midnight.", name="Plans")
        assert {each.found for each in find(theirs, "zepelin")} == {"zeppelin"}
        assert find(theirs, "adress") == []
    assert find(shop, "zepelin") == [] and find(shop, "midnihgt") == []


def test_a_word_that_is_gone_corrects_nothing(in_acme):
    bot = make_bot()
    teach(bot, SHOP, name="Shop")
    gone = teach(bot, "# Secret\n\nThe zeppelin flies.", name="Plans")
    assert find(bot, "zepelin")
    forget_knowledge(gone.pk)
    assert find(bot, "zepelin") == []


def test_the_vocabulary_is_asked_only_where_a_word_is_unknown(shop):
    def count(question: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            find(shop, question)
        return sum("lex_df" in query["sql"] and "LATERAL" in query["sql"] for query in queries)

    assert count("shipping to your address") == 0
    assert count("shiping to your adress") == 2, "and once more as it is spelled right"


def test_a_question_of_a_thousand_unknown_words_is_bounded(shop):
    words = " ".join(
        f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}adres" for n in range(1000)
    )
    found = ask(shop, words)
    assert len(found.expansions) <= 100


def test_spellings_of_an_older_base_are_filled_in_from_its_chunks(shop):
    before = dict(LexiconTerm.objects.values_list("term", "text"))
    LexiconTerm.objects.update(text=None)
    assert find(shop, "adress") == []
    assert fill_in_spellings() == len(before) and fill_in_spellings() == 0
    assert dict(LexiconTerm.objects.values_list("term", "text")) == before
    assert before[term_id("address")] == "address" and before[term_id("xr4420")] == ""


def test_a_recount_keeps_the_spellings(shop):
    before = dict(LexiconTerm.objects.values_list("term", "text"))
    LexiconTerm.objects.filter(text="address").update(df=7)
    LexiconTerm.objects.filter(text="harbour").delete()
    assert recount_statistics()
    assert dict(LexiconTerm.objects.values_list("term", "text")) == before


def test_a_word_that_no_page_has_is_searched_as_one_of_the_same_meaning(town):
    found = ask(town, Query("Wann ist das Entgelt zu begleichen?", "de"))
    assert "Gebühr" in contents(found)[0]
    meant = {each.found: each.stands_in for each in found.expansions if each.kind == "meaning"}
    assert meant["gebuhr"] and sum(meant.values()) == 2


def test_a_compound_stands_in_before_a_word_of_the_same_meaning(town):
    teach(town, "# Versand\n\nDie Postzustellung ist morgens, die Lieferung mittags.", name="Post")
    found = {each.found: each for each in find(town, "Wann ist die Zustellung?", "de")}
    assert found["postzustell"].stands_in and not found["liefer"].stands_in


@pytest.mark.parametrize(
    ("question", "found"),
    [("Wann wird sie leeren?", "geleert"), ("Ist die Gebühr bezahlt?", "bezahl")],
)
def test_an_unknown_word_is_read_as_one_of_its_other_forms(town, question, found):
    forms = {each.found: each for each in find(town, question, "de") if each.kind == "form"}
    assert forms[found].stands_in


def test_a_framing_word_that_no_page_has_makes_nobody_less_sure(town):
    plain, framed = (
        ask(town, Query(text, "de")) for text in ("Hundesteuer", "Wie teuer ist die Hundesteuer?")
    )
    assert framed.confidence == pytest.approx(plain.confidence)
