"""Questions for who does something: somebody has to be said to do it, in one sentence. Pure.

"Who cleans the bikes?" is not answered by "Every bike is cleaned after each hire", nor "Who pays for the return?" by a
sentence below "Returns" that says how somebody paid.

To add a language, write its rows; a question in one without them asks for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from minirag.ai.builtin.lacking.said import Said
from minirag.ai.builtin.sentences.question_words import THERE, Word
from minirag.lib.asking.answer_types import LONGEST_LOOK, AnswerType, find_names, holds_answer
from minirag.lib.asking.exact_asks import asks_for_name, find_called
from minirag.lib.asking.patterns import whole_words
from minirag.lib.text.language_table import LANGUAGES

_MODALS: Final = {
    "en": r"will|would|can|could|may|might|must|should|(?:is|are) (?:allowed|able|going) to|ha[sd] to|normally|usually"
    r"|actually|then|else|here",
    "de": r"darf|dürfen|kann|können|muss|müssen|soll|sollte|wird|würde|hat|haben|denn|eigentlich|bei euch|bei ihnen",
}
_ASKS: Final = {
    "en": rf"^\W*(?:(?:and|but|so) )?who (?:(?:{_MODALS['en']}) )*(?P<does>[\w-]+)",
    "de": rf"^\W*(?:(?:und|aber) )?wer (?P<modal>(?:(?:{_MODALS['de']}) )*)(?P<does>[\w-]+)",
}
# Behind these somebody is asked for by what they are, or whom something is done to.
_NO_DOING: Final = {
    "en": r"is|are|was|were|am|be|been|do|does|did|has|have|had|s|to|i|we|you|among|of|in|on|at|for|from",
    "de": r"ist|sind|war|waren|von|aus|unter|alles",
}
_PAYS: Final = {
    "en": r"pay|pays|paid|covers?|bears?",
    "de": r"zahl(?:e|en|t|te)|bezahl(?:e|en|t|te)|übernimmt|übernehmen|trägt|tragen",
}
_PAID: Final = {
    "en": r"pay\w*|paid|costs?|charg\w+|free|fees?|expenses?|bears?|borne|cover(?:s|ed)?|refund\w*|reimburs\w+|included"
    r"|invoices?d?|bill(?:s|ed)?|(?:is|are) on (?:us|you|the house)",
    "de": r"\w*zahl\w*|\w*kosten\w*|kostet|frei|trägt|tragen|übern\w+|gebühr\w*|erstatt\w+|\w*rechn\w+|lasten",
}
# "free of duty" says nothing of what else costs.
_FREE: Final = r"free(?! of (?!charge))|included|no charge"
_BODIES: Final = (
    r"company|council|authority|city|town|parish|association|society|university|government|state"
)
_FAMILY: Final = r"(?:the|our|his|her|their) (?:[\w-]+ )?family"  # "a family business" is nobody's
_SOMEBODY: Final = (
    rf"{_BODIES}|we|us|our|ours|you|your|yourself|they|them|he|she|his|anyone|anybody|everyone|everybody|nobody|someone|somebody"
    r"|people|persons?|staff|team|police|parents?|children|adults|members?|guests?|clients?"
    r"|customers?|owners?|admins?|tenants?|residents?|colleagues?|experts?|doctors?|volunteers?|students?|men|women|man"
    r"|woman|\w+m[ae]n|{_FAMILY}"
    r"|(?:the|our|your|an?|by|each|every|only|all|any|most) (?:[\w-]+ )?\w{2,}(?:er|or|ist|ian|ant|ee)s?"
)
_TITLED: Final = re.compile(r"(?:Mr|Mrs|Ms|Dr|Prof|Frau|Herr|Familie)\b\.? [^\W\d_a-z]\w+")
_INNER: Final = re.compile(r"(?<![.!?:]\s)(?<=\s)[^\W\d_a-z][\w'’-]+")
_BESIDE: Final = re.compile(r"(?=\b([^\W\d_a-z][\w-]+),? ([^\W\d_a-z][\w-]+))\w")
_PLACE: Final = re.compile(
    r".*(?:Street|Road|Lane|Yard|Square|Avenue|Park|Hall|House|Bridge|Station|School|Centre|Center|Hospital|Church"
    r"|Day|Plus|Pro|One)"
)
_OWNS: Final = r"own(?:s|ed)?"
# "Our own ale" is nobody's.
_OWNED: Final = (
    r"(?<!my )(?<!our )(?<!your )(?<!his )(?<!her )(?<!its )(?<!their )(?<!'s )(?<!’s )own"
    rf"|owns|owned|owners?|belong\w*|proprietor\w*|{_FAMILY}|bought"
)
# Whoever is asked: a site seldom calls itself that.
_HOST: Final = {
    "en": r"company|business|firm|organi[sz]ation",
    "de": r"firma|unternehmen|betrieb|organisation",
}
_HALF: Final = 0.5
"""How much of what is asked about a sentence has to have."""


@dataclass(frozen=True)
class _Doing:
    """The verb of a question for who does something, where it begins and whether it asks who pays."""

    verb: str
    start: int
    pays: bool


def says_who(
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    quoted: Sequence[Said],
    language: str,
) -> bool | None:
    """Whether a sentence says of anybody that they do what is asked for, or what somebody is called; None of every
    other question. What is `meant` is said somewhere in other words.
    """
    if asks_for_name(question, language):
        return any(_names(each, question, words, meant, language) for each in quoted)
    doing = _find_doing(question[:LONGEST_LOOK], language)
    if doing is None:
        return None
    if language == "en" and _lacks_object(doing, words, meant, quoted):
        return False
    return any(_says_who(doing, each, question, words, meant, language) for each in quoted)


def lacks_called(
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    quoted: Sequence[Said],
    language: str,
) -> bool:
    """Whether it is asked what something is called, and no sentence that speaks of it has another name."""
    place = find_called(question, language)
    if place is None:
        return False
    rest = [word for word in words if place[0] <= word.place[0] < place[1] and not word.is_framing]
    known = question.casefold()
    return not any(
        all(said.has(word) or word in meant for word in rest)
        and any(name.casefold() not in known for name in _INNER.findall(said.text))
        for said in quoted
    )


def _find_doing(question: str, language: str) -> _Doing | None:
    asked = whole_words(_ASKS[language]).search(question) if language in _ASKS else None
    if asked is None or whole_words(_NO_DOING[language]).fullmatch(asked["does"]):
        return None
    verb, start = asked["does"], asked.start("does")
    if language == "de" and asked["modal"].split():
        last = list(re.finditer(r"[\w-]+", question.partition(",")[0]))[-1]
        verb, start = last[0], last.start()
    return _Doing(verb, start, bool(whole_words(_PAYS[language]).fullmatch(verb)))


def _lacks_object(
    doing: _Doing, words: Sequence[Word], meant: Sequence[Word], quoted: Sequence[Said]
) -> bool:
    """Whether a word of what is done is nowhere, without which something else is done: "boxing for advanced people"."""
    return any(
        word.weight >= _HALF
        and not (word.is_framing or word.is_light or word in meant)
        and word.place[0] != doing.start
        and not whole_words(_HOST["en"]).fullmatch(word.text)
        and not any(each.has(word) for each in quoted)
        for word in words
    )


def _says_who(
    doing: _Doing,
    said: Said,
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    language: str,
) -> bool:
    is_free = doing.pays and whole_words(_FREE).search(said.text)  # nobody pays
    if language == "en" and not is_free and not _names_somebody(said.text, question):
        return False
    if whole_words(_OWNS).fullmatch(doing.verb) and not whole_words(_OWNED).search(said.text):
        return False
    rest = [
        word
        for word in words
        if not word.is_framing
        and word.place[0] != doing.start
        and not whole_words(_HOST[language]).fullmatch(word.text)
    ]
    verb = [word for word in words if word.place[0] == doing.start and not word.is_framing]

    def has(word: Word) -> bool:
        if doing.pays:  # what somebody pays for stands beside it
            return said.own[word] >= THERE
        return said.has(word) or word in meant

    whole = sum(word.weight for word in rest)
    share = sum(word.weight for word in rest if has(word))
    if share < _HALF * whole:
        return False
    if doing.pays:
        return bool(whole_words(_PAID[language]).search(said.text))
    return not verb or has(verb[0]) or bool(_new_names(said.text, question, language))


def _names(
    said: Said,
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    language: str,
) -> bool:
    """Whether a sentence has a name that the question has not, and something of what it asks for; where it has all of
    that, anybody will do: "Our trainers are Anna and Ben", "The operator is the council".
    """
    rest = [word for word in words if not word.is_framing]
    has = [said.has(word) or word in meant for word in rest]
    if rest and all(has) and _names_one(said.text, question, language):
        return True
    return (not rest or any(has)) and bool(_new_names(said.text, question, language))


def _new_names(text: str, question: str, language: str) -> list[str]:
    known = question.casefold()
    # "Eine Vollnarkose", "Lüften Sie"
    idle = LANGUAGES[language].stop_words if language == "de" else frozenset()
    names = [name for name in find_names(text) if idle.isdisjoint(name.casefold().split())]
    names = [name for name in (*names, *_TITLED.findall(text)) if not _PLACE.fullmatch(name)]
    return [name for name in names if not any(part.casefold() in known for part in name.split())]


def _names_somebody(text: str, question: str) -> bool:
    return bool(whole_words(_SOMEBODY).search(text)) or _names_one(text, question, "en")


def _names_one(text: str, question: str, language: str) -> bool:
    if holds_answer(AnswerType.PERSON, text, language, question):
        return True
    known = question.casefold()
    if language == "de":  # whose nouns have capitals: "Unser Koch Luca"
        beside = _BESIDE.findall(text)
        return any(
            (one.casefold() in known) != (other.casefold() in known) for one, other in beside
        )
    return (language == "en" and bool(whole_words(_BODIES).search(text))) or any(
        name.casefold() not in known for name in _INNER.findall(text)
    )
