"""Lines that a page says about itself and not about its subject, told by their words alone, in the usual languages.

"Was this page helpful?", "Edit this page on GitHub", "This site uses cookies. By continuing you agree …", and the
headings of lists that only lead about the page ("On this page").
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 90
_LONGEST_NOTICE: Final = 700
_ASIDE = re.compile(
    r"\W*(?:(?:was|is) this (?:page|article|answer|information|document|topic) (?:helpful|useful)(?: to you)?"
    r"|did (?:this|you find this) (?:page|article|answer|information) ?(?:help|helpful|useful|answer your question)?"
    r"|war(?:en)? (?:diese|dieser) (?:seite|artikel|informationen|antwort|beitrag) hilfreich"
    r"|cette page (?:vous )?a-t-elle été utile|cet article vous a-t-il été utile|¿?te ha resultado útil esta página"
    r"|questa pagina ti è stata utile|edit this page(?: on (?:github|gitlab|bitbucket))?|edit on (?:github|gitlab)"
    r"|improve this page|view (?:page )?source(?: on github)?|diese seite bearbeiten|modifier cette page"
    r"|editar esta página"
    r"|print (?:this )?(?:page|article)|seite drucken|imprimer(?: cette page)?|share (?:this )?(?:page|article|post)"
    r"|(?:subscribe|sign up) (?:to|for) (?:our|the) newsletter|newsletter abonnieren"
    r"|(?:(?:page )?last (?:updated|modified)|zuletzt (?:aktualisiert|geändert))(?: by)? ?[\d./: -]{0,20})\W*",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"\W*(?:(?:table of )?contents|on this page|in this (?:article|page|section|guide)|jump to(?: section)?|toc"
    r"|inhalt(?:sverzeichnis|sübersicht)?|auf dieser seite|in diesem artikel|sommaire|table des matières|sur cette page"
    r"|índice|contenido|en esta página|indice|in questa pagina|inhoud(?:sopgave)?|op deze pagina|spis treści"
    r"|содержание|目次|目录)\W*",
    re.IGNORECASE,
)
_COOKIES = re.compile(r"cookie|куки|クッキー", re.IGNORECASE)
_CONSENTS = re.compile(
    r"\b(?:by (?:continuing|using|browsing|visiting|clicking|closing)\b.{0,120}\b(?:agree|accept|consent)"
    r"|if you (?:continue|carry on)\b.{0,160}\b(?:agree|accept|assume|consent)"
    r"|(?:durch|mit) (?:die|der|dem) (?:weitere[nr]? )?(?:nutzung|verwendung|besuch|klick)\b.{0,160}"
    r"\b(?:zu|einverstanden|zustimm\w+)"
    r"|wenn sie (?:fortfahren|weitersurfen)\b.{0,120}(?:zu|einverstanden)"
    r"|en (?:poursuivant|continuant)\b.{0,160}\bacceptez|si contin[uú]a\b.{0,160}\bacepta"
    r"|(?:proseguendo|continuando)\b.{0,160}\b(?:accetti|acconsenti|accett\w+))",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT_IT = re.compile(
    r"cookie|privacy|datenschutz|confidentialité|privacidad|riservatezza", re.IGNORECASE
)


def is_aside(text: str) -> bool:
    """Whether a line is about the page itself ("Was this page helpful?")."""
    return len(text) < _LONGEST and _ASIDE.fullmatch(text) is not None


def names_contents(text: str) -> bool:
    """Whether a heading is that of a list of contents ("On this page")."""
    return len(text) < _LONGEST and _CONTENTS.fullmatch(text) is not None


def is_cookie_notice(text: str, headings: tuple[str, ...]) -> bool:
    """Whether a paragraph asks to agree to cookies; where the headings say that it is the subject, it is text."""
    return (
        len(text) < _LONGEST_NOTICE
        and _COOKIES.search(text) is not None
        and _CONSENTS.search(text) is not None
        and not any(map(_ABOUT_IT.search, headings))
    )
