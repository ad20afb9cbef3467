"""HTML: the words a reader sees, with headings, lists, tables and code, without the page's furniture."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from knowledge.formats.encodings import find_codec
from knowledge.formats.pages.asides import is_aside, is_cookie_notice
from knowledge.formats.pages.cells import count_heads, join_heads, lay_out
from knowledge.formats.pages.furniture import (
    clear_page,
    is_furniture,
    is_jump,
    open_templates,
    read_questions,
)
from knowledge.formats.pages.links import write_out_links
from knowledge.formats.pages.margins import clear_margins
from knowledge.formats.pages.nodes import (
    INLINE,
    children_of,
    is_hidden,
    number_of,
    read_line,
    read_raised,
)
from knowledge.formats.pages.restricting import read_restriction
from knowledge.formats.sections import ParseError, SectionWriter, clean_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_NEVER_SHOWN = frozenset(
    ("script", "style", "noscript", "svg", "template", "iframe", "object", "canvas", "head", "math", "select",
     "datalist", "textarea", "video", "audio", "dialog")
)  # fmt: skip
_FURNITURE = frozenset(("nav", "footer"))
_DAYS = (
    'meta[property="article:modified_time"]', 'meta[property="og:updated_time"]', "meta[itemprop=dateModified]",
    'meta[name="last-modified"]', 'meta[property="article:published_time"]', "meta[itemprop=datePublished]",
    "meta[name=date]", 'meta[name="dcterms.modified"]', 'meta[name="DC.date"]',
)  # fmt: skip
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_HEADING_LEVEL = {f"h{level}": level for level in range(1, 7)}
# Letters of these are bytes; a page that says so and is UTF-8 was saved by another program than it was written for.
_ONE_BYTE = re.compile(r"(?:us-)?ascii|iso[-_]?8859|latin|windows-125|cp125|x-cp125|koi8")
_CHARSET = re.compile(
    rb"""<meta[^<>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)


