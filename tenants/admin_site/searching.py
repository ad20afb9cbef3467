"""Form fields whose rows are found by typing. What is sent for one and is no key at all is refused with a sentence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import (
    AutocompleteMixin,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst

from tenants.admin_site.lists import ListedAdmin


class _Searched(AutocompleteMixin):
    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Django looks up what was sent, and fails of what is no key at all: nothing is chosen then."""
        try:
            return super().optgroups(name, value, attr)
        except (ValidationError, ValueError):
            return super().optgroups(name, [""], attr)


class _Search(_Searched, AutocompleteSelect):
    pass


class SearchSeveral(_Searched, AutocompleteSelectMultiple):
    pass


class SearchedFields(ListedAdmin):
    """An admin whose `autocomplete_fields` are such."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            options.setdefault("widget", _Search(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **options)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            options.setdefault("widget", SearchSeveral(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **options)


def search_field(model: type[Model], name: str, site: AdminSite, rows: Any, **options: Any) -> Any:
    """A form field for one of `rows`, found by typing: it never lists them all.

    `name` is the foreign key of `model` that the admin's autocompletion follows to what is looked for.
    """
    column: Any = model._meta.get_field(name)
    widget = _Search(column, site)
    options.setdefault("label", capfirst(str(column.verbose_name)))
    return forms.ModelChoiceField(rows, widget=widget, **options)
