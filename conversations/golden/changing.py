"""Make, change and delete golden questions: by hand, or from what was asked in a chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from bots.models import BotProfile, Outcome
from conversations.models import (
    MOST_BEFORE,
    CitationKind,
    Feedback,
    GoldenQuestion,
    Message,
    MessageRole,
    name_question,
)
from knowledge.models.audience import INSIDER_MARK
from minirag.lib.errors import BadInput, Conflict, NotFound
from minirag.lib.security.groups import fold_groups
from tenants.audit import compare, record

MOST_QUESTIONS: Final = 2000
"""Of one bot: what a run may have to ask."""
_WRITABLE = frozenset((
    "question", "before", "language", "expected_sources", "expected_facts", "forbidden_facts", "must_decline", "tags",
    "is_active", "groups",
))  # fmt: skip


def find_golden(golden_question_id: UUID) -> GoldenQuestion:
    """Return a golden question with its bot. Raises NotFound."""
    rows = GoldenQuestion.objects.select_related("bot_profile")
    golden = rows.filter(pk=golden_question_id).first()
    if golden is None:
        raise NotFound(gettext("Golden question not found"))
    return golden


def check_golden(golden: GoldenQuestion) -> None:
    """Raise BadInput (`golden_question_invalid`) for what cannot be stored, or contradicts itself; tidies its lists."""
    golden.question = golden.question.strip()
    for name in ("expected_sources", "expected_facts", "forbidden_facts", "tags"):
        value = getattr(golden, name)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            tidy = (" ".join(each.split()) for each in value)
            setattr(golden, name, list(dict.fromkeys(each for each in tidy if each)))
    if isinstance(golden.groups, list) and all(isinstance(each, str) for each in golden.groups):
        golden.groups = fold_groups(golden.groups)
    try:
        golden.clean_fields(exclude={"bot_profile", "name_hash"})
    except ValidationError as error:
        told = "; ".join(f"{name}: {' '.join(why)}" for name, why in error.message_dict.items())
        raise _invalid(told) from None
    if golden.must_decline and (golden.expected_facts or golden.expected_sources):
        raise _invalid("must_decline: What is to be declined has neither facts nor sources.")


def _invalid(told: str) -> BadInput:
    return BadInput(told, code="golden_question_invalid")


def create_golden(
    bot: BotProfile, fields: Mapping[str, Any], *, made_by: str, message_id: UUID | None = None
) -> GoldenQuestion:
    """Make a golden question.

    Raises BadInput (`golden_question_invalid`), Conflict (`golden_question_exists`, `too_many_golden_questions`).
    """
    golden = GoldenQuestion(bot_profile=bot, made_by=made_by[:320], message_id=message_id, **fields)
    check_golden(golden)
    with transaction.atomic():
        require_room(bot)
        save_golden(golden, force_insert=True)
        record("golden_question.created", of=golden, detail={"bot_profile_id": bot.pk})
    return golden


def _lock_goldens(bot_profile_id: UUID) -> None:
    """Wait to be the only one who writes the bot's golden questions, until the end of the transaction."""
    list(BotProfile.objects.select_for_update(no_key=True).only("pk").filter(pk=bot_profile_id))


def require_room(bot: BotProfile) -> None:
    """Raise Conflict (`too_many_golden_questions`) where there is no room for one more until the end of the caller's
    transaction.
    """
    _lock_goldens(bot.pk)
    if GoldenQuestion.objects.filter(bot_profile=bot).count() >= MOST_QUESTIONS:
        raise Conflict(
            gettext("A bot has at most %(most_questions)s golden questions.")
            % {"most_questions": MOST_QUESTIONS},
            code="too_many_golden_questions",
        )


def save_golden(golden: GoldenQuestion, **options: Any) -> None:
    """Save one that was checked. Raises Conflict (`golden_question_exists`)."""
    try:
        with transaction.atomic():
            golden.save(**options)
    except IntegrityError:
        raise Conflict(
            gettext("This bot has this golden question already."), code="golden_question_exists"
        ) from None


def update_golden(golden: GoldenQuestion, fields: Mapping[str, Any]) -> GoldenQuestion:
    """Change only the given fields. Raises as `create_golden`."""
    changes = compare(golden, fields)
    for name, value in fields.items():
        setattr(golden, name, value)
    check_golden(golden)
    with transaction.atomic():
        _lock_goldens(golden.bot_profile_id)
        save_golden(golden, update_fields=[*fields, "updated_at"])
        record("golden_question.changed", of=golden, changes=changes)
    return golden


def delete_golden(golden: GoldenQuestion) -> None:
    """Delete a golden question; the results of runs that asked it stay."""
    with transaction.atomic():
        detail = {"bot_profile_id": golden.bot_profile_id}
        record("golden_question.deleted", of=golden, detail=detail)
        golden.delete()


