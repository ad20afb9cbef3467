"""What the tenant's own words have for a question's: another spelling of one it does not know, a compound, its parts,
another word of the same meaning.

A word that the index knows is never corrected, nor is one that everybody knows. Compounds are looked for in languages
that write them as one word, for words that are known as well: "Restmüll" finds the pages on the Restmülltonne too, for
less than its own. One statement for all words of a question, by the index of spellings: words that begin with the same
letters, or end with the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from knowledge.wording.common_words import Knows
from minirag.lib.text.analysis import term_id
from minirag.lib.variants import (
    SHORTEST_PART,
    allow_edits,
    count_edits,
    find_part,
    list_pieces,
    respell,
    split_compound,
)

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MAX_WORDS: Final = 16
_MOST_IN_RANGE = 500
_MOST_COMPOUNDS = 5
_MOST_SPELLINGS = 3
_LONGEST_SPLIT = 32
COMPOUNDING: Final = frozenset({"de", "nl", "da", "sv", "no", "nb", "nn", "fi", "is"})
_LAST = "\U0010ffff"  # sorts behind every letter
# An unknown word is what its replacement says. A compound is narrower than its part, a part wider than the whole.
SPELLING_WEIGHT, PARTS_WEIGHT, COMPOUND_WEIGHT = 0.9, 0.7, 0.5
PART_WEIGHT, MOST_OF_IT = 0.5, 0.6
MEANING_WEIGHT, _MOST_MEANINGS = 0.8, 4
FORM_WEIGHT, FORM_BESIDE, _MOST_FORMS = 0.9, 0.6, 4
BESIDE_WEIGHT = 0.25
"""What is found for a word that the index knows itself counts this much."""

_STATEMENT = f"""
SELECT text, df FROM lex_df WHERE term = ANY(%(ids)s) AND text <> ''
UNION
SELECT w.text, w.df FROM unnest(%(heads)s::text[], %(shortest)s::int[], %(longest)s::int[])
       AS r(head, shortest, longest)
 CROSS JOIN LATERAL (
     SELECT text, df FROM lex_df
      WHERE text >= r.head AND text < r.head || '{_LAST}' AND length(text) BETWEEN r.shortest AND r.longest
      ORDER BY df DESC, text LIMIT {_MOST_IN_RANGE}) AS w
UNION
SELECT w.text, w.df FROM unnest(%(tails)s::text[], %(shortest_of_tails)s::int[], %(longest_of_tails)s::int[])
       AS r(tail, shortest, longest)
 CROSS JOIN LATERAL (
     SELECT text, df FROM lex_df
      WHERE reverse(text) >= r.tail AND reverse(text) < r.tail || '{_LAST}'
        AND length(text) BETWEEN r.shortest AND r.longest
      ORDER BY df DESC, text LIMIT {_MOST_IN_RANGE}) AS w
