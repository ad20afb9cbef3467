"""How long a turn may take; for those too who watch over processes and have no models."""

from __future__ import annotations

from django.conf import settings


def longest_turn_seconds() -> float:
    """Longer than any turn may take: four times the wait for a first token (see minirag.ai.chat), and then some."""
    return 4 * settings.MODEL_TIMEOUT_SECONDS + 300.0
