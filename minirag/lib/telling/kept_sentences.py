"""Sentences that are kept in English, in rows and in findings, and told in the language of whoever reads them.

A worker does not know who will read why a source failed, and a child that reads files has no Django. So what they say
is kept as they say it, over `/v1` as well, and `retell` looks it up when a page shows it: whole, or as one of the
templates that `translating.kept` has found in the code, with what stood in it. Rows from before are told as well.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).with_name("kept_sentences.json")
"""Those of the sentences in which something stands, the longest first; built from the code."""
_PLACE: Final = re.compile(r"\{(\w+)\}")
_WORDS: Final = frozenset({"nouns", "holds"})  # places that hold a single word of ours
_DEEPEST: Final = 4  # so often a sentence stands in another one


def kept(sentence: str) -> str:
    """Mark a sentence that is kept, where `translating.kept` does not see by itself that it is one."""
    return sentence


def retell(sentence: str | None) -> str:
    """Tell what was kept in the reader's language; as it stands where nobody has translated it."""
    from django.utils.translation import get_language

    if not sentence or (get_language() or "en").startswith("en"):
        return sentence or ""
    return _retell(sentence)


def _retell(sentence: str, deepest: int = _DEEPEST) -> str:
    from django.utils.translation import gettext

    bare = sentence.strip()
    if not bare:
        return sentence
    if bare != sentence:
        return sentence.replace(bare, _retell(bare, deepest))
    told = gettext(sentence)
    if told != sentence or not deepest:
        return told
    for template, said, names in _read_templates():
        if (found := _match(sentence, said)) is not None:
            values = {
                # A single word there is somebody's, as the name of a sheet, even if it is one of ours elsewhere.
                name: _retell(value, deepest - 1) if " " in value or name in _WORDS else value
                for name, value in zip(names, found, strict=True)
            }
            return gettext(template).format(**values)
    return sentence


def _match(sentence: str, said: list[str]) -> list[str] | None:
    """What stands between the words of a template, each as short as it can be; None where it is another's.

    Never goes back, so that a sentence that foreigners have made costs no more than another.
    """
    first, *between, last = said
    if not (sentence.startswith(first) and sentence.endswith(last)):
        return None
    found, at, end = [], len(first), len(sentence) - len(last)
    for words in between:
        start = sentence.find(words, at + 1, end)
        if start < 0:
            return None
        found.append(sentence[at:start])
        at = start + len(words)
    return [*found, sentence[at:end]] if at < end else None


@cache
def _read_templates() -> list[tuple[str, list[str], list[str]]]:
    """Each with what is said in it and the names of what stands between."""
    split = [(each, _PLACE.split(each)) for each in json.loads(TEMPLATES.read_text())]
    return [(template, parts[::2], parts[1::2]) for template, parts in split]
