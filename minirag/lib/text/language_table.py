"""The table of languages: one row says all that the product knows of one.

A language that is not here is still indexed, by its script and without a stemmer, and answered in English. To add
one, write its row, and its stop words in `stopwords`; with `phrases` the product speaks it. `tests/test_tables.py`
fails for a row that is incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from minirag.lib.text.stopwords import STOP_WORDS


@dataclass(frozen=True)
class Phrases:
    """What we say ourselves. Where a model speaks, it chooses its own words."""

    no_answer: str
    forbidden_topic: str
    off_topic: str
    unsafe_question: str
    filtered: str
    """Where a provider's content filter refused the question."""
    topics: str
    """Names what a bot can help with; `{}` takes the list."""


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
    back_words: str = ""
    """Pronouns that lead back to an earlier question."""
    phrases: Phrases | None = None

    @property
    def stop_words(self) -> frozenset[str]:
        return STOP_WORDS.get(self.code, frozenset())


_ENGLISH = Language(
    "en", "English", stemmer="english",
    abbreviations="""
        mr mrs ms dr prof st sr jr vs etc al inc ltd co corp dept est fig figs no nos vol pp ed eds gen col lt sgt capt
        mt ft approx ca cf resp jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e u.s u.k u.n a.m p.m""",
    back_words="it its that this these those they them their he him his she her hers",
    phrases=Phrases(
        no_answer="I could not find an answer to that in my sources.",
        forbidden_topic="I do not speak about that.",
        off_topic="That is not what I am here for.",
        unsafe_question="I cannot do that.",
        filtered="I cannot answer that question.",
        topics="I can help with: {}.",
    ),
)  # fmt: skip
_GERMAN = Language(
    "de", "German", stemmer="german", joins_words=True,
    abbreviations="""
        z.b d.h u.a z d u bzw ggf usw evtl inkl zzgl nr abs art str tel hr fr hrn fa hrsg vgl bspw sog ca mwst mio
        mrd""",
    abbreviated_endings="str",
    after_ordinals="""
        januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert
        jahrhunderts jahrtausend auflage etage stock klasse kapitel platz tag woche quartal""",
    back_words="er sie es ihn ihm ihnen davon damit dafür dazu daran darüber darin dies dieses dieser diese dort",
    phrases=Phrases(
        no_answer="Dazu habe ich in meinen Quellen keine Antwort gefunden.",
        forbidden_topic="Darüber spreche ich nicht.",
        off_topic="Dafür bin ich nicht da.",
        unsafe_question="Das kann ich nicht tun.",
        filtered="Diese Frage kann ich nicht beantworten.",
        topics="Ich helfe gern bei: {}.",
    ),
)  # fmt: skip
_FRENCH = Language(
    "fr", "French", stemmer="french", abbreviations="mme mlle m p.ex ex av env chap",
    back_words="il elle ils elles lui ça cela ceci celui celle",
    phrases=Phrases(
        no_answer="Je n'ai pas trouvé de réponse à cette question dans mes sources.",
        forbidden_topic="Je ne parle pas de ce sujet.",
        off_topic="Je ne suis pas là pour cela.",
        unsafe_question="Je ne peux pas faire cela.",
        filtered="Je ne peux pas répondre à cette question.",
        topics="Je peux vous aider sur : {}.",
    ),
)  # fmt: skip
_SPANISH = Language(
    "es", "Spanish", stemmer="spanish", abbreviations="sr sra srta ud uds pág núm ej sig",
    back_words="él ella ellos ellas lo eso esto esa ese aquello",
    phrases=Phrases(
        no_answer="No he encontrado una respuesta a eso en mis fuentes.",
        forbidden_topic="No hablo de ese tema.",
        off_topic="No estoy aquí para eso.",
        unsafe_question="No puedo hacer eso.",
        filtered="No puedo responder a esa pregunta.",
        topics="Puedo ayudarle con: {}.",
    ),
)  # fmt: skip
_ITALIAN = Language(
    "it", "Italian", stemmer="italian", abbreviations="sig dott ing avv",
    back_words="lui lei loro esso essa ciò questo quello",
    phrases=Phrases(
        no_answer="Non ho trovato una risposta a questa domanda nelle mie fonti.",
        forbidden_topic="Non parlo di questo argomento.",
        off_topic="Non sono qui per questo.",
        unsafe_question="Non posso farlo.",
        filtered="Non posso rispondere a questa domanda.",
        topics="Posso aiutarla con: {}.",
    ),
)  # fmt: skip
_DUTCH = Language(
    "nl", "Dutch", stemmer="dutch", joins_words=True, abbreviations="bijv dhr mevr blz nl",
    back_words="hij hem haar dit dat deze daar ervan daarvan",
    phrases=Phrases(
        no_answer="Daar heb ik in mijn bronnen geen antwoord op gevonden.",
        forbidden_topic="Daar spreek ik niet over.",
        off_topic="Daar ben ik niet voor.",
        unsafe_question="Dat kan ik niet doen.",
        filtered="Die vraag kan ik niet beantwoorden.",
        topics="Ik kan helpen met: {}.",
    ),
)  # fmt: skip
_PORTUGUESE = Language(
    "pt", "Portuguese", stemmer="portuguese", abbreviations="sr sra pág núm ex",
    back_words="ele ela eles elas isso isto aquilo",
    phrases=Phrases(
        no_answer="Não encontrei uma resposta para isso nas minhas fontes.",
        forbidden_topic="Não falo sobre esse assunto.",
        off_topic="Não estou aqui para isso.",
        unsafe_question="Não posso fazer isso.",
        filtered="Não posso responder a essa pergunta.",
        topics="Posso ajudar com: {}.",
    ),
)  # fmt: skip

