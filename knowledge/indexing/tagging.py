"""The tags that a document gives itself, by which its source is filtered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.models import LONGEST_TAG, MOST_TAGS


def tags_of(metadata: Mapping[str, Any]) -> list[str]:
    """Its own tags, as a list or divided by commas; of those that are too long or too many the first."""
    told = metadata.get("tags")
    said = told.split(",") if isinstance(told, str) else told if isinstance(told, list) else []
    tags = [str(tag).strip() for tag in said if isinstance(tag, str | int)]
    return list(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= LONGEST_TAG))[:MOST_TAGS]
