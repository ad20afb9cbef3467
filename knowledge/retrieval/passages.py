"""Passages, and how those found here and those of external bases become one list. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from difflib import SequenceMatcher
from typing import Any, Final

from knowledge.sources.configs import AUTHORITIES
from minirag.lib.text.clause_words import NEGATIONS

MAX_EXTERNAL_PASSAGES: Final = 20
MAX_EXTERNAL_CHARACTERS: Final = 24_000
"""About 6,000 tokens: what external bases may add to a prompt, however many there are."""

PASSAGE, CURATED = "passage", "curated"
_LEAST_WORDS: Final = 8  # "Closed." under two headings is said of two things
_MOST_LONGER: Final = 1.1
_LEAST_OF_COPY: Final = 24
_SHARED: Final = 0.8
_DENYING: Final = frozenset().union(*NEGATIONS.values())
_PLACE, _SMALL = 5, 200
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Passage:
    """A chunk with its scores. `score` orders (0 to 1), `cosine` and `bm25` are its raw parts.

    `heading` is the path "Title > A > B", `page` counts from 1 and is None for documents without pages; `place` is
    where else it stands ("slide 4", "sheet Prices, row 12"). A passage of an external base has an `authority`
    ("mandatory", "guideline" or "informational"), the base's own `score` on a scale of its own, and the base's name for
    the chunk as `external_id`.

    `fused` is what `score` was before it was known how close together the passage says the question's words, and
    `closeness` what that added; `taken_up` is how much (0 to 1) of the question its fullest sentence takes up, None
    where it was not read for that (knowledge.ordering.reading). `day` is its source's, where the bot lets that count;
    `is_pinned`: it is pinned itself, or its source is. A curated answer that is cited is a passage too, of the `kind`
    CURATED: then `source_id` is the answer and `chunk_id` the question of its that was asked.
    """

    chunk_id: uuid.UUID
    source_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    url: str
    page: int | None
    heading: str
    content: str
    score: float
    cosine: float
    bm25: float
    authority: str = ""
    external_id: str = ""
    fused: float = 0.0
    closeness: float = 0.0
    taken_up: float | None = None
    day: date | None = None
    is_pinned: bool = False
    kind: str = PASSAGE
    place: str = ""

    def but(self, **changed: Any) -> Passage:
        """The same with some fields changed. `dataclasses.replace` looks at each of them, which took a seventh of a
        search. Raises TypeError for a field that there is not."""
        if not changed.keys() <= _FIELDS:
            raise TypeError(f"A passage has no {', '.join(sorted(changed.keys() - _FIELDS))}.")
        made = object.__new__(Passage)
        made.__dict__.update(self.__dict__, **changed)
        return made

    @property
    def shown_place(self) -> str:
        """What follows its heading where people or a model read where it stands: ", page 3"."""
        return f", page {self.page}" if self.page else f", {self.place}" if self.place else ""

    @property
    def shown_id(self) -> str:
        """The chunk's id as clients see it."""
        return self.external_id or str(self.chunk_id)


_FIELDS: Final = frozenset(each.name for each in fields(Passage))


@dataclass(frozen=True)
class Repeat:
    """A passage that was left out because a better one, `of`, says the same, or one that counts more says otherwise."""

    chunk_id: uuid.UUID
    of: uuid.UUID


def measure_lead(passages: Sequence[Passage], rows: int) -> float | None:
    """How far (0 to 1) the best of `rows` passages is ahead of the fifth; None where that says little.

    A passage that answers stands out; where none does, many are about as near. In a small base few are near anyway, and
    a passage from outside has a score of another kind.
    """
    if rows < _SMALL or len(passages) < _PLACE or any(each.authority for each in passages):
        return None
    best = max(each.score for each in passages)
    return 1 - passages[_PLACE - 1].score / best if best > 0 else None


