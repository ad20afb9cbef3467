"""What webhooks can be told."""

from __future__ import annotations

from django.db import models


class EventType(models.TextChoices):
    """What can be told; the payload of each is in docs/webhooks.md."""

    SOURCE_INGESTED = "source.ingested", "Source ingested"
    SOURCE_FAILED = "source.failed", "Source failed"
    DOCUMENT_CONFLICTED = "document.conflicted", "Edited document's source has changed"
    CHUNK_CONFLICTED = "chunk.conflicted", "Corrected chunk's source has changed"
    CHAT_MESSAGE = "chat.message", "Chat message"
    CHAT_REFUSED = "chat.refused", "Chat refused"
    CHAT_HANDOFF = "chat.handoff", "Chat waits for a person"
    CHAT_HANDOFF_JOINED = "chat.handoff_joined", "Person has joined a chat"
    CHAT_HANDOFF_CLOSED = "chat.handoff_closed", "Person has left a chat"
    FEEDBACK_GIVEN = "feedback.given", "Feedback given"
    QUOTA_WARNING = "quota.warning", "Quota nearly used up"
    QUOTA_REACHED = "quota.reached", "Quota used up"
    PROVIDER_REFUSED = "provider.refused", "Model provider refuses the account"
    TEST_PING = "test.ping", "Test"  # sent by the test of a webhook alone; nobody subscribes to it


SUBSCRIBABLE = tuple(sorted(each.value for each in EventType if each is not EventType.TEST_PING))
