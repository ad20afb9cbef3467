"""Verbs in two parts: "Wann holt ihr das ab?" asks about "abholen", "when do points run out?" when they expire.

Neither an index nor an embedder sees that, so a question is put with the verb as one word. Pure.

To add a verb, write it into the table of its language; one without a table is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from minirag.lib.asking.forms.plain_letters import write_letters

LONGEST: Final = 400
"""Characters: longer questions are left alone."""
_MOST_BETWEEN: Final = 12  # words
_CLAUSE_END: Final = r"(?=\s*(?:[.?!,;]|$)|\s+(?:und|oder|en|of)\b)"

# What verbs are put together with, by their infinitives; forms that do not come by rule stand behind a colon.
_GERMAN_VERBS: Final = """
ab: bestellen brechen:bricht buchen drehen fahren:fährt fallen:fällt geben:gibt,gibst hängen heben holen laden:lädt
  lassen:lässt laufen:läuft lehnen lesen:liest melden nehmen:nimmt,nimmst rechnen reisen sagen schalten schicken
  schleppen schließen sperren stellen warten ziehen
an: bauen bieten bringen fahren:fährt fallen:fällt fangen:fängt fassen geben:gibt,gibst gucken haben:hat,habt
  halten:hält hören kommen legen machen melden nehmen:nimmt,nimmst passen probieren rechnen rufen schauen schließen
  sehen:sieht sprechen:spricht stecken ziehen
auf: bauen bewahren brechen:bricht füllen geben:gibt,gibst heben laden:lädt legen nehmen:nimmt,nimmst passen räumen
  stehen stellen treten:tritt,trittst
aus: fallen:fällt füllen geben:gibt,gibst helfen:hilft leihen liefern lösen machen packen probieren reichen schalten
  schlafen:schläft schneiden sehen:sieht setzen steigen stellen suchen tauschen treten:tritt,trittst üben wählen
  weisen zahlen ziehen
bei: bringen tragen:trägt treten:tritt,trittst
durch: führen halten:hält
ein: bauen checken frieren halten:hält kaufen laden:lädt legen lösen lesen:liest loggen nehmen:nimmt,nimmst packen
  planen reichen richten sammeln:sammelt schalten schicken schreiben senden setzen stecken steigen stellen
  tragen:trägt treten:tritt,trittst werfen:wirft,wirfst zahlen ziehen
fest: legen stellen
frei: geben:gibt,gibst halten:hält machen
her: stellen
heraus: bekommen fallen:fällt finden geben:gibt,gibst nehmen:nimmt,nimmst
herein: kommen lassen:lässt
herunter: laden:lädt
hin: bringen fahren:fährt fallen:fällt gehen kommen stellen
hinzu: fügen
hoch: laden:lädt
kennen: lernen
mit: bekommen bringen fahren:fährt feiern gehen kommen machen nehmen:nimmt,nimmst singen spielen
nach: bestellen fragen füllen geben:gibt,gibst holen kommen liefern reichen schauen sehen:sieht zahlen
statt: finden
teil: nehmen:nimmt,nimmst
um: bauen buchen drehen gehen melden rechnen räumen rüsten stellen steigen tauschen ziehen
vor: bereiten bestellen führen lesen:liest merken schlagen:schlägt sorgen stellen zeigen
vorbei: bringen kommen schauen
weg: bringen fallen:fällt fahren:fährt lassen:lässt nehmen:nimmt,nimmst werfen:wirft,wirfst schmeißen
weiter: empfehlen:empfiehlt geben:gibt,gibst leiten machen sagen
wieder: bekommen finden kommen
zu: bereiten gucken hören lassen:lässt nehmen:nimmt,nimmst ordnen sagen schauen schicken sehen:sieht senden stellen
zurück: bekommen bringen erstatten fordern geben:gibt,gibst gehen holen kommen nehmen:nimmt,nimmst rufen schicken
  senden setzen treten:tritt,trittst zahlen
