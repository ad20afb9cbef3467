"""Chats that are kept no longer: deleted or made anonymous, a part at a time, until none is left.

A chat's age is that of what was last said in it. One that waits for a person, or has one, is left until that is over.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from conversations.erasing.deleting import delete_part, keep_out_others
from conversations.erasing.keeping import delete_kept, find_kept, forget_told
from conversations.exports.jobs import drop_files_of_words
from conversations.models import Chat, ChatNote, ChatRetention, GapQuestion, Handoff
from conversations.models.retention import RetentionAct
from tenants.audit import record
from tenants.due import DueKind, make_due

AT_ONCE: Final = 100
SECONDS: Final = 30.0
"""How long one run goes on; what is left is due again at once."""
LOOK_EVERY: Final = timedelta(hours=6)
# Of a trace what says nothing of what was asked.
_FIGURES: Final = (
    "model", "prompt_tokens", "completion_tokens", "cost_usd", "latency_ms", "first_token_ms", "is_stream", "stages",
)  # fmt: skip
_SILENCE = """
UPDATE conversations_message
   SET content = '', feedback_reason = '', help = NULL, request_id = '',
       trace = (SELECT jsonb_object_agg(key, value) FROM jsonb_each(trace) WHERE key = ANY(%s::text[]))
 WHERE chat_id = ANY(%s::uuid[])"""


def find_retention() -> ChatRetention | None:
    return ChatRetention.objects.first()


def set_retention(values: Mapping[str, Any]) -> ChatRetention | None:
    """Keep chats so many `days`, or for good where that is None; what is too old already goes within minutes."""
    with transaction.atomic():
        if values["days"] is None:
            if ChatRetention.objects.all().delete()[0]:
                record("retention.removed")
            return None
        kept, _ = ChatRetention.objects.update_or_create(pk=1, defaults=dict(values))
        record("retention.set", detail=dict(values))
        make_due({DueKind.RETENTION: timezone.now()})
    return kept


def count_due(days: int, act: str) -> int:
    """With how many chats this would be done at once, were they kept so many days."""
    return find_old(ChatRetention(days=days, act=act)).count()


def find_old(kept: ChatRetention) -> QuerySet[Chat]:
    """The chats that are kept no longer; to be made anonymous, those that are not yet.

    By this machine's clock and by the database's: one that runs ahead would end chats that are young.
    """
    until = kept.until
    open_ones = Handoff.objects.open().filter(chat=OuterRef("pk"))
    old = Chat.objects.filter(
        created_at__lt=until, updated_at__lt=until, created_at__lte=Now() - timedelta(days=kept.days)
    )  # fmt: skip
    if kept.act == RetentionAct.ANONYMISE:
        old = old.filter(anonymised_at__isnull=True)
    return old.exclude(Exists(open_ones)).order_by("created_at", "id")


def keep_no_longer() -> int:
    """Do what is due in the current tenant; returns with how many chats."""
    kept = find_retention()
    if kept is None:
        return 0
    started, count = time.monotonic(), 0
    while done := _end_part(kept):
        count += done
        if time.monotonic() - started > SECONDS:
            break
    if count:
        detail = {"count": count, "act": kept.act, "days": kept.days}
        record("retention.enforced", actor="retention", detail=detail)
    return count


def next_retention() -> datetime | None:
    """When chats are to be looked at next; None where they are kept for good."""
    kept = find_retention()
    if kept is None:
        return None
    if find_old(kept).exists():
        return timezone.now()
    return timezone.now() + LOOK_EVERY


def _end_part(kept: ChatRetention) -> int:
    with transaction.atomic():
        # Locked as they are judged: one that somebody is just writing in is not old any more, and is left.
        old = find_old(kept).select_for_update(skip_locked=True)
        part = list(old.values_list("pk", flat=True)[:AT_ONCE])
        if kept.takes_golden:
            delete_kept(find_kept(Chat.objects.filter(pk__in=part)), golden=True, curated=False)
        if kept.act == RetentionAct.DELETE:
            return delete_part(part)
        return make_anonymous(part)


def make_anonymous(part: list[UUID]) -> int:
    """Take out of these chats what was said and who asked; times, outcomes, figures and cited passages stay."""
    chats = Chat.objects.filter(pk__in=part)
    with transaction.atomic():
        first = chats.order_by("created_at").values_list("created_at", flat=True).first()
        if first is None:
            return 0
        keep_out_others(part)
        drop_files_of_words(since=first)
        GapQuestion.objects.filter(message__chat__in=part).delete()
        ChatNote.objects.filter(chat__in=part).delete()
        Handoff.objects.filter(chat__in=part).update(contact="", contact_name="")
        with connection.cursor() as cursor:
            cursor.execute(_SILENCE, [list(_FIGURES), part])
        forget_told(part)
        return chats.forget_person()
