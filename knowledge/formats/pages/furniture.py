"""What stands on web pages and is no text of theirs: menus, breadcrumbs, cookie notices, "Back to top", contents.

And what is text though it does not look so: the folded parts of accordions, questions in templates and in JSON-LD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.pages.asides import names_contents
from knowledge.formats.sections import clean_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

UNFOLDED: Final = "data-unfolded"
"""The attribute of what a page folds away and a click shows."""
LEFT_OUT: Final = "data-left-out"
_JUMPS = re.compile(
    r"\W*(?:(?:back |go |return )?to (?:the )?top(?: of (?:the |this )?page)?|back to contents|top of page"
    r"|skip (?:to|navigation)\b.{0,30}|jump to (?:content|navigation)|(?:zurück )?nach oben|(?:zum )?seitenanfang"
    r"|zum (?:haupt)?inhalt(?: springen)?|haut de (?:la )?page|retour en haut(?: de page)?"
    r"|aller au contenu(?: principal)?"
    r"|volver arriba|ir arriba|(?:ir|saltar) al contenido|torna su|torna all'inizio|vai al contenuto|voltar ao topo"
    r"|ir para o conteúdo|terug naar boven|naar boven|do góry|наверх|トップへ戻る|ページトップへ|返回顶部|回到顶部)\W*",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"\s*(?:\[\[?_?toc_?\]?\]|\{\{\s*toc\s*\}\}|(?:(?:toc|contents)\s+)?\{:\s*toc\s*\}|@\[toc\].{0,40}|\$\{toc\})\s*",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"(?:^|[\s_-])(?:breadcrumbs?|skip-?links?|skip-?to-?(?:content|main)|back-?to-?top|scroll-?to-?top|pagination|pager"
    r"|table-?of-?contents|toc|mw-editsection|headerlink|anchorjs-link|share-?buttons?|social-?share"
    r"|cookie-?(?:banner|notice|consent|bar|popup|law|message|overlay|modal|dialog|disclaimer|hint|wall|info)s?"
    r"|cookieconsent|onetrust|usercentrics|didomi|cybotcookiebot|cmplz|gdpr|cc-window)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HOLDS_QUESTIONS: Final = ("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary")
_ROLES: Final = frozenset(
    ("navigation", "search", "menu", "menubar", "dialog", "alertdialog", "doc-toc")
)
_AGREES = re.compile(
    r"\b(?:accept|agree|allow|got it|ok(?:ay)?|reject|decline|akzeptieren|zustimmen|einverstanden|ablehnen|verstanden"
    r"|accepter|j'accepte|refuser|aceptar|rechazar|accetta|accetto|rifiuta|aceitar|accepteren|akkoord|akceptuj|принять)\b",
    re.IGNORECASE,
)
_COOKIES = re.compile(r"cookie|куки|クッキー", re.IGNORECASE)
_LONGEST_NOTICE: Final = 1200
_FEWEST_LINKS: Final = 3
_MOST_PAIRS: Final = 300
_MOST_TEMPLATES: Final = 200
_MOST_BUTTONS: Final = 50
_MOST_LINKS: Final = 50_000
_MOST_TABS: Final = 200
_MOST_FOLDED: Final = 2000
_MOST_AROUND: Final = 4
_TARGETS: Final = ("data-bs-target", "data-target")
_PANELS: Final = ("div", "section", "p", "article", "dd")
_FOLDS = re.compile(r"accordion|collaps|faq|toggle|expand|question", re.IGNORECASE)
_TEMPLATE = re.compile(r"<template\b([^>]{0,500})>(.*?)</template\s*>", re.IGNORECASE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{|\$\{|<%|\[\[")
_QUESTION = re.compile(r"\?\s*</(?:h[1-6]|summary|dt|button|strong|b|p|legend)\s*>", re.IGNORECASE)


def is_jump(text: str) -> bool:
    """Whether a link or a line only leads about the page ("Back to top")."""
    return len(text) < 60 and _JUMPS.fullmatch(text) is not None


def is_contents_mark(text: str) -> bool:
    """Whether a line is a place for a table of contents ("[toc]")."""
    return len(text) < 80 and _CONTENTS.fullmatch(text) is not None


def is_furniture(node: LexborNode) -> bool:
    """By its role or its name."""
    attributes = node.attributes
    if not attributes:
        return False
    named = f"{attributes.get('id') or ''} {attributes.get('class') or ''}"
    is_named = len(named) > 1 and _NAMES.search(named) is not None
    if not is_named and (attributes.get("role") or "") not in _ROLES:
        return False
    # What holds the page itself is none, whatever it is called.
    return node.css_first("body, main, article") is None


def open_templates(html: str) -> str:
    """Templates that a page shows (a shadow root), or that hold questions and no placeholders, as plain elements."""

    def open_one(match: re.Match[str]) -> str:
        attributes, inner = match.groups()
        is_shown = "shadowroot" in attributes.lower()
        if is_shown or (_QUESTION.search(inner) and not _PLACEHOLDER.search(inner)):
            return f"<div>{inner}</div>"
        return match.group()

    count = html.lower().count("<template")
    return _TEMPLATE.sub(open_one, html) if 0 < count <= _MOST_TEMPLATES else html


def clear_page(tree: LexborHTMLParser) -> None:
    """Take cookie notices and lists of links within the page out of it, and unfold what it folds away."""
    buttons = 0
    for node in tree.css("button, a, input[type=submit], input[type=button]"):
        shown = clean_line(node.text() or (node.attributes.get("value") or ""))
        if len(shown) < 60 and _AGREES.search(shown) and buttons < _MOST_BUTTONS:
            buttons += 1
            notice = _find_notice(node)
            if notice is not None:
                leave_out(notice)
    seen = 0
    for node in tree.css("ul, ol"):
        links = node.css("a")
        # Lists within lists are looked through once for each; a page of nothing else is no page.
        seen += len(links) + 1
        if seen > _MOST_LINKS:
            break
        title = _title_above(node)
        if _is_contents(node, links, fewest=_FEWEST_LINKS if title is None else 1):
            leave_out(node)
            if title is not None:
                leave_out(title)
    _unfold(tree)
    for button in tree.css("button"):
        parent = button.parent
        is_heading = parent is not None and parent.tag in _HOLDS_QUESTIONS
        if UNFOLDED not in button.attributes and not is_heading:
            leave_out(button)


def leave_out(node: LexborNode) -> None:
    """Mark it: taking it out of the tree would leave others that were found within it without their memory."""
    node.attrs[LEFT_OUT] = ""


def _find_notice(button: LexborNode) -> LexborNode | None:
    """The smallest block around a button of consent that speaks of cookies."""
    node = button.parent
    for _ in range(6):
        if node is None or node.tag in ("body", "main", "article"):
            return None
        text = node.text()
        if len(text) > _LONGEST_NOTICE:
            return None
        if _COOKIES.search(text):
            return node
        node = node.parent
    return None


def _title_above(node: LexborNode) -> LexborNode | None:
    """What stands before a list, where that is "On this page" or the like."""
    before = node.prev
    while before is not None and before.is_text_node and not (before.text_content or "").strip():
        before = before.prev
    if before is None or not before.is_element_node or len(before.text()) > _LONGEST_NOTICE:
        return None
    return before if names_contents(clean_line(before.text())) else None


def _is_contents(node: LexborNode, links: list[LexborNode], *, fewest: int) -> bool:
    """Whether a list is all links to places in its own page."""
    if len(links) < fewest:
        return False
    if not all((link.attributes.get("href") or "").startswith("#") for link in links):
        return False
    linked = sum(len(clean_line(link.text())) for link in links)
    return linked >= 0.9 * len(clean_line(node.text()))


def _unfold(tree: LexborHTMLParser) -> None:
    """What a button or a tab opens is text, and the button says what it is about."""
    for button in tree.css("[aria-controls][aria-expanded], button, [role=button]")[:_MOST_FOLDED]:
        panel = _find_panel(tree, button) or _find_panel_below(button)
        if panel is not None:
            panel.attrs[UNFOLDED] = "panel"
            button.attrs[UNFOLDED] = "question"
    for tab in tree.css("[role=tab][aria-controls]")[:_MOST_TABS]:
        panel = _find_panel(tree, tab)
        if panel is not None and UNFOLDED not in panel.attributes:
            # Tabs stand beside each other; each is read above what it shows.
            panel.attrs[UNFOLDED] = "panel"
            panel.insert_before(clean_line(tab.text()))
            leave_out(tab)


def _find_panel_below(button: LexborNode) -> LexborNode | None:
    """What stands behind a button that says that it folds, or behind the heading that holds nothing else."""
    attributes, said = button.attributes, clean_line(button.text())
    named = f"{attributes.get('id') or ''} {attributes.get('class') or ''}"
    if not said or not ("aria-expanded" in attributes or _FOLDS.search(named)):
        return None
    node: LexborNode | None = button
    for _ in range(_MOST_AROUND):
        if node is None or clean_line(node.text()) != said:
            return None
        panel = node.next
        while panel is not None and not panel.is_element_node:
            panel = panel.next
        if panel is not None:
            return panel if panel.tag in _PANELS and _is_answer(panel) else None
        node = node.parent
    return None


def _is_answer(panel: LexborNode) -> bool:
    """Whether it says something, and not only where to go or what else can be opened."""
    text = clean_line(panel.text())
    if panel.css_first("nav, button, [role=button]") is not None:
        return False
    linked = sum(len(clean_line(link.text())) for link in panel.css("a")[:_MOST_LINKS])
    return 2 * linked < len(text)


def _find_panel(tree: LexborHTMLParser, button: LexborNode) -> LexborNode | None:
    told = (button.attributes.get(name) or "" for name in ("aria-controls", *_TARGETS))
    name = next(filter(None, told), "").removeprefix("#")
    if not re.fullmatch(r"[\w:.-]{1,100}", name) or not clean_line(button.text()):
        return None
    panel = tree.css_first(f'[id="{name}"]')
    if panel is None or panel.tag in ("nav", "ul", "ol") or panel.css_first("nav") is not None:
        return None
    return panel


def read_questions(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """Questions and answers (as HTML) that a page holds for search engines, in JSON-LD."""
    found = 0
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            loaded = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        for pair in _find_pairs(loaded):
            yield pair
            found += 1
            if found >= _MOST_PAIRS:
                return


def _find_pairs(loaded: Any) -> Iterator[tuple[str, str]]:
    stack = [loaded]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node[_MOST_PAIRS::-1]
        elif isinstance(node, dict):
            answer = node.get("acceptedAnswer")
            answer = answer[0] if isinstance(answer, list) and answer else answer
            name = node.get("name")
            if (
                isinstance(name, str)
                and isinstance(answer, dict)
                and isinstance(answer.get("text"), str)
            ):
                yield clean_line(name), answer["text"]
            else:
                stack += [value for value in node.values() if isinstance(value, dict | list)][::-1]
