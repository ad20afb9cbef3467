"""What a bot can be set to, and what it is set to at first."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models

from tenants.context import current_tenant

MOST_QUESTIONS: Final = 10
MOST_ORIGINS: Final = 50


def default_model() -> str:
    """The tenant's own, or the installation's."""
    tenant = current_tenant()
    return (tenant.default_model if tenant is not None else "") or settings.DEFAULT_LLM_MODEL


class CondenseMode(models.TextChoices):
    """When a chat model is asked to put a question so that it stands alone, before it is searched."""

    AUTO = "auto", "Where a question leans on what was said before"
    ALWAYS = "always", "For every question with something said before it"
    NEVER = "never", "Never: by the words alone"


class UnsupportedMode(models.TextChoices):
    """What becomes of a cited sentence that its passages do not hold."""

    MARK = "mark", "Stays, and is marked in the trace"
    DROP = "drop", "Is left out of the answer"


def default_refusal_mode() -> str:
    return settings.DEFAULT_REFUSAL_MODE


class RefusalMode(models.TextChoices):
    """Who judges whether the sources answer a question.

    Open: nobody, the model is always asked. Balanced: a chat model itself, once what was found is not hopeless; for the
    offline answerer the floor and a check of what it would quote. Strict: the floor for every model, and the check word
    for word.
    """

    STRICT = "strict", "Strict: rather no answer than a doubtful one"
    BALANCED = "balanced", "Balanced: a chat model says itself what its sources do not hold"
    OPEN = "open", "Open: the model is always asked"


class Fusion(models.TextChoices):
    MAX_NORM = "max_norm", "Max-normalised sum"
    RECIPROCAL_RANK = "rrf", "Reciprocal rank"