zusammen: bauen fassen legen rechnen stellen
"""
_DUTCH_VERBS: Final = """
aan: bieden:biedt geven:geef,geeft komen:kom,komt melden nemen:neem,neemt passen:pas,past raken:raak,raakt
  schaffen:schaf,schaft sluiten:sluit trekken:trek,trekt vragen:vraag,vraagt zetten:zet
af: geven:geef,geeft halen:haal,haalt leveren:lever,levert maken:maak,maakt melden nemen:neem,neemt
  rekenen:reken,rekent sluiten:sluit spreken:spreek,spreekt wijzen:wijs,wijst zeggen:zeg,zegt
bij: betalen:betaal,betaalt wonen:woon,woont
binnen: komen:kom,komt
door: geven:geef,geeft gaan:ga,gaat sturen:stuur,stuurt
in: checken:check,checkt leveren:lever,levert loggen:log,logt plannen:plan,plant ruilen:ruil,ruilt
  schrijven:schrijf,schrijft stappen:stap,stapt vullen:vul,vult
langs: brengen:breng,brengt komen:kom,komt
mee: brengen:breng,brengt doen:doe,doet gaan:ga,gaat komen:kom,komt nemen:neem,neemt rijden:rijd,rijdt
na: kijken:kijk,kijkt
neer: zetten:zet,zetten leggen:leg,legt
om: boeken:boek,boekt ruilen:ruil,ruilt
op: bellen:bel,belt bergen:berg,bergt geven:geef,geeft halen:haal,haalt hangen:hang,hangt laden:laad,laadt
  ruimen:ruim,ruimt slaan:sla,slaat sturen:stuur,stuurt zeggen:zeg,zegt
over: nachten:nacht stappen:stap,stapt
terug: bellen:bel,belt betalen:betaal,betaalt brengen:breng,brengt geven:geef,geeft komen:kom,komt
  krijgen:krijg,krijgt sturen:stuur,stuurt vragen:vraag,vraagt
uit: geven:geef,geeft kiezen:kies,kiest lenen:leen,leent nodigen:nodig,nodigt printen:print proberen:probeer,probeert
  schakelen:schakel,schakelt schrijven:schrijf,schrijft stellen:stel,stelt stappen:stap,stapt zetten:zet
  zoeken:zoek,zoekt
