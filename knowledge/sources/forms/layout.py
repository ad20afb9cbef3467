"""Which fields a source's form in the admin shows, in which order, and when."""

from __future__ import annotations

from typing import Any

from knowledge.models import Source, SourceType
from knowledge.sources.forms.nyxcore import NYXCORE_FIELDS
from knowledge.sources.forms.site import SITE_FIELDS

CONFIGURED = ("url", *SITE_FIELDS, *NYXCORE_FIELDS)
"""Fields of the form that are kept in `config`."""


def _shown_for(source_type: str) -> str:
    """Say in the browser when a field of the form is shown; a source that is there does not change its type."""
    return f"typeof source_type === 'undefined' || source_type === '{source_type}'"


CONDITIONAL_FIELDS = {
    "content": _shown_for("text"),
    "file": _shown_for("upload"),
    "url": f"{_shown_for('url')} || source_type === 'site'",
    "refresh_schedule": f"{_shown_for('url')} || ['site', 'nyxcore'].includes(source_type)",
    **{name: _shown_for("site") for name in SITE_FIELDS},
    **{name: _shown_for("nyxcore") for name in NYXCORE_FIELDS},
}


def lay_out_new() -> Any:
    """Return the fieldsets of the form that makes a source."""
    what = (
        "source_type", "file", "url", *SITE_FIELDS, *NYXCORE_FIELDS, "name", "content", "description",
        "refresh_schedule",
    )  # fmt: skip
    said = (("tags", "dated_on"), ("is_pinned", "weight"))
    return (
        (None, {"fields": (("bot_profile", "shared_dataset"), *what)}),
        ("What counts", {"fields": said, "classes": ("collapse",)}),
    )


def lay_out(source: Source, *, may_change: bool) -> Any:
    """Return the fieldsets of a source that is there; what is kept in `config` is for those who may change it."""
    own: tuple[Any, ...] = {
        SourceType.TEXT: ("content",), SourceType.UPLOAD: ("shown_file",),
        SourceType.URL: ("url", "refresh_schedule"),
        SourceType.SITE: ("url", *SITE_FIELDS, "refresh_schedule"),
        SourceType.NYXCORE: (*NYXCORE_FIELDS, "refresh_schedule", "failed_searches"),
    }.get(SourceType(source.source_type), ())  # fmt: skip
    if not may_change:
        own = tuple(field for field in own if field not in CONFIGURED)
    return (
        (
            "State",
            {
                "fields": (
                    ("status", "shown_progress"),
                    ("document_count", "chunk_count"),
                    "knowledge_links",
                )
            },
        ),
        (
            "Source",
            {
                "fields": (
                    ("name", "description"),
                    ("bot_profile", "source_type"),
                    "is_active",
                    ("tags", "dated_on"),
                    ("is_pinned", "weight"),
                    *own,
                )
            },
        ),
        (
            "Facts",
            {
                "fields": (
                    ("dataset", "external_id"),
                    ("language", "created_at"),
                    ("last_refreshed_at", "next_refresh_at"),
                )
            },
        ),
    )
