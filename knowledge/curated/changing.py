"""Make, change and delete curated answers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from bots.models import BotProfile
from knowledge.curated.same_question import key_of
from knowledge.curated.vectors import embed_soon
from knowledge.models import CuratedAnswer, CuratedQuestion
from minirag.lib.errors import BadInput, Conflict, NotFound
from minirag.lib.saving.tags import hold_row
from tenants.audit import compare, record
from tenants.context import require_tenant
from tenants.models import User

MOST_ANSWERS: Final = 5_000
"""Of a tenant: a question is compared with all that its bot has."""


def listed_answers() -> QuerySet[CuratedAnswer]:
    """Return them all with what is told of them, in three queries."""
    return CuratedAnswer.objects.with_owner().prefetch_related("questions", "bots")


def filter_answers(
    *, bot_profile_id: uuid.UUID | None = None, text: str = "", is_live: bool | None = None
) -> QuerySet[CuratedAnswer]:
    """Return `listed_answers` of a bot, with `text` in title, answer or a question, that answer now or do not."""
    found = listed_answers()
    if bot_profile_id is not None:
        found = found.filter(bots=bot_profile_id)
    if text:
        asked = CuratedQuestion.objects.filter(text__icontains=text).values("answer")
        found = found.filter(Q(title__icontains=text) | Q(answer__icontains=text) | Q(pk__in=asked))
    if is_live is not None:
        live = Q(pk__in=CuratedAnswer.objects.live().filter(bots__isnull=False).values("pk"))
        found = found.filter(live if is_live else ~live)
    return found


def find_answer(answer_id: uuid.UUID) -> CuratedAnswer:
    """Return a curated answer, whether it answers or not. Raises NotFound."""
    answer = listed_answers().filter(pk=answer_id).first()
    if answer is None:
        raise NotFound(gettext("Curated answer not found"))
    return answer


def create_answer(
    fields: dict[str, Any], *, questions: Sequence[str], bot_profile_ids: Sequence[uuid.UUID]
) -> CuratedAnswer:
    """Make a curated answer to `questions`, the first being the main one.

    Raises BadInput (`bot_not_found`, `owner_not_found`, `expiry_past`), and Conflict where a bot has an answer to one
    of the questions (`question_taken`), or the tenant too many (`too_many_answers`).
    """
    answer = CuratedAnswer(**fields)
    _check_end(answer)
    with transaction.atomic():
        bots = _lock_bots(bot_profile_ids)
        require_room()
        _check_owner(answer)
        answer.save(force_insert=True)
        answer.bots.set(bots)
        _write_questions(answer, questions)
        record("curated_answer.created", of=answer, detail={"bot_profile_ids": _ids_of(bots)})
        embed_soon()
    return find_answer(answer.pk)


def require_room() -> None:
    """Raise Conflict (`too_many_answers`) where the tenant can have no more, until the caller's transaction ends."""
    hold_row("curated answers")
    if CuratedAnswer.objects.count() >= MOST_ANSWERS:
        raise Conflict(
            gettext("There are at most %(most_answers)s curated answers.")
            % {"most_answers": MOST_ANSWERS},
            code="too_many_answers",
        )


def update_answer(
    answer: CuratedAnswer, fields: dict[str, Any], *, questions: Sequence[str] | None = None,
    bot_profile_ids: Sequence[uuid.UUID] | None = None,
) -> CuratedAnswer:  # fmt: skip
    """Change only what is given; counts with the next question. Raises what `create_answer` does."""
    changes = compare(answer, fields)
    for name, value in fields.items():
        setattr(answer, name, value)
    if "expires_at" in changes:
        _check_end(answer)
    with transaction.atomic():
        wanted = answer.bot_profile_ids if bot_profile_ids is None else bot_profile_ids
        bots = _lock_bots(wanted)
        if "owner_id" in changes:
            _check_owner(answer)
        answer.save(update_fields=[*fields, "updated_at"])
        if bot_profile_ids is not None:
            answer.bots.set(bots)
        if questions is not None:
            _write_questions(answer, questions)
        elif bot_profile_ids is not None:
            _require_free(answer, list(answer.questions.all()))
        detail: dict[str, Any] = (
            {} if bot_profile_ids is None else {"bot_profile_ids": _ids_of(bots)}
        )
        if questions is not None:
            detail["questions"] = len(questions)
        record("curated_answer.changed", of=answer, changes=changes, detail=detail)
        embed_soon()
    return find_answer(answer.pk)