def _is_utf_8(data: bytes) -> bool:
    """Whether there are letters beyond ASCII, and all of them are UTF-8: by chance they hardly ever are."""
    try:
        return not data.isascii() and bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def decode_html(data: bytes) -> tuple[str, str]:
    """(text, encoding): byte order mark, then the page's own declaration, then UTF-8, then windows-1252.

    The last step is the HTML standard's for undeclared pages; the encoding that was used is kept in the metadata.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "utf-16"
    declared = _CHARSET.search(data[:4096])
    names = ["utf-8-sig"]
    if declared is not None:
        # A page that was read by ASCII rules cannot be UTF-16, whatever it says.
        name = declared.group(1).decode("ascii").lower()
        is_utf = name.startswith(("utf-8", "utf8", "utf-16")) or find_codec(name) is None
        if is_utf or (_ONE_BYTE.match(name) and _is_utf_8(data)):
            name = "utf-8-sig"
        names.insert(0, name)
    for name in names:
        try:
            return data.decode(
                "windows-1252" if name in ("iso-8859-1", "latin1", "latin-1") else name
            ), name
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("windows-1252", "replace"), "windows-1252"


class _Walker:
    """Writes a tree of nodes. An own stack instead of recursion: pages nest deeper than Python may."""

    def __init__(
        self, writer: SectionWriter, *, dropped: frozenset[str], drops_furniture: bool = True
    ) -> None:
        self.writer = writer
        self.dropped = _NEVER_SHOWN | dropped
        self.drops_furniture = drops_furniture
        self.words: list[str] = []
        self.lists: list[int | None] = []
        self.items: list[str] = []
        self.marker = ""

    def flush(self) -> None:
        """Ends the running paragraph or list item."""
        lines = [clean_line(line) for line in "".join(self.words).split("\n")]
        self.words = []
        text = "\n".join(line for line in lines if line and not is_aside(line))
        if not text or (not self.lists and is_cookie_notice(text, self.writer.heading)):
            return
        if self.lists:
            self.add_item(text)
        else:
            self.writer.add_paragraph(text)

    def add_item(self, text: str) -> None:
        """A line of the running list: its first one carries the marker, later ones are indented under it."""
        self.items.append(self.marker + text)
        self.marker = " " * len(self.marker) if self.marker.strip() else self.marker

    def walk(self, root: LexborNode) -> None:
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                self.leave(node)
                continue
            if node.is_text_node:
                # A line break in the source is a space on the page; only <br> breaks a line.
                self.words.append((node.text_content or "").replace("\n", " "))
            elif node.is_element_node and self.enter(node):
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(list(children_of(node))))
        self.flush()

    def enter(self, node: LexborNode) -> bool:
        """Whether to walk the node's children."""
        tag = node.tag or ""
        if tag in self.dropped or is_hidden(node):
            return False
        if self.drops_furniture and is_furniture(node):
            return False
        if tag == "a" and (is_jump(said := clean_line(node.text())) or is_aside(said)):
            return False
        if tag == "sup" and (raised := read_raised(node)) is not None:
            self.words.append(raised)
            return False
        if tag == "img":
            self.note_picture(node)
        if tag in INLINE:
            return True
        if tag == "button":
            # Within its heading, or a line above what it opens.
            return True
        if tag == "br":
            self.words.append("\n")
            return False
        self.flush()
        if tag in _HEADING_LEVEL and not self.lists:
            self.writer.open_heading(_HEADING_LEVEL[tag], read_line(node).rstrip("#¶§ "))
            return False
        if tag == "pre":
            self.write_code(node)
            return False
        if tag == "table" and not self.lists:
            return not self.write_table(node)
        if tag == "dl" and not self.lists:
            return not self.write_terms(node)
        if tag in ("ul", "ol", "menu"):
            self.lists.append(number_of(node, "start", 1) - 1 if tag == "ol" else None)
        elif tag == "li" and self.lists:
            self.start_item(node)
        return True

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in INLINE:
            return
        if tag in ("summary", "button") and not self.lists:
            # The question and the first lines of its answer belong together.
            self.words.append("\n")
            return
        self.flush()
        if tag in ("ul", "ol", "menu") and self.lists:
            self.lists.pop()
            if not self.lists:
                self.writer.add_paragraph("\n".join(self.items))
                self.items, self.marker = [], ""

    def note_picture(self, node: LexborNode) -> None:
        """What is said of a picture that stands alone; within a line it says the line once more."""
        if self.lists or clean_line("".join(self.words)):
            return
        self.writer.add_picture((node.attributes or {}).get("alt") or "")

    def start_item(self, node: LexborNode) -> None:
        indent = "  " * (len(self.lists) - 1)
        number = self.lists[-1]
        if number is not None:
            self.lists[-1] = number = number_of(node, "value", number + 1)
        self.marker = f"{indent}- " if number is None else f"{indent}{number}. "

    def write_code(self, node: LexborNode) -> None:
        text = node.text(deep=True)
        if self.lists:
            self.add_item(text.strip("\n"))
        else:
            self.writer.add_code(text)

    def write_terms(self, node: LexborNode) -> bool:
        """Whether it was a plain list of terms with what they mean: a paragraph for each."""
        if node.css_first("ul, ol, table, pre, dl dl") is not None:
            return False
        parts = node.css("dt, dd")
        if not parts:
            return False
        terms: list[str] = []
        meanings: list[str] = []
        for part in [*parts, None]:
            if part is None or (part.tag == "dt" and meanings):
                term = ", ".join(terms)
                joint = "\n" if term.endswith(("?", ":", "？")) else ": " if term else ""
                self.writer.add_paragraph(f"{term}{joint}{' '.join(meanings)}")
                terms, meanings = [], []
            if part is not None and not is_hidden(part):
                (terms if part.tag == "dt" else meanings).append(read_line(part))
        return True

    def write_table(self, table: LexborNode) -> bool:
        """Whether it was a table of data; a table that only lays out the page is walked like any block."""
        cells = [
            [each for each in children_of(row) if each.tag in ("td", "th") and not is_hidden(each)]
            for row in table.css("tr")
        ]
        rows = lay_out(cells, read_line)
        if max(map(len, rows), default=0) < 2 or len(table.css("table")) > 1:
            return False
        caption = table.css_first("caption")
        if caption is not None:
            self.writer.add_paragraph(read_line(caption))
        heads = count_heads(cells)
        self.writer.add_table([join_heads(rows[:heads]), *rows[heads:]] if heads > 1 else rows)
        return True


