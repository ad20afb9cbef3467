"""What kind of thing a question asks for, and which sentences hold such a thing. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from minirag.ai.builtin.sentences.candidates import Candidate
from minirag.lib.asking.answer_types import AnswerType, Asked, holds_answer, read_question
from minirag.lib.text.short_texts import decide_language


def read_asked(
    question: str, candidates: Sequence[Candidate], before: str = "", spoken: str = ""
) -> Asked:
    """What kind of thing is asked for. Where the question does not tell its language, that is the `spoken` one if it is
    known, or most candidates'.

    "And for students?" asks for what was asked for before.
    """
    languages = Counter(candidate.language for candidate in candidates)
    hints = [*filter(None, [spoken]), *(language for language, _ in languages.most_common(2))]
    asked = read_question(question, decide_language(question, hints))
    if asked.kind is None and before:
        return read_question(before, decide_language(before, hints))
    return asked


def match_answer_type(asked: Asked, question: str, candidate: Candidate) -> float:
    """1 when the sentence holds what is asked for, 0 when not, .5 where nothing in particular is.

    A price is half there in any number, and a length of time in any time.
    """
    if asked.kind is None:
        return 0.5
    if holds_answer(asked.kind, candidate.text, candidate.language, question):
        return 1.0
    is_near = asked.kind in (AnswerType.PRICE, AnswerType.DURATION) and _DIGIT.search(
        candidate.text
    )
    return 0.3 if is_near else 0.0


_DIGIT = re.compile(r"\d")
