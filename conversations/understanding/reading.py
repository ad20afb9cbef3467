"""The first step of a turn: what was asked, in its conversation. Nothing is searched yet, and no model asked.

A follow-up ("and what does it cost?") is searched by its own words, which count in full, and by those of the questions
before it, which count a part: measured on the tuning half of `dialogues` (docs/retrieval.md), that finds more than
joining the two, and a question that changes the subject loses nothing by it. What is embedded is the question alone,
unless it leans on the one before: a pronoun that leads back, a beginning like "and" or "what about", or hardly a word
with meaning of its own.

A turn has one language. Where a few words do not tell it, the chat's earlier ones do, then the page's and the
browser's, then the sources'.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from conversations.models import MessageRole
from conversations.turns.state import BY_CHOICE, History, OpenTurn, TurnKind, Understood
from conversations.understanding.choosing import find_asked_back, join_choice, read_choice
from conversations.understanding.parting import split_parts
from knowledge.retrieval.queries import Carried, Query
from knowledge.retrieval.tongues import knows_any_word
from minirag.lib.asking.framing_words import FRAMING_WORDS
from minirag.lib.asking.separable import join_verbs
from minirag.lib.text.analysis import analyse
from minirag.lib.text.language_table import LANGUAGES, back_words_in, openers_in
from minirag.lib.text.short_texts import decide_language
from minirag.lib.text.small_talk import Kind, read_small_talk
from tenants.context import run_sync

LEANING_WEIGHTS: Final = (0.3, 0.15)
"""What a word of the question before counts, and of the one before that, where the question leans on them."""
STANDING_WEIGHTS: Final = (0.2, 0.1)
"""The same where it can be understood alone."""
_FEWEST_WORDS: Final = 1  # with meaning, that a question needs to stand alone
_LOOK_BACK: Final = 8  # messages of the visitor: thanks and the like lie between
_LONGEST_READ: Final = 2000
_LONGEST_CARRIED: Final = 400
_DENSE_SCRIPTS: Final = frozenset(("han", "kana", "hangul"))
_TERMS_OF_A_DENSE_WORD: Final = 4  # two characters, and pairs with their neighbours
_INTERNATIONAL: Final = "en"  # whose greetings others borrow
_WORD = re.compile(r"\w+")


async def understand(turn: OpenTurn) -> Understood:
    """Return what a turn is about: see `Understood`. Looks into the index only for what may be noise."""
    started = time.perf_counter()
    understood = read_turn(
        turn.question.content, turn.history, (*turn.languages, *turn.source_languages)
    )
    if understood.small_talk is Kind.NOISE and any(c.isalnum() for c in turn.question.content):
        # A part's name looks like noise as well; the index knows better.
        languages = turn.source_languages
        if await run_sync(knows_any_word, turn.question.content[:_LONGEST_CARRIED], languages):
            understood = replace(understood, kind=TurnKind.QUESTION, small_talk=None)
    return replace(understood, milliseconds=(time.perf_counter() - started) * 1000)


def read_turn(question: str, history: History, hints: Sequence[str] = ()) -> Understood:
    """Understand a question after `history`; `hints` are languages to expect, the likeliest first. Pure."""
    asked = [content for role, content in history if role == MessageRole.USER]
    hints = _expect_languages(asked, hints)
    if understood := _read_reply(question, history, hints):
        return understood
    talk = read_small_talk(question, hints)
    if talk.kind is not None:
        language = _choose_spoken(question, talk.languages, hints) or decide_language(
            question, hints
        )
        kind = TurnKind.ASKS_FOR_PERSON if talk.kind is Kind.PERSON else TurnKind.SMALL_TALK
        return Understood(kind, language, Query(question, language), talk.kind)
    text = talk.rest or question
    language = decide_language(text, hints)
    before = _find_questions(asked, hints)
    query = make_query(join_verbs(text, language), language, before)
    kind = TurnKind.FOLLOW_UP if query.is_leaning else TurnKind.QUESTION
    return Understood(kind, language, query)


def make_query(text: str, language: str, before: Sequence[str] = ()) -> Query:
    """What to search for; `before` are the questions that were asked before, the latest first.

    Of a question with several parts each is a question that goes on from the first.
    """
    first, *others = split_parts(text, language) or (text,)
    query = _carry_over(text, language, before)
    if not others:
        return query
    parts = [_carry_over(each, language, [first, *before]) for each in others]
    return replace(query, parts=(_carry_over(first, language, before), *parts))


def _carry_over(text: str, language: str, before: Sequence[str]) -> Query:
    if not before:
        return Query(text, language)
    is_leaning = leans(text, language)
    weights = LEANING_WEIGHTS if is_leaning else STANDING_WEIGHTS
    carried = tuple(Carried(said, weight) for said, weight in zip(before, weights, strict=False))
    # Its own words stand first and last: an embedder reads only so much, and they are to count the most.
    meaning = f"{text} {_find_subject(before, language)} {text}" if is_leaning else ""
    return Query(text, language, carried, meaning)


def _choose_spoken(question: str, languages: Sequence[str], hints: Sequence[str]) -> str:
    """The language of small talk that may be said in `languages`, the likeliest first; "" where nothing tells.

    "Hi" is said in many, so it says nothing of who greets: the page and the browser do, though the word is not theirs.
    """
    first = next(iter((*languages, *hints)), "")
    if languages and hints and hints[0] != first:
        spoken = read_small_talk(question).languages  # whatever is expected
        if len(spoken) > 1 and _INTERNATIONAL in spoken:
            return hints[0]
    return first


def _read_reply(question: str, history: History, hints: Sequence[str]) -> Understood | None:
    """What was chosen of the readings that were asked back."""
    asked = find_asked_back(history)
    language = next(iter(hints), "en")
    choice = read_choice(question, asked, language) if asked else None
    if asked is None or choice is None:
        return None
    query = Query(join_choice(asked.question, choice), language)
    return Understood(TurnKind.FOLLOW_UP, language, query, decided_by=BY_CHOICE)


def leans(question: str, language: str) -> bool:
    """Whether a question means something only together with the one before it.

    "Repairs: how long does it take?" names what it is about.
    """
    sample = question[:_LONGEST_READ]
    topic, _, rest = sample.partition(": ")
    if rest.strip():
        if _names_topic(topic, language):
            return _leads_back(topic, language)
        sample = rest
    return _count_words(sample, language) <= _FEWEST_WORDS or _leads_back(sample, language)


def _names_topic(text: str, language: str) -> bool:
    """Whether it says what a question is about, as "Another question" does not."""
    framing = FRAMING_WORDS.get(language, frozenset())
    words = _WORD.findall(text.casefold())
    if not words or words[-1] in framing:
        return False
    return any(_count_words(word, language) for word in words if word not in framing)


def _leads_back(text: str, language: str) -> bool:
    """Whether it begins by going on, or has a word for something that was named before."""
    lowered = text.casefold().strip(" ¿¡-–—\n\t")
    if is_dense(language):
        return lowered.startswith(openers_in(language)) or any(
            word in lowered for word in back_words_in(language) if len(word) > 1 or language == "zh"
        )
    words = _WORD.findall(lowered)
    is_opened = any(words[: len(opener)] == opener for opener in _split_openers(language))
    return is_opened or bool(back_words_in(language).intersection(words))


@cache
def _split_openers(language: str) -> list[list[str]]:
    return [_WORD.findall(opener) for opener in openers_in(language)]


def _count_words(text: str, language: str) -> int:
    """How many different words with meaning a text has."""
    terms = set(analyse(text[:_LONGEST_READ], language))
    return len(terms) // _TERMS_OF_A_DENSE_WORD if is_dense(language) else len(terms)


def is_dense(language: str) -> bool:
    """Whether it is written without spaces between words."""
    return language in LANGUAGES and LANGUAGES[language].script in _DENSE_SCRIPTS


def _expect_languages(asked: Sequence[str], hints: Sequence[str]) -> tuple[str, ...]:
    """The chat's language so far, then the hints, each without its region."""
    codes = (re.split("[-_]", hint.strip().lower())[0] for hint in hints)
    hints = [code for code in codes if code in LANGUAGES]
    told = " ".join(text[:_LONGEST_CARRIED] for text in asked[-3:])
    if not any(character.isalpha() for character in told):
        return tuple(dict.fromkeys(hints))
    return tuple(dict.fromkeys((decide_language(told, hints), *hints)))


def _find_questions(asked: Sequence[str], hints: Sequence[str]) -> list[str]:
    """The last two things that were asked before and are no small talk, the latest first."""
    found = []
    for text in reversed(asked[-_LOOK_BACK:]):
        said = read_small_talk(text[:_LONGEST_READ], hints)
        if said.kind is None and said.rest:
            found.append(said.rest[:_LONGEST_CARRIED])
        if len(found) == len(LEANING_WEIGHTS):
            break
    return found


def _find_subject(before: Sequence[str], language: str) -> str:
    """What the conversation is about: the last question, with the one before it where it leans itself."""
    last, *earlier = before
    return f"{earlier[0]} {last}" if earlier and leans(last, language) else last
