"""Words in long texts, for people who look for something: by an index, however many texts there are.

A word is found by its beginning and whatever its case, several words where all of them are. Scripts that are written
without spaces are found in the middle as well. PostgreSQL's own words of a text (`to_tsvector`, without stemming and
without stop words) are indexed; its parser would take `2026-11-29`, `a/b` or an address as one word, so signs that join
words are blanks to it, and each letter of a script without spaces stands alone. No extension is needed.

A model has `word_index("column", …)`, and `having_words(rows, split_words(text), "column", …)` finds them. The index is
written into migrations: change the expression, and every one has to be built again.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any, Final, TypeVar, cast

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchQueryCombinable, SearchVector
from django.db.models import F, Func, Model, QuerySet, TextField, Value
from django.db.models.functions import Concat, Left

from minirag.lib.starting.patterns import compile_later
from minirag.lib.text.analysis import DENSE

M = TypeVar("M", bound=Model)

_SIGNS: Final = "-/._@:<>&"
_LONGEST: Final = 100_000  # characters: a tsvector of more might be too large for PostgreSQL, and the row be refused
_MOST_WORDS: Final = 20
_WORD = compile_later(rf"[^\W_{DENSE}]+|[{DENSE}]+")
_DENSE_RUN = compile_later(rf"[{DENSE}]+")


def words_of(*columns: str) -> SearchVector:
    """The words of one or several columns."""
    text: Any = F(columns[0])
    if columns[1:]:
        blank = Value(" ")
        parts = [part for column in columns for part in (blank, F(column))][1:]
        text = Concat(*parts, output_field=TextField())
    blanks = Value(" " * len(_SIGNS))
    apart = Func(
        Left(text, _LONGEST), Value(_SIGNS), blanks, function="translate", output_field=TextField()
    )
    spaced = Func(
        apart, Value(f"([{DENSE}])"), Value(r" \1 "), Value("g"),
        function="regexp_replace", output_field=TextField(),
    )  # fmt: skip
    return SearchVector(spaced, config="simple")


def word_index(*columns: str, name: str) -> GinIndex:
    """The index that `having_words` needs on a model."""
    return GinIndex(words_of(*columns), name=name)


def split_words(text: str) -> list[str]:
    """The words that somebody typed, at most 20."""
    return _WORD.findall(text)[:_MOST_WORDS]


def having_words(rows: QuerySet[M], words: list[str], *columns: str) -> QuerySet[M]:
    """Keep the rows whose columns have all of the `words`; none where there is none to look for."""
    if not words:
        return rows.none()
    wanted = reduce(and_, map(ask_for, words))
    found: Any = rows.alias(words=words_of(*columns)).filter(words=wanted)
    return cast("QuerySet[M]", found)


def ask_for(word: str) -> SearchQueryCombinable:
    """What `words_of` is compared with, to find one word."""
    if _DENSE_RUN.fullmatch(word):
        return SearchQuery(" ".join(word), config="simple", search_type="phrase")
    return SearchQuery(f"'{word}':*", config="simple", search_type="raw")
