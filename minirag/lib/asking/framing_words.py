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
ab alt alte altem alten alter altes anbieten anbietet anrufen antwort art auf aufhaben außer außerdem bald beantrage
beantragen bedeuten bedeutet bekomme bekommen bekommst bekommt benötige benötigen benötigt bereits besonders besten
bestimmt bezahle bezahlen biete bieten bietet bin bist bitte bloß brauche brauchen brauchst braucht breit dafür daher
danach danke daran darauf darf darfst davon davor deine deinen derzeit ding drin dürfen dürft eben ebenfalls
eigentlich einfach einmal erfahre erfahren erreiche erreichen erst etwa etwas euch euer eure eurem euren eurer finde
finden findet frage frau freund freundin funktionieren funktioniert für fürn fürs ganz gar gebe geben gebt gehen
gehst geht geht's gelten genau geöffnet gerade gern gerne geschehen geschieht geschlossen geworden gibst gibt gibt's
gibts gilt gleich groß gut gute guten hab habe haben habt hallo halt hat hatte heiße heißen heißt helfen heute
hey hi hilft hoch ihnen ihr ihre ihrem ihren ihrer immer information inzwischen irgendwann irgendwas
irgendwelche irgendwie irgendwo jahr jahre jemals jemand kann kaufen kaum kennen kennt kind kinder klappt komme kommen
kommst kommt können könnt könnten könntet kosten kostenlos kostet kriege kriegen kriegst kriegt kurz lange lasse lassen
lasst lässt leider leute lieber mache machen machst macht mag mal man manchmal mann mehr mehrere mein meine meinem
meinen meist meistens möchte möchten möchtest moin momentan muss müssen müsst müsste müßte müssten mutter nachher
nämlich nehme nehmen nehmt nennt neu neue neuem neuen neuer neues nimmst nimmt noch nochmal normalerweise nun offen
öffnen öffnest öffnet oft passieren passiert per person personen preis preise rauf raus rein runter sache sagen sagst
sagt schließen schließlich schließt schon schwer sehen sehr seht sein selber sie sieht sofort sogar sohn soll sollen
sollst sollte sollten tag tage teuer tochter tue tun tut überhaupt übrigens uhr uhrzeit unbedingt ungefähr uns vater
viel viele vielem vielen vielleicht vorher vorhin wahrscheinlich wäre wären weiß weißt weit weiter welche welcher
welches wende wenden wenig wenige wer wieviel will willst wir wirklich wissen wisst wo wochentag wohl wollt wollte
worden wurde wurden wüsste zahle zahlen zeigen zeit zu zumachen zurzeit zuvor
"""
_FRENCH = """
accepte acceptez accueillez aide aimerais aimerions aller année années appelle arrive avez avoir besoin bon bonjour
bonne cher cherche chercher cherchez chez chose combien connaître coût coûte coûtent coûtera demander devez devons
devrais dire dois doit donc donner dure durent durée enfant enfants est-ce-que existe expliquer faire fait faites faut
femme ferme fermez fermé fille fils font gratuit heure heures info information jour jours jusqu jusque liste longtemps
mari merci mes mettre moi mois nom offrez ouvert ouverte ouverts ouvre ouvrez ouvrir paie passe paye payer payons
personne personnes peut peut-être peux possible possède pourrais pourrait pourrions pouvez premier prendre prix propose
proposent proposez puis quand quelles quelqu quelque quels question sais salut savez savoir semaine sont suis svp tarif
tarifs temps trouve trouvent trouver trouvez utiliser va vais vendez venez venir veut veux viennent viens vient voir
voudrais y-a-t-il
"""
_SPANISH = """
abierta abierto abiertos abre abren abrís aceptan aceptáis ahora alguien alguna algún ayuda buen bueno buscar busco caro
cerrado cerrar cerráis cierra cierran cobran costar costará coste cuesta cuestan cuánto dais dar debemos debo decir dura
día días dónde empieza encontrar encuentro existe existen explicar funciona gracias gratis gustaría haber habéis hace
hacemos hacen hacer hacéis hasta hay hija hijo hijos hola hora horario horas información ir llama llamar llamo marido
mejor mes meses mis mujer necesita necesito niños nombre nos ofrece ofrecen ofrecéis pagar pasa persona personas pide
podemos podría podríamos podéis porfavor posible precio precios pregunta puede pueden puedes puedo quiero quisiera sabe
saber sabes semana tarda tenemos tener tengo tenéis tiempo tiene tienen tienes tomar usar va vamos van venden vendéis
ver vienen vivo voy
"""
_ITALIAN = """
abbiamo accettate aiuto aperta aperti aperto apre aprire aprite avere avete bambini bene bisogno buongiorno c'è caro
cercare cercate cerco chiama chiamo chiude chiudete chiuso ciao cosa costa costano costo dare deve devo devono dire
dobbiamo dov'è dura durare esiste faccio fanno fare fate figli figlia figlio funziona funzionano giorni giorno gratis
grazie hai hanno ho informazioni marito mese mesi mettere mi mia miei mio moglie nome offre offrite ora orari orario ore
paga pagare paghiamo pago per persona persone possiamo possibile posso potete potrei potremmo prendere prezzi prezzo
puoi può quali quando quanta quante quanti quanto sapere serve servono settimana spiegare succede tempo tenete trova
trovano trovare trovo usare va vado vedere vendete vendono vengono venire viene volevo vorrei vorremmo
"""
_DUTCH = """
alleen altijd bel bellen ben bent bestaat beste betaal betaalt betalen betekenen betekent bieden biedt bij dag dagen dan
dicht dochter doe doen doet duur duurt eigenlijk elk elke er even ga gaan gaat geef geeft geopend gesloten geven gewoon
goed graag gratis groot haal halen hallo heb hebben hebt heeft heet help helpen hoelang hoeveel hoi hoog houdt ieder
iedere iemand iets ik informatie je jij jullie kan kinderen kom komen komt koop kopen kost kosten krijg krijgen krijgt
kunnen kunt laat lang langer laten lukt maak maakt maand maanden mag maken man mensen mijn misschien moet moeten
mogelijk naam neem neemt nemen nieuw nieuwe nodig noemt nog nu ongeveer ons onze ook open openen opent oud per persoon
precies prijs prijzen sluit sluiten soms soort staan staat tijd tot u uitleggen uren uur uw vanaf verkoopt verkopen vind
vinden vindt voor vraag vrouw waar waarom wanneer was week weet weken welk welke werd werk werken werkt weten wie wij
wil willen worden wordt wou zeg zeggen zegt zien ziet zijn zit zoek zoeken zonder zoon zou zouden zullen
"""
_POLISH = """
bilet bilety być będzie cena cenie ceny chce chcemy chciałabym chciałbym chcę co czas czego cześć czy czym czynne córka
dla dlaczego dni do dobry dostać drogi działa dzieci dziecka dziecko dziennie dzień dziękuję długo gdy gdzie godzina
godzinach godziny godzinę ile imię informacja informacje jak jaka jaki jakich jakie jaką jest kiedy komu koszt kosztować
kosztuje kosztują koszty ktoś która które który kupić ma macie mają mam mamy mieć mogę moja moje moją może możecie
możemy możliwe można musi musimy muszę mój mąż nazwa nie oferujecie osoba osoby osobę otwarte otwarty otwiera otwieracie
podać pomoc pomóc potrzebuję pracuje prosić proszę płaci płacić płacę robi robić roku sprzedajecie swoje syn są trwa
trwają trzeba tu tydzień tygodniu w wiedzieć wiem witam wy wziąć za zamknięte zamyka zamykacie ze znajduje znajdę
znaleźć zobaczyć żeby żona
"""
_TURKISH = """
almak açık bilgi bilmek bulmak eder fiyat fiyatları fiyatı gerekir gerekiyor gün günler istiyorum kadar kaç kimse kişi
kız lazım liste mümkün nasıl ne oğlum para saat süre sürer vermek yapmak yardım çocuk çocuklar ödeme ücret ücreti
ücretler
"""


def _read(words: str) -> frozenset[str]:
    """In one spelling of ß, as words are compared."""
    return frozenset(words.casefold().split())


_SWEDISH = """
alla alltid använda bara barn behöver behövs betala bra brukar börjar chans dag dagar dem det dig din dina dotter du dyr
dyrt en er era ert finnas finns fråga från få får för gratis gå går gör göra ha har hej hitta hittar hjälp hos hur här
ifrån information inte jag kan kanske kommer kosta kostar kostnad kräver kunna kvinna köpa lite länge lång man med mig
min mina mitt mycket må många måste möjligt namn ni nu när någon något några och också om oss pengar person personer
pris priser på rätt sak se ser skulle snälla som son stänga stänger stängt söker ta tack tar tid till timmar tänker
under ungefär ute vad var vara varför vecka vem vet veta vi vid vilja vilka vilken vilket vill visa är år öppen öppet
öppna öppnar
"""
FRAMING_WORDS: Final = {
    "en": _read(_ENGLISH),
    "de": _read(_GERMAN),
    "fr": _read(_FRENCH),
    "es": _read(_SPANISH),
    "it": _read(_ITALIAN),
    "nl": _read(_DUTCH),
    "pl": _read(_POLISH),
    "sv": _read(_SWEDISH),
    "tr": _read(_TURKISH),
}
