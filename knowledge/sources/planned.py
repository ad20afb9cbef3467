"""What of sources a tenant's plan has."""

from __future__ import annotations

from typing import Final

from knowledge.models import Source, SourceType
from tenants.plans.holding import require_feature, require_room
from tenants.plans.models import Countable, Feature

_FEATURE_OF: Final = {
    SourceType.SITE.value: Feature.SITES, SourceType.FOLDER.value: Feature.CONNECTORS,
    SourceType.GIT.value: Feature.CONNECTORS, SourceType.S3.value: Feature.CONNECTORS,
    SourceType.WEBDAV.value: Feature.CONNECTORS, SourceType.NYXCORE.value: Feature.CONNECTORS,
}  # fmt: skip


def require_type_in_plan(source_type: str) -> None:
    """Raise NotInPlan where the tenant's plan lacks sources of a type."""
    feature = _FEATURE_OF.get(source_type)
    if feature is not None:
        require_feature(feature)


def require_in_plan(source_type: str, more: int = 1) -> None:
    """Raise NotInPlan where the tenant's plan lacks sources of a type, or has no room for `more` of any type.

    In the transaction that makes them, and before they are inserted, so that nobody waits for another in a ring.
    """
    require_type_in_plan(source_type)
    require_room(Countable.SOURCES, Source.objects.filter(deleted_at=None).count, more=more)
