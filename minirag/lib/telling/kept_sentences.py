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


def kept(sentence: str) -> str:
    """Mark a sentence that is kept, where `translating.kept` does not see by itself that it is one."""
    return sentence


def retell(sentence: str | None) -> str:
    """Tell what was kept in the reader's language; as it stands where nobody has translated it."""
    from django.utils.translation import get_language

    if not sentence or (get_language() or "en").startswith("en"):
        return sentence or ""
    return _retell(sentence)


def _retell(sentence: str) -> str:
    from django.utils.translation import gettext

    bare = sentence.strip()
    if not bare:
        return sentence
    if bare != sentence:
        return sentence.replace(bare, _retell(bare))
    told = gettext(sentence)
    if told != sentence:
        return told
    for pattern, template in _read_templates():
        if found := pattern.fullmatch(sentence):
            said = {name: _retell(value) for name, value in found.groupdict().items()}
            return gettext(template).format(**said)
    return sentence


@cache
def _read_templates() -> list[tuple[re.Pattern[str], str]]:
    templates: list[str] = json.loads(TEMPLATES.read_text())
    return [(_compile(each), each) for each in templates]


def _compile(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)  # what is said and what stands there take turns
    pattern = "".join(
        f"(?P<{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile(pattern, re.DOTALL)
