"""Other forms of a word that stemming leaves apart: "gekündigt" and "kündigen", "nimmt" and "nehmen", "Autos" and
"Auto". Pure; all words are index terms, and a form need not exist: it is looked up among words that do.

To add a language, write its rows in `forms.irregular_forms`, or its own rules in `_FINDERS`; one without them has no
such forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from typing import Final

from minirag.lib.asking.forms.irregular_forms import IRREGULAR, inflect
from minirag.lib.text.analysis import analyse

_SHORTEST: Final = 3
_SHORTEST_CUT: Final = 4
"""What an ending may leave: a "Gast" is no gas."""
_SHORTEST_PLURAL: Final = 4

_GERMAN_PREFIXES: Final = (
    "zurück", "zusammen", "herunter", "durch", "entgegen", "wieder", "unter", "über", "nach", "statt", "teil", "vorbei",
    "auf", "aus", "bei", "ein", "ent", "fest", "fort", "her", "hin", "hoch", "los", "mit", "ver", "vor", "weg", "zer",
    "ab", "an", "be", "er", "um", "zu",
)  # fmt: skip
# Of verbs that change their vowel: how they begin a dictionary's entry, he does, he did, has done; without what he did
# where that is a thing as well, as a "Schloss", a "Stand" and a "Band" are.
_GERMAN_VERBS: Final = """
backen bäckt backte gebacken
beginnen beginnt begann begonnen
bieten bietet geboten
binden bindet gebunden
bitten bittet bat gebeten
bleiben bleibt blieb geblieben
braten brät briet gebraten
brechen bricht brach gebrochen
brennen brennt brannte gebrannt
bringen bringt brachte gebracht
denken denkt dachte gedacht
empfehlen empfiehlt empfahl empfohlen
entscheiden entscheidet entschied entschieden
essen isst aß gegessen
fahren fährt fuhr gefahren
fallen fällt fiel gefallen
fangen fängt fing gefangen
finden findet fand gefunden
fliegen fliegt flog geflogen
fließen fließt floss geflossen
frieren friert fror gefroren
gehen geht ging gegangen
gelten gilt galt gegolten
gießen gießt goss gegossen
graben gräbt grub gegraben
greifen greift griff gegriffen
halten hält hielt gehalten
heben hebt hob gehoben
helfen hilft half geholfen
kennen kennt kannte gekannt
laden lädt geladen
lassen lässt ließ gelassen
laufen läuft lief gelaufen
leiden leidet litt gelitten
leihen leiht lieh geliehen
lesen liest las gelesen
liegen liegt gelegen
nehmen nimmt nahm genommen
nennen nennt nannte genannt
raten rät riet geraten
reißen reißt riss gerissen
reiten reitet ritt geritten
rufen ruft rief gerufen
scheinen scheint geschienen
schieben schiebt schob geschoben
schlafen schläft schlief geschlafen
schlagen schlägt schlug geschlagen
schließen schließt geschlossen
schneiden schneidet schnitt geschnitten
schreiben schreibt schrieb geschrieben
schwimmen schwimmt schwamm geschwommen
sehen sieht sah gesehen
senden sendet sandte gesandt
singen singt sang gesungen
sitzen sitzt saß gesessen
sprechen spricht sprach gesprochen
springen springt sprang gesprungen
stehen steht gestanden
steigen steigt stieg gestiegen
sterben stirbt starb gestorben
stoßen stößt stieß gestoßen
streichen streicht strich gestrichen
tragen trägt trug getragen
treffen trifft traf getroffen
treiben treibt trieb getrieben
treten tritt trat getreten
trinken trinkt trank getrunken
vergessen vergisst vergaß vergessen
verlieren verliert verlor verloren
wachsen wächst wuchs gewachsen
waschen wäscht wusch gewaschen
weisen weist wies gewiesen
werben wirbt warb geworben
werfen wirft warf geworfen
wiegen wiegt wog gewogen
ziehen zieht zog gezogen
"""
# What its rules do not reach, or would tear apart: "Kurs" is cut to "kur".
_GERMAN_OTHERS: Final = """
kurs kurse
zins zinsen
puls pulse
hals hälse
krebs krebse
hoch hohe höher
teuer teure
nah nahe näher
museum museen
konto konten
zentrum zentren
firma firmen
datum daten
praktikum praktika praktikant
"""
_TAILS: Final = ("kurs", "kur", "konto", "kont", "zins")
# Nouns that end, or begin, as what is done, and are something else.
_GERMAN_NOUNS: Final = """
achtung bedingung besatzung bildung dichtung fassung grundung haltung kleidung meinung ordnung raumung rechnung
richtung satzung sitzung schulung stellung stiftung stundung wohnung zeitung gebet gebiet geburt gefecht gehalt geland
gericht gesicht geschaft gewalt gewicht markt gast tagung gerat gefahr gefall gesetz gestatt geraumt nacht zweit bart
braut haut wert rest
"""
_NO_DOING: Final = frozenset(_GERMAN_NOUNS.strip().split())
_VOWELS: Final = tuple("aiouy")
# "Gekündigt", "gemeld(et)", "geöffn(et)": stemming leaves the ending of some.
_DONE: Final = re.compile(r"ge(?P<stem>\w{2,}(?:[td]|[^aeiour]n))")


@lru_cache(maxsize=20_000)
def find_forms(term: str, language: str) -> tuple[str, ...]:
    """Terms that may be other forms of a term of a language; () where none are known."""
    finder = _FINDERS.get(language)
    if finder is None or len(term) < _SHORTEST or not term.isalpha():
        return ()
    return tuple(
        dict.fromkeys(form for form in finder(term) if form != term and form not in _NO_DOING)
    )


def _inflect_german(term: str) -> Iterator[str]:
    others = _list_others()
    yield from others.get(term, ())
    # "Kochkurs" is cut to "kochkur": the last part of a compound has the forms that it has alone.
    for tail in _TAILS:
        head = term.removesuffix(tail)
        if head != term and len(head) >= _SHORTEST:
            yield from (head + form for form in others[tail])
            break
    if term.endswith(_VOWELS) and len(term) >= _SHORTEST_PLURAL:
        yield f"{term}s"
    elif term.endswith("s") and term[:-1].endswith(_VOWELS) and len(term) > _SHORTEST_PLURAL:
        yield term[:-1]
    yield from _conjugate("", term)
    for prefix in _folded_prefixes():
        core = term.removeprefix(prefix)
        if core != term and len(core) >= _SHORTEST:
            yield from _conjugate(prefix, core)
            return


def _conjugate(prefix: str, core: str) -> Iterator[str]:
    """The forms of a verb, if the term is one of it."""
    if core in _NO_DOING and not prefix:
        return
    if family := _list_verbs(has_prefix=bool(prefix)).get(core):
        yield from (prefix + form for form in family)
        if prefix:
            yield f"{prefix}zu{family[0]}"
    for stem in dict.fromkeys(_cut(core, has_prefix=bool(prefix))):
        endings = ("", "t", "ung") if stem[-1] not in "dt" else ("", "ung")
        yield from (f"{prefix}{stem}{ending}" for ending in endings)
        yield from (f"{prefix}ge{stem}", f"{prefix}ge{stem}t")
        if prefix:
            yield f"{prefix}zu{stem}"


def _cut(core: str, *, has_prefix: bool) -> Iterator[str]:
    """What the forms of a verb, and what doing it is called, have in common."""
    yield core
    if core.endswith("ung") and len(core) - 3 >= _SHORTEST_CUT:
        yield core[:-3]
    if has_prefix and core.startswith(("ge", "zu")):
        inner = core[2:]
    else:
        done = _DONE.fullmatch(core)
        inner = done["stem"] if done else core
    for stem in (core, inner):
        if len(stem) >= _SHORTEST_CUT:
            yield stem
            if stem.endswith("t") and len(stem) > _SHORTEST_CUT:
                yield stem[:-1]
            if stem.endswith("iert"):
                yield stem[:-3]
            if stem.endswith("i"):
                yield f"{stem}er"


@cache
def _folded_prefixes() -> tuple[str, ...]:
    return tuple(prefix.replace("ü", "u") for prefix in _GERMAN_PREFIXES)


@cache
def _list_verbs(*, has_prefix: bool) -> dict[str, tuple[str, ...]]:
    """All forms of each verb by any of them; behind a prefix some participles lose theirs: "verliehen"."""
    families: dict[str, tuple[str, ...]] = {}
    for line in _GERMAN_VERBS.split("\n"):
        forms = line.split()
        if not forms:
            continue
        bare = [forms[-1].removeprefix("ge")] if has_prefix else []
        terms = tuple(dict.fromkeys(_read_terms([*forms, *bare])))
        families |= dict.fromkeys(terms, terms)
    return families


@cache
def _list_others() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _GERMAN_OTHERS.split("\n"):
        terms = tuple(dict.fromkeys(_read_terms(line.split())))
        found |= dict.fromkeys(terms, terms)
    return found


def _read_terms(words: list[str]) -> Iterator[str]:
    for word in words:
        yield from analyse(word, "de")


_FINDERS: Final[dict[str, Callable[[str], Iterator[str]]]] = {
    **{language: partial(inflect, language=language) for language in IRREGULAR},
    "de": _inflect_german,
}
