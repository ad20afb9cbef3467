"""A chat: a thread between one bot and one person."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.models import BotProfile
from knowledge.models import Audience
from minirag.lib.errors import NotFound
from minirag.lib.telling.shown import show_name
from minirag.lib.text.word_search import word_index
from tenants.backend.cursor import Missed
from tenants.context import TenantRow

_COUNT = """
UPDATE conversations_chat
   SET message_count = message_count + %s, total_prompt_tokens = total_prompt_tokens + %s,
       total_completion_tokens = total_completion_tokens + %s, cost_usd = cost_usd + %s, updated_at = %s,
       language = coalesce(nullif(%s, ''), language), anonymised_at = NULL,
       traits = CASE WHEN traits @> %s::text[] THEN traits
                     ELSE ARRAY(SELECT DISTINCT trait FROM unnest(traits || %s::text[]) AS trait ORDER BY trait) END
 WHERE id = %s RETURNING id"""
_JUDGE = """
UPDATE conversations_chat
   SET traits = ARRAY(SELECT trait FROM unnest(traits) AS trait WHERE trait NOT IN ('liked', 'disliked')
                      UNION SELECT CASE feedback WHEN 'positive' THEN 'liked' ELSE 'disliked' END
                              FROM conversations_message WHERE chat_id = %s AND feedback IS NOT NULL
                      ORDER BY 1),
       anonymised_at = NULL
 WHERE id = %s"""
_HOLD = "SELECT FROM conversations_chat WHERE id = %s FOR NO KEY UPDATE"
_MARK = """
UPDATE conversations_chat
   SET groups = (SELECT jsonb_agg(DISTINCT mark ORDER BY mark) FROM jsonb_array_elements(groups || %s::jsonb) AS mark)
 WHERE id = %s RETURNING groups::text"""


LONGEST_SUBJECT: Final = 200


@contextmanager
def _still_there() -> Iterator[None]:
    """Send what the body has the chat do "soon", now. Raises NotFound where it was deleted meanwhile."""
    try:
        yield
        with connection.cursor() as cursor:
            cursor.execute("SELECT")
    except Missed:
        raise NotFound(gettext("Chat session not found")) from None


class Trait(models.TextChoices):
    """What happened in a chat at least once; a refusal is there a second time with its reason, `refused:off_topic`."""

    REFUSED = "refused", _("Declined")
    FAILED = "failed", _("Failed")
    STOPPED = "stopped", _("Stopped by the reader")
    UNCITED = "uncited", _("Without a valid citation")
    LIKED = "liked", _("Thumbs up")
    DISLIKED = "disliked", _("Thumbs down")
    PERSON = "person", _("Answered by a person")

    @classmethod
    def of_refusal(cls, reason: str) -> list[str]:
        return [cls.REFUSED, f"{cls.REFUSED}:{reason}"] if reason else [cls.REFUSED]


class ChatQuerySet(models.QuerySet["Chat"]):
    def open_to(self, audience: Audience) -> ChatQuerySet:
        """Return those in which nothing was said that this audience may not read."""
        return self if audience.is_insider else self.filter(groups__contained_by=audience.marks)

    def forget_person(self) -> int:
        """Take out who asked, and the title, which is their words. Returns of how many."""
        return self.update(
            title="",
            visitor_id="",
            subject="",
            origin="",
            user_id=None,
            anonymised_at=timezone.now(),
        )


class Chat(TenantRow, models.Model):
    """A thread between one bot and one person, who is a user, a visitor of a widget, or a server with a token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.CASCADE,
        related_name="chats",
        verbose_name="bot",
        db_index=False,  # chat_by_bot leads with it
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
    # What lists of chats are filtered by, kept by what happens in it, so that no list reads the messages.
    cost_usd = models.DecimalField(
        _("cost"), max_digits=14, decimal_places=8, default=Decimal(0), db_default=Decimal(0), editable=False
    )  # fmt: skip
    language = models.CharField(
        _("language"), max_length=10, blank=True, default="", db_default="", editable=False,
        help_text="Of the latest question.",
    )  # fmt: skip
    traits = ArrayField(
        models.TextField(), default=list, db_default=models.Value([], ArrayField(models.TextField())), editable=False,
        help_text="See Trait.",
    )  # fmt: skip
    # Empty again as soon as something is said in it: those words have their time, too.
    anonymised_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its words and who asked were taken out."
    )  # fmt: skip
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
            # Only what seldom happens is a trait: a turn like most changes no index.
            GinIndex(fields=["traits"], name="chat_by_traits"),
        ]

    def __str__(self) -> str:
        return show_name(self.title, self.pk)

    def hold(self) -> None:
        """Have whoever else writes in it wait until the caller's transaction ends: it is locked before what is in it.

        Raises NotFound where it was deleted meanwhile.
        """
        with _still_there():
            self.hold_soon()

    def hold_soon(self) -> None:
        """The same with the transaction's next statement, which raises Missed instead."""
        database: Any = connections[DEFAULT_DB_ALIAS]
        database.hold(_HOLD, [self.pk], has_to_hit=True)

    def note_audience(self, audience: Audience) -> None:
        """From now on things may be said in it that are for this audience: others cannot go on in it.

        In one statement, for several may ask in it at once, and the marks of none may be lost to another's.
        """
        if set(audience.marks) <= {*self.groups}:
            return
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [json.dumps(audience.marks), self.pk])
            self.groups = json.loads(cursor.fetchone()[0])

    def count_up(self, *, messages: int, traits: Sequence[str] = ()) -> None:
        """Add what was said and happened in it, in the transaction that stores that; it has changed now.

        Raises NotFound where the chat was deleted meanwhile: what was stored in it could not be committed.
        """
        with _still_there():
            self.count_up_soon(messages=messages, traits=traits)

    def count_up_soon(
        self, *, messages: int, prompt_tokens: int = 0, completion_tokens: int = 0,
        cost_usd: Decimal = Decimal(0), language: str = "", traits: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """The same, and what was spent, with the transaction's next statement or its commit, which raises Missed.

        By hand, since every turn does it and Django takes ten times as long to write the statement.
        """
        added = list(traits)
        facts = [
            messages, prompt_tokens, completion_tokens, cost_usd, timezone.now(), language[:10], added, added, self.pk,
        ]  # fmt: skip
        database: Any = connections[DEFAULT_DB_ALIAS]
        database.hold(_COUNT, facts, has_to_hit=True)

    def has_words_again(self) -> None:
        """Something was written beside it: if it had been made anonymous, it is so no longer."""
        Chat.objects.filter(pk=self.pk, anonymised_at__isnull=False).update(anonymised_at=None)

    def note_opinions(self) -> None:
        """What readers think of its answers has changed, in the transaction that stores that."""
        with connection.cursor() as cursor:
            cursor.execute(_JUDGE, [self.pk, self.pk])
