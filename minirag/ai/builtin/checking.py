"""Whether what the offline answerer would quote answers the question at all. Pure; tuned as docs/retrieval.md says.

A passage on the right topic is found easily, and quoting it for an answer that it does not hold is worse than to say
nothing. So each word that sets the question apart has to be found again in the quotations, in the headings above them
or, for less, in their passages: as it is, folded, misspelled, as part of a compound, or by a word that means about the
same. A word that only frames a question ("cost", "kostet", "how long") is no evidence, and what is asked for (an
amount, a time, a person …) has to be there. Words count by how rare they are in the tenant's documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from minirag.ai.builtin.answer_kinds import lacks_kind
from minirag.ai.builtin.asking_words import ASKING_WORDS
from minirag.lib.text import analysis
from minirag.lib.variants import count_edits

if TYPE_CHECKING:
    from minirag.ai.builtin.scoring import SentenceEmbedder

Strictness = Literal["balanced", "strict"]


@dataclass(frozen=True)
class Bars:
    """How much of a question must be found again, and how much where one of its names or codes is not."""

    words: float
    with_foreign_name: float


BARS: Final[Mapping[Strictness, Bars]] = {
    "balanced": Bars(0.46, 0.70),
    "strict": Bars(0.60, 0.90),
}
FRAMING, MINOR = 0.25, 0.4
UNKNOWN_LANGUAGE = 0.75
"""What a bar is worth where we do not know which words only frame a question."""
IN_HEADING, IN_PASSAGE, LIKE = 0.95, 0.7, 0.9
# Cosines of two single words: from the first on they may mean the same, at the second they surely do.
STRANGE, SAME, BY_MEANING = 0.45, 0.70, 0.8
LONGEST_QUESTION = 64  # words; a pasted page is not checked word by word
NO_VARIANTS: Final[Mapping[str, Sequence[str]]] = {}
WORD = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")


@dataclass(frozen=True)
class Quoted:
    """What would be quoted: `text`, the `headings` above it (a page's title too), and its whole `passage`."""

    text: str
    headings: str
    passage: str


@dataclass(frozen=True)
class Check:
    """`coverage` is the share (0 to 1) of the question's weight that was found again, `missing` the words that are not.

    `lacks` names the kind of answer that is not there ("amount", "time" …), "" where it is or nobody can tell.
    """

    is_answered: bool
    coverage: float
    missing: tuple[str, ...] = ()
    lacks: str = ""


@dataclass(frozen=True)
class _Word:
    text: str
    terms: tuple[str, ...]
    weight: float
    is_exact: bool
    """A name or a code: nothing that only means about the same will do."""
    is_framing: bool


def check_quotes(
    question: str,
    quoted: Sequence[Quoted],
    *,
    language: str,
    term_weights: Mapping[str, float],
    variants: Mapping[str, Sequence[str]] = NO_VARIANTS,
    strictness: Strictness = "balanced",
    embed: SentenceEmbedder | None = None,
) -> Check:
    """Compare a question with what would be quoted. `language` is that of the quotations.

    `variants` are the tenant's own words that search took for the question's terms: right spellings, compounds, parts.

    `embed`, of English only, is asked only where the words alone do not decide, about some dozens of single words.
    """
    words = weigh_words(question, language, term_weights)
    if not quoted or not words:
        return Check(bool(quoted), float(bool(quoted)))
    text = " ".join(each.text for each in quoted)
    headings = " ".join(dict.fromkeys(each.headings for each in quoted))
    passages = " ".join(dict.fromkeys(each.passage for each in quoted))
    places = [
        (worth, frozenset(analysis.analyse(place, language)))
        for worth, place in ((1.0, text), (IN_HEADING, headings), (IN_PASSAGE, passages))
    ]
    found = {
        word: max(worth * find_word(word, terms, variants) for worth, terms in places)
        for word in words
    }
    bars = BARS[strictness]
    is_foreign = any(word.is_exact and not found[word] for word in words)
    bar = bars.with_foreign_name if is_foreign else bars.words
    if language not in ASKING_WORDS:
        bar *= UNKNOWN_LANGUAGE
    if embed is not None and language == "en" and sum_up(found) < bar <= sum_up(found, hoping=True):
        found = found | find_by_meaning(found, f"{text} {headings}", embed)
    coverage = sum_up(found)
    lacks = lacks_kind(question, text, headings)
    missing = tuple(word.text for word in words if found[word] < 0.5 and not word.is_framing)
    return Check(coverage >= bar and not lacks, coverage, missing, lacks)


def weigh_words(question: str, language: str, term_weights: Mapping[str, float]) -> list[_Word]:
    """The words of a question that mean something, each once, with what each counts (0 to 1)."""
    found = list(WORD.finditer(question))[:LONGEST_QUESTION]
    rarest = max(term_weights.values(), default=1.0) or 1.0
    framing = ASKING_WORDS.get(language, frozenset())
    # German nouns are written with a capital; where somebody does that, what has none is of less weight.
    writes_capitals = language == "de" and any(match[0][0].isupper() for match in found[1:])
    words: dict[str, _Word] = {}
    for match in found:
        text, terms = match[0], tuple(analysis.analyse(match[0], language))
        if not terms or text.casefold() in words:
            continue
        begins = not match.start() or question[: match.start()].rstrip()[-1:] in ".!?:"
        is_code = not text.isdigit() and (
            any(letter.isdigit() for letter in text) or sum(map(str.isupper, text)) > 1
        )
        is_name = language != "de" and text[0].isupper() and not begins
        share = (
            1.0 if is_code
            else FRAMING if text.isdigit() or text.casefold() in framing
            else MINOR if writes_capitals and text[0].islower()
            else 1.0
        )  # fmt: skip
        idf = max(term_weights.get(term, rarest) for term in terms) / rarest
        words[text.casefold()] = _Word(
            text, terms, share * idf, is_code or is_name, share == FRAMING
        )
    return list(words.values())


def find_word(
    word: _Word, present: frozenset[str], variants: Mapping[str, Sequence[str]] = NO_VARIANTS
) -> float:
    """How surely (0 to 1) a word is among analysed terms."""
    if any(letter.isdigit() for letter in word.text):
        # Of a code all parts, or the whole without its joints, which is its last term.
        return float(present.issuperset(word.terms) or word.terms[-1] in present)
    taken = [LIKE for term in word.terms for each in variants.get(term, ()) if each in present]
    return max(*(find_term(term, present) for term in word.terms), *taken, 0.0)


def find_term(term: str, present: frozenset[str]) -> float:
    if term in present:
        return 1.0
    if len(term) < 4:
        return 0.0
    return max((compare_terms(term, other) for other in present if len(other) > 3), default=0.0)


@lru_cache(maxsize=50_000)
def compare_terms(asked: str, other: str) -> float:
    """How surely `other` stands for `asked`: a compound for its part, less a part for its compound, a near spelling."""
    if asked in other:
        return LIKE if other.startswith(asked) or other.endswith(asked) else 0.5
    if other in asked:
        is_part = asked.startswith(other) or asked.endswith(other)
        return LIKE * len(other) / len(asked) if is_part else 0.0
    allowed = 0 if len(asked) < 5 else 1 if len(asked) < 10 else 2
    is_near = asked[0] == other[0] and abs(len(asked) - len(other)) <= allowed
    return LIKE if is_near and count_edits(asked, other, allowed) <= allowed else 0.0


def sum_up(found: Mapping[_Word, float], *, hoping: bool = False) -> float:
    """The share of the question's weight that was found; `hoping`: if each word that may has a neighbour in meaning."""
    total = sum(word.weight for word in found) or 1.0
    return (
        sum(
            word.weight * max(value, BY_MEANING if hoping and not word.is_exact else 0.0)
            for word, value in found.items()
        )
        / total
    )


def find_by_meaning(
    found: Mapping[_Word, float], text: str, embed: SentenceEmbedder
) -> dict[_Word, float]:
    """What words that mean about the same add, for those that were not found as such."""
    missing = [word for word, value in found.items() if value < 0.6 and not word.is_exact]
    others = list(
        dict.fromkeys(
            match[0].casefold() for match in WORD.finditer(text) if analysis.analyse(match[0], "en")
        )
    )[:LONGEST_QUESTION]
    if not missing or not others:
        return {}
    vectors = embed([*(word.text.casefold() for word in missing), *others])
    likeness = (vectors[: len(missing)] @ vectors[len(missing) :].T).max(axis=1)
    return {
        word: max(found[word], BY_MEANING * min(max((float(like) - STRANGE) / (SAME - STRANGE), 0.0), 1.0))
        for word, like in zip(missing, likeness, strict=True)
    }  # fmt: skip
