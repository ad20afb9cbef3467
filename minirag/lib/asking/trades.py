"""Questions about a trade: whether we sell or buy a thing, for how long a price is, for whom it is reduced. Pure.

"Do you buy old radios?" is not answered by what the shop sells, nor "What is it for a whole day?" by a price for 90
minutes. To add a language, write its rows; a question in one without them asks for none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from minirag.lib.asking.answer_types import AnswerType, holds_answer
from minirag.lib.asking.patterns import whole_words

_ALSO: Final = r"(?:(?:also|even|still|ever) )?"
_GERMAN_ALSO: Final = r"(?:(?:auch|noch|denn|eigentlich|schon|bei euch|bei ihnen|hier) )*"


@dataclass(frozen=True)
class _Trade:
    """What asks for a trade, what says something of it, and whether a price says that it is done."""

    asks: str
    answers: str
    is_priced: bool


_TRADES: Final = {
    "en": (
        _Trade(
            rf"(?:do|does|can|could|will|would) (?:you|they) {_ALSO}(?:sell|stock)"
            rf"|(?:can|could|may) (?:i|we) {_ALSO}buy|you sell|for sale",
            r"sell|sells|selling|sold|sales?|buy|buys|bought|purchas\w+|shops?|stock(?:s|ed)?|available|order(?:s|ed)?",
            is_priced=True,
        ),
        _Trade(
            rf"(?:do|does|will|would) (?:you|they) {_ALSO}buy|can i sell (?:you|my)",
            r"buy|buys|buying|bought|purchas\w+|we (?:[\w-]+ )?(?:take|accept|pay)|trade[- ]ins?|part[- ]exchange"
            r"|second[- ]hand",
            is_priced=False,
        ),
    ),
    "de": (
        _Trade(
            rf"(?:verkauft|verkaufen) (?:ihr|sie) {_GERMAN_ALSO}(?!sich\b)\w+"
            r"|(?:kann|könnte|darf) (?:ich|man) .{1,60} kaufen",
            r"\w*verkauf\w*|\w*kauf(?:en|t)?|gekauft|erhältlich|zu haben|shop|laden|bestell\w+|erwerben|im angebot",
            is_priced=True,
        ),
        _Trade(
            rf"(?:kauft|kaufen) (?:ihr|sie) {_GERMAN_ALSO}\w+"
            r"|(?:kann|könnte) ich (?:euch|ihnen|bei euch|bei ihnen) .{1,60}verkaufen",
            r"an(?:ge)?kauf\w*|wir (?:[\w-]+ )?kaufen|kaufen wir|in zahlung|gebraucht\w*|secondhand",
            is_priced=False,
        ),
    ),
    "nl": (
        _Trade(
            r"verkopen (?:jullie|u|ze)|verkoopt u|(?:kan|mag) (?:ik|je|men) .{1,60} kopen",
            r"\w*verko\w+|te koop|\w*koop\w*|kopen|winkel\w*|verkrijgbaar|bestel\w+",
            is_priced=True,
        ),
        _Trade(
            r"kopen (?:jullie|u|ze) .{1,60} (?:in|op)\W*$|koopt u .{1,60} (?:in|op)\W*$",
            r"inkoop|inkopen|opkopen|kopen|inruil\w*|tweedehands",
            is_priced=False,
        ),
    ),
    "fr": (
        _Trade(
            r"vendez[- ]vous|vous vendez|(?:peut-on|puis-je|on peut|je peux) (?:\w+ )?acheter",
            r"ven(?:d\w*|te)|achet\w+|achat|boutique|magasin|disponibles?|command\w+",
            is_priced=True,
        ),
        _Trade(
            r"(?:r)?achetez[- ]vous|vous (?:r)?achetez",
            r"(?:r)?achet\w+|rachat|reprise|reprenons|occasion",
            is_priced=False,
        ),
    ),
    "es": (
        _Trade(
            r"(?:venden|vendéis|vendes) \w+|(?:puedo|se puede|podemos) comprar",
            r"vend\w+|venta|compr\w+|tienda|disponibles?",
            is_priced=True,
        ),
        _Trade(
            r"^\W*(?:compran|compráis) \w+", r"compr\w+|segunda mano|tasa\w*", is_priced=False
        ),
    ),
    "it": (
        _Trade(
            r"(?:vendete|vendono) \w+|(?:posso|si può|possiamo) comprare",
            r"vend\w+|compr\w+|acquist\w+|negozio|bottega|disponibil\w+",
            is_priced=True,
        ),
        _Trade(r"^\W*comprate \w+", r"compr\w+|ritir\w+|usat[oi]", is_priced=False),
    ),
}  # fmt: skip
_LENDS: Final = {
    "en": r"hir(?:e|es|ed|ing)|rent(?:s|ed|al|als)?|len(?:d|ds|t)|loans?|borrow\w*|leas\w+",
    "de": r"\w*(?:leih|miet)\w*|\w*verlieh\w*|ausgeliehen",
    "nl": r"\w*(?:huur|huren)\w*|\w*le(?:en|nen)",
    "fr": r"lou(?:e|ent|er|ez|ons|é\w*)|location|prêt\w*|emprunt\w*",
    "es": r"alquil\w+|prest\w+",
    "it": r"nolegg\w+|affitt\w+|prest\w+",
}
# By what a question counts, and how a text may say the same.
_UNITS: Final = {
    "en": {
        r"hour": r"hours?|hourly|h", r"day": r"days?|daily", r"week": r"weeks?|weekly", r"month": r"months?|monthly",
        r"year": r"years?|yearly|annual(?:ly)?|annum", r"night": r"nights?|nightly", r"weekend": r"weekends?",
        r"season": r"seasons?",
    },
    "de": {
        r"stunde": r"\w*stunden?|stündlich\w*|std|h",
        # A day of the week is not what a day costs.
        r"tag": r"(?!(?:mon|diens|donners|frei|sams|sonn|feier|\w*mit)tag)\w*tag(?:e[sn]?)?|täglich\w*|tgl",
        r"woche": r"\w*wochen?|wöchentlich\w*", r"monat": r"\w*monat(?:e[sn]?|s\w*)?|monatlich\w*|mtl",
        r"jahr": r"\w*jahr(?:e[sn]?|es\w+)?|jährlich\w*", r"nacht": r"\w*nacht|nächten?|übernachtung(?:en)?",
        r"wochenende": r"wochenenden?s?", r"saison": r"\w*saison\w*",
    },
    "nl": {
        r"uur": r"uur|uren",
        r"dag": r"(?!(?:maan|dins|woens|donder|vrij|zater|zon|feest|\w*mid)dag)\w*dag(?:en)?|dagelijks",
        r"week": r"\w*weken|\w*week|wekelijks",
        r"maand": r"\w*maand(?:en)?|maandelijks\w*", r"jaar": r"\w*jaar|jaren|jaarlijks\w*|jaar\w+",
        r"nacht": r"\w*nacht(?:en)?|overnachting\w*", r"weekend": r"weekend\w*", r"seizoen": r"\w*seizoen\w*",
    },
    "fr": {
        r"heure": r"heures?|h", r"jour(?:née)?": r"jour(?:s|née|nées)?|quotidien\w*",
        r"semaine": r"semaines?|hebdo\w*", r"mois(?! d)": r"mois|mensuel\w*",
        r"an(?:née)?": r"ans?|années?|annuel\w*", r"nuit(?:ée)?": r"nuit(?:s|ée|ées)?",
        r"week-end": r"week-?ends?|samedis?|dimanches?", r"saison": r"saisons?",
    },
    "es": {
        r"hora": r"horas?|h", r"día(?! siguiente)": r"días?|diari[oa]s?", r"semana": r"semanas?|semanal\w*",
        r"mes(?! de)": r"mes(?:es)?|mensual\w*", r"año": r"años?|anual\w*", r"noche": r"noches?",
        r"fin de semana": r"fin(?:es)? de semana", r"temporada": r"temporadas?",
    },
    "it": {
        r"ora": r"or[ae]|h", r"giorno": r"giorn[oi]|giornalier\w+", r"settimana": r"settiman[ae]|settimanal\w+",
        r"mese(?! d)": r"mes[ei]|mensil\w+", r"anno": r"ann[oi]|annu\w+", r"notte": r"nott[ei]|pernott\w+",
        r"fine settimana": r"fine settimana|weekend", r"stagione": r"stagion[ei]|stagional\w+",
    },
}  # fmt: skip
# What stands before the unit.
_EACH: Final = {
    "en": r"by the|per|for (?:a|the|one) (?:whole|full|entire)",
    "de": r"pro|je|für (?:eine[nr]?|de[nr]|die|das|ein) ganze[snr]?",
    "nl": r"per|voor een (?:hele|heel)",
    "fr": r"par|à la|(?<!être )(?<!suis )(?<!pas )(?<!arriver )à l['’]|au"
    r"|pour (?:un|une|la|le) (?:\w+ )?enti(?:er|ère)",
    "es": r"por|al|a la|(?:por|para) tod[oa] (?:el|la|un|una)",
    "it": r"al|alla|all['’]|a|per (?:un|una|tutt[oa] (?:il|la))",
}
_REDUCED: Final = {
    "en": r"discounts?|reduc(?:ed|tions?)|concessions?|rebates?|cheaper",
    "de": r"\w*rabatte?s?|ermäßig\w*|\w*ermäßigung(?:en)?|nachlass|nachlässe|vergünstig\w+|billiger|günstiger",
    "nl": r"\w*korting(?:en)?|goedkoper|gereduceerd\w*",
    "fr": r"réductions?|rédui\w+|remises?|rabais|moins cher",
    "es": r"descuentos?|reducid[oa]s?|rebajas?|más barat[oa]",
    "it": r"scont[oi]|ridott[oi]|riduzion[ei]|agevolazion[ei]",
}
_GROUPS: Final = {
    "en": r"students?|pensioners?|seniors?|nurses?|teachers?|soldiers?|veterans?|military|unemployed|job[- ]?seekers?"
    r"|disabled|carers?|families|groups?|members?|employees|residents?|locals|doctors?|police|firefighters?"
    r"|apprentices?|couples|clergy|volunteers?",
    "de": r"student(?:en|innen)?|studierende\w*|rentner\w*|senior(?:en|innen)?|pensionäre?|lehrer\w*|lehrkräfte"
    r"|schüler\w*|auszubildende\w*|azubis?|arbeitslose\w*|schwerbehinderte\w*|behinderte\w*|familien|gruppen|mitglieder"
    r"|mitarbeiter\w*|beschäftigte|angestellte|einheimische|ärzte|polizisten|feuerwehrleute|ehrenamtliche\w*|paare"
    r"|geschwister\w*|stammkunden|neukunden|firmen|soldaten|pflegekräfte|alleinerziehende\w*",
    "nl": r"student(?:en)?|studerenden|gepensioneerden|senioren|leraren|werklozen|mindervaliden|gezinnen|groepen|leden"
    r"|werknemers|medewerkers|bewoners|vrijwilligers|stellen|scholieren|jongeren|65-plussers",
    "fr": r"étudiants?|retraités?|seniors?|enseignants?|chômeurs?|demandeurs d['’]emploi|handicapés?|familles?|groupes?"
    r"|membres|adhérents|salariés|habitants|bénévoles|apprentis|couples|lycéens",
    "es": r"estudiantes?|jubilad[oa]s?|pensionistas?|mayores|profesor(?:es)?|docentes|parad[oa]s|desemplead[oa]s"
    r"|discapacitad[oa]s|familias?|grupos?|soci[oa]s|miembros|emplead[oa]s|vecinos|voluntari[oa]s|parejas",
    "it": r"student(?:i|e|esse)|pensionat[oi]|anzian[oi]|insegnanti|disoccupat[oi]|disabil[ei]|famigli[ae]|grupp[oi]"
    r"|soc[io]|membri|dipendenti|residenti|volontari|coppie",
}  # fmt: skip


def lacks_trade(question: str, texts: list[str], headings: str, language: str) -> bool:
    """Whether it is asked if a thing is sold, or bought, and a text says of neither. A price says that it is sold, but
    for one of those who hire out.
    """
    for trade in _TRADES.get(language, ()):
        if not whole_words(trade.asks).search(question):
            continue
        says = whole_words(trade.answers)
        if says.search(headings) or any(map(says.search, texts)):
            return False
        is_sold = trade.is_priced and any(
            holds_answer(AnswerType.PRICE, text, language) for text in texts
        )
        lends = whole_words(_LENDS[language])
        return not is_sold or bool(lends.search(f"{headings} {' '.join(texts)}"))
    return False


def lacks_unit(question: str, text: str, language: str) -> bool:
    """Whether it is asked what something is for a day, a month …, and a text says nothing of these."""
    for unit, said in _UNITS.get(language, {}).items():
        if whole_words(rf"(?:{_EACH[language]}) ?{unit}").search(question):
            return not whole_words(said).search(text)
    return False


def find_favoured(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stand those of whom it asks whether they pay less; None where it does not ask that."""
    if language not in _GROUPS or not whole_words(_REDUCED[language]).search(question):
        return None
    found = whole_words(_GROUPS[language]).search(question)
    return found.span() if found else None
