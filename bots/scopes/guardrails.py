"""Guardrails: whether a bot may speak about what it is asked, decided before anything is searched or paid for.

`judge` is the one entry, and pure: a question and the bot's active scopes in, a Verdict out. All scopes are honoured: a
topic that one of them forbids is refused whatever the others say, and a question that one of them allows is allowed.
A question that no scope allows or forbids is refused by the strictest scope that names allowed topics; a lenient one
leaves it to retrieval, which has a floor of its own. A follow-up ("Who won it?") is judged with what it follows.

Topics are found by words (bots.scopes.topics), and in English by meaning too, with the installation's own MiniLM.
Measured on 59 questions for three bots, 31 within their topics and 28 without (bots/tests/test_guardrails.py): words
alone find 9, words or a cosine of .30 find 24, and neither lets a foreign question in; at .25 two foreign ones pass.
Forbidden topics, 13 questions about one and 37 about none: words find 3, a cosine of .30 finds 9 and .35 finds 4;
none refuses a good question, the highest of those having .27. The thresholds were chosen on these same questions.
MiniLM knows English only: elsewhere its cosine is not asked, and topics have to be named by the words that people
use.

A scope's strictness sets how sure the match must be, see `NEEDED`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bots.models import Scope, Strictness
from bots.scopes.topics import Terms, measure_topic, read_terms
from minirag.lib.remembering import Remembered
from minirag.lib.security.injections import is_override
from minirag.lib.text.language_table import back_words_in
from minirag.lib.text.short_texts import decide_language

if TYPE_CHECKING:
    import numpy as np

Embed = Callable[[list[str]], "np.ndarray"]

FORBIDDEN_TOPIC: Final = "forbidden_topic"
OFF_TOPIC: Final = "off_topic"
UNSAFE_QUESTION: Final = "unsafe_question"


@dataclass(frozen=True)
class Needed:
    """What a match must reach: a share of a topic's words or a cosine; a forbidden topic's words must all be there."""

    allowed_words: float
    allowed_cosine: float
    forbidden_cosine: float


NEEDED: Final = {
    Strictness.STRICT: Needed(allowed_words=0.75, allowed_cosine=0.40, forbidden_cosine=0.30),
    Strictness.MODERATE: Needed(allowed_words=0.5, allowed_cosine=0.30, forbidden_cosine=0.35),
    Strictness.LENIENT: Needed(allowed_words=0.5, allowed_cosine=0.30, forbidden_cosine=0.45),
}
_ORDER = list(NEEDED)  # the strictest first
_LONGEST_FOLLOW_UP = 3  # words that carry meaning, beside a pronoun
_LONGEST_FRAGMENT = 1  # "And in white?"
_LOOK_BACK = 5

_vectors: Remembered[str, np.ndarray] = Remembered(4096)


@dataclass(frozen=True)
class Verdict:
    """What the scopes say. `reason` is "" where the question may go on.

    `score` was measured against `threshold`, by "words" (0 to 1, the share of the topic), by "meaning" (a cosine) or by
    the "form" of an attempt to change the bot's instructions. `topic` and `scope` are what decided, if anything did.
    """

    reason: str = ""
    scope: Scope | None = None
    topic: str = ""
    score: float = 0.0
    threshold: float = 0.0
    by: str = ""

    @property
    def is_allowed(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class _Match:
    scope: Scope
    topic: str
    words: float
    cosine: float = 0.0


def judge(
    question: str,
    scopes: Sequence[Scope],
    previous_question: str | None = None,
    *,
    language: str = "",
    embed: Embed | None = None,
) -> Verdict:
    """Decide whether a bot with these active scopes may go on with a question.

    `previous_question` is what a follow-up would follow, see `find_context`; `language` is that of the question, where
    somebody knows it. With `embed`, which gives unit vectors,
    English is judged by meaning too; it blocks for some milliseconds then, so call it off the event loop.
    """
    if is_override(question):
        return Verdict(UNSAFE_QUESTION, score=1.0, threshold=1.0, by="form")
    if not any(scope.allowed_topics or scope.forbidden_topics for scope in scopes):
        return Verdict()
    language = language or decide_language(question)
    asked = _read(question, language, scopes)
    before = previous_question or ""
    is_back = bool(before) and _refers_back(question, language, asked[0])
    is_fragment = bool(before) and (is_back or len(asked[0]) <= _LONGEST_FRAGMENT)
    told = _read(before, _detect_cached(before), scopes) if is_fragment else []
    forbidden = _measure(
        scopes, "forbidden_topics", asked + (told if is_back else []), by_first_part=False
    )
    if named := next((match for match in forbidden if match.words == 1), None):
        return Verdict(FORBIDDEN_TOPIC, named.scope, named.topic, named.words, 1.0, "words")
    allowed = _measure(scopes, "allowed_topics", asked + told, by_first_part=True)
    has_meaning = embed is not None and language == "en"
    if embed is not None and has_meaning and not any(match.words == 1 for match in allowed):
        text = f"{before} {question}" if is_fragment else question
        forbidden, allowed = _compare(text, embed, forbidden, allowed)
    return _refuse_by_meaning(forbidden, allowed) or _decide(allowed, has_meaning=has_meaning)


def refers_back(question: str) -> bool:
    """Whether a short question speaks of something that was named before it."""
    language = decide_language(question)
    return _refers_back(question, language, read_terms(question, language))


def _refers_back(question: str, language: str, terms: Terms) -> bool:
    words = {word.strip("?!.,:;¿¡'\"") for word in question.lower().split()}
    return len(terms) <= _LONGEST_FOLLOW_UP and bool(words & back_words_in(language))


def find_context(questions: Sequence[str]) -> str | None:
    """What a new question may follow: of the earlier ones, oldest first, the last that can be understood alone."""
    for question in reversed(questions[-_LOOK_BACK:]):
        if (
            not refers_back(question)
            and len(read_terms(question, decide_language(question))) > _LONGEST_FRAGMENT
        ):
            return question
    return questions[-1] if questions else None


def _read(text: str, language: str, scopes: Sequence[Scope]) -> list[Terms]:
    """A text in its own language, and in that of the topics: a short question's language is a guess."""
    topics = " ".join(
        topic for scope in scopes for topic in (*scope.allowed_topics, *scope.forbidden_topics)
    )
    written = _detect_cached(topics)
    first = read_terms(text, language)
    return [first] if written == language else [first, read_terms(text, written, asked_in=language)]


