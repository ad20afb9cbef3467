"""Other ways to write a word: misspelled, without its marks, in its parts. Pure; all words are index terms.

Terms are lower case, without Latin accents and stemmed, so ä, å and ß are a, a and ss here already, and "ae" is what
somebody writes who has no ä.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import product
from typing import Final

from minirag.lib.asking.synonyms import is_meant
from minirag.lib.starting.patterns import compile_later
from minirag.lib.text.analysis import DENSE

SHORTEST_PART: Final = 3
_LONGEST: Final = 40
_LONG_FROM: Final = 8
_LIKE, _DOUBTFUL = 0.9, 0.6
# What joins the parts of a compound: German and Dutch, then Scandinavian and Finnish ones have the shorter of them.
LINKS: Final = ("", "s", "n", "e", "en", "es", "er")
# What stands before verbs in German, Dutch and the Scandinavian languages.
_PREFIXES: Final = frozenset({
    "a", "ab", "af", "an", "auf", "aus", "av", "be", "bei", "bij", "bort", "by", "de", "dis", "door", "durch",
    "ein", "emot", "ent", "er", "for", "ge", "her", "hin", "in", "los", "med", "mede", "mee", "miss", "mit",
    "mot", "na", "nach", "ned", "neer", "om", "on", "ont", "op", "opp", "over", "pa", "re", "samen", "til",
    "till", "toe", "tot", "tu", "uber", "ud", "um", "un", "und", "under", "unter", "upp", "ut", "van", "ver",
    "voor", "vor", "weg", "wider", "wieder", "zer", "zu", "zuruck",
})  # fmt: skip
_MOST_SPELLINGS: Final = 16
_MOST_PARTS: Final = 4
_LONGEST_ENDING: Final = 2
_DENSE = compile_later(rf"[{DENSE}]")
_TWO_FOR_ONE = re.compile(r"ae|oe|ue|aa")


def is_word(term: str) -> bool:
    """Whether a term is a word of letters that may be compared by its spelling: no number, no code, no character."""
    if not SHORTEST_PART <= len(term) <= _LONGEST:
        return False
    if term.isascii():
        return term.isalpha()
    return all(
        letter.isalpha() or unicodedata.category(letter)[0] == "M" for letter in term
    ) and not _DENSE.search(term)


def allow_edits(term: str) -> int:
    """How many mistakes a word of this length may have: none up to three letters, one up to seven, else two."""
    return 0 if len(term) <= SHORTEST_PART else 1 if len(term) < _LONG_FROM else 2


def count_edits(first: str, second: str, most: int) -> int:
    """Letters that were added, left out, changed or swapped with their neighbour; `most` + 1 where it is more."""
    start, limit = 0, min(len(first), len(second))
    while start < limit and first[start] == second[start]:
        start += 1
    end = 0
    while end < limit - start and first[-1 - end] == second[-1 - end]:
        end += 1
    # Only the middle differs, most often by a letter or two.
    first, second = first[start : len(first) - end], second[start : len(second) - end]
    if abs(len(first) - len(second)) > most or min(len(first), len(second)) > 4 * most:
        return most + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for place, letter in enumerate(first, start=1):
        before, last, row = row, before, [place]
        for other, its in enumerate(second, start=1):
            cost = min(row[-1] + 1, before[other] + 1, before[other - 1] + (letter != its))
            if place > 1 < other and letter == second[other - 2] and first[place - 2] == its:
                cost = min(cost, last[other - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)


def stand_for(term: str, taken: Collection[str], present: Collection[str]) -> float:
    """How surely (0 to 1) the words that were `taken` for a term, as far as they are present, stand for it.

    A compound does, the word spelled right, or another word of the same meaning; of its own parts each for its length:
    a "bad" is no "freibad".
    """
    found = [word for word in taken if word in present]
    if any(is_meant(term, word) for word in found):
        return _LIKE
    parts = sum(len(word) for word in found if word in term)
    others = [
        _LIKE if term in word or count_edits(term, word, 1) < 2 else _DOUBTFUL
        for word in found
        if word not in term
    ]
    return max(*others, _LIKE * min(parts / len(term), 1.0), 0.0)


def respell(term: str) -> list[str]:
    """The word with "ae", "oe", "ue" and "aa" as the single letters that they may stand for."""
    pieces = _TWO_FOR_ONE.split(term)
    pairs = _TWO_FOR_ONE.findall(term)
    if not pairs or 2 ** len(pairs) > _MOST_SPELLINGS:
        return []
    choices = product(*((pair[0], pair) for pair in pairs))
    made = (
        pieces[0] + "".join(one + after for one, after in zip(choice, pieces[1:], strict=True))
        for choice in choices
    )
    return [spelling for spelling in made if spelling != term]


def list_pieces(term: str) -> set[str]:
    """Every stretch of a word that could be a part of it: what `split_compound` wants to know of."""
    size = len(term)
    return {
        term[start:end]
        for start in range(size - SHORTEST_PART + 1)
        for end in range(start + SHORTEST_PART, size + 1)
        if end - start < size
    }


def find_part(term: str, known: Collection[str]) -> str:
    """The longest known word that a compound begins or ends with, where the rest of it is no known one; "" without.

    What a verb begins with is no part of a compound: "bestellen" has nothing of a "Stelle".
    """
    found = [
        word
        for word in known
        if SHORTEST_PART < len(word) < len(term)
        and (
            (term.endswith(word) and term[: -len(word)] not in _PREFIXES)
            or (term.startswith(word) and len(term) - len(word) >= SHORTEST_PART)
        )
    ]
    return max(found, key=lambda word: (len(word), word), default="")


def split_compound(term: str, known: Collection[str], *, links: bool = True) -> tuple[str, ...]:
    """The parts of a word, all of them `known`: as few as will do, the shortest as long as can be; () without.

    `links`: letters that join parts may stand between them. One of two parts has at least four letters.
    """
    ways = sorted(
        _split(term, frozenset(known), LINKS if links else LINKS[:1], _MOST_PARTS),
        key=lambda parts: (len(parts), -min(map(len, parts)), parts),
    )
    likely = next((parts for parts in ways if _is_likely(parts)), ())
    return likely or (_split_inflected(term, known) if links else ())


def _split_inflected(term: str, known: Collection[str]) -> tuple[str, ...]:
    """Two parts, the first with an ending that the index has not: "uimahalli" + "lippu" of "uimahal" and "lipu"."""
    for tail in sorted(known, key=lambda word: (-len(word), word)):
        if len(tail) > SHORTEST_PART and term.endswith(tail):
            heads = [
                word
                for word in known
                if len(word) > SHORTEST_PART + 1
                and term.startswith(word)
                and 0 < len(term) - len(word) - len(tail) <= _LONGEST_ENDING
            ]
            if heads:
                return max(heads, key=len), tail
    return ()


def _split(
    rest: str, known: frozenset[str], links: tuple[str, ...], most: int
) -> Iterator[tuple[str, ...]]:
    if rest in known and most < _MOST_PARTS:
        yield (rest,)
    if most < 2:
        return
    for end in range(SHORTEST_PART, len(rest) - SHORTEST_PART + 1):
        if rest[:end] not in known:
            continue
        for link in links:
            if rest.startswith(link, end):
                for others in _split(rest[end + len(link) :], known, links, most - 1):
                    yield (rest[:end], *others)


def _is_likely(parts: tuple[str, ...]) -> bool:
    # Many a word is three short ones by chance.
    lengths = sorted(map(len, parts))
    return lengths[-1] > SHORTEST_PART and (
        len(parts) == 2 or sum(lengths) >= (SHORTEST_PART + 1) * len(parts)
    )
