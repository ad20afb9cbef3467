"""Where the links of a page lead, where its words do not say it: "here", a form to download, "write to us".

All other addresses stay out: they are no text, and would be found and quoted as if they were.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urljoin, urlsplit

from knowledge.formats.sections import clean_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_POINTING = re.compile(
    r"\W*(?:(?:click |tap |right )?here|this (?:link|page|form|document|file)|(?:klick(?:en sie)? )?hier"
    r"|diese[rm]? link"
    r"|(?:cliquez )?ici|(?:haga clic )?aquí|(?:clicca )?qui|aqui|(?:klik )?hier|download(?: here)?|herunterladen"
    r"|zum download|télécharger|descargar|scarica|link|pdf)\W*",
    re.IGNORECASE,
)
_FILES: Final = (
    ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".odp", ".rtf", ".csv", ".zip", ".epub",
    ".ics", ".exe", ".msi", ".dmg", ".apk",
)  # fmt: skip
_LETTERS = re.compile(r"[^\w@]+")
_LONGEST: Final = 300
_MOST: Final = 1000


def write_out_links(tree: LexborHTMLParser, address: str) -> None:
    """Write the address behind such a link, in full: `address` is that of the page, if it names none itself."""
    base = _find_base(tree, address)
    for link in tree.css("a[href]")[:_MOST]:
        shown = _read_target(link, base)
        if shown:
            link.insert_after(f" ({shown})")


def _find_base(tree: LexborHTMLParser, address: str) -> str:
    canonical = tree.css_first("link[rel=canonical][href]")
    base = tree.css_first("base[href]")
    found = address or (canonical.attributes.get("href") or "" if canonical is not None else "")
    return _join(found, base.attributes.get("href") or "") if base is not None else found


def _read_target(link: LexborNode, base: str) -> str:
    href = (link.attributes.get("href") or "").strip()
    scheme, _, rest = href.partition(":")
    words = clean_line(link.text())
    if scheme.lower() in ("mailto", "tel"):
        reached = clean_line(unquote(rest.partition("?")[0]))[:100]
        return "" if _bare(reached) in _bare(words) else reached
    if not words or href.startswith("#"):
        return ""
    target = _join(base, href)
    if not target.startswith(("http://", "https://")) or len(target) > _LONGEST:
        return ""
    is_file = urlsplit(target).path.lower().endswith(_FILES)
    return target if (is_file or _POINTING.fullmatch(words)) and target not in words else ""


def _join(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return ""


def _bare(text: str) -> str:
    return _LETTERS.sub("", text).casefold()
