"""Names, numbers and times as a page shows them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import localize, number_format


def show_name(name: str, otherwise: object) -> str:
    """A name, or what stands for one that nobody could see, let alone open: blanks, or signs without a width."""
    is_seen = any(sign.isprintable() and not sign.isspace() for sign in name)
    return name if is_seen else str(otherwise)


def show_number(value: float | Decimal | None, decimals: int | None = None) -> str:
    """A number with its thousands apart, rounded to `decimals`, as the reader's language writes it."""
    if value is None:
        return "–"
    rounded = value if decimals is None else f"{value:.{decimals}f}"  # Django would cut it off
    return str(number_format(rounded, decimals, use_l10n=True, force_grouping=True))


def show_moment(moment: datetime | None) -> str:
    """A time as Django shows that of a column; it shows that of a method as Python writes it."""
    return "–" if moment is None else str(localize(timezone.localtime(moment)))