_ROWS: Final = (
    _ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _DUTCH, _PORTUGUESE,
    Language("ar", "Arabic", "arabic", "arabic"),
    Language("bg", "Bulgarian", "cyrillic"),
    Language("bn", "Bengali", "bengali"),
    Language("ca", "Catalan", stemmer="catalan"),
    Language("cs", "Czech", stemmer="czech"),
    Language("da", "Danish", stemmer="danish", joins_words=True),
    Language("el", "Greek", "greek", "greek"),
    Language("et", "Estonian", stemmer="estonian"),
    Language("eu", "Basque", stemmer="basque"),
    Language("fa", "Persian", "arabic", "persian"),
    Language("fi", "Finnish", stemmer="finnish", joins_words=True),
    Language("ga", "Irish", stemmer="irish"),
    Language("gu", "Gujarati", "gujarati"),
    Language("he", "Hebrew", "hebrew"),
    Language("hi", "Hindi", "devanagari", "hindi"),
    Language("hu", "Hungarian", stemmer="hungarian"),
    Language("hy", "Armenian", "armenian", "armenian"),
    Language("id", "Indonesian", stemmer="indonesian"),
    Language("ja", "Japanese", "kana"),
    Language("ka", "Georgian", "georgian"),
    Language("km", "Khmer", "khmer"),
    Language("kn", "Kannada", "kannada"),
    Language("ko", "Korean", "hangul"),
    Language("lo", "Lao", "lao"),
    Language("lt", "Lithuanian", stemmer="lithuanian"),
    Language("ml", "Malayalam", "malayalam"),
    Language("my", "Burmese", "burmese"),
    Language("ne", "Nepali", "devanagari", "nepali"),
    Language("no", "Norwegian", stemmer="norwegian", joins_words=True),
    Language("pa", "Punjabi", "gurmukhi"),
    Language("pl", "Polish", stemmer="polish"),
    Language("ro", "Romanian", stemmer="romanian"),
    Language(
        "ru", "Russian", "cyrillic", "russian",
        abbreviations="т.е т.д т.п т.к т д п г гг стр рис ул им др см напр тыс млн млрд руб коп",
    ),
    Language("sr", "Serbian", "cyrillic", "serbian"),
    Language("sv", "Swedish", stemmer="swedish", joins_words=True),
    Language("ta", "Tamil", "tamil", "tamil"),
    Language("te", "Telugu", "telugu"),
    Language("th", "Thai", "thai"),
    Language("tr", "Turkish", stemmer="turkish"),
    Language("uk", "Ukrainian", "cyrillic"),
    Language("vi", "Vietnamese"),
    Language("zh", "Chinese", "han"),
)  # fmt: skip
LANGUAGES: Final[dict[str, Language]] = {row.code: row for row in _ROWS}
SPOKEN: Final[dict[str, Phrases]] = {row.code: row.phrases for row in _ROWS if row.phrases}
"""What the product speaks itself, by code."""


def phrases_in(language: str) -> Phrases:
    """What we say in a language, English where we do not speak it."""
    return SPOKEN.get(language, SPOKEN["en"])


def back_words_in(language: str) -> frozenset[str]:
    """The pronouns that lead back, English ones where none are known."""
    row = LANGUAGES.get(language)
    return frozenset(((row and row.back_words) or _ENGLISH.back_words).split())


def all_words(column: str) -> frozenset[str]:
    """The words that any row has in a column; a text is cut into sentences before its language is known."""
    return frozenset(word for row in _ROWS for word in getattr(row, column).split())
