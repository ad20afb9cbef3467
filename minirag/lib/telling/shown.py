"""Names and numbers as a page shows them."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format


def show_name(name: str, otherwise: object) -> str:
    """A name, or what stands for one that nobody could see, let alone open: blanks, or signs without a width."""
    is_seen = any(sign.isprintable() and not sign.isspace() for sign in name)
    return name if is_seen else str(otherwise)


def show_number(value: float | Decimal, decimals: int | None = None) -> str:
    """A number with its thousands apart, rounded to `decimals`, as the reader's language writes it."""
    rounded = value if decimals is None else f"{value:.{decimals}f}"  # Django would cut it off
    return str(number_format(rounded, decimals, use_l10n=True, force_grouping=True))
