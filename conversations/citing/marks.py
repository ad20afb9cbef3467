"""Citation marks in whatever style a model writes them: what leads to a passage becomes `[1]`, what leads nowhere goes.

Models are told to write `[1]` and many write 【1】, `[^1]`, `[[1]](url)`, `[Source 1]` or `(1)` all the same. Square
brackets and their relatives are marks wherever they are. Round ones are not: `(1)` begins a list, closes a law's
paragraph, counts things. They are a mark only behind a statement and before its end, where that passage exists and the
model has not shown that it writes them for something else. Pure, and safe for streams: text is held back only while it
could still become a mark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.retrieval.passages import Passage
from minirag.lib.starting.patterns import compile_later

_WORDS = (
    "source", "sources", "src", "quelle", "quellen", "fuente", "fuentes", "fonte", "fontes", "fonti", "bron", "bronnen",
    "document", "doc", "dokument", "passage", "reference", "ref", "citation", "cite", "zitat",
)  # fmt: skip
_NUMBERS = r"\d{1,3}(?:\s*[,;]\s*\d{1,3})*"
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_URL = r"\([^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,2000})?\)"
_MARK = compile_later(
    rf"(?P<double>\[\[(?P<n1>{_NUMBERS})\]\](?:{_URL})?)"
    rf"|(?P<foot>\[\^(?P<n2>\d{{1,3}})\^?\](?P<defines>:)?)"
    rf"|(?P<lens>[【［](?P<n3>{_NUMBERS})(?::\d{{1,3}})?(?:†[^】］\n]{{0,60}})?[】］])"
    rf"|(?P<word>[\[(](?i:{_WORD})[\s_:#.]{{0,3}}(?:(?i:nr|no)\.?\s?)?(?P<n4>{_NUMBERS})"
    r"(?:\s*[:,–-]\s[^\[\]()\n]{0,80})?[\])])"
    rf"|(?P<escaped>\\\[(?P<n5>{_NUMBERS})\\\])"
    rf"|(?P<dagger>\[(?P<n6>\d{{1,3}})†[^\[\]\n]{{0,60}}\])"
    rf"|(?P<square>\[(?P<n7>{_NUMBERS})\](?P<link>\((?:https?://|www\.|/|#)[^()\s]{{0,2000}}\))?)"
    r"|(?P<round>\((?P<n8>\d{1,3})\)(?P<behind>[^\S\n]*)(?=(?P<next>\S|\n|\Z)))"
)
_NAMES = tuple(f"n{n}" for n in range(1, 8))
_ENDS = frozenset(".,;:!?\n[(【［\\") | {""}  # what may follow a round mark
_NUMBER = re.compile(r"\d{1,3}")
_SPACE_BEFORE = re.compile(r"\s+$")
# What may come right before a `(1)` that is not a citation.
_BELONGS = compile_later(
    r"(?:(?:§+|\b(?:art|article|artikel|sec|section|abs|absatz|para|paragraph|nr|no|clause|rule|regulation|step|schritt|"
    r"table|tabelle|figure|fig|abb|abbildung|equation|eq|page|seite|item|option|version|part|teil|line|zeile|level|"
    r"chapter|kapitel|example|case|phase|class|type|model|note|point|punkt|number|appendix|anhang|articolo|artículo))"
    r"\.?\s*(?:[\d.:/-]+[a-z]?\s*)*|\b(?:in|of|see|and|or|to|from|by|with|under|than|as|for|only|is|are|exactly|von|und|"
    r"oder|bis|nach|siehe|aus|mit|zu|nur|one|two|three|four|five|six|seven|eight|nine|ten|eine?|zwei|drei|vier|fünf|"
    r"sechs|sieben|acht|neun|zehn)\s+)$",
    re.IGNORECASE,
)
_LISTED = compile_later(r"(?:^|\n)[\s*+>-]*$|[:;,.]\s*$|\b(?:and|or|und|oder|et|y|e|en)\s+$")
_STATED = compile_later(r"\(\d{1,3}\)\s*$|[\w)\]%€$£\"'”’»°*_`]\s+$|[.!?…]\s*$")
_LEFT = 60  # characters before a mark that decide what it is


def _prefixes(word: str) -> str:
    """A pattern for every beginning of a word, and the word itself."""
    return "(?:" + "|".join(re.escape(word[:n]) for n in range(len(word), 0, -1)) + ")"


_WORD_PART = "|".join(_prefixes(word) for word in _WORDS)
_NUMBERS_PART = r"\d{0,3}(?:[\d\s,;]{0,40})"
_PARTIAL = compile_later(
    r"\s*(?:"
    rf"\\?\[(?:{_NUMBERS_PART}\\?)?"
    rf"|\[\d{{1,3}}†[^\[\]\n]{{0,60}}"
    rf"|\[{_NUMBERS}\](?:\((?:h(?:t(?:t(?:p(?:s?(?::(?:/(?:/[^()\s]{{0,2000}})?)?)?)?)?)?)?"
    r"|w(?:w(?:w(?:\.[^()\s]{0,2000})?)?)?|[/#][^()\s]{0,2000})?)?"
    rf"|\[\[(?:{_NUMBERS_PART}\]?|{_NUMBERS}\]\](?:\([^()\s]{{0,2000}}(?:\([^()\s]{{0,200}}\)?[^()\s]{{0,2000}})?\)?)?)"
    r"|\[\^(?:\d{0,3}\^?\]?)"
    rf"|[【［](?:{_NUMBERS_PART}|{_NUMBERS}(?::\d{{0,3}})?(?:†[^】］\n]{{0,60}})?)"
    rf"|[\[(](?i:{_WORD_PART})"
    rf"|[\[(](?i:{_WORD})[\s_:#.]{{0,3}}(?:(?i:nr?|no?)\.?\s?)?(?:{_NUMBERS_PART}|{_NUMBERS}\s*[:,–-]\s?[^\[\]()\n]{{0,80}})"
    r"|(?<!\])\((?:\d{0,3}|\d{1,3}\)[^\S\n]*)"
    r"|\\"
    r")?\Z"
)
_SIGNS = re.compile(r"[\[(【［\\]")
_LONGEST = 4500  # characters that a mark may have


class MarkerFilter:
    """Passes streamed text through: marks become `[1]`, those that point to no passage are dropped.

    `cited` are the numbers in order of first appearance, `dropped` counts what led nowhere.
    """

    def __init__(self, passage_count: int) -> None:
        self.passage_count = passage_count
        self.cited: dict[int, None] = {}
        self.dropped = 0
        self._held = ""
        self._left = ""  # the end of what was read before
        self._cites_round = False
        self._lists_round = False  # round brackets were seen to number a list

    def feed(self, text: str) -> str:
        """Take a piece of the answer and return what may be shown now."""
        text = self._held + text
        cut = len(text.rstrip())
        if _SIGNS.search(text) is not None:
            partial = _PARTIAL.search(text, max(0, len(text) - _LONGEST))
            cut = partial.start() if partial else len(text)
        self._held = text[cut:]
        return self._read(text[:cut])

    def flush(self) -> str:
        """Return what was still held back when the answer ended."""
        held, self._held = self._held, ""
        return self._read(held)

    def _read(self, text: str) -> str:
        parts: list[str] = []
        position = 0
        # Looking for what begins a mark is cheap, and most words have nothing of it.
        for match in _MARK.finditer(text) if _SIGNS.search(text) else ():
            before = text[position : match.start()]
            written = self._write(match, self._left + text[: match.start()])
            if written is None:
                continue
            parts += [before if written else _SPACE_BEFORE.sub("", before), written]
            position = match.end()
        self._left = (self._left + text)[-_LEFT:]
        return "".join(parts) + text[position:]

    def _write(self, match: re.Match[str], left: str) -> str | None:
        """What replaces a mark, "" for one that leads nowhere; None for what is not a mark."""
        if match["round"]:
            return self._write_round(match, left)
        if not self.passage_count and not match["square"]:
            return None  # nothing could be cited, so this is not a citation
        named = next(match[name] for name in _NAMES if match[name])
        numbers = [int(number) for number in _NUMBER.findall(named)]
        good = [number for number in numbers if 1 <= number <= self.passage_count]
        if not good and match[0].startswith("("):
            return None
        self.dropped += len(numbers) - len(good)
        self.cited.update(dict.fromkeys(good))
        written = "".join(f"[{number}]" for number in good)
        is_definition = not left or left.endswith("\n")
        return written + ":" if match["defines"] and not is_definition else written

    def _write_round(self, match: re.Match[str], left: str) -> str | None:
        number, left = int(match["n8"]), left[-_LEFT:]
        if match["next"] not in _ENDS:
            self._lists_round = self._lists_round or _LISTED.search(left) is not None
            return None
        if not 1 <= number <= self.passage_count or not self._is_citation(left):
            return None
        self._cites_round = True
        self.cited.setdefault(number)
        return f"[{number}]{match['behind']}"

    def _is_citation(self, left: str) -> bool:
        if self._lists_round or (self.cited and not self._cites_round):
            return False
        return _STATED.search(left) is not None and _BELONGS.search(left) is None


def numbered(passages: Sequence[Passage], numbers: Sequence[int]) -> list[tuple[int, Passage]]:
    """Pair the cited numbers with their passages, in ascending order."""
    return [(number, passages[number - 1]) for number in sorted(numbers)]
