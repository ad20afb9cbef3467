"""Words that frame a question rather than name what it is about: that one of them is in a text is no evidence.

By language, as they are written in questions and in answers; a language that is missing has none.
"""

from __future__ import annotations

from typing import Final

_ENGLISH = """
able afford allowed along already also answer anybody anyone anything available best better big bit boss bring call
called calls cannot charge charged cheap child children close closed closes come comes cost costs currently dad
daughter day days describe did differ different do does done end enough ever everyone everything exactly expensive
explain far fast father feel find first friend get gets give go good got happen happening happens heard help helpful
high husband info information instead just keep keeps kid kids kind know large last let list long look looking made
make many may maybe mean means mom moment mother much mum must name named names need needs never next offer often old
open opening opens paid particular partner pay people per person please possible price prices put question quickly
really recently recommend related right run runs say see show someone something son soon sort start still summarize
suppose take tall tell thing things think though time type types use used want wants way wide wife will work works
would year years yes yet young
"""
_GERMAN = """
alt alte altem alten alter altes anrufen antwort art auf beantrage beantragen bedeutet bekomme bekommen bekommt besten
bezahle bezahlen bitte brauche brauchen braucht breit darf ding dürfen eben eigentlich erreiche erreichen etwas finde
finden findet frage frau freund freundin für fürn fürs gebe geben gehen geht genau gerade geöffnet gibt groß gut gute
hab habe haben habt hat hatte heißt helfen hilft hoch information irgendwo jahr jahre jemand kann kaufen kind kinder
komme kommen kommst kommt kosten kostenlos kostet kriege kriegen kriegt kurz können lange leute mache machen macht mal
mann mein meine meinem meinen muss mutter möchte müssen nehmen nennt neu neue neuem neuen neuer neues nimmt noch nun
offen oft per person personen preis preise rein sache sagen sagt schon schwer sohn soll sollen tag tage teuer tochter
vater viel viele vielleicht weit welche welcher welches wende wenden wer wieviel will wissen wo zahle zahlen zeigen
zeit zu öffnet
"""
_FRENCH = """
aide aller avez avoir besoin bon bonne cher chercher chose combien connaître coût coûte coûtent demander dire donc
devons devrais dois doit donner durée enfant enfants expliquer faire fait faites faut femme fille fils gratuit info
information jour jours liste longtemps mari merci mettre nom ouvert ouverte ouvrir payer personne personnes peut peut-
être peux possible pouvez premier prendre prix puis quand quelque question savoir sont suis tarif tarifs temps trouve
trouver trouvez utiliser vais veut veux voir voudrais
"""
_SPANISH = """
abierto abre abren abrís ayuda buen bueno buscar caro cobran costar coste cuesta dais debo cuestan cuánto dar decir
dura día días encontrar encuentro explicar gracias gratis haber hacer hay hija hijo hijos información ir llamar marido
mejor mujer necesita necesito niños nombre ofrecen pagar persona personas posible precio precios pregunta puede pueden
puedo quiero saber tarda tener tengo tiempo tiene tienen tienes tomar usar ver
"""
_ITALIAN = """
aiuto aperto apre aprire avere bambini bisogno bene caro cercare cosa costa costano costo dare deve devo devono dire
dobbiamo dura fare figli figlia figlio funziona giorni giorno gratis grazie informazioni marito mettere moglie nome
offrite pagare persona persone possiamo possibile posso prendere prezzi prezzo può quanto sapere serve servono
spiegare tempo trovare trovo usare vedere vorrei
"""
_DUTCH = """
bestaat beste betaal betalen betekenen betekent dag dagen dochter doe doen doet duur duurt eigenlijk er even ga gaan
gaat geef geeft geven gewoon goed graag gratis groot haal halen heb hebben hebt heet help helpen hoelang hoeveel hoog
houdt iets informatie jullie kan kinderen kom komen komt koop kopen kost kosten krijg krijgen krijgt kunnen kunt laat
lang laten maak maakt mag maken man mensen misschien moet mogelijk naam neem neemt nemen nieuw nieuwe nodig noemt nog
ongeveer open oud persoon precies prijs prijzen soort staan staat tijd uitleggen vind vinden vindt vraag vrouw waar
waarom wanneer weet welk welke werk werken werkt weten wie wij wil willen zeg zeggen zegt zien ziet zit zoek zoeken
zoon
"""
_POLISH = """
bilet cena ceny chcę czas czynne córka dni dostać drogi dzieci dziecko dzień gdzie ile imię informacje jak kosztuje
kosztują ktoś kupić mogę możliwe można mąż nazwa osoba osoby otwarte pomoc potrzebuję proszę płacić syn trwa trzeba
wiedzieć wziąć znaleźć zobaczyć żona
"""
_TURKISH = """
almak açık bilgi bilmek bulmak eder fiyat fiyatları fiyatı gerekir gerekiyor gün günler istiyorum kadar kaç kimse kişi
kız lazım liste mümkün nasıl ne oğlum para saat süre sürer vermek yapmak yardım çocuk çocuklar ödeme ücret ücreti
ücretler
"""
FRAMING_WORDS: Final = {
    "en": frozenset(_ENGLISH.split()),
    "de": frozenset(_GERMAN.split()),
    "fr": frozenset(_FRENCH.split()),
    "es": frozenset(_SPANISH.split()),
    "it": frozenset(_ITALIAN.split()),
    "nl": frozenset(_DUTCH.split()),
    "pl": frozenset(_POLISH.split()),
    "tr": frozenset(_TURKISH.split()),
}
