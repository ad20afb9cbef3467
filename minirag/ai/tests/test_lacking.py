"""What is asked for exactly has to be said, however alike the words are."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.lacking.finding import find_lacking
from minirag.ai.builtin.lacking.said import read_said
from minirag.ai.builtin.sentences.question_words import find_words, weigh_words
from minirag.lib.asking.answer_types import read_question


def lacks(
    question: str, *quoted: str, language: str = "en", meant: str = "", above: str = ""
) -> str:
    """What is lacking where these words are said in others, and the rest as they are or not at all."""
    words = weigh_words(question, language, {})
    found = find_words(words, " ".join(quoted), above, language, {})
    missing = [each for each in words if found[each] < 0.5 and not each.is_framing]
    return find_lacking(
        question, words, [each for each in missing if each.text not in meant.split()],
        read_said(words, [(text, above) for text in quoted], language, {}),
        read_question(question, language), language, {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who cleans the bikes?", "Every bike is checked and cleaned after each hire."),
        ("Who pays for the return?", "Within 5 working days, by the way in which you paid."),
        ("Who pays if I crash into a car?", "You pay when you collect the bike."),
        ("Who pays for the way back?", "Goods that come back within 3 years are free of duty."),
        (
            "Who repairs the display?",
            "The check costs 25 euros, which we credit against the repair.",
        ),
        ("Who is the head of support?", "Questions that reach the Breva service desk most often."),
        ("Who is the head of support?", "Our head of support replies within a day."),
        ("Who owns the company?", "Lockstead Self Storage is a family business."),
        ("Who owns the brewery?", "We brew our own pale ale, Mill Race, in the brewery."),
    ],
)
def test_who_does_it_is_not_said(question, text):
    assert lacks(question, text) == "person"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who cleans the bikes?", "Our mechanics clean every bike after each hire."),
        ("Who pays for the return?", "We pay for the return if the parcel was damaged."),
        ("Who pays the card fee?", "The card fee is paid by you, not by your client."),
        ("Who runs the workshop?", "Our workshop is led by Gareth Lunn."),
        ("Who may change the billing?", "Role: Owner, Write invoices: yes, Change billing: yes"),
        ("Who is the head of support?", "Mira Stone is the head of support."),
        ("Who do I write to?", "Write to help@example.com."),
        ("Who owns the inn?", "The inn is owned by Ines Garrick."),
    ],
)
def test_who_does_it_is_said(question, text):
    assert lacks(question, text) == ""


def test_what_somebody_pays_for_stands_beside_it():
    text, other = "Uninsured shippers must pay a deposit.", "The return takes a week."
    assert lacks("Who pays for the way back?", text, other, meant="way back") == "person"


def test_in_german_what_is_done_has_to_be_said_and_names_are_no_nouns():
    missed = "Auf unsere Kronen geben wir vier Jahre Garantie."
    assert lacks("Wer bezahlt die Krone?", missed, language="de") == "person"
    assert lacks("Wer bezahlt die Krone?", "Die Krone zahlt die Kasse.", language="de") == ""
    clinic = "Dafür überweisen wir in die Klinik Elbaue."
    assert lacks("Wer ist die Leiterin der Klinik Elbaue?", clinic, language="de") == "person"
    narcosis = "Eine Vollnarkose macht die Klinik Elbaue."
    assert lacks("Wer ist die Leiterin der Klinik Elbaue?", narcosis, language="de") == "person"
    led = "Leiterin der Klinik Elbaue ist Nele Brandt."
    assert lacks("Wer ist die Leiterin der Klinik Elbaue?", led, language="de") == ""


def test_an_amount_stands_beside_a_word_of_the_question():
    cleaning = "Eine Zahnreinigung dauert etwa 60 Minuten."
    question = "Wie lange dauert ein Bleaching?"
    assert (
        lacks(question, cleaning, "Bleaching macht die Zähne heller.", language="de") == "duration"
    )
    assert lacks(question, cleaning, language="de", above="Bleaching") == ""
    assert lacks(question, "Ein Bleaching dauert 90 Minuten.", language="de") == ""


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How deep is the river at the weir?", "Trout under 25 cm go back into the river."),
        ("What colour is your van?", "We began in 2004 with a red lorry."),
        ("What colour is your van?", "Our van has two seats."),
        ("Which is the most popular ride?", "The Mill Loop is a ride of 12 km."),
        ("Which guide has the best rating?", "Our guides Ann and Ben know each stone."),
        ("How old is Dilys?", "Dilys began in 2004."),
    ],
)
def test_a_measure_is_said_of_what_is_asked_about(question, text):
    assert lacks(question, text) in ("measure", "number")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How deep is the river at the weir?", "At the weir the river is 3 m deep."),
        ("What colour is your van?", "Look for the red van."),
        ("Which is the most popular ride?", "Most people take the Mill Loop, a ride of 12 km."),
        ("How old is Dilys?", "Dilys was born in 1950."),
    ],
)
def test_a_measure_that_is_said_is_none_that_lacks(question, text):
    assert lacks(question, text) == ""


def test_what_something_is_called_has_a_name():
    fed = "The farm next door lets children feed the goats at 4 pm."
    assert lacks("What are the names of the goats?", fed) == "name"
    assert lacks("What are the names of the goats?", "Our goats are Hazel and Rowan.") == ""
    assert lacks("What is your ship called?", "The ship sails at noon.") == "name"
    assert lacks("What is your ship called?", "Our ship is the Aurora.") == ""


def test_somebody_by_name_is_reached_by_their_own_number():
    office, owen = "Call the office on 01632 960 811.", "Owen Tully teaches in Hale."
    assert lacks("What is Owen's phone number?", office, owen) == "contact"
    assert lacks("What is Owen's phone number?", "Ring Owen on 01632 960 812.", office) == ""
    assert lacks("What is your phone number?", office, owen) == ""


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("What does a replacement licence cost?", "A licence costs £34.", "price"),
        ("What does a replacement licence cost?", "A replacement licence costs £20.", ""),
        ("How long does the theory evening last?", "The theory test lasts 50 minutes.", "duration"),
        ("How many pupils does each guide have?", "Last year 68 % of our pupils passed.", "number"),
        ("How many cars do you have?", "None of the cars is older than three years.", "number"),
        ("How many cars do you have?", "We have nine cars.", ""),
        ("How many people fit in the hall?", "Room: Hall, People: 80", ""),
        ("How much is it to borrow a boat?", "A boat is £9 an hour.", ""),
        ("Who teaches boxing for advanced people?", "Carl teaches boxing on Fridays.", "person"),
        ("What time does the test centre open?", "The office is open from 9 am.", "time"),
        ("What time does the test centre open?", "The centre is open from 9 am.", ""),
        ("Are the Clios diesel?", "Lessons are given in a Clio.", "quality"),
        ("Are the Clios diesel?", "Our Clios run on diesel.", ""),
        ("What does a guide earn?", "A guide is paid by card.", "measure"),
    ],
)  # fmt: skip
def test_what_is_asked_of_one_thing_is_not_said_of_another(question, text, lacking):
    assert lacks(question, text) == lacking


def test_what_is_offered_has_all_of_its_words():
    bikes = "Every bike is checked and cleaned after each hire."
    assert lacks("Do you hire out cargo bikes?", bikes) == "thing"
    assert lacks("Do you hire out bikes that I can fold?", bikes) == ""
    assert lacks("Is there somewhere to leave a bike?", bikes) == ""
    assert lacks("Do I lose my money?", bikes) == ""
    assert lacks("Verkauft ihr auch Helme?", bikes, language="de") == "thing"


def test_how_to_do_something_is_answered_where_that_is_said():
    bill = "Die Rechnung ist in 30 Tagen zu bezahlen."
    assert lacks("Wie kann ich meine Rechnung reklamieren?", bill, language="de") == "doing"
    assert lacks("Wie kann ich die Rechnung bezahlen?", bill, language="de") == ""
    assert lacks("Wie viel verdient ein Lehrer?", "Wir haben 32 Lehrer.", language="de") == "doing"
    assert lacks("Wie viel wiegt der Akku?", "Der Akku wiegt 3 kg.", language="de") == ""


def test_a_way_to_pay_is_answered_by_ways_to_pay():
    assert lacks("Can I pay in instalments?", "Businesses pay a fee of 10 %.") == "means"
    assert lacks("Can I pay in cash?", "Pay by debit or credit card.") == ""
    assert lacks("Kann ich bar zahlen?", "Der Preis ist zu zahlen.", language="de") == "means"
    assert lacks("Kann ich bar zahlen?", "Sie zahlen mit Karte.", language="de") == ""


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("How fast does the Volta go?", "Volta, Weight: 23 kg, Range: 90 km", "en"),
        ("How old is the bridge?", "The bridge is at the mill.", "en"),
        ("Wie alt ist Dr. Kühn?", "Dr. Kühn ist an der Haltestelle.", "de"),
    ],
)
def test_speed_and_age_are_measures_of_their_own(question, text, language):
    assert lacks(question, text, language=language) == "measure"


def test_a_telephone_number_counts_nobody():
    phone = "Phone support is for Firm customers: +353 1 555 0190."
    assert lacks("How many customers do you have?", phone) == "number"
    assert lacks("How many customers do you have?", "We have 900 customers.") == ""


@pytest.mark.parametrize(
    ("question", "text", "meant"),
    [
        ("How long does shipping take?", "Parcels usually arrive after 2 to 4 days.", "shipping"),
        ("Who cleans the rooms?", "Our staff tidy the rooms every morning.", "cleans"),
        ("When was the roof renewed?", "We mended the roof after the storm.", "renewed"),
    ],
)
def test_what_is_said_in_other_words_is_not_surely_lacking(question, text, meant):
    assert lacks(question, text, meant=meant) == ""
    assert lacks(question, text) != ""


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Can I pay by invoice?", "Business customers can be invoiced.", "en"),
        ("Do you take vouchers?", "Vouchers can be redeemed at the till.", "en"),
        ("How long does a bank transfer take?", "Bank transfers arrive after two days.", "en"),
        ("When do I pay the invoice?", "The invoice is due within 14 days.", "en"),
        ("Kann ich bar bezahlen?", "Barzahlung ist an der Rezeption möglich.", "de"),
        ("Nehmen Sie Kreditkarten?", "Kreditkarten sind ab 10 Euro willkommen.", "de"),
        ("Wann muss ich die Rechnung bezahlen?", "Die Rechnung ist nach 14 Tagen fällig.", "de"),
        ("Muss ich die Eintrittskarte zahlen?", "Die Eintrittskarte gibt es am Tor.", "de"),
    ],
)
def test_an_invoice_is_paid_and_a_way_to_pay_may_be_welcome(question, text, language):
    assert lacks(question, text, language=language) == ""


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Who pays the return postage?", "Return postage is on us from 50 euros.", "en"),
        ("Who pays for the repair?", "Repairs within the warranty are free.", "en"),
        ("Wer kümmert sich um den Garten?", "Um den Garten kümmern sich zwei Gärtner.", "de"),
        ("When was the house built?", "It dates back to the Middle Ages.", "en"),
        ("Wann wurde das Haus renoviert?", "Das Haus wurde letztes Jahr saniert.", "de"),
    ],
)
def test_other_ways_to_say_who_and_when(question, text, language):
    assert lacks(question, text, language=language) == ""


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Who are the trainers?", "Our trainers are Anna and Ben.", "en"),
        ("Who is the operator?", "The operator of the pool is the council.", "en"),
        ("Who is the author?", "The author is Mary.", "en"),
        ("Wer ist der Träger?", "Träger ist die Stadt.", "de"),
        ("Wer ist der Koch?", "Unser Koch Luca kocht jeden Abend.", "de"),
    ],
)
def test_one_name_is_enough_where_the_rest_is_said(question, text, language):
    assert lacks(question, text, language=language) == ""


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("Do you buy old radios?", "The shop sells kits for old radios.", "trade"),
        ("Do you buy old radios?", "We take old radios in exchange.", ""),
        ("Do you sell radios?", "Radios can be hired for £5.", "trade"),
        ("Do you sell radios?", "Radios cost £5.", ""),
        ("Can I buy a radio?", "Our shop has radios.", ""),
        ("Can I hire a radio by the month?", "Radios are hired for two days or more.", "unit"),
        ("Can I hire a radio by the month?", "Radios are £9 monthly.", ""),
        ("What does a radio cost for a whole day?", "Radios are £5 for 90 minutes.", "unit"),
        ("Do nurses get a discount?", "A discount is for two radios.", "trade"),
        ("Do nurses get a discount?", "Nurses have a discount of 10 %.", ""),
        ("How much does the guard earn?", "A guard walks round the house twice.", "measure"),
        ("How much time should I allow?", "Plan two to three hours.", ""),
        ("Who started the company?", "It was founded by Orla Byrne.", ""),
        ("How long is a voucher valid?", "A voucher is good for 24 months.", ""),
        ("Is the radio suitable for children?", "The radio is for children.", ""),
        ("Is the radio wooden?", "The radio is for children.", "quality"),
        ("Is there a quiet time for my child?", "There is a quiet time on Mondays.", ""),
    ],
)  # fmt: skip
def test_which_way_a_trade_goes_for_how_long_and_for_whom_has_to_be_said(question, text, lacking):
    assert lacks(question, text) == lacking


@pytest.mark.parametrize(
    ("question", "text", "language", "lacking"),
    [
        ("Kauft ihr alte Radios?", "Im Laden verkaufen wir Radios.", "de", "trade"),
        ("Verkauft ihr Radios?", "Radios verleihen wir für 5 Euro.", "de", "trade"),
        ("Verkauft ihr Radios?", "Ein Radio kostet 5 Euro.", "de", ""),
        ("Was kostet ein Radio pro Tag?", "Ein Radio kostet 5 Euro je Stunde.", "de", "unit"),
        ("Was kostet ein Radio pro Jahr?", "Ein Radio kostet 5 Euro jährlich.", "de", ""),
        ("Was kostet ein Radio pro Tag?", "Ein Radio kostet 5 Euro am Samstag.", "de", "unit"),
        ("Was kostet ein Radio pro Tag?", "Ein Radio kostet 5 Euro je Werktag.", "de", ""),
        ("Wat kost een radio per dag?", "Een radio kost 5 euro op vrijdag.", "nl", "unit"),
        ("La radio est au mois d'août ?", "La radio est du 1 au 9 août.", "fr", ""),
        ("La radio doit être à l'heure ?", "La radio a dix minutes de retard.", "fr", ""),
        ("La radio coûte combien à l'heure ?", "La radio coûte 5 € par jour.", "fr", "unit"),
        ("¿La radio es al día siguiente?", "La radio es el lunes.", "es", ""),
        ("La radio è al mese di maggio?", "La radio è a maggio.", "it", ""),
        ("Bekommen Lehrer Rabatt auf Radios?", "Rabatt gibt es ab zwei Radios.", "de", "trade"),
        ("Combien coûte la radio par semaine ?", "La radio coûte 5 € par jour.", "fr", "unit"),
        ("Vendez-vous des radios ?", "Les radios se louent 5 € par jour.", "fr", "trade"),
        ("¿Venden radios?", "Alquilamos radios por 5 €.", "es", "trade"),
        ("Quanto costa la radio al mese?", "La radio costa 5 euro al giorno.", "it", "unit"),
        ("Verkopen jullie een radio?", "Een radio huren kost 5 euro.", "nl", "trade"),
    ],
)  # fmt: skip
def test_other_languages_ask_for_the_same(question, text, language, lacking):
    assert lacks(question, text, language=language) == lacking
