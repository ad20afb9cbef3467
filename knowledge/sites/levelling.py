"""Whether many pages have come to say nearly one thing at once, as where a server answers each with an error page.

Such pages have status 200, and a title, an address or a number of their own; so neither their titles nor their texts
are equal. They are told by their words: alike now, and not alike before. Pages that are made of one pattern, a product
each, were alike before as well, and may all change at once. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

ALIKE: Final = 0.7
"""Of the words of two pages, their own title and address left out, so many are in both."""
FEWEST: Final = 3
_SAMPLE: Final = 10
_MOST_GROUPS: Final = 20
_MOST_WORDS: Final = 400
_WORD: Final = re.compile(r"[^\W\d_]{2,}")

Words = frozenset[str]


def list_words(text: str, *own: str) -> Words:
    """The words of a page that are not its own: those of its title and address, and all numbers, are left out."""
    left_out = {word for each in own for word in _WORD.findall(each.casefold())}
    found = (match[0] for match in _WORD.finditer(text.casefold()))
    kept: dict[str, None] = {}
    for word in found:
        if word not in left_out:
            kept[word] = None
        if len(kept) >= _MOST_WORDS:
            break
    return frozenset(kept)


def are_alike(one: Words, other: Words) -> bool:
    if not one or not other:
        return one == other
    return len(one & other) >= ALIKE * len(one | other)


def find_levelled(now: Iterable[tuple[str, Words]], before: Callable[[str], Words]) -> set[str]:
    """The addresses of pages that are alike now and were not; `before` says what a page said, and is asked for few."""
    groups: list[tuple[Words, list[str]]] = []
    for url, words in now:
        group = next((urls for leader, urls in groups if are_alike(leader, words)), None)
        if group is not None:
            group.append(url)
        elif len(groups) < _MOST_GROUPS:
            groups.append((words, [url]))
    found = (urls for _, urls in groups if len(urls) >= FEWEST)
    return {url for urls in found if not _were_alike(urls, before) for url in urls}


def _were_alike(urls: Sequence[str], before: Callable[[str], Words]) -> bool:
    """Whether most of some of them were alike, two by two."""
    sample = [before(url) for url in urls[:: max(1, len(urls) // _SAMPLE)][:_SAMPLE]]
    pairs = list(pairwise(sample))
    return 2 * sum(are_alike(one, other) for one, other in pairs) > len(pairs)
