"""Golden questions: what a bot is asked to see how good it is, and what must and must not be answered."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models

from bots.models import BotProfile
from bots.scopes.models import LONGEST_QUESTION
from minirag.lib.bounds import ListOf
from minirag.lib.rows import QuickRow
from minirag.lib.security.groups import LONGEST_GROUP, MOST_GROUPS, check_groups, fold_groups
from minirag.lib.strict_json import check_text

MOST_SOURCES: Final = 20
MOST_FACTS: Final = 20
MOST_TAGS: Final = 20
MOST_BEFORE: Final = 20
LONGEST_FACT: Final = 500
LONGEST_TAG: Final = 50
_ROLES: Final = ("user", "assistant")


def check_conversation(value: Any) -> None:
    """Raise ValidationError for what is no conversation, or a longer one than is kept. Takes rows and bodies alike."""
    told = f"At most {MOST_BEFORE} messages with role (user, assistant) and content."
    if not isinstance(value, list) or len(value) > MOST_BEFORE:
        raise ValidationError(told)
    if not all(map(_is_message, value)):
        raise ValidationError(told)


def _is_message(value: Any) -> bool:
    try:
        said = dict(value)
        role, content = said.pop("role", ""), said.pop("content", "")
        check_text(content, ())
    except (
        AttributeError,
        TypeError,
        ValueError,
    ):  # another kind of thing, or a text that cannot be stored
        return False
    is_text = 0 < len(content.strip()) <= LONGEST_QUESTION
    return role in _ROLES and is_text and not said


def name_question(
    question: str, before: Iterable[Mapping[str, str]] = (), groups: Iterable[str] = ()
) -> str:
    """A short name of what is asked: equal for the same words after the same conversation, of somebody in the same
    groups.
    """
    said = [" ".join(each["content"].split()).casefold() for each in before]
    text = "\n".join([*said, " ".join(question.split()).casefold()])
    if told := fold_groups(groups):
        text += f"\n\0{json.dumps(told)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class GoldenQuestionQuerySet(models.QuerySet["GoldenQuestion"]):
    def active(self) -> GoldenQuestionQuerySet:
        return self.filter(is_active=True)

    def tagged(self, tag: str) -> GoldenQuestionQuerySet:
        return self.filter(tags__contains=[tag])


class GoldenQuestion(QuickRow, models.Model):
    """A question to one bot, and what is right. Nothing said of it means: it is to be answered, not declined."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.CASCADE,
        related_name="golden_questions",
        verbose_name="bot",
        db_index=False,  # golden_question_once leads with it
    )
    question = models.TextField(validators=[MaxLengthValidator(LONGEST_QUESTION)])
    before = models.JSONField(
        "said before",
        default=list,
        blank=True,
        validators=[check_conversation],
        help_text="The conversation up to the question, as role and content, oldest first.",
    )
    language = models.CharField(
        max_length=8, blank=True, default="", help_text="That the asker's browser speaks, e.g. de."
    )
    groups = models.JSONField(
        "asked in these groups", default=list, db_default=models.Value([], models.JSONField()), blank=True,
        validators=[ListOf(MOST_GROUPS, LONGEST_GROUP), check_groups],
        help_text="In which groups the asker is, so that what is for them is answered from as well. Empty: in none.",
    )  # fmt: skip
    expected_sources = models.JSONField(
        default=list,
        blank=True,
        validators=[ListOf(MOST_SOURCES, 500)],
        help_text="Ids, external ids or names of sources, one of which is to be cited.",
    )
    expected_facts = models.JSONField(
        "facts that must appear", default=list, blank=True, validators=[ListOf(MOST_FACTS, LONGEST_FACT)]
    )  # fmt: skip
    forbidden_facts = models.JSONField(
        "facts that must not appear", default=list, blank=True, validators=[ListOf(MOST_FACTS, LONGEST_FACT)]
    )  # fmt: skip
    must_decline = models.BooleanField(
        default=False, help_text="The sources do not answer it, and the bot is to say so."
    )
    tags = models.JSONField(
        default=list, blank=True, validators=[ListOf(MOST_TAGS, LONGEST_TAG)]
    )  # fmt: skip
    is_active = models.BooleanField(default=True, help_text="Asked in evaluation runs.")
    name_hash = models.CharField(max_length=32, editable=False)
    made_by = models.CharField(max_length=320, blank=True, default="", editable=False)
    # A plain id: a chat that is deleted takes no golden question with it.
    message_id = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The question of a chat that it was made of."
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = GoldenQuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["bot_profile", "name_hash"], name="golden_question_once"
            )
        ]
        indexes = [
            models.Index(fields=["bot_profile", "-created_at", "-id"], name="golden_by_bot"),
        ]

    def __str__(self) -> str:
        return self.question[:90]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, under the name that its words make."""
        self.name_hash = name_question(self.question, self.before, self.groups)
        if update_fields is not None:
            update_fields = {*update_fields, "name_hash"}
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def audit_name(self) -> str:
        """Without its words, which may be a visitor's: nothing is ever erased from the audit log."""
        return "golden question"

    @property
    def history(self) -> tuple[tuple[str, str], ...]:
        """What was said before, as a turn takes it."""
        return tuple((each["role"], each["content"]) for each in self.before)


def as_said(message: Any) -> Any:
    """A message of a conversation before; a text alone is the visitor's."""
    return {"role": "user", "content": message} if isinstance(message, str) else message
