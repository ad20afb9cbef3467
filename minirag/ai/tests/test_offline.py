from __future__ import annotations

import time

import numpy as np
import pytest

from minirag.ai.builtin import local, scoring
from minirag.ai.builtin.offline import (
    NOT_FOUND,
    OfflinePassage,
    answer_question,
    compose_answer,
    split_pieces,
)
from minirag.ai.builtin.quoting import LONGEST_QUOTE, read_quotes, split_quotes
from minirag.ai.builtin.sentences.candidates import list_candidates

HANDBOOK = OfflinePassage(
    1,
    "Warranty",
    "Every pump carries a warranty. The warranty lasts 24 months from delivery. "
    "Anna Berger leads the service team. Seals are not covered.",
    0.9,
)
FAQ = OfflinePassage(
    2, "Shipping", "Parcels leave Graz every evening. Delivery takes two working days.", 0.6
)


def rank(question: str, *passages: OfflinePassage, **options) -> list[str]:
    candidates = list_candidates(passages)
    scores = scoring.score_candidates(
        question, candidates, options.get("term_weights", {}), options.get("embed"),
        is_multilingual=options.get("is_multilingual", False), read=options.get("read"),
    ).scores  # fmt: skip
    return [
        candidates[index].text
        for index in sorted(range(len(scores)), key=lambda index: -scores[index])
    ]


class TestAnswers:
    def test_the_answering_sentence_is_quoted_with_its_own_citation(self):
        answer = compose_answer("How long does the warranty last?", [HANDBOOK, FAQ])
        assert "The warranty lasts 24 months from delivery. [1]" in answer

    def test_a_sentence_that_is_much_worse_than_the_best_is_left_out(self):
        answer = compose_answer("Who leads the service team?", [HANDBOOK, FAQ])
        assert answer == "Anna Berger leads the service team. [1]"

    def test_sentences_of_one_passage_keep_their_order(self):
        passage = OfflinePassage(
            4, "", "The blue valve opens first. Nothing else moves. The blue valve closes last.", 1
        )
        answer = compose_answer("Does the blue valve close or open?", [passage])
        assert answer.index("opens first. [4]") < answer.index("closes last. [4]")

    def test_the_passage_with_the_best_sentence_comes_first(self):
        answer = compose_answer("How many working days does delivery take?", [HANDBOOK, FAQ])
        assert answer.startswith("Delivery takes two working days. [2]")

    def test_without_passages_the_answer_is_honest(self):
        assert compose_answer("Anything?", []) == NOT_FOUND

    def test_passages_with_nothing_to_quote_count_as_none(self):
        assert (
            compose_answer("Anything?", [OfflinePassage(1, "T", "# Only a heading\n\n---\n", 1)])
            == NOT_FOUND
        )

    def test_a_sentence_that_overlapping_chunks_share_is_quoted_once(self):
        again = OfflinePassage(
            3, "Warranty", "The warranty lasts 24 months from delivery. Call us.", 0.5
        )
        answer = compose_answer("How long does the warranty last?", [HANDBOOK, again], sentences=5)
        assert answer.count("24 months") == 1
        assert "24 months from delivery. [1]" in answer

    def test_a_heading_that_a_chunk_repeats_is_not_quoted(self):
        passage = OfflinePassage(
            1, "Handbook > Warranty period", "Warranty period\n\nIt lasts 24 months.", 1
        )
        assert (
            compose_answer("What is the warranty period?", [passage]) == "It lasts 24 months. [1]"
        )

    def test_items_of_one_list_are_quoted_as_a_list(self):
        passage = OfflinePassage(1, "", "- Blue pump: 40 litres\n- Red pump: 60 litres", 1)
        answer = compose_answer("litres of the blue and the red pump", [passage])
        assert answer == "- Blue pump: 40 litres [1]\n- Red pump: 60 litres [1]"

    @pytest.mark.parametrize("question", ["", "?!", "the of and", "\x00", "x" * 5000])
    def test_any_question_gets_an_answer(self, question):
        assert compose_answer(question, [HANDBOOK])

    def test_scores_of_zero_and_below_do_no_harm(self):
        assert "[7]" in compose_answer(
            "warranty", [OfflinePassage(7, "", "A warranty exists.", 0.0)]
        )
        assert "[8]" in compose_answer(
            "warranty", [OfflinePassage(8, "", "A warranty exists.", -1.0)]
        )


