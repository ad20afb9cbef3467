"""What kind of thing a question asks for (a price, a time, a person, …), and whether a text holds one.

One row per language. A question in a language without a row asks for nothing in particular; what needs no words (a
currency sign, a digit, an address) is found in every language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from minirag.lib.text.language_table import LANGUAGES


class AnswerType(StrEnum):
    PRICE = "price"
    DURATION = "duration"
    TIME = "time"
    CONTACT = "contact"
    NUMBER = "number"
    PERSON = "person"


@dataclass(frozen=True)
class _Row:
    """Alternatives of a pattern, letters of either case. The upper ones are of questions, the lower ones of answers."""

    price: str
    duration: str
    time: str
    contact: str
    number: str
    person: str
    several: str
    """What asks for more than one thing."""

    money: str
    free: str
    units: str
    """Of time, as they stand behind a number."""
    moments: str
    numbers: str
    people: str
    """Bodies that do what persons do."""


_ROWS: Final = {
    "en": _Row(
        price=r"how much (?:is|are|was|were|do|does|would|will|for|to|money)|costs?|prices?|priced|fees?|expensive"
        r"|cheap(?:er|est)?|postage|(?:do|does|would|will) \w+ charge",
        duration=r"how long|how many (?:years|months|weeks|days|hours|minutes|seconds)|how (?:soon|quickly)",
        time=r"when(?:'s)?(?= (?:is|are|was|were|do|does|did|can|could|will|would|must|should|may|has|have|to|the)\b"
        r"|\W*$)|^when|what time|(?:what|which) (?:year|date|days?|months?|weekdays?|century|decade)"
        r"|(?:opening|office) (?:hours|times)|deadline",
        contact=r"(?:phone|telephone|hotline|fax) number|(?:what|which) number (?:do|should|can|must|to)"
        r"|(?:number|who|whom) (?:do i|should i|can i|to) call|e-?mail address",
        number=r"how (?:many|much|old|far|large|big|often|tall|high|fast|heavy|deep|wide|hot)|what percent(?:age)?"
        r"|number of|what (?:size|weight)",
        person=r"who|whom|whose",
        several=r"which (?:\w+ ){0,2}(?:are|do|were|should|must|can|have)|what (?:\w+ ){0,2}(?:are|were)|list"
        r"|what (?:\w+ ){0,2}(?:documents|papers|things|items|steps|kinds|types|options|services)"
        r"|what (?:do|should|must) (?:i|we) (?:bring|need|prepare|do)|how (?:do|can|should) (?:i|we|you)",
        money=r"euros?|dollars?|pounds?|cents?|pence|quid", free=r"free(?: of charge)?|nothing|included|no charge",
        units=r"seconds?|minutes?|hours?|days?|nights?|weeks?|fortnights?|months?|years?|decades?|centur(?:y|ies)",
        moments=r"january|february|march|april|may|june|july|august|september|october|november|december|century"
        r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekdays?|weekends?|noon|midnight|[ap]\.?m\b|daily"
        r"|every day|always",
        numbers=r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|billion|half"
        r"|percent|dozen|once|twice|none|no",
        people=r"company|firm|council|office|team|department|authority|carrier|driver|staff|maker|we|you|anybody|everybody",
    ),
    "de": _Row(
        price=r"kostet|kosten|wie teuer|teuer|preise?|preisliste|\w*gebühr(?:en)?|wie hoch (?:ist|sind)|\w*tarife?"
        r"|\w*beitrag|\w*miete|eintritt|was (?:zahlt|bezahlt|zahle|bezahle)\w*"
        r"|wie ?viel (?:zahl|bezahl|muss ich zahlen)\w*",
        duration=r"wie lang(?:e)?|wie ?viele (?:jahre|monate|wochen|tage|stunden|minuten)|wie schnell|dauert|\w*dauer",
        time=r"wann|um wie ?viel uhr|(?:an |in )?welche[mnrs]? (?:jahr|tag|tagen|datum|monat|uhrzeit|wochentag)(?:en)?"
        r"|\w*zeiten|geöffnet|\w*frist|stichtag|wie spät",
        contact=r"anrufen|\w*telefon(?:nummer)?|rufnummer|welche nummer|e-?mail(?:-?adresse)?|mailadresse|hotline",
        number=r"wie ?viele?|wie (?:alt|weit|groß|hoch|oft|schwer|tief|breit|warm|heiß)|anzahl|prozent",
        person=r"wer|wem|wen|wessen",
        several=r"welche|was (?:brauche|muss|benötige|soll) (?:ich|man)|was (?:brauchen|müssen|benötigen) wir"
        r"|was alles|wie (?:kann|beantrage|melde|bekomme|mache) ich|liste",
        money=r"euro|cent|franken", free=r"kostenlos|kostenfrei|gebührenfrei|gratis|umsonst|frei|entfällt|nichts",
        units=r"sekunden?|minuten?|\w*stunden?|\w*tage?n?|nächte?|\w*wochen?|\w*monate?n?|quartale?|\w*jahre?n?",
        moments=r"januar|jänner|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember"
        r"|(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)s?|werktags?|werktäglich|täglich"
        r"|wochenende|mittags?|mitternacht|uhr|jahrhundert|jederzeit",
        numbers=r"eine?[mnrs]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend|million(?:en)?"
        r"|milliarden?|halb\w*|prozent|dutzend|keine?",
        people=r"amt|\w+amt|firma|verein|stadt|gemeinde|verwaltung|behörde|landkreis|team|wir|sie|jeder|niemand",
    ),
    "fr": _Row(
        price=r"combien (?:coûte|coûtent|ça coûte|est-ce que)|coûte|coûtent|coût|prix|tarifs?|frais|cher",
        duration=r"combien de (?:temps|jours|mois|semaines|heures|minutes|ans)|durée",
        time=r"quand|à quelle heure|quel(?:le)?s? (?:jours?|date|année|mois|heures?)|horaires?",
        contact=r"téléphone|numéro|e-?mail|courriel",
        number=r"combien|pourcentage|nombre de",
        person=r"qui",
        several=r"quel(?:le)?s|liste|comment (?:puis-je|faire|dois-je)|que dois-je",
        money=r"euros?|dollars?|francs?|centimes?", free=r"gratuit(?:e|s|es|ement)?|offert|inclus",
        units=r"secondes?|minutes?|heures?|jours?|nuits?|semaines?|mois|ans?|années?",
        moments=r"janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre|siècle"
        r"|lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?|midi|minuit|heures?",
        numbers=r"une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|cent|mille|millions?|milliards?|demi",
        people=r"société|mairie|équipe|service|conseil|nous|vous",
    ),
    "es": _Row(
        price=r"cuánto (?:cuesta|cuestan|vale|valen|es)|cuesta|cuestan|precios?|costes?|costos?|tarifas?|caro",
        duration=r"cuánto tiempo|cuánt[oa]s (?:días|meses|semanas|horas|minutos|años)|duración|cuánto (?:dura|tarda)",
        time=r"cuándo|a qué hora|qué (?:días?|fecha|año|mes)|horarios?|plazo",
        contact=r"teléfono|número|correo",
        number=r"cuánt[oa]s?|porcentaje|número de",
        person=r"quién(?:es)?",
        several=r"cuáles|qué (?:documentos|cosas)|lista|cómo (?:puedo|debo|se)",
        money=r"euros?|dólares|pesos?|céntimos?", free=r"gratis|gratuit[oa]s?|incluid[oa]",
        units=r"segundos?|minutos?|horas?|días?|noches?|semanas?|mes(?:es)?|años?",
        moments=r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|siglo"
        r"|lunes|martes|miércoles|jueves|viernes|sábados?|domingos?|mediodía|medianoche|horas?",
        numbers=r"un[oa]?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|cien|ciento|mil|millón|millones",
        people=r"empresa|ayuntamiento|equipo|oficina|departamento|nosotros|usted",
    ),
    "it": _Row(
        price=r"quanto (?:costa|costano|viene)|costa|costano|prezz[oi]|costo|tariff[ae]",
        duration=r"quanto tempo|quant[ie] (?:giorni|mesi|settimane|ore|minuti|anni)|durata|quanto dura",
        time=r"quando|a che ora|(?:che|quale) (?:giorno|data|anno|mese)|orari[oi]?|scadenza",
        contact=r"telefono|numero|e-?mail",
        number=r"quant[oaie]|percentuale|numero di",
        person=r"chi",
        several=r"quali|lista|elenco|come (?:posso|devo|si)",
        money=r"euro|dollari|centesimi", free=r"gratis|gratuit[oaie]|incluso",
        units=r"second[oi]|minut[oi]|or[ae]|giorn[oi]|nott[ei]|settiman[ae]|mes[ei]|ann[oi]",
        moments=r"gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre|secolo"
        r"|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|mezzogiorno|mezzanotte|ore",
        numbers=r"un[oa]?|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|cento|mille|milion[ei]",
        people=r"azienda|comune|ufficio|squadra|noi|lei",
    ),
    "nl": _Row(
        price=r"wat kost(?:en)?|kost|kosten|hoe duur|prij(?:s|zen)|tarie(?:f|ven)|duur",
        duration=r"hoe lang|hoeveel (?:jaar|maanden|weken|dagen|uur|minuten)|hoe snel|duurt",
        time=r"wanneer|hoe laat|welke (?:dag|dagen|datum|maand)|welk jaar|openingstijden|tot wanneer",
        contact=r"telefoon(?:nummer)?|welk nummer|bellen|e-?mail(?:adres)?",
        number=r"hoeveel|hoe (?:oud|ver|groot|hoog|vaak|zwaar|diep|breed)|percentage|aantal",
        person=r"wie|wiens",
        several=r"welke|lijst|hoe (?:kan|moet) ik|wat (?:heb ik nodig|moet ik)",
        money=r"euro|cent", free=r"gratis|kosteloos|inbegrepen",
        units=r"seconden?|minu(?:ut|ten)|u(?:ur|ren)|dag(?:en)?|nacht(?:en)?|we(?:ek|ken)|maand(?:en)?|ja(?:ar|ren)",
        moments=r"januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december|eeuw"
        r"|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|middernacht|uur",
        numbers=r"een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|honderd|duizend|miljoen|half",
        people=r"bedrijf|gemeente|team|afdeling|kantoor|wij|we|u",
    ),
}  # fmt: skip

# In this order: what asks "how long" also asks "how", and a price is a number too.
_ASKS: Final = (
    AnswerType.DURATION,
    AnswerType.PRICE,
    AnswerType.CONTACT,
    AnswerType.TIME,
    AnswerType.NUMBER,
    AnswerType.PERSON,
)
_MONEY: Final = r"[€$£¥₹₺₽₩]\s?\d|\d[\d.,]*\s?(?:[€$£¥₹₺₽₩%]|(?:eur|usd|gbp|chf|pln|sek|dkk|nok|czk|huf|kr|zł)\b)"
_CLOCK: Final = (
    r"\b(?:[01]?\d|2[0-3])[:.h][0-5]\d\b|\b1\d{3}\b|\b20\d{2}\b|\b\d{1,2}\.\s?\d{1,2}\.(?:\d{2,4})?"
)
_CONTACT: Final = r"\S@\S|\d[\d\s/()-]{3,}\d|https?://|\b\d{3,}\b"
_NAME = re.compile(r"[^\W\d_][\w'’-]+")


@dataclass(frozen=True)
class Asked:
    """What a question asks for: `kind` is None where nothing in particular is, `words` what said so in it."""

    kind: AnswerType | None = None
    words: str = ""
    wants_several: bool = False


def read_question(question: str, language: str) -> Asked:
    """Read what kind of answer is asked for, by the words of one language."""
    if language not in _ROWS:
        return Asked()
    several = bool(_question_pattern(language, "several").search(question))
    for kind in _ASKS:
        if found := _question_pattern(language, kind).search(question):
            return Asked(kind, found.group(), several)
    return Asked(wants_several=several)


def holds_answer(kind: AnswerType, text: str, language: str, question: str = "") -> bool:
    """Whether a text holds a thing of the kind that was asked for. A person that the question names is no answer."""
    if kind is AnswerType.PERSON:
        return _names_somebody(text, question, language)
    return bool(_answer_pattern(language, kind).search(text))


def _names_somebody(text: str, question: str, language: str) -> bool:
    """A capital that begins no sentence and is not in the question; in German, whose nouns have one, two in a row."""
    known = set(_NAME.findall(question))
    words = list(_NAME.finditer(text))
    names = [
        word.group() not in known
        and word.group()[0].isupper()
        and word.start() > 0
        and text[: word.start()].rstrip()[-1:] not in tuple(".!?:")
        for word in words
    ]
    if language != "de":
        return any(names)
    pairs = zip(words, words[1:], names[1:], strict=False)
    common = LANGUAGES["de"].stop_words
    return any(
        named
        and first.group()[0].isupper()
        and first.group().lower() not in common
        and second.start() == first.end() + 1
        for first, second, named in pairs
    ) or bool(_answer_pattern(language, AnswerType.PERSON).search(text))


@cache
def _question_pattern(language: str, part: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{getattr(_ROWS[language], part)})\b", re.IGNORECASE)


@cache
def _answer_pattern(language: str, kind: AnswerType) -> re.Pattern[str]:
    row = _ROWS.get(language)
    patterns = {
        AnswerType.PRICE: [_MONEY],
        AnswerType.DURATION: [],
        AnswerType.TIME: [_CLOCK],
        AnswerType.CONTACT: [_CONTACT],
        AnswerType.NUMBER: [r"\d"],
        AnswerType.PERSON: [],
    }[kind]
    if row is None:
        return re.compile("|".join(patterns or [r"\d"]), re.IGNORECASE)
    counted = rf"(?:\d|\b(?:{row.numbers})\b)[^.;]{{0,20}}?"
    patterns += {
        AnswerType.PRICE: [rf"{counted}\b(?:{row.money})\b", rf"\b(?:{row.free})\b"],
        AnswerType.DURATION: [rf"{counted}\b(?:{row.units})\b"],
        AnswerType.TIME: [rf"\b(?:{row.moments})\b"],
        AnswerType.CONTACT: [],
        AnswerType.NUMBER: [rf"\b(?:{row.numbers})\b"],
        AnswerType.PERSON: [rf"\b(?:{row.people})\b"],
    }[kind]
    return re.compile("|".join(patterns), re.IGNORECASE)
