"""Deleting chats, with all that was said in them. What was spent stays counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from conversations.erasing.keeping import KeptWords, delete_kept, find_kept, forget_told
from conversations.exports.jobs import drop_files_of_words
from conversations.following.journal import forget_turns
from conversations.handoffs.telling import ring
from conversations.models import Chat, GapQuestion, Message, MessageRole
from minirag.lib.errors import NotFound
from tenants.audit import record
from tenants.context import require_tenant

_AT_ONCE: Final = 100
_STILL_KEPT: Final = timedelta(hours=1)
"""Longer than events of a turn are kept for readers who come back."""


def delete_chat(chat: Chat) -> None:
    """A turn that runs in it ends without a trace."""
    with transaction.atomic():
        record("chat.deleted", detail={"chat_id": chat.pk, "bot_profile_id": chat.bot_profile_id})
        delete_part([chat.pk])


class Forgotten(NamedTuple):
    """How many chats of a visitor were deleted, what went with them, and what holds their words still."""

    deleted: int
    deleted_with: KeptWords
    left: KeptWords


def forget_visitor(
    visitor_id: str, subject: str = "", *, golden: bool = False, curated: bool = False
) -> Forgotten:
    """Delete all chats of a visitor, by the id that their browser keeps or by the site's own word for them.

    `golden`, `curated`: what people made of them as well. Raises NotFound where there is no chat. A part at a time, so
    that no transaction grows without end.
    """
    chats = find_chats_of(visitor_id, subject)
    kept = find_kept(chats)
    gone = delete_kept(kept, golden=golden, curated=curated)
    left = kept.sum_up()
    count = 0
    while part := list(chats.values_list("pk", flat=True)[:_AT_ONCE]):
        count += delete_part(part)
    if not count:
        raise NotFound(gettext("There is no chat of this visitor"))
    record("visitor.chats_deleted", detail={"count": count, **gone._asdict()})
    return Forgotten(count, gone, left)


def find_chats_of(visitor_id: str, subject: str = "") -> QuerySet[Chat]:
    """Chats of widgets' visitors only: a server's have neither."""
    chats = Chat.objects.order_by()
    if subject:
        chats = chats.filter(subject=subject)
    if visitor_id:
        chats = chats.filter(visitor_id=visitor_id)
    return chats if visitor_id or subject else chats.none()


def keep_out_others(part: Sequence[UUID]) -> None:
    """Have whoever just writes in these chats wait, or wait for them: what they write would be left over.

    They hold the chat before (`Chat.hold`), but for who groups gaps, who has their questions in this order.
    """
    questions = GapQuestion.objects.filter(message__chat__in=part)
    for rows in (Chat.objects.filter(pk__in=part), questions):
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def delete_part(part: list[UUID]) -> int:
    """Delete these chats, files of exports that may hold them, and what readers of their turns could come back to."""
    with transaction.atomic():
        found = Chat.objects.filter(pk__in=part)
        keep_out_others(part)
        first = found.aggregate(first=Min("created_at"))["first"]
        if first is None:
            return 0
        asked = Message.objects.filter(
            chat_id__in=part, role=MessageRole.USER, created_at__gt=timezone.now() - _STILL_KEPT
        )
        turn_ids = list(asked.values_list("pk", flat=True))
        drop_files_of_words(since=first)
        for chat_id in part:
            ring(chat_id)
        count = found.count()
        found.delete()
        forget_told(part)
        if turn_ids:
            forget = partial(forget_turns, require_tenant().schema_name, turn_ids)
            transaction.on_commit(forget)
    return count
