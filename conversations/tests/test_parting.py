"""A question with several parts is searched in its parts, and each is among what is found."""

from __future__ import annotations

from asgiref.sync import async_to_sync

from conversations.tests.conftest import make_bot, teach
from conversations.understanding.parting import split_parts
from conversations.understanding.reading import read_turn
from knowledge.models import ANYONE
from knowledge.retrieval.retrieving import retrieve

PARTS = [
    ("en", "What does shipping cost and how long does it take?", 2),
    ("en", "What does it cost? When do you open?", 2),
    ("en", "how much is a ticket and can i bring my dog", 2),
    ("en", "I moved to town. Where do I register, and what documents do I bring?", 2),
    ("en", "What is a lease? Who signs it? Where is it kept? When does it end?", 4),
    ("en", "What is a lease? Who signs it? Where is it kept? When does it end? Who pays?", 4),
    ("en", "What does a repair cost, how long does it take and where is the workshop?", 3),
    ("en", "what does a repair cost, how long does it take", 2),
    ("en", "what does a repair cost? how long does it take?", 2),
    ("en", "What does it cost; when do you open; can I bring my dog?", 3),
    ("en", "Can I return it, which documents do I bring and who pays the postage?", 3),
    ("de", "Was kostet der Ausweis und wie lange dauert die Bearbeitung?", 2),
    ("de", "Was kostet der Ausweis, wie lange dauert das und wo ist das Amt?", 3),
    ("de", "was kostet der ausweis, wann habt ihr offen", 2),
    ("fr", "Combien coûte la livraison, quand arrive le colis et où est le magasin ?", 3),
    ("pl", "Ile kosztuje bilet, kiedy otwieracie kasę i gdzie jest wejście?", 3),
    ("nl", "Wat kost een kaartje, hoe lang duurt de tour en waar is de ingang?", 3),
    ("fr", "Combien coûte la livraison et quand arrive le colis ?", 2),
    ("es", "¿Cuánto cuesta el envío y cuándo llega el paquete?", 2),
    ("it", "Quanto costa il biglietto e dov'è l'ingresso?", 2),
    ("nl", "Wat kost een kaartje en wanneer is het museum open?", 2),
    ("pl", "Ile kosztuje bilet i kiedy otwieracie kasę?", 2),
    ("sv", "Vad kostar biljetten och när öppnar kassan?", 2),
    ("el", "Πόσο κοστίζει το εισιτήριο και πότε ανοίγετε;", 2),
    ("ru", "Сколько стоит билет и когда вы открываетесь?", 2),
    ("ja", "料金はいくらですか？いつ開きますか？", 2),
    # What depends on a question is a part of it.
    ("en", "How do I know, when my parcel comes?", 0),
    ("en", "Do you know how long it takes?", 0),
    ("en", "When I come late, can I still check in?", 0),
    ("en", "When the machine beeps, what does it mean?", 0),
    ("en", "Where is the shop, which sells tea?", 0),
    ("en", "When violence is used, what is the penalty?", 0),
    ("en", "In May, where would you go?", 0),
    ("de", "Mit welcher Metrik wird bestimmt, wie groß ein Flughafen ist?", 0),
    ("de", "Wie wurde festgelegt, wie viele er ernennen würde?", 0),
    ("en", "What is a good gift, is there a card?", 0),
    ("de", "Wie finde ich heraus, wann der Bus fährt?", 0),
    ("de", "Wer kann mir sagen, wie lange die Bearbeitung dauert?", 0),
    ("pl", "Czy wiecie, kiedy otwieracie kasę?", 0),
    # Nor is what goes on about a word, or leads to a question, one by itself.
    ("en", "Is the hotel, which is by the lake, open in June, and can I swim?", 2),
    ("en", "Can you tell me, where is the shop and when does it open?", 2),
    ("en", "do you know, what does a ticket cost, how long is a tour and where is the shop", 3),
    ("de", "Können Sie mir sagen, was kostet das Ticket und wie lange dauert die Tour?", 2),
    ("de", "Wie wird bestimmt, wo gebaut wird, und wer entscheidet?", 2),
    ("fr", "Que faire, quand le colis est en retard, et comment appeler ?", 2),
    ("pl", "Co zrobić, kiedy paczka nie przyjdzie, i do kogo dzwonić?", 0),
    ("pl", "Jaka jest osoba, która przyjdzie i kto ją wysyła?", 2),
    ("ru", "Что делать, когда посылка опоздает, и куда звонить?", 2),
    ("ru", "Почему магазин закрыт, сколько ждать и куда звонить?", 3),
    # What is quoted, or is a name, asks nothing.
    ("en", "What is the book 'What is love, what is hate' about?", 0),
    ("en", 'What does "what is a lease, what is a loan and who pays" mean?', 0),
    ("de", "Was heißt „was kostet das, wer zahlt das und wo“?", 0),
    ("en", "What is the kids' menu and what is the parents' menu?", 2),
    ("en", "How much is a room in April and May for two persons?", 0),
    ("en", "What films has Jaden and Will Smith made?", 0),
    # One thing, however many words it takes.
    ("en", "What are the prices of tea and coffee?", 0),
    ("en", "When and where does the tour start?", 0),
    ("en", "Who founded the shop and when?", 0),
    ("en", "Tell me about the shop and what it sells", 0),
    ("en", "Do you sell salt and pepper?", 0),
    ("de", "Wann und wo ist der Markt?", 0),
    ("de", "Wer leitet das Amt und hat Sprechstunde?", 0),
    ("en", "and and and?", 0),
    ("en", "???", 0),
    ("xx", "what and how and why", 0),
    ("en", "What is it and how is it? " * 2000, 0),
]


def test_only_what_asks_for_several_things_is_split():
    found = [(language, text, len(split_parts(text, language))) for language, text, _ in PARTS]
    assert found == PARTS


def test_a_later_part_goes_on_from_the_first():
    query = read_turn("What does the Aeris One cost and how long is its warranty?", ()).query
    first, second = query.parts
    assert (first.text, first.carried) == ("What does the Aeris One cost?", ())
    assert second.is_leaning and "Aeris" in second.meaning
    assert second.carried[0].text == first.text


def test_both_parts_are_among_the_few_passages(in_acme):
    bot = make_bot(passage_count=2)
    for number in range(3):
        teach(
            bot,
            f"The warranty of model {number} is 36 months; ask for the warranty card.",
            f"W{number}",
        )
    teach(bot, "Calibrate the sensor every 6 months with the blue cap.", "Calibration")
    query = read_turn(
        "How many months is the warranty and how often do I calibrate the sensor?", ()
    ).query
    found = async_to_sync(retrieve)(bot, query, audience=ANYONE)
    said = [passage.content for passage in found.passages]
    assert len(said) == 2 and any("warranty" in each for each in said)
    assert any("blue cap" in each for each in said)
    assert found.embedding_tokens > 0 and not found.is_weak


def test_a_part_that_nothing_is_known_of_takes_no_place(acme_bot):
    query = read_turn("How many months is the warranty and who won the chess olympiad?", ()).query
    assert len(query.parts) == 2
    alone = async_to_sync(retrieve)(acme_bot, query.parts[0], audience=ANYONE)
    found = async_to_sync(retrieve)(acme_bot, query, audience=ANYONE)
    assert found.passages == alone.passages and found.confidence == alone.confidence
