"""The pattern of a row of words, made once. Pure."""

from __future__ import annotations

import re
from functools import cache


@cache
def whole_words(pattern: str) -> re.Pattern[str]:
    """These alternatives as whole words, letters of either case; a sign such as "m²" or "@" may begin or end one."""
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)