def delete_answer(answer: CuratedAnswer) -> None:
    """Delete a curated answer for good; the sources answer the next question."""
    with transaction.atomic():
        record("curated_answer.deleted", of=answer)
        answer.delete()


def clean_questions(questions: Sequence[str]) -> list[str]:
    """Each question once, by its words, and none that is empty."""
    plain = [" ".join(text.split()) for text in questions]
    first: dict[str, str] = {}
    for text in plain:
        if text:
            first.setdefault(key_of(text), text)
    return list(first.values())


def find_taken(
    bot_profile_ids: Sequence[uuid.UUID], keys: Sequence[str], *, but_of: uuid.UUID | None = None
) -> CuratedQuestion | None:
    """Return a question with one of these keys that another curated answer of one of the bots has."""
    taken = CuratedQuestion.objects.filter(key__in=keys, answer__bots__in=bot_profile_ids)
    return taken.exclude(answer=but_of).select_related("answer").order_by("pk").first()


def _lock_bots(bot_profile_ids: Sequence[uuid.UUID]) -> list[BotProfile]:
    """So that two answers to one question are made one after the other."""
    wanted = set(bot_profile_ids)
    bots = list(BotProfile.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
    if len(bots) != len(wanted):
        raise BadInput(gettext("Bot profile not found"), code="bot_not_found")
    return bots


def _check_owner(answer: CuratedAnswer) -> None:
    owners = User.objects.filter(tenant=require_tenant(), is_active=True, pk=answer.owner_id)
    if not owners.exists():
        raise BadInput(
            gettext("The owner is not an active user of this tenant"), code="owner_not_found"
        )


def _check_end(answer: CuratedAnswer) -> None:
    if answer.expires_at is not None and answer.expires_at <= timezone.now():
        raise BadInput(gettext("expires_at is in the past"), code="expiry_past")


def _write_questions(answer: CuratedAnswer, questions: Sequence[str]) -> None:
    """Have the answer these questions; those that stay keep their vectors."""
    wanted = clean_questions(questions)
    if not wanted:
        raise BadInput(gettext("A curated answer needs a question"), code="question_missing")
    known = {each.key: each for each in answer.questions.all()}
    rows = []
    for place, text in enumerate(wanted):
        key = key_of(text)
        row = known.pop(key, None)
        if row is None or row.text != text:
            stale = [row.pk] if row else []
            CuratedQuestion.objects.filter(pk__in=stale).delete()
            row = CuratedQuestion(answer=answer, text=text, key=key)
        row.place = place
        rows.append(row)
    _require_free(answer, rows)
    CuratedQuestion.objects.filter(pk__in=[each.pk for each in known.values()]).delete()
    for row in rows:
        row.save()


def _require_free(answer: CuratedAnswer, questions: Sequence[CuratedQuestion]) -> None:
    taken = find_taken(
        list(answer.bots.values_list("pk", flat=True)),
        [each.key for each in questions],
        but_of=answer.pk,
    )
    if taken is not None:
        raise Conflict(
            gettext(
                'Another curated answer (%(answer_id)s) of the bot has the question "%(text)s".'
            )
            % {"answer_id": taken.answer_id, "text": taken.text},
            code="question_taken",
        )


def _ids_of(bots: Sequence[BotProfile]) -> list[str]:
    return [str(bot.pk) for bot in bots]
