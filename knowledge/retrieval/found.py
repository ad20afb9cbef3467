"""What a search found: the passages, and all that is said of how sure it is of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, zip_longest
from typing import Final
from uuid import UUID

from knowledge.curated.matching import Curated
from knowledge.retrieval.confidence import Measured
from knowledge.retrieval.external import ExternalSearch
from knowledge.retrieval.passages import Passage, Repeat
from knowledge.wording.query_terms import NO_TERMS, QueryTerms
from knowledge.wording.vocabulary import Expansion

RANK_OFFSET: Final = 60  # the k of reciprocal rank fusion, as in the statement


@dataclass(frozen=True)
class Reranking:
    """How having a model order the passages went: "used", "unusable", "timeout" or "failed"; and what was spent."""

    model: str
    outcome: str
    tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    milliseconds: float = 0.0


@dataclass(frozen=True)
class Retrieval:
    """The passages for a question, in the order of the prompt, and how sure retrieval is that they are about it.

    `confidence` and `threshold` go from 0 to 1. `term_weights` are the inverse document frequencies of the question's
    analysed words. `mode` is "hybrid", "lexical" where no vectors could be compared, or "curated". `embedding_tokens`
    and `embedding_cost_usd` are of the question. `milliseconds` is the whole time, embedding included. `external` says
    how asking each external base went; `knows_from_outside`: one of their passages is relevant enough to answer from.
    The confidence is of the passages that were found here; another system's score is not part of it. `expansions` are
    the words of the tenant's that were searched for as well: right spellings, compounds and their parts. `repeats` were
    left out because a better passage says the same. `carrier` is a word of the question, such as a part number, that
    carries it alone since the best passage has it. `candidates` are all that were read, in their order: the passages,
    the repeats, and what came after as many passages as were wanted. `terms` and `vector` are what was searched for.
    `is_filtered_out`: a filter leaves the bot none of its sources. Where there is a
    `curated` answer nothing was searched.
    """

    passages: tuple[Passage, ...]
    confidence: float
    threshold: float
    term_weights: Mapping[str, float]
    language: str
    mode: str
    embedding_model: str | None
    embedding_tokens: int
    embedding_cost_usd: Decimal
    milliseconds: float
    external: tuple[ExternalSearch, ...] = ()
    knows_from_outside: bool = False
    expansions: tuple[Expansion, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    carrier: str = ""
    rows: int = 0  # chunks that were searched
    candidates: tuple[Passage, ...] = ()
    measured: Measured | None = None
    embedding_milliseconds: float = 0.0
    terms: QueryTerms = NO_TERMS
    vector: str | None = None
    curated: Curated | None = None
    is_filtered_out: bool = False
    reranking: Reranking | None = None

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """The words of `expansions` by the term of the question that they were searched for."""
        found: dict[str, tuple[str, ...]] = {}
        for each in self.expansions:
            found[each.term] = (*found.get(each.term, ()), each.found)
        return found

    @property
    def is_weak(self) -> bool:
        """Whether a bot that refuses should refuse now."""
        return not self.passages or (
            self.confidence < self.threshold and not self.knows_from_outside and not self.carrier
        )


def join_parts(found: Sequence[Retrieval], wanted: int) -> Retrieval:
    """What the searches for a question's parts found, as one: by the best score in any of them, `wanted` at most, the
    best of each part among them.

    The surest speaks for all. A part that would be declined alone gives none, unless all would be.
    """
    told = [each for each in found if not each.is_weak] or list(found)
    in_turn = filter(None, chain.from_iterable(zip_longest(*(each.passages for each in told))))
    ranked: dict[UUID, Passage] = {}
    for passage in sorted(in_turn, key=lambda each: -each.score):  # those of one score in turn
        ranked.setdefault(passage.chunk_id, passage)
    firsts = {passage.chunk_id for each in told for passage in each.passages[:1]}
    kept = sorted(ranked, key=lambda chunk_id: chunk_id not in firsts)[:wanted]
    passages = tuple(passage for chunk_id, passage in ranked.items() if chunk_id in kept)
    return _sum_up(found, told, passages)


def join_variations(whole: Retrieval, others: Sequence[Retrieval], wanted: int) -> Retrieval:
    """What the searches for a question and for its variations found, by the places in all lists, `wanted` at most.

    The question's own search counts twice what another does, so that a model's words only ever add.
    """
    places: dict[UUID, float] = {}
    passages: dict[UUID, Passage] = {}
    for weight, each in ((1.0, whole), *((0.5, other) for other in others)):
        for place, passage in enumerate(each.passages):
            passages.setdefault(passage.chunk_id, passage)
            places[passage.chunk_id] = places.get(passage.chunk_id, 0.0) + weight / (
                RANK_OFFSET + place
            )
    best = sorted(passages.values(), key=lambda each: (-places[each.chunk_id], each.chunk_id))[
        :wanted
    ]
    most = max(places.values(), default=1.0)
    chosen = tuple(replace(each, score=places[each.chunk_id] / most) for each in best)
    return _sum_up([whole, *others], [whole, *others], chosen)


def _sum_up(
    found: Sequence[Retrieval], told: Sequence[Retrieval], passages: tuple[Passage, ...]
) -> Retrieval:
    """Several searches as one with these passages: the surest of `told` speaks for all, and all were paid for."""
    kept = {each.chunk_id for each in passages}
    surest = max(told, key=lambda each: each.confidence - each.threshold)
    candidates = {each.chunk_id: each for part in found for each in part.candidates}
    return replace(
        surest, passages=passages, candidates=tuple(candidates.values()),
        term_weights={term: weight for each in found for term, weight in each.term_weights.items()},
        expansions=tuple(dict.fromkeys(each for part in found for each in part.expansions)),
        repeats=tuple(
            each for each in dict.fromkeys(each for part in found for each in part.repeats)
            if each.chunk_id not in kept
        ),
        embedding_tokens=sum(each.embedding_tokens for each in found),
        embedding_cost_usd=sum((each.embedding_cost_usd for each in found), start=Decimal(0)),
        embedding_milliseconds=sum(each.embedding_milliseconds for each in found),
        milliseconds=max(each.milliseconds for each in found),
    )  # fmt: skip
