"""Index terms, languages and sentences: the text core that documents and questions share."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minirag.lib.text.analysis import (
    TERM_DIMENSION,
    analyse,
    analyse_words,
    list_words,
    tally,
    term_id,
)
from minirag.lib.text.languages import detect_language
from minirag.lib.text.sentences import split_sentences
from minirag.lib.text.stopwords import STOP_WORDS


def share(question: str, document: str, language: str) -> set[str]:
    return set(analyse(question, language)) & set(analyse(document, language))


class TestTerms:
    def test_words_are_lower_case_and_stemmed_and_stop_words_are_gone(self):
        assert analyse("The Batteries were CHARGING", "en") == ["batteri", "charg"]

    def test_repeated_words_are_repeated_terms_so_that_they_can_be_counted(self):
        assert analyse("pump, pump and pump", "en") == ["pump"] * 3

    @given(
        st.text(
            st.sampled_from("aI1.,-_/: \t\u2028\u00adé\u0301ßИ中ก한İı½²´ΣςЯ\u3000ﬁ")
            | st.characters(codec="utf-8"),
            max_size=60,
        ),
        st.sampled_from(["en", "de", "tr", "el", "zh", "th", ""]),
    )
    def test_a_text_is_tallied_as_its_terms_are_counted(self, text, language):
        assert tally(text, language) == Counter(analyse(text, language))

    def test_slashes_paths_and_addresses_are_cut_into_words(self):
        terms = analyse("either/or in /etc/nginx/conf.d, see https://docs.acme.com/setup", "en")
        assert {"etc", "nginx", "conf", "doc", "acm", "setup"} <= set(terms)

    @pytest.mark.parametrize("written", ["AX-200", "AX200", "ax-200", "AX_200", "ＡＸ-200"])
    @pytest.mark.parametrize("asked", ["AX-200", "AX200", "ax_200", "Is the ax200 waterproof?"])
    def test_a_part_number_is_found_however_its_parts_are_joined(self, written, asked):
        assert "ax200" in share(asked, f"The {written} has a pump.", "en")

    def test_the_parts_of_a_part_number_are_found_too(self):
        assert share("AX 200", "The AX-200 has a pump.", "en") == {"ax", "200"}

    def test_an_error_code_is_one_term(self):
        assert share("What is error E42?", "Error E42: the lid is open.", "en") == {"error", "e42"}

    @pytest.mark.parametrize(
        ("first", "second"),
        [("1,000", "1000"), ("1.000.000", "1000000"), ("3,5", "3.5"), ("1,299.00", "1299")],
    )
    def test_one_number_in_two_notations_is_one_term(self, first, second):
        assert share(first, second, "en")
        assert analyse(second, "en")[-1] in analyse(first, "en")

    def test_versions_and_dates_stay_whole(self):
        assert "2.1.7" in analyse("Since 2.1.7", "en")
        assert "20260314" in analyse("on 2026-03-14", "en")

    def test_a_comma_between_two_codes_does_not_weld_them(self):
        assert "e42e43" not in analyse("E42,E43", "en")

    @pytest.mark.parametrize(
        ("language", "question", "document"),
        [
            ("de", "Schlüssel", "die schlüssel"),
            ("de", "Schluessel", "Schlüssel"),
            ("de", "Strasse", "Straße"),
            ("fr", "cafe", "cafés"),
            ("es", "devolucion", "devoluciones"),
            ("ru", "еще ёлка", "елки"),
            ("ar", "كتاب", "كِتَابٌ"),
            ("tr", "IŞIK", "ışık"),
            ("hi", "किताब", "किताबें"),
            ("en", "naive", "naïve"),
            ("en", "file", "ﬁle"),
            ("en", "cooperate", "co\u00adoperate"),
        ],
    )
    def test_spellings_and_inflections_of_a_word_meet(self, language, question, document):
        assert share(question, document, language)

    def test_indic_vowel_signs_belong_to_their_word(self):
        assert len(analyse("वारंटी", "hi")) == 1
        assert not share("की", "कौ", "zz")

    def test_chinese_is_indexed_by_characters_and_pairs(self):
        assert analyse("保修期", "zh") == ["保", "修", "期", "保修", "修期"]

    def test_thai_characters_keep_their_marks(self):
        assert "กี่" not in analyse("กี่", "th")[1:]
        assert analyse("ที่นี่", "th") == ["ที่", "นี่", "ที่นี่"]

    def test_a_latin_name_inside_japanese_is_a_word(self):
        assert {"ax200", "保証"} <= set(analyse("AX200の保証", "ja"))

    def test_a_foreign_name_is_analysed_alike_in_every_language(self):
        assert analyse("Docker", "ru") == analyse("Docker", "en")
        assert analyse("гарантия", "en") == analyse("гарантия", "ru")

    def test_stop_words_alone_leave_nothing(self):
        assert analyse("Who are you?", "en") == []
        assert analyse("Was ist das?", "de") == []

    def test_apostrophes_leave_no_fragments(self):
        assert analyse("Don't open the pump's lid", "en") == ["open", "pump", "lid"]
        assert analyse("l'été d'aujourd'hui", "fr")[0] == "ete"

    def test_unknown_languages_are_indexed_unstemmed(self):
        assert analyse("Running pumps", "xx") == ["running", "pumps"]

    def test_an_endless_word_becomes_one_bounded_term(self):
        (term,) = analyse("x" * 10_000, "en")
        assert len(term) <= 64

    @pytest.mark.parametrize(
        "unit", ["a", "a-", "1.", "a1/", "é", "م", "东", "\u0301", "<div>", "x_", "1,"]
    )
    def test_a_megabyte_without_a_space_takes_no_more_than_a_moment(self, unit):
        text = unit * (1_000_000 // len(unit))
        started = time.process_time()
        analyse(text, "en")
        assert time.process_time() - started < 60  # quadratic would take hours

    def test_threads_agree_with_each_other(self):
        texts = [f"The charging batteries number {i} were running" for i in range(50)] * 20
        expected = [analyse(text, "en") for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda text: analyse(text, "en"), texts)) == expected

    @given(
        st.text(st.characters(codec=None, exclude_categories=()), max_size=200),
        st.sampled_from([*STOP_WORDS, "zz", ""]),
    )
    @example("\ud800", "en")
    @example("İ\u0307ß\u200d\ufeff", "tr")
    @settings(max_examples=300, deadline=None)
    def test_any_string_gives_clean_terms(self, text, language):
        terms = analyse(text, language)
        assert terms == analyse(text, language)
        assert all(terms)
        assert all(term == term.strip() and not any(map(str.isspace, term)) for term in terms)
        assert all(0 < term_id(term) < TERM_DIMENSION for term in terms)

    @given(st.text(alphabet="abcdeé ÄÖ-/'", max_size=60))
    @settings(deadline=None)
    def test_case_never_matters(self, text):
        assert analyse(text.upper(), "en") == analyse(text.lower(), "en")

    def test_term_ids_never_change(self):
        # 0xCBF43926 is the published check value of CRC-32 for "123456789".
        assert term_id("123456789") == 0xCBF43926 % 999_999_937 + 1 == 421_780_452


class TestLanguages:
    @pytest.mark.parametrize(
        ("language", "question"),
        [
            ("en", "How long is the warranty?"),
            ("de", "Wie lange ist die Garantie?"),
            ("fr", "Quelle est la durée de la garantie ?"),
            ("es", "¿Cuánto dura la garantía?"),
            ("it", "Come posso annullare l'ordine?"),
            ("nl", "Hoe lang is de garantie?"),
            ("pt", "Como posso cancelar o pedido?"),
            ("sv", "Hur lång är garantin?"),
            ("da", "Hvordan annullerer jeg min ordre?"),
            ("fi", "Kuinka pitkä takuu on?"),
            ("pl", "Jak długo trwa gwarancja?"),
            ("cs", "Jak dlouho trvá záruka?"),
            ("hu", "Mennyi ideig tart a garancia?"),
            ("ro", "Cât durează garanția?"),
            ("tr", "Garanti süresi ne kadar?"),
            ("vi", "Bảo hành bao lâu?"),
            ("ru", "Сколько длится гарантия?"),
            ("uk", "Скільки триває гарантія?"),
            ("el", "Πόσο διαρκεί η εγγύηση;"),
            ("he", "כמה זמן האחריות?"),
            ("ar", "كم مدة الضمان؟"),
            ("fa", "مدت گارانتی چقدر است؟"),
            ("hi", "वारंटी कितनी लंबी है?"),
            ("th", "การรับประกันนานแค่ไหน"),
            ("zh", "保修期多长？"),
            ("ja", "保証期間はどのくらいですか？"),
            ("ko", "보증 기간은 얼마나 되나요?"),
        ],
    )
    def test_short_questions_are_recognised(self, language, question):
        assert detect_language(question) == language

    @pytest.mark.parametrize(
        "text", ["", "   ", "12 345", "AX-200", "!!!", "error E42", "war crimes", "men shoes"]
    )
    def test_without_evidence_it_is_english(self, text):
        assert detect_language(text) == "en"

    def test_a_latin_product_name_does_not_make_russian_english(self):
        assert detect_language("Как подключить AX-200 WiFi Controller?") == "ru"

    def test_a_quotation_in_another_script_does_not_decide(self):
        assert (
            detect_language(
                "The company is called 東京電力 and it is based in Tokyo, where it was founded."
            )
            == "en"
        )

    @given(st.text(max_size=300))
    @settings(deadline=None)
    def test_any_text_has_a_language(self, text):
        assert 2 <= len(detect_language(text)) <= 3


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
            ("Dr. Smith met J. R. Tolkien. He left.", ["Dr. Smith met J. R. Tolkien.", "He left."]),
            ("It costs 3.50 EUR. Really.", ["It costs 3.50 EUR.", "Really."]),
            (
                "See Fig. 3 and e.g. Section A. Then go.",
                ["See Fig. 3 and e.g. Section A. Then go."],
            ),
            ('"Stop!" she said. "Why?" He ran.', ['"Stop!" she said.', '"Why?"', "He ran."]),
            ("第一句。第二句！第三句？", ["第一句。", "第二句！", "第三句？"]),
            ("هل تعمل؟ نعم.", ["هل تعمل؟", "نعم."]),
            ("यह है। वह नहीं।", ["यह है।", "वह नहीं।"]),
            ("- one\n- two\n3. three", ["- one", "- two", "3. three"]),
            ("1. Open the lid. Close it.", ["1. Open the lid.", "Close it."]),
            (
                "A line that was merely\nwrapped. Next.",
                ["A line that was merely wrapped.", "Next."],
            ),
            (
                "Bitte wählen, z.B. Rot. Danach weiter.",
                ["Bitte wählen, z.B. Rot.", "Danach weiter."],
            ),
            (
                "Frei bis zum 27. Geburtstag. Der Saal ist im 2. Obergeschoss.",
                ["Frei bis zum 27. Geburtstag.", "Der Saal ist im 2. Obergeschoss."],
            ),
            ("It costs 27. Bring cash.", ["It costs 27.", "Bring cash."]),
            ("", []),
            (" \n\n ", []),
        ],
    )
    def test_text_is_cut_where_sentences_end(self, text, sentences):
        assert split_sentences(text) == sentences

    @given(st.text(alphabet="aB1 .!?\n-。\"'()é", max_size=200))
    @settings(deadline=None)
    def test_no_character_but_spaces_is_lost_or_moved(self, text):
        sentences = split_sentences(text)
        assert "".join("".join(sentences).split()) == "".join(text.split())
        assert all(sentence.strip() == sentence and sentence for sentence in sentences)


def test_more_different_words_than_are_remembered_change_nothing():
    many = " ".join(f"running{number}x" for number in range(70_000))
    first = analyse(f"runs {many} runs", "en")
    assert analyse(f"runs {many} runs", "en") == first
    assert (first[0], len(set(first))) == ("run", 70_001)


def test_codes_are_found_whatever_stands_beside_them():
    text = "plain-words AX-200/b\x1c3.50 (v1.2), no/code\u00a0x1-y"
    assert {"ax200b", "3.50", "v12", "x1y"} <= set(analyse(text, "en"))
    assert "plainwords" not in analyse(text, "en")


@pytest.mark.parametrize(
    "text", ["The pumps of U.S. Army Straße 12-B", "Die Müllabfuhr holt nichts", "泵 и насос"]
)
def test_the_terms_of_words_are_those_that_the_words_have(text):
    for language in ("en", "de", "ru"):
        pairs = analyse_words(text, language)
        assert list_words(text, language) == [term for _, term in pairs if term]