HOURS = OfflinePassage(
    1,
    "Our shops",
    "Come in and taste.\n\n | Carrow | Hexley\nMonday | 8 am to 6 pm | closed\n"
    "Tuesday to Friday | 9 am to 5 pm | 10 am to 4 pm\nSunday | closed | closed",
    0.9,
)
PASSPORT = OfflinePassage(
    1,
    "Ausweise > Reisepass",
    "Den Reisepass beantragen Sie persönlich. Bitte bringen Sie diese Unterlagen mit:\n\n"
    "- den alten Pass\n- ein Lichtbild\n- die Geburtsurkunde\n\nDer Pass kostet für Erwachsene 70 €. "
    "Die Herstellung dauert fünf Wochen.",
    0.9,
)


class TestTheFactThatIsAsked:
    def test_of_a_table_the_row_with_its_header(self):
        table = OfflinePassage(
            2,
            "Fault codes",
            "Code | Meaning | What to do\nE-300 | No water | Fill the tank\nE-310 | Pump blocked | Clean the valve",
            0.9,
        )
        answer = compose_answer("E-310", [HANDBOOK, table])
        assert answer.startswith(
            "Code: E-310, Meaning: Pump blocked, What to do: Clean the valve. [2]"
        )

    def test_of_opening_hours_the_day_and_the_place(self):
        answer = compose_answer("Is Hexley open on Wednesday?", [HOURS], sentences=1)
        assert answer == "Tuesday to Friday, Carrow: 9 am to 5 pm, Hexley: 10 am to 4 pm. [1]"

    def test_a_question_for_a_price_is_answered_with_one(self):
        answer = compose_answer("Was kostet der Pass?", [PASSPORT], sentences=1)
        assert answer == "Der Pass kostet für Erwachsene 70 €. [1]"

    def test_a_question_how_long_is_answered_with_a_time(self):
        answer = compose_answer("Wie lange dauert das beim Pass?", [PASSPORT], sentences=1)
        assert answer == "Die Herstellung dauert fünf Wochen. [1]"

    def test_a_list_is_given_whole_and_as_a_list(self):
        answer = compose_answer(
            "Welche Unterlagen brauche ich für den Reisepass?", [PASSPORT], sentences=1
        )
        assert answer == (
            "Bitte bringen Sie diese Unterlagen mit: [1]\n\n"
            "- den alten Pass [1]\n- ein Lichtbild [1]\n- die Geburtsurkunde [1]"
        )

    def test_steps_are_given_whole_and_in_order(self):
        steps = OfflinePassage(
            3,
            "Descaling",
            "1. Empty the tank.\n2. Pour in the descaler.\n3. Start the descaling programme.\n4. Rinse twice.",
            0.9,
        )
        answer = compose_answer("How do I start the descaling programme?", [steps], sentences=1)
        assert [line[:2] for line in answer.splitlines()] == ["1.", "2.", "3.", "4."]

    def test_a_long_list_is_bounded(self):
        items = "\n".join(f"- thing number {number}" for number in range(100))
        long = OfflinePassage(1, "", f"These things are needed:\n\n{items}", 1)
        answer = compose_answer("Which things are needed?", [long], sentences=1)
        assert 10 <= answer.count("- thing") <= 20

    def test_below_a_heading_that_asks_the_question_stands_the_answer(self):
        faq = OfflinePassage(
            5,
            "FAQ > Can I bring my dog?",
            "Yes, on a lead. In the station it is forbidden.\n\nCats stay at home.",
            0.8,
        )
        answer = compose_answer("can I bring a dog", [HANDBOOK, faq])
        assert answer.startswith("Yes, on a lead. [5] In the station it is forbidden. [5]")
        assert "[1]" not in answer

    def test_what_stands_under_a_lead_in_is_read_with_it(self):
        passage = OfflinePassage(
            1,
            "",
            "The pump has a long warranty. It lasts 24 months. The valve is blue. It weighs 3 kg.",
            1,
        )
        assert "It lasts 24 months. [1]" in compose_answer(
            "How long is the warranty of the pump?", [passage]
        )

    def test_a_question_in_the_text_is_no_answer(self):
        passage = OfflinePassage(
            1, "", "Do you repair grinders? Every grinder that we sell is mended by us.", 1
        )
        assert compose_answer("Do you repair grinders?", [passage], sentences=1).startswith(
            "Every grinder"
        )


