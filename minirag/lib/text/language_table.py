"""The table of languages: one row says all that the product knows of one.

A language that is not here is still indexed, by its script and without a stemmer, and answered in English. To add
one, write its row, and its stop words in `stopwords`; with a catalogue of `phrases` the product speaks it.
`tests/test_tables.py` fails for a row that is incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from minirag.lib.text.clause_words import NEGATING_BEGINNINGS, NEGATIONS
from minirag.lib.text.stopwords import STOP_WORDS


@dataclass(frozen=True)
class Language:
    """`code` is ISO 639-1. Lists of words are one text, lower case, divided by white space."""

    code: str
    name: str
    script: str = "latin"
    stemmer: str = ""
    """Snowball's name of its algorithm; without one, words are indexed as they are."""
    joins_words: bool = False
    """Whether it writes compounds as one word, so that a topic may be the end of one."""
    abbreviations: str = ""
    """Words, last dot dropped, behind which a capital does not begin a sentence."""
    abbreviated_endings: str = ""
    after_ordinals: str = ""
    """Words before which a number with a dot is an ordinal: "3. Oktober"."""
    before_ordinals: str = ""
    """Words behind which it is one: "zum 27. Geburtstag"."""
    back_words: str = ""
    """Pronouns that lead back to an earlier question."""
    openers: str = ""
    """Phrases, between commas, that begin a question which goes on from another: "and", "what about"."""
    is_spoken: bool = False
    """Whether the product speaks it: then it has a catalogue of `phrases`."""
    direction: str = "ltr"
    """Which way it is written, as HTML's `dir` says it."""
    comma: str = ", "
    """Stands between the items of a list."""

    @property
    def stop_words(self) -> frozenset[str]:
        return STOP_WORDS.get(self.code, frozenset())

    @property
    def negations(self) -> frozenset[str]:
        """Words that turn a statement into its opposite."""
        return NEGATIONS.get(self.code, frozenset())

    @property
    def negating_beginning(self) -> str:
        """What a verb begins with that says no, "" where it is a word of its own."""
        return NEGATING_BEGINNINGS.get(self.code, "")