def leave_out_repeats(
    passages: Iterable[Passage], limit: int
) -> tuple[tuple[Passage, ...], tuple[Repeat, ...]]:
    """Keep the first `limit` passages that each say something of their own, and say which repeat others.

    A passage repeats another where its words are a stretch of the other's, and the headings under their titles are the
    same; or where most of it is, in another source (`_is_copy`). Where it is the better one that is a stretch of one
    that is a little longer, the longer takes its place.
    """
    kept: list[_Said] = []
    repeats: list[Repeat] = []
    for passage in passages:
        if len(kept) == limit:
            break
        said = _read(passage)
        place = _find_same(kept, said)
        if place is None:
            kept.append(said)
            continue
        other = kept[place]
        if len(said.text) > len(other.text) and other.text in said.text:
            kept[place] = replace(said, passage=passage.but(score=other.passage.score))
            repeats.append(Repeat(other.passage.chunk_id, passage.chunk_id))
        else:
            repeats.append(Repeat(passage.chunk_id, other.passage.chunk_id))
    return tuple(each.passage for each in kept), tuple(repeats)


@dataclass(frozen=True)
class _Said:
    """A passage with its words, in order and as one text with a blank before and after each."""

    passage: Passage
    words: list[str]
    text: str
    known: frozenset[str]


def _read(passage: Passage) -> _Said:
    words = _WORD.findall(passage.content.casefold())
    return _Said(passage, words, " ".join(["", *words, ""]), frozenset(words))


def _find_same(kept: Sequence[_Said], said: _Said) -> int | None:
    if len(said.words) < _LEAST_WORDS:
        return None
    for place, other in enumerate(kept):
        longest = max(len(said.text), len(other.text))
        is_inside = said.text in other.text or (
            other.text in said.text and longest <= _MOST_LONGER * len(other.text)
        )
        if (
            is_inside
            and place_of(said.passage) == place_of(other.passage)
            and len(other.words) >= _LEAST_WORDS
        ):
            return place
        if _is_copy(said, other):
            return place
    return None


def _is_copy(copy: _Said, kept: _Said) -> bool:
    """Whether most of a passage of another source is a stretch of one that is kept: the same text, cut elsewhere.

    What it says besides must neither count nor deny anything, and its headings must not be of another thing.
    """
    shorter = min(len(copy.words), len(kept.words))
    if copy.passage.source_id == kept.passage.source_id or shorter < _LEAST_OF_COPY:
        return False
    # What is a stretch of both consists of words of both; to look for the longest takes a millisecond.
    least = _SHARED * shorter
    if sum(map(kept.known.__contains__, copy.words)) < least:
        return False
    if not _are_of_one_thing(copy.passage, kept.passage):
        return False
    matcher = SequenceMatcher(None, copy.words, kept.words, autojunk=False)
    start, _, size = matcher.find_longest_match()
    if size < least:
        return False
    besides = {*copy.words[:start], *copy.words[start + size :]} - kept.known
    return not any(map(str.isdecimal, besides)) and not besides & _DENYING


def _are_of_one_thing(one: Passage, other: Passage) -> bool:
    """Whether the headings are the same, or one only says more than the other."""
    first, second = (set(_WORD.findall(place_of(each))) for each in (one, other))
    return first <= second or second <= first


def place_of(passage: Passage) -> str:
    """The path of headings below the title, which is another in each source."""
    return passage.heading.partition(" > ")[2].casefold()


def choose_external(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Order external passages by authority, then score, and keep what fits into a prompt.

    The same text twice is kept where it binds most. At most 20 passages with 24,000 characters.
    """
    ranked = sorted(
        passages, key=lambda each: (AUTHORITIES.index(each.authority), -each.score, each.shown_id)
    )
    chosen: list[Passage] = []
    seen: set[str] = set()
    room = MAX_EXTERNAL_CHARACTERS
    for passage in ranked:
        if len(chosen) == MAX_EXTERNAL_PASSAGES:
            break
        if passage.content in seen or len(passage.content) > room:
            continue
        chosen.append(passage)
        seen.add(passage.content)
        room -= len(passage.content)
    return tuple(chosen)


def merge_passages(local: Sequence[Passage], external: Sequence[Passage]) -> tuple[Passage, ...]:
    """What binds comes first: mandatory, guideline, informational, then what was found here, each by its score."""
    known = {passage.content for passage in external}
    return (*external, *(passage for passage in local if passage.content not in known))
