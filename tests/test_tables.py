"""The tables of formats and languages: a row that is there is there everywhere, and whole."""

from __future__ import annotations

import gettext
import re
from dataclasses import astuple, fields

import pytest
import Stemmer

from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.registry import (
    BY_SUFFIX,
    FORMATS,
    describe_restricting,
    describe_survival,
    format_of_answer,
)
from minirag.lib.text.analysis import analyse
from minirag.lib.text.language_table import LANGUAGES, back_words_in, comma_in
from minirag.lib.text.languages import LANGUAGE_OF_SCRIPT, script_of
from minirag.lib.text.phrases import CATALOGUES, DOMAIN, SPOKEN, Phrases, phrases_in
from minirag.lib.text.short_texts import small_talk_in
from minirag.lib.text.stopwords import STOP_WORDS
from tests.test_architecture import ROOT
from translating.build import read
from widget.build import languages


@pytest.mark.parametrize("row", FORMATS.values(), ids=FORMATS)
class TestFormats:
    def test_it_says_everything(self, row):
        assert re.fullmatch(r"[a-z0-9]{1,10}", row.kind) and row.name.strip() == row.name != ""
        assert row.suffixes and row.media_types
        assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in row.suffixes)
        assert all(re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", name) for name in row.media_types)
        assert row.parse.__module__.startswith("knowledge.formats.")

    def test_it_is_found_by_each_of_its_names(self, row):
        assert all(BY_SUFFIX[suffix] is row for suffix in row.suffixes), "a suffix has two formats"
        assert all(format_of_answer("x", name) is row for name in row.media_types)

    def test_large_libraries_stay_in_a_process_of_their_own(self, row):
        source = (ROOT / (row.parse.__module__.replace(".", "/") + ".py")).read_text()
        is_large = re.search(
            r"import (pypdfium2|docx|openpyxl|pptx)|from (selectolax|docx|striprtf|defusedxml)",
            source,
        )
        assert not (is_large and row.in_process_bytes)

    def test_its_own_bytes_are_read_or_refused_with_a_reason(self, row):
        for data in (b"Hello there", b"PK\x03\x04", b"\x00\xff"):
            try:
                assert parse(data, kind=row.kind, name="x").sections
            except ParseError as error:
                assert error.reason.endswith(".")


def test_the_docs_say_what_survives_of_each_format():
    """Else: `python -m knowledge.formats.registry`."""
    page = (ROOT / "docs" / "knowledge.md").read_text()
    assert describe_survival() in page and describe_restricting() in page


def test_no_format_is_named_anywhere_else():
    """Before there was a table, a format stood in ten places."""
    kinds = "|".join(FORMATS)
    literal = re.compile(rf"""["'](?:\.?(?:{kinds}))["']""")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "knowledge").rglob("*.py"))
        if "tests" not in path.parts
        and "migrations" not in path.parts
        and path.name != "registry.py"
        and path.parent.name != "pages"  # where "html" is an element
        for line in path.read_text().splitlines()
        if literal.search(line)
        and "examples=" not in line
        and not re.search('preferencelist=|[.]rels|mode="json"', line)
    ]
    assert found == []


@pytest.mark.parametrize("row", LANGUAGES.values(), ids=LANGUAGES)
class TestLanguages:
    def test_it_says_everything(self, row):
        assert re.fullmatch(r"[a-z]{2}", row.code) and row.name.istitle()
        assert row.script in LANGUAGE_OF_SCRIPT
        assert not row.stemmer or row.stemmer in Stemmer.algorithms()
        assert row.direction == ("rtl" if row.script in ("arabic", "hebrew") else "ltr")

    def test_its_words_are_written_as_they_are_compared(self, row):
        for column in ("abbreviations", "after_ordinals", "back_words"):
            words = getattr(row, column).split()
            assert words == [word.lower().rstrip(".") for word in words]
            assert len(words) == len(set(words)), column

    def test_one_that_we_speak_is_whole(self, row):
        if not row.is_spoken:
            return
        dense = row.script in ("han", "kana", "hangul")
        has_stemmer = row.name.lower() in Stemmer.algorithms()
        assert bool(row.stemmer) == has_stemmer
        assert dense or (row.stop_words and row.abbreviations)
        assert row.back_words and (row.back_words != LANGUAGES["en"].back_words or row.code == "en")

    def test_it_is_indexed(self, row):
        assert analyse("AX-200", row.code)


