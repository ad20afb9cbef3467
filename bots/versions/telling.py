"""Two configurations of a bot field by field, in the words of its form."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.core.validators import EMPTY_VALUES
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext, gettext_lazy, ngettext

from bots.appearance.looks import tell_appearance
from bots.masking_form import tell_masking
from bots.models import BotProfile, BotVersion
from bots.models.filters import tell_filter
from bots.versions.keeping import KEYS, OWN_KEY, find_changed, value_of
from bots.versions.parts import PARTS
from minirag.lib.comparing.texts import Comparison, compare_texts

_LABELS: Final = {
    KEYS: gettext_lazy("Provider keys"), OWN_KEY: gettext_lazy("An API key of its own"),
    "condense_model": gettext_lazy("Model that rewrites"), "fusion": gettext_lazy("How words and meaning are joined"),
}  # fmt: skip
_TEXTS: Final = frozenset(
    (
        "system_prompt", "greeting", "refusal_text", "description", "starter_questions", "allowed_origins",
    )
)  # fmt: skip
_LONGEST_IN_WORDS: Final = 60


@dataclass(frozen=True)
class FieldChange:
    """One setting in two configurations, as a person reads it; of texts with what became of each line."""

    name: str
    label: str
    before: str
    after: str
    text: Comparison | None = None

    @property
    def in_words(self) -> str:
        """`Temperature: 0.2 → 0.7`; of a text how many lines."""
        if self.text is None:
            pair = (Truncator(each).chars(_LONGEST_IN_WORDS) for each in (self.before, self.after))
            return f"{self.label}: {' → '.join(pair)}"
        added, removed = self.text.added, self.text.removed
        told = [
            ngettext("%d line added", "%d lines added", added) % added if added else "",
            ngettext("%d line removed", "%d lines removed", removed) % removed if removed else "",
        ]
        return f"{self.label}: {', '.join(filter(None, told)) or gettext('spaces and empty lines')}"


def compare_configurations(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    """What two configurations differ in, in the order of the bot's columns. Pure."""
    return [tell_field(name, value_of(old, name), new[name]) for name in find_changed(old, new)]


def tell_field(name: str, before: Any, after: Any) -> FieldChange:
    shown = tell_value(name, before), tell_value(name, after)
    text = (
        compare_texts(*(_as_text(name, each) for each in (before, after)))
        if name in _TEXTS or name in PARTS
        else None
    )
    return FieldChange(name, label_of(name), *shown, text)


def label_of(name: str) -> str:
    """What a setting is called; of one that there is no more its name."""
    if name in PARTS:
        return str(PARTS[name].label)
    if name in _LABELS:
        return str(_LABELS[name])
    try:
        column: Any = BotProfile._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    return capfirst(str(column.verbose_name))


def tell_value(name: str, value: Any) -> str:
    """A setting's value as a person reads it."""
    if name == "source_filter":
        return tell_filter(value or {})
    if name == "appearance":
        return tell_appearance(value or {})
    if name == "masking":
        return tell_masking(value or {})
    if name in PARTS:
        return _as_text(name, value) or "–"
    if name == KEYS:
        return ", ".join(f"{each['name']} ({each['provider']})" for each in value) or "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value in EMPTY_VALUES:
        return "–"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    try:
        choices = dict(getattr(BotProfile._meta.get_field(name), "flatchoices", None) or ())
    except FieldDoesNotExist:
        choices = {}
    return str(choices.get(value, value))


def _as_text(name: str, value: Any) -> str:
    if name in PARTS:
        return "\n".join(PARTS[name].tell(value))
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")


def tell_versions(versions: Iterable[BotVersion]) -> dict[uuid.UUID, list[FieldChange]]:
    """What each version changed, by its id; one more query, of however many bots they are."""
    rows = list(versions)
    known = {(row.bot_profile_id, row.number): row.configuration for row in rows}
    wanted = {(row.bot_profile_id, row.number - 1) for row in rows if row.number > 1} - known.keys()
    before = BotVersion.objects.filter(
        bot_profile_id__in={bot for bot, _ in wanted}, number__in={number for _, number in wanted}
    )
    for bot, number, configuration in before.values_list(
        "bot_profile_id", "number", "configuration"
    ):
        known.setdefault((bot, number), configuration)
    told = {}
    for row in rows:
        old = known.get((row.bot_profile_id, row.number - 1))
        told[row.pk] = compare_configurations(old, row.configuration) if old is not None else []
    return told
