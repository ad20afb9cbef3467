"""The words that ask for a price, a time, a place …, and those that answer: one row per language.

To add a language, write its row. Names of days and months need not stand in it: they are known of all languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NEVER: Final = "(?!)"


@dataclass(frozen=True)
class AskingRow:
    """Alternatives of a pattern, letters of either case. The upper ones are of questions, the lower ones of answers."""

    price: str
    surely_price: str
    """The part of `price` whose answer is an amount, as "cost" alone is not."""
    duration: str
    time: str
    place: str
    number: str
    person: str
    contact: str = NEVER
    several: str = NEVER
    """What asks for more than one thing."""

    money: str = NEVER
    free: str = NEVER
    units: str = NEVER
    """Of time, as they stand behind a number."""
    moments: str = NEVER
    numbers: str = NEVER
    people: str = NEVER
    """Bodies that do what persons do."""
    places: str = NEVER
    """What says where: prepositions before a place, and kinds of places."""
    vague: str = NEVER
    """What may answer when, how long or how many without a number or a date, so that nothing is surely missing."""
    somebody: str = NEVER
    """The same of who."""


ROWS: Final = {
    "en": AskingRow(
        price=r"how much (?:is|are|was|were|do|does|would|will|for|to|money)|costs?|prices?|priced|fees?"
        r"|expensive|cheap(?:er|est)?|postage|(?:do|does|would|will) \w+ charge",
        surely_price=r"how much (?:is|are|does|do|did|will|would)(?: \S+){0,8}? (?:cost|charge)"
        r"|how much (?:is|are)|how expensive|what (?:does|do|would|will|did)(?: \S+){1,8} cost"
        r"|what (?:is|are|'s) the (?:price|fee|cost|charge|fare)s?|prices? (?:of|for)",
        duration=r"how long|how much time|how many (?:years|months|weeks|days|hours|minutes|seconds)"
        r"|how (?:soon|quickly)",
        time=r"when(?:'s)?(?= (?:is|are|was|were|do|does|did|can|could|will|would|must|should|may|has"
        r"|have|to|the)\b|\W*$)|^when|what time|(?:what|which) (?:year|date|days?|months?|weekdays?"
        r"|century|decade)|(?:opening|office) (?:hours|times)|deadline",
        place=r"where(?: (?:is|are|was|were|do|does|did|can|could|should|must|will)\b|\W*$)|(?:which"
        r"|what) (?:city|town|country|street|address|room|building)",
        number=r"how (?:many|much|old|far|large|big|often|tall|high|fast|heavy|deep|wide|hot)"
        r"|what percent(?:age)?|number of|what (?:size|weight)",
        person=r"who|whom|whose",
        contact=r"(?:phone|telephone|hotline|fax) number|(?:what|which) number (?:do|should|can|must|to)"
        r"|(?:number|who|whom) (?:do i|should i|can i|to) call|e-?mail address",
        several=r"which (?:\w+ ){0,2}(?:are|do|were|should|must|can|have)|what (?:\w+ ){0,2}(?:are|were)"
        r"|list|what (?:\w+ ){0,2}(?:documents|papers|things|items|steps|kinds|types|options|services)"
        r"|what (?:do|should|must) (?:i|we) (?:bring|need|prepare|do)|how (?:do|can|should) (?:i|we|you)",
        money=r"euros?|dollars?|pounds?|cents?|pence|quid", free=r"free(?: of charge)?|nothing|included|no charge",
        units=r"seconds?|minutes?|hours?|days?|nights?|weeks?|fortnights?|months?|years?|decades?"
        r"|centur(?:y|ies)",
        moments=r"january|february|march|april|may|june|july|august|september|october|november|december"
        r"|century|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekdays?|weekends?|noon|midnight"
        r"|[ap]\.?m\b|daily|every day|always",
        numbers=r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand"
        r"|million|billion|half|percent|dozen|once|twice|none|no",
        people=r"company|firm|council|office|team|department|authority|carrier|driver|staff|maker|we|you"
        r"|anybody|everybody",
        places=r"at|in|on|near|behind|beside|under|above|opposite|between|next to|inside|outside|from"
        r"|via|here|there|street|road|room|floor|online|anywhere|everywhere",
        vague=r"middle ages|after|before|until|during|while|as soon as|as long as|immediately|at once|today|tomorrow"
        r"|tonight|mornings?|afternoons?|evenings?|nights?|weekly|monthly|yearly|never|seasons?|summer"
        r"|winter|spring|autumn|holidays?|both|several|unlimited|every|each|any|all",
        somebody=r"anyone|people|persons?|residents?|members|customers|owners?|parents|children|adults"
        r"|users|our|your|they|he|she",
    ),
    "de": AskingRow(
        price=r"kostet|kosten|wie teuer|teuer|preise?|preisliste|\w*gebühr(?:en)?|wie hoch (?:ist|sind)"
        r"|\w*tarife?|\w*beitrag|\w*miete|eintritt|was (?:zahlt|bezahlt|zahle|bezahle)\w*"
        r"|wie ?viel (?:zahl|bezahl|muss ich zahlen)\w*",
        surely_price=r"was koste[tn]|wie ?viel koste[tn]|wie ?viel (?:muss|zahlt|zahle|bezahl)\w*"
        r"|wie teuer|preis (?:für|von)|wie hoch (?:ist|sind) (?:die|der) (?:\w*gebühr|preis|kosten"
        r"|\w*beitrag|\w*steuer|miete|eintritt)\w*",
        duration=r"wie lang(?:e)?|wie ?viele (?:jahre|monate|wochen|tage|stunden|minuten)|wie schnell"
        r"|dauert|\w*dauer",
        time=r"wann|um wie ?viel uhr|(?:an |in )?welche[mnrs]? (?:jahr|tag|tagen|datum|monat|uhrzeit"
        r"|wochentag)(?:en)?|\w*zeiten|geöffnet|\w*frist|stichtag|wie spät",
        place=r"wo|wohin|woher|in welche[mrn]? (?:stadt|ort|straße|raum|gebäude)",
        number=r"wie ?viele?|wie (?:alt|weit|groß|hoch|oft|schwer|tief|breit|warm|heiß)|anzahl|prozent",
        person=r"wer|wem|wen|wessen",
        contact=r"anrufen|\w*telefon(?:nummer)?|rufnummer|welche nummer|e-?mail(?:-?adresse)?"
        r"|mailadresse|hotline",
        several=r"welche|was (?:brauche|muss|benötige|soll) (?:ich|man)|was (?:brauchen|müssen"
        r"|benötigen) wir|was alles|wie (?:kann|beantrage|melde|bekomme|mache) ich|liste",
        money=r"euro|cent|franken", free=r"kostenlos|kostenfrei|gebührenfrei|gratis|umsonst|frei|entfällt|nichts",
        units=r"sekunden?|minuten?|\w*stunden?|\w*tage?n?|nächte?|\w*wochen?|\w*monate?n?|quartale?"
        r"|\w*jahre?n?",
        moments=r"januar|jänner|februar|märz|april|mai|juni|juli|august|september|oktober|november"
        r"|dezember|(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)s?"
        r"|werktags?|werktäglich|täglich|wochenende|mittags?|mitternacht|uhr|jahrhundert|jederzeit",
        numbers=r"eine?[mnrs]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend"
        r"|million(?:en)?|milliarden?|halb\w*|prozent|dutzend|keine?",
        people=r"amt|\w+amt|firma|verein|stadt|gemeinde|verwaltung|behörde|landkreis|team|wir|sie|jeder"
        r"|niemand",
        places=r"in|im|am|an|auf|bei|beim|neben|hinter|vor|unter|über|gegenüber|zwischen|aus|vom|von"
        r"|hier|dort|überall|nirgends|\w*straße|\w*platz|\w*weg|raum|zimmer|online",
        vague=r"letzte\w*|mittelalter\w*|nach|vor|bis|während|sobald|solange|sofort|immer|nie|heute|morgen|morgens?|abends?"
        r"|nachts?|wöchentlich|monatlich|jährlich|sommer|winter|frühjahr|herbst|ferien|beide\w*|mehrere"
        r"|unbegrenzt|jede\w*|alle\w*",
        somebody=r"wer|personen|einwohner\w*|bürger\w*|mitglieder\w*|eltern|kinder|erwachsene\w*"
        r"|unser\w*|ihr\w*|er|sie",
    ),
    "fr": AskingRow(
        price=r"combien (?:coûte|coûtent|ça coûte|est-ce que)|coûte|coûtent|coût|prix|tarifs?|frais|cher",
        surely_price=r"combien (?:coûte|coûtent|ça coûte|est-ce que \S+ coûte)\w*|quel(?:s)? (?:est"
        r"|sont) (?:le|les) (?:prix|tarifs?)",
        duration=r"combien de (?:temps|jours|mois|semaines|heures|minutes|ans)|durée",
        time=r"quand|à quelle heure|quel(?:le)?s? (?:jours?|date|année|mois|heures?)|horaires?", place=r"où",
        number=r"combien|pourcentage|nombre de", person=r"qui", contact=r"téléphone|numéro|e-?mail|courriel",
        several=r"quel(?:le)?s|liste|comment (?:puis-je|faire|dois-je)|que dois-je",
        money=r"euros?|dollars?|francs?|centimes?", free=r"gratuit(?:e|s|es|ement)?|offert|inclus",
        units=r"secondes?|minutes?|heures?|jours?|nuits?|semaines?|mois|ans?|années?",
        moments=r"janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
        r"|siècle|lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?|midi|minuit|heures?",
        numbers=r"une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|cent|mille|millions?"
        r"|milliards?|demi",
        people=r"société|mairie|équipe|service|conseil|nous|vous",
        places=r"à|au|aux|dans|en|sur|sous|près|devant|derrière|chez|ici|rue|place|avenue|partout",
        vague=r"après|avant|pendant|dès|jusqu\S*|toujours|jamais|aujourd'hui|demain|matin|soir|nuit|été"
        r"|hiver|printemps|automne|vacances|chaque|tous|toutes|plusieurs",
        somebody=r"personnes?|il|elle|ils|elles|notre|nos",
    ),
    "es": AskingRow(
        price=r"cuánto (?:cuesta|cuestan|vale|valen|es)|cuesta|cuestan|precios?|costes?|costos?|tarifas?|caro",
        surely_price=r"cuánto (?:cuesta|cuestan|vale|valen)|(?:qué|cuál es el) precio",
        duration=r"cuánto tiempo|cuánt[oa]s (?:días|meses|semanas|horas|minutos|años)|duración"
        r"|cuánto (?:dura|tarda)",
        time=r"cuándo|a qué hora|qué (?:días?|fecha|año|mes)|horarios?|plazo", place=r"d[óo]nde|adónde",
        number=r"cuánt[oa]s?|porcentaje|número de", person=r"quién(?:es)?", contact=r"teléfono|número|correo",
        several=r"cuáles|qué (?:documentos|cosas)|lista|cómo (?:puedo|debo|se)",
        money=r"euros?|dólares|pesos?|céntimos?", free=r"gratis|gratuit[oa]s?|incluid[oa]",
        units=r"segundos?|minutos?|horas?|días?|noches?|semanas?|mes(?:es)?|años?",
        moments=r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre"
        r"|diciembre|siglo|lunes|martes|miércoles|jueves|viernes|sábados?|domingos?|mediodía|medianoche"
        r"|horas?",
        numbers=r"un[oa]?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|cien|ciento|mil"
        r"|millón|millones",
        people=r"empresa|ayuntamiento|equipo|oficina|departamento|nosotros|usted",
        places=r"en|a|al|desde|cerca|junto|frente|detrás|aquí|calle|plaza|avenida",
        vague=r"después|antes|durante|hasta|siempre|nunca|hoy|mañana|tarde|noche|verano|invierno"
        r"|primavera|otoño|vacaciones|cada|todos|todas|varios",
        somebody=r"personas?|él|ella|ellos|nuestr\w+",
    ),
    "it": AskingRow(
        price=r"quanto (?:costa|costano|viene)|costa|costano|prezz[oi]|costo|tariff[ae]",
        surely_price=r"quanto (?:costa|costano)|(?:qual è il) prezzo",
        duration=r"quanto tempo|quant[ie] (?:giorni|mesi|settimane|ore|minuti|anni)|durata|quanto dura",
        time=r"quando|a che ora|(?:che|quale) (?:giorno|data|anno|mese)|orari[oi]?|scadenza", place=r"dov'?e?|dove",
        number=r"quant[oaie]|percentuale|numero di", person=r"chi", contact=r"telefono|numero|e-?mail",
        several=r"quali|lista|elenco|come (?:posso|devo|si)", money=r"euro|dollari|centesimi",
        free=r"gratis|gratuit[oaie]|incluso",
        units=r"second[oi]|minut[oi]|or[ae]|giorn[oi]|nott[ei]|settiman[ae]|mes[ei]|ann[oi]",
        moments=r"gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre"
        r"|dicembre|secolo|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|mezzogiorno"
        r"|mezzanotte|ore",
        numbers=r"un[oa]?|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|cento|mille"
        r"|milion[ei]",
        people=r"azienda|comune|ufficio|squadra|noi|lei",
        places=r"in|a|al|alla|nel|nella|da|presso|vicino|dietro|davanti|qui|via|piazza|viale",
        vague=r"dopo|prima|durante|fino|sempre|mai|oggi|domani|mattina|sera|notte|estate|inverno"
        r"|primavera|autunno|vacanze|ogni|tutti|tutte|divers[ie]",
        somebody=r"person[ae]|lui|nostr\w+",
    ),
    "nl": AskingRow(
        price=r"wat kost(?:en)?|kost|kosten|hoe duur|prij(?:s|zen)|tarie(?:f|ven)|duur",
        surely_price=r"wat kost(?:en)?|hoeveel kost(?:en)?|hoe duur|wat is de prijs",
        duration=r"hoe lang|hoeveel (?:jaar|maanden|weken|dagen|uur|minuten)|hoe snel|duurt",
        time=r"wanneer|hoe laat|welke (?:dag|dagen|datum|maand)|welk jaar|openingstijden|tot wanneer",
        place=r"waar(?= (?:is|zijn|was|vind|kan|ligt|staat|moet)\b|\W*$)|waarheen",
        number=r"hoeveel|hoe (?:oud|ver|groot|hoog|vaak|zwaar|diep|breed)|percentage|aantal", person=r"wie|wiens",
        contact=r"telefoon(?:nummer)?|welk nummer|bellen|e-?mail(?:adres)?",
        several=r"welke|lijst|hoe (?:kan|moet) ik|wat (?:heb ik nodig|moet ik)", money=r"euro|cent",
        free=r"gratis|kosteloos|inbegrepen",
        units=r"seconden?|minu(?:ut|ten)|u(?:ur|ren)|dag(?:en)?|nacht(?:en)?|we(?:ek|ken)|maand(?:en)?"
        r"|ja(?:ar|ren)",
        moments=r"januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november"
        r"|december|eeuw|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|middernacht|uur",
        numbers=r"een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|honderd|duizend"
        r"|miljoen|half",
        people=r"bedrijf|gemeente|team|afdeling|kantoor|wij|we|u",
        places=r"in|op|aan|bij|naast|achter|voor|onder|tegenover|tussen|uit|van|hier|daar|\w*straat"
        r"|\w*plein|\w*weg|online",
        vague=r"na|voor|tot|tijdens|zodra|altijd|nooit|vandaag|morgen|ochtend|avond|nacht|zomer|winter"
        r"|lente|herfst|vakantie|elke|alle|meerdere",
        somebody=r"personen|mensen|onze?|hij|zij",
    ),
    "pt": AskingRow(
        price=r"quanto custam?|custam?|preços?|tarifas?", surely_price=r"quanto custam?|qual é o preço",
        duration=r"quanto tempo|quantos (?:dias|meses|anos|minutos)|quantas (?:horas|semanas)",
        time=r"quando|a que horas", place=r"onde|aonde", number=r"quantos|quantas", person=r"quem",
        money=r"euros?|reais|real", free=r"grátis|gratuit[oa]s?|incluíd[oa]s?",
        units=r"minutos?|horas?|dias?|semanas?|meses|mês|anos?",
        numbers=r"uma?|dois|duas|três|quatro|cinco|seis|sete|oito|nove|dez|cem|mil",
        places=r"em|no|na|nos|nas|ao|à|perto|junto|aqui|rua|praça|avenida",
        vague=r"depois|antes|durante|até|sempre|nunca|hoje|amanhã|manhã|tarde|noite|cada|todos|todas",
        somebody=r"pessoas?|nós",
    ),
    "pl": AskingRow(
        price=r"ile kosztuj[eą]|kosztuj[eą]|cen[aęy]|opłat[aęy]", surely_price=r"ile kosztuj[eą]|jaka jest cena",
        duration=r"jak długo|ile (?:czasu|dni|godzin|minut|lat|miesięcy|tygodni)",
        time=r"kiedy|o której|od kiedy|do kiedy", place=r"gdzie|dokąd|skąd", number=r"ile|ilu", person=r"kto|komu|kogo",
        money=r"złot\w+|groszy|euro", free=r"bezpłatn\w+|darmow\w+|gratis",
        units=r"minut\w*|godzin\w*|dni|dzień|tygodni\w*|miesi\w+|lat\w*|rok\w*",
        numbers=r"jed\w+|dw\w+|trzy|cztery|pięć|sześć|siedem|osiem|dziewięć|dziesięć|sto|tysiąc",
        places=r"w|we|na|przy|obok|koło|naprzeciw|pod|za|z|tutaj|tam|ulic\w+|plac\w*",
        vague=r"po|przed|podczas|do|od|zawsze|nigdy|dziś|jutro|rano|wieczor\w+|każd\w+|wszys\w+",
        somebody=r"osob\w+|nasz\w*",
    ),
    "cs": AskingRow(
        price=r"kolik stojí|stojí|cen[auy]|poplat\w+", surely_price=r"kolik stojí|jaká je cena",
        duration=r"jak dlouho|kolik (?:času|dní|hodin|minut|let|měsíců)", time=r"kdy|v kolik|odkdy|dokdy",
        place=r"kde|kam|odkud", number=r"kolik", person=r"kdo|komu|koho", money=r"korun\w*|eur\w*",
        free=r"zdarma|bezplatn\w+", units=r"minut\w*|hodin\w*|dn[íůy]|den|týd\w+|měsíc\w*|let|rok\w*",
        places=r"v|ve|na|u|vedle|za|před|naproti|pod|z|zde|tady|ulic\w+|náměst\w+",
        vague=r"po|před|během|do|od|vždy|nikdy|dnes|zítra|ráno|večer|každ\w+|všich\w+", somebody=r"osob\w+|náš|naš\w+",
    ),
    "sk": AskingRow(
        price=r"koľko stojí|stojí|cen[auy]|poplat\w+", surely_price=r"koľko stojí|aká je cena",
        duration=r"ako dlho|koľko (?:času|dní|hodín|minút|rokov)", time=r"kedy|o koľkej|odkedy|dokedy",
        place=r"kde|kam|odkiaľ", number=r"koľko", person=r"kto|komu|koho", money=r"eur\w*", free=r"zadarmo|bezplatn\w+",
        units=r"minút\w*|hod[ií]n\w*|dn[íi]|deň|týžd\w+|mesiac\w*|rok\w*",
        places=r"v|vo|na|pri|vedľa|za|pred|oproti|pod|z|tu|ulic\w+|námest\w+",
        vague=r"po|pred|počas|do|od|vždy|nikdy|dnes|zajtra|ráno|večer|každ\w+|všet\w+", somebody=r"osob\w+|náš|naš\w+",
    ),
    "sv": AskingRow(
        price=r"vad kostar|kostar|priser?|priset|avgift\w*", surely_price=r"vad kostar|hur mycket kostar|vad är priset",
        duration=r"hur länge|hur lång tid|hur många (?:dagar|timmar|minuter|veckor|månader|år)",
        time=r"när|vilken tid|hur dags", place=r"var (?:ligger|finns|hittar|kan|är|bor)|vart",
        number=r"hur (?:många|mycket|stor|lång|hög|gammal)", person=r"vem|vems", money=r"kronor|kr|euro",
        free=r"gratis|kostnadsfri\w*|ingår", units=r"minut\w*|timm\w+|dag\w*|veck\w+|månad\w*|år",
        numbers=r"en|ett|två|tre|fyra|fem|sex|sju|åtta|nio|tio|hundra",
        places=r"i|på|vid|bredvid|bakom|mittemot|under|från|här|där|\w*gatan|\w*vägen|\w*torget",
        vague=r"efter|före|innan|under|tills|alltid|aldrig|idag|imorgon|morgon|kväll|varje|alla",
        somebody=r"personer|vi|vår\w*",
    ),
    "da": AskingRow(
        price=r"hvad koster|koster|pris\w*|gebyr\w*", surely_price=r"hvad koster|hvor meget koster|hvad er prisen",
        duration=r"hvor længe|hvor lang tid|hvor mange (?:dage|timer|minutter|uger|måneder|år)",
        time=r"hvornår|hvad tid", place=r"hvor (?:ligger|er|finder|kan|bor)|hvorhen",
        number=r"hvor (?:mange|meget|stor|lang|høj|gammel)", person=r"hvem|hvis", money=r"kroner|kr|euro",
        free=r"gratis|inkluderet", units=r"minut\w*|time\w*|dag\w*|uge\w*|måned\w*|år",
        numbers=r"en|et|to|tre|fire|fem|seks|syv|otte|ni|ti|hundrede",
        places=r"i|på|ved|bag|overfor|under|fra|her|der|\w*gade\w*|\w*vej\w*|\w*torv\w*",
        vague=r"efter|før|under|indtil|altid|aldrig|i dag|i morgen|morgen|aften|hver\w*|alle",
        somebody=r"personer|vi|vores",
    ),
    "fi": AskingRow(
        price=r"paljonko|maksaa|maksavat|hinta|hinnat|maksu\w*",
        surely_price=r"paljonko\b.*\bmaksa\w+|mitä maksa\w+|kuinka paljon maksa\w+|mikä on hinta",
        duration=r"kuinka kauan|miten kauan|montako (?:päivää|tuntia|minuuttia|viikkoa)",
        time=r"milloin|mihin aikaan|koska", place=r"missä|mistä|mihin|minne",
        number=r"montako|kuinka (?:monta|paljon|suuri|pitkä|vanha)", person=r"kuka|kenen|kenelle", money=r"euro\w*",
        free=r"ilmai\w+|maksut\w+|sisältyy", units=r"minuut\w+|tun\w+|päiv\w+|viik\w+|kuukau\w+|vuo\w+",
        numbers=r"yksi|kaksi|kolme|neljä|viisi|kuusi|seitsemän|kahdeksan|yhdeksän|kymmenen|sata",
        places=r"\w+(?:ssa|ssä|lla|llä|sta|stä)|täällä|siellä|vieressä|luona",
        vague=r"jälkeen|ennen|aikana|asti|aina|koskaan|tänään|huomenna|aam\w+|ill\w+|joka|kaikki",
        somebody=r"henkilö\w*|me|meidän",
    ),
    "hu": AskingRow(
        price=r"mennyibe kerül\w*|kerül\w*|ára|árak|díj\w*", surely_price=r"mennyibe kerül\w*|mennyi az ára|mi az ára",
        duration=r"meddig|mennyi ideig|mennyi idő|hány (?:nap|óra|perc|hét|hónap|év)\w*",
        time=r"mikor|hány órakor|hánykor", place=r"hol|hová|hova|honnan", number=r"hány\w*|mennyi",
        person=r"ki|kik|kinek|kit", money=r"forint|euró|ft", free=r"ingyen\w*|díjmentes\w*",
        units=r"perc\w*|ór\w+|nap\w*|h[ée]t\w*|hónap\w*|év\w*",
        places=r"\w+(?:ban|ben|nál|nél|ból|ből)|itt|ott|mellett|mögött|utca|utcában|tér\w*|út\w*",
        vague=r"után|előtt|közben|mindig|soha|ma|holnap|reggel|este|minden\w*", somebody=r"személy\w*",
    ),
    "ro": AskingRow(
        price=r"cât costă|costă|preț\w*|tarif\w*|tax[aă]", surely_price=r"cât costă|care este prețul",
        duration=r"cât timp|cât durează|câte (?:zile|ore|minute|săptămâni|luni)|câți ani", time=r"când|la ce oră",
        place=r"unde", number=r"câți|câte", person=r"cine|cui", money=r"lei|leu|euro",
        free=r"gratuit\w*|gratis|inclus\w*", units=r"minut\w*|or[eă]|zi\w*|săptămân\w+|lun[iă]|an[i]?",
        places=r"în|la|pe|lângă|din|vizavi|aici|acolo|strad\w+|piaț\w+",
        vague=r"după|înainte|timpul|până|mereu|niciodată|azi|mâine|dimineaț\w*|sear\w*|fiecare|to[ațt]\w*",
        somebody=r"persoan\w+|noi|noastr\w+",
    ),
    "tr": AskingRow(
        price=r"ne kadar tutar|kaç (?:para|lira)|fiyat\w*|ücret\w*",
        surely_price=r"kaç (?:para|lira)|(?:fiyat|ücret)\w* (?:ne|kaç)\w*(?: kadar)?",
        duration=r"ne kadar sür\w*|kaç (?:gün|saat|dakika|hafta|ay|yıl)\w*", time=r"ne zaman|saat kaçta",
        place=r"nerede\w*|nereye|nereden", number=r"kaç", person=r"kim|kime|kimin", money=r"lira|tl|euro|avro",
        free=r"ücretsiz|bedava|dahil", units=r"dakika\w*|saat\w*|gün\w*|hafta\w*|ay\w*|yıl\w*",
        numbers=r"bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz|on|yüz|bin",
        places=r"\w+(?:da|de|ta|te|dan|den)|burada|orada|cadde\w*|sokak\w*|karşı\w*|yan\w*",
        vague=r"sonra|önce|kadar|boyunca|her|hiç|bugün|yarın|sabah\w*|akşam\w*", somebody=r"herkes|kişi\w*|biz\w*",
    ),
    "hr": AskingRow(
        price=r"koliko (?:košta|stoji|koštaju)|košta|cijen[aeu]",
        surely_price=r"koliko (?:košta|stoji|koštaju)|koja je cijena",
        duration=r"koliko (?:dugo|traje|dana|sati|minuta|vremena)", time=r"kada|kad|u koliko sati",
        place=r"gdje|kamo|odakle", number=r"koliko", person=r"tko|kome|koga", money=r"eur\w*|kun\w*",
        free=r"besplat\w+", units=r"minut\w*|sat\w*|dan\w*|tjed\w+|mjesec\w*|godin\w*",
        places=r"u|na|kod|pored|iza|pokraj|nasuprot|iz|ovdje|ulic\w+|trg\w*",
        vague=r"nakon|prije|tijekom|do|od|uvijek|nikad\w*|danas|sutra|ujutro|navečer|svak\w+|sv[ie]",
        somebody=r"osob\w+|naš\w*",
    ),
    "sl": AskingRow(
        price=r"koliko stane|stane|cen[aeo]", surely_price=r"koliko stane|kakšna je cena",
        duration=r"kako dolgo|koliko (?:časa|dni|ur|minut)", time=r"kdaj|ob kateri uri", place=r"kje|kam|od kod",
        number=r"koliko", person=r"kdo|komu|koga", money=r"ev\w+", free=r"brezplač\w+",
        units=r"minut\w*|ur\w*|dn\w+|dan|ted\w+|mesec\w*|let\w*",
        places=r"v|na|pri|ob|poleg|za|nasproti|iz|tukaj|tam|ulic\w+|trg\w*",
        vague=r"po|pred|med|do|od|vedno|nikoli|danes|jutri|zjutraj|zvečer|vsak\w*|vs[ie]", somebody=r"oseb\w+|naš\w*",
    ),
    "et": AskingRow(
        price=r"(?:kui palju|mis) maksa\w+|maksab|hin[dn]\w*", surely_price=r"(?:kui palju|mis) maksa\w+|mis on hind",
        duration=r"kui kaua|mitu (?:päeva|tundi|minutit|nädalat)", time=r"millal|mis kell", place=r"kus|kuhu|kust",
        number=r"mitu|kui palju", person=r"kes|kelle", money=r"euro\w*", free=r"tasuta",
        units=r"minut\w*|tun\w+|päev\w*|nädal\w*|kuu\w*|aasta\w*",
        places=r"\w+(?:s|l|st|lt)|siin|seal|juures|kõrval|tänav\w*",
        vague=r"pärast|enne|ajal|kuni|alati|kunagi|täna|homme|hommik\w*|õhtu\w*|iga|kõik", somebody=r"isik\w*|meie",
    ),
    "lt": AskingRow(
        price=r"kiek kainuoja|kainuoja|kain\w+", surely_price=r"kiek kainuoja|kokia kaina",
        duration=r"kiek laiko|kaip ilgai|kiek trunka", time=r"kada|kelintą", place=r"kur", number=r"kiek",
        person=r"kas (?:vadovauja|yra)|kieno", money=r"eur\w*", free=r"nemokam\w*",
        units=r"minu\w+|valand\w+|dien\w+|savait\w+|mėnes\w+|met\w+",
        places=r"\w+(?:je|yje|uje|oje|ėje)|prie|šalia|už|čia|ten|gatv\w+",
        vague=r"po|prieš|per|iki|nuo|visada|niekada|šiandien|rytoj|ryt\w+|vakar\w+|kiekvien\w+|vis[iaoų]\w*",
        somebody=r"asmen\w+|mūsų",
    ),
    "lv": AskingRow(
        price=r"cik maksā|maksā|cen\w+", surely_price=r"cik maksā|kāda ir cena",
        duration=r"cik ilgi|cik (?:dienas|stundas|minūtes)", time=r"kad|cikos", place=r"kur", number=r"cik",
        person=r"kas (?:vada|ir)|kam", money=r"ei?r\w+", free=r"bez ?maksas|bezmaksas",
        units=r"minū\w+|stund\w+|dien\w+|nedēļ\w+|mēne\w+|gad\w+",
        places=r"\w+(?:ā|ē|ī|ū)|pie|blakus|aiz|no|šeit|tur|iel\w+",
        vague=r"pēc|pirms|laikā|līdz|vienmēr|nekad|šodien|rīt|rīt\w+|vakar\w+|katr\w+|vis[iau]\w*",
        somebody=r"person\w+|mūsu",
    ),
}  # fmt: skip
