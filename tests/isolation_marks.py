"""The markers in acme's texts, for the tests of isolation, and which columns cannot take one.

Three markers, by who may read the text: `PRIVATE` is in acme's schema and nowhere else; `IDENTITY` in acme's rows
of the public schema (who may enter); `OPEN` in what acme shows to everybody, such as its bot's name and greeting.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

from tenants.context import tenant_context
from tenants.models import ApiToken, Tenant, User

PRIVATE, IDENTITY, OPEN = "zqprivatezq", "zqidentityzq", "zqopenzq"

OPEN_FIELDS = {
    "bots.BotProfile.name",
    "bots.BotProfile.description",
    "bots.BotProfile.greeting",
    "bots.BotProfile.starter_questions",
}
# Texts that must keep their values for acme to go on working; none of them is written by a person.
KEPT_FIELDS = {
    "bots.BotProfile.model",
    "bots.BotProfile.embedding_model",
    "bots.BotProfile.encrypted_credentials",
    "bots.BotProfile.key_provider",
    "bots.BotProfile.encrypted_identity_secret",
    "bots.BotProfile.encrypted_previous_identity_secret",
    "bots.BotProfile.allowed_origins",
    "bots.ProviderCredential.provider",
    "bots.ProviderCredential.encrypted_key",
    "bots.ProviderCredential.last_four",
    "bots.ProviderCredential.api_base",
    "bots.ProviderCredential.test_outcome",
    "bots.ProviderChoice.provider",
    "knowledge.CuratedVector.embedding_model",
    "knowledge.Dataset.embedding_model",
    "knowledge.Source.config",
    "knowledge.Source.external_id",  # unique in its dataset; the scene gives acme's one its marker
    "knowledge.Source.redo",
    "knowledge.Source.refresh_schedule",
    "knowledge.StagedText.remake",
    "knowledge.StagedVector.remake",
    "knowledge.Source.content_hash",
    "knowledge.Document.content_hash",
    "knowledge.Chunk.content_hash",
    "knowledge.DocumentVersion.content_hash",
    "knowledge.DocumentVersion.body",  # packed; the scene's texts hold the marker
    "knowledge.DocumentEdit.mine",
    "knowledge.DocumentEdit.theirs",
    "knowledge.DocumentEdit.mine_hash",
    "knowledge.DocumentEdit.theirs_hash",
    "knowledge.DocumentEdit.base_hash",
    "knowledge.SourceFile.sha256",
    "knowledge.SourceFile.kind",
    "webhooks.Webhook.encrypted_secret",
    "webhooks.Webhook.encrypted_previous_secret",
    "knowledge.Source.groups",  # or acme's bot would answer nobody
    "knowledge.CuratedAnswer.groups",
    "conversations.Chat.groups",
    "conversations.Chat.subject",
    "conversations.Chat.visitor_id",
    "conversations.Chat.origin",
    "conversations.Handoff.contact",
    "conversations.HandoffRules.hours",
    "conversations.Gap.embedding_model",
    "conversations.Gap.language",
    "conversations.GapQuestion.language",
}

# JSON of a fixed shape.
SHAPED_FIELDS: dict[str, Any] = {
    "knowledge.Correction.theirs": [
        {
            "id": "00000000-0000-4000-8000-000000000001",
            "document_id": "00000000-0000-4000-8000-000000000001",
            "ordinal": 0,
            "heading": PRIVATE,
            "content": PRIVATE,
            "page": None,
            "place": PRIVATE,
            "token_count": 1,
            "content_hash": PRIVATE,
            "held": True,
            "echo": False,
            "made": None,
        }
    ],
    "knowledge.SiteSync.changes": [
        {"url": PRIVATE, "change": "added", "title": PRIVATE, "reason": PRIVATE}
    ],
    "bots.BotProfile.source_filter": {"tags": [PRIVATE]},  # which each source has by then
    "bots.BotProfile.appearance": {"title": OPEN},
    "bots.BotProfile.masking": {"patterns": [PRIVATE]},
    "conversations.Message.help": {
        "language": "en",
        "choices": [PRIVATE],
        "passages_label": PRIVATE,
        "passages": [],
        "questions_label": PRIVATE,
        "questions": [PRIVATE],
        "contact_label": PRIVATE,
        "contact": PRIVATE,
    },
}


def tenant_models() -> list[type[models.Model]]:
    labels = [app.rpartition(".")[2] for app in settings.TENANT_APPS]
    return [model for label in labels for model in apps.get_app_config(label).get_models()]


def mark_everything(tenant: Tenant) -> None:
    """Write the markers into every free text of acme, wherever a model has one, so that a new column is covered."""
    with tenant_context(tenant):
        for model in tenant_models():
            changes = {}
            for column in model._meta.concrete_fields:
                name = f"{model._meta.label}.{column.name}"
                if name not in KEPT_FIELDS and (value := _marked_value(column, name)) is not None:
                    changes[column.name] = value
            if changes:
                model.objects.update(**changes)
    Tenant.objects.filter(pk=tenant.pk).update(name=f"Acme {OPEN}", status_reason=IDENTITY)
    User.objects.filter(tenant=tenant).update(display_name=IDENTITY)
    ApiToken.objects.filter(tenant=tenant).update(name=IDENTITY)


def _marked_value(column: models.Field, name: str) -> Any:
    marker = OPEN if name in OPEN_FIELDS else PRIVATE
    if column.primary_key or column.is_relation or column.choices:
        return None
    if name in SHAPED_FIELDS:
        return SHAPED_FIELDS[name]
    if isinstance(column, models.JSONField):
        return [marker] if column.default is list else {"note": marker}
    if isinstance(column, models.BinaryField):
        return f"bytes of {marker}".encode()
    if isinstance(column, models.CharField | models.TextField):
        length, text = column.max_length or 10_000, f"{marker} {name}"
        return next(
            (value for value in (text, marker) if len(value) <= length), None
        )  # a language has 8 characters
    return None
