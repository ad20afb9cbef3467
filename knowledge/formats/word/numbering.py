"""The numbers that Word counts by itself, of headings and of lists: nowhere in the text, but part of what is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%(\d)")
_DEEPEST: Final = 8
_MOST: Final = 100_000
_ROMAN: Final = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
BULLET: Final = "-"


@dataclass(slots=True)
class _Level:
    start: int = 1
    kind: str = "decimal"
    text: str = ""
    style: str = ""
    is_plain: bool = False
    """Whether the numbers of the levels above are written as figures here, whatever they are there."""


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)


class Numbering:
    """Counts while the paragraphs are read in their order."""

    def __init__(self, numbering: Any, styles: Any) -> None:
        self._lists: dict[str, _List] = {}
        self._of: dict[str, str] = {}
        self._starts: dict[tuple[str, int], int] = {}
        self._by_style: dict[str, tuple[str, int | None]] = {}
        if styles is not None:
            self._read_styles(styles)
        if numbering is not None:
            self._read(numbering)

    def label(self, properties: Any, style: str) -> tuple[str, int] | None:
        """The label and the depth of the next paragraph with these `w:pPr` and this style; None where it has none."""
        number, level = self._find(properties, style)
        found = self._lists.get(self._of.get(number, ""))
        if found is None:
            return None
        if level is None:
            level = next((at for at, each in found.levels.items() if each.style == style), 0)
        level = min(max(level, 0), _DEEPEST)
        shown = found.levels.get(level, _Level())
        self._count(found, number, level)
        if shown.kind == "bullet":
            return BULLET, level
        return (
            _PLACE.sub(lambda match: self._write(found, shown, match), shown.text).strip(),
            level,
        )

    def _count(self, found: _List, number: str, level: int) -> None:
        if number not in found.started:
            found.started.add(number)
            for (other, at), start in self._starts.items():
                if other == number:
                    found.counts[at] = start - 1
        for deeper in range(level + 1, _DEEPEST + 1):
            found.counts.pop(deeper, None)
        start = found.levels.get(level, _Level()).start
        found.counts[level] = min(found.counts.get(level, start - 1) + 1, _MOST)

    def _write(self, found: _List, shown: _Level, match: re.Match[str]) -> str:
        at = int(match.group(1)) - 1
        level = found.levels.get(at, _Level())
        value = found.counts.get(at, level.start)
        return write_number(value, "decimal" if shown.is_plain else level.kind)

    def _find(self, properties: Any, style: str) -> tuple[str, int | None]:
        """The number of its list, "" for none, and the level, if it says one."""
        own = properties.find(f"{W}numPr") if properties is not None else None
        number, level = self._by_style.get(style, ("", None))
        if own is not None:
            said = own.find(f"{W}numId")
            number = said.get(f"{W}val") or "" if said is not None else number
            level = _read_value(own, "ilvl", level)
        return ("" if number == "0" else number), level

    def _read_styles(self, styles: Any) -> None:
        based: dict[str, str] = {}
        for style in styles.findall(f"{W}style"):
            name = style.get(f"{W}styleId") or ""
            parent = style.find(f"{W}basedOn")
            if parent is not None:
                based[name] = parent.get(f"{W}val") or ""
            own = style.find(f"{W}pPr/{W}numPr")
            if own is not None:
                said = own.find(f"{W}numId")
                number = said.get(f"{W}val") or "" if said is not None else ""
                self._by_style[name] = number, _read_value(own, "ilvl", None)
        for name in based:
            parent_name, seen = based[name], 0
            while name not in self._by_style and parent_name and seen < 10:
                if parent_name in self._by_style:
                    self._by_style[name] = self._by_style[parent_name]
                parent_name, seen = based.get(parent_name, ""), seen + 1

    def _read(self, numbering: Any) -> None:
        linked: dict[str, str] = {}
        by_link: dict[str, str] = {}
        for abstract in numbering.findall(f"{W}abstractNum"):
            name = abstract.get(f"{W}abstractNumId") or ""
            self._lists[name] = _List({
                int(level.get(f"{W}ilvl") or 0): _read_level(level) for level in abstract.findall(f"{W}lvl")
            })  # fmt: skip
            for tag, known in (("numStyleLink", linked), ("styleLink", by_link)):
                link = abstract.find(f"{W}{tag}")
                if link is not None:
                    style = link.get(f"{W}val") or ""
                    known[name if tag == "numStyleLink" else style] = (
                        style if tag == "numStyleLink" else name
                    )
        for num in numbering.findall(f"{W}num"):
            name = num.get(f"{W}numId") or ""
            said = num.find(f"{W}abstractNumId")
            abstract_name = said.get(f"{W}val") or "" if said is not None else ""
            self._of[name] = by_link.get(linked.get(abstract_name, ""), abstract_name)
            for override in num.findall(f"{W}lvlOverride"):
                start = _read_value(override, "startOverride", None)
                if start is not None:
                    self._starts[name, int(override.get(f"{W}ilvl") or 0)] = start


def _read_level(level: Any) -> _Level:
    def said(tag: str, default: str) -> str:
        found = level.find(f"{W}{tag}")
        return default if found is None else found.get(f"{W}val") or default

    return _Level(
        _read_value(level, "start", 1) or 0, said("numFmt", "decimal"), said("lvlText", ""), said("pStyle", ""),
        level.find(f"{W}isLgl") is not None,
    )  # fmt: skip


def _read_value(parent: Any, tag: str, default: int | None) -> int | None:
    found = parent.find(f"{W}{tag}")
    value = found.get(f"{W}val") if found is not None else None
    return (
        int(value)
        if value and value.lstrip("-").isascii() and value.lstrip("-").isdigit()
        else default
    )


def write_number(value: int, kind: str) -> str:
    match kind:
        case "none" | "bullet":
            return ""
        case "upperLetter" | "lowerLetter":
            # After z come aa, bb and so on.
            letter = chr(97 + (value - 1) % 26) * ((value - 1) // 26 + 1)
            return letter.upper() if kind == "upperLetter" else letter
        case "upperRoman" | "lowerRoman":
            return _write_roman(value).upper() if kind == "upperRoman" else _write_roman(value)
        case "decimalZero":
            return f"{value:02}"
    return str(value)


def _write_roman(value: int) -> str:
    if not 0 < value < 4000:
        return str(value)
    text = ""
    for worth, letters in _ROMAN:
        text += letters * (value // worth)
        value %= worth
    return text