def test_every_stop_word_belongs_to_a_row_and_every_script_to_a_language():
    assert set(STOP_WORDS) <= set(LANGUAGES)
    assert set(LANGUAGE_OF_SCRIPT.values()) <= set(LANGUAGES)
    assert all(LANGUAGES[code].script == script for script, code in LANGUAGE_OF_SCRIPT.items())


ENGLISH = {each.name: each.default for each in fields(Phrases)}
OFFICIAL_IN_THE_EU = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"
MORE = "ar hi ja ko ru tr uk zh"


def test_we_speak_the_languages_of_the_eu_and_eight_more():
    assert set(SPOKEN) == {*OFFICIAL_IN_THE_EU.split(), *MORE.split()}
    assert {path.name for path in CATALOGUES.iterdir()} == set(SPOKEN)


@pytest.mark.parametrize("language", sorted(set(SPOKEN) - {"en"}))
class TestCatalogues:
    def test_every_phrase_is_translated(self, language):
        said = {name: getattr(SPOKEN[language], name) for name in ENGLISH}
        assert [name for name, text in said.items() if text == ENGLISH[name]] == []
        for name, text in said.items():
            assert text.strip() == text != "" and "  " not in text, name
            assert text.count("{}") == ENGLISH[name].count("{}"), name
            assert not re.search(r"[{}]", text.replace("{}", "")), name
        assert len(set(said.values())) == len(said)

    def test_it_is_written_in_its_script(self, language):
        script = LANGUAGES[language].script
        scripts = {script, "han"} if script == "kana" else {script}
        for text in astuple(SPOKEN[language]):
            assert {script_of(letter) for letter in text if letter.isalpha()} <= scripts, text

    def test_what_is_read_is_what_translators_wrote(self, language):
        """Else: `python -m translating.build`."""
        folder = CATALOGUES / language / "LC_MESSAGES"
        written = {
            (message.context, message.id): message.string
            for message in read(folder / f"{DOMAIN}.po")
            if message.id
        }
        assert set(written) == set(ENGLISH.items())
        compiled = gettext.translation(DOMAIN, CATALOGUES, [language])
        assert written == {key: compiled.pgettext(*key) for key in written}


@pytest.mark.parametrize("language", sorted(SPOKEN))
def test_each_language_that_we_speak_has_its_small_talk(language):
    columns = small_talk_in(language)
    assert {"greeting", "thanks", "agreed", "goodbye", "identity", "ability", "person"} < set(
        columns
    )
    assert all(len(set(phrases)) == len(phrases) >= 5 for phrases in columns.values())
    assert all(
        phrase == " ".join(phrase.split()) != ""
        for phrases in columns.values()
        for phrase in phrases
    )


def test_a_language_that_we_do_not_speak_is_answered_in_english():
    assert phrases_in("xx") == phrases_in("eu") == SPOKEN["en"]
    assert back_words_in("xx") == back_words_in("en")
    assert comma_in("xx") == comma_in("fa") == ", "


def test_the_docs_list_the_languages_that_we_speak():
    page = (ROOT / "docs" / "knowledge.md").read_text()
    listed = re.search(r"one in the question's language \(([^)]*)\)", page)
    assert listed and listed[1].split(", ") == [LANGUAGES[code].name for code in SPOKEN]


def test_the_widget_speaks_only_languages_of_the_table():
    assert set(languages()) <= set(SPOKEN)
