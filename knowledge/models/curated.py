"""Curated answers: what a person has approved as the answer to certain questions, before anything is searched."""

from __future__ import annotations

import uuid
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, URLValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from bots.models import BotProfile
from knowledge.curated.same_question import LONGEST_COMPARED
from knowledge.models.audience import Audience, Restrictable
from minirag.lib.bounds import ListOf
from minirag.lib.text.language_table import LANGUAGES
from tenants.context import TenantRow, require_tenant
from tenants.models import User

LONGEST_ANSWER: Final = 20_000
MOST_VARIANTS: Final = 100
MOST_BOTS: Final = 100
MOST_LINKS: Final = 10
_check_url = URLValidator(schemes=["http", "https"])


def check_links(links: list[str]) -> None:
    """They are shown to visitors, so they lead to pages: a `javascript:` is none."""
    for link in links:
        try:
            _check_url(link)
        except ValidationError:
            raise ValidationError("Enter web addresses, with http:// or https://.") from None


def check_language(code: str) -> None:
    if code and code not in LANGUAGES:
        raise ValidationError("Enter a language by its ISO 639-1 code, such as en.")


class CuratedState(models.TextChoices):
    """Whether it answers, and if not, why."""

    LIVE = "live", _("It answers")
    INACTIVE = "inactive", _("Switched off")
    EXPIRED = "expired", _("Expired")
    WITHOUT_OWNER = "without_owner", _("Its owner is gone")
    WITHOUT_BOT = "without_bot", _("No bot gives it")


def _find_owners() -> models.QuerySet[User]:
    return User.objects.filter(pk=OuterRef("owner_id"), tenant=require_tenant(), is_active=True)


class CuratedAnswerQuerySet(models.QuerySet["CuratedAnswer"]):
    def with_owner(self) -> CuratedAnswerQuerySet:
        """Say of each whether its owner is still there, as `has_owner`, and who that is, as `owner_email`."""
        return self.annotate(
            has_owner=Exists(_find_owners()),
            owner_email=Subquery(_find_owners().values("email")[:1]),
        )

    def answering(self, bot_profile_id: uuid.UUID, audience: Audience) -> CuratedAnswerQuerySet:
        """Return those that a bot gives this audience at this moment."""
        return self.live().filter(audience.reads(), bots=bot_profile_id)

    def live(self) -> CuratedAnswerQuerySet:
        """Return those that answer at this moment, whomever they are for."""
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, Exists(_find_owners()), is_active=True)


class CuratedAnswer(TenantRow, Restrictable):
    """An approved answer: the bots that give it, give it as it is written, and search for its questions no more.

    It answers while it is active and not expired, and its owner is an active user of the tenant.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bots = models.ManyToManyField(BotProfile, related_name="curated_answers", blank=True)
    title = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text='What it is cited as. Empty: "Curated answer".',
    )
    answer = models.TextField(
        validators=[MaxLengthValidator(LONGEST_ANSWER)], help_text="Markdown, shown as it is."
    )
    links = models.JSONField(
        default=list, blank=True, validators=[ListOf(MOST_LINKS, 2000), check_links],
        help_text="Pages where more is said; the first is what its citation leads to.",
    )  # fmt: skip
    language = models.CharField(
        max_length=10, blank=True, default="", validators=[check_language],
        help_text="Questions in other languages get it only where they are the same word for word. Empty: in all.",
    )  # fmt: skip
    # No foreign key: users live in the public schema.
    owner_id = models.UUIDField(help_text="Who answers for it. Without them it answers no more.")
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on the sources answer again. Empty: never."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CuratedAnswerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title or self.question or str(self.pk)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def state(self) -> CuratedState:
        """Of a row that came `with_owner`."""
        if not self.is_active:
            return CuratedState.INACTIVE
        if self.is_expired:
            return CuratedState.EXPIRED
        if not self.has_owner:  # type: ignore[attr-defined]
            return CuratedState.WITHOUT_OWNER
        return CuratedState.LIVE if self.bots.all() else CuratedState.WITHOUT_BOT

    @property
    def question(self) -> str:
        """The main one."""
        return next((each.text for each in self.questions.all()), "")

    @property
    def variants(self) -> list[str]:
        return [each.text for each in self.questions.all()][1:]

    @property
    def bot_profile_ids(self) -> list[uuid.UUID]:
        return [bot.pk for bot in self.bots.all()]


class CuratedQuestion(models.Model):
    """A question that a curated answer is given to; the one at place 0 is the main one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.ForeignKey(
        CuratedAnswer,
        on_delete=models.CASCADE,
        related_name="questions",
        db_index=False,  # curated_question_once leads with it
    )
    place = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=LONGEST_COMPARED)
    key = models.CharField(max_length=32, help_text="Equal where the words are.")

    class Meta:
        ordering = ["answer", "place"]
        constraints = [
            models.UniqueConstraint(fields=["answer", "key"], name="curated_question_once")
        ]
        indexes = [models.Index(fields=["key"], name="curated_question_by_key")]

    def __str__(self) -> str:
        return self.text


class CuratedVector(models.Model):
    """A curated question as an embedding model sees it; one for each model that a bot of its answer has."""

    question = models.ForeignKey(
        CuratedQuestion,
        on_delete=models.CASCADE,
        related_name="vectors",
        db_index=False,  # curated_vector_once leads with it
    )
    embedding_model = models.CharField(max_length=100)
    emb = HalfVectorField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["question", "embedding_model"], name="curated_vector_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.embedding_model}: {self.question_id}"
