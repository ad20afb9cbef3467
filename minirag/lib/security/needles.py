"""Patterns that are tried only on texts that hold what they need: to look for a word takes a hundredth of the time that
looking for a pattern takes, and most texts hold nothing of most patterns. Pure.

What a pattern needs is read off itself, so nobody has to keep a list of it, and nothing that it finds is missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

# Patterns without regard to case take these for an i; all else that they take for a letter, folding does too.
_LIKE_I: Final = str.maketrans("İı", "ii")
_MOST_CLAUSES: Final = 2
_RARER_BY: Final = 0.35  # a further letter
_parse: Final = re._parser.parse  # type: ignore[attr-defined]

Clause = frozenset[str]
"""Folded words of which a text has to hold one."""


def fold(text: str) -> str:
    """The text as words are looked for in it: two letters that a pattern takes for the same one are the same."""
    return text.translate(_LIKE_I).casefold()


def find_clauses(pattern: str) -> list[Clause]:
    """What each text that the pattern is found in has to hold, what is rarest first; none where nothing can be said."""
    found = set(_walk(_parse(pattern, re.IGNORECASE)))
    return sorted(found, key=lambda each: (_guess_frequency(each), sorted(each)))


def _guess_frequency(clause: Clause) -> float:
    return sum(_RARER_BY ** len(word.encode()) for word in clause)


def _walk(parsed: Iterable[tuple[Any, Any]]) -> Iterator[Clause]:
    """The clauses of a sequence: each run of letters is one, and so is a choice of which every branch has one."""
    run = ""
    for kind, told in [*parsed, (None, None)]:
        if str(kind) == "LITERAL":
            run += fold(chr(told))
            continue
        if run:
            yield frozenset({run})
        run = ""
        yield from _walk_part(str(kind), told)


def _walk_part(kind: str, told: Any) -> Iterator[Clause]:
    match kind:
        case "BRANCH":
            best = [min(_walk(branch), key=_guess_frequency, default=None) for branch in told[1]]
            known = [clause for clause in best if clause is not None]
            if len(known) == len(best):
                yield frozenset().union(*known)
        case "SUBPATTERN":
            yield from _walk(told[3])
        case "ATOMIC_GROUP":
            yield from _walk(told)
        case "ASSERT":  # what is looked ahead at stands in the text as well
            yield from _walk(told[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT" if told[0]:
            yield from _walk(told[2])


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@dataclass(frozen=True)
class Sieve:
    """Some patterns, without regard to case, with what each needs. Each is compiled when a text may be for it."""

    patterns: tuple[tuple[str, tuple[Clause, ...]], ...]
    words: Clause

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Sieve:
        made = tuple((each, tuple(find_clauses(each)[:_MOST_CLAUSES])) for each in patterns)
        return cls(made, frozenset().union(*(word for _, clauses in made for word in clauses)))

    def finds(self, text: str) -> bool:
        """Whether one of the patterns is found in the text."""
        folded = fold(text)
        held = {word for word in self.words if word in folded}
        return any(
            not any(map(held.isdisjoint, clauses))
            and compile_pattern(pattern).search(text) is not None
            for pattern, clauses in self.patterns
        )
