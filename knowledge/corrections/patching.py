"""A person's change to a text, sentence by sentence, and whether it can be made to another text. Pure.

A change is certain where the sentences that it replaces stand there word for word, in one run and once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from minirag.lib.comparing.matching import match

CERTAIN_WORDS: Final = 4
"""A run of fewer words may stand somewhere else by chance: then its neighbours have to be the same as well."""
_SENTENCE = re.compile(
    r"\S[^\n]*?(?:(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s|\Z)|[。！？]++|(?=\n)|\Z)"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Sentence:
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Hunk:
    """`old` sentences become `new`; without any, `new` goes between the two that stood `before` and `after` it.

    `joint` is what divides `new` from the sentence before it, or where it comes first from the one after it.
    """

    old: tuple[str, ...]
    new: str
    before: str
    after: str
    joint: str = " "


def split(text: str) -> list[Sentence]:
    """The sentences and lines of a text, with their places in it."""
    return [
        Sentence(match.group().rstrip(), match.start(), match.start() + len(match.group().rstrip()))
        for match in _SENTENCE.finditer(text)
    ]


def count_words(sentences: Sequence[str]) -> int:
    return sum(len(_WORD.findall(sentence)) for sentence in sentences)


def find_change(before: str, after: str) -> tuple[Hunk, ...]:
    """What a person has changed; nothing where only spaces differ."""
    old, new = split(before), split(after)
    told = [each.text for each in old]
    blocks = [*match(told, [each.text for each in new]), (len(old), len(new), 0)]
    hunks = []
    i = k = 0
    for j, m, size in blocks:
        if i < j or k < m:
            hunks.append(
                Hunk(
                    tuple(told[i:j]),
                    after[new[k].start : new[m - 1].end] if m > k else "",
                    told[i - 1] if i else "",
                    told[j] if j < len(told) else "",
                    _joint(after, new, k, m),
                )
            )
        i, k = j + size, m + size
    return tuple(hunks)


def apply_change(change: Sequence[Hunk], text: str) -> str | None:
    """The text with the change made to it; None where that is not certain."""
    for hunk in change:
        made = _apply(hunk, text)
        if made is None:
            return None
        text = made
    return text if change else None


def share_run(first: str, second: str) -> tuple[str, ...]:
    """The sentences at the end of one text that are the beginning of the other: what neighbouring chunks repeat."""
    ending, beginning = [each.text for each in split(first)], [each.text for each in split(second)]
    for length in range(min(len(ending), len(beginning)), 0, -1):
        if ending[-length:] == beginning[:length]:
            return tuple(beginning[:length])
    return ()


def holds_run(run: Sequence[str], part: Sequence[str]) -> bool:
    """Whether `part` stands in `run`, word for word and in one piece."""
    size = len(part)
    return any(tuple(run[at : at + size]) == tuple(part) for at in range(len(run) - size + 1))


def share_of_sentences(whole: str, text: str) -> float:
    """How much of `whole`, by its words, stands in `text` in sentences of some length, from 0 to 1."""
    sentences = [each.text for each in split(whole)]
    there = {each.text for each in split(text)}
    found = [each for each in sentences if each in there and count_words([each]) >= CERTAIN_WORDS]
    return count_words(found) / max(count_words(sentences), 1)


def _joint(text: str, sentences: Sequence[Sentence], first: int, end: int) -> str:
    if first:
        at = sentences[first - 1].end
        return text[at : sentences[first].start if first < len(sentences) else at] or " "
    return text[sentences[end - 1].end : sentences[end].start] if end < len(sentences) else " "


def _apply(hunk: Hunk, text: str) -> str | None:
    sentences = split(text)
    told = [each.text for each in sentences]
    if not hunk.old:
        return _insert(hunk, text, sentences)
    size = len(hunk.old)
    places = [at for at in range(len(told) - size + 1) if tuple(told[at : at + size]) == hunk.old]
    if len(places) != 1:
        return None
    at = places[0]
    if count_words(hunk.old) < CERTAIN_WORDS:
        around = (told[at - 1] if at else "", told[at + size] if at + size < len(told) else "")
        if around != (hunk.before, hunk.after):
            return None
    start, end = sentences[at].start, sentences[at + size - 1].end
    if hunk.new:
        return text[:start] + hunk.new + text[end:]
    rest = text[end:].lstrip()
    return text[:start] + rest if rest else text[:start].rstrip()


def _insert(hunk: Hunk, text: str, sentences: Sequence[Sentence]) -> str | None:
    """Between the two sentences that it stood between, or at the end or the beginning as it did."""
    if hunk.before and hunk.after:
        pairs = [
            first
            for first, second in pairwise(sentences)
            if (first.text, second.text) == (hunk.before, hunk.after)
        ]
        return _put_behind(pairs, hunk, text)
    if hunk.before and count_words([hunk.before]) >= CERTAIN_WORDS:
        return _put_behind([each for each in sentences if each.text == hunk.before], hunk, text)
    if hunk.after and count_words([hunk.after]) >= CERTAIN_WORDS:
        found = [each for each in sentences if each.text == hunk.after]
        if len(found) == 1:
            return f"{text[: found[0].start]}{hunk.new}{hunk.joint}{text[found[0].start :]}"
    return None


def _put_behind(found: Sequence[Sentence], hunk: Hunk, text: str) -> str | None:
    if len(found) != 1:
        return None
    return f"{text[: found[0].end]}{hunk.joint}{hunk.new}{text[found[0].end :]}"
