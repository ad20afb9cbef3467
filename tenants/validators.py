"""What the fields of tenants and tokens accept."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError

from minirag.lib.periods import is_time_zone
from minirag.lib.security.rates import parse_rate
from minirag.lib.text.language_table import LANGUAGES

MOST_LANGUAGES: Final = 10


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


def validate_languages(codes: list[str]) -> None:
    """Raise ValidationError for a language that nothing is said in here, or one that is named twice."""
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown or len(set(codes)) < len(codes):
        known = ", ".join(sorted(LANGUAGES))
        raise ValidationError("Each once, of these: %(known)s.", params={"known": known})
