"""Handoffs: chats that ask for a person or have one, and when a bot's visitors may."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from django.utils.translation import gettext

from bots.models import BotProfile
from conversations.handoffs.hours import check_hours
from conversations.models.chats import Chat
from minirag.lib.errors import NotFound
from minirag.lib.jobs.clock import lies_ahead

LONGEST_SAID: Final = 32_000
LONGEST_NAME: Final = 255
WATCHED: Final = timedelta(seconds=90)
"""How long a chat stays with a person whose page is not heard of; a page tells of itself three times as often."""
ANSWERING: Final = timedelta(minutes=30)
"""The same for a person of another system, who is heard of only when they write."""


class HandoffState(models.TextChoices):
    WAITING = "waiting", "Waiting for a person"
    JOINED = "joined", "With a person"
    CLOSED = "closed", "Over"


class HandoffReason(models.TextChoices):
    ASKED = "asked", "Pressed the button"
    WISH = "wish", "Wrote that they want a person"
    DECLINED = "declined_twice", "Declined twice"
    DISLIKED = "disliked", "Thumbs down"
    MESSAGE = "message", "Left a message"
    PROGRAM = "program", "Asked for by a program"


class HandoffEnd(models.TextChoices):
    HANDED_BACK = "handed_back", "Handed back to the bot"
    CLOSED = "closed", "Closed"
    WITHDRAWN = "withdrawn", "Withdrawn by the visitor"


def _is_held(now: datetime) -> Q:
    # Twice: whoever wrote it may be on another machine, whose clock is a little ahead.
    return lies_ahead("held_until", now, now + 2 * ANSWERING)


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def open(self) -> HandoffQuerySet:
        """Those that wait, or that a person is in."""
        return self.exclude(state=HandoffState.CLOSED)

    def waiting(self) -> HandoffQuerySet:
        return self.filter(state=HandoffState.WAITING)

    def joined(self) -> HandoffQuerySet:
        return self.filter(state=HandoffState.JOINED)

    def lapsed(self, now: datetime) -> HandoffQuerySet:
        """Those whose person was not heard of for too long."""
        return self.joined().exclude(_is_held(now))

    def waiting_first(self) -> HandoffQuerySet:
        """Those that wait, the longest first; then those that a person is in; then those that are over."""
        rank = models.Case(
            models.When(state=HandoffState.WAITING, then=0),
            models.When(state=HandoffState.JOINED, then=1),
            default=2,
            output_field=models.IntegerField(),
        )
        return self.annotate(rank=rank).order_by("rank", "waiting_since", "id")


class Handoff(models.Model):
    """A chat that asks for a person, or has one. A chat has at most one that is not over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="handoffs")
    bot_profile = models.ForeignKey(
        BotProfile, on_delete=models.CASCADE, related_name="handoffs", verbose_name="bot"
    )
    state = models.CharField(max_length=10, choices=HandoffState, default=HandoffState.WAITING)
    reason = models.CharField(max_length=20, choices=HandoffReason, default=HandoffReason.ASKED)
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    contact = models.EmailField(
        "e-mail", max_length=320, blank=True, default="", help_text="Where to write to a visitor who left a message."
    )  # fmt: skip
    contact_name = models.CharField("name", max_length=LONGEST_NAME, blank=True, default="")
    # No foreign key: people live in the public schema.
    person_id = models.UUIDField(null=True, blank=True, editable=False)
    person_email = models.CharField("person", max_length=320, blank=True, default="", editable=False)  # fmt: skip
    person_name = models.CharField(
        max_length=LONGEST_NAME, blank=True, default="", editable=False, help_text="As visitors see it."
    )  # fmt: skip
    held_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="It waits again where its person is not heard of until then."
    )  # fmt: skip
    ended_as = models.CharField(max_length=12, choices=HandoffEnd, blank=True, default="")
    mailed_at = models.DateTimeField(null=True, blank=True, editable=False)
    waiting_since = models.DateTimeField(default=timezone.now, editable=False)
    joined_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["chat"], condition=~Q(state="closed"), name="handoff_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="handoff_by_time"),
            models.Index(
                fields=["state", "waiting_since"], name="handoff_open", condition=~Q(state="closed")
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(state)s since %(when)s") % {
            "state": self.get_state_display(),
            "when": f"{self.waiting_since:%Y-%m-%d %H:%M}",
        }

    @property
    def is_open(self) -> bool:
        return self.state != HandoffState.CLOSED

    @property
    def audit_name(self) -> str:
        return "handoff"

    # Each of these is one conditional UPDATE: of several people who do it at once one does, and is told so by True.
    def join(
        self, person: Any, held_for: timedelta, *, instead_of: uuid.UUID | None = None
    ) -> bool:
        """waiting → with this person; joined by `instead_of` → with this person, who takes it over knowingly."""
        now = timezone.now()
        free = Q(state=HandoffState.WAITING)
        if instead_of is not None:
            free |= Q(state=HandoffState.JOINED, person_id=instead_of)
        return self._change(
            free, state=HandoffState.JOINED, person_id=person.pk, person_email=person.email,
            person_name=person.display_name, joined_at=now, held_until=now + held_for,
        )  # fmt: skip

    def hear_of(self, person_id: uuid.UUID, held_for: timedelta) -> bool:
        """The person in it is there; returns whether it is still theirs."""
        now = timezone.now()
        held = Least(models.F("held_until"), models.Value(now + ANSWERING))
        longer = Greatest(held, models.Value(now + held_for))
        return self._change(Q(state=HandoffState.JOINED, person_id=person_id), held_until=longer)

    def release(self, person_id: uuid.UUID | None = None) -> bool:
        """with a person → waiting: they have left without a word, or may not answer any more.

        People were written to when it first waited; they are not again.
        """
        held = Q(state=HandoffState.JOINED)
        held &= ~_is_held(timezone.now()) if person_id is None else Q(person_id=person_id)
        return self._change(
            held, state=HandoffState.WAITING, person_id=None, person_email="", person_name="", joined_at=None,
            held_until=None, waiting_since=timezone.now(),
        )  # fmt: skip

    def end(self, ended_as: HandoffEnd, person_id: uuid.UUID | None = None) -> bool:
        """→ over; by the person who is in it, or `person_id` None: by whoever may while it waits, or its visitor."""
        wanted = ~Q(state=HandoffState.CLOSED)
        if person_id is not None:
            wanted &= Q(state=HandoffState.WAITING) | Q(person_id=person_id)
        return self._change(
            wanted, state=HandoffState.CLOSED, ended_as=ended_as, closed_at=timezone.now(), held_until=None
        )  # fmt: skip

    def _change(self, wanted: Q, **columns: Any) -> bool:
        """Raises NotFound where the chat was deleted meanwhile."""
        rows = Handoff.objects.filter(wanted, pk=self.pk)
        changed = bool(rows.update(**columns, updated_at=timezone.now()))
        try:
            self.refresh_from_db()
        except Handoff.DoesNotExist:
            raise NotFound(gettext("Handoff not found")) from None
        return changed


class HandoffRules(models.Model):
    """When visitors of a bot get a person. Without a row: never."""

    bot_profile = models.OneToOneField(
        BotProfile, on_delete=models.CASCADE, related_name="handoff_rules", verbose_name="bot"
    )
    is_offered = models.BooleanField(
        "visitors may ask for a person", default=True, help_text="By a button of the widget."
    )
    on_wish = models.BooleanField(
        "who writes that they want a person", default=True, help_text="Such as: can I talk to somebody?"
    )  # fmt: skip
    on_declined_twice = models.BooleanField("two questions declined in a row", default=False)
    on_disliked = models.BooleanField("thumbs down", default=False)
    hours = models.JSONField(
        default=dict, blank=True, validators=[check_hours],
        help_text="When people are there, in the tenant's time zone. Empty: always.",
    )  # fmt: skip
    takes_messages = models.BooleanField(
        "take a message while nobody is there", default=True, help_text="With an e-mail address to answer to."
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "handoff rules"
        verbose_name_plural = "handoff rules"

    def __str__(self) -> str:
        return gettext("handoff rules of %(bot)s") % {"bot": self.bot_profile}
