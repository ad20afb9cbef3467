"""What people of the tenant write beside a chat: notes, and tags to find it by. No visitor ever sees them."""

from __future__ import annotations

import uuid
from typing import Final

from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.chats import Chat

LONGEST_NOTE: Final = 4_000
LONGEST_TAG: Final = 50


class ChatNote(models.Model):
    """A remark on a chat: who wrote it, and when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(_("note"), validators=[MaxLengthValidator(LONGEST_NOTE)])
    # No foreign key: people live in the public schema.
    author_id = models.UUIDField(null=True, blank=True, editable=False)
    author_email = models.CharField(max_length=320, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"note of {self.created_at:%Y-%m-%d %H:%M}"


class ChatTag(models.Model):
    """A word on a chat that others are found by as well."""

    chat = models.ForeignKey(
        Chat,
        on_delete=models.CASCADE,
        related_name="tags",
        db_index=False,  # chat_tag_once leads with it
    )
    name = models.CharField(_("tag"), max_length=LONGEST_TAG)
    added_by = models.CharField(max_length=320, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["chat", "name"], name="chat_tag_once"),
        ]
        indexes = [models.Index(fields=["name", "chat"], name="chat_tag_by_name")]

    def __str__(self) -> str:
        return self.name
