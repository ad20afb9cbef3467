"""What a question asks for more exactly than a number or a time: a measure ("how deep?"), how many there are of what
("how many pitches?"), a day of the past ("when was it founded?"), the name of who holds an office. Pure.

To add a language, write its rows; a question in one without them asks for none of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils import translation
from django.utils.dates import MONTHS

from minirag.lib.asking.patterns import whole_words

# Sums and shares may be high, and early, late or done something far: no measure is asked for then.
_SUMS: Final = r"(?:charges?|costs?|deposits?|fees?|fines?|interest|limits?|prices?|rates?|rents?|risks?|tax\w*)"
_COLOURS: Final = (
    r"red|blue|green|yellow|orange|purple|violet|pink|brown|black|white|gr[ae]y|silver|golden?|beige|cream|turquoise"
    r"|navy|maroon|crimson|transparent|dark|light|bright|pale"
)
# What asks, and what an answer to that says: its unit, or the word itself in some form.
_MEASURES: Final = {
    "en": {
        r"how (?:deep|shallow)(?!.{0,20}\bdiscounts?)": r"\w*deep\w*|depths?|shallow\w*|\d+\s?[cm]m|inch\w*",
        r"how (?:wide|broad)": r"\w*wide\w*|width|broad\w*|diameter|\d+\s?[x×]\s?\d+|\d+\s?[cm]m|inch\w*",
        rf"how (?:tall|high)(?!.{{0,30}}\b{_SUMS})": r"tall\w*|high\w*|heights?|storeys?|floors?"
        r"|\d+\s?(?:m|cm|ft)|met(?:re|er)s?|feet|yards?",
        r"how heavy|how much (?:does|do) .{1,40}weigh": r"heav\w+|weigh\w*|light\w*|\d+\s?(?:kg|g|t|lbs?|oz)"
        r"|kilo\w*|grams?|pounds|tonnes?|tons?|stone",
        r"how (?:hot|warm|cold)": r"hot\w*|warm\w*|cold\w*|heated|temperatures?|degrees?|\d+ ?°\w?|\d+\s?[cf]",
        r"(?:how much|what do(?:es)?) .{1,40} (?:earn|get paid)|what do you pay (?:your|the) \w+|salar(?:y|ies)":
        r"earn\w*|salar\w+|wages?",
        r"how loud": r"loud\w*|quiet\w*|silent\w*|nois\w+|\d+\s?db|decibels?",
        # How fast something is done is a time as well.
        r"how fast": r"\w*fast\w*|\w*slow\w*|quick\w*|speeds?|soon|immediate\w*|at once|same day"
        r"|\d+\s?(?:km/h|mph|m/s|[mg]bit\S*|mbps)"
        r"|knots|(?:working )?days?|hours?|minutes?|seconds?|weeks?|months?",
        r"how old (?:is|was) (?-i:[A-Z][a-z]+)(?=\W*$)": r"aged?|born|birthday|\d+ years old",
        r"how old (?:is|are|was|were)": r"old\w*|aged?|years?|months?|weeks|born|founded|built|since|dates? from"
        r"|centur\w+|1\d{3}s?|20\d{2}",
        r"how (?:big|large) (?:is|are|was|were)|what size (?:is|are)": r"big\w*|large\w*|siz\w+|areas?|square|sq|m²"
        r"|acres?|hectares?|\d+ ?(?:[x×]|by) ?\d+|\d+\s?(?:[cm]?m|ft|inch\w*)|met(?:re|er)s?|feet|litres?|seats?|people"
        r"|persons|guests|places|holds?|fits?|capacity|storeys?|members|staff|employees|teams?",
        r"how (?:often|frequently)(?! (?:can|may|could|am) )": r"once|twice|(?:\w+|\d+) times|every|each|daily"
        r"|weekly|monthly|quarterly|yearly|annual\w*|always|never|(?:a|per) (?:hour|day|week|month|year)|hourly",
        r"how (?:busy|crowded)": r"busy|busie\w+|crowd\w*|quiet\w*|full|queues?|wait\w*|people|peak",
        r"(?:what|which) colou?rs?": rf"colou?r\w*|{_COLOURS}",
        r"(?:what|which|who)\b.{0,60}?\bmost (?:popular|liked|visited|borrowed|sold|common|booked|requested|played"
        r"|watched|ordered|famous|successful)|(?:what|which|who)\b.{0,40}?\bfavou?rite":
        r"most|popular\w*|favou?rites?|best|top|famous|usually|often|majority",
        r"(?:what|which|who)\b.{0,60}?\b(?:best|highest|lowest|worst) (?:[\w-]+ )?(?:rat(?:e|ing)|scor|result|view"
        r"|reviews?|grade|record)s?": r"best|highest|lowest|worst|top|most|least",
        r"(?:what|which|who)\b.{0,60}?\b(?:newest|latest|youngest)": r"new\w*|latest|young\w*|recent\w*|since|just|last"
        r"|20\d{2}|added",
        r"how far(?! (?:in advance|ahead|along|back))": r"far|near\w*|away|distance|\d+\s?(?:km|mi|m)"
        r"|kilomet\w+|miles?|met(?:re|er)s?|minutes?|yards?",
    },
    "de": {
        r"wie tief": r"\w*tief\w*|\d+\s?[cm]m",
        r"wie breit": r"\w*breit\w*|durchmesser|\d+\s?[x×]\s?\d+|\d+\s?[cm]m",
        r"wie groß (?:ist|sind|war)": r"groß\w*|größ\w*|\w*fläche\w*|quadratmeter\w*|m²|qm|hektar|\d+\s?[x×]\s?\d+"
        r"|\d+\s?(?:m|cm|ha)|\w*metern?|\w*plätze\w*|personen|teilnehme\w*|leute|kinder\w*|schüler\w*|mitglieder\w*",
        r"wie schwer": r"schwer\w*|wiegt|wiegen|\w*gewicht\w*|\d+\s?(?:kg|g|t)|kilo\w*|gramm|tonnen?",
        r"wie (?:warm|heiß|kalt)": r"\w*warm\w*|\w*heiß\w*|\w*kalt\w*|\w*temperatur\w*|beheizt|\d+ ?°\w?|grad",
        r"wie laut": r"laut\w*|leise\w*|\d+\s?db|dezibel",
        r"wie alt (?:ist|sind|war|waren|werden)": r"alte?[nrms]?|älter\w*|\w*jähr\w*|\w*jahre?\w*|monate?n?|wochen"
        r"|geboren|gegründet|\w*baut|seit|stammt|1\d{3}|20\d{2}",
        r"wie weit(?! (?:im voraus|vorher|vorab|zurück))": r"weit\w*|nah\w*|entfern\w*|\d+\s?(?:km|m)"
        r"|kilometer\w*|metern?|minuten|schritte",
    },
}  # fmt: skip
_COUNTED: Final = {
    "en": r"how many (?:[\w-]+ ){0,2}?(?P<what>[\w-]+) (?:are|is|do|does|did|can|may|will|was|were|have|has|come"
    r"|fit|there|per|in|of)\b",
    "de": r"wie ?viele (?:[a-zäöü][\w-]+ )??(?P<what>[\w-]+) (?:gibt|haben|hat|sind|kommen|kommt|passen|passt"
    r"|dürfen|darf|können|kann|waren|gab|stehen|werden|braucht|brauche)\b",
}
_OF_THE_PAST: Final = {
    "en": r"^\W*when (?:was|were|did)",
    "de": r"^\W*(?:wann|in welchem jahr) (?:wurden?|waren?|entstand|begann)",
    "nl": r"^\W*wanneer (?:werd|werden|was|waren)",
    # "Quand a lieu le marché ?" asks for a day to come.
    "fr": r"^\W*quand (?:fut|furent|(?:a|ont) été|a (?:ouvert|commencé|débuté)|est-ce que (?:\S+ ){1,4}?(?:a|ont) été"
    r"|(?:\S+ ){1,4}?(?:a-t-(?:il|elle)|ont-(?:ils|elles)) été)",
    "es": r"^\W*cuándo (?:fue|fueron|se fundó|abrió)",
    "it": r"^\W*quando (?:è stat[oa]|fu|furono)",
}
_PAST: Final = {
    "en": r"centur\w+|decades?|(?:twen|thir|for|fif|six|seven|eigh|nine)ties|ago|\d+ (?:ad|bc|b?ce)|years?|middle ages"
    r"|after|before|during|since|yesterday|last|summer|winter|spring|autumn",
    "de": r"jahrhundert\w*|[nv]\. ?chr|\w*jahre?\w*|nach|vor|während|seit|gestern|mittelalter\w*"
    r"|letzte\w*|sommer|winter|frühling|herbst",
    "nl": r"eeuw|jaar|jaren|geleden|na|voor|tijdens|sinds|gisteren|vorige?|zomer|winter|lente|herfst",
    "fr": r"siècle|ans?|années?|après|avant|pendant|depuis|hier|dernière?|été|hiver|printemps|automne",
    "es": r"siglo|años?|después|antes|durante|desde|hace|ayer|pasad[oa]|verano|invierno|primavera|otoño",
    "it": r"secolo|ann[oi]|dopo|prima|durante|dal?|fa|ieri|scors[oa]|estate|inverno|primavera|autunno",
}
_SURELY_PAST: Final = {
    "en": r"centur\w+|decades?|ago|since|yesterday|middle ages"
    r"|last (?:year|month|week|spring|summer|autumn|winter)",
    "de": r"jahrhundert\w*|seit|gestern|vor \w+ (?:jahr|monat|woche|tag)e?n|mittelalter\w*"
    r"|letzte[nrs]? (?:jahr|monat|woche|frühling|frühjahr|sommer|herbst|winter)",
}
_NAMED: Final = {
    "en": r"^\W*who(?:['’]s| is| are) (?:the|your|our|in charge)(?!.*\bfor\W*$)",  # for whom a course is
    "de": r"^\W*(?:wer ist|wie heißt) (?:der|die|eure?|euer|ihre?|unsere?|bei (?:euch|ihnen))",
    "nl": r"^\W*(?:wie is|hoe heet) (?:de|het|jullie|uw|onze)",
    "fr": r"^\W*qui est (?:le|la|votre|notre)",
    "es": r"^\W*quién es (?:el|la|su|nuestr[oa])",
    "it": r"^\W*chi è (?:il|la|lo|l')",
}
# Whether a thing is of some kind: "Are the boats wooden?"
_QUALITY: Final = {"en": r"^\W*(?:is|are|was|were) (?:the|your|these|those|its|their) [\w'’-]+"}
# When a thing is open or begins: "What time does the museum close?"
_HOURS: Final = {
    "en": r"(?:when|what time|until when|how late) (?:do|does|did|is|are|will) (?P<what>(?:the|your|our|its|their) "
    r"(?:[\w'’-]+ ){1,5}?)(?:opens?|opened|closes?|closed|shut|starts?|begins?|ends?|finish|over)",
}
# What something is called: "the names of the goats".
_CALLED: Final = {
    "en": r"^\W*what(?:['’]s| is| are| was| were) (?:the |your |its |their )?(?:\w+ )?names? of (?P<what>.+)"
    r"|^\W*what(?:['’]s| is| are| was| were) (?P<named>(?:the|your|our|his|her|their|its) .+) (?:called|named)\W*$",
}
_YEAR: Final = r"1\d{3}s?|20\d{2}s?|\d0s|\d{1,2}\.\s?\d{1,2}\.\d\d(?:\d\d)?"


@dataclass(frozen=True)
class Measure:
    """What asks for a measure: where it stands in the question, and a pattern of what an answer to that says."""

    place: tuple[int, int]
    answers: re.Pattern[str]


def find_measure(question: str, language: str) -> Measure | None:
    """The measure that a question asks for; None where it asks for none."""
    for asks, answers in _MEASURES.get(language, {}).items():
        if found := whole_words(asks).search(question):
            return Measure(found.span(), whole_words(answers))
    return None


def find_counted(question: str, language: str) -> str:
    """Of what it is asked how many there are, "" where that is not asked."""
    pattern = _COUNTED.get(language)
    found = whole_words(pattern).search(question) if pattern else None
    return found["what"] if found else ""


def lacks_past(question: str, text: str, language: str, *, is_said: bool = True) -> bool:
    """Whether it is asked when something was, and a text says nothing of the past: opening hours are no answer, nor is
    "after the summer" where it is not said (`is_said`) what was then.
    """
    if language not in _OF_THE_PAST or not whole_words(_OF_THE_PAST[language]).search(question):
        return False
    if not is_said and language in _SURELY_PAST:
        return not re.search(rf"\b(?:{_YEAR}|{_SURELY_PAST[language]})\b", text, re.IGNORECASE)
    return not re.search(_read_past(language), text, re.IGNORECASE)


def asks_for_name(question: str, language: str) -> bool:
    """Whether it is asked what somebody in an office is called."""
    return language in _NAMED and bool(whole_words(_NAMED[language]).search(question))


def find_called(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stands what it asks the name of; None where it does not ask that."""
    asked = whole_words(_CALLED[language]).search(question) if language in _CALLED else None
    return asked.span(asked.lastgroup or 0) if asked else None


def asks_for_quality(question: str, language: str) -> bool:
    """Whether it is asked if a thing that is there is of some kind."""
    return language in _QUALITY and bool(whole_words(_QUALITY[language]).search(question))


def find_open(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stands what it asks the hours of; None where it does not ask that."""
    asked = whole_words(_HOURS[language]).search(question) if language in _HOURS else None
    return asked.span("what") if asked else None


@cache
def _read_past(language: str) -> str:
    with translation.override(language):
        months = "|".join(re.escape(str(name)) for name in MONTHS.values())
    return rf"\b(?:{_YEAR}|{_PAST[language]}|{months})\b"
