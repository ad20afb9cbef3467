"""What holds a visitor's words beside their chats: golden questions, results of runs, questions of curated answers.

They were made by people, for good reasons, so they are counted and named first and go only where that is asked for.
What webhooks were told in a visitor's words goes with the chats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import JSONField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from conversations.golden.changing import delete_golden
from conversations.models import Chat, EvaluationResult, GoldenQuestion, Message, MessageRole
from knowledge.curated.changing import delete_answer
from knowledge.curated.same_question import key_of
from knowledge.models import CuratedAnswer
from webhooks.delivering.pruning import forget_deliveries
from webhooks.event_types import EventType
from webhooks.models import Delivery

_MOST_READ: Final = 5_000
"""Questions of one visitor that are compared with curated ones."""


class KeptWords(NamedTuple):
    """How many there are, or were deleted."""

    golden_questions: int = 0
    evaluation_results: int = 0
    curated_answers: int = 0


class Kept(NamedTuple):
    goldens: QuerySet[GoldenQuestion]
    results: QuerySet[EvaluationResult]
    answers: QuerySet[CuratedAnswer]

    def sum_up(self) -> KeptWords:
        return KeptWords(self.goldens.count(), self.results.count(), self.answers.count())


def find_kept(chats: QuerySet[Chat]) -> Kept:
    """What was made of these chats, or has a question of theirs word for word."""
    asked = Message.objects.filter(chat__in=chats.values("pk"), role=MessageRole.USER).order_by()
    goldens = GoldenQuestion.objects.filter(message_id__in=list(asked.values_list("pk", flat=True)))
    ids = list(goldens.values_list("pk", flat=True))
    goldens = GoldenQuestion.objects.filter(pk__in=ids).order_by()
    words = list(goldens.values_list("question", flat=True))
    results = EvaluationResult.objects.filter(Q(golden_question__in=ids) | Q(question__in=words))
    keys = {key_of(text) for text in asked.values_list("content", flat=True)[:_MOST_READ]}
    found = CuratedAnswer.objects.filter(questions__key__in=keys - {""}).values("pk")
    answers = CuratedAnswer.objects.filter(pk__in=list(found.values_list("pk", flat=True)))
    return Kept(goldens, results.order_by(), answers.order_by())


def delete_kept(kept: Kept, *, golden: bool, curated: bool) -> KeptWords:
    """Delete of it what is asked for; results of runs go with the golden questions. Returns how many of each."""
    goldens = results = answers = 0
    with transaction.atomic():
        if golden:
            results = kept.results.delete()[0]
            for each in kept.goldens.all():
                delete_golden(each)
                goldens += 1
        if curated:
            for answer in kept.answers.all():
                delete_answer(answer)
                answers += 1
    return KeptWords(goldens, results, answers)


def forget_told(part: Sequence[UUID]) -> int:
    """Forget the events in which webhooks were told, in the words of these chats' visitors, what they think of an
    answer; those of opinions that were replaced or taken back as well. Returns how many.

    After the chats have lost their words, in the same transaction: whoever was just giving an opinion has been waited
    for by then.
    """
    told = Delivery.objects.filter(event_type=EventType.FEEDBACK_GIVEN)
    facts = told.alias(facts=Cast("body", JSONField()))
    worded = facts.alias(chat=KT("facts__chat_id"), reason=KT("facts__reason"))
    return forget_deliveries(
        worded.filter(chat__in=[str(each) for each in part]).exclude(reason__isnull=True)
    )
