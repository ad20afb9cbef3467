"""Everyday words that name no thing: "stay", "else", "early". What a question is about hardly ever hangs on one of
them, and pages say it in a dozen other ways.

Regular forms ("stays", "stayed") are those of the words here, but for those in -ing, which may name a thing ("waiting
list"). A word that is a thing to sell or hire out as well is none of them: a plan, a suit, a pass.
To add a language, write its words and how they end.
"""

from __future__ import annotations

from typing import Final

_ENGLISH: Final = """
above act actually add again agree ahead allow alone altogether always anyway anywhere appear around arrive aside ask
avoid away back basically beforehand behind believe belong besides break broke broken came carry catch caught cause
certain check choose chose chosen clearly common compare complain completely consider contain continue count cover
create cross deal decide definitely depend develop directly discover down draw drew drop early easily easy else
elsewhere enjoy enter entirely especially even eventually exist expect explore extra fail fairly fall fallen fell few
fill finally fine follow forever forget forgot forgotten form forward friendly full fully further gain gather generally
gone grew grow guess handle hang hard hardly hate held here hidden hide hit hold hope hurry imagine immediately improve
include increase indeed inside kept lack later learn least leave led left less lie like likely limit listen little live
lose lost lot love mainly manage matter meant meet mention met mind miss mostly move myself nearly necessary nice normal
normally notice nowadays obtain obviously occasionally occur okay once organise organize ourselves own perhaps
personally pick place play point prefer prepare pretty prevent probably produce promise properly protect prove provide
pull push quick quite raise rather reach read ready real realise realize receive recent recognise recognize reduce refer
regularly remain remember remove repeat reply require rest result rise rose sadly same sat save seem seen serve set
settle several share short shut similar simple simply single sit slightly slow somehow sometimes somewhere sound speak
special specific spend spent spoke stay stood straight strange stuck stuff succeed such sudden suddenly suffer suggest
suitable support sure surprise temporarily threw throw thrown today together tomorrow tonight too took top total totally
touch travel treat try turn understand understood unfortunately usual usually valid various very visit wait walk wash
weird went whatever whenever wherever whole wish wonder worry wrong yesterday
"""
# Verbs by what their forms begin with. A noun is none, and is told from a verb by its capital.
_GERMAN = """
achte ahn allein allerdings also andauernd ander andere anderem anderen anderer anderes anfang ankomm anschau aufhör
ausgeh ausseh bekannt bemerk beid beide beiden bemüh beschäftig besser bestenfalls betreff betrifft bleib daheim
dabeihab denk demnächst derart dorthin draußen drinnen drüben durchführ eher ehrlich eilig einig einige einigen
endlich entscheid entsteh enttäusch erfolg erklär erkenn erlaub erleb erledig ermöglich erscheint erwart etlich fall
fehl freu früh früher frühestens führ fühl funktionier gefäll gefall gehör genug gesamt gestern gewöhnlich glaub grad
häufig heraus hin hinterher hoff hör insgesamt interessier irgend jetzt kapier klapp kriegt kümmer kürzlich längst
letzte letzten letzter lieb lieg lohn manche manchen meist melde merk mitkomm mithelf morgen müsst nacheinander nächst
nächste nächsten nächster natürlich neulich nirgends notwendig nütz nutz öfter plötzlich prinzipiell regel richtig sag
schaff schau scheint schick schief schlimm schnell schön schreib selbst selten setz sicher sinnvoll sitz sobald solch
solche sonst später spätestens spinn spür ständig stattfind steh stell stimm stör such tatsächlich treff überall
übernehm überleg üblich umgeh unterschiedlich verhalt verlauf verschieden verschwitz versteh versuch verwend völlig
vorbeikomm vorbereit vorgeh vorhab vorkomm vorn vorstell wähl wart weg weitergeh wend wert wichtig wieder wünsch zeig
ziemlich zudem zufällig zukünftig zunächst zurechtkomm zusammen zuschau zuständig zusätzlich zwischendurch
"""
_FRENCH = """
actuellement ailleurs aider aid aim ainsi aller alors amen apport apporter arriv assez attend attendre aucun aucune
aujourd'hui auparavant aussi autre autres autrement avance avant beaucoup besoin bientôt car certain certaine
certaines certains chaque comprend comprendre compris concern connaître continu croi croire côté davantage dehors
demain demand depuis derniers dernier dernière différent différents dois drôle durant déjà emmen emport encore enfin
ensemble ensuite entièrement environ essay facile facilement falloir fonctionn habituellement hier ici important
jamais laiss lequel laquelle lesquels loin maintenant manqu malheureusement meilleur mieux moins même nécessaire
normal normalement occup oubli parfois parl parvien pens perdu peu plusieurs plutôt possèd pratiquement presqu presque
prochain prochaine proch prévoi prévoir préfér puis quelque quelquefois rar rarement rest retrouv risqu réuss seul
seule seulement simple simplement sort sortir souhait souvent tard tenir tellement tient totalement tout tous toute
toutes toujours tôt vite voit voient vraiment vrai
"""
_SPANISH = """
acab además ahora algo alguien alguno algunos allí antes aparec apenas aquí aquel así aun aunque aún ayer ayud bastante
bien busc cada casi ciert cierto comprend conoc conseguir consig continu convien crear cre cualquier cuando debe deber
deci deja dej demasiado dentro depend después diferente diferentes directamente distint duran elegir elij empez empiez
encim encuentra encuentran enseguida entend entiend entonces escrib espera esper exactamente fácil fácilmente falt final
finalmente fuera funcion generalmente hablar habl hoy igual importante importa intent interes jamás lejos lleg llev logr
luego lueg mal mand manera mayoría mejor menos mient mientras mirar mism misma mismo mucho mucha muchas muchos muy nada
nadie necesari necesario ningún ninguna ninguno normal normalmente nunca ocurr olvid otra otras otro otros parec part
participar pens perdon poca poco pocos poder pront pronto propio próxim próxima próximo quedar qued querer quizás rápid
rar realmente recibe reciben recibimos recibir recomiend resulta respond saber sab salir seguir segur seguro según sient
siempre simplement simplemente sirv sola solas solamente solo sólo sub suel tampoco temprano termin toda todas todavía
todo todos tom totalmente trat última último únic unas unos uso utiliz vari varios verdad vez viv volver ya
"""
_ITALIAN = """
abbastanza accad adesso aiut alcun alcuna alcune alcuni allora almeno altr altra altre altri altro ancora andare anche
appena arriva arrivare aspett assolutamente attualmente avvien bast ben bene bisogn buon buona caso cert certo chiunque
ciascun comunque conosc consigli continu credere cred cui dappertutto davvero decid dentro desider dietro differen
difficile diver diversi diverso domani dopo dovunque effettivamente facile facilmente finalmente finora fuori funzion
già giust ieri importante important infatti infine inizialmente insieme intera intero invece lascia lasciare lasci
lontano magari mai male maggior manca mancare meglio meno mentre molt molta molte molti molto necessari necessario
nemmeno nessun nessuna nessuno niente normale normalmente nulla occorr oggi ogni ognuno ormai parecchi parl passa
passare pens perché poca poche pochi poco poi portare possibil potere preciso prefer presto prim prima propri proprio
prossim prossima prossimo può purtroppo quaggiù qualche qualcosa qualcuno qualsiasi qualunque quas quasi quindi raro
raramente resta restano restare ricev rimane rimanere riuscire riesc sapere sceglie scegliere sempr sempre semplice
semplicemente sembr sent serv sicuro solit solito sola soli solo soltanto sopra soprattutto sotto spesso spero subito
succed tant tanta tanti tanto tard tardi torn totalmente tra trattar tropp troppo tutta tutte tutti tutto ultim ultima
ultimo usc uscire utile vario vari veloc veloce velocemente vero vivere vogl volta volte
"""
_DUTCH = """
achter alles altijd ander andere anders begrijp begrijpen behalve behoorlijk beide bekijk bekijken belangrijk beter
bijna bijvoorbeeld binnen binnenkort blijf blijft blijven boven brengen breng brengt buiten daar daarna daarom
daarvoor deel denk denken denkt dichtbij draag dragen duidelijk eerder eerst eerste eigen eigenlijk einde eindelijk
enig enige enkel erg ergens erbij eventueel fijn gebeur gebeuren gebeurt gebruik gebruiken gehoord gemakkelijk genoeg
geregeld geven gevonden gewoonlijk gisteren haast helaas helemaal hetzelfde hier hoop hopen hoor hoort horen hoeft
hoeven iedereen ineens ingewikkeld inmiddels jammer juist kies kiezen kijk kijken klaar klopt kwijt laat laatste langs
later leggen leg lekker leuk lig liggen ligt liever los lukt maar makkelijk meest meestal meer mee meenemen meteen
minder minst missen mis mooi morgen nadat namelijk natuurlijk neer nergens niemand niets noodzakelijk normaal nooit
nou onmiddellijk ooit opnieuw overal paar plotseling precies raakt raken reken rekenen samen schrijf schrijven snel
soms staan stap steeds stel stellen stop straks stuur sturen tegelijk terecht terug tegen thuis totaal toch toen
uiteindelijk vaak vandaag vanavond vanuit veel verder vergeet vergeten verschil verschillend verschillende vertel
vertellen verwacht verwachten vlug volgen volgend volgende volgens vooraf vooral vooruit vorig vorige vreemd vroeg
vroeger waarschijnlijk wacht weer weg weinig wens wensen werkelijk wijze zeker zelf zelfs zet zetten zichtbaar zo
zodat zodra zomaar zulk
"""
_WORDS: Final = {
    language: frozenset(words.casefold().split())
    for language, words in {
        "en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH, "it": _ITALIAN, "nl": _DUTCH,
    }.items()
}  # fmt: skip
_ENDINGS: Final = {
    "en": ("", "s", "es", "d", "ed"),
    "de": ("", "e", "en", "est", "et", "n", "st", "t", "te", "ten"),
    "fr": ("", "e", "ent", "er", "es", "ez", "é", "ons", "s", "t", "u"),
    "es": ("", "a", "amos", "an", "ar", "as", "e", "emos", "en", "er", "es", "imos", "ir", "o"),
    "it": ("", "a", "ano", "are", "ate", "e", "ere", "ete", "i", "iamo", "ire", "ite", "o", "ono"),
    "nl": ("",),
}


def is_light(word: str, language: str) -> bool:
    """Whether a word of a question says little of what it is about."""
    words, folded = _WORDS.get(language, frozenset()), word.casefold()
    return any(folded.removesuffix(ending) in words for ending in _ENDINGS.get(language, ()))