_ENGLISH = Language(
    "en", "English", stemmer="english", is_spoken=True,
    abbreviations="""
        mr mrs ms dr prof st sr jr vs etc al inc ltd co corp dept est fig figs no nos vol pp ed eds gen col lt sgt capt
        mt ft approx ca cf resp jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e u.s u.k u.n a.m p.m""",
    back_words="it its that this these those them they their he him his she her hers",
    openers="and, but, or, so, then, also, what about, how about, what if",
)  # fmt: skip
_SPOKEN: Final = (
    _ENGLISH,
    Language(
        "de", "German", stemmer="german", joins_words=True, is_spoken=True,
        abbreviations="""
            z.b d.h u.a z d u bzw ggf usw evtl inkl zzgl nr abs art str tel hr fr hrn fa hrsg vgl bspw sog ca mwst mio
            mrd""",
        abbreviated_endings="str",
        after_ordinals="""
            januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert
            jahrhunderts jahrtausend auflage etage stock klasse kapitel platz tag woche quartal""",
        before_ordinals="am zum vom beim im zur dem den der des jedem jeden jeder ihrem ihren seinem",
        back_words="er sie es ihn ihm ihnen davon damit dafür dazu daran darüber darin dies dieses dieser diese dort",
        openers="und, aber, oder, also, dann, auch, was ist mit, wie ist es mit, wie sieht es mit, wie steht es mit",
    ),
    Language(
        "fr", "French", stemmer="french", is_spoken=True, abbreviations="mme mlle m p.ex ex av env chap",
        back_words="il elle ils elles lui ça cela ceci celui celle",
        openers="et, mais, ou, alors, donc, aussi, qu'en est-il",
    ),
    Language(
        "es", "Spanish", stemmer="spanish", is_spoken=True, abbreviations="sr sra srta ud uds pág núm ej sig",
        back_words="él ella ellos ellas lo eso esto esa ese aquello",
        openers="y, e, pero, o, entonces, también, qué hay de, qué tal",
    ),
    Language(
        "it", "Italian", stemmer="italian", is_spoken=True, abbreviations="sig dott ing avv",
        back_words="lui lei loro esso essa ciò questo quello",
        openers="e, ed, ma, o, allora, quindi, anche, e se",
    ),
    Language(
        "nl", "Dutch", stemmer="dutch", joins_words=True, is_spoken=True, abbreviations="bijv dhr mevr blz nl",
        back_words="hij hem haar dit dat deze daar ervan daarvan",
        openers="en, maar, of, dus, dan, ook, hoe zit het met",
    ),
    Language(
        "pt", "Portuguese", stemmer="portuguese", is_spoken=True, abbreviations="sr sra pág núm ex",
        back_words="ele ela eles elas isso isto aquilo",
        openers="e, mas, ou, então, também",
    ),
    Language(
        "bg", "Bulgarian", "cyrillic", is_spoken=True, abbreviations="т.н напр гр ул бул стр чл",
        back_words="той тя то те него нея тях това тези този тази му й им",
        openers="и, а, но, или, тогава, ами",
    ),
    Language(
        "hr", "Croatian", is_spoken=True, abbreviations="npr tj itd str čl tzv",
        back_words="on ona ono oni njega nju njih njemu njoj njima to tog toga tome taj ta ovo ovaj",
        openers="i, a, ali, ili, onda, što je s",
    ),
    Language(
        "cs", "Czech", stemmer="czech", is_spoken=True, abbreviations="např tj tzn apod atd č str čl odst ul mj tzv",
        back_words="on ona ono oni ho mu jí ji jim je toho tomu ten ta to tohle toto tento tato",
        openers="a, ale, nebo, pak, co takhle, jak je to s",
    ),
    Language(
        "da", "Danish", stemmer="danish", joins_words=True, is_spoken=True,
        abbreviations="f.eks bl.a ca dvs osv nr stk evt inkl ekskl tlf",
        back_words="den det dem han hun ham hende dette denne disse deres",
        openers="og, men, eller, så, også, hvad med",
    ),
    Language(
        "el", "Greek", "greek", "greek", is_spoken=True, abbreviations="π.χ κ.λπ κλπ δηλ αρ σελ τηλ",
        back_words="αυτός αυτή αυτό αυτοί αυτές αυτά αυτού αυτής αυτόν αυτήν εκείνος εκείνη εκείνο του της τους",
        openers="και, κι, αλλά, ή, τότε, τι γίνεται με",
    ),
    Language(
        "et", "Estonian", stemmer="estonian", is_spoken=True, abbreviations="nt jne jms nr tel mnt",
        back_words="see seda selle sellest sellega nad neid nende ta teda tema need",
        openers="ja, aga, kuid, või, siis",
    ),
    Language(
        "fi", "Finnish", stemmer="finnish", joins_words=True, is_spoken=True,
        abbreviations="esim ks ns jne nro puh klo",
        back_words="se sen sitä siitä siihen sillä ne niitä niiden hän hänen tämä tämän tätä nämä",
        openers="ja, mutta, tai, entä, entäpä, sitten, myös",
    ),
    Language(
        "ga", "Irish", stemmer="irish", is_spoken=True, abbreviations="m.sh lch uimh srl",
        back_words="sé sí siad é í iad sin seo",
        openers="agus, ach, nó",
    ),
    Language(
        "hu", "Hungarian", stemmer="hungarian", is_spoken=True, abbreviations="stb kb ill ún dr tel",
        back_words="ez az ezt azt ennek annak ezek azok ezeket azokat ő őt neki róla",
        openers="és, de, vagy, akkor, mi a helyzet",
    ),
    Language(
        "lv", "Latvian", is_spoken=True, abbreviations="piem t.i u.c utt lpp tel plkst",
        back_words="tas tā to tam tai tie tās šis šī viņš viņa viņi viņu",
        openers="un, bet, vai, tad, kā ar",
    ),
    Language(
        "lt", "Lithuanian", stemmer="lithuanian", is_spoken=True, abbreviations="pvz t.y t.t psl tel",
        back_words="tai tas ta jis ji jie jos jį ją jų jo šis ši šitas",
        openers="ir, o, bet, arba, tada",
    ),
    Language(
        "mt", "Maltese", is_spoken=True, abbreviations="eż eċċ nru tel",
        back_words="hu hi huma dan din dawn dak dik dawk",
        openers="u, imma, jew",
    ),
    Language(
        "pl", "Polish", stemmer="polish", is_spoken=True, abbreviations="np tzn itd itp tj ul nr tel godz pkt m.in",
        back_words="on ona ono oni one jego go jej ją ich im nim nią to tego tym ten ta",
        openers="a, i, ale, lub, albo, więc, co z",
    ),
    Language(
        "ro", "Romanian", stemmer="romanian", is_spoken=True, abbreviations="etc nr str bd tel pag alin dl dna",
        back_words="el ea ei ele lui acesta aceasta aceștia acestea asta ăsta acela aceea",
        openers="și, dar, sau, atunci, iar, ce zici de",
    ),
    Language(
        "sk", "Slovak", is_spoken=True, abbreviations="napr tj tzn atď č str čl ods ul tzv resp",
        back_words="on ona ono oni ho mu jej ju im to toho tomu ten tá toto tento táto",
        openers="a, ale, alebo, potom, ako je to s",
    ),
    Language(
        "sl", "Slovenian", is_spoken=True, abbreviations="npr tj itd ipd št čl ul tel",
        back_words="on ona ono oni njega njo njih njemu njej to tega temu ta te",
        openers="in, pa, potem, kaj pa, kako pa",
    ),
    Language(
        "sv", "Swedish", stemmer="swedish", joins_words=True, is_spoken=True,
        abbreviations="t.ex bl.a ca dvs osv nr tel inkl exkl s.k",
        back_words="den det dem de han hon honom henne denna detta dessa deras",
        openers="och, men, eller, så, då, också, hur är det med",
    ),
    Language(
        "tr", "Turkish", stemmer="turkish", is_spoken=True, abbreviations="vb vs örn bkz dr prof tel",
        back_words="o bu şu onu bunu şunu ona buna bunun onun onlar bunlar onları bunları",
        openers="ve, ama, peki, ya, o zaman",
    ),
    Language(
        "ar", "Arabic", "arabic", "arabic", is_spoken=True, direction="rtl", comma="، ", abbreviations="د أ م ص",
        back_words="هو هي هم هذا هذه ذلك تلك هؤلاء له لها لهم منه منها فيه فيها عنه عنها به بها",
        openers="و, ف, لكن, ولكن, أو, ثم, ماذا عن, وماذا, وكم, وهل, وكيف, وأين, ومتى, ولماذا",
    ),
    Language(
        "uk", "Ukrainian", "cyrillic", is_spoken=True,
        abbreviations="т.зв т.д т.п т д п вул ім див напр тис млн млрд стор",
        back_words="він вона воно вони його її їх йому їй їм це цей ця цього той та те",
        openers="і, й, а, та, але, або, тоді, що з",
    ),
    Language(
        "ru", "Russian", "cyrillic", "russian", is_spoken=True,
        abbreviations="т.е т.д т.п т.к т д п г гг стр рис ул им др см напр тыс млн млрд руб коп",
        back_words="он она оно они его её ее их ему ей им это этот эта этого тот та то",
        openers="и, а, но, или, тогда, что насчет, что насчёт",
    ),
    Language(
        "zh", "Chinese", "han", is_spoken=True, comma="、",
        back_words="它 它们 他 她 他们 她们 这 这个 这些 那 那个 那些",
        openers="那, 那么, 还有, 但, 如果, 那麼, 還有",
    ),
    Language(
        "ja", "Japanese", "kana", is_spoken=True, comma="、",
        back_words="それ これ あれ その この あの 彼 彼女 それら これら",
        openers="では, じゃあ, じゃ, それで, それなら, でも, そして, また",
    ),
    Language(
        "ko", "Korean", "hangul", is_spoken=True,
        back_words="그것 이것 저것 그것은 이것은 그건 이건 그게 이게 그거 이거 그 이",
        openers="그럼, 그러면, 그리고, 그런데, 하지만, 또는",
    ),
    Language(
        "hi", "Hindi", "devanagari", "hindi", is_spoken=True, abbreviations="डॉ श्री रु",
        back_words="यह वह ये वे इसका इसकी इसके उसका उसकी उसके इसे उसे इन्हें उन्हें इसमें उसमें",
        openers="और, लेकिन, या, तो, फिर",
    ),
)  # fmt: skip
_ROWS: Final = (
    *_SPOKEN,
    Language("bn", "Bengali", "bengali"),
    Language("ca", "Catalan", stemmer="catalan"),
    Language("eu", "Basque", stemmer="basque"),
    Language("fa", "Persian", "arabic", "persian", direction="rtl"),
    Language("gu", "Gujarati", "gujarati"),
    Language("he", "Hebrew", "hebrew", direction="rtl"),
    Language("hy", "Armenian", "armenian", "armenian"),
    Language("id", "Indonesian", stemmer="indonesian"),
    Language("ka", "Georgian", "georgian"),
    Language("km", "Khmer", "khmer"),
    Language("kn", "Kannada", "kannada"),
    Language("lo", "Lao", "lao"),
    Language("ml", "Malayalam", "malayalam"),
    Language("my", "Burmese", "burmese"),
    Language("ne", "Nepali", "devanagari", "nepali"),
    Language("no", "Norwegian", stemmer="norwegian", joins_words=True),
    Language("pa", "Punjabi", "gurmukhi"),
    Language("sr", "Serbian", "cyrillic", "serbian"),
    Language("ta", "Tamil", "tamil", "tamil"),
    Language("te", "Telugu", "telugu"),
    Language("th", "Thai", "thai"),
    Language("vi", "Vietnamese"),
)  # fmt: skip
LANGUAGES: Final[dict[str, Language]] = {row.code: row for row in _ROWS}


def back_words_in(language: str) -> frozenset[str]:
    """The pronouns that lead back, English ones where none are known."""
    row = LANGUAGES.get(language)
    return frozenset(((row and row.back_words) or _ENGLISH.back_words).split())


def openers_in(language: str) -> tuple[str, ...]:
    """The phrases that begin a question which goes on from another, English ones where none are known."""
    row = LANGUAGES.get(language)
    return tuple(((row and row.openers) or _ENGLISH.openers).split(", "))


def comma_in(language: str) -> str:
    """What separates the items of a list: the language's own where we speak it, else English's."""
    row = LANGUAGES.get(language)
    return row.comma if row and row.is_spoken else _ENGLISH.comma


def all_words(column: str) -> frozenset[str]:
    """The words that any row has in a column; a text is cut into sentences before its language is known."""
    return frozenset(word for row in _ROWS for word in getattr(row, column).split())