"""  # noqa: S608

Kind = Literal["spelling", "form", "parts", "compound", "joined", "meaning"]


@dataclass(frozen=True)
class AskedWord:
    """A word of a question: its spellings as terms in the languages of the sources, its own first, then as it
    is typed, and where it stands.

    `weight` is 1 for the question's own words, less for what is carried over. `compounds`: it is of a language that
    writes compounds as one word. `typed`: as it was written, lower case and without accents. `meanings` are terms that
    may be said for it, `inflected` those that may be other forms of it.
    """

    forms: tuple[str, ...]
    place: int
    weight: float = 1.0
    compounds: bool = False
    typed: str = ""
    meanings: tuple[str, ...] = ()
    inflected: tuple[str, ...] = ()

    @property
    def term(self) -> str:
        return self.forms[0]


@dataclass(frozen=True)
class Expansion:
    """What is searched for a question's `term` as well: `found` is a word of the tenant's.

    `weight` is to that of the term. `stands_in`: the index does not know the term, and this is what it is taken for.
    """

    term: str
    found: str
    kind: Kind
    weight: float
    stands_in: bool

    @property
    def replaces(self) -> bool:
        """Whether the term is this word misspelled."""
        return self.stands_in and self.kind == "spelling"


def find_expansions(
    cursor: CursorWrapper, words: Sequence[AskedWord], known_ids: Collection[int], is_common: Knows
) -> tuple[Expansion, ...]:
    """Look for the words that call for it; asks the database only if there is one."""
    unknown = [word for word in words if not any(term_id(form) in known_ids for form in word.forms)]
    wanted = [word for word in words if word in unknown or word.compounds][:MAX_WORDS]
    if not wanted:
        return ()
    joined = join_neighbours(words)
    cursor.execute(_STATEMENT, plan_lookup(wanted, unknown, joined))
    right = {word for word in unknown if word.meanings or is_common(word.typed)}
    return choose_expansions(wanted, unknown, joined, dict(cursor.fetchall()), right)


def join_neighbours(words: Sequence[AskedWord]) -> dict[str, tuple[AskedWord, AskedWord]]:
    """Neighbours written as one word: "gift card" may be a giftcard to the pages."""
    found = {}
    for first, second in pairwise(words):
        if second.place == first.place + 1 and first.weight == second.weight == 1:
            found[first.term + second.term] = (first, second)
    return dict(list(found.items())[:MAX_WORDS])


def plan_lookup(
    wanted: Sequence[AskedWord], unknown: Collection[AskedWord], joined: Collection[str]
) -> dict[str, list[int] | list[str]]:
    """The parameters of the statement: ids of words that would do, and ranges of words to compare."""
    texts: set[str] = set(joined)
    heads: set[tuple[str, int, int]] = set()
    tails: set[tuple[str, int, int]] = set()
    for word in wanted:
        texts.update(word.inflected)
        texts.update(word.meanings if word in unknown else ())
        for form in word.forms if word in unknown else (word.term,):
            size, edits = len(form), allow_edits(form)
            if size <= _LONGEST_SPLIT:
                texts |= list_pieces(form)
            if word in unknown and edits:
                texts.update(respell(form))
                head, tail = _ends_of(form)
                heads.add((head, size - edits, size + edits))
                tails.add((tail[::-1], size - edits, size + edits))
            if word.compounds and size > SHORTEST_PART:
                heads.add((form, size + SHORTEST_PART, 2 * _LONGEST_SPLIT))
                tails.add((form[::-1], size + SHORTEST_PART, 2 * _LONGEST_SPLIT))
    by_head, by_tail = sorted(heads), sorted(tails)
    return {
        "ids": sorted(map(term_id, texts)),
        "heads": [head for head, _, _ in by_head],
        "shortest": [shortest for _, shortest, _ in by_head],
        "longest": [longest for _, _, longest in by_head],
        "tails": [tail for tail, _, _ in by_tail],
        "shortest_of_tails": [shortest for _, shortest, _ in by_tail],
        "longest_of_tails": [longest for _, _, longest in by_tail],
    }


def _ends_of(form: str) -> tuple[str, str]:
    """The beginning and the end of which a misspelled word has one right: the first letters, or the second half."""
    return form[: 2 if len(form) < 6 else 3], form[len(form) - len(form) // 2 :]


def choose_expansions(
    wanted: Sequence[AskedWord],
    unknown: Collection[AskedWord],
    joined: Mapping[str, tuple[AskedWord, AskedWord]],
    vocabulary: Mapping[str, int],
    right: Collection[AskedWord] = (),
) -> tuple[Expansion, ...]:
    """Decide by the part of the `vocabulary` (word to the chunks that have it) that the lookup brought.

    Words that are `right` have no other spelling, although the index does not know them.
    """
    chosen: list[Expansion] = []
    for compound, pair in joined.items():
        if compound in vocabulary:
            chosen += [
                Expansion(word.term, compound, "joined", PARTS_WEIGHT, word in unknown)
                for word in pair
            ]
    served = {each.term for each in chosen if each.stands_in}
    for word in wanted:
        inflected = _list_forms(word, vocabulary, is_known=word not in unknown)
        if word not in unknown:
            chosen += inflected + _widen(word, vocabulary, BESIDE_WEIGHT, stands_in=False)
        elif word.term not in served:
            found = inflected or _replace(word, vocabulary, is_right=word in right)
            if meant := _list_meanings(word, vocabulary):
                found = [each for each in found if each.kind in ("compound", "form")]
                is_served = any(each.stands_in for each in found)
                found += [
                    replace(each, stands_in=each.stands_in and not is_served) for each in meant
                ]
            chosen += found
    return tuple(chosen)


def _list_forms(
    word: AskedWord, vocabulary: Mapping[str, int], *, is_known: bool
) -> list[Expansion]:
    """Other forms of a word, the most frequent first; of one that no page has, it stands in for it."""
    found = sorted(
        set(word.inflected) & vocabulary.keys(), key=lambda text: (-vocabulary[text], text)
    )
    weight = FORM_BESIDE if is_known else FORM_WEIGHT
    return [
        Expansion(word.term, text, "form", weight, not is_known and not number)
        for number, text in enumerate(found[:_MOST_FORMS])
    ]


def _list_meanings(word: AskedWord, vocabulary: Mapping[str, int]) -> list[Expansion]:
    """Words of the same meaning as one that no page has, the most frequent first, which stands in for it."""
    known = [text for text in word.meanings if text in vocabulary]
    known.sort(key=lambda text: (-vocabulary[text], text))
    return [
        Expansion(word.term, text, "meaning", MEANING_WEIGHT, not number)
        for number, text in enumerate(known[:_MOST_MEANINGS])
    ]


def _replace(word: AskedWord, vocabulary: Mapping[str, int], *, is_right: bool) -> list[Expansion]:
    """An unknown word is a compound of known parts, one of a known compound, or a misspelled one: in this order,
    but that a single mistake in a long word is likelier than any of them.
    """  # fmt: skip
    spelled = [] if is_right else _correct(word, vocabulary)
    if spelled and len(word.term) >= 6 and spelled[0].weight == SPELLING_WEIGHT:
        return spelled
    wider = _widen(word, vocabulary, 1.0, stands_in=True)
    return wider or spelled or _find_part(word, vocabulary)


def _find_part(word: AskedWord, vocabulary: Mapping[str, int]) -> list[Expansion]:
    """The one part of a compound that is known; it stands in for the whole where it is most of it."""
    for form in word.forms if word.compounds else ():
        known = [piece for piece in list_pieces(form[:_LONGEST_SPLIT]) if piece in vocabulary]
        if part := find_part(form, known):
            is_most = len(part) >= MOST_OF_IT * len(form)
            return [Expansion(word.term, part, "parts", PART_WEIGHT, is_most)]
    return []


def _widen(
    word: AskedWord, vocabulary: Mapping[str, int], factor: float, *, stands_in: bool
) -> list[Expansion]:
    for form in word.forms if stands_in else (word.term,):
        found: list[Expansion] = []
        if len(form) <= _LONGEST_SPLIT:
            pieces = [piece for piece in list_pieces(form) if piece in vocabulary]
            parts = split_compound(form, pieces, links=word.compounds)
            if word.compounds or len(parts) == 2:
                found += [
                    Expansion(word.term, part, "parts", PARTS_WEIGHT * factor, stands_in)
                    for part in parts
                ]
        if word.compounds:
            compounds = _list_compounds(form, vocabulary)
            found += [
                Expansion(
                    word.term, text, "compound", COMPOUND_WEIGHT * factor, stands_in and not found
                )
                for text in compounds[:_MOST_COMPOUNDS]
            ]
        if found:
            return found
    return []


def _list_compounds(form: str, vocabulary: Mapping[str, int]) -> list[str]:
    """Words that begin or end with this one, the most frequent first; the more is beside it, the less it says."""
    least = SHORTEST_PART if len(form) > SHORTEST_PART + 1 else SHORTEST_PART + 1
    found = [
        text
        for text in vocabulary
        if len(text) - len(form) >= least and (text.startswith(form) or text.endswith(form))
    ]
    return sorted(found, key=lambda text: (-vocabulary[text], text))


def _correct(word: AskedWord, vocabulary: Mapping[str, int]) -> list[Expansion]:
    """The nearest words; letters left out, doubled or swapped are likelier mistakes than others, and so is a right
    first letter.
    """  # fmt: skip
    ranked: list[tuple[float, int, str]] = []
    for form in word.forms:
        edits = allow_edits(form)
        same, (head, tail) = set(respell(form)), _ends_of(form)
        for text, frequency in vocabulary.items():
            if text in same:
                ranked.append((0.0, -frequency, text))
            elif edits and (text.startswith(head) or text.endswith(tail)):
                distance = count_edits(form, text, edits)
                starts_alike = text[0] == form[0]
                if distance > edits or not (starts_alike or (distance == 1 and len(form) >= 6)):
                    continue
                changed = len(text) == len(form) and sorted(text) != sorted(form)
                ranked.append(
                    (distance + 0.3 * changed + 0.5 * (not starts_alike), -frequency, text)
                )
    ranked = sorted(set(ranked))[:_MOST_SPELLINGS]
    return [
        Expansion(
            word.term, text, "spelling", SPELLING_WEIGHT if cost <= ranked[0][0] else SPELLING_WEIGHT / 2,
            number == 0,
        )
        for number, (cost, _, text) in enumerate(ranked)
        if cost < ranked[0][0] + 1
    ]  # fmt: skip
