"""What an operator has found to be no text of a source: lines to leave out, and which part of a page to keep.

`config.clean` of a source: `drop_lines` (a `*` stands for anything), `keep_selector` and `drop_selectors` (CSS, of web
pages). Bounded, and checked when it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from knowledge.formats.sections import Section, clean_line

MOST_RULES: Final = 50
LONGEST_RULE: Final = 200
_KEYS: Final = frozenset(("drop_lines", "keep_selector", "drop_selectors"))


@dataclass(frozen=True, slots=True)
class Rules:
    drop_lines: tuple[str, ...] = ()
    keep_selector: str = ""
    drop_selectors: tuple[str, ...] = ()

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Rules:
        """Those of a source's config; none where they are not as `check_rules` wants them."""
        clean = config.get("clean")
        if find_fault(clean) is not None or not clean:
            return cls()
        return cls(
            tuple(clean.get("drop_lines") or ()),
            clean.get("keep_selector") or "",
            tuple(clean.get("drop_selectors") or ()),
        )

    def apply(self, sections: tuple[Section, ...]) -> tuple[Section, ...]:
        """Sections without the lines that are to go."""
        if not self.drop_lines:
            return sections
        patterns = [clean_line(line).casefold().split("*") for line in self.drop_lines]
        kept = []
        for section in sections:
            lines = section.text.split("\n")
            left = [line for line in lines if not _matches_any(line, patterns)]
            text = "\n".join(left).strip("\n") if len(left) < len(lines) else section.text
            while "\n\n\n" in text:
                text = text.replace("\n\n\n", "\n\n")
            if text.strip():
                kept.append(replace(section, text=text))
        return tuple(kept)


def find_fault(clean: Any) -> str | None:
    """What is wrong with a `config.clean`, as a sentence about it; None where nothing is, or it is not there."""
    if clean is None:
        return None
    if not isinstance(clean, dict) or not _KEYS.issuperset(clean):
        return (
            "config.clean must have drop_lines, keep_selector and drop_selectors, or some of them."
        )
    for name in ("drop_lines", "drop_selectors"):
        rules = clean.get(name)
        if rules is not None and (
            not isinstance(rules, list) or len(rules) > MOST_RULES or not all(map(_is_rule, rules))
        ):
            return (
                f"config.clean.{name} must be a list of at most {MOST_RULES} texts of 1 to "
                f"{LONGEST_RULE} characters."
            )
    keep = clean.get("keep_selector")
    if keep and not _is_rule(keep):
        return f"config.clean.keep_selector must be a text of at most {LONGEST_RULE} characters."
    for selector in [*(clean.get("drop_selectors") or ()), *([keep] if keep else ())]:
        if not is_selector(selector):
            return f"config.clean: {selector!r} is not a CSS selector that is known here."
    return None


def is_selector(selector: str) -> bool:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        LexborHTMLParser("<p></p>").css(selector)
    except (SelectolaxError, ValueError):
        return False
    return True


def _is_rule(rule: Any) -> bool:
    return isinstance(rule, str) and bool(rule.strip(" *")) and len(rule) <= LONGEST_RULE


def _matches_any(line: str, patterns: list[list[str]]) -> bool:
    plain = clean_line(line).casefold()
    return bool(plain) and any(_matches(plain, parts) for parts in patterns)


def _matches(line: str, parts: list[str]) -> bool:
    """Whether a line is what stands between the stars, in this order, and nothing else outside of them."""
    first, *others = parts
    if not others:
        return line == first
    last = others.pop()
    if not line.startswith(first) or not line.endswith(last) or len(line) < len(first) + len(last):
        return False
    at, end = len(first), len(line) - len(last)
    for part in others:
        found = line.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
