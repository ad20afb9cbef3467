"""Markdown by CommonMark, with tables: markdown-it finds the blocks, and this module says which text they are.

Headings, paragraphs, lists, code, tables and YAML front matter; the words stay, the marks go.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from knowledge.formats.pages.asides import is_aside, is_cookie_notice, names_contents
from knowledge.formats.pages.dialects import write_plain
from knowledge.formats.pages.furniture import is_contents_mark, is_jump
from knowledge.formats.pages.webpage import write_fragment
from knowledge.formats.plain import decode_text
from knowledge.formats.restrictions import (
    UNREADABLE,
    is_contradictory,
    looks_restricted,
    may_restrict,
)
from knowledge.formats.sections import SectionWriter, clean_line, clean_text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(.{0,16384}?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_TOML_MATTER = re.compile(
    r"\A\+\+\+[ \t]*\n(.{0,16384}?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
# "[Note]: hot" is a remark; only with an address after it does CommonMark's definition of a link hide it.
_DEFINITION = re.compile(r"[ ]{0,3}\[[^\]]+\]:[ \t]*<?[^\s<]*[/:.#?@]")
_HAS_STRUCTURE = re.compile(r"<(?:table|dl|ul|ol|details|summary|h[1-6])\b", re.IGNORECASE)
# "Text[^1]" and "[^1]: the note".
_NOTE = re.compile(r"^\[\^[^\]\s]{1,50}\]:[ \t]*|\[\^[^\]\s]{1,50}\]", re.MULTILINE)
_MOST_MERGED = 1000
_LARGEST_NUMBER = 2**63
# What our own reader says of a document, under these names.
_RESERVED = frozenset(("notes", "encoding"))
# What is nested deeper than this is dropped by the library, with its text.
_DEEPEST = 100
# Only real HTML: "<tenant>" in prose is a placeholder that the reader needs.
_TAG = re.compile(
    r"</?(?:a|b|br|center|code|details|div|em|hr|i|img|kbd|li|ol|p|pre|small|span|strong|sub|summary|sup|table|tbody"
    r"|td|th|thead|tr|u|ul)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_STRIKES = re.compile(r"<(?P<closes>/?)(?P<name>del|s|strike)(?:\s[^<>]{0,2000})?>", re.IGNORECASE)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import reference

    def define_link(state: StateBlock, first: int, last: int, silent: bool) -> bool:
        line = state.src[state.bMarks[first] : state.eMarks[first]]
        return bool(_DEFINITION.match(line)) and reference(state, first, last, silent)

    reader = MarkdownIt("commonmark", {"maxNesting": _DEEPEST})
    reader.block.ruler.at("reference", define_link)
    return reader.enable(["table", "strikethrough"])


def words_of(inline: Sequence[Token]) -> str:
    """Words without Markdown's marks. A link keeps its address, an image its description."""
    parts: list[str] = []
    marks: list[int] = []
    links: list[tuple[int, str]] = []
    shown = _leave_out_struck(inline)
    for at, token in enumerate(shown):
        if token.type in ("em_open", "strong_open"):
            marks.append(len(parts))
            # "2*3*4" multiplies: one asterisk between letters or digits, on both sides.
            in_word = token.markup == "*" and "".join(parts[-1:])[-1:].isalnum()
            parts.append(token.markup if in_word else "")
        elif token.type in ("em_close", "strong_close"):
            start = marks.pop()
            goes_on = at + 1 < len(shown) and shown[at + 1].content[:1].isalnum()
            parts[start] = parts[start] if goes_on else ""
            parts.append(parts[start])
        elif token.type == "link_open":
            links.append((len(parts), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            start, address = links.pop()
            label = "".join(parts[start:])
            parts.append(f" ({address})" if "://" in address and label not in ("", address) else "")
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif token.type == "image":
            parts.append(words_of(token.children or []))
        else:
            parts.append(
                _TAG.sub(" ", token.content) if token.type == "html_inline" else token.content
            )
    return "".join(parts)


def _leave_out_struck(inline: Sequence[Token]) -> list[Token]:
    """The tokens without words that are struck out; what opens or closes anything stays, for each has its other end."""
    opened: list[tuple[str, int]] = []
    struck: list[tuple[int, int]] = []
    for at, token in enumerate(inline):
        tag = _STRIKES.fullmatch(token.content) if token.type == "html_inline" else None
        name = tag["name"].lower() if tag else token.tag
        if token.type == "s_open" or (tag and not tag["closes"]):
            opened.append((name, at))
        elif (token.type == "s_close" or tag) and opened and opened[-1][0] == name:
            start = opened.pop()[1]
            while struck and struck[-1][0] > start:
                struck.pop()
            struck.append((start, at))
    kept, at = [], 0
    for start, end in struck:
        kept += [*inline[at:start], *(each for each in inline[start : end + 1] if each.nesting)]
        at = end + 1
    return [*kept, *inline[at:]]


def _drop_struck(html: str) -> str:
    """The same of what stands in tags of its own."""
    kept, at = [], 0
    opened: re.Match[str] | None = None
    for tag in _STRIKES.finditer(html):
        if not tag["closes"]:
            opened = opened or tag
        elif opened is not None and tag["name"].lower() == opened["name"].lower():
            kept.append(html[at : opened.start()])
            at, opened = tag.end(), None
    return "".join([*kept, html[at:]])


def drop_comments(text: str) -> str:
    """Without <!-- comments -->; one that is never closed is text."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        # No database takes what is no number, or of any length.
        return value if abs(value) < _LARGEST_NUMBER else None
    return clean_line(str(value))[:1000] if isinstance(value, str) else None


def read_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """(metadata, the rest) of a head in YAML ("---") or TOML ("+++"). What is neither stays in the text.

    Only scalars and flat lists are kept, and that there is more of what restricts who may read it. So is it where what
    follows looks like another head, or the head is not one that can be read.
    """
    match = _FRONT_MATTER.match(text) or _TOML_MATTER.match(text)
    if match is None:
        return ({"visibility": UNREADABLE} if looks_restricted(text) else {}), text
    loaded = _load_matter(match.group(1), is_toml=text.startswith("+"))
    if loaded is None:
        kept: dict[str, Any] = {"visibility": UNREADABLE} if may_restrict(match.group(1)) else {}
        # Without its fences: the second would make a heading of the line before it.
        return kept, f"{match.group(1)}\n\n{text[match.end() :]}"
    metadata: dict[str, Any] = {}
    is_unclear = is_contradictory(match.group(1), loaded) or looks_restricted(text[match.end() :])
    named = [(name, value) for key, value in loaded.items() if (name := _name_of(key))]
    restricting = [each for each in named if may_restrict(f"{each[0]}:")]
    others = [each for each in named if not may_restrict(f"{each[0]}:")]
    for name, value in [*restricting, *others[:50]]:
        if isinstance(value, list):
            metadata[name] = [
                _plain_value(item) for item in value[:100] if _plain_value(item) is not None
            ]
        elif (plain := _plain_value(value)) is not None:
            metadata[name] = plain
        if may_restrict(f"{name}:") and value and not metadata.get(name):
            metadata[name] = UNREADABLE
    if is_unclear:
        metadata["visibility"] = UNREADABLE
    return metadata, text[match.end() :]


def _name_of(key: Any) -> str:
    """Under which name a field is kept; "" for one that is not."""
    plain = _plain_value(key)
    name = "" if plain is None else str(plain)[:100]
    return "" if name in _RESERVED else name


class _MatterLoader(yaml.SafeLoader):
    """What is merged into a mapping ("<<") is bounded: some ten lines could make gigabytes of it."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _MOST_MERGED:
            raise yaml.YAMLError("too much is merged")


def _load_matter(text: str, *, is_toml: bool) -> dict[Any, Any] | None:
    try:
        loaded = tomllib.loads(text) if is_toml else yaml.load(text, _MatterLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _is_furniture(line: str) -> bool:
    return is_jump(line) or is_contents_mark(line) or is_aside(line)


def _join_terms(lines: list[str]) -> str:
    """A list of terms (": what it means", below each) with the terms before their meanings, as of a web page."""
    is_meaning = [line.lstrip().startswith(": ") for line in lines]
    if not any(is_meaning) or is_meaning[0]:
        return "\n".join(lines)
    joined: list[str] = []
    for at, line in enumerate(lines):
        if not is_meaning[at]:
            joined.append(line)
            continue
        mark = " " if is_meaning[at - 1] else ": "
        joined[-1] += mark + line.lstrip()[2:].strip()
    return "\n".join(joined)


class _Blocks:
    """Walks the blocks once, from top to bottom; a list is one paragraph, with its marks and its depth."""

    def __init__(self, writer: SectionWriter) -> None:
        self.writer = writer
        self.lines: list[str] = []
        self.depth = 0
        self.mark = ""
        self.rows: list[list[str]] = []
        self.entries = self.inner_links = 0
        self.contents: tuple[int, str] | None = None

    def read(self, tokens: Sequence[Token]) -> None:
        for at, token in enumerate(tokens):
            match token.type:
                case "bullet_list_open" | "ordered_list_open":
                    self.depth += 1
                case "bullet_list_close" | "ordered_list_close":
                    self.depth -= 1
                    if not self.depth:
                        self.end_list()
                case "list_item_open":
                    self.mark = f"{token.info}{token.markup} " if token.info else "- "
                case "inline":
                    self.count_entry(token.children or [])
                    self.take_words(tokens[at - 1], words_of(token.children or []))
                case "fence" | "code_block":
                    self.end_list()
                    self.open_contents()
                    self.writer.add_code(token.content)
                case "html_block":
                    self.take_html(token.content)
                case "tr_open":
                    self.rows.append([])
                case "table_close":
                    self.end_list()
                    self.open_contents()
                    self.writer.add_table(self.rows)
                    self.rows = []

    def count_entry(self, inline: Sequence[Token]) -> None:
        shown = [token for token in inline if token.type == "link_open" or token.content.strip()]
        self.entries += self.depth > 0
        self.inner_links += (
            self.depth > 0 and bool(shown) and shown[0].type == "link_open"
            and str(shown[0].attrs.get("href", "")).startswith("#")
            and sum(token.type == "link_open" for token in shown) == 1 and shown[-1].level > shown[0].level
        )  # fmt: skip

    def take_words(self, opening: Token, words: str) -> None:
        if opening.type in ("th_open", "td_open"):
            self.rows[-1].append(words.strip())
        elif opening.type == "heading_open" and not opening.level:
            self.open_contents()
            if names_contents(clean_line(words)):
                self.contents = int(opening.tag[1:]), words
            else:
                self.writer.open_heading(int(opening.tag[1:]), words)
        else:
            self.add_text(words)

    def open_contents(self) -> None:
        """A heading "Contents" that has no list of links below it is one like any other."""
        if self.contents is not None:
            self.writer.open_heading(*self.contents)
            self.contents = None

    def take_html(self, html: str) -> None:
        if self.depth or not _HAS_STRUCTURE.search(html):
            self.add_text(_TAG.sub(" ", _drop_struck(html)))
        else:
            self.open_contents()
            write_fragment(html, self.writer)

    def add_text(self, words: str) -> None:
        if not self.depth:
            lines = [line for line in words.split("\n") if not _is_furniture(line)]
            if not any(map(str.strip, lines)):
                self.contents = None
                return
            self.open_contents()
            text = _NOTE.sub("", _join_terms(lines))
            if not is_cookie_notice(text, self.writer.heading):
                self.writer.add_paragraph(text)
            return
        if words.strip().lower() in ("", "[ ]", "[x]"):
            return  # all of it is struck out, or is a picture
        indent = "  " * (self.depth - 1)
        first, *others = words.split("\n")
        behind = indent + " " * len(self.mark or "- ")
        self.lines.append((indent + self.mark if self.mark else behind) + first)
        self.lines += [behind + line.strip() for line in others if line.strip()]
        self.mark = ""

    def end_list(self) -> None:
        if self.lines:
            # A list of links within the page is its table of contents.
            fewest = 3 if self.contents is None else 1
            if self.entries == 1 and _is_furniture(" ".join(self.lines).lstrip("- ")):
                self.contents = None
            elif self.inner_links < max(fewest, self.entries):
                self.open_contents()
                self.writer.add_paragraph(_NOTE.sub("", "\n".join(self.lines)))
            self.contents = None
            self.lines = []
        self.inner_links = self.entries = 0


def parse_markdown(data: bytes, writer: SectionWriter) -> dict[str, object]:
    metadata, text = read_front_matter(clean_text(decode_text(data)))
    blocks = _Blocks(writer)
    blocks.read(_reader().parse(write_plain(drop_comments(text))))
    blocks.open_contents()
    return metadata
