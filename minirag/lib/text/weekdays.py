"""The days of the week that a text names, those within a span ("Tuesday to Friday") too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True)
class _Week:
    """Monday first. `short` are abbreviations, `to` what stands between the ends of a span, `daily` all days."""

    days: str
    short: str
    to: str
    daily: str
    working: str


_WEEKS: Final = {
    "en": _Week(
        "monday tuesday wednesday thursday friday saturday sunday", "mon tue wed thu fri sat sun",
        "to|until|till|through", "daily|every day|all week|seven days", "weekdays?|working days?",
    ),
    "de": _Week(
        "montag dienstag mittwoch donnerstag freitag samstag sonntag", "mo di mi do fr sa so",
        "bis", "täglich|jeden tag|alle tage", "werktags|wochentags",
    ),
    "fr": _Week(
        "lundi mardi mercredi jeudi vendredi samedi dimanche", "lun mar mer jeu ven sam dim",
        "à|au|jusqu'à|jusqu'au", "tous les jours|chaque jour|quotidiennement", "en semaine|jours ouvrables",
    ),
    "es": _Week(
        "lunes martes miércoles jueves viernes sábado domingo", "lun mar mié jue vie sáb dom",
        "a|hasta", "todos los días|cada día|a diario", "entre semana|días laborables",
    ),
    "it": _Week(
        "lunedì martedì mercoledì giovedì venerdì sabato domenica", "lun mar mer gio ven sab dom",
        "a|al|alla|fino a", "tutti i giorni|ogni giorno", "giorni feriali",
    ),
    "nl": _Week(
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag", "ma di wo do vr za zo",
        "tot en met|tot|t/m", "dagelijks|elke dag|iedere dag", "doordeweeks|werkdagen",
    ),
}  # fmt: skip


def days_in(text: str, language: str) -> tuple[str, ...]:
    """The names, Monday first, of the days that a text speaks of in a language; () for one that is not known."""
    if language not in _WEEKS:
        return ()
    names = _WEEKS[language].days.split()
    found: set[int] = set()
    for match in _pattern(language).finditer(text.lower()):
        if match["daily"]:
            found.update(range(7))
        elif match["working"]:
            found.update(range(5))
        else:
            first = _number(match["first"] or match["lone"], language)
            last = _number(match["last"], language) if match["last"] else first
            found.update(day % 7 for day in range(first, last + 1 + (7 if last < first else 0)))
    return tuple(names[day] for day in sorted(found))


def name_days(language: str) -> tuple[str, ...]:
    """The names of all days of the week in a language, Monday first; () for one that is not known."""
    return tuple(_WEEKS[language].days.split()) if language in _WEEKS else ()


def _number(word: str, language: str) -> int:
    week = _WEEKS[language]
    names, short = week.days.split(), week.short.split()
    return next(
        day
        for day, (name, brief) in enumerate(zip(names, short, strict=True))
        if word.startswith(name) or word == brief
    )


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """A lone abbreviation may be another word ("so", "wed"): it counts at the ends of a span only."""
    week = _WEEKS[language]
    day = rf"(?:{'|'.join(week.days.split())})s?"
    end = rf"(?:{day}|{'|'.join(week.short.split())})"
    return re.compile(
        rf"\b(?P<first>{end})\.?\s*(?:{week.to}|[-–—])\s*(?:\w+\s)?(?P<last>{end})\b"
        rf"|\b(?P<lone>{day})\b|(?P<daily>\b(?:{week.daily})\b)|(?P<working>\b(?:{week.working})\b)"
    )
