"""Pages that hold nothing though their server says that all is well."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from minirag.lib.telling.kept_sentences import kept

ABSENT: Final = kept("It says that there is no such page, though with status 200.")
ONLY_SCRIPT: Final = kept("It shows its text only by script, which is not run here.")
_SHORT: Final = 700
_LONGEST_NOTICE: Final = 60
_PAGE: Final = re.compile(
    r"(?:page|seite|dokument|document)(?:s|e?n?)\b|página|pagina|sida|sivu|strona|stránk|oldal|σελίδα|sayfa|страниц|сторінк|页|頁|ページ"
    r"|페이지|صفحة|דף|पृष्ठ|पेज",
    re.IGNORECASE,
)
_NOT_FOUND: Final = re.compile(
    r"n[o']t (?:be )?(?:found|exist|available)|nicht (?:mehr )?(?:gefunden|verfügbar|vorhanden)|existiert nicht"
    r"|introuvable|existe pas|non trouvée|no (?:se ha |se pudo )?encontr|no existe|non (?:è stata )?trovat|non esiste"
    r"|niet (?:meer )?gevonden|bestaat niet|não (?:foi )?encontrad|não existe|nie (?:została )?znalezion|nie istnieje"
    r"|hittades inte|finnes ikke|ikke f[ui]n|ei löydy|nenalezen|nem található|δεν βρέθηκε|bulunamadı|не найден"
    r"|не существует|не знайден|不存在|找不到|未找到|見つかりません|찾을 수 없|لم يتم العثور|غير موجود|לא נמצא|नहीं मिल",
    re.IGNORECASE,
)
_BARE: Final = re.compile(
    r"(?:http |error |fehler |erreur )?404(?: error| fehler)?(?: not found)?|not found",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(r"[?？؟][\"'”“»]?$")
_DIVIDERS: Final = re.compile(r"\s[|–—·:-]\s|[|–—·:!]")


def says_not_found(names: Iterable[str], text: str) -> bool:
    """Whether a page that came with status 200 is a notice that there is none: it is short and calls itself so.

    `names` are what it calls itself: its title and its first heading. "Printer not found" is the name of a page of
    help, and so is what asks: "Page not found – what now?".
    """
    named = ([part.strip() for part in _DIVIDERS.split(name)] for name in names)
    parts = [part for each in named if not any(map(_ASKS.search, each)) for part in each]
    return len(text) < _SHORT and any(
        _BARE.fullmatch(part)
        or (len(part) <= _LONGEST_NOTICE and _PAGE.search(part) and _NOT_FOUND.search(part))
        for part in parts
    )


def has_script(page: bytes) -> bool:
    """Whether a web page brings a script, which may make its text."""
    return b"<script" in page.lower()