def _find_main(body: LexborNode) -> LexborNode | None:
    for selector in ("main", "[role=main]", "article"):
        found = [node for node in body.css(selector) if not is_hidden(node)]
        # Several articles make a listing: the page itself is then the content.
        if found and (len(found) == 1 or selector != "article"):
            return found[0]
    return None


def parse_html(data: bytes, writer: SectionWriter) -> dict[str, object]:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    text, encoding = decode_html(data)
    try:
        tree = LexborHTMLParser(open_templates(text.replace("\0", "")))
    except SelectolaxError:
        # HTML cannot be wrong, only too much: the parser fails when it gets no more memory.
        raise ParseError(
            "Reading this HTML page needs more memory than is allowed.", code="too_large"
        ) from None
    metadata: dict[str, object] = {"encoding": encoding.removesuffix("-sig")}
    title = tree.css_first("head title") or tree.css_first("title")
    if title is not None and clean_line(title.text()):
        metadata["title"] = clean_line(title.text())[:500]
    description = tree.css_first("meta[name=description]")
    if description is not None and description.attributes.get("content"):
        metadata["description"] = clean_line(description.attributes["content"] or "")[:1000]
    metadata |= _find_day(tree) | read_restriction(tree, text)
    if tree.body is None:
        return metadata
    questions = list(read_questions(tree))
    clear_page(tree)
    clear_margins(tree)
    write_out_links(tree, writer.address)
    tree.strip_tags(sorted(_NEVER_SHOWN - {"head"}), recursive=True)
    _write_body(tree.body, writer)
    _write_questions(questions, writer)
    return metadata


def _find_day(tree: LexborHTMLParser) -> dict[str, str]:
    """The day of its last change, or of its publication, as a page tells machines."""
    for selector in _DAYS:
        found = tree.css_first(selector)
        told = (found.attributes.get("content") or "").strip() if found is not None else ""
        if _DAY.match(told):
            return {"date": told[:10]}
    return {}


def _write_body(body: LexborNode, writer: SectionWriter) -> None:
    """The main part; without one all but the menus; and where that is nothing, everything."""
    main = _find_main(body)
    if main is not None:
        _Walker(writer, dropped=_FURNITURE).walk(main)
    if main is None or not writer.finish():
        _Walker(writer, dropped=frozenset(("nav",))).walk(body)
        if not writer.finish():
            _Walker(writer, dropped=frozenset(), drops_furniture=False).walk(body)


def write_fragment(html: str, writer: SectionWriter) -> None:
    """HTML within another text."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    if tree.body is not None:
        _Walker(writer, dropped=_FURNITURE).walk(tree.body)


def _write_questions(questions: list[tuple[str, str]], writer: SectionWriter) -> None:
    """Those that the page does not show itself."""
    shown = clean_line(" ".join(section.text for section in writer.finish())).casefold()
    headings = {name.casefold() for section in writer.sections for name in section.heading}
    writer.end_headings()
    for question, answer in questions:
        if question.casefold() in shown or question.casefold() in headings:
            continue
        inner = SectionWriter()
        write_fragment(answer, inner)
        text = "\n".join(section.text for section in inner.finish())
        if text:
            writer.add_paragraph(f"{question}\n{text}")
