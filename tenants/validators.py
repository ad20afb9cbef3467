"""What the fields of tenants and tokens accept."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from minirag.lib.periods import is_time_zone
from minirag.lib.security.rates import parse_rate


def validate_time_zone(name: str) -> None:
    """Raise ValidationError for what is not an IANA time zone."""
    if not is_time_zone(name):
        raise ValidationError(
            "“%(name)s” is not a time zone, such as Europe/Berlin.", params={"name": name[:64]}
        )


def validate_rate(text: str) -> None:
    """Raise ValidationError for what is neither a rate (`60/minute`) nor 0."""
    try:
        parse_rate(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None
