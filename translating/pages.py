"""Keeps `django.po`, what people read in the admin and in mails, as the code is: `python -m translating.pages`.

The words are those of `gettext` in the code and of `translate` in the templates, marked where they stand; the names of
models, their fields and choices, which nobody marks (`minirag.pages.model_words`); and what the theme says and Django
does not translate. Each app has a file of its own, so that people who work on different apps do not meet; a word that
several say stands in the first of them. New words stand there empty. A test compares.
"""

from __future__ import annotations

import ast
import gettext
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.utils.translation import override

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
django.setup()  # the models and pages are asked for their words

from minirag.pages.model_words import own_models, words_of  # noqa: E402
from tenants.admin_site.sites import platform_site, tenant_site  # noqa: E402
from translating.kept import build_templates, kept_of_code  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES, DOMAIN = ("de",), "django"
APPS = ("tenants", "bots", "webhooks", "knowledge", "conversations", "minirag")
HEADER = (
    'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
)
DAY = datetime(2026, 1, 1, tzinfo=UTC)  # a build of the same texts is the same file
_ONE = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_SEVERAL = {"ngettext", "ngettext_lazy"}
_STRING = r"""(?:"([^"]+)"|'([^']+)')"""
_TAG = re.compile(rf"\{{%-? *(?:trans|translate) {_STRING}")
_IN_EXPRESSION = re.compile(rf"""(?<![\w'"])_\({_STRING}\)""")
_BLOCK = re.compile(
    r"\{% blocktrans(?:late)?\b([^%]*)%\}(.*?)(?:\{% plural %\}(.*?))?\{% endblocktrans(?:late)? %\}",
    re.S,
)
# Parts of the theme for packages that are not installed here.
_UNUSED = {"import_export", "simple_history", "guardian", "crispy", "location_field", "constance"}
Phrase = str | tuple[str, str]


def phrases_of_code(text: str) -> set[Phrase]:
    """The literals that a module gives to gettext."""
    found: set[Phrase] = set()
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        said = [each.value for each in call.args if isinstance(each, ast.Constant)]
        if call.func.id in _ONE and said and isinstance(said[0], str):
            found.add(said[0])
        elif call.func.id in _SEVERAL and len(said) >= 2:
            found.add((str(said[0]), str(said[1])))
    return found


def phrases_of_template(text: str) -> set[Phrase]:
    found: set[Phrase] = {
        one or other for each in (_TAG, _IN_EXPRESSION) for one, other in each.findall(text)
    }
    for options, one, many in _BLOCK.findall(text):
        named = [re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", part) for part in (one, many)]
        if "trimmed" in options:
            named = [" ".join(line.strip() for line in part.strip().splitlines()) for part in named]
        found.add((named[0], named[1]) if many else named[0])
    return found


def find_phrases(app: str) -> set[Phrase]:
    """All that an app says, its templates being those of `minirag`."""
    found: set[Phrase] = set()
    for text in _read_code(app):
        found |= phrases_of_code(text) | kept_of_code(text)
    found |= _phrases_of_models(app)
    if app == "minirag":
        for path in (ROOT / "templates").rglob("*.html"):
            found |= phrases_of_template(path.read_text())
        found |= _phrases_of_theme()
    return found


def find_kept(app: str) -> set[str]:
    """What an app keeps in English."""
    return {each for text in _read_code(app) for each in kept_of_code(text)}


def _read_code(app: str) -> Iterator[str]:
    for path in (ROOT / app).rglob("*.py"):
        if not {"tests", "migrations"} & set(path.parts):
            yield path.read_text()


def _phrases_of_models(app: str) -> set[Phrase]:
    shown = {
        model
        for site in (platform_site, tenant_site)
        for page in site._registry.values()
        for model in (page.model, *(inline.model for inline in page.inlines))
    }
    found: set[Phrase] = set()
    with override(None):
        found.add(str(apps.get_app_config(app).verbose_name))
        for model in own_models():
            if model._meta.app_label == app:
                words = list(words_of(model))
                found.update(words if model in shown else words[:2])
    return found - {""}


def _phrases_of_theme() -> set[Phrase]:
    """What Unfold says and Django's own catalogues lack: it has none of its own."""
    theme = _folder_of("unfold")
    found: set[Phrase] = set()
    for path in (*theme.rglob("*.html"), *theme.rglob("*.py")):
        if not _UNUSED & set(path.parts):
            read = phrases_of_template if path.suffix == ".html" else phrases_of_code
            found |= read(path.read_text())
    known: set[Any] = set()
    for folder in ("conf", "contrib/admin", "contrib/auth"):
        path = _folder_of("django") / folder / "locale"
        known |= set(gettext.translation(DOMAIN, path, ["de"])._catalog)  # type: ignore[attr-defined]
    return {each for each in found if each not in known and (each[0], 0) not in known}


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    return Path(str(spec and spec.origin)).parent


def catalogue_of(app: str, language: str) -> Path:
    return ROOT / app / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(app: str, language: str) -> list[Message]:
    """The translations as they stand in a file."""
    path = catalogue_of(app, language)
    if not path.exists():
        return []
    with path.open("rb") as file:
        return [message for message in read_po(file, locale=language) if message.id]


def bring_up_to_date(language: str) -> dict[str, Catalog]:
    """Keep what is translated and still said, in whichever file it stood; what is new stands there empty."""
    told = {
        each.id: each.string
        for app in APPS
        for each in read_catalogue(app, language)
        if each.string
    }
    made: dict[str, Catalog] = {}
    elsewhere: set[Phrase] = set()
    for app in APPS:
        catalogue = made[app] = Catalog(
            locale=language, domain=DOMAIN, project="MiniRAG", creation_date=DAY, revision_date=DAY
        )
        phrases = find_phrases(app)
        # A word that is said alone as well as counted has one entry, the counted one.
        phrases -= {each[0] for each in phrases if isinstance(each, tuple)}
        for phrase in sorted(phrases - elsewhere, key=str):
            plain = phrase[0] if isinstance(phrase, tuple) else phrase
            nothing = ("", "") if isinstance(phrase, tuple) else ""
            catalogue.add(phrase, told.get(phrase, told.get(plain, nothing)))
        elsewhere |= phrases
    return made


def build(language: str) -> None:
    for app, made in bring_up_to_date(language).items():
        path = catalogue_of(app, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(HEADER.format(language).encode())
            write_po(file, made, width=120, omit_header=True)
        for message in [each for each in made if each.id and not all(each.string or [""])]:
            made.delete(message.id)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, made)


if __name__ == "__main__":
    build_templates({str(each) for app in APPS for each in find_kept(app)})
    for each in LANGUAGES:
        build(each)
