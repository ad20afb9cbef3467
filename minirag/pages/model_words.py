"""The names of models and their fields, and the words to choose from, in the reader's language.

Most of them Django derives from the code (`created_at` is "created at"), and marking each would need a migration for
every word. So they are wrapped here once, at the start: a column's own definition stays as it is, and the words that
people read are looked up when a page shows them. `translating.pages` collects the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Field, Model
from django.utils.translation import gettext_lazy, override

_COUNT, _WHETHER = re.compile(r"(\w+) count"), re.compile(r"is (\w.*)")
_SHORT = {"char": "character"}


def own_models() -> Iterator[type[Model]]:
    """The models of our own apps, whose code lies beside `minirag`."""
    ours = {config.label for config in apps.get_app_configs() if is_ours(config.name)}
    return (model for model in apps.get_models() if model._meta.app_label in ours)


def is_ours(app: str) -> bool:
    return app in ("minirag", "tenants", "bots", "webhooks", "knowledge", "conversations")


def wrap_words() -> None:
    """Have every model's words translated when they are read; once per process."""
    for config in apps.get_app_configs():
        if is_ours(config.name):
            config.verbose_name = lazily(config.verbose_name)
    for model in own_models():
        options: Any = model._meta
        options.verbose_name = lazily(options.verbose_name)
        options.verbose_name_plural = lazily(options.verbose_name_plural)
        for field in (*options.local_fields, *options.local_many_to_many):
            _wrap_field(field)


def words_of(model: type[Model]) -> Iterator[str]:
    """What people may read of a model in English, as far as it is written in the code of no page."""
    options: Any = model._meta
    yield from (str(options.verbose_name), str(options.verbose_name_plural))
    for field in (*options.local_fields, *options.local_many_to_many):
        yield from (str(field.verbose_name), str(field.help_text))
        yield from (str(label) for _value, label in field.flatchoices)


def lazily(text: Any) -> Any:
    """Django makes a plural by adding an s to the word as it stands; ours is looked up as a whole."""
    with override(None):
        english = str(text)
    return gettext_lazy(english) if english else text


def name_plainly(name: str) -> str:
    """As people call what the code calls "chunk count" and "is active"."""
    if counted := _COUNT.fullmatch(name):
        return f"{_SHORT.get(counted[1], counted[1])}s"
    whether = _WHETHER.fullmatch(name)
    return whether[1] if whether else name


def _wrap_field(field: Field[Any, Any]) -> None:
    column: Any = field
    with override(None):
        column.verbose_name = lazily(name_plainly(str(column.verbose_name)))
    column.help_text = lazily(column.help_text)
    if column.choices:
        column.choices = [(value, lazily(label)) for value, label in column.flatchoices]
