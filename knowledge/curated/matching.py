"""Whether a question has a curated answer: its words are those of one of its questions, or mean the same.

The same words always win. What is only alike has to agree in every word that makes a difference as well
(`knowledge.curated.same_question`): a vector alone gives plan A's price to who asks for plan B's. The floors are those
of all-MiniLM-L6-v2, measured on the tuning half of `knowledge/tests/curated_pairs` (docs/gaps.md).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import (
    Count,
    Exists,
    FilteredRelation,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
)
from pgvector.django import CosineDistance

from bots.models import BotProfile
from knowledge.curated.same_question import asks_the_same, key_of
from knowledge.models import Audience, CuratedAnswer, CuratedQuestion
from knowledge.retrieval.passages import CURATED, Passage
from minirag.ai.embeddings import profile_of

FLOOR: Final = 0.65
"""The cosine from which on words are compared."""
WEAK_FLOOR: Final = 0.35
"""The same in a language that the embedder hardly knows: there the words decide nearly alone."""
UNTITLED: Final = "Curated answer"
_LOOKED_AT: Final = 20


@dataclass(frozen=True)
class Curated:
    """A curated answer as it was when it was found, and the question of its that was asked.

    `cosine` is None where the words are the same.
    """

    answer_id: uuid.UUID
    question_id: uuid.UUID
    title: str
    question: str
    text: str
    url: str
    cosine: float | None = None

    @property
    def by(self) -> str:
        return "words" if self.cosine is None else "meaning"

    @property
    def passage(self) -> Passage:
        """What an answer that is given cites."""
        return Passage(
            chunk_id=self.question_id, source_id=self.answer_id, document_id=self.answer_id,
            title=self.title or UNTITLED, url=self.url, page=None, heading=self.question, content=self.text,
            score=1.0, cosine=1.0 if self.cosine is None else self.cosine, bm25=0.0, kind=CURATED,
        )  # fmt: skip


def with_curated(bots: QuerySet[BotProfile]) -> Any:
    """Say of each bot whether it has curated answers at all, as `has_curated`, in the query that reads it."""
    links: Any = CuratedAnswer.bots.through.objects
    return bots.annotate(has_curated=Exists(links.filter(botprofile_id=OuterRef("pk"))))


def find_by_words(bot_profile_id: uuid.UUID, question: str, audience: Audience) -> Curated | None:
    """Return the bot's curated answer for this audience to a question of the same words."""
    found = _questions_of(bot_profile_id, audience).filter(key=key_of(question)).first()
    return _tell(found) if found else None


def find_by_meaning(
    bot_profile_id: uuid.UUID, texts: Sequence[str], language: str, *, model: str, vector: str | None,
    audience: Audience,
) -> Curated | None:  # fmt: skip
    """Return the bot's curated answer to a question as it was understood: `texts` are ways to put it, one of which is
    embedded as `vector` (pgvector's text form; None where it could not be).
    """
    questions = _questions_of(bot_profile_id, audience)
    if same := questions.filter(key__in=[key_of(text) for text in texts]).first():
        return _tell(same)
    if vector is None:
        return None
    speaking = Q(answer__language__in=("", language))
    # One join, for an answer of several bots may have vectors of several models.
    made = FilteredRelation("vectors", condition=Q(vectors__embedding_model=model))
    # A provider may give one model's vectors another length; comparing them would be an error.
    length = Func("made__emb", function="vector_dims", output_field=IntegerField())
    alike = questions.annotate(made=made, length=length).filter(
        speaking, length=vector.count(",") + 1
    )
    alike = alike.annotate(
        distance=CosineDistance("made__emb", [float(value) for value in vector[1:-1].split(",")])
    )
    floor = choose_floor(model, language)
    for each in alike.order_by("distance", "pk")[:_LOOKED_AT]:
        cosine = 1.0 - float(each.distance)
        if cosine < floor:
            return None
        if any(asks_the_same(text, each.text, language) for text in texts):
            return _tell(each, cosine)
    return None


def state_of_curated(bot_profile_id: uuid.UUID, audience: Audience) -> int:
    """Another one once a bot has other curated answers for this audience, or finds one by meaning that it did not."""
    counted = _questions_of(bot_profile_id, audience).aggregate(
        questions=Count("pk", distinct=True),
        vectors=Count("vectors"),
        changed=Max("answer__updated_at"),
    )
    return hash(tuple(counted.values()))


def choose_floor(model: str, language: str) -> float:
    """What a cosine has to be at least."""
    return WEAK_FLOOR if profile_of(model).english_only and language != "en" else FLOOR


def _questions_of(bot_profile_id: uuid.UUID, audience: Audience) -> QuerySet[CuratedQuestion]:
    """The questions that a bot has an answer for at this moment, for this audience."""
    live = CuratedAnswer.objects.answering(bot_profile_id, audience)
    found = CuratedQuestion.objects.filter(answer__in=live.values("pk"))
    return found.select_related("answer").order_by("answer__created_at", "pk")


def _tell(question: CuratedQuestion, cosine: float | None = None) -> Curated:
    answer = question.answer
    url = answer.links[0] if answer.links else ""
    return Curated(answer.pk, question.pk, answer.title, question.text, answer.answer, url, cosine)
