"""A chat: a thread between one bot and one person."""

from __future__ import annotations

import json
import uuid
from typing import Final

from django.db import connection, models
from django.utils import timezone

from bots.models import BotProfile
from knowledge.models import Audience
from minirag.lib.text.word_search import word_index
from tenants.context import TenantRow

_COUNT = """
UPDATE conversations_chat
   SET message_count = message_count + %s, total_prompt_tokens = total_prompt_tokens + %s,
       total_completion_tokens = total_completion_tokens + %s, updated_at = %s
 WHERE id = %s"""
_MARK = """
UPDATE conversations_chat
   SET groups = (SELECT jsonb_agg(DISTINCT mark ORDER BY mark) FROM jsonb_array_elements(groups || %s::jsonb) AS mark)
 WHERE id = %s RETURNING groups::text"""


LONGEST_SUBJECT: Final = 200


class ChatQuerySet(models.QuerySet["Chat"]):
    def open_to(self, audience: Audience) -> ChatQuerySet:
        """Return those in which nothing was said that this audience may not read."""
        return self if audience.is_insider else self.filter(groups__contained_by=audience.marks)


class Chat(TenantRow, models.Model):
    """A thread between one bot and one person, who is a user, a visitor of a widget, or a server with a token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile, on_delete=models.CASCADE, related_name="chats", verbose_name="bot"
    )
    # No foreign key: users live in the public schema, and erasing one must not look into every tenant.
    user_id = models.UUIDField(null=True, blank=True)
    visitor_id = models.CharField(max_length=64, blank=True, default="")
    origin = models.CharField(
        max_length=255, blank=True, default="", help_text="The page's origin, for widgets."
    )
    subject = models.CharField(
        max_length=LONGEST_SUBJECT,
        blank=True,
        default="",
        db_default="",
        help_text="Who a widget's visitor is, by the page's own word for it.",
    )
    groups = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), editable=False,
        help_text="Who may go on in it: in it something may have been said that is for these alone.",
    )  # fmt: skip
    title = models.CharField(max_length=500, blank=True)
    message_count = models.PositiveIntegerField(default=0)
    total_prompt_tokens = models.PositiveBigIntegerField(default=0)
    total_completion_tokens = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at"], name="chat_by_time"),
            models.Index(fields=["bot_profile", "-created_at"], name="chat_by_bot"),
            models.Index(
                fields=["visitor_id"], name="chat_by_visitor", condition=~models.Q(visitor_id="")
            ),
            word_index("title", "visitor_id", "origin", name="chat_by_words"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.pk)

    def note_audience(self, audience: Audience) -> None:
        """From now on things may be said in it that are for this audience: others cannot go on in it.

        In one statement, for several may ask in it at once, and the marks of none may be lost to another's.
        """
        if set(audience.marks) <= {*self.groups}:
            return
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [json.dumps(audience.marks), self.pk])
            self.groups = json.loads(cursor.fetchone()[0])

    def count_up(
        self, *, messages: int, prompt_tokens: int = 0, completion_tokens: int = 0
    ) -> None:
        """Add what was said and spent in it, in the transaction that stores that; it has changed now.

        By hand, since every turn does it and Django takes ten times as long to write the statement.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                _COUNT, [messages, prompt_tokens, completion_tokens, timezone.now(), self.pk]
            )
