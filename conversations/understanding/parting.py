"""A question with several parts ("What does it cost, and when do you open?") as questions of their own. Pure.

Each is searched for itself, since one search for all finds what is between them. Only what begins like a question is a
part: "tea and coffee" is one thing, and "when and where" asks two things of one. Behind a comma it has to be one by its
order as well, since "how do I know, when it comes" is one question. Nothing within quotation marks or brackets is cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from minirag.lib.asking.framing_words import FRAMING_WORDS
from minirag.lib.text.analysis import analyse
from minirag.lib.text.clause_words import (
    ASKING_VERBS,
    COMMA_BEFORE_AND,
    CONJUNCTIONS,
    DEGREES,
    JOINERS,
    QUESTION_WORDS,
    RELATIVES,
    SUBJECTS,
)
from minirag.lib.text.sentences import split_sentences

MOST_PARTS: Final = 4
_LONGEST: Final = 600  # characters; what is longer tells a story
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ASKS = ("?", "？", "؟", ";")
_CUTS = frozenset("?;")
_QUOTED = re.compile(
    r"""["“„”][^"“„”]*["“”]|«[^«»]*»|»[^«»]*«|\([^()]*\)|(?<!\w)['‘‚][^'‘‚’]*['‘’](?!\w)"""
)
_AT_ITS_BEGINNING: Final = 2  # words: "In which", "À quelle"


def split_parts(question: str, language: str) -> tuple[str, ...]:
    """The parts of a question, the last of the most with what follows it; none where it has only one."""
    if len(question) > _LONGEST:
        return ()
    parts: list[str] = []
    told = ""
    for sentence in split_sentences(question):
        if not sentence.endswith(_ASKS):
            told = f"{told} {sentence}".strip()  # what leads to a question belongs to it
            continue
        first, *others = _split_joined(sentence, language)
        parts += [f"{told} {first}".strip(), *others]
        told = ""
    if not parts:  # nobody has to write the mark
        parts = _split_joined(told, language)
    if len(parts) < 2 or not all(_has_content(part, language) for part in parts):
        return ()
    rest = " ".join(parts[MOST_PARTS - 1 :])
    return (*parts[: MOST_PARTS - 1], *([rest] if rest else []))


def _split_joined(sentence: str, language: str) -> list[str]:
    """A sentence cut before each joining word, and each sign, behind which another question begins."""
    words = list(_WORD.finditer(sentence))
    folded = [word[0].casefold().replace("’", "'") for word in words]
    asking = QUESTION_WORDS.get(language, frozenset())
    if asking.isdisjoint(folded[:_AT_ITS_BEGINNING]):
        return [sentence]
    joining = JOINERS.get(language, frozenset())
    quoted = [match.span() for match in _QUOTED.finditer(sentence)]
    begins = [
        place for place, word in enumerate(words)
        if place and folded[place] in asking and not _is_name(word[0], sentence, language)
        and not any(start < word.start() < end for start, end in quoted)
    ]  # fmt: skip
    joined = [place for place in begins if folded[place - 1] in joining]
    last_joined = max(
        (at for at in joined if _ends_list(sentence, words[:at], language)), default=0
    )
    parts, first = [], 0
    for place in begins:
        is_joined = folded[place - 1] in joining and place - 1 > first
        end = words[place - 1].start() if is_joined else words[place].start()
        signs = set(sentence[words[place - 1].end() : end])
        if not is_joined and signs.isdisjoint(_CUTS) and (
            "," not in signs
            or not _is_other_question(folded[first:place], folded[place:], language, is_listed=place < last_joined)
        ):  # fmt: skip
            continue
        left = sentence[words[first].start() : end].rstrip(" ,;?–-")
        if _has_content(left, language) and _has_content(sentence[words[place].end() :], language):
            parts.append(f"{left}?")
            first = place
    return [*parts, sentence[words[first].start() if parts else 0 :]]


def _is_name(word: str, sentence: str, language: str) -> bool:
    """A verb that is written large within a sentence is a month or somebody: "in April and May", "and Will Smith"."""
    is_verb = word.casefold() in ASKING_VERBS.get(language, frozenset())
    return is_verb and word.istitle() and sentence != sentence.title()


def _ends_list(sentence: str, words: Sequence[re.Match[str]], language: str) -> bool:
    """Whether the last of these words, an "and", may end a list. In most languages a comma before it ends a clause."""
    if language in COMMA_BEFORE_AND or len(words) < 2:
        return True
    return "," not in sentence[words[-2].end() : words[-1].start()]


def _is_other_question(
    before: Sequence[str], words: Sequence[str], language: str, *, is_listed: bool
) -> bool:
    """Whether what stands behind a comma asks for something else than what stands `before` it; `is_listed` where
    a question after "and" follows still.
    """
    if before[0] not in QUESTION_WORDS[language]:
        return False  # "In May, where …"
    is_relative = words[0] in RELATIVES.get(language, frozenset())
    if language not in SUBJECTS:
        return is_listed and not is_relative
    if _only_asks_to_tell(before, language) or (is_relative and _asks(words, language)):
        return False
    if is_listed:
        return not (_is_clause(before, language) or _is_clause(words, language))
    asks = _asks(before, language) and _asks(words, language)
    return asks and not is_relative and words[0] not in ASKING_VERBS[language]


def _only_asks_to_tell(words: Sequence[str], language: str) -> bool:
    """ "Can you tell me, …": what follows is what is asked."""
    framing = FRAMING_WORDS.get(language, frozenset())
    is_one = words[0] in ASKING_VERBS[language] and QUESTION_WORDS[language].isdisjoint(words[1:])
    return is_one and not any(analyse(word, language) for word in words if word not in framing)


def _is_clause(words: Sequence[str], language: str) -> bool:
    """Whether its order is that of a clause that depends on another: "how long it takes", "when violence is used"."""
    if _asks(words, language):
        return False
    is_turned = words[0] in CONJUNCTIONS.get(language, frozenset())
    return is_turned or not SUBJECTS[language].isdisjoint(_behind_asking(words, language))


def _asks(words: Sequence[str], language: str) -> bool:
    """Whether its order is a question's: "how long does it take", "is it open"."""
    verbs = ASKING_VERBS[language]
    return words[0] in verbs or not verbs.isdisjoint(_behind_asking(words, language))


def _behind_asking(words: Sequence[str], language: str) -> Sequence[str]:
    """The word behind those that ask, if there is one."""
    skipped = 2 if len(words) > 1 and words[1] in DEGREES[language] else 1
    return words[skipped : skipped + 1]


def _has_content(text: str, language: str) -> bool:
    """Whether it names something beside the words that ask."""
    asking = QUESTION_WORDS.get(language, frozenset())
    return any(
        word[0].casefold().replace("’", "'") not in asking and analyse(word[0], language)
        for word in _WORD.finditer(text)
    ) or (not asking and bool(analyse(text, language)))
