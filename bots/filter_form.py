"""The part of a bot's form that says which sources it may answer from: a field each instead of JSON."""

from __future__ import annotations

import operator
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextInputWidget,
)

from bots.admin_fields import TagsField
from bots.models import BotProfile
from bots.models.filters import check_source_filter
from minirag.lib.text.language_table import LANGUAGES
from tenants.admin_site.searching import SearchSeveral
from tenants.admin_site.sites import tenant_site

_OF_FIELD: Final = {
    "filter_tags": "tags", "filter_languages": "languages", "filter_datasets": "dataset_ids",
    "filter_sources": "source_ids", "filter_from": "dated_from", "filter_until": "dated_until",
}  # fmt: skip
FILTER_FIELDS: Final = (
    "filter_tags", "filter_languages", "filter_datasets", "filter_sources", ("filter_from", "filter_until"),
)  # fmt: skip
FILTER_NAMES: Final = frozenset(_OF_FIELD)


_CHOICES: Final[list[tuple[str, str]]] = sorted(
    ((code, row.name) for code, row in LANGUAGES.items()), key=operator.itemgetter(1)
)


class SourceFilterFields(forms.Form):
    """All that is filled in has to hold. A source or dataset that is gone stays named: without it more would answer."""

    filter_tags = TagsField(
        label=_("Only with tags"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Divided by commas; a source, its parent or its dataset has one of them. Empty fields leave out "
        "nothing; where several are filled in, all of them have to hold."),
    )  # fmt: skip
    filter_languages = forms.MultipleChoiceField(
        label=_("Only in languages"), required=False, widget=UnfoldAdminSelect2MultipleWidget,
        choices=_CHOICES,
    )  # fmt: skip
    filter_datasets = forms.ModelMultipleChoiceField(
        BotProfile.objects.none(), label=_("Only in datasets"), required=False
    )
    filter_sources = forms.ModelMultipleChoiceField(
        BotProfile.objects.none(), label=_("Only these sources"), required=False
    )
    filter_from = forms.DateField(
        label=_("Dated from"), required=False, widget=UnfoldAdminDateWidget
    )
    filter_until = forms.DateField(
        label=_("Dated until"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=_("That day too."),
    )

    def show_filter(self, stored: dict[str, Any]) -> None:
        """Fill in what is stored, and let sources and datasets be found by typing."""
        for name, key in _OF_FIELD.items():
            if name in self.fields:
                self.fields[name].initial = stored.get(key)
        # Knowledge is above this app: what its models are called is known from what they say of bots.
        source = _model_behind(BotProfile, "sources")
        for name, holder, column in (
            ("filter_datasets", source, "dataset"),
            ("filter_sources", _model_behind(source, "documents"), "source"),
        ):
            if name in self.fields:
                field: Any = self.fields[name]
                relation: Any = holder._meta.get_field(column)
                field.queryset = relation.related_model._default_manager.all()
                field.widget = SearchSeveral(relation, tenant_site, choices=field.choices)

    def clean_filter(self, stored: dict[str, Any]) -> dict[str, Any]:
        """What the fields say as a filter, or `stored` where that is none; says then what is wrong with it."""
        said = {
            "tags": self.cleaned_data.get("filter_tags"),
            "languages": self.cleaned_data.get("filter_languages"),
            "dataset_ids": self._list_ids("filter_datasets", stored.get("dataset_ids")),
            "source_ids": self._list_ids("filter_sources", stored.get("source_ids")),
            "dated_from": _tell_day(self.cleaned_data.get("filter_from")),
            "dated_until": _tell_day(self.cleaned_data.get("filter_until")),
        }
        found = {key: value for key, value in said.items() if value}
        try:
            check_source_filter(found)
        except ValidationError as error:
            place = error.messages[0].partition(":")[0].partition(".")[0]
            field = next((name for name, key in _OF_FIELD.items() if key == place), "filter_until")
            self.add_error(field, error.messages[0])
            return stored
        return found

    def _list_ids(self, name: str, stored: list[str] | None) -> list[str]:
        chosen = [str(row.pk) for row in self.cleaned_data.get(name) or ()]
        field: Any = self.fields[name]
        there = set(
            map(str, field.queryset.filter(pk__in=stored or ()).values_list("pk", flat=True))
        )
        return [*chosen, *(each for each in stored or () if each not in there)]


def _model_behind(model: type[Model], name: str) -> type[Model]:
    relation: Any = model._meta.get_field(name)
    found: type[Model] = relation.related_model
    return found


def _tell_day(day: Any) -> str:
    return day.isoformat() if day else ""
