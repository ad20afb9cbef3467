"""Whether what an answer says stands in the passages that it cites: by words, numbers, names and negation. Pure.

A sentence is compared with all passages that it cites together. What differs is said by one word, the first that
applies: `number`, `name`, `negation`, `words`. The check knows no meaning: it catches a false figure, a swapped name, a
lost "not" and what is about something else, and lets every paraphrase pass that keeps to the facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from minirag.ai.builtin.quoting import clean_inline, split_quotes
from minirag.lib.text import analysis
from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.languages import detect_language
from minirag.lib.text.sentences import split_sentences

LEAST_WORDS: Final = 0.4
"""The share of a sentence's own words that its passages have to hold."""
SAME_STATEMENT: Final = 0.7
"""The share of shared words from which on a passage's sentence says the same, or its opposite."""
LEAST_TERMS: Final = 3

_MARKS = re.compile(r"(?:\s*\[\d{1,3}\])+")
_MARK = re.compile(r"\[(\d{1,3})\]")
_LEADING = re.compile(r"^[\s.,;:!?…)\]»”*_>#-]+")
_NUMBERED = re.compile(r"^\s*\d{1,3}[.)]\s+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# "TN-45M", "E-310", "WF3"; not "24kg", "9am", "2nd", "COVID-like".
_CODE = re.compile(
    r"(?<![\w-])(?=[\w-]*[^\W\d_])(?=[\w-]*\d)(?!\d+(?:[.,]\d+)*-?[^\W\dA-Z_]+(?![\w-]))[^\W_]+(?:-[^\W_]+)*(?![\w-])"
)
_COUNTED: Final = {
    word: str(number)
    for words in (
        "one two three four five six seven eight nine ten eleven twelve",
        "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    )
    for number, word in enumerate(words.split(), start=1)
}


@dataclass(frozen=True)
class Statement:
    """A sentence of an answer with the numbers behind it; `start` and `end` are where both stand."""

    text: str
    numbers: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Support:
    """Whether a statement's passages hold it; `why` not: number, name, negation or words, "" where they do."""

    statement: Statement
    why: str = ""

    @property
    def is_supported(self) -> bool:
        return not self.why


@dataclass(frozen=True)
class Evidence:
    """What a statement is compared with: the passages it cites."""

    text: str

    @cached_property
    def language(self) -> str:
        return detect_language(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(_fold_words(self.text))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(analysis.analyse(self.text, self.language))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return _numbers_in(self.text)

    @cached_property
    def sentences(self) -> tuple[tuple[frozenset[str], bool], ...]:
        """The stems of each sentence, and whether it is a negative one."""
        return tuple(
            (frozenset(analysis.analyse(each, self.language)), is_negative(each, self.language))
            for each in split_quotes(self.text)
        )


def check_support(answer: str, passages: Sequence[tuple[str, str]], question: str) -> list[Support]:
    """Judge each cited sentence of an answer; `passages` are (heading, content), `[1]` being the first.

    What the question itself names, a number or a name, may be repeated.
    """
    known: dict[tuple[int, ...], Evidence] = {}
    found = []
    for statement in list_statements(answer):
        numbers = tuple(number for number in statement.numbers if 0 < number <= len(passages))
        if not numbers:
            continue
        if numbers not in known:
            texts = ("\n\n".join(passages[number - 1]) for number in numbers)
            known[numbers] = Evidence("\n\n".join(texts))
        found.append(Support(statement, compare(statement.text, known[numbers], question)))
    return found


def list_statements(answer: str) -> Iterator[Statement]:
    """The sentence before each group of marks, which may stand before or behind its full stop."""
    position = 0
    for match in _MARKS.finditer(answer):
        before = answer[position : match.start()]
        lines = before.rstrip().split("\n")
        sentences = split_sentences(_LEADING.sub("", lines[-1]))
        if sentences:
            text = sentences[-1]
            start = answer.rindex(text, position, match.start())
            numbers = tuple(int(number) for number in _MARK.findall(match.group()))
            yield Statement(_NUMBERED.sub("", text), numbers, start, match.end())
        position = match.end()


def compare(sentence: str, evidence: Evidence, question: str = "") -> str:
    """Why a sentence is not supported, "" where it is."""
    sentence = clean_inline(sentence)
    if _numbers_in(sentence) - evidence.numbers - _numbers_in(question):
        return "number"
    language = detect_language(sentence)
    asked = frozenset(_fold_words(question))
    if any(
        not set(_fold_words(name)) <= evidence.words | asked
        for name in _names_in(sentence, language)
    ):
        return "name"
    if language != evidence.language:
        return ""  # a translation: words tell nothing
    stems = frozenset(analysis.analyse(sentence, language))
    if _contradicts(stems, is_negative(sentence, language), evidence):
        return "negation"
    own = stems - frozenset(analysis.analyse(question, language))
    if len(own) < LEAST_TERMS:
        return ""
    return "" if len(own & evidence.stems) >= LEAST_WORDS * len(own) else "words"


def is_negative(text: str, language: str) -> bool:
    if language not in LANGUAGES:
        return False
    words, elided = LANGUAGES[language].negations, LANGUAGES[language].negating_beginning
    return any(
        word in words or (elided.endswith("'") and word.startswith(elided))
        for word in _fold_words(text)
    )


def _contradicts(stems: frozenset[str], negative: bool, evidence: Evidence) -> bool:
    """Whether the passages' most similar sentences say the same words and the opposite."""
    if len(stems) < 2 or evidence.language not in LANGUAGES:
        return False
    if not LANGUAGES[evidence.language].negations:
        return False
    beginning = LANGUAGES[evidence.language].negating_beginning
    shares = [
        (len(stems & other) / len(stems), is_no ^ _is_turned(stems, other, beginning))
        for other, is_no in evidence.sentences
    ]
    best = max((share for share, _ in shares), default=0.0)
    if best < SAME_STATEMENT:
        return False
    return all(is_no != negative for share, is_no in shares if share == best)


def _is_turned(stems: frozenset[str], other: frozenset[str], beginning: str) -> bool:
    """Whether one says a word that the other says with a negation before it, written as one."""
    if not beginning:
        return False
    turned = (
        {beginning + stem for stem in stems - other},
        {beginning + stem for stem in other - stems},
    )
    return not turned[0].isdisjoint(other) or not turned[1].isdisjoint(stems)


def _fold_words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'").removesuffix("'s") for word in _WORD.findall(text)]


def _numbers_in(text: str) -> frozenset[str]:
    """Numbers in one form: 1,640 and 1640, 70,00 and 70, "two" and 2 are the same; parts of codes are left out."""
    text = _CODE.sub(" ", text)
    digits = {_fold_number(match.group()) for match in _NUMBER.finditer(text)}
    counted = {_COUNTED[word] for word in _fold_words(text) if word in _COUNTED}
    return frozenset(digits | counted)


def _fold_number(number: str) -> str:
    if _THOUSANDS.fullmatch(number):
        number = re.sub(r"[.,](?=\d{3})", "", number)
    number = number.replace(",", ".")
    return re.sub(r"\.0+$", "", number).lstrip("0") or "0"


def _names_in(sentence: str, language: str) -> Iterator[str]:
    """Codes, and words with a capital that begin no sentence; in German, whose nouns have one, two in a row."""
    yield from (match.group() for match in _CODE.finditer(sentence))
    words = list(_WORD.finditer(sentence))
    common = LANGUAGES[language].stop_words if language in LANGUAGES else frozenset[str]()
    previous: re.Match[str] | None = None
    for word in words:
        is_capital = word.group()[0].isupper() and word.group().casefold() not in common
        begins = word.start() == 0 or sentence[: word.start()].rstrip()[-1:] in ".!?:\"'“„"
        beside = previous is not None and word.start() == previous.end() + 1
        if is_capital and language != "de" and (not begins or beside):
            yield word.group()
        elif is_capital and language == "de" and beside and previous is not None:
            yield f"{previous.group()} {word.group()}"
        previous = word if is_capital else None


# A statement is whole where something else than a mark or a full stop follows its marks.
_WHOLE = re.compile(r"(?:\s*\[\d{1,3}\])+[.,;:!?…)]*(?=\s+[^\s\[])")
_STOPS = re.compile(r"[.,;:!?…)]*")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])?\s*")


class SupportGate:
    """Lets an answer through cited statement by statement, without those that their passages do not hold.

    `found` tells of all, those that were left out as well.
    """

    def __init__(self, passages: Sequence[tuple[str, str]], question: str) -> None:
        self.found: list[Support] = []
        self._passages, self._question = passages, question
        self._held = ""

    def feed(self, text: str) -> str:
        """Take a piece of the answer and return what is whole now."""
        self._held += text
        end = max((match.end() for match in _WHOLE.finditer(self._held)), default=0)
        whole, self._held = self._held[:end], self._held[end:]
        return self._judge(whole)

    def flush(self) -> str:
        """Return what was still held when the answer ended."""
        held, self._held = self._held, ""
        return self._judge(held)

    def _judge(self, text: str) -> str:
        found = check_support(text, self._passages, self._question) if text else []
        self.found += found
        return leave_out(text, [each.statement for each in found if not each.is_supported])


def leave_out(text: str, statements: Sequence[Statement]) -> str:
    """A text without these statements and their marks; of a list the whole item goes."""
    for statement in reversed(statements):
        start, end = statement.start, statement.end
        stops = _STOPS.match(text, end)
        end = stops.end() if stops else end
        line = text.rfind("\n", 0, start) + 1
        if _ITEM.fullmatch(text[line:start]):
            text = text[:line].rstrip("\n") + text[end:] if line else text[end:].lstrip()
            continue
        head = text[:start].rstrip(" ,;")
        said = _MARKS.sub("", head).rstrip()
        closing = "." if said and said[-1] not in ".!?:…" else ""
        text = head + closing + text[end:]
    return text
