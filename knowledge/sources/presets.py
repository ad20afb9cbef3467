"""What suits help centres of known makers: `config.preset` fills in what a config does not say.

To add one, write a row. What it fills in stands in the stored config, where its owner sees and changes it. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django.utils.translation import gettext

from minirag.lib.errors import BadInput


@dataclass(frozen=True)
class Preset:
    """A help centre: where its sitemap is, under which paths its articles are, and what of an article's page is none.

    `articles` are patterns with `{locale}` for a language's part of the address.
    """

    name: str
    sitemap: str
    articles: tuple[str, ...]
    keep: str
    drop: tuple[str, ...]


PRESETS: Final[dict[str, Preset]] = {
    "zendesk": Preset(
        "Zendesk", "/hc/sitemap.xml", ("/hc/{locale}/articles/*",), "article",
        (".article-votes", ".article-relatives", ".article-author", ".article-share", ".article-subscribe",
         ".article-comments", ".comments", ".article-return-to-top", ".article-more-questions"),
    ),
    "intercom": Preset(
        "Intercom", "/sitemap.xml", ("/{locale}/articles/*", "*/{locale}/articles/*"), "article",
        (".intercom-reaction-picker", ".related_articles", ".article__related"),
    ),
    "helpscout": Preset(
        "Help Scout", "/sitemap.xml", ("/article/*",), "article",
        (".articleRatings", ".articleFoot", ".related"),
    ),
}  # fmt: skip
_LOCALE: Final = re.compile(r"[a-z]{2,3}(?:[-_][a-z]{2,4})?", re.IGNORECASE)


def fill_preset(config: dict[str, Any]) -> dict[str, Any]:
    """A config with what its preset says where it says nothing itself. Raises BadInput for one that is not known.

    An address that names no page, such as https://help.example.com/hc/de, becomes that of the sitemap; a language in
    it, or `languages`, narrows the articles to theirs.
    """
    named = config.get("preset")
    if named in (None, ""):
        return config
    preset = PRESETS.get(named) if isinstance(named, str) else None
    if preset is None:
        raise BadInput(
            gettext("config.preset must be %(what)s.") % {"what": ", ".join(PRESETS)},
            code="config_invalid",
        )
    url = config.get("url")
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        parts = None
    if parts is None:
        return config  # which is refused for that
    steps = [step for step in parts.path.split("/") if step and step != "hc"]
    is_start = not steps or (len(steps) == 1 and _LOCALE.fullmatch(steps[0]) is not None)
    locales = steps if is_start else []
    filled = dict(config)
    if is_start:
        filled["url"] = urlunsplit((parts.scheme, parts.netloc, preset.sitemap, "", ""))
    if "include" not in filled:
        filled["include"] = _list_articles(preset, locales or filled.get("languages"))
    if "clean" not in filled:
        filled["clean"] = {"keep_selector": preset.keep, "drop_selectors": list(preset.drop)}
    return filled


def _list_articles(preset: Preset, locales: Any) -> list[str]:
    """The patterns of the articles: a language's own, and those of its countries."""
    codes = [each for each in locales if isinstance(each, str)] if isinstance(locales, list) else []
    said = [code for each in codes[:20] for code in (each, f"{each}-*")] or ["*"]
    return list(dict.fromkeys(row.format(locale=code) for row in preset.articles for code in said))[
        :50
    ]
