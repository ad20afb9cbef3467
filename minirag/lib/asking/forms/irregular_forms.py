"""Forms that stemming leaves apart in languages whose rules it knows else: "prendre" and "pris", "cerrar" and "cierra".

To add a language, write its rows: a line is forms of one word, for each stem one is enough. What a verb may begin with
("mee" in "meenemen") and how endings are said for each other stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from minirag.lib.text.analysis import analyse

_SHORTEST_CUT: Final = 5

_FRENCH: Final = """
acheter achète achat
aller allez va vont iront
appeler appelle appel
attendre attendez attend attendu attente
boire boit boivent buvez bu
choisir choisi choix
conduire conduit conduisez
connaître connaît connu
construire construit construction
courir court couru
couvrir couvert couverture
créer créé création
cuire cuit cuisson
découvrir découvert découverte
devenir devient devenu
dire dit dites
dormir dort dormez dormi
écrire écrit écrivez
élire élu élection
emporter emporté emportez
envoyer envoie envoi envoyons
essayer essaie essai
faire fait faites faisons
finir finit finissez finissons fin
fournir fourni fournit fournissons
inscrire inscrit inscrivez inscription
jeter jette
jouer joue jeu
lire lit lisez lu lecture
livrer livraison livrons
louer loue location
mettre met mettez mis
mourir meurt mort
nettoyer nettoie nettoyage
obtenir obtient obtenez obtenu
offrir offre offert offrons
ouvrir ouvert ouvrons
partir part partez parti départ
payer paie paye paiement payons
peindre peint peinture
perdre perd perdu perte
permettre permet permis
plaire plaît
pleuvoir pleut pluie
prendre prend prenez prennent pris
produire produit produisons
recevoir reçoit recevez reçu réception
rendre rend rendez rendu
réduire réduit réduction
répondre répond répondu réponse
résilier résiliation
réserver réservation réservons
revenir revient revenez retour
rompre rompu
savoir sait su
servir sert servez servi
sortir sort sortez sorti sortie
suivre suit suivez suivi
tenir tient tenu tenez
tondre tond tondu tonte
traduire traduit traduction
utiliser utilisation
vendre vend vendez vendu vente vendons
venir vient venez venu
vivre vit vécu
voir voit voyez vu
"""
_SPANISH: Final = """
abrir abierto abre apertura
acordar acuerda acuerdo
almorzar almuerza almuerzo
aparcar aparque aparcamiento
apagar apague
buscar busque búsqueda
calentar calienta caliente
cerrar cierra cerrado cierre
cocer cuece cocido
comenzar comienza comienzo
conducir conduzco conduce
contar cuenta cuento
costar cuesta coste
cubrir cubierto cubre
dar doy da dado
decir dice dicho digo
despertar despierta
devolver devuelve devuelto devolución
dormir duerme dormido
elegir elige elección
empezar empieza empecé
encender enciende
encontrar encuentra
enviar envía envío
escribir escrito escribe
freír fríe frito
hacer hace hecho hago
helar hiela helado
inscribir inscrito inscripción
ir voy va vamos
jugar juega juego
leer lee leído lectura
llover llueve lluvia
medir mide medida
morir muere muerto
mostrar muestra
mover mueve movido
oír oye oigo
ofrecer ofrece ofrezco oferta
pagar paga pague pago
pedir pide pedido pido
perder pierde perdido pierdo pérdida
poner pone puesto pongo
probar prueba
querer quiere quiero
recoger recoge recojo recogida
reducir reduce reducción reducido
repetir repite
resolver resuelve resuelto
reservar reserva
romper rompe roto
seguir sigue sigo
sentar sienta asiento
servir sirve servido servicio
soltar suelta suelto
sonar suena
sustituir sustituye sustitución
tener tiene tengo
traer trae traigo traído
venir viene vengo
ver ve visto
vestir viste
volar vuela vuelo
volver vuelve vuelto vuelta
"""
_ITALIAN: Final = """
accendere acceso accende
aggiungere aggiunto aggiunta
aprire aperto apertura apre
attendere atteso attesa
bere beve bevuto
chiedere chiesto chiede richiesta
chiudere chiuso chiusura chiude
comprendere compreso comprende
condurre conduce condotto
correre corso corre
cuocere cotto cuoce cottura
decidere deciso
difendere difeso difesa
dipingere dipinto
dire dice detto
dividere diviso divisione
emettere emesso
escludere escluso esclusione
fare fa fatto facciamo
includere incluso inclusione
iscrivere iscritto iscrizione
leggere letto legge lettura
mettere messo mette
muovere mosso
nascere nato nascita
offrire offerto offre offerta
perdere perso perduto perdita
permettere permesso permette
piangere pianto
piovere piove pioggia
prendere preso prende
produrre produce prodotto
promettere promesso
ridurre riduce ridotto riduzione
rimanere rimane rimasto
rimborsare rimborso
rispondere risposto risposta
rompere rotto rompe
salire sale salgo salita
scegliere scelto sceglie scelta
scendere sceso scende discesa
scrivere scritto scrive
sedere siede
servire serve servizio
spegnere spento spegne
spendere speso spesa
spingere spinto
succedere successo
tenere tiene tengo
togliere tolto toglie
tradurre traduce tradotto traduzione
uscire esce uscita
vedere visto vede
vendere venduto vendita
venire viene vengo
vincere vinto
vivere vissuto
"""
_DUTCH: Final = """
bakken bakt gebakken
beginnen begint begon begonnen
bezoeken bezoekt bezocht bezoek
bieden biedt bood geboden
blijven blijft bleef gebleven
breken breekt brak gebroken
brengen brengt bracht gebracht
denken denkt dacht gedacht
doen doet deed gedaan
dragen draagt droeg gedragen
drinken drinkt dronk gedronken
eten eet at gegeten
fietsen fiets fietst
gaan gaat ging gegaan
geven geeft gaf gegeven
gelden geldt gold gegolden
helpen helpt hielp geholpen
houden houdt hield gehouden
kiezen kiest koos gekozen keuze
kijken kijkt keek gekeken
komen komt kwam gekomen
kopen koopt kocht gekocht koop
krijgen krijgt kreeg gekregen
laten laat liet gelaten
lezen leest las gelezen
liggen ligt lag gelegen
lopen loopt liep gelopen
nemen neemt nam genomen
rijden rijdt reed gereden
roepen roept riep geroepen
schrijven schrijft schreef geschreven
slapen slaapt sliep geslapen
sluiten sluit sloot gesloten
snijden snijdt sneed gesneden
spreken spreekt sprak gesproken
staan staat stond gestaan
stelen steelt stal gestolen
sterven sterft stierf gestorven
trekken trekt trok getrokken
vallen valt viel gevallen
varen vaart voer gevaren
verbieden verbiedt verbood verboden
vergeten vergeet vergat
verliezen verliest verloor verloren
vertrekken vertrekt vertrok vertrek
vinden vindt vond gevonden
vliegen vliegt vloog gevlogen
vragen vraagt vroeg gevraagd
wassen wast waste gewassen
wegen weegt woog gewogen
werpen werpt wierp geworpen
weten weet wist geweten
zeggen zegt zei gezegd
zenden zendt zond gezonden
zien ziet zag gezien
zitten zit zat gezeten
zoeken zoekt zocht gezocht
zwemmen zwemt zwom gezwommen
"""
_DUTCH_PREFIXES: Final = (
    "achter", "samen", "terug", "tegen", "over", "door", "voor", "aan", "bij", "mee", "ont", "toe", "uit", "ver", "weg",
    "af", "be", "in", "na", "om", "op",
)  # fmt: skip


@dataclass(frozen=True)
class _Forms:
    """The families of a language, what its verbs may begin with, and pairs of endings that its stemmer leaves."""

    families: str
    prefixes: tuple[str, ...] = ()
    endings: tuple[tuple[str, str], ...] = ()


_TABLES: Final = {
    "fr": _Forms(_FRENCH, endings=(("", "on"), ("dr", "d"), ("dr", "du"))),
    "es": _Forms(_SPANISH),
    "it": _Forms(_ITALIAN),
    "nl": _Forms(_DUTCH, _DUTCH_PREFIXES),
}
IRREGULAR: Final = tuple(_TABLES)
"""The languages that have rows."""


def inflect(term: str, language: str) -> Iterator[str]:
    """The other forms of a term, if it is one of a family, and what it may be with another ending."""
    table, families = _TABLES[language], _read_families(language)
    yield from families.get(term, ())
    for prefix in table.prefixes:
        core = term.removeprefix(prefix)
        if core != term and core in families:
            yield from (prefix + form for form in families[core])
            break
    for one, other in table.endings:
        for old, new in ((one, other), (other, one)):
            stem = term.removesuffix(old)
            if term.endswith(old) and len(stem) >= _SHORTEST_CUT:
                yield stem + new


@cache
def _read_families(language: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _TABLES[language].families.strip().splitlines():
        terms = tuple(
            dict.fromkeys(term for word in line.split() for term in analyse(word, language))
        )
        for term in terms:
            found[term] = tuple(dict.fromkeys((*found.get(term, ()), *terms)))
    return found
