"""Which of two passages counts where they contradict each other: the pinned one, then that of the pinned source, then
the newer. Pure.

Two passages contradict each other where they say the same words, under the same headings, of other figures: two
versions of a price list, a term that was changed. Of these only one is kept. What differs in more than figures may be
about something else, and stays; there a source's weight and its age only move a score a little, as being pinned does.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from knowledge.retrieval.passages import Passage, Repeat, place_of

PINNED_FACTOR: Final = 1.1
OLDEST_FACTOR: Final = 0.8
"""What is left of a score where age counts and a source is very old."""
_LEAST_WORDS: Final = 4
_FREE_WORDS: Final = 10  # of so many words one may differ, if it is no name
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Standing:
    """What is known of a source. `day` is what it is dated, where the bot lets that count."""

    weight: float = 1.0
    is_pinned: bool = False
    day: date | None = None

    @property
    def order(self) -> tuple[bool, date]:
        return self.is_pinned, self.day or date.min


def weigh(standing: Standing, today: date, half_life: int | None) -> float:
    """What a source's scores are multiplied by. After `half_life` days half of what age can take is gone."""
    factor = standing.weight * (PINNED_FACTOR if standing.is_pinned else 1.0)
    if half_life is None or standing.day is None:
        return factor
    age = max((today - standing.day).days, 0)
    return factor * (OLDEST_FACTOR + (1 - OLDEST_FACTOR) * 0.5 ** (age / half_life))


def settle(
    passages: Sequence[Passage], standings: Mapping[uuid.UUID, Standing]
) -> tuple[list[Passage], list[Repeat]]:
    """Keep of passages that contradict each other the one that counts, in the place of the better one.

    Within one source only a pinned passage contradicts others: what a document says of this and that is its affair.
    """
    pinned = {passage.chunk_id for passage in passages if passage.is_pinned}
    kept: list[Passage] = []
    left_out: list[Repeat] = []
    for passage in passages:
        passage = _show(passage, standings.get(passage.source_id, Standing()))
        rival = next(
            (
                place for place, each in enumerate(kept)
                if contradicts(each, passage, within=(each.chunk_id in pinned) != (passage.chunk_id in pinned))
            ),
            None,
        )  # fmt: skip
        if rival is None:
            kept.append(passage)
            continue
        other = kept[rival]
        mine, its = (
            (each.chunk_id in pinned, *standings.get(each.source_id, Standing()).order)
            for each in (passage, other)
        )
        if mine == its:
            kept.append(passage)
        elif mine > its:
            kept[rival] = passage.but(score=other.score)
            left_out.append(Repeat(other.chunk_id, passage.chunk_id))
        else:
            left_out.append(Repeat(passage.chunk_id, other.chunk_id))
    return kept, left_out


def _show(passage: Passage, standing: Standing) -> Passage:
    return passage.but(day=standing.day, is_pinned=standing.is_pinned or passage.is_pinned)


def prefer_pinned(ranked: Sequence[tuple[Passage, str]]) -> list[tuple[Passage, str]]:
    """Put pinned passages before others that fit about as well; each comes with its language."""
    weighed = [
        (each.but(score=each.score * PINNED_FACTOR) if each.is_pinned else each, spoken)
        for each, spoken in ranked
    ]
    return sorted(weighed, key=lambda row: (-row[0].score, row[0].chunk_id))


def contradicts(first: Passage, second: Passage, *, within: bool = False) -> bool:
    """Whether two passages of different sources, or `within` one, say the same of other figures."""
    if place_of(first) != place_of(second) or (first.source_id == second.source_id and not within):
        return False
    words, others = _WORD.findall(first.content), _WORD.findall(second.content)
    if not _figures(words) or not _figures(others) or _figures(words) == _figures(others):
        return False
    said, told = _names(words), _names(others)
    if len(said) < _LEAST_WORDS:
        return False
    differing = said ^ told
    return len(differing) <= len(said | told) // _FREE_WORDS and all(map(str.islower, differing))


def _figures(words: Sequence[str]) -> list[str]:
    return [word for word in words if any(map(str.isdigit, word))]


def _names(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word for word in words if not any(map(str.isdigit, word)))
