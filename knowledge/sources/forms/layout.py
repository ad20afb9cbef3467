"""Which fields a source's form in the admin shows, in which order, and when."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext

from knowledge.models import Source, SourceType
from knowledge.sources.forms.cleaning import CLEANING_FIELDS
from knowledge.sources.forms.connector import CHOOSING, CONNECTOR_FIELDS
from knowledge.sources.forms.nyxcore import NYXCORE_FIELDS
from knowledge.sources.forms.site import SITE_FIELDS

_OF_KINDS: Final[dict[str, tuple[str, ...]]] = {
    SourceType.SITE: ("url", *SITE_FIELDS), **CONNECTOR_FIELDS, SourceType.NYXCORE: NYXCORE_FIELDS,
}  # fmt: skip
_OWN: Final = (
    name for names in CONNECTOR_FIELDS.values() for name in names if name not in CHOOSING
)
CONFIGURED = tuple(
    dict.fromkeys(["url", *_OWN, CHOOSING[0], *SITE_FIELDS, *CHOOSING, *NYXCORE_FIELDS])
)
"""Fields of the form that are kept in `config`: where it is, then what of it, then how much."""


def _shown_for(*source_types: str) -> str:
    """Say in the browser when a field of the form is shown; a source that is there does not change its type."""
    names = ", ".join(f"'{name}'" for name in source_types)
    return f"typeof source_type === 'undefined' || [{names}].includes(source_type)"


CONDITIONAL_FIELDS: Final = {
    "content": _shown_for("text"),
    "file": _shown_for("upload"),
    "refresh_schedule": _shown_for("url", *_OF_KINDS),
    **dict.fromkeys(
        CLEANING_FIELDS, _shown_for("text", "upload", "url", "site", *CONNECTOR_FIELDS)
    ),
    **{
        name: _shown_for(
            *(["url"] if name == "url" else []),
            *(kind for kind, names in _OF_KINDS.items() if name in names),
        )
        for name in CONFIGURED
    },
}


_RULES: Final[dict[str, Any]] = {"fields": CLEANING_FIELDS, "classes": ("collapse",)}


def lay_out_new() -> Any:
    """Return the fieldsets of the form that makes a source."""
    what = (
        "source_type", "file", *CONFIGURED, "name", "content", "description",
        "refresh_schedule",
    )  # fmt: skip
    said = (("tags", "dated_on"), ("is_pinned", "weight"))
    return (
        (None, {"fields": (("bot_profile", "shared_dataset"), *what)}),
        (
            gettext("Whom it is for"),
            {"fields": (("visibility", "groups"),), "classes": ("collapse",)},
        ),
        (gettext("What of it is no text"), _RULES),
        (gettext("What counts"), {"fields": said, "classes": ("collapse",)}),
    )


def lay_out(source: Source, *, may_change: bool) -> Any:
    """Return the fieldsets of a source that is there; what is kept in `config` is for those who may change it."""
    own: tuple[Any, ...] = {
        SourceType.TEXT: ("content",), SourceType.UPLOAD: ("shown_file",),
        SourceType.URL: ("url", "refresh_schedule"),
        **{kind: (*names, "refresh_schedule") for kind, names in _OF_KINDS.items()},
        SourceType.NYXCORE: (*NYXCORE_FIELDS, "refresh_schedule", "failed_searches"),
    }.get(SourceType(source.source_type), ())  # fmt: skip
    if not may_change:
        own = tuple(field for field in own if field not in CONFIGURED)
    has_rules = may_change and source.source_type != SourceType.NYXCORE
    return (
        (
            gettext("State"),
            {
                "fields": (
                    ("live_status", "live_progress"),
                    ("document_count", "chunk_count"),
                    "knowledge_links",
                )
            },
        ),
        (
            gettext("Source"),
            {
                "fields": (
                    ("name", "description"),
                    ("bot_profile", "source_type"),
                    "is_active",
                    ("visibility", "groups"),
                    ("tags", "dated_on"),
                    ("is_pinned", "weight"),
                    *own,
                )
            },
        ),
        *([(gettext("What of it is no text"), _RULES)] if has_rules else []),
        (
            gettext("Facts"),
            {
                "fields": (
                    ("dataset", "external_id"),
                    ("language", "created_at"),
                    ("last_refreshed_at", "shown_next"),
                )
            },
        ),
    )
