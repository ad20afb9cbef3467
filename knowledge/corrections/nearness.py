"""Which chunks may be what has become of a text, without comparing each of them: by their words, by their sentences.

A source may have thousands of corrections and tens of thousands of chunks. What is found here is compared exactly by
`knowledge.corrections.fitting`; here is only said which are worth it, at most `MOST` for one text.
"""

from __future__ import annotations

import re
import uuid
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from heapq import nlargest
from typing import Final

from knowledge.corrections.patching import CERTAIN_WORDS, count_words, split
from knowledge.indexing.incoming import NewChunk
from knowledge.models import Correction

MOST: Final = 100
"""So many chunks are compared with one text; of a text that is repeated more often the places nearby are taken."""
_MOST_PLACES: Final = 1000
_WORD = re.compile(r"\w+")


class Nearness:
    def __init__(self, chunks: Sequence[NewChunk]) -> None:
        self.chunks = sorted(chunks, key=lambda each: (each.document_id.int, each.draft.ordinal))
        self.counts: dict[uuid.UUID, Counter[str]] = {}

    def count(self, chunk: NewChunk) -> Counter[str]:
        if chunk.id not in self.counts:
            self.counts[chunk.id] = Counter(read_words(chunk.draft.content))
        return self.counts[chunk.id]

    def find_like(
        self, anchor: Counter[str], least: float, is_free: Callable[[NewChunk], bool], *,
        document_id: uuid.UUID | None, ordinal: int,
    ) -> list[NewChunk]:  # fmt: skip
        """Free chunks, of a document if one is named, that may have this share of the anchor's words.

        Whichever has it has one of the rarest of them, taken until the others are too few.
        """
        left = least * anchor.total()
        rest = anchor.total()
        hits: Counter[int] = Counter()
        for word in sorted(anchor, key=lambda each: (len(self._by_word.get(each, ())), each)):
            if rest < left:
                break
            for place in self._places(self._by_word.get(word, []), document_id, ordinal):
                hits[place] += anchor[word]
            rest -= anchor[word]
        free = (place for place in hits if is_free(self.chunks[place]))
        best = nlargest(MOST, free, key=lambda place: (hits[place], -place))
        return [self.chunks[place] for place in sorted(best)]

    def find_holding(
        self, sentences: Iterable[str], document_id: uuid.UUID, ordinal: int
    ) -> list[NewChunk]:
        """Chunks of a document that have one of these sentences."""
        places = {
            place
            for sentence in set(sentences)
            for place in self._places(self._by_sentence.get(sentence, []), document_id, ordinal)
        }
        nearest = sorted(places, key=lambda place: abs(self.chunks[place].draft.ordinal - ordinal))
        return [self.chunks[place] for place in sorted(nearest[:MOST])]

    def find_beside(self, chunk: NewChunk) -> Iterator[NewChunk]:
        """The chunks before and behind one in its document."""
        for ordinal in (chunk.draft.ordinal - 1, chunk.draft.ordinal + 1):
            yield from self._by_place.get((chunk.document_id, ordinal), ())

    def _places(
        self, places: list[int], document_id: uuid.UUID | None, ordinal: int
    ) -> Sequence[int]:
        start, end = 0, len(places)
        if document_id is not None:
            first, behind = self._spans.get(document_id, (0, 0))
            start, end = bisect_left(places, first), bisect_left(places, behind)
            middle = bisect_left(places, first + ordinal, start, end)
        else:
            middle = start
        if end - start > _MOST_PLACES:
            start = min(max(start, middle - _MOST_PLACES // 2), end - _MOST_PLACES)
            end = start + _MOST_PLACES
        return places[start:end]

    @cached_property
    def _spans(self) -> dict[uuid.UUID, tuple[int, int]]:
        spans: dict[uuid.UUID, tuple[int, int]] = {}
        for at, chunk in enumerate(self.chunks):
            spans[chunk.document_id] = spans.get(chunk.document_id, (at, at))[0], at + 1
        return spans

    @cached_property
    def _by_place(self) -> dict[tuple[uuid.UUID, int], list[NewChunk]]:
        found: dict[tuple[uuid.UUID, int], list[NewChunk]] = defaultdict(list)
        for chunk in self.chunks:
            found[chunk.document_id, chunk.draft.ordinal].append(chunk)
        return found

    @cached_property
    def _by_word(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for at, chunk in enumerate(self.chunks):
            for word in self.count(chunk):
                found[word].append(at)
        return found

    @cached_property
    def _by_sentence(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for at, chunk in enumerate(self.chunks):
            for sentence in {each.text for each in split(chunk.draft.content)}:
                found[sentence].append(at)
        return found


def place_of(correction: Correction) -> int:
    """Where in its document its text stood when it was last found."""
    return int(correction.theirs[0]["ordinal"]) if correction.theirs else 0


def normalise(text: str) -> str:
    return " ".join(text.split())


def read_words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def telling(text: str) -> list[str]:
    """Those that are long enough not to stand elsewhere by chance."""
    found = (each.text for each in split(text))
    return [sentence for sentence in found if count_words([sentence]) >= CERTAIN_WORDS]
