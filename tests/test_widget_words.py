"""The widget's own words: each language has all of them, with their placeholders and its plural forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.test_architecture import ROOT
from widget.build import FOLDER, languages, read_words

ENGLISH = read_words("en")
PLURAL_FORMS = {
    "en": "one other", "de": "one other", "nl": "one other", "tr": "one other", "fr": "one many other",
    "es": "one many other", "it": "one many other", "pt": "one many other", "pl": "one few many other",
    "uk": "one few many other", "ar": "zero one two few many other", "zh": "other",
}  # fmt: skip
"""As CLDR has them, whose rules the browser knows (`Intl.PluralRules`)."""
NAMED_FORMS = {"zero", "one", "two"}
"""A language may have a word for these numbers instead of a figure."""


def texts_of(language: str) -> Iterator[tuple[str, str, str]]:
    """Each text with its key and, where it depends on a number, the form."""
    for key, text in read_words(language).items():
        for form, each in text.items() if isinstance(text, dict) else [("", text)]:
            yield key, form, each


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


def test_the_languages_that_it_speaks():
    assert set(languages()) == set(PLURAL_FORMS)
    page = (ROOT / "docs" / "widget.md").read_text()
    listed = re.search(r"The widget speaks ([^.]*)\.", page)
    assert listed and sorted(re.findall(r"`(\w+)`", listed[1])) == languages()


@pytest.mark.parametrize("language", languages())
def test_a_language_has_every_word_with_its_placeholders_and_plural_forms(language):
    words = read_words(language)
    assert list(words) == list(ENGLISH), "the same keys in the same order as in en.json"
    for key, form, text in texts_of(language):
        assert text == text.strip() != "", (key, form)
        assert "<" not in text, (key, form)
        english = ENGLISH[key]
        expected = placeholders(english["other"] if isinstance(english, dict) else english)
        if form not in NAMED_FORMS or "{" in text:
            assert placeholders(text) == expected, (key, form)
    plural = {key for key, text in ENGLISH.items() if isinstance(text, dict)}
    assert {key for key, text in words.items() if isinstance(text, dict)} == plural
    for key in plural:
        assert " ".join(words[key]) == PLURAL_FORMS[language], key


def test_no_language_was_left_in_english():
    for language in set(languages()) - {"en"}:
        words = read_words(language)
        same = {key for key, text in words.items() if text == ENGLISH[key]} - {"dir"}
        assert len(same) <= 4, (language, same)


def test_the_parts_use_no_word_that_there_is_not():
    used = {
        name
        for part in [*FOLDER.glob("*/*.js")]
        for name in re.findall(r"\bwords\.(\w+)|count\([\w.]*words, \"(\w+)\"", part.read_text())
        for name in name
        if name
    }
    strings = {"tag", "length", "slice"}  # `words` is a text in one part
    assert used - set(ENGLISH) - strings == set()