def add_goldens(
    bot: BotProfile, rows: Iterable[tuple[int, Mapping[str, Any]]], *, made_by: str, file_name: str
) -> tuple[int, list[tuple[int, str]]]:
    """Add the questions of a file, each with its line's number; returns how many, and which not and why.

    What the bot has already stays as it is.
    """
    added, refused = [], []
    with transaction.atomic():
        _lock_goldens(bot.pk)
        known = dict.fromkeys(
            GoldenQuestion.objects.filter(bot_profile=bot).values_list("name_hash", flat=True), 0
        )
        for number, fields in rows:
            reason = _refuse_line(fields)
            golden = GoldenQuestion(
                bot_profile=bot, made_by=made_by[:320], **({} if reason else fields)
            )
            try:
                if not reason:
                    check_golden(golden)
            except BadInput as error:
                reason = error.detail
            if not reason:
                name = name_question(golden.question, golden.before, golden.groups)
                if name in known:
                    line = known[name]
                    reason = (
                        f"The same question as in line {line}."
                        if line else "The bot has this golden question already."
                    )  # fmt: skip
                elif len(known) >= MOST_QUESTIONS:
                    reason = f"A bot has at most {MOST_QUESTIONS} golden questions."
                else:
                    known[name] = number
            if reason:
                refused.append((number, reason))
                continue
            golden.name_hash = name
            added.append(golden)
        GoldenQuestion.objects.bulk_create(added, batch_size=500)
        detail = {"added": len(added), "refused": len(refused), "file": file_name}
        record("golden_questions.imported", of=bot, detail=detail)
    return len(added), refused


def _refuse_line(fields: Mapping[str, Any]) -> str:
    if unknown := sorted(set(fields) - _WRITABLE):
        return f"Nobody knows {', '.join(unknown)[:200]}."
    return "" if isinstance(fields.get("question"), str) else "question: It is missing."


def draft_from_turn(question: Message) -> dict[str, Any]:
    """The golden question that a turn suggests: what was cited is expected, what was declined is to be declined.

    What a reader disliked is expected nowhere: a person has to say what is right.
    """
    earlier = Message.objects.filter(chat=question.chat_id, created_at__lt=question.created_at)
    told = earlier.filter(role__in=(MessageRole.USER, MessageRole.ASSISTANT)).exclude(
        outcome__in=(Outcome.PENDING, Outcome.FAILED)
    )
    latest = told.order_by("-created_at", "-id").values_list("role", "content")[:MOST_BEFORE]
    answer = Message.objects.filter(question=question).prefetch_related("citations").first()
    is_trusted = answer is not None and answer.feedback != Feedback.NEGATIVE
    cited: list[str] = []
    if answer is not None and is_trusted:
        cited = list(
            dict.fromkeys(
                str(each.source_id)
                for each in answer.citations.all()
                if each.kind != CitationKind.CURATED
            )
        )
    understood = (question.trace or {}).get("understood") or {}
    marks = (question.trace or {}).get("audience") or []
    return {
        "question": question.content,
        "before": [
            {"role": role, "content": content} for role, content in reversed(latest) if content.strip()
        ],
        "language": str(understood.get("language") or "")[:8],
        "groups": [each for each in marks if each != INSIDER_MARK],
        "expected_sources": cited[:10],
        "must_decline": is_trusted and question.outcome == Outcome.REFUSED,
    }  # fmt: skip


def find_standing(question: Message) -> GoldenQuestion | None:
    """Return the golden question that stands for this one already."""
    drafted = draft_from_turn(question)
    name = name_question(drafted["question"].strip(), drafted["before"], drafted["groups"])
    rows = GoldenQuestion.objects.filter(bot_profile_id=question.chat.bot_profile_id)
    return rows.filter(name_hash=name).first()


def find_asked(chat_id: UUID, message_id: UUID) -> Message:
    """Return the question of a turn by its own id or its answer's. Raises NotFound."""
    rows = Message.objects.select_related("chat__bot_profile", "question").filter(chat_id=chat_id)
    message = rows.filter(pk=message_id).first()
    if message is not None and message.role == MessageRole.ASSISTANT:
        asked = rows.filter(role=MessageRole.USER)
        earlier = asked.filter(created_at__lte=message.created_at).order_by("-created_at", "-id")
        message = asked.filter(answer=message).first() or earlier.first()
    if message is None or message.role != MessageRole.USER:
        raise NotFound(gettext("Message not found"))
    return message


def create_from_turn(
    question: Message, fields: Mapping[str, Any], *, made_by: str
) -> GoldenQuestion:
    """Make the golden question that a turn suggests, but for `fields`. Raises as `create_golden`."""
    drafted = draft_from_turn(question) | dict(fields)
    if "must_decline" not in fields and (
        drafted["expected_sources"] or drafted.get("expected_facts")
    ):
        drafted["must_decline"] = False
    if drafted["must_decline"] and "expected_sources" not in fields:
        drafted["expected_sources"] = []
    return create_golden(
        question.chat.bot_profile, drafted, made_by=made_by, message_id=question.pk
    )