# Topics and the questions before this one come again and again, and detection costs more than all the comparing.
_detect_cached = lru_cache(maxsize=1024)(decide_language)


def _measure(
    scopes: Sequence[Scope], topics: str, texts: list[Terms], *, by_first_part: bool
) -> list[_Match]:
    return [
        _Match(scope, topic, measure_topic(topic, texts, by_first_part=by_first_part))
        for scope in scopes
        for topic in getattr(scope, topics)
    ]


def _compare(
    text: str, embed: Embed, forbidden: list[_Match], allowed: list[_Match]
) -> tuple[list[_Match], list[_Match]]:
    """Add to every match how near the text is to its topic."""
    # A copy of what is kept: other threads may clear it in the meantime.
    known = {
        topic: _vectors.get(topic)
        for topic in dict.fromkeys(match.topic for match in forbidden + allowed)
    }
    missing = [topic for topic, vector in known.items() if vector is None]
    found = embed([text, *missing])
    new = dict(zip(missing, found[1:], strict=True))
    for topic, vector in new.items():
        _vectors[topic] = vector
    vectors = known | new

    def near(match: _Match) -> _Match:
        return _Match(match.scope, match.topic, match.words, float(vectors[match.topic] @ found[0]))

    return [near(match) for match in forbidden], [near(match) for match in allowed]


def _refuse_by_meaning(forbidden: list[_Match], allowed: list[_Match]) -> Verdict | None:
    """Refuse what is nearer to a forbidden topic than to any allowed one, and near enough."""
    nearest_allowed = max((match.cosine for match in allowed), default=0.0)
    if not forbidden or any(match.words == 1 for match in allowed):
        return None
    for match in sorted(forbidden, key=lambda match: -match.cosine):
        needed = NEEDED[Strictness(match.scope.strictness)].forbidden_cosine
        if match.cosine >= needed and match.cosine > nearest_allowed:
            return Verdict(
                FORBIDDEN_TOPIC, match.scope, match.topic, match.cosine, needed, "meaning"
            )
    return None


def _decide(allowed: list[_Match], *, has_meaning: bool) -> Verdict:
    """Let through what some scope allows, and what a lenient scope does not know."""
    if not allowed:
        return Verdict()
    for match in sorted(allowed, key=lambda match: (-match.words, -match.cosine)):
        needed = NEEDED[Strictness(match.scope.strictness)]
        if match.words >= needed.allowed_words:
            return Verdict("", match.scope, match.topic, match.words, needed.allowed_words, "words")
    for match in sorted(allowed, key=lambda match: -match.cosine):
        needed = NEEDED[Strictness(match.scope.strictness)]
        if has_meaning and match.cosine >= needed.allowed_cosine:
            return Verdict(
                "", match.scope, match.topic, match.cosine, needed.allowed_cosine, "meaning"
            )
    strictest = min(
        (match.scope for match in allowed),
        key=lambda scope: _ORDER.index(Strictness(scope.strictness)),
    )
    if strictest.strictness == Strictness.LENIENT:
        return Verdict()
    needed = NEEDED[Strictness(strictest.strictness)]
    if has_meaning:
        score = max(match.cosine for match in allowed)
        return Verdict(OFF_TOPIC, strictest, "", max(score, 0.0), needed.allowed_cosine, "meaning")
    return Verdict(
        OFF_TOPIC,
        strictest,
        "",
        max(match.words for match in allowed),
        needed.allowed_words,
        "words",
    )
