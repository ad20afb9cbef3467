"""Cutting text into sentences, in any script, without a model."""

from __future__ import annotations

import re
from typing import Final

from minirag.lib.text.language_table import all_words

_ABBREVIATIONS: Final = all_words("abbreviations")
_ENDINGS: Final = tuple(all_words("abbreviated_endings"))
_AFTER_ORDINALS: Final = all_words("after_ordinals")
_BEFORE_ORDINALS: Final = all_words("before_ordinals")
_LAST_WORD = re.compile(r"(?:^|\W)(\w+)\s+$")
_LONGEST_LEAD: Final = 16
# Ends that need a space and a likely beginning behind them, and ends that stand for themselves. Possessive, so that a
# line of a hundred thousand dots is read once; and the first sign before all else, since `re` then looks for it alone.
_END = re.compile(
    r"""[.!?…。！？｡؟।॥؛۔](?:"""
    r"""(?<=[.!?…])(?<![.!?…]{2})[.!?…]*+["'”’»)\]]*+(?=\s++(?P<next>["'“‘«(\[¿¡\-–—•*]*\s*\S))"""
    r"""|(?<=[。！？｡])[。！？｡]*+["'”’」』）》]*+(?!と)"""
    r"""|(?<=[؟।॥؛۔])(?<![؟।॥؛۔]{2})[؟।॥؛۔]*+["'”’»)]*+(?=\s|$))""",
)
_BLANK_LINE = re.compile(r"\n\s*\n")
_LIST_ITEM = re.compile(r"(?:[-*•‣◦–]|\d{1,3}[.)]|[a-zA-Z][.)])\s+\S")
_FIRST_WORD = re.compile(r"\s*(\w*)")
_BACK_TO_START = re.compile(r"[^\s(\[\"'“‘«]+")
_LONGEST_WORD: Final = 100
_LONG_LINE: Final = 60
_FINISHED: Final = (".", "!", "?", ":", ";", "…", "。", "！", "？", "؟", "।")


def _ends_sentence(line: str, match: re.Match[str]) -> bool:
    following = match.group("next")
    if following is None:
        return True
    first = following[-1]
    if first.islower():
        return False
    if match.group() != ".":
        return True
    # Read backwards: a search for what ends here would begin at each letter before.
    end = match.start()
    backwards = _BACK_TO_START.match(line[max(0, end - _LONGEST_WORD) : end][::-1])
    if backwards is None:
        return True
    start = end - backwards.end()
    word = line[start:end]
    before = word.lower()
    # "J. Smith", "U.S. Army"; but "vitamin C. The" is cut too seldom rather than too often.
    if len(before) == 1 and word.isalpha() and word.isupper():
        return False
    if before in _ABBREVIATIONS or before.endswith(_ENDINGS):
        return False
    if before.isdigit() and _FIRST_WORD.match(line, match.end())[1].lower() in _AFTER_ORDINALS:  # type: ignore[index]
        return False
    # "zum 27. Geburtstag", "der 2. Stock"
    if before.isdigit() and len(before) < 4 and _leads_to_ordinal(line[:start]):
        return False
    # "3. Open the lid" at the start of a line numbers it; "am 3. März" is a date when a word follows without capital.
    return not (before.isdigit() and start == 0)


def _leads_to_ordinal(text: str) -> bool:
    found = _LAST_WORD.search(text[-_LONGEST_LEAD:])
    return found is not None and found[1].lower() in _BEFORE_ORDINALS


def _split_line(line: str) -> list[str]:
    sentences, start = [], 0
    for match in _END.finditer(line):
        if _ends_sentence(line, match):
            sentences.append(line[start : match.end()].strip())
            start = match.end()
    sentences.append(line[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _join_wrapped(lines: list[str]) -> list[str]:
    """Lines that only wrap a sentence are put together; list items, headings and finished sentences are not."""
    joined: list[list[str]] = []
    length = 0
    for line in lines:
        last = joined[-1][-1] if joined else ""
        wraps = (
            joined
            and not _LIST_ITEM.match(line)
            and not last.endswith(_FINISHED)
            and (line[0].islower() or last.endswith((",", "-")) or length > _LONG_LINE)
        )
        if wraps:
            joined[-1].append(line)
            length += 1 + len(line)
        else:
            joined.append([line])
            length = len(line)
    return [" ".join(parts) for parts in joined]


def split_lines(paragraph: str) -> list[list[str]]:
    """The lines of a paragraph, each as its sentences. Lines that only wrap a sentence are put together before."""
    lines = [line for each in paragraph.split("\n") if (line := each.strip())]
    return [sentences for line in _join_wrapped(lines) if (sentences := _split_line(line))]


def split_sentences(text: str) -> list[str]:
    """The sentences of `text` in order, trimmed, none empty; their words together are the words of the text.

    Knows abbreviations, initials, decimal numbers and the full stops of CJK, Arabic and Devanagari. A line break ends
    a sentence unless the line was merely wrapped, so list items and table rows are sentences of their own.
    """
    paragraphs = _BLANK_LINE.split(text)
    return [
        sentence for paragraph in paragraphs for line in split_lines(paragraph) for sentence in line
    ]
