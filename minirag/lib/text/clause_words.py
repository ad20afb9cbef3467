"""Words that make a sentence a question, or say no, and those that join two questions: by language, lower case.

A language that is not in a table has no such words, and nothing is decided by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _read(rows: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {code: frozenset(words.split()) for code, words in rows.items()}


NEGATIONS: Final = _read({
    "en": """
        not no never none nobody nothing neither nor cannot without isn't aren't wasn't weren't don't doesn't didn't
        can't couldn't won't wouldn't mustn't shouldn't hasn't haven't hadn't needn't""",
    "de": "nicht nichts nie niemals niemand kein keine keinen keinem keiner keines keinerlei ohne weder",
    "fr": "ne pas jamais rien aucun aucune ni sans nul nulle",
    "es": "no ni nunca jamás nada nadie ningún ninguno ninguna ningunos ningunas tampoco sin",
    "it": "non né mai niente nulla nessuno nessun nessuna neanche nemmeno neppure senza",
    "nl": "niet niets nooit niemand geen noch nergens zonder",
    "pt": "não nem nunca jamais nada ninguém nenhum nenhuma nenhuns nenhumas tampouco sem",
    "bg": "не няма нито никога нищо никой никоя никакъв никаква никакви без",
    "hr": "ne nije nisu nema nemaju nisam nemam nemojte niti nikad nikada ništa nitko nijedan nijedna nikakav bez",
    "cs": """
        ne ani nikdy nic nikdo žádný žádná žádné bez není nejsou nelze nesmí nemá nemají nemůže nemůžete nebude
        nebudou nemusí nebyl nebyla""",
    "da": "ikke intet ingen ingenting aldrig hverken uden ej",
    "el": "δεν δε μη μην ούτε ποτέ τίποτα κανείς κανένας καμία κανένα χωρίς όχι",
    "et": "ei ega mitte mitmitte keegi iialgi kunagi pole",
    "fi": "ei en et emme ette eivät älä älkää eikä koskaan mitään kukaan ilman",
    "ga": "ní níl níor ná nach nár gan riamh",
    "hu": "nem ne nincs nincsenek sem sosem soha semmi senki semmilyen nélkül",
    "lv": "ne nav nevar nedrīkst nekad nekas neviens nekāds bez nebūs nebija",
    "lt": "ne nėra nei niekada niekas joks jokia jokie be negalima negali neturi nebus nebuvo",
    "mt": "mhux mhumiex mhijiex mhuwiex ma mhemmx qatt xejn ħadd ebda mingħajr",
    "pl": "nie ani nigdy nic nikt żaden żadna żadne bez brak",
    "ro": "nu n-are n-am n-au n-ai n-a nici niciodată nimic nimeni niciun nicio fără",
    "sk": "nie ani nikdy nič nikto žiadny žiadna žiadne bez nemôže nemožno nemá nemajú nesmie nebude nemusí",
    "sl": "ne ni niso nima nimajo niti nikoli nič nihče noben nobena brez",
    "sv": "inte icke ej ingen inget inga ingenting aldrig varken utan",
    "tr": "değil değildir yok yoktur hiç hiçbir asla olmaz olamaz",
    "ar": "لا لم لن ليس ليست ليسوا غير بدون بلا أبدا ولا ولم ولن",
    "uk": "не ні немає ніколи нічого ніхто жоден жодна жодне без",
    "ru": "не нет ни никогда ничего никто никакой никакая нельзя без",
    "hi": "नहीं न ना कभी बिना",
    "no": "ikke intet ingen ingenting aldri hverken verken uten",
})  # fmt: skip
"""What turns a statement into its opposite."""

QUESTION_WORDS: Final = _read({
    "en": "what which who whom whose when where why how is are do does did can could will would should may must",
    "de": """
        was welche welcher welches welchen welchem wer wen wem wessen wann wo wohin woher warum wieso weshalb wie
        womit wofür wozu woran worauf wovon ist kann können kannst darf dürfen muss gibt""",
    "fr": """
        que quel quelle quels quelles qui quand où pourquoi comment combien est-ce qu'est-ce puis-je peut-on faut-il
        dois-je est-il est-elle sont-ils a-t-il""",
    "es": "qué cuál cuáles quién quiénes cuándo dónde adónde cómo cuánto cuánta cuántos cuántas puedo puede hay",
    "it": """
        cosa cos'è quale quali chi quando dove dov'è perché com'è come quanto quanta quanti quante posso può c'è""",
    "nl": "wat welke welk wie wanneer waar waarom hoe hoeveel hoelang waarvoor waarmee is kan kunnen mag moet",
    "pt": "que qual quais quem quando onde aonde como quanto quanta quantos quantas posso pode há",
    "bg": "какво какъв каква какви кой коя кое кои кога къде защо как колко мога може",
    "hr": "što šta koji koja koje kakav tko kome kada kad gdje kamo zašto kako koliko mogu može",
    "cs": "co jaký jaká jaké jací který která které kdo komu kdy kde kam odkud proč jak kolik mohu můžu může lze",
    "da": "hvad hvilken hvilket hvilke hvem hvornår hvor hvorfor hvordan hvorhen er kan må skal",
    "el": "τι ποιος ποια ποιο ποιοι ποιες ποιον πότε πού γιατί πώς πόσο πόση πόσα πόσες μπορώ μπορεί υπάρχει",
    "et": "mis mida milline millised millal kus kuhu kust miks kuidas kui kes kelle kas",
    "fi": """
        mikä mitä mitkä millainen milloin koska missä mihin mistä miksi miten kuinka paljonko kuka kenen voinko
        voiko onko pitääkö""",
    "ga": "cad céard cé cathain cá cén conas cibé an bhfuil",
    "hu": "mi mit milyen melyik mikor hol hova honnan miért hogyan mennyi mennyibe hány ki kit kié lehet",
    "lv": "kas ko kāds kāda kādi kurš kura kad kur kāpēc kā cik vai",
    "lt": "kas ką koks kokia kokie kuris kuri kada kur kodėl kaip kiek ar",
    "mt": "x xi liema meta fejn għaliex kif kemm min nista jista",
    "pl": """
        co czego jaki jaka jakie który która które kto kogo kiedy gdzie dokąd skąd dlaczego czemu jak ile czy można
        mogę""",
    "ro": "ce care cine cui când unde încotro cum cât câtă câți câte pot poate există",
    "sk": "čo aký aká aké ktorý ktorá ktoré kto komu kedy kde kam odkiaľ prečo ako koľko môžem môže",
    "sl": "kaj kateri katera katero kakšen kakšna kdo komu kdaj kje kam zakaj kako koliko ali lahko",
    "sv": "vad vilken vilket vilka vem vems när var vart varför hur är kan får måste ska finns",
    "no": "hva hvilken hvilket hvilke hvem når hvor hvorfor hvordan er kan må skal",
    "tr": "ne nedir neler hangi kim kimin nerede nereye nereden neden niçin nasıl kaç",
    "uk": "що який яка яке які хто кому коли де куди звідки чому як скільки чи можна",
    "ru": "что какой какая какое какие кто кому когда где куда откуда почему зачем как сколько можно",
    "hi": "क्या कौन कौनसा कब कहाँ कहां क्यों कैसे कितना कितने कितनी किस",
})  # fmt: skip
"""What begins a question: interrogatives, and helping verbs where they stand before what they ask of."""

JOINERS: Final = _read({
    "en": "and",
    "de": "und sowie",
    "fr": "et",
    "es": "y e",
    "it": "e ed",
    "nl": "en",
    "pt": "e",
    "bg": "и а",
    "hr": "i a",
    "cs": "a",
    "da": "og",
    "el": "και κι",
    "et": "ja",
    "fi": "ja sekä",
    "ga": "agus",
    "hu": "és",
    "lv": "un",
    "lt": "ir o",
    "mt": "u",
    "pl": "i oraz a",
    "ro": "și iar",
    "sk": "a",
    "sl": "in",
    "sv": "och samt",
    "no": "og",
    "tr": "ve",
    "uk": "і й та а",
    "ru": "и а",
    "hi": "और",
})  # fmt: skip
"""Words for "and"."""

ASKING_VERBS: Final = _read({
    "en": "is are was were do does did can could will would should may must has have",
    "de": """
        ist sind war kann können kannst könnt darf dürfen muss müssen soll gibt hat haben habt habe bekomme bekommt
        finde findet kostet kosten dauert gilt geht macht brauche braucht öffnet schließt erreiche kommt""",
    "nl": "is zijn was kan kunnen mag moet heeft hebben kost kosten duurt geldt gaat",
})  # fmt: skip
"""Verbs that only in a question stand right behind the word that asks: "how long *does* it take"."""

SUBJECTS: Final = _read({
    "en": """
        i you he she it we they one someone somebody people a an the this that these those there my your our their his
        her its""",
    "de": """
        ich du er sie es wir ihr man jemand der die das den dem des ein eine einen einem mein meine dein deine euer eure
        unser unsere dieser diese dieses sich""",
    "nl": "ik je jij u hij ze zij het we wij jullie men iemand de een mijn jouw uw onze deze dit die dat zich er",
})  # fmt: skip
"""What stands there in a clause that depends on another: "how long *it* takes".

