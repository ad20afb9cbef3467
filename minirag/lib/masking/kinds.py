"""Where in a text stands what belongs to a person: by rules, and by check digits where there are some. Pure.

Each rule looks at a bounded piece of text at a time, so that no text makes it slow. What is taken out comes back in the
answer, so a rule rather takes too much than too little.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from stdnum import iban, luhn

Span = tuple[int, int]


class Kind(StrEnum):
    EMAIL = "email"
    IBAN = "iban"
    CARD = "card"
    PHONE = "phone"
    IP = "ip"


_EMAIL: Final = re.compile(r"(?<![\w.+%'-])[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \u00a0-]?[A-Za-z0-9]){11,32}")
_CARD: Final = re.compile(r"(?<!\d)\d(?:[ \u00a0-]?\d){12,18}")
_PHONE: Final = re.compile(
    r"(?<![\w+])(?:\+|\()?\d(?:[ \u00a0()/.\u2010-\u2013-]{0,3}\d){5,16}(?![\w])"
)
_BETWEEN: Final = re.compile(r"[ \u00a0/]+(?=0)")
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])")
_DATE: Final = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2})")
_SEPARATOR: Final = re.compile(r"[ \u00a0-]")
_LEAST_DIGITS, _MOST_DIGITS = 7, 15
_REGIONS: Final = {
    "de": ("DE", "AT", "CH"), "en": ("US", "GB", "IE"), "fr": ("FR", "BE", "CH"), "it": ("IT", "CH"),
    "es": ("ES", "MX"), "pt": ("PT", "BR"), "nl": ("NL", "BE"), "pl": ("PL",), "cs": ("CZ",), "sk": ("SK",),
    "hu": ("HU",), "sl": ("SI",), "hr": ("HR",), "ro": ("RO",), "bg": ("BG",), "el": ("GR",), "sv": ("SE",),
    "da": ("DK",), "no": ("NO",), "fi": ("FI",),
    "tr": ("TR",), "ru": ("RU",), "uk": ("UA",), "ja": ("JP",), "zh": ("CN",), "ar": ("EG", "AE", "SA"),
}  # fmt: skip
"""Whose numbers are known without their country's code, by the tenant's languages."""
_USUAL: Final = ("de", "en")


def regions_of(languages: Sequence[str]) -> tuple[str, ...]:
    """The countries in which people of these languages have their telephones."""
    found = [region for code in languages or _USUAL for region in _REGIONS.get(code, ())]
    return tuple(dict.fromkeys(found))


def find_kind(kind: Kind, text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Where a text has what is of this kind, in its order."""
    if kind == Kind.PHONE:
        return _find_phones(text, regions)
    return _FINDERS[kind](text)


def _find_emails(text: str) -> Iterator[Span]:
    return (match.span() for match in _EMAIL.finditer(text))


def _find_ibans(text: str) -> Iterator[Span]:
    return _find_checked(_IBAN, text, shortest=15, is_one=_is_iban)


def _is_iban(said: str) -> bool:
    return bool(iban.is_valid(said, check_country=False))


def _find_cards(text: str) -> Iterator[Span]:
    return _find_checked(_CARD, text, shortest=13, is_one=luhn.is_valid)


def _find_checked(
    pattern: re.Pattern[str], text: str, *, shortest: int, is_one: Callable[[str], bool]
) -> Iterator[Span]:
    """The longest beginning of each candidate that ends with a group and whose check digits are right."""
    at = 0
    while match := pattern.search(text, at):
        start, end = match.span()
        at = end
        for cut in _ends_of(text, start, end):
            bare = _SEPARATOR.sub("", text[start:cut])
            if len(bare) < shortest:
                break
            if is_one(bare):
                yield start, cut
                at = cut
                break


def _ends_of(text: str, start: int, end: int) -> Iterator[int]:
    yield from (
        cut for cut in range(end, start, -1)
        if cut == len(text) or (not text[cut].isalnum() and text[cut - 1].isalnum())
    )  # fmt: skip


def _find_phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    at = 0
    while match := _PHONE.search(text, at):
        start, at = match.start(), _end_of_phone(match, regions)
        said = text[start:at]
        if _is_phone(said, regions):
            yield start + (said[0] == "(" and ")" not in said), at


def _end_of_phone(match: re.Match[str], regions: Sequence[str]) -> int:
    """Where another number begins in what looks like one, or its end."""
    text, (start, end) = match.string, match.span()
    for between in _BETWEEN.finditer(text, start, end):
        other = _PHONE.match(text, between.end())
        if (
            other
            and _is_phone(text[start : between.start()], regions)
            and _is_phone(other[0], regions)
        ):
            return between.start()
    return end


def _is_phone(said: str, regions: Sequence[str]) -> bool:
    digits = re.sub(r"\D", "", said)
    if not _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS or _DATE.fullmatch(said):
        return False
    if said[0] == "+" or digits.startswith("00"):
        return _is_possible("+" + digits.lstrip("0"))
    if not digits.startswith("0") and digits == said:
        return False  # a number without a sign of what it is
    return any(_is_possible(digits, region) for region in regions)


def _is_possible(digits: str, region: str | None = None) -> bool:
    import phonenumbers

    facts = phonenumbers.PhoneMetadata.metadata_for_region(region, None) if region else None
    if facts is not None and facts.national_prefix == "0" and not digits.startswith("0"):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False


def _find_addresses(text: str) -> Iterator[Span]:
    for pattern in (_IPV6, _IPV4):
        for match in pattern.finditer(text):
            if (":" in match[0] or pattern is _IPV4) and _is_address(match[0]):
                yield match.span()


def _is_address(said: str) -> bool:
    try:
        return not ipaddress.ip_address(said).is_unspecified
    except ValueError:
        return False


_FINDERS: Final = {
    Kind.EMAIL: _find_emails, Kind.IBAN: _find_ibans, Kind.CARD: _find_cards, Kind.IP: _find_addresses,
}  # fmt: skip
