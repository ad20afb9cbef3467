"""Bots: one configured assistant each, and what its model calls cost."""

from __future__ import annotations

from bots.drafts.models import BotDraft, QualityGate
from bots.models.choices import (
    MOST_ORIGINS,
    MOST_QUESTIONS,
    CondenseMode,
    Fusion,
    RefusalMode,
    UnsupportedMode,
    default_model,
    default_refusal_mode,
)
from bots.models.filters import (
    LONGEST_TAG,
    MOST_TAGS,
    SourceFilter,
    Tag,
    read_source_filter,
)
from bots.models.profiles import BotProfile, BotProfileQuerySet
from bots.providers.models import ProviderChoice, ProviderCredential
from bots.quotas.models import Quota, QuotaUse, SharedStorage
from bots.scopes.models import SCOPE_FACTS, Scope, Strictness, Tone
from bots.usage.models import (
    Measure,
    Outcome,
    PriceOverride,
    UsageDay,
    UsageEvent,
    UsageKind,
    UsageRollup,
    UsageTiming,
)
from bots.versions.models import BotVersion, CameFrom

__all__ = [
    "LONGEST_TAG",
    "MOST_ORIGINS",
    "MOST_QUESTIONS",
    "MOST_TAGS",
    "SCOPE_FACTS",
    "BotDraft",
    "BotProfile",
    "BotProfileQuerySet",
    "BotVersion",
    "CameFrom",
    "CondenseMode",
    "Fusion",
    "Measure",
    "Outcome",
    "PriceOverride",
    "ProviderChoice",
    "ProviderCredential",
    "QualityGate",
    "Quota",
    "QuotaUse",
    "RefusalMode",
    "Scope",
    "SharedStorage",
    "SourceFilter",
    "Strictness",
    "Tag",
    "Tone",
    "UnsupportedMode",
    "UsageDay",
    "UsageEvent",
    "UsageKind",
    "UsageRollup",
    "UsageTiming",
    "default_model",
    "default_refusal_mode",
    "read_source_filter",
]
