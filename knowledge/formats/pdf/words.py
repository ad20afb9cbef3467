"""From printed lines to paragraphs: which words go on in the next line, and which lines end a paragraph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from knowledge.formats.pdf.layout import Line

_ITEM = re.compile(r"(?:[-*•‣◦–▪●]|(?P<number>\d{1,3})[.)]|[a-z][.)])\s")
_SENTENCE_ENDS = (".", "!", "?", ":", ";", "。", "！", "？", "”", '"', "؟", "।")
_BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)([\u00ad\u2010-])$")
_HYPHENS = ("-", "\u2010", "\u00ad")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:[\u2010-][^\W\d_]+)*")
_SOFT_HYPHEN = "\u00ad"
_LONGEST_WORD: Final = 100
_SHORTEST_WORD: Final = 3
# What is joined by a hyphen in English whatever follows; of other languages the document itself has to say it.
_OWN_HYPHEN: Final = frozenset(
    (
        "all",
        "cross",
        "ex",
        "half",
        "high",
        "ill",
        "long",
        "low",
        "multi",
        "non",
        "off",
        "self",
        "semi",
        "short",
        "well",
    )
)


class Vocabulary:
    """The words of a document, by which it is known whether a hyphen at a line's end belongs to the word."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._words: Counter[str] = Counter()
        if not any(line.endswith(_HYPHENS) for line in lines):
            return
        is_rest = False
        for line in lines:
            # Neither half of a broken word is one.
            end, begin = _find_broken(line), _FIRST_WORD.match(line) if is_rest else None
            whole = line[begin.end() if begin else 0 : end.start() if end else len(line)]
            self._words.update(
                word.replace("\u2010", "-").casefold() for word in _WORD.findall(whole)
            )
            is_rest = end is not None

    def join(self, before: str, after: str) -> str:
        """Two printed lines as one."""
        if not before or not before.endswith(_HYPHENS):
            return f"{before} {after}" if before else after
        broken, goes_on = _find_broken(before), _FIRST_WORD.match(after)
        if broken is None or goes_on is None:
            # "AX-" and "200", "2024-" and "2026"; but "cash -" and "or card" are two words.
            return f"{before}{after}" if before[-2:-1].isalnum() else f"{before} {after}"
        head, tail = broken.group(1), goes_on.group()
        # "in- und ausländisch": the hyphen stands for what the next word says.
        if tail in (
            "und",
            "oder",
            "and",
            "or",
            "et",
            "ou",
            "y",
            "e",
            "o",
            "en",
            "of",
            "i",
            "og",
            "och",
        ):
            return f"{before} {after}"
        kept = f"{before[:-1]}-{after}"
        return before[:-1] + after if self._is_one_word(head, tail, broken.group(2)) else kept

    def join_all(self, lines: Iterable[str]) -> str:
        text = ""
        for line in lines:
            text = self.join(text, line.strip())
        return text

    def _is_one_word(self, head: str, tail: str, hyphen: str) -> bool:
        if hyphen == _SOFT_HYPHEN:
            return True
        if not tail[0].islower() or "-" in head:
            return False
        whole, divided = f"{head}{tail}".casefold(), f"{head}-{tail}".casefold()
        if self._words[whole] != self._words[divided]:
            return self._words[whole] > self._words[divided]
        if head.casefold() in _OWN_HYPHEN or (head.isupper() and len(head) > 1):
            return False
        are_words = self._words[head.casefold()] and self._words[tail.casefold()]
        return not (are_words and min(len(head), len(tail)) >= _SHORTEST_WORD)


def _find_broken(line: str) -> re.Match[str] | None:
    """The first half of a word that goes on in the next line, with its hyphen."""
    return (
        _BROKEN.search(line, max(0, len(line) - _LONGEST_WORD)) if line.endswith(_HYPHENS) else None
    )


def join_lines(lines: Sequence[Line], vocabulary: Vocabulary) -> str:
    """Paragraphs out of printed lines: words broken at line ends are whole again, short last lines end a paragraph."""
    lengths = sorted(len(line.text) for line in lines if line.text.strip())
    if not lengths:
        return ""
    usual = lengths[int(len(lengths) * 0.8)] if len(lengths) > 2 else lengths[-1]
    paragraphs: list[str] = []
    running = before = ""
    numbers = {0}
    for line in lines:
        text = line.text.strip()
        item = _ITEM.match(text)
        if item and running and not line.opens and _goes_on(item, numbers, before, usual):
            item = None
        if item and item["number"]:
            numbers.add(int(item["number"]))
        before = text
        if running and (not text or line.opens or item):
            paragraphs.append(running)
            running = ""
        if not text:
            continue
        running = vocabulary.join(running, text)
        if text.endswith(_HYPHENS) and text[-2:-1].isalnum():
            continue
        # A short line ends its paragraph when it ends a sentence; a very short one is a title or a table's row.
        if len(text) < usual * (0.8 if text.endswith(_SENTENCE_ENDS) else 0.5):
            paragraphs.append(running)
            running = ""
    paragraphs.append(running)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _goes_on(item: re.Match[str], numbers: set[int], before: str, usual: int) -> bool:
    """Whether "13. A ..." is no item but the end of the sentence before: "beside docks 5 and", which fills its line.

    An item is the first one, or follows one of `numbers`, which were before it: others may stand between the two.
    """
    if item["number"] is None or int(item["number"]) - 1 in numbers:
        return False
    return len(before) >= usual * 0.8 and not before.endswith(_SENTENCE_ENDS)
