"""Puts the first passages in order by how much of the question the fullest sentence of each takes up, word by word.

A vector of a whole passage blurs what one of its sentences says. The local English model also says what each word means
in its place. One sentence of each of the few best is read with it; what it says of sentences is kept, and the offline
answerer reads the same ones. Weight and depth were chosen in docs/retrieval.md, "The best sentence of each passage".
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from bots.models import BotProfile, Fusion
from knowledge.retrieval.found import Retrieval
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.queries import Query
from minirag.ai.builtin.local import MINILM, find_sentence_reader, local_threads
from minirag.ai.builtin.scoring import are_mostly_english, cover_question, name_place
from minirag.ai.builtin.sentences.candidates import (
    QUESTION_MARKS,
    Candidate,
    OfflinePassage,
    list_candidates,
)
from minirag.ai.builtin.sentences.meaning import read_sentences
from minirag.ai.chat import EXTRACTIVE
from minirag.lib.text.clause_words import ASKING_VERBS, QUESTION_WORDS

DEPTH: Final = 5
"""So many of the best passages are read: each costs some 4 ms of a core where it was not read before."""
ROOM: Final = 1600
"""So many characters of them: five sentences of prose have 700, and five rows of a log or a table up to 3,000."""
LEAST: Final = 2
WEIGHT: Final = 0.6
_LANGUAGE: Final = "en"
_ASKING: Final = QUESTION_WORDS[_LANGUAGE] | ASKING_VERBS[_LANGUAGE]
_WORD = re.compile(r"[^\W_]+")


async def order_by_reading(bot: BotProfile, query: Query, found: Retrieval) -> Retrieval:
    """Return what was found with its first passages in the order of what their sentences take up as well.

    Each place keeps its score, since all that is made of scores was fitted without this. Nothing changes where the
    model does not read the language, where a bot has its own way to order, where something is pinned, and of what asks
    nothing: a claim or a title is no better told by the sentence that repeats it. Nor for a chat model, which is given
    all of them whatever their order: the answerer alone reads these sentences anyway.
    """
    first = found.passages[:DEPTH]
    if len(first) < 2 or not _is_usual(bot, first) or not _is_read(query, found):
        return found
    started = time.perf_counter()
    taken_up = await asyncio.get_running_loop().run_in_executor(
        local_threads(), _read_passages, query.read if query.is_leaning else query.text, first,
        found.term_weights,
    )  # fmt: skip
    if not taken_up:
        return found
    ordered = put_in_order(first[: len(taken_up)], taken_up)
    return replace(
        found, passages=(*ordered, *found.passages[len(ordered) :]), candidates=follow_order(found.candidates, ordered),
        milliseconds=found.milliseconds + (time.perf_counter() - started) * 1000,
    )  # fmt: skip


def _is_usual(bot: BotProfile, passages: Sequence[Passage]) -> bool:
    has_own_way = bot.dense_weight is not None or bot.fusion != Fusion.MAX_NORM
    is_offline = bot.model == EXTRACTIVE
    return is_offline and not has_own_way and not any(each.is_pinned for each in passages)


def _is_read(query: Query, found: Retrieval) -> bool:
    return (
        found.embedding_model == MINILM and found.language == _LANGUAGE and asks_something(query.text)
    )  # fmt: skip


def asks_something(text: str) -> bool:
    """Whether an English text has a question mark or begins with a word that asks. Pure."""
    first = _WORD.search(text)
    return any(mark in text for mark in QUESTION_MARKS) or (
        first is not None and first[0].casefold() in _ASKING
    )


def put_in_order(passages: Sequence[Passage], taken_up: Sequence[float]) -> list[Passage]:
    """The passages in the order of their scores and of how much of the question they take up. Pure.

    What counts is a score before the best was made 1, as `fused` and `closeness` tell it of the best.
    """
    best = max(passages, key=lambda each: each.score)
    before = (best.fused + best.closeness) or best.score
    scale = best.score / before if before else 1.0
    read = sorted(
        zip(passages, taken_up, strict=True), key=lambda pair: -(pair[0].score + scale * WEIGHT * pair[1])
    )  # fmt: skip
    scores = sorted((each.score for each in passages), reverse=True)
    return [
        replace(each, score=score, taken_up=value)
        for (each, value), score in zip(read, scores, strict=True)
    ]


def follow_order(candidates: Sequence[Passage], ordered: Sequence[Passage]) -> tuple[Passage, ...]:
    """The candidates with those that were put in order in each other's places, in that order. Pure."""
    own = {each.chunk_id: each for each in candidates}
    moved = [each for each in ordered if each.chunk_id in own]
    places, following = {each.chunk_id for each in moved}, iter(moved)
    told = []
    for each in candidates:
        if each.chunk_id in places:
            new = next(following)
            each = replace(own[new.chunk_id], score=new.score, taken_up=new.taken_up)
        told.append(each)
    return tuple(told)


def _read_passages(
    question: str, passages: Sequence[Passage], weights: Mapping[str, float]
) -> list[float]:
    """How much (0 to 1) of the question the fullest sentence of each takes up, of as many of the first passages as
    there is room for; of none where nobody can tell.

    Blocks for some 4 ms for each sentence that was not read before.
    """
    numbered = [
        OfflinePassage(number, each.heading, each.content, each.score, each.title)
        for number, each in enumerate(passages)
    ]
    candidates = list_candidates(numbered)
    read = find_sentence_reader(MINILM)
    if read is None or not candidates or not are_mostly_english(candidates):
        return []
    fullest = {
        number: name_place(each) for number, each in _find_fullest(candidates, weights).items()
    }
    depth = count_with_room([len(fullest.get(number, "")) for number in range(len(passages))])
    chosen = [number for number in range(depth) if number in fullest]
    meanings = read_sentences(question, [fullest[number] for number in chosen], read)
    taken = {number: each.taken_up for number, each in zip(chosen, meanings, strict=True)}
    return [taken.get(number, 0.0) for number in range(depth)]


def count_with_room(lengths: Sequence[int]) -> int:
    """How many texts from the first on fit into ROOM, but LEAST in any case. Pure."""
    sums = accumulate(lengths)
    return max(sum(length <= ROOM for length in sums), min(LEAST, len(lengths)))


def _find_fullest(
    candidates: Sequence[Candidate], weights: Mapping[str, float]
) -> dict[int, Candidate]:
    """For each passage, by its number, the sentence that has most of the question's words; of equals the first."""
    fullest: dict[int, tuple[float, Candidate]] = {}
    for each in candidates:
        number, share = each.passage.number, cover_question(weights, each.terms)
        if number not in fullest or share > fullest[number][0]:
            fullest[number] = share, each
    return {number: each for number, (_, each) in fullest.items()}