vast: leggen:leg,legt maken:maak,maakt
weg: brengen:breng,brengt doen:doe,doet gooien:gooi,gooit
"""
# Those that are better put by another word.
_GERMAN_OTHERS: Final = {
    ("werde|wirst|wird|werden|werdet", "los"): "entsorgen",
    ("mache|machst|macht|machen|habe|hast|hat|habt|haben", "auf"): "öffnen",
    ("mache|machst|macht|machen|habe|hast|hat|habt|haben", "zu"): "schließen",
    ("hört|hören", "auf"): "enden",
}
# Only where the parts mislead: "pick up" and "sign up" stand on pages just so.
_ENGLISH: Final = {
    r"(?:run|runs|ran|running) out(?! of)": "expire",
    r"turn(?:ed|ing)? down": "reject",
    r"look(?:s|ing)? after": "care for",
    r"(?:get|gets|getting|got) rid of": "dispose of",
    r"throw(?:s|ing|n)? (?:away|out)": "dispose of",
    r"(?:get|have|want|receive) (?:my|our|the|all my) money back": "get a refund",
    r"way back(?= *(?:$|[?.!,;]))": "return",
    r"(?:pay|pays|paying|paid) (?:too |very )?late(?! fees?)": "be late with payment",
    r"call(?:s|ed|ing)? (?:it |everything )?off(?!-)": "cancel",
    r"(?:get|getting|back) out of (?=(?:my|our|the|a) (?:contract|lease|membership|plan|subscription))": "terminate ",
    r"(?:don't|doesn't|didn't|don’t|doesn’t|didn’t|not) (?:turn|show) up": "miss it without notice",
    r"(?:can't|cannot|can’t|couldn't) (?:come|make it)(?= *(?:$|[?.!,;]))": "have to cancel",
    r"leav(?:e|ing) (?=(?:my|our|the|a) (?:bike|car|caravan|motorbike|van)\b)": "park ",
    r"(?:don't|doesn't|don’t|doesn’t|not|never) eat(?:s|ing)? meat": "vegetarian",
    r"(?:don't|doesn't|don’t|doesn’t|not|never) eat(?:s|ing)? (?:any )?animal products": "vegan",
    r"for nothing": "free of charge",
    r"a ?& ?e": "hospital with casualty",
    r"(?:opt|opting) out of": "unsubscribe from",
    r"(?:get|getting) (?:in touch|hold of)(?: with)?": "contact",
    r"(?:find|finding) out what(?:'s| is) wrong with": "diagnose",
    r"crash course": "intensive course",
    r"wheelchair users?": "wheelchairs",
    r"(?<=\w)-friendly": " friendly",
    r"spread (?:the |my |out the )?(?:costs?|payments?)": "pay in instalments",
    r"(?<!best )(?<!highest )(?:pass|success) rate": "share of those who pass",
    r"stick shift": "manual gearbox",
    r"behind the wheel": "driving",
    r"(?:get|gets|getting|have) (?:any|some)?(?:thing|money) off(?= *(?:$|[?.!,;]|if|for))": "get a discount",
    r"(?:go|goes|going) up in price": "cost more",
    r"for free": "free of charge",
    r"chang(?:e|ed) my mind": "want to cancel",
    r"(?:give|giving) up (?=(?:my|our|the) (?:contract|lease|membership|plan|room|subscription)\b)": "cancel ",
    r"(?:be|am|are|'m|'re) (?:running late|held up|stuck in traffic)(?= *(?:$|[?.!,;]))": "arrive late",
    r"(?:turn|show)(?:s|ing)? up late": "arrive late",
    r"(?:drop|pop) (?:by|in)(?= *(?:$|[?.!,;]))": "visit without an appointment",
    r"stay(?:ing)? the night": "stay overnight",
    r"have a go(?= (?:at|on)\b|$|[?.!,;])": "try",
    r"(?:old|young) enough": "of the minimum age",
    r"out of hours": "outside opening hours",
}


# "Its", "lets", "ill", "well" and "id" are words as well.
_JOINED: Final = {
    r"(what|where|who|how|when|why|that|there)s": r"\1's",
    r"(is|are|was|were|do|does|did|ca|could|wo|would|should|have|has|had|must)nt": r"\1n't",
    r"(?-i:i|I)m": "I'm",
    r"(i|you|we|they)ve": r"\1've",
    r"(you|they)re": r"\1're",
}


# What people say, and pages put by one word.
_GERMAN: Final = {
    r"(?:lass|stell)(?:e|en|st)? (?:ich|wir|man|du) (?=(?:mein|unser|das|sein|dein)\w* "
    r"(?:auto|fahrrad|motorrad|rad|roller|wohnmobil|wohnwagen)\b)": "parke ich ",
    r"komm(?:e|en|st|t)? (?:ich|wir|man|du) (?:wieder )?aus (?=\w+ (?:abo|abonnement|mitgliedschaft|tarif|vertrag)\b)":
        "kündige ich ",
    r"(?:esse|isst|essen) (?:(?:ich|er|sie|wir) )?kein fleisch": "vegetarisch",
    r"knapp bei kasse": "kann nicht zahlen",
    r"nicht (?:erscheine|erscheinen|auftauche|auftauchen)": "fehle",
    r"(?:mit )?(?:mein|unser|das|ein|dem)\w* (?:auto|motorrad|pkw|wagen) (?:ab|hin|unter)stellen":
        "parken",
    r"kaputt ?(?:gegangen|gemacht)": "kaputt",
    r"zu ?viel (?:be|ge)zahlt": "Guthaben",
    r"von (?:mein|unser|d)\w+ (?:bank)?konto (?:abgezogen|runter|weg)": "abbuchen",
}  # fmt: skip
_DUTCH: Final = {
    r"(?:mijn|onze|de|een) (?:auto|fiets|motor|scooter) (?:neerzetten|kwijt|stallen|zetten)": "parkeren",
}
_FRENCH: Final = {
    r"(?:laisser|mettre|garer|stationner) (?:ma|mon|notre|la|une?) (?:moto|voiture|auto|véhicule)": "stationner",
}
_PHRASES: Final = {"en": _ENGLISH, "de": _GERMAN, "nl": _DUTCH, "fr": _FRENCH}


def join_verbs(question: str, language: str) -> str:
    """The question with the first verb of two parts as one word at its end, or another for it; as it is where there is
    none: "Wie melde ich einen Hund anmelden?" In English with the apostrophes that people leave out:
    "whats", "dont"; in German with the umlauts.
    """
    if len(question) > LONGEST:
        return question
    question = write_letters(question, language)
    if language == "en":
        question = _write_apostrophes(question)
    question = _put_otherwise(question, language)
    if not _split_table(language) or not _find_particles(language).search(question):
        return question
    for pattern, joined in _read_patterns(language):
        if found := pattern.search(question):
            # The verb itself stays: pages may have it in two parts as well.
            return f"{question[: found.end('between')]}{joined}{question[found.end() :]}"
    return question


def _put_otherwise(question: str, language: str) -> str:
    for row, said in _PHRASES.get(language, {}).items():
        if found := _read_phrase(row).search(question):
            return f"{question[: found.start()]}{said}{question[found.end() :]}"
    return question


def _write_apostrophes(question: str) -> str:
    for row, said in _JOINED.items():
        question = _read_phrase(row).sub(said, question)
    return question


@cache
def _read_phrase(row: str) -> re.Pattern[str]:
    return re.compile(rf"\b{row}\b", re.IGNORECASE)


@cache
def _find_particles(language: str) -> re.Pattern[str]:
    """A part of a verb at the end of a clause, where it stands alone."""
    particles = [row.partition(":")[0] for row in _split_table(language)]
    particles += [particle for _, particle in _GERMAN_OTHERS] if language == "de" else []
    return re.compile(rf"\s(?:{'|'.join(particles)}){_CLAUSE_END}", re.IGNORECASE)


@cache
def _read_patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(_list_patterns(language))


def _list_patterns(language: str) -> Iterator[tuple[re.Pattern[str], str]]:
    if language == "de":
        for (forms, particle), said in _GERMAN_OTHERS.items():
            yield _make_pattern(forms, particle), said
    for row in _split_table(language):
        particle, _, verbs = row.partition(": ")
        for verb in verbs.split():
            infinitive, _, others = verb.partition(":")
            known = [*(others.split(",") if others else ()), *_inflect(infinitive)]
            yield _make_pattern("|".join(known), particle), particle + infinitive


def _split_table(language: str) -> list[str]:
    table = {"de": _GERMAN_VERBS, "nl": _DUTCH_VERBS}.get(language, "")
    return table.strip().replace("\n  ", " ").splitlines()


def _inflect(infinitive: str) -> list[str]:
    stem = infinitive.removesuffix("en")
    return [infinitive, *(stem + ending for ending in ("e", "st", "est", "t", "et"))]


def _make_pattern(forms: str, particle: str) -> re.Pattern[str]:
    """The verb, some words, and what belongs to it at the end of a clause."""
    between = rf"(?P<between>\s(?:[^\s.?!,;]+\s){{0,{_MOST_BETWEEN}}}?)"
    return re.compile(rf"\b(?:{forms}){between}{particle}{_CLAUSE_END}", re.IGNORECASE)