class TestScoring:
    def test_rare_words_weigh_more_than_frequent_ones(self):
        passage = OfflinePassage(
            1, "", "Company news are here today for you. A seal broke during the night.", 1
        )
        weights = {"compani": 0.1, "seal": 5.0}
        assert rank("company seal", passage, term_weights=weights)[0].startswith("A seal")

    def test_an_unknown_word_counts_as_the_rarest(self):
        weights = scoring.weigh_question(["pump", "zyx"], [], {"pump": 2.0, "valve": 4.0})
        assert weights == {"pump": 2.0, "zyx": 4.0}

    def test_coverage_is_the_share_of_the_questions_weight(self):
        assert scoring.cover_question({"pump": 3.0, "seal": 1.0}, ["pump", "pump", "oil"]) == 0.75
        assert scoring.cover_question({}, ["pump"]) == 0.0

    def test_an_embedder_sees_the_question_and_each_sentence_under_its_heading(self):
        seen = []

        def embed(texts: list[str]) -> np.ndarray:
            seen.extend(texts)
            vectors = np.zeros((len(texts), 2), dtype=np.float32)
            vectors[:, 0] = [1, *(float("Seals" in text) for text in texts[1:])]
            return vectors

        assert (
            rank("completely different words", HANDBOOK, embed=embed)[0] == "Seals are not covered."
        )
        assert seen[0] == "completely different words"
        assert seen[1] == "Warranty: Every pump carries a warranty."

    def test_the_english_embedder_is_not_asked_about_german(self):
        def embed(texts: list[str]) -> np.ndarray:
            raise AssertionError("asked")

        german = OfflinePassage(
            1,
            "",
            "Die Garantie dauert zwei Jahre ab Lieferung. Das Lager befindet sich in der Stadt Graz.",
            1,
        )
        assert rank("Wie lange dauert die Garantie?", german, embed=embed)[0].startswith(
            "Die Garantie"
        )

    def test_a_multilingual_embedder_is_asked_about_german(self):
        text = "Das Lager ist in der Stadt Graz. Für Mängel haften wir zwei Jahre."
        german = OfflinePassage(1, "", text, 1)

        def embed(texts: list[str]) -> np.ndarray:
            vectors = np.zeros((len(texts), 2), dtype=np.float32)
            vectors[:, 0] = [1, *(float("haften" in text) for text in texts[1:])]
            return vectors

        found = rank("Wie lange gilt die Garantie?", german, embed=embed, is_multilingual=True)
        assert found[0].startswith("Für Mängel")

    def test_one_foreign_line_does_not_switch_the_embedder_off(self):
        german = OfflinePassage(
            2, "", "Die Garantie dauert zwei Jahre ab der Lieferung an den Kunden.", 0.1
        )
        asked = []

        def embed(texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return np.ones((len(texts), 1), dtype=np.float32)

        rank("How long does the warranty last?", HANDBOOK, german, embed=embed)
        assert len(asked) == 6

    def test_no_more_than_a_bounded_number_of_sentences_is_embedded(self):
        asked = []

        def embed(texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return np.ones((len(texts), 1), dtype=np.float32)

        text = " ".join(
            f"The pump number {number} is running in our hall." for number in range(200)
        )
        ranked = rank("Where is pump 150?", OfflinePassage(1, "", text, 1), embed=embed)
        assert len(asked) == 1 + scoring.AMONG_MANY.most
        assert ranked[0] == "The pump number 150 is running in our hall."

    def test_of_long_sentences_fewer_are_embedded(self):
        asked = []

        def embed(texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return np.ones((len(texts), 1), dtype=np.float32)

        text = " ".join(
            f"The pump {n} is running in our {'very ' * 60}large hall." for n in range(40)
        )
        rank("Where is the pump?", OfflinePassage(1, "", text, 1), embed=embed)
        assert len(asked) == 1 + scoring.LEAST_EMBEDDED

    def test_of_two_sentences_that_are_as_like_the_one_with_the_words_of_the_question_is_better(
        self, embedder
    ):
        passage = OfflinePassage(
            1,
            "Club",
            "Guests pay eight pounds a visit. Each member may bring one friend a month for nothing. "
            "The season ends in May.",
            1,
        )
        read = local.find_sentence_reader()
        embed = local.find_sentence_embedder()
        best, *_ = rank("May I take a mate along for free?", passage, embed=embed, read=read)
        assert best == "Each member may bring one friend a month for nothing."

    def test_minilm_finds_a_paraphrase_that_shares_no_word(self, embedder):
        passage = OfflinePassage(
            1,
            "Staff",
            "The canteen opens at noon. Our chief executive is Maria Huber. Parking is free.",
            1,
        )
        embed = local.find_sentence_embedder()
        assert (
            rank("Name the head of this firm", passage, embed=embed)[0]
            == "Our chief executive is Maria Huber."
        )


class TestQuoting:
    @pytest.mark.parametrize(
        ("markdown", "quotes"),
        [
            ("# Title\n\nSome text.", ["Some text."]),
            ("A **bold** and *soft* `code` word.", ["A bold and soft code word."]),
            (
                "2 * 3 * 4 is 24, and snake_case_name stays.",
                ["2 * 3 * 4 is 24, and snake_case_name stays."],
            ),
            ("See [the manual](https://example.com/a) now.", ["See the manual now."]),
            ("![A pump](pump.png) stands here.", ["A pump stands here."]),
            ("Paris[1] is large [2, 3].", ["Paris is large."]),
            (
                "- first item\n- [x] second item\n3. third item",
                ["first item", "second item", "third item"],
            ),
            ("> Quoted words.", ["Quoted words."]),
            ("One line\nwrapped here.", ["One line wrapped here."]),
            ("```\nmake run\n```", ["make run"]),
            ("---\n***\n===\n", []),
            (
                "| Plan | Price |\n|---|---:|\n| Pro | 49 |\n| Team | 99 |",
                ["Plan: Pro, Price: 49", "Plan: Team, Price: 99"],
            ),
            ("| a | b |\n| c | d |", ["a, b", "c, d"]),
            (
                "Code | Meaning\nE24 | Fan blocked\nE25 | Fan lost",
                ["Code: E24, Meaning: Fan blocked", "Code: E25, Meaning: Fan lost"],
            ),
            (  # a piece of a table whose header is elsewhere
                "E11 | Voltage low | Use 3 m of cable\nE24 | Fan blocked | Clean it, see 7.2",
                ["E11, Voltage low, Use 3 m of cable", "E24, Fan blocked, Clean it, see 7.2"],
            ),
            (
                "Montag | 9:00 bis 17:30\nDienstag | 10:00 bis 18:00",
                ["Montag, 9:00 bis 17:30", "Dienstag, 10:00 bis 18:00"],
            ),
            ("Tarif | 2025 | 2026\nBasis | 9 | 10", ["Tarif: Basis, 2025: 9, 2026: 10"]),
            (" | One | Pro\nWeight | 165 g | ", ["Weight, One: 165 g"]),
            ("part_number: AC-F02\nprice: 12", ["part number: AC-F02, price: 12"]),
            ("Choose a|b in the menu.", ["Choose a|b in the menu."]),
            ("", []),
        ],
    )
    def test_markdown_is_quoted_as_plain_sentences(self, markdown, quotes):
        assert split_quotes(markdown) == quotes

    def test_an_endless_sentence_is_cut_between_words(self):
        [quote] = split_quotes("word " * 1000)
        assert len(quote) <= LONGEST_QUOTE + 2
        assert quote.endswith("word …")

    def test_a_text_of_a_megabyte_is_split_in_good_time(self):
        started = time.process_time()
        split_quotes("*a [b](c |" * 20_000 + "\n" + "- x | y\n" * 20_000)
        assert time.process_time() - started < 60


def test_pieces_are_words_and_join_to_the_answer():
    answer = "Delivery takes two days. [2] Ask us. [1]"
    pieces = split_pieces(answer)
    assert "".join(pieces) == answer
    assert pieces[:2] == ["Delivery ", "takes "]


def test_a_word_that_search_took_for_the_questions_own_leads_to_the_sentence():
    text = "Leave the parcel at the desk. We pay the deposit back within a week."
    passage = OfflinePassage(1, "Returns", text, 1.0)
    taken = {"deposti": ("deposit",)}
    answer = answer_question("deposti when back?", [passage], variants=taken, sentences=1)
    assert answer.text.startswith("We pay the deposit back")


ERRORS = """| Code | What it means | What to do |
|---|---|---|
| H07 | The door is open | Close the door |
| H08 | The drain is blocked | Call us, error H08 means a visit |
| H17 | The error means nothing | Restart |
"""


@pytest.mark.parametrize(
    "content",
    [
        ERRORS,
        "- H07: the door is open. Close it.\n- H08: the drain is blocked, an error\n- H17: an error that means nothing",
    ],
)
def test_of_a_table_or_list_only_the_row_that_was_asked_for_is_quoted(content):
    passage = OfflinePassage(1, "Dishwasher > Errors", content, 1.0)
    answer = compose_answer("What does error H07 mean?", [passage])
    assert "door" in answer and "H08" not in answer and "H17" not in answer


def test_of_records_only_the_one_that_was_asked_for_is_quoted():
    content = "city: Leipzig\nopening: 10 to 18\n\ncity: Bremen\nopening: 9 to 17"
    answer = compose_answer("When is Bremen open?", [OfflinePassage(1, "Shops", content, 1.0)])
    assert "9 to 17" in answer and "Leipzig" not in answer


def test_rows_that_have_as_much_of_the_question_are_quoted_together():
    passage = OfflinePassage(1, "Dishwasher > Errors", ERRORS, 1.0)
    answer = compose_answer("What do H07 and H08 mean?", [passage])
    assert "H07" in answer and "H08" in answer


def test_a_row_of_the_same_table_in_the_next_passage_is_left_out_as_well():
    head, rows = ERRORS.splitlines()[:2], ERRORS.splitlines()[2:]
    passages = [
        OfflinePassage(number, "Dishwasher > Errors", "\n".join([*head, row]), 1.0, "Manual")
        for number, row in enumerate(rows, start=1)
    ]
    answer = compose_answer("What does error H07 mean?", passages)
    assert "H07" in answer and "H08" not in answer


ASKED = """## May I check in without a credit card?
You may: then we ask for 100 euros in advance.

## May I bring a dog?
No. Cats are welcome."""


def test_a_day_of_a_month_at_the_beginning_of_a_line_is_no_number_of_a_list():
    quotes = read_quotes("14. März, ab 14 Uhr: Tag der offenen Tür\n2. Mai: Fest\n3. Anmelden")
    assert [(each.text, each.marker) for each in quotes] == [
        ("14. März, ab 14 Uhr: Tag der offenen Tür", "-"), ("2. Mai: Fest", "-"), ("Anmelden", "3."),
    ]  # fmt: skip


def test_a_heading_within_a_passage_that_asks_the_same_is_answered_by_what_stands_below():
    passages = [
        OfflinePassage(
            1, "Paying", "You can stay with any card. Credit is given to companies.", 1.0
        ),
        OfflinePassage(2, "Questions", ASKED, 0.6),
    ]
    answer = compose_answer("Is it possible to check in without a credit card?", passages)
    assert "100 euros" in answer and "dog" not in answer and "##" not in answer
    assert "100 euros" not in compose_answer("Which credit do companies get?", passages)


def test_a_heading_within_a_passage_is_read_above_its_text_and_never_quoted():
    quotes = read_quotes("## Opening\nFrom nine to five.\n\n## Prices\nTwo euros.")
    assert [(quote.text, quote.heading) for quote in quotes] == [
        ("From nine to five.", "Opening"), ("Two euros.", "Prices"),
    ]  # fmt: skip


def test_a_table_among_dutch_passages_is_dutch():
    table = OfflinePassage(1, "Eisen", "Systeem | Minimaal\nLinux | Ubuntu of Debian, 8 GB", 1.0)
    prose = OfflinePassage(
        2,
        "Hulp",
        "De link in de mail werkt een uur. Bel ons even als het daarna niet lukt.",
        0.5,
    )
    english = OfflinePassage(3, "Help", "The link is good for an hour.", 0.4)
    languages = {
        each.passage.number: each.language for each in list_candidates([table, prose, english])
    }
    assert languages == {1: "nl", 2: "nl", 3: "en"}


def test_a_short_paragraph_is_quoted_as_a_whole_and_a_long_one_is_not():
    late = OfflinePassage(
        1, "Late returns", "Bikes are due at 6 pm. For each hour that you are late we charge £6. "
        "The key goes into the box.\n\nHelmets are in the shed.", 1.0,
    )  # fmt: skip
    answer = compose_answer("What happens if the bike is late?", [late])
    assert answer.index("6 pm") < answer.index("£6") < answer.index("box") and "shed" not in answer
    long = OfflinePassage(2, "Late returns", f"We ride{', and ride' * 30}. {late.content}", 1.0)
    assert "box" not in compose_answer("What happens if the bike is late?", [long])
    assert "box" not in compose_answer("How much is it if the bike is late?", [late])