Languages without a row do not tell the two apart by their order.
"""

DEGREES: Final = _read({
    "en": "long much many often far old big large tall high fast soon late early time",
    "de": "lange lang viel viele oft weit alt groß hoch schnell teuer früh spät",
    "nl": "lang veel vaak ver oud groot hoog snel laat",
})  # fmt: skip
"""What goes with the word that asks: "how *long*"."""

CONJUNCTIONS: Final = _read({"en": "when where"})
"""Question words that begin a clause as well: "when I come late"."""

RELATIVES: Final = _read({
    "en": "which who whom whose",
    "fr": "qui que où",
    "es": "que",
    "it": "cui",
    "pt": "que",
    "ro": "care",
    "pl": "który która które",
    "cs": "který která které",
    "sk": "ktorý ktorá ktoré",
    "hr": "koji koja koje",
    "lt": "kuris kuri",
    "lv": "kurš kura",
    "uk": "який яка яке які що",
    "ru": "что",
})  # fmt: skip
"""Those that behind a comma may go on about what was named before it: "the shop, which is closed"."""

COMMA_BEFORE_AND: Final = frozenset({"en"})
"""Languages that write a comma before the "and" of a list; elsewhere a clause ends there."""

NEGATING_BEGINNINGS: Final = {
    "cs": "ne",
    "sk": "ne",
    "lv": "ne",
    "lt": "ne",
    "sl": "ne",
    "hr": "ne",
    "fr": "n'",
}
"""What a verb begins with where it says no, in languages that write it as one word with the verb."""
